// atoll apply and atoll diff: documents made true, and what that would change.

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"
)

const aboutApply = `Make things as documents say, and change nothing where they are so already.

A document says apiVersion: atoll.dev/v1, kind, metadata (name, and where the
thing lives: workspace, or cluster and project) and spec:

  Workspace     title, budget, clusters, podSecurity, isolated, serviceTypes, hosts
  Project       metadata.cluster; workspace, title, quota, containers, adopt
  Member        metadata.name is a user; in a workspace or project; role
  MemberGroup   metadata.name is a group; in a workspace or project; role
  Role          on the platform or in a workspace; kind, title, description, permissions
  User          displayName, disabled, platformRoles
  Group         on the platform or in a workspace; displayName, origin, externalID,
                members, platformRoles
  Robot         in a workspace; displayName, disabled

Of a Workspace, Project and Role what is left out has its default; of the others
it stays as it is. Roles are named by their names or ids. atoll get -o yaml writes
such documents; a status in them is not looked at.

All documents are checked before anything is sent. They are applied in their
order; the first that Atoll refuses ends it, and what was done before stays.
What somebody else changes meanwhile is not overwritten: it is a conflict.`

// documents are the flags of commands that read documents.
type documents struct{ files []string }

func (d *documents) flag(c *cobra.Command) {
	c.Flags().StringArrayVarP(&d.files, "filename", "f", nil, "`file` with documents, a folder of such files, or - for standard input; may be repeated")
}

func newApply() *cobra.Command {
	t, d := &target{}, &documents{}
	var dry, showDiff bool
	c := &cobra.Command{
		Use: "apply -f FILE", Short: "Make things as documents say", Long: aboutApply, Args: cobra.NoArgs,
		Example: "  atoll apply -f tenants.yaml\n" +
			"  atoll apply -f tenants/ --dry-run --diff\n" +
			"  atoll get roles -w red -o yaml | atoll apply -f -",
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := d.read(c)
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				a := &applier{planner: newPlanner(api, !dry), out: c.OutOrStdout(), diff: showDiff, counts: map[string]int{}}
				return a.all(ctx, all)
			})
		},
	}
	t.flags(c.Flags())
	d.flag(c)
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	c.Flags().BoolVar(&showDiff, "diff", false, "show what is different")
	return c
}

const aboutDiff = `Show what atoll apply would change. Nothing is written.

It ends with 8 where something differs, and with 0 where nothing does.`

func newDiff() *cobra.Command {
	t, d := &target{}, &documents{}
	c := &cobra.Command{
		Use: "diff -f FILE", Short: "Show what apply would change", Long: aboutDiff, Args: cobra.NoArgs,
		Example: "  atoll diff -f tenants.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := d.read(c)
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				p := newPlanner(api, false)
				differ := 0
				for _, s := range all {
					plan, err := p.plan(ctx, s)
					if err != nil {
						return err
					}
					if plan.result() == asItWas {
						continue
					}
					differ++
					if err := plan.write(c.OutOrStdout()); err != nil {
						return err
					}
				}
				if differ > 0 {
					return &exitError{code: exitDiffers}
				}
				return nil
			})
		},
	}
	t.flags(c.Flags())
	d.flag(c)
	return c
}

// read reads the documents.
func (d *documents) read(c *cobra.Command) ([]source, error) {
	if len(d.files) == 0 {
		return nil, wrongUse("which documents? Say -f FILE, or -f - for standard input")
	}
	return readSources(d.files, c.InOrStdin())
}

// applier applies documents and tells what becomes of them.
type applier struct {
	*planner
	out    io.Writer
	diff   bool
	counts map[string]int
}

// all applies documents in their order, until one is refused.
func (a *applier) all(ctx context.Context, all []source) error {
	for i, s := range all {
		if err := a.one(ctx, s); err != nil {
			if !a.writes || len(all) == 1 {
				return err
			}
			return fmt.Errorf("%w\n%s before it: %s. %s after it: not tried.", err, documentCount(i), a.tally(), documentCount(len(all)-i-1))
		}
	}
	would := ""
	if !a.writes {
		would = " (nothing was written)"
	}
	_, err := fmt.Fprintf(a.out, "%s: %s%s.\n", documentCount(len(all)), a.tally(), would)
	return err
}

func documentCount(n int) string {
	if n == 1 {
		return "1 document"
	}
	return fmt.Sprintf("%d documents", n)
}

// tally says how many became what.
func (a *applier) tally() string {
	var parts []string
	for _, result := range []string{isCreated, isChanged, asItWas} {
		if n := a.counts[result]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, result))
		}
	}
	return first(strings.Join(parts, ", "), "nothing done")
}

func (a *applier) one(ctx context.Context, s source) error {
	plan, err := a.plan(ctx, s)
	if err != nil {
		return err
	}
	result := plan.result()
	if a.diff && result != asItWas {
		if err := plan.write(a.out); err != nil {
			return err
		}
	}
	said := result
	if a.writes {
		once, err := a.doOrAgain(ctx, s, plan)
		if once != "" {
			said += "; the password for the first sign-in, shown this once: " + once
		}
		if err != nil {
			if once != "" { // the account is there, and nobody else will say it
				fmt.Fprintf(a.out, "%s: %s\n", s, printable(said))
			}
			return err
		}
	} else if result != asItWas {
		said = "would be " + result
	}
	a.counts[result]++
	_, err = fmt.Fprintf(a.out, "%s: %s\n", s, printable(said))
	return err
}

// doOrAgain takes the steps of a plan, each only while what it changes is as it was
// read. When it is not, it is read once more: where nothing of what the document is
// about was changed by somebody else, the rest is done.
func (a *applier) doOrAgain(ctx context.Context, s source, plan change) (once string, err error) {
	once, err = a.do(ctx, plan)
	if !isStatus(err, http.StatusPreconditionFailed) {
		return once, err
	}
	now, readErr := a.plan(ctx, s)
	if readErr != nil {
		return once, readErr
	}
	if others := now.changedSince(plan); len(others) > 0 || now.there != plan.there {
		what := ""
		if len(others) > 0 {
			what = " (" + strings.Join(others, ", ") + ")"
		}
		return once, s.wrap("", &exitError{exitConflict, fmt.Errorf("%s: conflict: somebody else has changed it%s while this was applied; atoll diff shows what is there now, and atoll apply takes the document as it is", s, what)})
	}
	_, err = a.do(ctx, now)
	if isStatus(err, http.StatusPreconditionFailed) {
		err = fmt.Errorf("conflict: others change it all the time; apply it again later: %w", err)
	}
	return once, err
}

// write shows the difference between what is there and what is wanted.
func (c change) write(out io.Writer) error {
	now, err := specText(c.now)
	if err != nil {
		return err
	}
	want, err := specText(c.want)
	if err != nil {
		return err
	}
	from := c.String()
	if !c.there {
		from = "nothing"
	}
	diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: linesOf(now), B: linesOf(want), FromFile: from, ToFile: c.String(), Context: 3,
	})
	if err != nil {
		return err
	}
	if diff == "" { // there is nothing to say of it but its name
		diff = fmt.Sprintf("--- %s\n+++ %s\n", from, c)
	}
	_, err = io.WriteString(out, printable(diff))
	return err
}

// linesOf are the lines of a text, each with its end.
func linesOf(s string) []string { return slices.Collect(strings.Lines(s)) }
