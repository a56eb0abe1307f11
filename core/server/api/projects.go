// Projects: namespaces of workspaces, always addressed with their cluster.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/tenancy"
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

type (
	projectListInput struct {
		ListQuery
		Cluster   string `query:"cluster" maxLength:"63" doc:"Only projects of this cluster."`
		Workspace string `query:"workspace" maxLength:"63" doc:"Only projects of this workspace."`
	}
	newProjectInput struct {
		ClusterPath
		Body NewProject
	}
	// ProjectPath names a project, with its cluster.
	ProjectPath struct {
		ClusterPath
		Project string `path:"project" maxLength:"63" example:"demo"`
	}
	projectOutput       struct{ Body Project }
	projectMembersInput struct {
		ProjectPath
		ListQuery
	}
	// ProjectMemberPath names a member of a project.
	ProjectMemberPath struct {
		ProjectPath
		User string `path:"user" maxLength:"63" example:"jane"`
	}
	projectRoleInput struct {
		ProjectMemberPath
		Body GivenRole
	}
)

func (s *API) registerProjects(a huma.API) {
	const one = "/api/v1/clusters/{cluster}/projects/{project}"
	add(s, a, about{id: "list-projects", method: http.MethodGet, path: "/api/v1/projects", tag: "projects", summary: "List the projects that the caller may see"}, s.listProjects)
	add(s, a, about{id: "create-project", method: http.MethodPost, path: "/api/v1/clusters/{cluster}/projects", tag: "projects", status: http.StatusCreated,
		summary: "Make a project", text: "The answer comes at once; its phase says when Kubernetes has it.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.createProject)
	add(s, a, about{id: "get-project", method: http.MethodGet, path: one, tag: "projects", summary: "Read a project", errors: []int{http.StatusNotFound}}, s.getProject)
	add(s, a, about{id: "delete-project", method: http.MethodDelete, path: one, tag: "projects", status: http.StatusNoContent,
		summary: "Delete a project", text: "The namespace and everything in it goes too.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.deleteProject)
	add(s, a, about{id: "list-project-members", method: http.MethodGet, path: one + "/members", tag: "projects", summary: "List the members of a project",
		errors: []int{http.StatusNotFound}}, s.listProjectMembers)
	add(s, a, about{id: "get-project-member", method: http.MethodGet, path: one + "/members/{user}", tag: "projects", summary: "Read a member of a project",
		errors: []int{http.StatusNotFound}}, s.getProjectMember)
	add(s, a, about{id: "set-project-member", method: http.MethodPut, path: one + "/members/{user}", tag: "projects",
		summary: "Make a person a member of a project, or change the role", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setProjectMember)
	add(s, a, about{id: "remove-project-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "projects", status: http.StatusNoContent,
		summary: "Take a person out of a project", text: "What the person has open in the project ends too.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.removeProjectMember)
}

func (s *API) project(who access.Subject, p tenancy.Project) Project {
	shown := Project{
		UID: p.UID, Name: p.Name, Cluster: p.Cluster, Title: p.Title, Phase: p.Phase, Message: p.Message, CreatedAt: p.CreatedAt,
		Roles: listed(s.Index.Roles(who, access.Scope{Cluster: p.Cluster, Project: p.Name})),
	}
	if w, ok := s.Index.WorkspaceByUID(p.WorkspaceUID); ok {
		shown.Workspace = w.Name
	}
	return shown
}

func (s *API) listProjects(ctx context.Context, in *projectListInput) (*ListOutput[Project], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := s.Tenancy.Projects(ctx)
	if err != nil {
		return nil, err
	}
	byUID := make(map[string]tenancy.Project, len(kept))
	for _, p := range kept {
		byUID[p.UID] = p
	}
	all := []Project{}
	for _, seen := range s.Index.Projects(who, in.Cluster) {
		p, ok := byUID[seen.UID]
		if !ok {
			continue // gone in this moment
		}
		if one := s.project(who, p); in.Workspace == "" || one.Workspace == in.Workspace {
			all = append(all, one)
		}
	}
	return page(all, in.ListQuery, s.version(), fields[Project]{
		key:  func(p Project) string { return p.Cluster + "/" + p.Name },
		text: func(p Project) []string { return []string{p.Name, p.Title} },
		sort: map[string]func(Project) string{
			"title":     func(p Project) string { return p.Title },
			"workspace": func(p Project) string { return p.Workspace },
			"cluster":   func(p Project) string { return p.Cluster },
			"phase":     func(p Project) string { return p.Phase },
			"createdAt": func(p Project) string { return sortable(p.CreatedAt) },
		},
	})
}

func (s *API) createProject(ctx context.Context, in *newProjectInput) (*projectOutput, error) {
	who, err := s.may(ctx, access.ProjectsManage, access.Scope{Workspace: in.Body.Workspace})
	if err != nil {
		return nil, err
	}
	p, err := s.Tenancy.CreateProject(ctx, who, tenancy.NewProject{
		Name: in.Body.Name, Cluster: in.Cluster, Workspace: in.Body.Workspace, Title: in.Body.Title, Adopt: in.Body.Adopt,
	})
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: s.project(who, p)}, nil
}

func (s *API) getProject(ctx context.Context, in *ProjectPath) (*projectOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.Tenancy.Project(ctx, in.Cluster, in.Project)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: s.project(who, p)}, nil
}

func (s *API) deleteProject(ctx context.Context, in *ProjectPath) (*struct{}, error) {
	return nil, s.Tenancy.DeleteProject(ctx, in.Cluster, in.Project)
}

func (s *API) listProjectMembers(ctx context.Context, in *projectMembersInput) (*ListOutput[Member], error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.listMembers(ctx, at, in.ListQuery)
}

func (s *API) getProjectMember(ctx context.Context, in *ProjectMemberPath) (*memberOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.getMember(ctx, at, in.User)
}

func (s *API) setProjectMember(ctx context.Context, in *projectRoleInput) (*memberOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.setMember(ctx, at, in.User, in.Body.Role)
}

func (s *API) removeProjectMember(ctx context.Context, in *ProjectMemberPath) (*struct{}, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.removeMember(ctx, at, in.User)
}
