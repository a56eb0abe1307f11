// Roles: presets and custom ones, at the platform and in workspaces.

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// Role is a set of permissions that may be given in a scope.
type Role struct {
	ID          string   `json:"id" doc:"What members are given: the name of a preset role, the uid of a custom one." example:"project-viewer"`
	Name        string   `json:"name" example:"project-viewer"`
	Kind        string   `json:"kind" enum:"platform,workspace,project" doc:"Where it may be given."`
	Custom      bool     `json:"custom"`
	Workspace   string   `json:"workspace,omitempty" doc:"The workspace where it is defined, and outside of which it cannot be given; absent for those of the platform."`
	Title       string   `json:"title" example:"Project viewer"`
	Description string   `json:"description"`
	Permissions []string `json:"permissions" doc:"Everything that it gives, also what its permissions need." example:"[\"workloads.view\"]"`
	Made        []string `json:"made,omitempty" doc:"Of what a custom role is made."`
}

// RoleContent is what may be changed of a custom role.
type RoleContent struct {
	Title       string   `json:"title,omitempty" maxLength:"120" example:"On call"`
	Description string   `json:"description,omitempty" maxLength:"1000"`
	Permissions []string `json:"permissions" minItems:"1" maxItems:"256" doc:"Of GET /api/v1/permissions. What they need comes with them." example:"[\"pods.exec\"]"`
}

// NewRole is a custom role to be.
type NewRole struct {
	Name string `json:"name" pattern:"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" example:"on-call"`
	Kind string `json:"kind" enum:"platform,workspace,project" doc:"Where it may be given; in a workspace none of the platform can be defined."`
	RoleContent
}

// Permission is something that one may do.
type Permission struct {
	Name        string   `json:"name" example:"workloads.manage"`
	Scope       string   `json:"scope" enum:"platform,workspace,project" doc:"What it is about; roles of that scope and of wider ones may have it."`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Needs       []string `json:"needs" doc:"Who has it has these too." example:"[\"workloads.view\"]"`

	Kubernetes []KubernetesRule `json:"kubernetes" doc:"What it stands for in Kubernetes' own RBAC, besides what it means to Atoll; empty: nothing. The platform administrator has everything there."`
}

// KubernetesRule is a rule of RBAC.
type KubernetesRule struct {
	APIGroups []string `json:"apiGroups" doc:"The core's group is the empty text." example:"[\"apps\"]"`
	Resources []string `json:"resources" example:"[\"deployments\", \"deployments/scale\"]"`
	Verbs     []string `json:"verbs" example:"[\"get\", \"list\", \"watch\"]"`
}

type (
	// RolePath names a role.
	RolePath struct {
		Role string `path:"role" maxLength:"64" example:"project-viewer"`
	}
	newRoleInput    struct{ Body NewRole }
	roleChangeInput struct {
		RolePath
		Body RoleContent
	}
	workspaceRolesInput struct {
		WorkspacePath
		ListQuery
	}
	workspaceNewRoleInput struct {
		WorkspacePath
		Body NewRole
	}
	// WorkspaceRolePath names a role as a workspace has it.
	WorkspaceRolePath struct {
		WorkspacePath
		RolePath
	}
	workspaceRoleChangeInput struct {
		WorkspaceRolePath
		Body RoleContent
	}
	projectRolesInput struct {
		ProjectPath
		ListQuery
	}
	roleOutput struct{ Body Role }
)

