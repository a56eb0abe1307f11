// Where a person stands: their roles in a scope, and what Kubernetes calls them.

package access

import (
	"cmp"
	"slices"
	"strings"
)

// Roles are what a subject counts as at the kind of a scope, strongest first and
// custom ones, by their uids, last: a workspace administrator has ProjectAdmin
// in its projects. Everybody who has any role has PlatformMember at the platform.
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
	if x.lost != nil || person == nil || !ok || !s.Limit.reaches(workspaceUID, projectUID) {
		return nil
	}
	kind := sc.Kind()
	var roles []*role
	for g := range person.counting(workspaceUID, "", workspaceUID, projectUID) {
		if r := s.Limit.covered(g.role.at(kind)); r != nil && !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	if member := x.presets[PlatformMember]; kind == KindPlatform && !slices.Contains(roles, member) {
		roles = append(roles, member)
	}
	slices.SortFunc(roles, func(a, b *role) int { return cmp.Or(a.rank-b.rank, strings.Compare(a.name, b.name)) })
	return roles
}

// counting yields the grants of a person, and of their groups, that count in the
// given scopes, of which the first may be the platform's "" and others that are
// "" are none.
func (p *person) counting(workspaceUID string, scopes ...string) func(func(*grant) bool) {
	return func(yield func(*grant) bool) {
		for i, scope := range scopes {
			if scope == "" && i > 0 {
				continue
			}
			for h := range p.all {
				given := h.given(scope)
				for j := range given {
					if g := &given[j]; h.counts(g, workspaceUID) && !yield(g) {
						return
					}
				}
			}
		}
	}
}

// Groups are the Kubernetes groups of a subject in a scope: those of its
// platform roles, and in a project those of its roles there or in the project's
// workspace. Nil for a person without any role, and while the store is lost. A
// limited credential has those of the strongest presets that lie within it.
func (x *Index) Groups(s Subject, sc Scope) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	person := x.person(s.UID)
	workspaceUID, projectUID, ok := x.resolve(sc)
	if x.lost != nil || person == nil || !ok {
		return nil
	}
	groups := []string{platformGroups[PlatformMember]}
	if !s.Limit.reaches(workspaceUID, projectUID) {
		if workspaceUID != "" {
			return nil
		}
		return groups
	}
	add := func(name string) {
		if !slices.Contains(groups, name) {
			groups = append(groups, name)
		}
	}
	// Platform roles reach everywhere: a credential for some scopes has them only
	// as what they count as there.
	everywhere := s.Limit == nil || len(s.Limit.Scopes) == 0
	for g := range person.counting(workspaceUID, "") {
		r := s.Limit.covered(g.role)
		if r == nil || !everywhere {
			continue
		}
		if name := platformGroups[r.name]; name != "" {
			add(name)
		} else {
			add(PlatformGroup(r.name))
		}
	}
	if projectUID == "" {
		return groups
	}
	pr := x.state.spaces[projectUID]
	for i, scope := range [...]string{"", workspaceUID, projectUID} {
		if i == 0 && s.Limit == nil || i > 0 && scope == "" { // a project whose workspace is not known
			continue
		}
		for g := range person.counting(workspaceUID, scope) {
			r := s.Limit.covered(g.role.at(KindProject))
			if r == nil {
				continue
			}
			if name := pr.groups[r]; name != "" {
				add(name)
			} else {
				add(ProjectGroup(projectUID, r.name))
			}
		}
	}
	return groups
}

// platformGroups are the groups of platform roles, made once.
var platformGroups = map[string]string{
	PlatformAdmin: PlatformGroup(PlatformAdmin), PlatformOperator: PlatformGroup(PlatformOperator), PlatformMember: PlatformGroup(PlatformMember),
}
