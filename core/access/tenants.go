// Workspaces and projects in the index.

package access

import "strings"

// place is where a project is.
type place struct{ cluster, name string }

func placeOf(key string) place {
	cluster, name, _ := strings.Cut(strings.TrimPrefix(key, ProjectPrefix), "/")
	return place{cluster, name}
}

type workspace struct {
	Workspace
	projects map[*project]struct{}
}

type project struct {
	Project
	groups map[*role]string // Kubernetes groups of the presets, made once
}

func (s *state) putWorkspace(name string, w Workspace) {
	w.Name = name
	old := s.workspaces[name]
	if old != nil && old.UID == w.UID {
		old.Workspace = w
		return
	}
	if old != nil {
		s.removeWorkspace(name)
	}
	entry := s.tenant(w.UID)
	entry.Workspace = w
	s.workspaces[name] = entry
}

// tenant is the workspace with a uid, made where its record is not known (yet).
func (s *state) tenant(uid string) *workspace {
	w := s.tenants[uid]
	if w == nil {
		w = &workspace{projects: map[*project]struct{}{}}
		s.tenants[uid] = w
	}
	return w
}

func (s *state) removeWorkspace(name string) {
	w := s.workspaces[name]
	if w == nil {
		return
	}
	delete(s.workspaces, name)
	uid := w.UID
	w.Workspace = Workspace{}
	if len(w.projects) == 0 {
		delete(s.tenants, uid)
	}
}

func (s *state) putProject(at place, p Project) {
	s.removeProject(at)
	p.Cluster, p.Name = at.cluster, at.name
	entry := &project{Project: p, groups: map[*role]string{}}
	for name, r := range s.presets {
		if r.kind == KindProject {
			entry.groups[r] = ProjectGroup(p.UID, name)
		}
	}
	s.projects[at] = entry
	s.spaces[p.UID] = entry
	s.tenant(p.WorkspaceUID).projects[entry] = struct{}{}
}

func (s *state) removeProject(at place) {
	p := s.projects[at]
	if p == nil {
		return
	}
	delete(s.projects, at)
	delete(s.spaces, p.UID)
	w := s.tenants[p.WorkspaceUID]
	delete(w.projects, p)
	if len(w.projects) == 0 && w.Name == "" {
		delete(s.tenants, p.WorkspaceUID)
	}
}
