// atoll invite: a role for whoever has the link that it prints, once.

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

const aboutInvite = `Invite somebody to a role, and print the link to accept it at, this once.

Whoever has it gets the role, once, while you may give it: with an account that
they have, one of an identity provider, or a new one. Send it to them alone. What
stands behind the # is the secret: opening the link sends it to no server's log.

atoll get invitations lists those that wait, atoll delete invitation ID revokes
one; all three are for a workspace, a project or, without either, the platform.`

func newInvite() *cobra.Command {
	t, w := &target{}, &where{}
	var note, expiresIn string
	c := &cobra.Command{
		Use: "invite ROLE", Short: "Invite somebody to a role and print the link", Long: aboutInvite, Args: cobra.ExactArgs(1),
		Example: "  atoll invite workspace-member -w red --note 'For Ann Lee'\n" +
			"  atoll invite project-viewer -p local/demo --expires-in 24h\n" +
			"  atoll invite platform-member > link",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			p, _ := w.place()
			return completeNames(c, t, "roles", p, nil)
		},
		RunE: func(c *cobra.Command, args []string) error {
			p, err := w.place()
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				role, err := roleHere(ctx, api, p, args[0])
				if err != nil {
					return err
				}
				body := map[string]string{"role": role, "note": note}
				if expiresIn != "" {
					body["expiresIn"] = expiresIn
				}
				var made struct {
					ID, Token, RoleName string
					ExpiresAt           time.Time
				}
				if err := api.call(ctx, http.MethodPost, below("invitations")(p), body, &made); err != nil {
					return err
				}
				fmt.Fprintf(c.ErrOrStderr(), "The invitation %s to be %s of the %s is good once, until %s; it is not shown again.\n",
					made.ID, printable(made.RoleName), printable(p.String()), made.ExpiresAt.UTC().Format(time.RFC3339))
				_, err = fmt.Fprintln(c.OutOrStdout(), api.base+"/invitation#"+made.Token)
				return err
			})
		},
	}
	t.flags(c.Flags())
	w.flags(c, t)
	c.Flags().StringVar(&note, "note", "", "a `sentence` about whom it is for, to tell it from others")
	c.Flags().StringVar(&expiresIn, "expires-in", "", "`duration` after which it ends; 168h when left out")
	return c
}

// roleHere is the id of a role of a place, which was named by it or by its name.
// Who may not see the roles names them as the API does.
func roleHere(ctx context.Context, api *client, p place, wanted string) (string, error) {
	all, err := api.items(ctx, below("roles")(p))
	if isStatus(err, http.StatusForbidden) {
		return wanted, nil
	}
	if err != nil {
		return "", err
	}
	id, _, err := pickRole(all, wanted)
	if err == nil && id == "" {
		err = noRole(all, wanted)
	}
	return id, err
}
