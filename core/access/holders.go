// Who has roles in the index: people, groups, and what is bound to them.

package access

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// holder is who was given roles: a person or a group.
type holder struct {
	grants []grant // sorted by scope; those of the platform have "" and come first
	// owner is the uid of the workspace that they belong to; elsewhere they may
	// have no role. "" for those of the platform.
	owner string
}

// grant is one binding in force, made ready. A holder has few of them, however
// many people there are.
type grant struct {
	scope string // uid of the workspace or project
	role  *role
	by    *bound
}

// person is what decisions about one user need.
type person struct {
	holder
	name     string // "" when there is no such user (any more)
	disabled bool
	groups   []*team
}

// team is a group in the index.
type team struct {
	holder
	Group
	known   bool // its record is there; without it nobody has its roles
	members int  // accounts that name it
}

// bound is a binding in the index, with its key in the store.
type bound struct {
	Binding
	key     string
	granted bool // it is in force
}

// nowhere is the owner of what should have one and has none.
const nowhere = "-"

// all yields everything that a person's roles come from: their own, and those
// of their groups.
func (p *person) all(yield func(*holder) bool) {
	if !yield(&p.holder) {
		return
	}
	for _, t := range p.groups {
		if t.known && !yield(&t.holder) {
			return
		}
	}
}

// any tells whether the person has a role anywhere.
func (p *person) any() bool {
	for h := range p.all {
		if len(h.grants) > 0 {
			return true
		}
	}
	return false
}

// given are the grants in a scope; "" is the platform. Those that do not count
// in the scope's workspace are among them: see counts.
func (h *holder) given(scope string) []grant {
	low, high := 0, len(h.grants)
	for low < high {
		if mid := (low + high) / 2; h.grants[mid].scope < scope {
			low = mid + 1
		} else {
			high = mid
		}
	}
	for high = low; high < len(h.grants) && h.grants[high].scope == scope; high++ {
	}
	return h.grants[low:high]
}

// counts tells whether a grant gives anything in a workspace: neither robots and
// groups nor custom roles of one workspace count in another.
func (h *holder) counts(g *grant, workspaceUID string) bool {
	return (h.owner == "" || h.owner == workspaceUID && g.scope != "") && (g.role.definedIn == "" || g.role.definedIn == workspaceUID)
}

// permitting is a grant in a scope that permits p; nil when there is none.
func (h *holder) permitting(scope, workspaceUID string, p Permission) *grant {
	given := h.given(scope)
	for i := range given {
		if g := &given[i]; g.role.permits(p) && h.counts(g, workspaceUID) {
			return g
		}
	}
	return nil
}

// within is a grant that permits p at the platform, in a workspace or in a
// project; "" is none of those two. Nil when there is none.
func (h *holder) within(workspaceUID, projectUID string, p Permission) *grant {
	if len(h.grants) == 0 {
		return nil
	}
	g := h.permitting("", workspaceUID, p)
	if g == nil && workspaceUID != "" {
		g = h.permitting(workspaceUID, workspaceUID, p)
	}
	if g == nil && projectUID != "" {
		g = h.permitting(projectUID, workspaceUID, p)
	}
	return g
}

// permits tells whether a person has a permission by a role given in exactly
// this scope, their own or a group's.
func (p *person) permits(scope, workspaceUID string, permission Permission) bool {
	for h := range p.all {
		if h.permitting(scope, workspaceUID, permission) != nil {
			return true
		}
	}
	return false
}

func (s *state) person(uid string) *person {
	p := s.people[uid]
	if p == nil {
		p = &person{}
		s.people[uid] = p
	}
	return p
}

// dropIdle forgets a person about whom nothing is known any more.
func (s *state) dropIdle(uid string) {
	if p := s.people[uid]; p != nil && p.name == "" && len(p.grants) == 0 {
		delete(s.people, uid)
	}
}

func (s *state) putAccount(name string, a Account) {
	if old, ok := s.accounts[name]; ok && old.UID != a.UID {
		s.removeAccount(name)
	}
	a.Name = name
	p := s.person(a.UID)
	s.leave(p)
	p.name, p.disabled, p.owner = name, a.Disabled, ""
	if a.Robot {
		if p.owner = a.WorkspaceUID; p.owner == "" {
			p.owner = nowhere
		}
	}
	if len(a.Groups) > MaxGroups {
		slog.Error("a user is in too many groups; only the first ones count", "user", name, "groups", len(a.Groups), "allowed", MaxGroups)
		a.Groups = a.Groups[:MaxGroups]
	}
	for _, uid := range a.Groups {
		if t := s.team(uid); !slices.Contains(p.groups, t) {
			t.members++
			p.groups = append(p.groups, t)
		}
	}
	a.Groups = nil
	s.accounts[name] = a
}

