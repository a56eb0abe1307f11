// Projects: namespaces of workspaces, always addressed with their cluster.

package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
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
	ProjectSettings
	Conditions []Condition `json:"conditions" doc:"The steps on the way, in their order."`
}

// ProjectSettings are a project's share of its workspace's budget.
type ProjectSettings struct {
	Quota      map[string]string `json:"quota,omitempty" maxProperties:"64" doc:"What it may use, by the names of Kubernetes' ResourceQuota. Of what the workspace's budget names and this does not, it may use nothing." example:"{\"requests.cpu\": \"2\", \"pods\": \"20\"}"`
	Containers *ContainerDefault `json:"containers,omitempty" doc:"What a container gets that does not ask."`
}

// ContainerDefault is what a container gets that does not ask, by resource.
type ContainerDefault struct {
	Requests map[string]string `json:"requests,omitempty" maxProperties:"3" example:"{\"cpu\": \"100m\"}"`
	Limits   map[string]string `json:"limits,omitempty" maxProperties:"3" example:"{\"memory\": \"256Mi\"}"`
}

// Condition is one step of a project.
type Condition struct {
	Type    string    `json:"type" enum:"Namespace,Bindings,Limits,Isolation,Removal"`
	Status  string    `json:"status" enum:"True,False,Unknown"`
	Message string    `json:"message,omitempty" doc:"Why the status is not True; of a removal what is still there, and whose finalizers."`
	Since   time.Time `json:"since" doc:"When the status last became another."`
}

// ProjectChange is what a project is to be like, all of it.
type ProjectChange struct {
	Title string `json:"title,omitempty" maxLength:"128" example:"Demo"`
	ProjectSettings
}

// Confirmation guards what cannot be taken back.
type Confirmation struct {
	Confirm string `query:"confirm" maxLength:"63" doc:"The name of what is deleted, once more." example:"demo"`
}

// confirms tells whether the name was given once more.
func (c Confirmation) confirms(kind, name string) error {
	switch c.Confirm {
	case name:
		return nil
	case "":
		return problem.Newf(http.StatusPreconditionRequired, "This deletes the %s and what belongs to it for good: confirm it with ?confirm=%s.", kind, name)
	}
	return problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
		WithErrors(problem.Fault{Parameter: "query.confirm", Message: "expected the name of the " + kind + ", " + name})
}

