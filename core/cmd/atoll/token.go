// atoll token create: credentials for programs.

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

const aboutTokenCreate = `Make an API token and print it, this once.

It may do what you may, or less: --read-only, --permission (of atoll get
permissions) and --in bound it. With --robot it is one of a robot of the workspace,
and may do what the robot may; who makes it must have that themselves. A token that
is made by a token does not outlive it.

atoll get tokens lists your tokens, atoll delete token ID revokes one; both take
--workspace and --robot for those of a robot.`

// newTokenBody is what the API makes a token of.
type newTokenBody struct {
	Name        string       `json:"name"`
	ExpiresIn   string       `json:"expiresIn,omitempty"`
	ReadOnly    bool         `json:"readOnly,omitempty"`
	Permissions []string     `json:"permissions,omitempty"`
	Scopes      []tokenScope `json:"scopes,omitempty"`
}

// tokenScope is where a token is good.
type tokenScope struct {
	Workspace string `json:"workspace,omitempty"`
	Cluster   string `json:"cluster,omitempty"`
	Project   string `json:"project,omitempty"`
}

func newToken() *cobra.Command {
	t := &target{}
	c := &cobra.Command{
		Use: "token", Short: "API tokens for programs", Args: cobra.NoArgs,
		Long: "API tokens for programs. atoll get tokens lists them, atoll delete token ID revokes one.",
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	t.flags(c.PersistentFlags())
	c.AddCommand(newTokenCreate(t))
	return c
}

func newTokenCreate(t *target) *cobra.Command {
	var w where
	var scopes []string
	body := newTokenBody{}
	c := &cobra.Command{
		Use: "create NAME", Short: "Make an API token and print it", Long: aboutTokenCreate, Args: cobra.ExactArgs(1),
		Example: "  atoll token create laptop --expires-in 24h\n" +
			"  atoll token create dashboard --read-only --in red --in local/demo\n" +
			"  atoll token create deploy -w red --robot ci --permission workloads.manage > token",
		RunE: func(c *cobra.Command, args []string) error {
			p, err := w.place()
			if err != nil {
				return err
			}
			if (p.robot == "") != (p.workspace == "") {
				return wrongUse("a robot is named by --workspace and --robot; where your own token is good is said by --in")
			}
			body.Name, body.Scopes = args[0], nil
			for _, s := range scopes {
				scope := tokenScope{Workspace: s}
				if cluster, project, ok := splitProject(s); ok {
					scope = tokenScope{Cluster: cluster, Project: project}
				}
				body.Scopes = append(body.Scopes, scope)
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				var made struct {
					ID, Token string
					ExpiresAt time.Time
				}
				if err := api.call(ctx, http.MethodPost, tokensOf(p), body, &made); err != nil {
					return err
				}
				fmt.Fprintf(c.ErrOrStderr(), "The token %s is good until %s; it is not shown again.\n", made.ID, made.ExpiresAt.UTC().Format(time.RFC3339))
				_, err := fmt.Fprintln(c.OutOrStdout(), made.Token)
				return err
			})
		},
	}
	w.workspaceFlag(c, t)
	w.robotFlag(c, t)
	c.Flags().StringVar(&body.ExpiresIn, "expires-in", "", "`duration` after which it ends; 720h when left out")
	c.Flags().BoolVar(&body.ReadOnly, "read-only", false, "for reading only")
	c.Flags().StringArrayVar(&body.Permissions, "permission", nil, "a `permission` that it is good for, of those that you have; may be repeated")
	c.Flags().StringArrayVar(&scopes, "in", nil, "where it is good: a `WORKSPACE`, or a project as CLUSTER/NAME; may be repeated")
	mustComplete(c, "permission", func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return completeNames(c, t, "permissions", place{}, body.Permissions)
	})
	mustComplete(c, "in", func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		workspaces, _ := completeNames(c, t, "workspaces", place{}, scopes)
		projects, directive := completeNames(c, t, "projects", place{}, scopes)
		return append(workspaces, projects...), directive
	})
	return c
}

// tokensOf are the tokens of who asks, or of a robot of a workspace.
func tokensOf(p place) string {
	if p.robot == "" {
		return "/api/v1/tokens"
	}
	return oneBelow("robots")(p, p.robot) + "/tokens"
}
