// atoll ext: extensions of a running Atoll.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/atoll-platform/atoll/core/server"
)

func newExt() *cobra.Command {
	t := &target{}
	ext := &cobra.Command{
		Use: "ext", Short: "Extensions of a running Atoll",
		Long: "Extensions of a running Atoll. An extension starts with no power: what it asks for is shown, and nothing is installed without a yes.",
		Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	t.flags(ext.PersistentFlags())
	ext.AddCommand(newExtInstall(t), newExtReview(t), newExtList(t), newExtRemove(t), newExtRecord(t), newExtReplay())
	return ext
}

type ask struct {
	Kind, Text, Reason, Rule string
	Dangerous                bool
}

type reviewed struct {
	Name, Version, Publisher, Title, Description, Digest, Consent, Installed string
	Asks                                                                     []ask
}

func newExtInstall(t *target) *cobra.Command {
	var yes bool
	var module string
	c := &cobra.Command{
		Use: "install FOLDER|FILE.tar", Short: "Show what an extension asks for and, after a yes, install it", Args: cobra.ExactArgs(1),
		Example: "  atoll ext install extensions/hello --module build/extensions/hello.wasm\n  atoll ext install hello.tar --yes",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := readPackage(args[0], module)
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				var r reviewed
				if err := api.call(ctx, http.MethodPost, "/api/v1/extensions:review", text, &r); err != nil {
					return err
				}
				showReview(c.OutOrStdout(), r)
				if err := agree(c, yes, fmt.Sprintf("Install %s %s with this?", r.Name, r.Version)); err != nil {
					return err
				}
				if err := api.call(ctx, http.MethodPost, "/api/v1/extensions?consent="+url.QueryEscape(r.Consent), text, nil); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s %s is installed.\n", printable(r.Name), printable(r.Version))
				return nil
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "the answer is yes, whatever it asks for")
	c.Flags().StringVar(&module, "module", "", "compiled module (`FILE.wasm`), where it does not lie in the folder")
	return c
}

func newExtReview(t *target) *cobra.Command {
	var module string
	c := &cobra.Command{
		Use: "review FOLDER|FILE.tar", Short: "Show what an extension asks for; installs nothing", Args: cobra.ExactArgs(1),
		Example: "  atoll ext review hello.tar",
		RunE: func(c *cobra.Command, args []string) error {
			text, err := readPackage(args[0], module)
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				var r reviewed
				if err := api.call(ctx, http.MethodPost, "/api/v1/extensions:review", text, &r); err != nil {
					return err
				}
				showReview(c.OutOrStdout(), r)
				return nil
			})
		},
	}
	c.Flags().StringVar(&module, "module", "", "compiled module (`FILE.wasm`), where it does not lie in the folder")
	return c
}

func newExtList(t *target) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what is installed", Args: cobra.NoArgs,
		Example: "  atoll ext list",
		RunE: func(c *cobra.Command, _ []string) error {
			return talk(c, t, func(ctx context.Context, api *client) error {
				out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 3, ' ', 0)
				fmt.Fprintln(out, "NAME\tVERSION\tPHASE\tINSTALLED BY\tTITLE")
				for next := ""; ; {
					var list struct {
						Items []struct {
							Name, Version, Phase, Title, InstalledBy string
							Builtin                                  bool
						}
						Continue string
					}
					if err := api.call(ctx, http.MethodGet, "/api/v1/extensions?continue="+url.QueryEscape(next), nil, &list); err != nil {
						return err
					}
					for _, e := range list.Items {
						by := e.InstalledBy
						if e.Builtin {
							by = "(came with Atoll)"
						}
						fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", printable(e.Name), printable(e.Version), printable(e.Phase), printable(by), printable(e.Title))
					}
					if next = list.Continue; next == "" {
						return out.Flush()
					}
				}
			})
		},
	}
}

func newExtRemove(t *target) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "remove NAME", Short: "Remove an extension with everything that it brought", Args: cobra.ExactArgs(1), ValidArgsFunction: completeExtension(t),
		Example: "  atoll ext remove hello",
		RunE: func(c *cobra.Command, args []string) error {
			return talk(c, t, func(ctx context.Context, api *client) error {
				path := "/api/v1/extensions/" + url.PathEscape(args[0])
				var e struct{ Name, Version string }
				if err := api.call(ctx, http.MethodGet, path, nil, &e); err != nil {
					return err
				}
				if err := agree(c, yes, fmt.Sprintf("Remove %s %s, with its pages and everything that it keeps?", e.Name, e.Version)); err != nil {
					return err
				}
				if err := api.call(ctx, http.MethodDelete, path, nil, nil); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s is removed.\n", printable(e.Name))
				return nil
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// talk connects, does something, and leaves.
func talk(c *cobra.Command, t *target, do func(context.Context, *client) error) error {
	api, err := t.connect(c.Context())
	if err != nil {
		return err
	}
	defer api.close()
	return do(c.Context(), api)
}

// readPackage reads a package, or makes one of a folder.
func readPackage(name, module string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading the extension: %w", err)
	}
	if info.IsDir() {
		text, err := server.PackFolder(name, module)
		if errors.Is(err, os.ErrNotExist) && strings.Contains(err.Error(), ".wasm") {
			return nil, fmt.Errorf("%w\nCompile it first, for Go with: GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared; or name the file with --module", err)
		}
		return text, err
	}
	if info.Size() > server.MaxPackage {
		return nil, fmt.Errorf("%s has %d bytes; a package has %d at most", name, info.Size(), server.MaxPackage)
	}
	return os.ReadFile(name)
}

// showReview prints what an extension asks for. The words are its author's, so
// that nothing of them may steer the terminal.
func showReview(out io.Writer, r reviewed) {
	fmt.Fprintf(out, "\n%s  %s %s, published by %s\n", printable(r.Title), printable(r.Name), printable(r.Version), printable(r.Publisher))
	if r.Description != "" {
		fmt.Fprintf(out, "%s\n", printable(r.Description))
	}
	fmt.Fprintf(out, "%s\n", printable(r.Digest))
	if r.Installed != "" {
		fmt.Fprintf(out, "Replaces version %s.\n", printable(r.Installed))
	}
	fmt.Fprintln(out)
	if len(r.Asks) == 0 {
		fmt.Fprint(out, "It asks for nothing.\n\n")
		return
	}
	fmt.Fprintln(out, "It asks to:")
	for _, a := range r.Asks {
		mark := "  -"
		if a.Dangerous {
			mark = "  ! DANGEROUS:"
		}
		fmt.Fprintf(out, "%s %s\n", mark, printable(a.Text))
		if a.Reason != "" {
			fmt.Fprintf(out, "      why: %s\n", printable(a.Reason))
		}
	}
	fmt.Fprintln(out)
}

var errNo = errors.New("nothing was changed")

// agree wants a yes on the terminal.
func agree(c *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	in := c.InOrStdin()
	if f, ok := in.(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		return fmt.Errorf("%w: nobody is at the terminal to say yes; --yes says it", errNo)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s [y/N] ", printable(question))
	answer, err := bufio.NewReader(io.LimitReader(in, 100)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errNo
}

// printable keeps text that others wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
