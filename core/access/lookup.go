// What the index can be asked besides decisions: which projects and workspaces
// a subject sees, and what lies behind a name or uid.

package access

import (
	"cmp"
	"slices"
)

// Projects are those that a subject may see, in one cluster or ("") in all, in
// the order of cluster and name.
func (x *Index) Projects(s Subject, cluster string) []Project {
	x.mu.RLock()
	defer x.mu.RUnlock()
	person := x.person(s.UID)
	if x.lost != nil || person == nil || !s.Limit.carries(ProjectsView) {
		return nil
	}
	var all []Project
	if person.permits("", "", ProjectsView) {
		for at, pr := range x.state.projects {
			if (cluster == "" || at.cluster == cluster) && s.Limit.reaches(pr.WorkspaceUID, pr.UID) {
				all = append(all, pr.Project)
			}
		}
	} else {
		seen := map[*project]struct{}{}
		see := func(pr *project) {
			if _, ok := seen[pr]; !ok && (cluster == "" || pr.Cluster == cluster) && s.Limit.reaches(pr.WorkspaceUID, pr.UID) {
				seen[pr] = struct{}{}
				all = append(all, pr.Project)
			}
		}
		for h := range person.all {
			for i := range h.grants {
				g := &h.grants[i]
				if !g.role.permits(ProjectsView) {
					continue
				}
				switch g.role.kind {
				case KindWorkspace:
					if w := x.state.tenants[g.scope]; w != nil && h.counts(g, g.scope) {
						for pr := range w.projects {
							see(pr)
						}
					}
				case KindProject:
					if pr := x.state.spaces[g.scope]; pr != nil && h.counts(g, pr.WorkspaceUID) {
						see(pr)
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Project) int { return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Name, b.Name)) })
	return all
}

// Workspaces are those that a subject may see, in the order of names. The
// workspace of a project in which one has a role is not among them by that.
func (x *Index) Workspaces(s Subject) []Workspace {
	x.mu.RLock()
	defer x.mu.RUnlock()
	person := x.person(s.UID)
	if x.lost != nil || person == nil || !s.Limit.carries(WorkspacesView) {
		return nil
	}
	var all []Workspace
	everywhere := person.permits("", "", WorkspacesView)
	for _, w := range x.state.workspaces {
		if s.Limit.reaches(w.UID, "") && (everywhere || person.permits(w.UID, w.UID, WorkspacesView)) {
			all = append(all, w.Workspace)
		}
	}
	slices.SortFunc(all, func(a, b Workspace) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Project is the project of a namespace, whoever may see it.
func (x *Index) Project(cluster, name string) (Project, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if pr := x.state.projects[place{cluster, name}]; pr != nil {
		return pr.Project, true
	}
	return Project{}, false
}

// ProjectByUID is the project with an id, whoever may see it.
func (x *Index) ProjectByUID(uid string) (Project, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if pr := x.state.spaces[uid]; pr != nil {
		return pr.Project, true
	}
	return Project{}, false
}

// Workspace is the workspace with a name, whoever may see it.
func (x *Index) Workspace(name string) (Workspace, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if w := x.state.workspaces[name]; w != nil {
		return w.Workspace, true
	}
	return Workspace{}, false
}

// WorkspaceByUID is the workspace with an id, whoever may see it.
func (x *Index) WorkspaceByUID(uid string) (Workspace, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if w := x.state.tenants[uid]; w != nil && w.Name != "" {
		return w.Workspace, true
	}
	return Workspace{}, false
}
