// atoll request, approve, decline: asking for access, and deciding about it.

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

const aboutRequest = `Ask for a role, or for a permission, in a workspace, a project or on the platform.

Whoever may manage the members there sees it (atoll get accessrequests) and
approves or declines it. atoll delete accessrequest ID takes it back. The answer
does not tell whether there is such a place.`

// request is an access request as the API answers.
type request struct {
	ID, User, State, Given string
	Until                  *time.Time
}

func newRequest() *cobra.Command {
	t, w := &target{}, &where{}
	var permission, reason string
	c := &cobra.Command{
		Use: "request [ROLE]", Short: "Ask for a role or a permission", Long: aboutRequest, Args: cobra.MaximumNArgs(1),
		Example: "  atoll request project-developer -p local/demo --reason 'I am on call this week.'\n" +
			"  atoll request --permission pods.exec -p local/demo --reason 'The shop is down.'",
		RunE: func(c *cobra.Command, args []string) error {
			p, err := w.place()
			if err != nil {
				return err
			}
			role := first(args...)
			if (role == "") == (permission == "") {
				return wrongUse("for what? Name a role, or say --permission")
			}
			if reason == "" {
				return wrongUse("why? Say --reason, for whoever decides")
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				body := map[string]string{"reason": reason}
				for key, value := range map[string]string{"role": role, "permission": permission, "workspace": p.workspace, "cluster": p.cluster, "project": p.project} {
					if value != "" {
						body[key] = value
					}
				}
				var made request
				if err := api.call(ctx, http.MethodPost, "/api/v1/access-requests", body, &made); err != nil {
					return err
				}
				_, err := fmt.Fprintf(c.OutOrStdout(), "access request %s is %s.\n", printable(made.ID), printable(made.State))
				return err
			})
		},
	}
	t.flags(c.Flags())
	w.flags(c, t)
	c.Flags().StringVar(&permission, "permission", "", "ask for a `permission` instead of a role")
	c.Flags().StringVar(&reason, "reason", "", "why, in a `sentence`")
	completeFlag(c, t, "permission", "permissions", func() place { return place{} })
	return c
}

func newApprove() *cobra.Command {
	var role, expiresIn, comment string
	c := newDecision("approve ID", "Approve an access request", "  atoll approve 7f3c --for 8h\n  atoll approve 7f3c --role project-viewer --comment 'Reading must do.'", func() map[string]any {
		body := map[string]any{"approve": true}
		for key, value := range map[string]string{"role": role, "expiresIn": expiresIn, "comment": comment} {
			if value != "" {
				body[key] = value
			}
		}
		return body
	})
	c.Flags().StringVar(&role, "role", "", "the `role` to give, instead of the one that was asked for; where a permission was, one has to be said")
	c.Flags().StringVar(&expiresIn, "for", "", "a `duration` after which the role ends by itself; it stays when left out")
	c.Flags().StringVar(&comment, "comment", "", "a `sentence` for whoever asked")
	return c
}

func newDecline() *cobra.Command {
	var comment string
	c := newDecision("decline ID", "Decline an access request", "  atoll decline 7f3c --comment 'Ask the owners of the shop.'", func() map[string]any {
		body := map[string]any{"approve": false}
		if comment != "" {
			body["comment"] = comment
		}
		return body
	})
	c.Flags().StringVar(&comment, "comment", "", "a `sentence` for whoever asked")
	return c
}

// newDecision is a command that decides about a request.
func newDecision(use, short, example string, body func() map[string]any) *cobra.Command {
	t := &target{}
	c := &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.ExactArgs(1),
		Long: short + ". For who may manage the members of the place (users, on the platform), has\neverything that the role gives, and is somebody else. atoll get accessrequests lists them.",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completeNames(c, t, "accessrequests", place{}, nil)
		},
		RunE: func(c *cobra.Command, args []string) error {
			return talk(c, t, func(ctx context.Context, api *client) error {
				var r request
				if err := api.call(ctx, http.MethodPost, oneBelow("access-requests")(place{}, args[0])+"/decision", body(), &r); err != nil {
					return err
				}
				said := fmt.Sprintf("access request %s of %s is %s", r.ID, r.User, r.State)
				if r.Given != "" {
					said += ", with the role " + r.Given
				}
				if r.Until != nil {
					said += " until " + r.Until.UTC().Format(time.RFC3339)
				}
				_, err := fmt.Fprintf(c.OutOrStdout(), "%s.\n", printable(said))
				return err
			})
		},
	}
	t.flags(c.Flags())
	return c
}
