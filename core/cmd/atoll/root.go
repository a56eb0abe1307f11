// The commands, and what a newcomer reads first.

package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/atoll-platform/atoll/core/server"
)

const about = `Atoll is a multi-tenant Kubernetes platform with a small core.

  atoll serve --config atoll.yaml     run it
  atoll recover-admin                 let its administrator in again, while it is stopped
  atoll login URL                     sign in for the commands that follow
  atoll get KIND                      show what is there: workspaces, projects, members, ...
  atoll apply -f FILE                 make things as documents say; atoll diff shows what would change
  atoll delete KIND NAME              delete it, after a yes
  atoll explain PERMISSION            why somebody may or may not, and who could change that
  atoll kubeconfig -o FILE            have kubectl go through Atoll, as who is signed in
  atoll ext install FOLDER|FILE.tar   put an extension into a running Atoll
  atoll ext list                      what is installed

Commands that talk to a running Atoll find it by --server and --token or
ATOLL_SERVER and ATOLL_TOKEN; else by the sign-in that atoll login keeps; else by
the run file of make run, build/run/atoll.json.`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use: "atoll", Short: "A multi-tenant Kubernetes platform with a small core", Long: about,
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	root.AddCommand(newServe(), newRecoverAdmin(), newLogin(), newLogout(), newContext(), newWhoami(), newGet(), newApply(), newDiff(), newDelete(), newExplain(), newToken(), newInvite(), newRequest(), newApprove(), newDecline(), newKubeconfig(), newExt(), newOpenAPI(), newVersion(), newExits())
	tellUsage(root)
	return root
}

func newOpenAPI() *cobra.Command {
	return &cobra.Command{
		Use: "openapi", Short: "Print the OpenAPI 3.1 document of the REST API", Args: cobra.NoArgs,
		Example: "  atoll openapi > openapi.json",
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := server.OpenAPI()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Example: "  atoll version",
		Run: func(c *cobra.Command, _ []string) {
			built := version
			if commit != "" {
				built += " (" + commit + ")"
			}
			fmt.Fprintf(c.OutOrStdout(), "atoll %s, %s, %s/%s\n", built, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
