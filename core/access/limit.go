// Limits of a credential: what of its person's rights it carries.

package access

import "slices"

// Limit narrows a credential to some permissions, or to some workspaces and
// projects, or both. Nil is no limit. It is not changed once it was made, and
// subjects with the same limit share it.
type Limit struct {
	Permissions []Permission   // those and no others; none: all
	Scopes      []BindingScope // workspaces, with their projects, and projects; none: everywhere
}

// carries tells whether the limit lets a permission through. What everybody has
// who has a role, to see the clusters, is always carried.
func (l *Limit) carries(p Permission) bool {
	return l == nil || len(l.Permissions) == 0 || p == ClustersView || slices.Contains(l.Permissions, p)
}

// reaches tells whether the limit lets anything through in a workspace or
// project; both "" are the platform.
func (l *Limit) reaches(workspaceUID, projectUID string) bool {
	if l == nil || len(l.Scopes) == 0 {
		return true
	}
	for _, sc := range l.Scopes {
		if sc.UID != "" && (sc.Kind == KindWorkspace && sc.UID == workspaceUID || sc.Kind == KindProject && sc.UID == projectUID) {
			return true
		}
	}
	return false
}

// covers tells whether the limit lets a whole role through.
func (l *Limit) covers(r *role) bool {
	for p := range r.has {
		if !l.carries(p) {
			return false
		}
	}
	return true
}

// covered is the strongest that a role counts as within the limit: itself, or a
// weaker preset; nil when it counts as nothing.
func (l *Limit) covered(r *role) *role {
	for r != nil && !l.covers(r) {
		r = r.weaker
	}
	return r
}

// Narrow tells whether a credential carries less than its person's rights: with
// it one does not change the account, nor make another credential.
func (s Subject) Narrow() bool { return s.ReadOnly || s.Limit != nil || s.Cluster != "" }

// carries tells whether a subject's credential lets a permission through in a
// scope; x.mu is held.
func (x *Index) carries(s Subject, p Permission, sc Scope) bool {
	switch {
	case s.ReadOnly && !p.Reads():
		return false
	case s.Limit == nil:
		return true
	}
	workspaceUID, projectUID, ok := x.resolve(sc)
	return ok && s.Limit.carries(p) && (p == ClustersView || s.Limit.reaches(workspaceUID, projectUID))
}
