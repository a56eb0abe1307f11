// Custom roles in the index.

package access

import (
	"fmt"
	"log/slog"
)

// role is the preset with a name or the custom role with a uid; nil for none.
func (s *state) role(name string) *role {
	if r := s.presets[name]; r != nil {
		return r
	}
	return s.customs[name]
}

// Check tells whether a custom role can be defined where it says.
func (c *CustomRole) Check() error {
	switch {
	case c.Kind.width() == 0:
		return fmt.Errorf("%q is no kind of scope", c.Kind)
	case c.Scope.Kind == KindPlatform && c.Scope.UID == "":
		return nil
	case c.Scope.Kind == KindWorkspace && c.Scope.UID != "" && c.Kind != KindPlatform:
		return nil
	}
	return fmt.Errorf("a role of kind %q cannot be defined in the scope %q %q", c.Kind, c.Scope.Kind, c.Scope.UID)
}

func (s *state) putRole(uid string, c CustomRole) {
	err := c.Check()
	if _, taken := RoleKind(uid); c.UID != uid || uid == "" || taken {
		err = fmt.Errorf("the uid %q cannot be that of a custom role", c.UID)
	}
	if err != nil {
		slog.Error("a custom role makes no sense and gives no rights", "key", RolePrefix+uid, "error", err)
		s.removeRole(uid)
		return
	}
	s.stale = true
	if old := s.customs[uid]; old != nil && old.kind == c.Kind && old.definedIn == c.Scope.UID {
		old.custom = &c
		return
	}
	s.customs[uid] = &role{name: uid, kind: c.Kind, rank: len(presets), custom: &c, definedIn: c.Scope.UID}
	s.regrant(uid)
}

func (s *state) removeRole(uid string) {
	if s.customs[uid] != nil {
		delete(s.customs, uid)
		s.regrant(uid)
	}
}

// regrant looks at a role's bindings anew. It goes through all bindings: roles
// come and go seldom.
func (s *state) regrant(role string) {
	for _, b := range s.bindings {
		if b.Role == role {
			s.revoke(b)
			s.grant(b)
		}
	}
}

// compile fills what custom roles permit.
func (s *state) compile(c catalogue) {
	s.stale = false
	for _, r := range s.customs {
		r.has = c.closure(r.kind, r.custom.Permissions)
		r.inmost = r.kind
		for p := range r.has {
			if k := c.items[p].Scope; k.width() < r.inmost.width() {
				r.inmost = k
			}
		}
	}
}
