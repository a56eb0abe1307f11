// Workspaces: tenants.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
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

// WorkspaceRole is a role in a workspace.
type WorkspaceRole struct {
	Role string `json:"role" enum:"workspace-admin,workspace-member,workspace-viewer"`
}

type (
	newWorkspaceInput struct{ Body NewWorkspace }
	workspaceInput    struct {
		Workspace string `path:"workspace" maxLength:"63" example:"demo"`
	}
	workspaceOutput       struct{ Body Workspace }
	workspaceMembersInput struct {
		workspaceInput
		ListQuery
	}
	workspaceMemberInput struct {
		workspaceInput
		User string `path:"user" maxLength:"63" example:"jane"`
	}
	workspaceRoleInput struct {
		workspaceMemberInput
		Body WorkspaceRole
	}
)

func (s *API) registerWorkspaces(a huma.API) {
	const one = "/api/v1/workspaces/{workspace}"
	add(a, about{id: "list-workspaces", method: http.MethodGet, path: "/api/v1/workspaces", tag: "workspaces", summary: "List the workspaces that the caller may see"}, s.listWorkspaces)
	add(a, about{id: "create-workspace", method: http.MethodPost, path: "/api/v1/workspaces", tag: "workspaces", status: http.StatusCreated,
		summary: "Make a workspace", errors: []int{http.StatusConflict}}, s.createWorkspace)
	add(a, about{id: "get-workspace", method: http.MethodGet, path: one, tag: "workspaces", summary: "Read a workspace", errors: []int{http.StatusNotFound}}, s.getWorkspace)
	add(a, about{id: "delete-workspace", method: http.MethodDelete, path: one, tag: "workspaces", status: http.StatusNoContent,
		summary: "Delete a workspace", text: "It must have no projects any more.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.deleteWorkspace)
	add(a, about{id: "list-workspace-members", method: http.MethodGet, path: one + "/members", tag: "workspaces", summary: "List the members of a workspace",
		errors: []int{http.StatusNotFound}}, s.listWorkspaceMembers)
	add(a, about{id: "get-workspace-member", method: http.MethodGet, path: one + "/members/{user}", tag: "workspaces", summary: "Read a member of a workspace",
		errors: []int{http.StatusNotFound}}, s.getWorkspaceMember)
	add(a, about{id: "set-workspace-member", method: http.MethodPut, path: one + "/members/{user}", tag: "workspaces",
		summary: "Make a person a member of a workspace, or change the role", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setWorkspaceMember)
	add(a, about{id: "remove-workspace-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "workspaces", status: http.StatusNoContent,
		summary: "Take a person out of a workspace", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.removeWorkspaceMember)
}

func (s *API) listWorkspaces(ctx context.Context, in *ListQuery) (*ListOutput[Workspace], error) {
	return nil, errNotYet
}
func (s *API) createWorkspace(ctx context.Context, in *newWorkspaceInput) (*workspaceOutput, error) {
	return nil, errNotYet
}
func (s *API) getWorkspace(ctx context.Context, in *workspaceInput) (*workspaceOutput, error) {
	return nil, errNotYet
}
func (s *API) deleteWorkspace(ctx context.Context, in *workspaceInput) (*struct{}, error) {
	return nil, errNotYet
}
func (s *API) listWorkspaceMembers(ctx context.Context, in *workspaceMembersInput) (*ListOutput[Member], error) {
	return nil, errNotYet
}
func (s *API) getWorkspaceMember(ctx context.Context, in *workspaceMemberInput) (*memberOutput, error) {
	return nil, errNotYet
}
func (s *API) setWorkspaceMember(ctx context.Context, in *workspaceRoleInput) (*memberOutput, error) {
	return nil, errNotYet
}
func (s *API) removeWorkspaceMember(ctx context.Context, in *workspaceMemberInput) (*struct{}, error) {
	return nil, errNotYet
}
