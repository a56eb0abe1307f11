// What the index knows about people, groups and their bindings.

package access

import (
	"slices"
	"time"
)

// Account is the user with a name.
func (x *Index) Account(name string) (Account, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.state.account(name)
}

// AccountByUID is the user with an id; false when there is none any more.
func (x *Index) AccountByUID(uid string) (Account, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	p := x.state.people[uid]
	if p == nil || p.name == "" {
		return Account{}, false
	}
	return x.state.account(p.name)
}

// Active is the name of the user with an id; false for one who is disabled, and
// when there is none any more. It is asked with every request and, unlike
// AccountByUID, does not gather the groups.
func (x *Index) Active(uid string) (name string, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	p := x.state.people[uid]
	if p == nil || p.name == "" || p.disabled {
		return "", false
	}
	return p.name, true
}

// Group is the group with a name.
func (x *Index) Group(name string) (Group, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if t := x.state.groups[name]; t != nil {
		return t.Group, true
	}
	return Group{}, false
}

// GroupByUID is the group with an id; false when there is none any more.
func (x *Index) GroupByUID(uid string) (Group, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if t := x.state.teams[uid]; t != nil && t.known {
		return t.Group, true
	}
	return Group{}, false
}

// BindingsOf are the bindings of a person or a group by their keys in the store,
// ended ones too. It looks through all that there are: not for every request.
func (x *Index) BindingsOf(uid string) map[string]Binding {
	return x.bindings(func(b *Binding) bool { return uid != "" && (b.SubjectUID == uid || b.GroupUID == uid) })
}

// BindingsTo are the bindings that give a role, by a preset's name or a custom
// role's uid, by their keys in the store. It looks through all that there are.
func (x *Index) BindingsTo(role string) map[string]Binding {
	return x.bindings(func(b *Binding) bool { return b.Role == role })
}

// Ended are the bindings whose end has come, by their keys in the store.
func (x *Index) Ended(now time.Time) map[string]Binding {
	return x.bindings(func(b *Binding) bool { return !b.Until.IsZero() && !now.Before(b.Until) })
}

// BindingsAt are the bindings in force in exactly a scope, in the order of their
// keys. It looks through all that there are.
func (x *Index) BindingsAt(scope BindingScope) []Binding {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var keys []string
	for key, b := range x.state.bindings {
		if b.granted && b.Scope == scope {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	all := make([]Binding, len(keys))
	for i, key := range keys {
		all[i] = x.state.bindings[key].Binding
	}
	return all
}

func (x *Index) bindings(wanted func(*Binding) bool) map[string]Binding {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := map[string]Binding{}
	for key, b := range x.state.bindings {
		if wanted(&b.Binding) {
			all[key] = b.Binding
		}
	}
	return all
}

// Holding are the uids of the people who were given a platform role themselves,
// disabled ones too.
func (x *Index) Holding(platformRole string) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []string
	for uid, p := range x.state.people {
		for _, g := range p.given("") {
			if g.role.name == platformRole {
				all = append(all, uid)
			}
		}
	}
	return all
}
