// Why somebody may or may not, and who could change that.

package access

import (
	"cmp"
	"slices"
	"strings"
)

// Explanation is a decision with its reasons.
type Explanation struct {
	Decision
	// Binding gives it; nil when denied, and for what everybody with any role has.
	Binding *Binding
	// Narrow: the person may, and the credential does not carry it.
	Narrow bool
	// Grant is the scope where a role would have to be given: wider than that of
	// the question when the permission is about more. Not ok: nowhere that is known.
	Grant   BindingScope
	GrantOK bool
	// Roles would give it there, in the order of AllRoles.
	Roles []Role
	// Grantors may give roles there and have the permission themselves, by name.
	Grantors []Account
}

// Explain decides as Can does, and says why. It looks at everybody who could
// grant what is missing: not for every request. False when there is no such
// permission.
func (x *Index) Explain(s Subject, p Permission, sc Scope) (Explanation, bool) {
	e := Explanation{Decision: x.Can(s, p, sc)}
	x.mu.RLock()
	it, ok := x.catalogue.items[p]
	if !ok || e.Lost {
		x.mu.RUnlock()
		return e, ok
	}
	r, by := x.allowing(s.UID, p, sc)
	switch {
	case e.Allowed && by != nil:
		b := by.Binding
		e.Binding = &b
	case !e.Allowed && r != nil:
		e.Narrow = true
	}
	if e.Allowed || e.Narrow {
		x.mu.RUnlock()
		return e, true
	}
	at := sc
	e.Grant, at, e.GrantOK = x.grantAt(it.Scope, sc)
	manage := MembersManage
	if e.Grant.Kind == KindPlatform {
		manage = UsersManage
	}
	if e.GrantOK {
		for uid, person := range x.state.people {
			if person.name != "" && uid != s.UID && person.owner == "" && x.has(uid, manage, at) && x.has(uid, p, at) {
				account, _ := x.state.account(person.name)
				e.Grantors = append(e.Grantors, account)
			}
		}
	}
	x.mu.RUnlock()
	slices.SortFunc(e.Grantors, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	if e.GrantOK {
		for _, r := range x.RolesAt(e.Grant) {
			if slices.Contains(r.Permissions, p) {
				e.Roles = append(e.Roles, r)
			}
		}
		// The least that helps first.
		slices.SortStableFunc(e.Roles, func(a, b Role) int { return cmp.Compare(len(a.Permissions), len(b.Permissions)) })
	}
	return e, true
}

// grantAt is where a permission about a kind of scope would be given to help in
// sc: there, or at the scope around it that the permission is about.
func (x *Index) grantAt(k Kind, sc Scope) (BindingScope, Scope, bool) {
	workspaceUID, projectUID, ok := x.resolve(sc)
	kind := sc.Kind()
	if k.width() > kind.width() {
		kind = k
	}
	switch {
	case !ok:
		return BindingScope{}, sc, false
	case kind == KindPlatform:
		return BindingScope{Kind: KindPlatform}, Scope{}, true
	case kind == KindWorkspace:
		w := x.state.tenants[workspaceUID]
		if w == nil || w.Name == "" {
			return BindingScope{}, sc, false
		}
		return BindingScope{Kind: KindWorkspace, UID: workspaceUID}, Scope{Workspace: w.Name}, true
	}
	return BindingScope{Kind: KindProject, UID: projectUID}, sc, projectUID != ""
}