func (s *state) removeAccount(name string) {
	a, ok := s.accounts[name]
	if !ok {
		return
	}
	delete(s.accounts, name)
	p := s.people[a.UID]
	s.leave(p)
	p.name, p.disabled, p.owner = "", false, ""
	s.dropIdle(a.UID)
}

// account is a user's record, whole.
func (s *state) account(name string) (Account, bool) {
	a, ok := s.accounts[name]
	if ok {
		for _, t := range s.people[a.UID].groups {
			a.Groups = append(a.Groups, t.UID)
		}
	}
	return a, ok
}

// leave takes a person out of all groups.
func (s *state) leave(p *person) {
	groups := p.groups
	p.groups = nil
	for _, t := range groups {
		t.members--
		s.dropTeam(t)
	}
}

// team is the group with a uid, made where its record is not known (yet).
func (s *state) team(uid string) *team {
	t := s.teams[uid]
	if t == nil {
		t = &team{Group: Group{UID: uid}}
		s.teams[uid] = t
	}
	return t
}

// dropTeam forgets a group about which nothing is known any more.
func (s *state) dropTeam(t *team) {
	if !t.known && t.members == 0 && len(t.grants) == 0 {
		delete(s.teams, t.UID)
	}
}

func (s *state) putGroup(name string, g Group) {
	if old := s.groups[name]; old != nil && old.UID != g.UID {
		s.removeGroup(name)
	}
	g.Name = name
	t := s.team(g.UID)
	t.Group, t.known, t.owner = g, true, g.WorkspaceUID
	s.groups[name] = t
}

func (s *state) removeGroup(name string) {
	t := s.groups[name]
	if t == nil {
		return
	}
	delete(s.groups, name)
	t.Group, t.known, t.owner = Group{UID: t.UID}, false, ""
	s.dropTeam(t)
}

// putBinding takes over a binding. One that cannot be meant gives nothing.
func (s *state) putBinding(key string, b Binding) {
	s.removeBinding(key)
	if (b.SubjectUID == "") == (b.GroupUID == "") || (b.Scope.UID == "") != (b.Scope.Kind == KindPlatform) {
		slog.Error("a binding makes no sense and gives no rights", "key", key, "role", b.Role, "scope", b.Scope.Kind)
		return
	}
	entry := &bound{Binding: b, key: key}
	s.bindings[key] = entry
	s.grant(entry)
}

// grant puts a binding in force, if its role is known, of its kind, and its
// time has not come.
func (s *state) grant(b *bound) {
	r := s.role(b.Role)
	if r == nil || r.kind != b.Scope.Kind {
		slog.Error("a binding gives no rights: its role is not one of its scope", "key", b.key, "role", b.Role, "scope", b.Scope.Kind)
		return
	}
	if !b.Until.IsZero() {
		if !time.Now().Before(b.Until) {
			return
		}
		s.temporary[b] = struct{}{}
	}
	h := s.holder(&b.Binding)
	at, _ := slices.BinarySearchFunc(h.grants, b.Scope.UID, func(g grant, uid string) int { return strings.Compare(g.scope, uid) })
	h.grants = slices.Insert(h.grants, at, grant{scope: b.Scope.UID, role: r, by: b})
	b.granted = true
}

// revoke takes a binding out of force.
func (s *state) revoke(b *bound) {
	if !b.granted {
		return
	}
	b.granted = false
	delete(s.temporary, b)
	h := s.holder(&b.Binding)
	h.grants = slices.DeleteFunc(h.grants, func(g grant) bool { return g.by == b })
	if b.GroupUID != "" {
		s.dropTeam(s.teams[b.GroupUID])
	} else {
		s.dropIdle(b.SubjectUID)
	}
}

// holder is whom a binding gives its role.
func (s *state) holder(b *Binding) *holder {
	if b.GroupUID != "" {
		return &s.team(b.GroupUID).holder
	}
	return &s.person(b.SubjectUID).holder
}

func (s *state) removeBinding(key string) {
	if b := s.bindings[key]; b != nil {
		delete(s.bindings, key)
		s.revoke(b)
	}
}
