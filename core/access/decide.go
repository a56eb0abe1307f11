// The decision itself, without an allocation, and what follows from roles:
// Kubernetes groups, permissions of a scope.

package access

import (
	"slices"
)

// Decision is the answer to "may they?".
type Decision struct {
	Allowed bool
	Role    string     // the role that allowed it
	Missing Permission // what was missing, when not allowed
	Scope   Scope      // where
	Lost    bool       // denied because the index has lost the store, not for lack of a role
}

// Can decides whether a subject has a permission in a scope. It allocates
// nothing and never waits for the store.
func (x *Index) Can(s Subject, p Permission, sc Scope) Decision {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.lost != nil {
		return Decision{Missing: p, Scope: sc, Lost: true}
	}
	if !s.ReadOnly || p.Reads() {
		if r := x.allowing(s.UID, p, sc); r != nil {
			return Decision{Allowed: true, Role: r.name, Scope: sc}
		}
	}
	return Decision{Missing: p, Scope: sc}
}

// allowing is the first role of a person that permits p in a scope, from the
// widest scope inwards; nil when none does. x.mu is held.
func (x *Index) allowing(uid string, p Permission, sc Scope) *role {
	person := x.person(uid)
	if person == nil {
		return nil
	}
	workspaceUID, projectUID, ok := x.resolve(sc)
	if !ok {
		return nil
	}
	if r := person.permitting("", p); r != nil {
		return r
	}
	if member := x.roles[PlatformMember]; member.permits(p) {
		return member
	}
	if workspaceUID != "" {
		if r := person.permitting(workspaceUID, p); r != nil {
			return r
		}
	}
	if projectUID != "" {
		return person.permitting(projectUID, p)
	}
	return nil
}

// person is who has a role somewhere and is not disabled; nil otherwise.
func (x *Index) person(uid string) *person {
	p := x.state.people[uid]
	if p == nil || uid == "" || p.disabled || len(p.grants) == 0 {
		return nil
	}
	return p
}

// resolve finds the uids whose bindings count in a scope. A namespace or a
// workspace that is not known has none, so that platform roles alone count
// there; a scope that contradicts itself is not ok.
func (x *Index) resolve(sc Scope) (workspaceUID, projectUID string, ok bool) {
	switch {
	case sc.Project != "":
		if sc.Cluster == "" {
			return "", "", false
		}
		pr := x.state.projects[place{sc.Cluster, sc.Project}]
		if pr == nil {
			return "", "", sc.Workspace == ""
		}
		if sc.Workspace != "" {
			if w := x.state.workspaces[sc.Workspace]; w == nil || w.UID != pr.WorkspaceUID {
				return "", "", false
			}
		}
		return pr.WorkspaceUID, pr.UID, true
	case sc.Workspace != "":
		if w := x.state.workspaces[sc.Workspace]; w != nil {
			return w.UID, "", true
		}
	}
	return "", "", true
}

// permitting is a role given in a scope that permits p.
func (p *person) permitting(scope string, permission Permission) *role {
	low, high := p.given(scope)
	for _, g := range p.grants[low:high] {
		if g.role.permits(permission) {
			return g.role
		}
	}
	return nil
}

// Permissions are all that a subject has in a scope, sorted.
func (x *Index) Permissions(s Subject, sc Scope) []Permission {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := []Permission{}
	if x.lost != nil {
		return all
	}
	for _, p := range x.known {
		if (!s.ReadOnly || p.Reads()) && x.allowing(s.UID, p, sc) != nil {
			all = append(all, p)
		}
	}
	return all
}

// Roles are what a subject counts as at the kind of a scope, strongest first: a
// workspace administrator has ProjectAdmin in its projects. Everybody who has
// any role has PlatformMember at the platform.
func (x *Index) Roles(s Subject, sc Scope) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	roles := x.counting(s, sc)
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.name
	}
	return names
}

// counting is Roles as roles; x.mu is held.
func (x *Index) counting(s Subject, sc Scope) []*role {
	person := x.person(s.UID)
	workspaceUID, projectUID, ok := x.resolve(sc)
	if x.lost != nil || person == nil || !ok {
		return nil
	}
	kind := sc.Kind()
	var roles []*role
	add := func(scope string) {
		low, high := person.given(scope)
		for _, g := range person.grants[low:high] {
			if r := g.role.at(kind); r != nil && !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	add("")
	if workspaceUID != "" {
		add(workspaceUID)
	}
	if projectUID != "" {
		add(projectUID)
	}
	if member := x.roles[PlatformMember]; kind == KindPlatform && !slices.Contains(roles, member) {
		roles = append(roles, member)
	}
	slices.SortFunc(roles, func(a, b *role) int { return a.rank - b.rank })
	return roles
}

// Groups are the Kubernetes groups of a subject in a scope: those of its
// platform roles, and in a project those of its roles there or in the project's
// workspace. Nil for a person without any role, and while the store is lost.
func (x *Index) Groups(s Subject, sc Scope) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	person := x.person(s.UID)
	workspaceUID, projectUID, ok := x.resolve(sc)
	if x.lost != nil || person == nil || !ok {
		return nil
	}
	groups := []string{platformGroups[PlatformMember]}
	low, high := person.given("")
	for _, g := range person.grants[low:high] {
		if g.role.name != PlatformMember {
			groups = append(groups, platformGroups[g.role.name])
		}
	}
	if projectUID == "" {
		return groups
	}
	pr := x.state.spaces[projectUID]
	for _, scope := range [...]string{workspaceUID, projectUID} {
		low, high := person.given(scope)
		for _, g := range person.grants[low:high] {
			r := g.role.at(KindProject)
			if r == nil {
				continue
			}
			if name := pr.groups[r]; !slices.Contains(groups, name) {
				groups = append(groups, name)
			}
		}
	}
	return groups
}

// platformGroups are the groups of platform roles, made once.
var platformGroups = map[string]string{
	PlatformAdmin: PlatformGroup(PlatformAdmin), PlatformOperator: PlatformGroup(PlatformOperator), PlatformMember: PlatformGroup(PlatformMember),
}
