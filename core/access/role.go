// The preset roles: which permissions each has, and what a role of a wider
// scope counts as within.

package access

import (
	"maps"
	"strings"
)

// The preset roles. The name says the kind of scope at which a role is given.
const (
	PlatformAdmin    = "platform-admin"    // everything, everywhere
	PlatformOperator = "platform-operator" // sees everything but secrets, keeps the clusters
	PlatformMember   = "platform-member"   // signs in and sees the clusters; everybody with any role is one

	WorkspaceAdmin  = "workspace-admin"  // project administrator in all its projects
	WorkspaceMember = "workspace-member" // sees the workspace, and no project without a role there
	WorkspaceViewer = "workspace-viewer" // project viewer in all its projects

	ProjectAdmin     = "project-admin"     // a developer who also gives roles
	ProjectDeveloper = "project-developer" // runs and changes workloads, secrets included
	ProjectViewer    = "project-viewer"    // sees everything but secrets
)

// preset is how a role is declared.
type preset struct {
	name        string
	kind        Kind
	title       string
	description string
	weaker      string // has everything that this role of the same kind has
	within      string // counts as this role one level further in
	permits     []Permission
}

// presets are strongest first within each kind.
var presets = []preset{
	{PlatformAdmin, KindPlatform, "Platform administrator", "Everything, everywhere.", PlatformOperator, WorkspaceAdmin, []Permission{
		ClustersManage, UsersManage, ExtensionsManage, WorkspacesManage}},
	{PlatformOperator, KindPlatform, "Platform operator", "Sees everything but secrets, and keeps the nodes.", PlatformMember, WorkspaceViewer, []Permission{
		NodesManage, UsersView, ExtensionsView, AuditView, ActivityView}},
	{PlatformMember, KindPlatform, "Platform member", "Signs in and sees the clusters.", "", "", []Permission{ClustersView}},

	{WorkspaceAdmin, KindWorkspace, "Workspace administrator", "Keeps the workspace, and is administrator of all its projects.", WorkspaceViewer, ProjectAdmin, []Permission{ProjectsManage, RolesManage, MembersManage}},
	{WorkspaceViewer, KindWorkspace, "Workspace viewer", "Sees the workspace and all its projects, but no secrets.", WorkspaceMember, ProjectViewer, []Permission{MembersView}},
	{WorkspaceMember, KindWorkspace, "Workspace member", "Sees the workspace, and no project without a role there.", "", "", []Permission{WorkspacesView}},

	{ProjectAdmin, KindProject, "Project administrator", "A developer who also gives roles.", ProjectDeveloper, "", []Permission{MembersManage, ActivityView, ServiceAccountsManage, GatewaysManage}},
	{ProjectDeveloper, KindProject, "Project developer", "Runs and changes workloads, secrets included.", ProjectViewer, "", []Permission{WorkloadsManage, PodsExec, SecretsView, SecretsManage}},
	{ProjectViewer, KindProject, "Project viewer", "Sees everything in the project but secrets.", "", "", []Permission{ProjectsView, MembersView, WorkloadsView}},
}

// role is a preset or custom role made ready for decisions; what it permits is
// made anew when extensions add or take items, under the index's lock.
type role struct {
	name      string
	kind      Kind
	rank      int         // its place among the presets: the smaller the stronger; custom ones come after
	weaker    *role       // nil for the weakest
	within    *role       // nil when it counts as nothing further in
	custom    *CustomRole // nil for a preset
	definedIn string      // uid of the workspace outside of which it does not count; "" for none
	inmost    Kind        // the narrowest scope that a custom role has permissions of
	has       map[Permission]struct{}
}

func (r *role) permits(p Permission) bool {
	_, ok := r.has[p]
	return ok
}

// at is what the role counts as at a kind of scope; nil for nothing. A custom
// role counts as itself as far in as its permissions go.
func (r *role) at(k Kind) *role {
	if r.custom != nil {
		if k.width() <= r.kind.width() && k.width() >= r.inmost.width() {
			return r
		}
		return nil
	}
	for ; r != nil; r = r.within {
		if r.kind == k {
			return r
		}
	}
	return nil
}

// newPresets makes the presets with the core's permissions.
func newPresets() map[string]*role {
	roles := make(map[string]*role, len(presets))
	for i, p := range presets {
		roles[p.name] = &role{name: p.name, kind: p.kind, rank: i}
	}
	for _, p := range presets {
		roles[p.name].weaker, roles[p.name].within = roles[p.weaker], roles[p.within]
	}
	compile(roles, nil)
	return roles
}

// compile fills what every role permits: its own, what the weaker one of its
// kind has, and what it counts as further in, with the items of extensions.
func compile(roles map[string]*role, items map[string][]Item) {
	for _, r := range roles {
		r.has = nil
	}
	own := map[string][]Permission{}
	for _, p := range presets {
		own[p.name] = append(own[p.name], p.permits...)
	}
	for _, list := range items {
		for _, it := range list {
			for _, name := range it.Defaults {
				own[name] = append(own[name], it.Permission)
			}
			// Whatever an extension adds, the platform's administrator has it.
			own[PlatformAdmin] = append(own[PlatformAdmin], it.Permission)
		}
	}
	var fill func(r *role) map[Permission]struct{}
	fill = func(r *role) map[Permission]struct{} {
		switch {
		case r == nil:
			return nil
		case r.has != nil:
			return r.has
		}
		r.has = map[Permission]struct{}{}
		for _, p := range own[r.name] {
			r.has[p] = struct{}{}
		}
		maps.Copy(r.has, fill(r.weaker))
		maps.Copy(r.has, fill(r.within))
		return r.has
	}
	for _, r := range roles {
		fill(r)
	}
}

// RoleKind is the kind of scope at which a preset role is given; false for a
// role that is no preset.
func RoleKind(name string) (Kind, bool) {
	for _, p := range presets {
		if p.name == name {
			return p.kind, true
		}
	}
	return "", false
}

// RoleNames lists the preset roles of a kind, strongest first.
func RoleNames(k Kind) []string {
	var names []string
	for _, p := range presets {
		if p.kind == k {
			names = append(names, p.name)
		}
	}
	return names
}

// PlatformGroup is the Kubernetes group of those who have a platform role:
// "atoll:platform:admin" for PlatformAdmin, "atoll:platform:<uid>" for a custom
// role.
func PlatformGroup(role string) string {
	return "atoll:platform:" + strings.TrimPrefix(role, "platform-")
}

// ProjectGroup is the Kubernetes group of those who have a role in a project:
// "atoll:project:<uid>:admin" for ProjectAdmin, "atoll:project:<uid>:<role uid>"
// for a custom role.
func ProjectGroup(projectUID, role string) string {
	return "atoll:project:" + projectUID + ":" + strings.TrimPrefix(role, "project-")
}