// NewProject is a project to be.
type NewProject struct {
	Name      string `json:"name" pattern:"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" example:"demo"`
	Workspace string `json:"workspace" maxLength:"63" example:"demo"`
	Title     string `json:"title,omitempty" maxLength:"128" example:"Demo"`
	Adopt     bool   `json:"adopt,omitempty" doc:"Take over a namespace that is there already; for platform administrators only. Where pods run in it that the workspace's Pod Security would not let in, the answer lists them with 409."`

	AcceptViolations bool `json:"acceptViolations,omitempty" doc:"Take it over although such pods run there: they go on, and are not let in again."`
	ProjectSettings
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
	projectChangeInput struct {
		ProjectPath
		Body ProjectChange
	}
	projectDeletion struct {
		ProjectPath
		Confirmation
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
		summary: "Make a project", text: "The answer comes at once; its phase says when Kubernetes has it.", errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable}}, s.createProject)
	add(s, a, about{id: "get-project", method: http.MethodGet, path: one, tag: "projects", summary: "Read a project", errors: []int{http.StatusNotFound}}, s.getProject)
	add(s, a, about{id: "update-project", method: http.MethodPut, path: one, tag: "projects", summary: "Change a project's title and quota, all of it",
		text: "Of a resource in the workspace's budget a project gets at most what is left.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.updateProject)
	add(s, a, about{id: "delete-project", method: http.MethodDelete, path: one, tag: "projects", status: http.StatusNoContent,
		summary: "Delete a project", text: "The namespace and everything in it goes too.", errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionRequired}}, s.deleteProject)
	add(s, a, about{id: "list-project-members", method: http.MethodGet, path: one + "/members", tag: "projects", summary: "List the members of a project",
		errors: []int{http.StatusNotFound}}, s.listProjectMembers)
	add(s, a, about{id: "get-project-member", method: http.MethodGet, path: one + "/members/{user}", tag: "projects", summary: "Read a member of a project",
		errors: []int{http.StatusNotFound}}, s.getProjectMember)
	add(s, a, about{id: "set-project-member", method: http.MethodPut, path: one + "/members/{user}", tag: "projects",
		summary: "Make a person a member of a project, or change the role", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setProjectMember)
}

func (s *API) project(who access.Subject, p tenancy.Project) Project {
	shown := Project{
		UID: p.UID, Name: p.Name, Cluster: p.Cluster, Title: p.Title, Phase: p.Phase, Message: p.Message, CreatedAt: p.CreatedAt,
		Roles:           listed(s.Index.Roles(who, access.Scope{Cluster: p.Cluster, Project: p.Name})),
		ProjectSettings: ProjectSettings{Quota: p.Quota.Written()}, Conditions: []Condition{},
	}
	if len(p.Containers.Requests)+len(p.Containers.Limits) > 0 {
		shown.Containers = &ContainerDefault{Requests: p.Containers.Requests.Written(), Limits: p.Containers.Limits.Written()}
	}
	for _, c := range p.Conditions {
		shown.Conditions = append(shown.Conditions, Condition{Type: c.Type, Status: c.Status, Message: c.Message, Since: c.Since})
	}
	if w, ok := s.Index.WorkspaceByUID(p.WorkspaceUID); ok {
		shown.Workspace = w.Name
	}
	return shown
}

// settings reads what a project is to be like.
func (p ProjectSettings) settings(title string) (tenancy.ProjectSettings, error) {
	settings := tenancy.ProjectSettings{Title: title}
	var err error
	if settings.Quota, err = tenancy.ParseAmounts(p.Quota); err != nil || p.Containers == nil {
		return settings, err
	}
	settings.Containers, err = tenancy.ParseContainers(p.Containers.Requests, p.Containers.Limits)
	return settings, err
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
	note(ctx).Scope = access.Scope{Workspace: in.Body.Workspace} // the project is not there yet
	who, err := s.may(ctx, access.ProjectsManage, access.Scope{Workspace: in.Body.Workspace})
	if err != nil {
		return nil, err
	}
	settings, err := in.Body.settings(in.Body.Title)
	if err != nil {
		return nil, err
	}
	p, err := s.Tenancy.CreateProject(ctx, who, tenancy.NewProject{
		Name: in.Body.Name, Cluster: in.Cluster, Workspace: in.Body.Workspace, Adopt: in.Body.Adopt, AcceptViolations: in.Body.AcceptViolations,
		ProjectSettings: settings,
	})
	if broken := (*tenancy.Violations)(nil); errors.As(err, &broken) {
		return nil, violationsProblem(broken)
	}
	if err != nil {
		return nil, err
	}
	note(ctx).Scope = access.Scope{Cluster: p.Cluster, Project: p.Name}
	return &projectOutput{Body: s.project(who, p)}, nil
}

// violationsProblem lists what runs in a namespace that its workspace would not
// let in.
func violationsProblem(v *tenancy.Violations) *problem.Problem {
	p := problem.Newf(http.StatusConflict, "Pods of the namespace %q break the Pod Security level %s of the workspace; see errors. They go on running when acceptViolations is said, and are not let in again.", v.Namespace, v.Level)
	for _, pod := range v.Pods {
		p.Errors = append(p.Errors, problem.Fault{Pointer: "/acceptViolations", Message: pod})
	}
	return p
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

func (s *API) updateProject(ctx context.Context, in *projectChangeInput) (*projectOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := in.Body.settings(in.Body.Title)
	if err != nil {
		return nil, err
	}
	p, err := s.Tenancy.UpdateProject(ctx, in.Cluster, in.Project, settings)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: s.project(who, p)}, nil
}

func (s *API) deleteProject(ctx context.Context, in *projectDeletion) (*struct{}, error) {
	if err := in.confirms("project", in.Project); err != nil {
		return nil, err
	}
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
	return s.getUserMember(ctx, at, in.User)
}

func (s *API) setProjectMember(ctx context.Context, in *projectRoleInput) (*memberOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.setMember(ctx, at, in.User, in.Body.Role)
}
