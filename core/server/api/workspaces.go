// Workspaces: tenants.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// Workspace is a tenant.
type Workspace struct {
	UID       string    `json:"uid"`
	Name      string    `json:"name" example:"demo"`
	Title     string    `json:"title" example:"Demo"`
	CreatedAt time.Time `json:"createdAt"`
	Roles     []string  `json:"roles" doc:"The caller's own roles in it."`
	WorkspaceSettings
}

// WorkspaceSettings are what the platform says about a workspace.
type WorkspaceSettings struct {
	Budget       map[string]string `json:"budget,omitempty" maxProperties:"64" doc:"What all its projects together may have, by the names of Kubernetes' ResourceQuota; what is not named has no bound." example:"{\"requests.cpu\": \"8\", \"limits.memory\": \"32Gi\", \"pods\": \"100\"}"`
	Clusters     []string          `json:"clusters,omitempty" maxItems:"64" nullable:"false" doc:"Where it may have projects; left out, in every cluster."`
	PodSecurity  string            `json:"podSecurity,omitempty" enum:"baseline,restricted" doc:"The level of Pod Security of its projects; baseline when left out."`
	Isolated     bool              `json:"isolated,omitempty" doc:"Its pods talk to each other, to the cluster's DNS and ingress controllers, and with nobody else."`
	ServiceTypes []string          `json:"serviceTypes,omitempty" maxItems:"2" enum:"NodePort,LoadBalancer" nullable:"false" doc:"Service types that it may have besides ClusterIP and ExternalName."`
	Hosts        []string          `json:"hosts,omitempty" maxItems:"32" nullable:"false" doc:"DNS names that are its own, each with all that ends in it: its routes have no others, and no other workspace has these." example:"[\"shop.example.org\"]"`
}

// NewWorkspace is a tenant to be.
type NewWorkspace struct {
	Name  string `json:"name" pattern:"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" example:"demo"`
	Title string `json:"title,omitempty" maxLength:"128" example:"Demo"`
	WorkspaceSettings
}

// WorkspaceChange is what a workspace is to be like, all of it.
type WorkspaceChange struct {
	Title string `json:"title,omitempty" maxLength:"128" example:"Demo"`
	WorkspaceSettings
}

// Spending is a workspace's budget and where it went.
type Spending struct {
	Budget   map[string]string `json:"budget" doc:"What all projects together may have."`
	Given    map[string]string `json:"given" doc:"What they have been given, of what the budget names or not."`
	Left     map[string]string `json:"left" doc:"What can still be given, of what the budget names."`
	Projects []Share           `json:"projects" doc:"Who has it. Only projects that the caller may see."`
}

// Share is what a project has been given.
type Share struct {
	Cluster string            `json:"cluster" example:"local"`
	Project string            `json:"project" example:"demo"`
	Quota   map[string]string `json:"quota"`
}

type (
	newWorkspaceInput struct{ Body NewWorkspace }
	// WorkspacePath names a workspace.
	WorkspacePath struct {
		Workspace string `path:"workspace" maxLength:"63" example:"demo"`
	}
	workspaceChangeInput struct {
		WorkspacePath
		Body WorkspaceChange
	}
	workspaceDeletion struct {
		WorkspacePath
		Confirmation
	}
	workspaceOutput       struct{ Body Workspace }
	spendingOutput        struct{ Body Spending }
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
		summary: "Make a workspace", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.createWorkspace)
	add(s, a, about{id: "get-workspace", method: http.MethodGet, path: one, tag: "workspaces", summary: "Read a workspace", errors: []int{http.StatusNotFound}}, s.getWorkspace)
	add(s, a, about{id: "update-workspace", method: http.MethodPut, path: one, tag: "workspaces", summary: "Change a workspace's title and settings, all of them",
		errors: []int{http.StatusNotFound, http.StatusConflict}}, s.updateWorkspace)
	add(s, a, about{id: "get-workspace-budget", method: http.MethodGet, path: one + "/budget", tag: "workspaces", summary: "What is left of a workspace's budget",
		errors: []int{http.StatusNotFound}}, s.getBudget)
	add(s, a, about{id: "delete-workspace", method: http.MethodDelete, path: one, tag: "workspaces", status: http.StatusNoContent,
		summary: "Delete a workspace", text: "It must have no projects any more.", errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionRequired}}, s.deleteWorkspace)
	add(s, a, about{id: "list-workspace-members", method: http.MethodGet, path: one + "/members", tag: "workspaces", summary: "List the members of a workspace",
		errors: []int{http.StatusNotFound}}, s.listWorkspaceMembers)
	add(s, a, about{id: "get-workspace-member", method: http.MethodGet, path: one + "/members/{user}", tag: "workspaces", summary: "Read a member of a workspace",
		errors: []int{http.StatusNotFound}}, s.getWorkspaceMember)
	add(s, a, about{id: "set-workspace-member", method: http.MethodPut, path: one + "/members/{user}", tag: "workspaces",
		summary: "Make a person a member of a workspace, or change the role", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.setWorkspaceMember)
}

