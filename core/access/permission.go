// Permissions: the items that roles are made of.

package access

import "strings"

// Permission names something that one may do: "workloads.view", and
// "logging/logs.view" for what an extension adds.
type Permission string

// The core's permissions. One asked for at a wider scope than its own means all
// that lies within: WorkloadsView in a cluster is the view of all its projects.
const (
	ClustersView     Permission = "clusters.view"     // clusters and their state
	ClustersManage   Permission = "clusters.manage"   // nodes, and what has no namespace
	UsersView        Permission = "users.view"        // all users
	UsersManage      Permission = "users.manage"      // create, disable, delete users; give platform roles
	ExtensionsView   Permission = "extensions.view"   // installed extensions and what they may
	ExtensionsManage Permission = "extensions.manage" // install and remove them
	AuditView        Permission = "audit.view"        // who did what
	WorkspacesManage Permission = "workspaces.manage" // create and delete workspaces

	WorkspacesView Permission = "workspaces.view" // a workspace and its name
	ProjectsManage Permission = "projects.manage" // create and delete projects in a workspace

	ProjectsView    Permission = "projects.view"    // a project and its state
	MembersView     Permission = "members.view"     // who belongs to a workspace or project
	MembersManage   Permission = "members.manage"   // give and take roles there
	WorkloadsView   Permission = "workloads.view"   // everything that runs; nothing secret
	WorkloadsManage Permission = "workloads.manage" // create, change and delete it
	PodsExec        Permission = "pods.exec"        // go into containers
	SecretsView     Permission = "secrets.view"     // read Secrets
	SecretsManage   Permission = "secrets.manage"   // write Secrets
)

// Reads tells whether the permission is one of looking only, by its name: it
// ends in ".view". A read-only credential has no others.
func (p Permission) Reads() bool { return strings.HasSuffix(string(p), ".view") }

// core lists the core's permissions with the kind of scope that each is about.
var core = map[Permission]Kind{
	ClustersView: KindPlatform, ClustersManage: KindPlatform, UsersView: KindPlatform, UsersManage: KindPlatform,
	ExtensionsView: KindPlatform, ExtensionsManage: KindPlatform, AuditView: KindPlatform, WorkspacesManage: KindPlatform,
	WorkspacesView: KindWorkspace, ProjectsManage: KindWorkspace,
	ProjectsView: KindProject, MembersView: KindProject, MembersManage: KindProject, WorkloadsView: KindProject,
	WorkloadsManage: KindProject, PodsExec: KindProject, SecretsView: KindProject, SecretsManage: KindProject,
}
