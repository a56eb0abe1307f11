// What the index knows about roles: presets and custom ones in one form, where
// they may be given, and whether somebody may give them.

package access

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Role is a preset or a custom role as others see it.
type Role struct {
	ID          string // what bindings call it: a preset's name, a custom role's uid
	Name        string
	Title       string
	Description string
	Kind        Kind         // of the scopes where it is given
	Scope       BindingScope // where it is defined; a preset at the platform
	Custom      bool
	Made        []Permission // of what a custom role is made
	Permissions []Permission // all that it gives, sorted
}

// GivenAt tells whether the role may be given in a scope. The workspace is that
// of a project; for other scopes it is not looked at.
func (r *Role) GivenAt(scope BindingScope, workspaceUID string) bool {
	if scope.Kind == KindWorkspace {
		workspaceUID = scope.UID
	}
	return r.Kind == scope.Kind && (r.Scope.UID == "" || r.Scope.UID == workspaceUID)
}

func (r *role) public() Role {
	out := Role{ID: r.name, Name: r.name, Kind: r.kind, Scope: BindingScope{Kind: KindPlatform}, Permissions: slices.Sorted(maps.Keys(r.has))}
	if c := r.custom; c != nil {
		out.Name, out.Title, out.Description, out.Scope, out.Custom, out.Made = c.Name, c.Title, c.Description, c.Scope, true, slices.Clone(c.Permissions)
	} else if r.rank < len(presets) {
		out.Title, out.Description = presets[r.rank].title, presets[r.rank].description
	}
	return out
}

// Role is the role that bindings call so: a preset by its name, a custom one by
// its uid.
func (x *Index) Role(id string) (Role, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	r := x.state.role(id)
	if r == nil {
		return Role{}, false
	}
	return r.public(), true
}

// AllRoles are all presets, strongest first, then all custom roles by name.
func (x *Index) AllRoles() []Role {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := make([]*role, 0, len(x.presets)+len(x.state.customs))
	all = slices.AppendSeq(all, maps.Values(x.presets))
	all = slices.AppendSeq(all, maps.Values(x.state.customs))
	slices.SortFunc(all, func(a, b *role) int {
		if a.rank != b.rank || a.custom == nil {
			return a.rank - b.rank
		}
		return cmp.Or(strings.Compare(a.custom.Name, b.custom.Name), strings.Compare(a.name, b.name))
	})
	out := make([]Role, len(all))
	for i, r := range all {
		out[i] = r.public()
	}
	return out
}

// RolesAt are the roles that may be given in a scope, in the order of AllRoles.
func (x *Index) RolesAt(scope BindingScope) []Role {
	workspaceUID := ""
	if pr, ok := x.ProjectByUID(scope.UID); ok && scope.Kind == KindProject {
		workspaceUID = pr.WorkspaceUID
	}
	return slices.DeleteFunc(x.AllRoles(), func(r Role) bool { return !r.GivenAt(scope, workspaceUID) })
}

// Beyond are the permissions of a role that a subject does not have in a scope,
// sorted: with any of them they may not give it there, or they would give what
// they do not have. ErrUnknownRole.
func (x *Index) Beyond(s Subject, roleID string, sc Scope) ([]Permission, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	r := x.state.role(roleID)
	if r == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownRole, roleID)
	}
	return x.beyond(s, r.has, sc), nil
}

// BeyondPermissions is Beyond for a role of a kind that is to be made of
// permissions, and of which there is none yet.
func (x *Index) BeyondPermissions(s Subject, k Kind, permissions []Permission, sc Scope) []Permission {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.beyond(s, x.catalogue.closure(k, permissions), sc)
}

func (x *Index) beyond(s Subject, wanted map[Permission]struct{}, sc Scope) []Permission {
	var missing []Permission
	for p := range wanted {
		if x.lost != nil || !x.carries(s, p, sc) || !x.has(s.UID, p, sc) {
			missing = append(missing, p)
		}
	}
	slices.Sort(missing)
	return missing
}

// PresetPermissions are what a preset role gives of the core, sorted; nil for
// what is no preset.
func PresetPermissions(name string) []Permission {
	r := newPresets()[name]
	if r == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(r.has))
}