func (s *API) registerRoles(a huma.API) {
	const workspace = "/api/v1/workspaces/{workspace}/roles"
	notFound, conflict := []int{http.StatusNotFound}, []int{http.StatusNotFound, http.StatusConflict}
	add(s, a, about{id: "list-permissions", method: http.MethodGet, path: "/api/v1/permissions", tag: "access", summary: "List everything that roles can be made of"}, s.listPermissions)
	add(s, a, about{id: "list-roles", method: http.MethodGet, path: "/api/v1/roles", tag: "access", summary: "List the preset roles and the custom ones of the platform"}, s.listRoles)
	add(s, a, about{id: "create-role", method: http.MethodPost, path: "/api/v1/roles", tag: "access", status: http.StatusCreated, summary: "Make a custom role of the platform",
		text: "It may have only what its maker has on the platform.", errors: conflict}, s.createRole)
	add(s, a, about{id: "get-role", method: http.MethodGet, path: "/api/v1/roles/{role}", tag: "access", summary: "Read a role of the platform", errors: notFound}, s.getRole)
	add(s, a, about{id: "update-role", method: http.MethodPut, path: "/api/v1/roles/{role}", tag: "access", summary: "Change a custom role of the platform",
		text: "It counts for everybody who has it, from their next request on.", errors: notFound}, s.updateRole)
	add(s, a, about{id: "delete-role", method: http.MethodDelete, path: "/api/v1/roles/{role}", tag: "access", status: http.StatusNoContent, summary: "Delete a custom role of the platform that nobody has", errors: conflict}, s.deleteRole)

	add(s, a, about{id: "list-workspace-roles", method: http.MethodGet, path: workspace, tag: "workspaces", summary: "List the roles that may be given in a workspace and its projects", errors: notFound}, s.listWorkspaceRoles)
	add(s, a, about{id: "create-workspace-role", method: http.MethodPost, path: workspace, tag: "workspaces", status: http.StatusCreated, summary: "Make a custom role of a workspace",
		text: "It may have only what its maker has in the workspace.", errors: conflict}, s.createWorkspaceRole)
	add(s, a, about{id: "get-workspace-role", method: http.MethodGet, path: workspace + "/{role}", tag: "workspaces", summary: "Read a role that may be given in a workspace or its projects", errors: notFound}, s.getWorkspaceRole)
	add(s, a, about{id: "update-workspace-role", method: http.MethodPut, path: workspace + "/{role}", tag: "workspaces", summary: "Change a custom role of a workspace",
		text: "It counts for everybody who has it, from their next request on.", errors: notFound}, s.updateWorkspaceRole)
	add(s, a, about{id: "delete-workspace-role", method: http.MethodDelete, path: workspace + "/{role}", tag: "workspaces", status: http.StatusNoContent, summary: "Delete a custom role of a workspace that nobody has", errors: conflict}, s.deleteWorkspaceRole)

	add(s, a, about{id: "list-project-roles", method: http.MethodGet, path: "/api/v1/clusters/{cluster}/projects/{project}/roles", tag: "projects", summary: "List the roles that may be given in a project", errors: notFound}, s.listProjectRoles)
}

func texts(permissions []access.Permission) []string {
	all := make([]string, len(permissions))
	for i, p := range permissions {
		all[i] = string(p)
	}
	return all
}

func permissionsOf(texts []string) []access.Permission {
	all := make([]access.Permission, len(texts))
	for i, t := range texts {
		all[i] = access.Permission(t)
	}
	return all
}

func (s *API) role(r access.Role) Role {
	shown := Role{ID: r.ID, Name: r.Name, Kind: string(r.Kind), Custom: r.Custom, Title: r.Title, Description: r.Description, Permissions: texts(r.Permissions), Made: texts(r.Made)}
	if w, ok := s.Index.WorkspaceByUID(r.Scope.UID); ok {
		shown.Workspace = w.Name
	}
	return shown
}

func (s *API) rolePage(q ListQuery, fits func(access.Role) bool) (*ListOutput[Role], error) {
	all := []Role{}
	for _, r := range s.Index.AllRoles() {
		if fits(r) {
			all = append(all, s.role(r))
		}
	}
	return page(all, q, s.version(), fields[Role]{
		key:  func(r Role) string { return r.Name + "/" + r.ID },
		text: func(r Role) []string { return []string{r.Name, r.Title} },
		sort: map[string]func(Role) string{
			"kind":  func(r Role) string { return r.Kind },
			"title": func(r Role) string { return r.Title },
		},
	})
}

func (s *API) listPermissions(_ context.Context, in *ListQuery) (*ListOutput[Permission], error) {
	all := []Permission{}
	for _, it := range s.Index.Items() {
		p := Permission{Name: string(it.Permission), Scope: string(it.Scope), Title: it.Title, Description: it.Description, Needs: texts(it.Needs), Kubernetes: []KubernetesRule{}}
		for _, r := range tenancy.PermissionRules(it.Permission) {
			p.Kubernetes = append(p.Kubernetes, KubernetesRule{APIGroups: r.APIGroups, Resources: r.Resources, Verbs: r.Verbs})
		}
		all = append(all, p)
	}
	return page(all, *in, s.version(), fields[Permission]{
		key:  func(p Permission) string { return p.Name },
		text: func(p Permission) []string { return []string{p.Name, p.Title} },
		sort: map[string]func(Permission) string{"scope": func(p Permission) string { return p.Scope }},
	})
}

var platformScope = access.BindingScope{Kind: access.KindPlatform}

func (s *API) listRoles(_ context.Context, in *ListQuery) (*ListOutput[Role], error) {
	return s.rolePage(*in, func(r access.Role) bool { return r.Scope == platformScope })
}

func (s *API) createRole(ctx context.Context, in *newRoleInput) (*roleOutput, error) {
	return s.makeRole(ctx, in.Body, place{binding: platformScope})
}

func (s *API) getRole(_ context.Context, in *RolePath) (*roleOutput, error) {
	r, ok := s.Index.Role(in.Role)
	if !ok || r.Scope != platformScope {
		return nil, noRole(in.Role)
	}
	return &roleOutput{Body: s.role(r)}, nil
}

func (s *API) updateRole(ctx context.Context, in *roleChangeInput) (*roleOutput, error) {
	return s.changeRole(ctx, in.Role, in.Body, place{binding: platformScope})
}

