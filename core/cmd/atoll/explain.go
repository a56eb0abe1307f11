// atoll explain: why somebody may or may not do something, and who could change
// that.

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const aboutExplain = `Say why you, or somebody else, may or may not do something, which role gives it,
and otherwise which roles would and who could give one.

Permissions are those of atoll get permissions; they are asked about on the
platform, in a workspace, a cluster or a project. About others may ask who sees
the members there.

It ends with 0 when it is allowed, and with 8 when it is not.`

// explanation is what the API answers.
type explanation struct {
	Allowed                         bool
	User, Permission, Scope, Reason string
	By                              *struct {
		Scope, Group, RoleName string
		Until                  *time.Time
	}
	Grant *struct {
		Scope    string
		Roles    []struct{ ID, Name string }
		Grantors []string
	}
}

func newExplain() *cobra.Command {
	t, w := &target{}, &where{}
	var user, format string
	c := &cobra.Command{
		Use: "explain PERMISSION", Short: "Say why somebody may or may not do something", Long: aboutExplain, Args: cobra.ExactArgs(1),
		Example: "  atoll explain pods.exec -p local/demo\n" +
			"  atoll explain members.manage -w red --user jane\n" +
			"  atoll explain users.view",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeNames(c, t, "permissions", place{}, nil)
		},
		RunE: func(c *cobra.Command, args []string) error {
			p, err := w.place()
			if err == nil {
				err = checkFormat(format, formatText, formatJSON, formatYAML)
			}
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				path := "/api/v1/access:explain?permission=" + url.QueryEscape(args[0])
				for name, value := range map[string]string{"workspace": p.workspace, "cluster": p.cluster, "project": p.project, "user": user} {
					if value != "" {
						path = withQuery(path, name, value)
					}
				}
				var all map[string]any
				if err := api.call(ctx, http.MethodGet, path, nil, &all); err != nil {
					return err
				}
				var e explanation
				if err := remake(all, &e); err != nil {
					return err
				}
				if format == formatText {
					e.write(c.OutOrStdout())
				} else if err := showValue(c.OutOrStdout(), all, format); err != nil {
					return err
				}
				if !e.Allowed {
					return &exitError{code: exitDiffers}
				}
				return nil
			})
		},
	}
	t.flags(c.Flags())
	w.flags(c, t)
	outputFlag(c, &format, formatText, formatJSON, formatYAML)
	w.clusterFlag(c, t, "`name` of a cluster")
	c.Flags().StringVar(&user, "user", "", "`name` of somebody else")
	completeFlag(c, t, "user", "users", func() place { return place{} })
	for _, place := range []string{"workspace", "project"} {
		c.MarkFlagsMutuallyExclusive("cluster", place)
	}
	return c
}

// write says it in words.
func (e explanation) write(out io.Writer) {
	may := "may not"
	if e.Allowed {
		may = "may"
	}
	fmt.Fprintf(out, "%s %s: %s (%s).\n%s\n", printable(e.User), may, printable(e.Permission), printable(e.Scope), printable(e.Reason))
	if e.By != nil && e.By.Until != nil {
		fmt.Fprintf(out, "It ends at %s.\n", e.By.Until.UTC().Format(time.RFC3339))
	}
	if e.Grant == nil {
		return
	}
	roles := make([]string, len(e.Grant.Roles))
	for i, r := range e.Grant.Roles {
		roles[i] = r.Name
	}
	fmt.Fprintf(out, "Roles in %s that have it: %s.\n", printable(e.Grant.Scope), printable(first(strings.Join(roles, ", "), "none")))
	if len(e.Grant.Grantors) > 0 {
		fmt.Fprintf(out, "Who could give one: %s.\n", printable(strings.Join(e.Grant.Grantors, ", ")))
	}
}
