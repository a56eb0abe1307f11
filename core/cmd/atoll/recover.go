// atoll recover-admin.

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/atoll-platform/atoll/core/server"
)

const aboutRecover = `Lets an administrator in again who has lost the password or the second factor.
Stop Atoll first, and run this as the user that Atoll runs as, on its machine.

The administrator gets a random password, printed once, that has to be changed at
the first sign-in. The second factor is off, a disabled one is let in, and their
sessions and API tokens have ended. It is written to the audit log.`

func newRecoverAdmin() *cobra.Command {
	var file, data, user string
	c := &cobra.Command{
		Use: "recover-admin", Short: "Give an administrator of a stopped Atoll a new password", Long: aboutRecover, Args: cobra.NoArgs,
		Example: "  atoll recover-admin --config atoll.yaml --user admin",
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := server.LoadConfig(file, func(config *server.Config) {
				if data != "" {
					config.DataDir = data
				}
			})
			if err != nil {
				return err
			}
			name, password, err := server.RecoverAdministrator(c.Context(), config, user)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "\n   user      %s\n   password  %s\n\n   It is shown this once and has to be changed at the first sign-in.\n   The second factor is off; sessions and API tokens have ended.\n\n", name, password)
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&file, "config", "c", "", "configuration `file` (atoll.yaml)")
	f.StringVar(&data, "data-dir", "", "`folder` of the store, where it is not the configuration's")
	f.StringVar(&user, "user", "", "`name` of the administrator; left out, the only one that there is")
	return c
}
