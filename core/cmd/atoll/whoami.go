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

func newWhoami() *cobra.Command {
	t := &target{}
	c := &cobra.Command{
		Use: "whoami", Short: "Say who you are to Atoll", Args: cobra.NoArgs,
		Example: "  atoll whoami\n  atoll whoami --context jane@atoll.example.com",
		RunE: func(c *cobra.Command, _ []string) error {
			return talk(c, t, func(ctx context.Context, api *client) error {
				var me account
				if err := api.call(ctx, http.MethodGet, "/api/v1/users/me", nil, &me); err != nil {
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
	return c
}
