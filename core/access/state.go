// What the index holds: people with their grants, workspaces, projects.

package access

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/store"
)

// prefixes are the parts of the store that decisions are made from. Projects
// come last: a project that is there has its bindings and workspace there.
var prefixes = []string{UserPrefix, BindingPrefix, WorkspacePrefix, ProjectPrefix}

// state is everything at one revision. It is guarded by the index's lock.
type state struct {
	revision   store.Revision
	roles      map[string]*role
	people     map[string]*person    // by user uid
	accounts   map[string]Account    // by name
	bindings   map[string]Binding    // by key in the store
	workspaces map[string]*workspace // by name
	tenants    map[string]*workspace // the same by uid
	projects   map[place]*project
	spaces     map[string]*project // the same by uid
}

// place is where a project is.
type place struct{ cluster, name string }

// person is what decisions about one user need.
type person struct {
	name     string // "" when there is no such user (any more)
	disabled bool
	grants   []grant // sorted by scope; those of the platform have "" and come first
}

// grant is one binding made ready. A person has few of them, however many
// people there are.
type grant struct {
	scope string // uid of the workspace or project
	role  *role
}

type workspace struct {
	Workspace
	projects map[*project]struct{}
}

type project struct {
	Project
	groups map[*role]string // Kubernetes groups, made once
}

func newState(roles map[string]*role) *state {
	return &state{
		roles: roles, people: map[string]*person{}, accounts: map[string]Account{}, bindings: map[string]Binding{},
		workspaces: map[string]*workspace{}, tenants: map[string]*workspace{}, projects: map[place]*project{}, spaces: map[string]*project{},
	}
}

// apply takes over what a transaction changed; false when no decision is made
// from it.
func (s *state) apply(b store.Batch) bool {
	changed := false
	for _, e := range b.Events {
		if e.Removed {
			changed = s.remove(e.Key) || changed
		} else {
			changed = s.put(e.Key, e.Value) || changed
		}
	}
	s.revision = b.Revision
	return changed
}

// put takes over one record. One that cannot be read counts as none: it gives
// nobody anything.
func (s *state) put(key string, value []byte) bool {
	var read func() error
	switch {
	case strings.HasPrefix(key, UserPrefix):
		read = with(value, func(a Account) { s.putAccount(strings.TrimPrefix(key, UserPrefix), a) })
	case strings.HasPrefix(key, BindingPrefix):
		read = with(value, func(b Binding) { s.putBinding(key, b) })
	case strings.HasPrefix(key, WorkspacePrefix):
		read = with(value, func(w Workspace) { s.putWorkspace(strings.TrimPrefix(key, WorkspacePrefix), w) })
	case strings.HasPrefix(key, ProjectPrefix):
		read = with(value, func(p Project) { s.putProject(placeOf(key), p) })
	default:
		return false
	}
	if err := read(); err != nil {
		slog.Error("a record cannot be read and gives no rights", "key", key, "error", err)
		s.remove(key)
	}
	return true
}

// with reads a record as a T and hands it on.
func with[T any](value []byte, take func(T)) func() error {
	return func() error {
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			return err
		}
		take(v)
		return nil
	}
}

func (s *state) remove(key string) bool {
	switch {
	case strings.HasPrefix(key, UserPrefix):
		s.removeAccount(strings.TrimPrefix(key, UserPrefix))
	case strings.HasPrefix(key, BindingPrefix):
		s.removeBinding(key)
	case strings.HasPrefix(key, WorkspacePrefix):
		s.removeWorkspace(strings.TrimPrefix(key, WorkspacePrefix))
	case strings.HasPrefix(key, ProjectPrefix):
		s.removeProject(placeOf(key))
	default:
		return false
	}
	return true
}

func placeOf(key string) place {
	cluster, name, _ := strings.Cut(strings.TrimPrefix(key, ProjectPrefix), "/")
	return place{cluster, name}
}

func (s *state) person(uid string) *person {
	p := s.people[uid]
	if p == nil {
		p = &person{}
		s.people[uid] = p
	}
	return p
}

func (s *state) putAccount(name string, a Account) {
	if old, ok := s.accounts[name]; ok && old.UID != a.UID {
		s.removeAccount(name)
	}
	a.Name = name
	s.accounts[name] = a
	p := s.person(a.UID)
	p.name, p.disabled = name, a.Disabled
}

func (s *state) removeAccount(name string) {
	a, ok := s.accounts[name]
	if !ok {
		return
	}
	delete(s.accounts, name)
	p := s.people[a.UID]
	p.name, p.disabled = "", false
	s.dropIdle(a.UID)
}

// dropIdle forgets a person about whom nothing is known any more.
func (s *state) dropIdle(uid string) {
	if p := s.people[uid]; p != nil && p.name == "" && len(p.grants) == 0 {
		delete(s.people, uid)
	}
}

func (s *state) putBinding(key string, b Binding) {
	s.removeBinding(key)
	r := s.roles[b.Role]
	if b.SubjectUID == "" || b.GroupUID != "" || r == nil || r.kind != b.Scope.Kind || (b.Scope.UID == "") != (r.kind == KindPlatform) {
		slog.Error("a binding makes no sense and gives no rights", "key", key, "role", b.Role, "scope", b.Scope.Kind)
		return
	}
	s.bindings[key] = b
	p := s.person(b.SubjectUID)
	at, _ := slices.BinarySearchFunc(p.grants, b.Scope.UID, func(g grant, uid string) int { return strings.Compare(g.scope, uid) })
	p.grants = slices.Insert(p.grants, at, grant{scope: b.Scope.UID, role: r})
}

func (s *state) removeBinding(key string) {
	b, ok := s.bindings[key]
	if !ok {
		return
	}
	delete(s.bindings, key)
	p := s.people[b.SubjectUID]
	if i := slices.Index(p.grants, grant{scope: b.Scope.UID, role: s.roles[b.Role]}); i >= 0 {
		p.grants = slices.Delete(p.grants, i, i+1)
	}
	s.dropIdle(b.SubjectUID)
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
	for name, r := range s.roles {
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

// given is the range of a person's grants in a scope; "" is the platform.
func (p *person) given(scope string) (low, high int) {
	high = len(p.grants)
	for low < high {
		if mid := (low + high) / 2; p.grants[mid].scope < scope {
			low = mid + 1
		} else {
			high = mid
		}
	}
	for high = low; high < len(p.grants) && p.grants[high].scope == scope; high++ {
	}
	return low, high
}
