// The decision itself, without an allocation.

package access

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
	if x.carries(s, p, sc) {
		if r, _ := x.allowing(s.UID, p, sc); r != nil {
			return Decision{Allowed: true, Role: r.name, Scope: sc}
		}
	}
	return Decision{Missing: p, Scope: sc}
}

// allowing is the first role of a person that permits p in a scope, their own
// before those of their groups, from the widest scope inwards, and the binding
// that gives it; nil when none does. No binding gives PlatformMember to who has
// another role. x.mu is held.
func (x *Index) allowing(uid string, p Permission, sc Scope) (*role, *bound) {
	person := x.person(uid)
	if person == nil {
		return nil, nil
	}
	workspaceUID, projectUID, ok := x.resolve(sc)
	if !ok {
		return nil, nil
	}
	g := person.within(workspaceUID, projectUID, p)
	for i := 0; g == nil && i < len(person.groups); i++ {
		if t := person.groups[i]; t.known {
			g = t.within(workspaceUID, projectUID, p)
		}
	}
	if g != nil {
		return g.role, g.by
	}
	if member := x.presets[PlatformMember]; member.permits(p) {
		return member, nil
	}
	return nil, nil
}

// person is who has a role somewhere and is not disabled; nil otherwise.
func (x *Index) person(uid string) *person {
	p := x.state.people[uid]
	if p == nil || uid == "" || p.disabled || !p.any() {
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

// has tells whether a person has a permission in a scope; x.mu is held.
func (x *Index) has(uid string, p Permission, sc Scope) bool {
	r, _ := x.allowing(uid, p, sc)
	return r != nil
}

// Permissions are all that a subject has in a scope, sorted.
func (x *Index) Permissions(s Subject, sc Scope) []Permission {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := []Permission{}
	if x.lost != nil {
		return all
	}
	for _, p := range x.catalogue.names {
		if x.carries(s, p, sc) && x.has(s.UID, p, sc) {
			all = append(all, p)
		}
	}
	return all
}
