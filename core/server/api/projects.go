// Projects: namespaces of workspaces, always addressed with their cluster.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Project is a namespace of a workspace in one cluster.
type Project struct {
	UID       string    `json:"uid"`
	Name      string    `json:"name" doc:"Also the name of the namespace." example:"demo"`
	Cluster   string    `json:"cluster" example:"local"`
	Workspace string    `json:"workspace" example:"demo"`
	Title     string    `json:"title" example:"Demo"`
	Phase     string    `json:"phase" enum:"Pending,Ready,Failed,Deleting" doc:"How far Kubernetes matches."`
	Message   string    `json:"message,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	Roles     []string  `json:"roles" doc:"The caller's own roles in it."`
}

// NewProject is a project to be.
type NewProject struct {
	Name      string `json:"name" pattern:"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" example:"demo"`
	Workspace string `json:"workspace" maxLength:"63" example:"demo"`
	Title     string `json:"title,omitempty" maxLength:"128" example:"Demo"`
	Adopt     bool   `json:"adopt,omitempty" doc:"Take over a namespace that is there already; for platform administrators only."`
}

// ProjectRole is a role in a project.
type ProjectRole struct {
	Role string `json:"role" enum:"project-admin,project-developer,project-viewer"`
}

type (
	projectListInput struct {
		ListQuery
		Cluster   string `query:"cluster" maxLength:"63" doc:"Only projects of this cluster."`
		Workspace string `query:"workspace" maxLength:"63" doc:"Only projects of this workspace."`
	}
	newProjectInput struct {
		clusterInput
		Body NewProject
	}
	projectInput struct {
		clusterInput
		Project string `path:"project" maxLength:"63" example:"demo"`
	}
	projectOutput       struct{ Body Project }
	projectMembersInput struct {
		projectInput
		ListQuery
	}
	projectMemberInput struct {
		projectInput
		User string `path:"user" maxLength:"63" example:"jane"`
	}
	projectRoleInput struct {
		projectMemberInput
		Body ProjectRole
	}
)

func (s *API) registerProjects(a huma.API) {
	const one = "/api/v1/clusters/{cluster}/projects/{project}"
	add(a, about{id: "list-projects", method: http.MethodGet, path: "/api/v1/projects", tag: "projects", summary: "List the projects that the caller may see"}, s.listProjects)
	add(a, about{id: "create-project", method: http.MethodPost, path: "/api/v1/clusters/{cluster}/projects", tag: "projects", status: http.StatusCreated,
		summary: "Make a project", text: "The answer comes at once; its phase says when Kubernetes has it.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.createProject)
	add(a, about{id: "get-project", method: http.MethodGet, path: one, tag: "projects", summary: "Read a project", errors: []int{http.StatusNotFound}}, s.getProject)
	add(a, about{id: "delete-project", method: http.MethodDelete, path: one, tag: "projects", status: http.StatusNoContent,
		summary: "Delete a project", text: "The namespace and everything in it goes too.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.deleteProject)
	add(a, about{id: "list-project-members", method: http.MethodGet, path: one + "/members", tag: "projects", summary: "List the members of a project",
		errors: []int{http.StatusNotFound}}, s.listProjectMembers)
	add(a, about{id: "get-project-member", method: http.MethodGet, path: one + "/members/{user}", tag: "projects", summary: "Read a member of a project",
		errors: []int{http.StatusNotFound}}, s.getProjectMember)
	add(a, about{id: "set-project-member", method: http.MethodPut, path: one + "/members/{user}", tag: "projects",
		summary: "Make a person a member of a project, or change the role", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setProjectMember)
	add(a, about{id: "remove-project-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "projects", status: http.StatusNoContent,
		summary: "Take a person out of a project", text: "What the person has open in the project ends too.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.removeProjectMember)
}

func (s *API) listProjects(ctx context.Context, in *projectListInput) (*ListOutput[Project], error) {
	return nil, errNotYet
}
func (s *API) createProject(ctx context.Context, in *newProjectInput) (*projectOutput, error) {
	return nil, errNotYet
}
func (s *API) getProject(ctx context.Context, in *projectInput) (*projectOutput, error) {
	return nil, errNotYet
}
func (s *API) deleteProject(ctx context.Context, in *projectInput) (*struct{}, error) {
	return nil, errNotYet
}
func (s *API) listProjectMembers(ctx context.Context, in *projectMembersInput) (*ListOutput[Member], error) {
	return nil, errNotYet
}
func (s *API) getProjectMember(ctx context.Context, in *projectMemberInput) (*memberOutput, error) {
	return nil, errNotYet
}
func (s *API) setProjectMember(ctx context.Context, in *projectRoleInput) (*memberOutput, error) {
	return nil, errNotYet
}
func (s *API) removeProjectMember(ctx context.Context, in *projectMemberInput) (*struct{}, error) {
	return nil, errNotYet
}
