// atoll delete: taking away what is there, after a yes.

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const aboutDelete = `Delete things by their names, after a yes.

A workspace, a project and a user go with all that belongs to them, for good:
their name has to be typed once more. --yes says it where nobody is at the
terminal. Deleting a token or an invitation revokes it, deleting an access request
takes it back.
Who is taken out of a project or a workspace may leave service accounts,
bindings and tokens behind: they are listed, and revoked with --revoke, or later by deleting the
leftovers of that user.
Extensions are removed with atoll ext remove.

With -f the things of documents are deleted, the last one first; what is not
there any more is fine.`

type deleteFlags struct{ yes, ignoreMissing, revoke bool }

func newDelete() *cobra.Command {
	t, w := &target{}, &where{}
	d := &documents{}
	var f deleteFlags
	c := &cobra.Command{
		Use: "delete KIND NAME... | -f FILE", Short: "Delete what is there, after a yes", Long: aboutDelete,
		Args: func(c *cobra.Command, args []string) error {
			if len(d.files) > 0 {
				return cobra.NoArgs(c, args)
			}
			return cobra.MinimumNArgs(2)(c, args)
		},
		Example: "  atoll delete member jane -w red\n" +
			"  atoll delete project local/demo\n" +
			"  atoll delete workspace red --yes\n" +
			"  atoll delete -f tenants.yaml",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return kindNames(func(k *kind) bool { return k.remove != nil }), cobra.ShellCompDirectiveNoFileComp
			}
			p, _ := w.place()
			return completeNames(c, t, args[0], p, args[1:])
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(d.files) > 0 {
				return f.deleteDocuments(c, t, d)
			}
			k, err := kindOf(args[0])
			if err != nil {
				return err
			}
			if k.remove == nil {
				return wrongUse("%s are not deleted here; those are: %s", k.plural, kindList(func(k *kind) bool { return k.remove != nil }))
			}
			p, err := w.place()
			if err == nil {
				err = k.at(p)
			}
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				for _, name := range args[1:] {
					all, err := k.some(ctx, api, p, []string{name})
					if f.ignoreMissing && isStatus(err, http.StatusNotFound) {
						continue
					}
					if err == nil {
						err = f.delete(ctx, c, api, k, p, all[0])
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	t.flags(c.Flags())
	w.flags(c, t)
	w.robotFlag(c, t)
	d.flag(c)
	for _, place := range []string{"workspace", "project"} {
		c.MarkFlagsMutuallyExclusive("filename", place)
	}
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.revoke, "revoke", false, "of members: revoke what they made in projects that gives rights")
	c.Flags().BoolVar(&f.ignoreMissing, "ignore-not-found", false, "what is not there is fine")
	return c
}

// deleteDocuments deletes the things of documents, the last one first: what lives
// in another thing stands after it.
func (f deleteFlags) deleteDocuments(c *cobra.Command, t *target, d *documents) error {
	all, err := d.read(c)
	if err != nil {
		return err
	}
	return talk(c, t, func(ctx context.Context, api *client) error {
		for _, s := range slices.Backward(all) {
			found, err := s.kind.one(ctx, api, s.Metadata.place(), s.Metadata.Name)
			if isStatus(err, http.StatusNotFound) {
				fmt.Fprintf(c.OutOrStdout(), "%s is not there.\n", s)
				continue
			}
			if err == nil {
				err = f.delete(ctx, c, api, s.kind, place{}, found)
			}
			if err != nil {
				return s.wrap("", err)
			}
		}
		return nil
	})
}

// delete deletes one thing, if the person wants that.
func (f deleteFlags) delete(ctx context.Context, c *cobra.Command, api *client, k *kind, p place, d document) error {
	var err error
	if k.asks && !f.yes {
		err = typeName(c, d)
	} else {
		err = agree(c, f.yes, "Delete the "+d.String()+"?")
	}
	if err != nil {
		return err
	}
	at := d.Metadata.place() // where it is defined
	at.robot = p.robot
	path := k.remove(at, first(text(d.Status["id"]), d.Metadata.Name))
	if k.confirms {
		path = withQuery(path, "confirm", d.Metadata.Name)
	}
	if f.revoke && k.name == "Member" && (d.Metadata.Project != "" || d.Metadata.Workspace != "") {
		path = withQuery(path, "revoke", "true")
	}
	var left leftBehind
	if err := api.call(ctx, http.MethodDelete, path, nil, &left); err != nil {
		return fmt.Errorf("deleting the %s: %w", d, err)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s is deleted.\n", d)
	left.write(c.OutOrStdout())
	return nil
}

// leftBehind is what somebody who was taken out of a project or a workspace leaves
// behind.
type leftBehind struct {
	Leftovers []struct {
		Cluster, Project, Kind, Name string
		Member, Revoked              bool
	}
}

// write says it in a sentence for each fate; nothing where nothing is left.
func (l leftBehind) write(out io.Writer) {
	var left, kept, revoked []string
	for _, one := range l.Leftovers {
		name := one.Kind + " " + one.Name + " in " + one.Cluster + "/" + one.Project
		switch {
		case one.Revoked:
			revoked = append(revoked, name)
		case one.Member:
			kept = append(kept, name)
		default:
			left = append(left, name)
		}
	}
	for _, fate := range []struct {
		what string
		all  []string
	}{{"Revoked: ", revoked}, {"Kept, for the other roles that this person has there: ", kept}, {"Left behind, and giving rights yet: ", left}} {
		if len(fate.all) > 0 {
			fmt.Fprintf(out, "%s\n", printable(fate.what+strings.Join(fate.all, ", ")))
		}
	}
}

// typeName wants the name of a thing once more.
func typeName(c *cobra.Command, d document) error {
	in := c.InOrStdin()
	if f, ok := in.(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		return wrongUse("%w: nobody is at the terminal to type the name; --yes says it", errNo)
	}
	fmt.Fprintf(c.ErrOrStderr(), "This deletes the %s and what belongs to it, for good.\n", d)
	typed, err := newPrompter(c).ask("Its name once more")
	if err != nil {
		return fmt.Errorf("%w: %w", errNo, err)
	}
	if typed != d.Metadata.Name {
		return wrongUse("%w: its name is %s", errNo, printable(d.Metadata.Name))
	}
	return nil
}