func (s *API) deleteRole(ctx context.Context, in *RolePath) (*struct{}, error) {
	return s.dropRole(ctx, in.Role, place{binding: platformScope})
}

func (s *API) listWorkspaceRoles(ctx context.Context, in *workspaceRolesInput) (*ListOutput[Role], error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.rolePage(in.ListQuery, func(r access.Role) bool { return givenWithin(r, at) })
}

// givenWithin tells whether a role may be given in a workspace or its projects.
func givenWithin(r access.Role, workspace place) bool {
	return r.Kind != access.KindPlatform && (r.Scope == platformScope || r.Scope == workspace.binding)
}

func (s *API) createWorkspaceRole(ctx context.Context, in *workspaceNewRoleInput) (*roleOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.makeRole(ctx, in.Body, at)
}

func (s *API) getWorkspaceRole(ctx context.Context, in *WorkspaceRolePath) (*roleOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	r, ok := s.Index.Role(in.Role)
	if !ok || !givenWithin(r, at) {
		return nil, noRole(in.Role)
	}
	return &roleOutput{Body: s.role(r)}, nil
}

func (s *API) updateWorkspaceRole(ctx context.Context, in *workspaceRoleChangeInput) (*roleOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.changeRole(ctx, in.Role, in.Body, at)
}

func (s *API) deleteWorkspaceRole(ctx context.Context, in *WorkspaceRolePath) (*struct{}, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.dropRole(ctx, in.Role, at)
}

func (s *API) listProjectRoles(ctx context.Context, in *projectRolesInput) (*ListOutput[Role], error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	p, _ := s.Index.Project(in.Cluster, in.Project)
	return s.rolePage(in.ListQuery, func(r access.Role) bool { return r.GivenAt(at.binding, p.WorkspaceUID) })
}

// makeRole defines a role in a place.
func (s *API) makeRole(ctx context.Context, n NewRole, at place) (*roleOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	c := access.CustomRole{Name: n.Name, Kind: access.Kind(n.Kind), Scope: at.binding, Title: n.Title, Description: n.Description, Permissions: permissionsOf(n.Permissions)}
	if err := beyond(s.Index.BeyondPermissions(who, c.Kind, c.Permissions, at.scope), at.scope); err != nil {
		return nil, err
	}
	if c, err = s.Tenancy.CreateRole(ctx, c); err != nil {
		return nil, err
	}
	return s.roleNow(c.UID)
}

func (s *API) roleNow(uid string) (*roleOutput, error) {
	r, ok := s.Index.Role(uid)
	if !ok {
		return nil, noRole(uid)
	}
	return &roleOutput{Body: s.role(r)}, nil
}

// changeRole changes a role that is defined in a place. Who changes it must have
// what it was and what it becomes.
func (s *API) changeRole(ctx context.Context, id string, n RoleContent, at place) (*roleOutput, error) {
	who, err := s.mayChange(ctx, id, at)
	if err != nil {
		return nil, err
	}
	r, _ := s.Index.Role(id)
	if err := beyond(s.Index.BeyondPermissions(who, r.Kind, permissionsOf(n.Permissions), at.scope), at.scope); err != nil {
		return nil, err
	}
	if _, err := s.Tenancy.UpdateRole(ctx, id, n.Title, n.Description, permissionsOf(n.Permissions)); err != nil {
		return nil, err
	}
	return s.roleNow(id)
}

func (s *API) dropRole(ctx context.Context, id string, at place) (*struct{}, error) {
	if _, err := s.mayChange(ctx, id, at); err != nil {
		return nil, err
	}
	return nil, s.Tenancy.DeleteRole(ctx, id)
}

// mayChange is who asks, if they may change a role that is defined in a place.
func (s *API) mayChange(ctx context.Context, id string, at place) (access.Subject, error) {
	who, err := caller(ctx)
	if err != nil {
		return who, err
	}
	r, ok := s.Index.Role(id)
	if !ok || r.Scope != at.binding {
		return who, noRole(id)
	}
	if !r.Custom {
		return who, problem.Newf(http.StatusUnprocessableEntity, "The role %s is a preset; it stays as it is. Make a custom role.", id)
	}
	return who, s.mayGiveRole(who, id, at.scope)
}

// mayGiveRole is nil when somebody has everything in a scope that a role would give
// there.
func (s *API) mayGiveRole(who access.Subject, role string, sc access.Scope) error {
	missing, err := s.Index.Beyond(who, role, sc)
	if err != nil {
		return err
	}
	return beyond(missing, sc)
}

// beyond is the problem of who would give what they do not have.
func beyond(missing []access.Permission, sc access.Scope) error {
	if len(missing) == 0 {
		return nil
	}
	return problem.Newf(http.StatusForbidden, "The role has permissions that you do not have here (%s): %v. Nobody gives what they do not have.", sc, missing).WithMissing(string(missing[0]), sc.String())
}

func noRole(id string) error {
	return problem.Newf(http.StatusNotFound, "There is no role %q here.", id)
}
