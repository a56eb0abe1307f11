// Workspaces: tenants.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
)

// Workspace is a tenant.
type Workspace struct {
	UID       string    `json:"uid"`
	Name      string    `json:"name" example:"demo"`
	Title     string    `json:"title" example:"Demo"`
	CreatedAt time.Time `json:"createdAt"`
	Roles     []string  `json:"roles" doc:"The caller's own roles in it."`
}

// NewWorkspace is a tenant to be.
type NewWorkspace struct {
	Name  string `json:"name" pattern:"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" example:"demo"`
	Title string `json:"title,omitempty" maxLength:"128" example:"Demo"`
}

type (
	newWorkspaceInput struct{ Body NewWorkspace }
	// WorkspacePath names a workspace.
	WorkspacePath struct {
		Workspace string `path:"workspace" maxLength:"63" example:"demo"`
	}
	workspaceOutput       struct{ Body Workspace }
	workspaceMembersInput struct {
		WorkspacePath
		ListQuery
	}
	// WorkspaceMemberPath names a member of a workspace.
	WorkspaceMemberPath struct {
		WorkspacePath
		User string `path:"user" maxLength:"63" example:"jane"`
	}
	workspaceRoleInput struct {
		WorkspaceMemberPath
		Body GivenRole
	}
)

func (s *API) registerWorkspaces(a huma.API) {
	const one = "/api/v1/workspaces/{workspace}"
	add(s, a, about{id: "list-workspaces", method: http.MethodGet, path: "/api/v1/workspaces", tag: "workspaces", summary: "List the workspaces that the caller may see"}, s.listWorkspaces)
	add(s, a, about{id: "create-workspace", method: http.MethodPost, path: "/api/v1/workspaces", tag: "workspaces", status: http.StatusCreated,
		summary: "Make a workspace", errors: []int{http.StatusConflict}}, s.createWorkspace)
	add(s, a, about{id: "get-workspace", method: http.MethodGet, path: one, tag: "workspaces", summary: "Read a workspace", errors: []int{http.StatusNotFound}}, s.getWorkspace)
	add(s, a, about{id: "delete-workspace", method: http.MethodDelete, path: one, tag: "workspaces", status: http.StatusNoContent,
		summary: "Delete a workspace", text: "It must have no projects any more.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.deleteWorkspace)
	add(s, a, about{id: "list-workspace-members", method: http.MethodGet, path: one + "/members", tag: "workspaces", summary: "List the members of a workspace",
		errors: []int{http.StatusNotFound}}, s.listWorkspaceMembers)
	add(s, a, about{id: "get-workspace-member", method: http.MethodGet, path: one + "/members/{user}", tag: "workspaces", summary: "Read a member of a workspace",
		errors: []int{http.StatusNotFound}}, s.getWorkspaceMember)
	add(s, a, about{id: "set-workspace-member", method: http.MethodPut, path: one + "/members/{user}", tag: "workspaces",
		summary: "Make a person a member of a workspace, or change the role", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setWorkspaceMember)
	add(s, a, about{id: "remove-workspace-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "workspaces", status: http.StatusNoContent,
		summary: "Take a person out of a workspace", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.removeWorkspaceMember)
}

func (s *API) workspace(who access.Subject, w access.Workspace) Workspace {
	return Workspace{UID: w.UID, Name: w.Name, Title: w.Title, CreatedAt: w.CreatedAt, Roles: listed(s.Index.Roles(who, access.Scope{Workspace: w.Name}))}
}

// listed is a list that is never null.
func listed(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

func (s *API) listWorkspaces(ctx context.Context, in *ListQuery) (*ListOutput[Workspace], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	all := []Workspace{}
	for _, w := range s.Index.Workspaces(who) {
		all = append(all, s.workspace(who, w))
	}
	return page(all, *in, s.version(), fields[Workspace]{
		key:  func(w Workspace) string { return w.Name },
		text: func(w Workspace) []string { return []string{w.Name, w.Title} },
		sort: map[string]func(Workspace) string{
			"title":     func(w Workspace) string { return w.Title },
			"createdAt": func(w Workspace) string { return sortable(w.CreatedAt) },
		},
	})
}

func (s *API) createWorkspace(ctx context.Context, in *newWorkspaceInput) (*workspaceOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	w, err := s.Tenancy.CreateWorkspace(ctx, who, in.Body.Name, in.Body.Title)
	if err != nil {
		return nil, err
	}
	return &workspaceOutput{Body: s.workspace(who, w)}, nil
}

func (s *API) getWorkspace(ctx context.Context, in *WorkspacePath) (*workspaceOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	w, ok := s.Index.Workspace(in.Workspace)
	if !ok {
		return nil, noWorkspace(in.Workspace)
	}
	return &workspaceOutput{Body: s.workspace(who, w)}, nil
}

func (s *API) deleteWorkspace(ctx context.Context, in *WorkspacePath) (*struct{}, error) {
	w, ok := s.Index.Workspace(in.Workspace)
	if !ok {
		return nil, noWorkspace(in.Workspace)
	}
	if err := s.Tenancy.DeleteWorkspace(ctx, in.Workspace); err != nil {
		return nil, err
	}
	return nil, s.Identity.RemoveWorkspace(ctx, w.UID)
}

func (s *API) listWorkspaceMembers(ctx context.Context, in *workspaceMembersInput) (*ListOutput[Member], error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.listMembers(ctx, at, in.ListQuery)
}

func (s *API) getWorkspaceMember(ctx context.Context, in *WorkspaceMemberPath) (*memberOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.getMember(ctx, at, in.User)
}

func (s *API) setWorkspaceMember(ctx context.Context, in *workspaceRoleInput) (*memberOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.setMember(ctx, at, in.User, in.Body.Role)
}

func (s *API) removeWorkspaceMember(ctx context.Context, in *WorkspaceMemberPath) (*struct{}, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.removeMember(ctx, at, in.User)
}
