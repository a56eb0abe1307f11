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
	names := []string{}
	for _, b := range s.Index.BindingsAt(of.Scope) {
		if b.SubjectUID == of.SubjectUID && b.GroupUID == of.GroupUID {
			m, _ := s.member(b)
			names = append(names, m.RoleName)
		}
	}
	slices.Sort(names)
	text, err := json.Marshal(names)
	if err != nil {
		return ""
	}
	return string(text)
}