func (s *API) workspace(who access.Subject, w tenancy.Workspace) Workspace {
	return Workspace{
		UID: w.UID, Name: w.Name, Title: w.Title, CreatedAt: w.CreatedAt, Roles: listed(s.Index.Roles(who, access.Scope{Workspace: w.Name})),
		WorkspaceSettings: WorkspaceSettings{
			Budget: w.Budget.Written(), Clusters: w.Clusters, PodSecurity: w.PodSecurity, Isolated: w.Isolated, ServiceTypes: w.ServiceTypes, Hosts: w.Hosts,
		},
	}
}

// settings reads what was said about a workspace.
func (w WorkspaceSettings) settings() (tenancy.Settings, error) {
	budget, err := tenancy.ParseAmounts(w.Budget)
	return tenancy.Settings{
		Budget: budget, Clusters: w.Clusters, PodSecurity: w.PodSecurity, Isolated: w.Isolated, ServiceTypes: w.ServiceTypes, Hosts: w.Hosts,
	}, err
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
	kept, err := s.Tenancy.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	byUID := make(map[string]tenancy.Workspace, len(kept))
	for _, w := range kept {
		byUID[w.UID] = w
	}
	all := []Workspace{}
	for _, seen := range s.Index.Workspaces(who) {
		if w, ok := byUID[seen.UID]; ok { // else gone in this moment
			all = append(all, s.workspace(who, w))
		}
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
	settings, err := in.Body.settings()
	if err != nil {
		return nil, err
	}
	note(ctx).Scope = access.Scope{Workspace: in.Body.Name}
	w, err := s.Tenancy.CreateWorkspace(ctx, who, in.Body.Name, in.Body.Title, settings)
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
	w, err := s.Tenancy.Workspace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return &workspaceOutput{Body: s.workspace(who, w)}, nil
}

func (s *API) updateWorkspace(ctx context.Context, in *workspaceChangeInput) (*workspaceOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := in.Body.settings()
	if err != nil {
		return nil, err
	}
	w, err := s.Tenancy.UpdateWorkspace(ctx, in.Workspace, in.Body.Title, settings)
	if err != nil {
		return nil, err
	}
	return &workspaceOutput{Body: s.workspace(who, w)}, nil
}

func (s *API) getBudget(ctx context.Context, in *WorkspacePath) (*spendingOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	spent, err := s.Tenancy.Spending(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	out := Spending{Budget: spent.Budget.Written(), Given: spent.Given.Written(), Left: spent.Left.Written(), Projects: []Share{}}
	for _, p := range spent.Projects {
		if s.Index.Can(who, access.ProjectsView, access.Scope{Cluster: p.Cluster, Project: p.Project}).Allowed {
			out.Projects = append(out.Projects, Share{Cluster: p.Cluster, Project: p.Project, Quota: p.Quota.Written()})
		}
	}
	return &spendingOutput{Body: out}, nil
}

func (s *API) deleteWorkspace(ctx context.Context, in *workspaceDeletion) (*struct{}, error) {
	if err := in.confirms("workspace", in.Workspace); err != nil {
		return nil, err
	}
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
	return s.getUserMember(ctx, at, in.User)
}

func (s *API) setWorkspaceMember(ctx context.Context, in *workspaceRoleInput) (*memberOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.setMember(ctx, at, in.User, in.Body.Role)
}
