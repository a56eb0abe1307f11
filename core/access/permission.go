// Permissions: the items that roles are made of.

package access

import "strings"

// Permission names something that one may do: "workloads.view", and
// "logging/logs.view" for what an extension adds.
type Permission string

// The core's permissions. One asked for at a wider scope than its own means all
// that lies within: WorkloadsView in a cluster is the view of all its projects.
const (
	ClustersView     Permission = "clusters.view"
	ClustersManage   Permission = "clusters.manage"
	NodesManage      Permission = "nodes.manage"
	UsersView        Permission = "users.view"
	UsersManage      Permission = "users.manage"
	ExtensionsView   Permission = "extensions.view"
	ExtensionsManage Permission = "extensions.manage"
	AuditView        Permission = "audit.view"
	WorkspacesManage Permission = "workspaces.manage"

	WorkspacesView Permission = "workspaces.view"
	ProjectsManage Permission = "projects.manage"
	RolesManage    Permission = "roles.manage"

	ProjectsView          Permission = "projects.view"
	MembersView           Permission = "members.view"
	MembersManage         Permission = "members.manage"
	ActivityView          Permission = "activity.view"
	WorkloadsView         Permission = "workloads.view"
	WorkloadsManage       Permission = "workloads.manage"
	PodsExec              Permission = "pods.exec"
	SecretsView           Permission = "secrets.view"
	SecretsManage         Permission = "secrets.manage"
	ServiceAccountsManage Permission = "serviceaccounts.manage"
	GatewaysManage        Permission = "gateways.manage"
)

// Reads tells whether the permission is one of looking only, by its name: it
// ends in ".view". A read-only credential has no others.
func (p Permission) Reads() bool { return strings.HasSuffix(string(p), view) }

const view, manage = ".view", ".manage"

// coreItems are the core's permissions, from the platform inwards.
var coreItems = []Item{
	{Permission: ClustersView, Scope: KindPlatform, Title: "See clusters", Description: "Clusters and their state."},
	{Permission: ClustersManage, Scope: KindPlatform, Title: "Manage clusters", Description: "Change what has no namespace: nodes, volumes, classes, definitions of resources.", Needs: []Permission{ClustersView, NodesManage}},
	{Permission: NodesManage, Scope: KindPlatform, Title: "Keep nodes", Description: "See what has no namespace, cordon nodes and evict pods.", Needs: []Permission{ClustersView}},
	{Permission: UsersView, Scope: KindPlatform, Title: "See users", Description: "All users and groups."},
	{Permission: UsersManage, Scope: KindPlatform, Title: "Manage users", Description: "Create, disable and delete users, and give roles of the platform.", Needs: []Permission{UsersView}},
	{Permission: ExtensionsView, Scope: KindPlatform, Title: "See extensions", Description: "Installed extensions and what they may."},
	{Permission: ExtensionsManage, Scope: KindPlatform, Title: "Manage extensions", Description: "Install and remove extensions.", Needs: []Permission{ExtensionsView}},
	{Permission: AuditView, Scope: KindPlatform, Title: "See the audit log", Description: "Who did what, everywhere.", Needs: []Permission{ActivityView}},
	{Permission: WorkspacesManage, Scope: KindPlatform, Title: "Manage workspaces", Description: "Create and delete workspaces.", Needs: []Permission{WorkspacesView}},

	{Permission: WorkspacesView, Scope: KindWorkspace, Title: "See the workspace", Description: "The workspace and its name."},
	{Permission: ProjectsManage, Scope: KindWorkspace, Title: "Manage projects", Description: "Create and delete projects.", Needs: []Permission{WorkspacesView, ProjectsView}},
	{Permission: RolesManage, Scope: KindWorkspace, Title: "Manage roles", Description: "Create, change and delete custom roles.", Needs: []Permission{MembersView}},

	{Permission: ProjectsView, Scope: KindProject, Title: "See the project", Description: "The project and its state."},
	{Permission: MembersView, Scope: KindProject, Title: "See members", Description: "Who belongs here, and what the roles are."},
	{Permission: MembersManage, Scope: KindProject, Title: "Manage members", Description: "Give and take roles.", Needs: []Permission{MembersView}},
	{Permission: ActivityView, Scope: KindProject, Title: "See what was done", Description: "Who did what here, from where, and what it made different."},
	{Permission: WorkloadsView, Scope: KindProject, Title: "See workloads", Description: "Everything that runs, and its logs; nothing secret.", Needs: []Permission{ProjectsView}},
	{Permission: WorkloadsManage, Scope: KindProject, Title: "Manage workloads", Description: "Create, change and delete what runs. What runs reads the secrets it is given.", Needs: []Permission{WorkloadsView}},
	{Permission: PodsExec, Scope: KindProject, Title: "Go into containers", Description: "Terminals, requests to them by forwarding and proxy, debugging containers.", Needs: []Permission{WorkloadsView}},
	{Permission: SecretsView, Scope: KindProject, Title: "See secrets", Description: "Read Secrets.", Needs: []Permission{ProjectsView}},
	{Permission: SecretsManage, Scope: KindProject, Title: "Manage secrets", Description: "Create, change and delete Secrets.", Needs: []Permission{SecretsView}},
	{Permission: ServiceAccountsManage, Scope: KindProject, Title: "Manage service accounts", Description: "The accounts that workloads run as; not their tokens.", Needs: []Permission{WorkloadsView}},
	{Permission: GatewaysManage, Scope: KindProject, Title: "Manage gateways", Description: "Ways in from outside.", Needs: []Permission{WorkloadsView}},
}
