// atoll whoami: whom the other commands act as, and where.

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

var whoamiFormats = []string{formatText, formatJSON, formatYAML, formatName}

func newWhoami() *cobra.Command {
	t := &target{}
	var format string
	c := &cobra.Command{
		Use: "whoami", Short: "Say who you are to Atoll", Args: cobra.NoArgs,
		Example: "  atoll whoami\n  atoll whoami --context jane@atoll.example.com\n  atoll whoami -o name",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkFormat(format, whoamiFormats...); err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				var all map[string]any
				if err := api.call(ctx, http.MethodGet, "/api/v1/users/me", nil, &all); err != nil {
					return err
				}
				switch format {
				case formatName:
					_, err := fmt.Fprintln(c.OutOrStdout(), printable(text(all["name"])))
					return err
				case formatJSON, formatYAML:
					return showValue(c.OutOrStdout(), all, format)
				}
				var me account
				if err := remake(all, &me); err != nil {
					return err
				}
				out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				row := func(name, value string) {
					if value != "" {
						fmt.Fprintf(out, "%s\t%s\n", name, printable(value))
					}
				}
				row("user", me.Name)
				row("name", me.DisplayName)
				row("server", api.base)
				row("provider", me.Provider)
				row("groups", strings.Join(me.Groups, ", "))
				row("platform roles", strings.Join(me.PlatformRoles, ", "))
				if !api.until.IsZero() {
					row("signed in until", api.until.UTC().Format(time.RFC3339))
				}
				return out.Flush()
			})
		},
	}
	t.flags(c.Flags())
	outputFlag(c, &format, whoamiFormats...)
	return c
}
