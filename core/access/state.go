// What the index holds: people with their grants, workspaces, projects.

package access

import (
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/atoll-platform/atoll/core/store"
)

// prefixes are the parts of the store that decisions are made from. Projects
// come last: a project that is there has its bindings and workspace there.
var prefixes = []string{UserPrefix, GroupPrefix, RolePrefix, BindingPrefix, WorkspacePrefix, ProjectPrefix}

// state is everything at one revision. It is guarded by the index's lock.
type state struct {
	revision   store.Revision
	presets    map[string]*role
	customs    map[string]*role      // by uid
	stale      bool                  // customs are to be compiled before anything is decided
	people     map[string]*person    // by user uid
	accounts   map[string]Account    // by name; their groups lie with the person
	teams      map[string]*team      // by group uid
	groups     map[string]*team      // those whose record is known, by name
	bindings   map[string]*bound     // by key in the store
	temporary  map[*bound]struct{}   // those in force that end by themselves
	workspaces map[string]*workspace // by name
	tenants    map[string]*workspace // the same by uid
	projects   map[place]*project
	spaces     map[string]*project // the same by uid
}

func newState(presets map[string]*role) *state {
	return &state{
		presets: presets, customs: map[string]*role{}, people: map[string]*person{}, accounts: map[string]Account{},
		teams: map[string]*team{}, groups: map[string]*team{}, bindings: map[string]*bound{}, temporary: map[*bound]struct{}{},
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
	case strings.HasPrefix(key, GroupPrefix):
		read = with(value, func(g Group) { s.putGroup(strings.TrimPrefix(key, GroupPrefix), g) })
	case strings.HasPrefix(key, RolePrefix):
		read = with(value, func(c CustomRole) { s.putRole(strings.TrimPrefix(key, RolePrefix), c) })
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
	case strings.HasPrefix(key, GroupPrefix):
		s.removeGroup(strings.TrimPrefix(key, GroupPrefix))
	case strings.HasPrefix(key, RolePrefix):
		s.removeRole(strings.TrimPrefix(key, RolePrefix))
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
