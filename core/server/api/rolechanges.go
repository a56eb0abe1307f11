// How somebody's roles are different after a request, for the audit.

package api

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
)

// noteRoles does something, and tells how the roles of a person or group in a
// scope are different after it. Of the binding, subject or group and the scope
// count.
func (s *API) noteRoles(ctx context.Context, b access.Binding, do func() error) error {
	before := s.rolesOf(b)
	if err := do(); err != nil {
		return err
	}
	if after := s.rolesOf(b); before != after {
		note(ctx).Changes = []audit.Change{{Path: "/roles", From: before, To: after}}
	}
	return nil
}

// bindingScope is where roles are given that hold in exactly a scope.
func (s *API) bindingScope(sc access.Scope) access.BindingScope {
	switch sc.Kind() {
	case access.KindWorkspace:
		w, _ := s.Index.Workspace(sc.Workspace)
		return access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}
	case access.KindProject:
		p, _ := s.Index.Project(sc.Cluster, sc.Project)
		return access.BindingScope{Kind: access.KindProject, UID: p.UID}
	}
	return platformScope
}

// rolesOf are the names of the roles that somebody was given in exactly a scope,
// as JSON.
func (s *API) rolesOf(of access.Binding) string {
	all := s.Index.BindingsAt(of.Scope)
	return s.roleNames(slices.DeleteFunc(all, func(b access.Binding) bool { return b.SubjectUID != of.SubjectUID || b.GroupUID != of.GroupUID }))
}

// noteGift tells how the roles of a person are different after a transaction that
// is being made, which gives them one for good.
func (s *API) noteGift(ctx context.Context, given access.Binding) {
	after := []access.Binding{given}
	for _, b := range s.Index.BindingsAt(given.Scope) {
		// In a workspace or project it takes the place of another one.
		if b.SubjectUID == given.SubjectUID && (given.Scope.Kind == access.KindPlatform || !b.Until.IsZero()) {
			after = append(after, b)
		}
	}
	note(ctx).Changes = []audit.Change{{Path: "/roles", From: s.rolesOf(given), To: s.roleNames(after)}}
}

// roleNames are the names of the roles that bindings give, as JSON.
func (s *API) roleNames(bindings []access.Binding) string {
	names := []string{}
	for _, b := range bindings {
		m, _ := s.member(b)
		names = append(names, m.RoleName)
	}
	slices.Sort(names)
	text, err := json.Marshal(names)
	if err != nil {
		return ""
	}
	return string(text)
}
