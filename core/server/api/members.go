// Members of workspaces and projects: one way for both.

package api

import (
	"context"
	"net/http"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Member is a person with a role in a scope.
type Member struct {
	User        string `json:"user" example:"jane"`
	DisplayName string `json:"displayName" example:"Jane Doe"`
	Role        string `json:"role" example:"project-developer"`
}

type memberOutput struct{ Body Member }

// place is where members are: a scope by its names and by its uid.
type place struct {
	scope   access.Scope
	binding access.BindingScope
}

// members lists who has a role in a place.
func (s *API) members(ctx context.Context, at place) ([]Member, error) {
	bindings, err := s.Tenancy.Members(ctx, at.binding)
	if err != nil {
		return nil, err
	}
	all := make([]Member, 0, len(bindings))
	for _, b := range bindings {
		if account, ok := s.Index.AccountByUID(b.SubjectUID); ok {
			all = append(all, Member{User: account.Name, DisplayName: account.DisplayName, Role: b.Role})
		}
	}
	return all, nil
}

func (s *API) listMembers(ctx context.Context, at place, q ListQuery) (*ListOutput[Member], error) {
	all, err := s.members(ctx, at)
	if err != nil {
		return nil, err
	}
	return page(all, q, s.version(), fields[Member]{
		key:  func(m Member) string { return m.User },
		text: func(m Member) []string { return []string{m.User, m.DisplayName, m.Role} },
		sort: map[string]func(Member) string{
			"role":        func(m Member) string { return m.Role },
			"displayName": func(m Member) string { return m.DisplayName },
		},
	})
}

func (s *API) getMember(ctx context.Context, at place, user string) (*memberOutput, error) {
	all, err := s.members(ctx, at)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.User == user {
			return &memberOutput{Body: m}, nil
		}
	}
	return nil, problem.Newf(http.StatusNotFound, "%q is no member of %s.", user, at.scope)
}

func (s *API) setMember(ctx context.Context, at place, user, role string) (*memberOutput, error) {
	account, ok := s.Index.Account(user)
	if !ok {
		return nil, problem.Newf(http.StatusNotFound, "There is no user %q.", user)
	}
	if err := s.Tenancy.SetMember(ctx, at.binding, account.UID, role); err != nil {
		return nil, err
	}
	return &memberOutput{Body: Member{User: account.Name, DisplayName: account.DisplayName, Role: role}}, nil
}

func (s *API) removeMember(ctx context.Context, at place, user string) (*struct{}, error) {
	account, ok := s.Index.Account(user)
	if !ok {
		return nil, problem.Newf(http.StatusNotFound, "There is no user %q.", user)
	}
	return nil, s.Tenancy.RemoveMember(ctx, at.binding, account.UID)
}

// workspacePlace finds a workspace; who may not see it learns only that.
func (s *API) workspacePlace(ctx context.Context, name string) (place, error) {
	at := place{scope: access.Scope{Workspace: name}}
	w, ok := s.Index.Workspace(name)
	if !ok {
		return at, noWorkspace(name)
	}
	at.binding = access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}
	return at, nil
}

func noWorkspace(name string) error {
	return problem.Newf(http.StatusNotFound, "There is no workspace %q.", name)
}

// projectPlace finds a project; who may not see it learns only that.
func (s *API) projectPlace(ctx context.Context, in ProjectPath) (place, error) {
	at := place{scope: access.Scope{Cluster: in.Cluster, Project: in.Project}}
	p, ok := s.Index.Project(in.Cluster, in.Project)
	if !ok {
		return at, noProject(in)
	}
	at.binding = access.BindingScope{Kind: access.KindProject, UID: p.UID}
	return at, nil
}

func noProject(in ProjectPath) error {
	return problem.Newf(http.StatusNotFound, "There is no project %q in cluster %q.", in.Project, in.Cluster)
}
