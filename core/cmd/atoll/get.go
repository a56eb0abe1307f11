// atoll get: what is there, as tables and as documents.

package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

const aboutGet = `Show what is there, and what you may see of it.

Things live on the platform, in a workspace (--workspace NAME) or in a project
(--project CLUSTER/NAME, as a project's name is good in its cluster only):

  workspaces (ws)   users   tokens   extensions (ext)   clusters   permissions
  projects          of all that you see, of a workspace or --cluster
  members, roles    of the platform, a workspace or a project
  groups            of the platform or a workspace
  robots            of a workspace
  invitations       of the platform, a workspace or a project: those that wait
  leftovers         of a project: what people made there that gives rights
  accessrequests    your own, and those that you may decide about (ar)
  audit             who did what; atoll get audit --help

-o yaml and -o json give documents, with all that Atoll says about a thing in the
status; atoll apply reads them.`

// where are the flags that say where things live.
type where struct{ workspace, project, cluster, robot string }

func (w *where) flags(c *cobra.Command, t *target) {
	w.workspaceFlag(c, t)
	c.Flags().StringVarP(&w.project, "project", "p", "", "a project, as `CLUSTER/NAME`")
	c.MarkFlagsMutuallyExclusive("workspace", "project")
	completeFlag(c, t, "project", "projects", func() place { return place{} })
}

func (w *where) workspaceFlag(c *cobra.Command, t *target) {
	c.Flags().StringVarP(&w.workspace, "workspace", "w", "", "`name` of a workspace")
	completeFlag(c, t, "workspace", "workspaces", func() place { return place{} })
}

func (w *where) robotFlag(c *cobra.Command, t *target) {
	c.Flags().StringVar(&w.robot, "robot", "", "`name` of a robot of the workspace, for its tokens")
	completeFlag(c, t, "robot", "robots", func() place { return place{workspace: w.workspace} })
}

func (w *where) clusterFlag(c *cobra.Command, t *target, usage string) {
	c.Flags().StringVar(&w.cluster, "cluster", "", usage)
	completeFlag(c, t, "cluster", "clusters", func() place { return place{} })
}

// place is the place that the flags say.
func (w *where) place() (place, error) {
	p := place{workspace: w.workspace, cluster: w.cluster, robot: w.robot}
	if w.project == "" {
		return p, nil
	}
	var ok bool
	if p.cluster, p.project, ok = splitProject(w.project); !ok {
		return p, wrongUse("--project %q: expected CLUSTER/NAME, such as local/demo", w.project)
	}
	return p, nil
}

func splitProject(s string) (cluster, name string, ok bool) {
	cluster, name, ok = strings.Cut(s, "/")
	return cluster, name, ok && cluster != "" && name != "" && !strings.Contains(name, "/")
}

func newGet() *cobra.Command {
	t, w := &target{}, &where{}
	var format, filter, sort string
	c := &cobra.Command{
		Use: "get KIND [NAME...]", Short: "Show what is there", Long: aboutGet, Args: cobra.MinimumNArgs(1),
		Example: "  atoll get workspaces\n" +
			"  atoll get projects -w red -o wide\n" +
			"  atoll get members -p local/demo\n" +
			"  atoll get project local/demo -o yaml\n" +
			"  atoll get roles -w red -o yaml > roles.yaml\n" +
			"  atoll get users --filter jane --sort -createdAt",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return kindNames(func(*kind) bool { return true }), cobra.ShellCompDirectiveNoFileComp
			}
			p, _ := w.place()
			return completeNames(c, t, args[0], p, args[1:])
		},
		RunE: func(c *cobra.Command, args []string) error {
			k, err := kindOf(args[0])
			if err != nil {
				return err
			}
			p, err := w.place()
			if err == nil {
				err = k.at(p)
			}
			if err == nil {
				err = checkFormat(format, formats...)
			}
			if err != nil {
				return err
			}
			return talk(c, t, func(ctx context.Context, api *client) error {
				var all []document
				if len(args) == 1 {
					all, err = k.all(ctx, api, p, url.Values{"filter": {filter}, "sort": {sort}})
				} else {
					all, err = k.some(ctx, api, p, args[1:])
				}
				if err != nil {
					return err
				}
				if format == formatYAML || format == formatJSON {
					for i := range all {
						if k.more == nil {
							break
						}
						if err := k.more(ctx, api, &all[i]); err != nil {
							return err
						}
					}
				}
				return show(c.OutOrStdout(), k, all, format, len(args) == 2)
			})
		},
	}
	t.flags(c.Flags())
	w.flags(c, t)
	outputFlag(c, &format, formats...)
	w.robotFlag(c, t)
	w.clusterFlag(c, t, "only projects of the cluster of this `name`")
	c.Flags().StringVar(&filter, "filter", "", "only what has this `text` in its name or title")
	c.Flags().StringVar(&sort, "sort", "", "the `field` to sort by, such as name or -createdAt")
	c.MarkFlagsMutuallyExclusive("cluster", "project")
	c.AddCommand(newGetAudit())
	return c
}
