// Members of the platform, of workspaces and of projects: people and groups, one
// way for all.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Member is a person or a group with a role in a scope.
type Member struct {
	User        string     `json:"user" doc:"The person; empty for a group." example:"jane"`
	Group       string     `json:"group,omitempty" doc:"The group; absent for a person." example:"developers"`
	DisplayName string     `json:"displayName" example:"Jane Doe"`
	Role        string     `json:"role" doc:"The id of the role." example:"project-developer"`
	RoleName    string     `json:"roleName" doc:"How the role is called." example:"project-developer"`
	Until       *time.Time `json:"until,omitempty" doc:"When it ends by itself."`
}

// GivenRole is a role to be given.
type GivenRole struct {
	Role string `json:"role" minLength:"1" maxLength:"64" doc:"The id of a role that may be given here: a preset's name, or the uid of a custom role." example:"project-developer"`
}

type (
	memberOutput        struct{ Body Member }
	workspaceGroupInput struct {
		WorkspaceGroupPath
		Body GivenRole
	}
	// ProjectGroupPath names a group in a project.
	ProjectGroupPath struct {
		ProjectPath
		GroupPath
	}
	projectGroupInput struct {
		ProjectGroupPath
		Body GivenRole
	}
	platformGroupInput struct {
		GroupPath
		Body PlatformRoles
	}
)

func (s *API) registerMembers(a huma.API) {
	const workspace, project = "/api/v1/workspaces/{workspace}/member-groups/{group}", "/api/v1/clusters/{cluster}/projects/{project}/member-groups/{group}"
	missing, conflict := []int{http.StatusNotFound}, []int{http.StatusNotFound, http.StatusConflict}
	add(s, a, about{id: "list-platform-members", method: http.MethodGet, path: "/api/v1/members", tag: "access", summary: "List who has roles on the platform"}, s.listPlatformMembers)
	add(s, a, about{id: "get-group-platform-roles", method: http.MethodGet, path: "/api/v1/groups/{group}/roles", tag: "access", summary: "Read which roles a group has on the platform", errors: missing}, s.getGroupPlatformRoles)
	add(s, a, about{id: "set-group-platform-roles", method: http.MethodPut, path: "/api/v1/groups/{group}/roles", tag: "access", summary: "Say which roles a group has on the platform", errors: conflict}, s.setGroupPlatformRoles)
	add(s, a, about{id: "get-workspace-member-group", method: http.MethodGet, path: workspace, tag: "workspaces", summary: "Read which role a group has in a workspace", errors: missing}, s.getWorkspaceGroup)
	add(s, a, about{id: "set-workspace-member-group", method: http.MethodPut, path: workspace, tag: "workspaces", summary: "Give a group a role in a workspace, or change it", errors: conflict}, s.setWorkspaceGroup)
	add(s, a, about{id: "remove-workspace-member-group", method: http.MethodDelete, path: workspace, tag: "workspaces", status: http.StatusNoContent, summary: "Take a group out of a workspace", errors: conflict}, s.removeWorkspaceGroup)
	add(s, a, about{id: "get-project-member-group", method: http.MethodGet, path: project, tag: "projects", summary: "Read which role a group has in a project", errors: missing}, s.getProjectGroup)
	add(s, a, about{id: "set-project-member-group", method: http.MethodPut, path: project, tag: "projects", summary: "Give a group a role in a project, or change it", errors: conflict}, s.setProjectGroup)
	add(s, a, about{id: "remove-project-member-group", method: http.MethodDelete, path: project, tag: "projects", status: http.StatusNoContent, summary: "Take a group out of a project", errors: conflict}, s.removeProjectGroup)
}

// place is where members are: a scope by its names and by its uid.
type place struct {
	scope   access.Scope
	binding access.BindingScope
}

// member is a binding as it is shown; false when whoever it is for is gone.
func (s *API) member(b access.Binding) (Member, bool) {
	m := Member{Role: b.Role, RoleName: b.Role}
	if r, ok := s.Index.Role(b.Role); ok {
		m.RoleName = r.Name
	}
	if !b.Until.IsZero() {
		m.Until = &b.Until
	}
	if g, ok := s.Index.GroupByUID(b.GroupUID); ok {
		m.Group, m.DisplayName = g.Name, g.DisplayName
		return m, true
	}
	account, ok := s.Index.AccountByUID(b.SubjectUID)
	m.User, m.DisplayName = account.Name, account.DisplayName
	return m, ok
}

// shown are bindings as members, without those of who is gone.
func (s *API) shown(bindings []access.Binding) []Member {
	all := make([]Member, 0, len(bindings))
	for _, b := range bindings {
		if m, ok := s.member(b); ok {
			all = append(all, m)
		}
	}
	return all
}

func (s *API) memberPage(all []Member, q ListQuery) (*ListOutput[Member], error) {
	return page(all, q, s.version(), fields[Member]{
		// People before groups; a role that ends after the one that stays.
		key: func(m Member) string {
			key := m.User + "/" + m.Group + "/"
			if m.User == "" {
				key = "~" + key
			}
			if m.Until != nil {
				key += sortable(*m.Until)
			}
			return key + "/" + m.Role
		},
		text: func(m Member) []string { return []string{m.User, m.Group, m.DisplayName, m.RoleName} },
		sort: map[string]func(Member) string{
			"role":        func(m Member) string { return m.RoleName },
			"displayName": func(m Member) string { return m.DisplayName },
		},
	})
}

func (s *API) listPlatformMembers(_ context.Context, in *ListQuery) (*ListOutput[Member], error) {
	return s.memberPage(s.shown(s.Index.BindingsAt(platformScope)), *in)
}

func (s *API) listMembers(ctx context.Context, at place, q ListQuery) (*ListOutput[Member], error) {
	bindings, err := s.Tenancy.Members(ctx, at.binding)
	if err != nil {
		return nil, err
	}
	return s.memberPage(s.shown(bindings), q)
}

// getMember reads the role of the member, a person or a group, that fits.
func (s *API) getMember(ctx context.Context, at place, name string, fits func(Member) bool) (*memberOutput, error) {
	bindings, err := s.Tenancy.Members(ctx, at.binding)
	if err != nil {
		return nil, err
	}
	for _, m := range s.shown(bindings) {
		if fits(m) {
			return &memberOutput{Body: m}, nil
		}
	}
	return nil, problem.Newf(http.StatusNotFound, "%q is no member of %s.", name, at.scope)
}

func (s *API) getUserMember(ctx context.Context, at place, user string) (*memberOutput, error) {
	return s.getMember(ctx, at, user, func(m Member) bool { return m.Group == "" && m.User == user })
}

func (s *API) getGroupMember(ctx context.Context, at place, group string) (*memberOutput, error) {
	return s.getMember(ctx, at, group, func(m Member) bool { return m.Group == group && group != "" })
}

// userAt is a binding for a person in a place.
func (s *API) userAt(at place, name string) (access.Binding, error) {
	account, ok := s.Index.Account(name)
	if !ok {
		return access.Binding{}, problem.Newf(http.StatusNotFound, "There is no user %q.", name)
	}
	return access.Binding{SubjectUID: account.UID, Scope: at.binding}, nil
}

// groupAt is a binding for a group in a place.
func (s *API) groupAt(at place, name string) (access.Binding, error) {
	g, ok := s.Index.Group(name)
	if !ok {
		return access.Binding{}, noGroup(name)
	}
	return access.Binding{GroupUID: g.UID, Scope: at.binding}, nil
}

func (s *API) setMember(ctx context.Context, at place, user, role string) (*memberOutput, error) {
	b, err := s.userAt(at, user)
	if err != nil {
		return nil, err
	}
	return s.give(ctx, at, b, role)
}

// give binds a role, if who asks has everything that it gives.
func (s *API) give(ctx context.Context, at place, b access.Binding, role string) (*memberOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.mayGiveRole(who, role, at.scope); err != nil {
		return nil, err
	}
	b.Role = role
	if err := s.noteRoles(ctx, b, func() error { return s.Tenancy.Bind(ctx, b) }); err != nil {
		return nil, err
	}
	m, _ := s.member(b)
	return &memberOutput{Body: m}, nil
}

func (s *API) setGroup(ctx context.Context, at place, group, role string) (*memberOutput, error) {
	b, err := s.groupAt(at, group)
	if err != nil {
		return nil, err
	}
	return s.give(ctx, at, b, role)
}

func (s *API) removeGroup(ctx context.Context, at place, group string) (*struct{}, error) {
	b, err := s.groupAt(at, group)
	if err != nil {
		return nil, err
	}
	return nil, s.noteRoles(ctx, b, func() error { return s.Tenancy.Unbind(ctx, b) })
}

func (s *API) getWorkspaceGroup(ctx context.Context, in *WorkspaceGroupPath) (*memberOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.getGroupMember(ctx, at, in.Group)
}

func (s *API) setWorkspaceGroup(ctx context.Context, in *workspaceGroupInput) (*memberOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.setGroup(ctx, at, in.Group, in.Body.Role)
}

func (s *API) removeWorkspaceGroup(ctx context.Context, in *WorkspaceGroupPath) (*struct{}, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	return s.removeGroup(ctx, at, in.Group)
}

func (s *API) getProjectGroup(ctx context.Context, in *ProjectGroupPath) (*memberOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.getGroupMember(ctx, at, in.Group)
}

func (s *API) setProjectGroup(ctx context.Context, in *projectGroupInput) (*memberOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.setGroup(ctx, at, in.Group, in.Body.Role)
}

func (s *API) removeProjectGroup(ctx context.Context, in *ProjectGroupPath) (*struct{}, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.removeGroup(ctx, at, in.Group)
}

func (s *API) getGroupPlatformRoles(_ context.Context, in *GroupPath) (*platformRolesOutput, error) {
	g, ok := s.Index.Group(in.Group)
	if !ok {
		return nil, noGroup(in.Group)
	}
	return &platformRolesOutput{Body: PlatformRoles{Platform: s.platformRoles(g.UID)}}, nil
}

func (s *API) setGroupPlatformRoles(ctx context.Context, in *platformGroupInput) (*platformRolesOutput, error) {
	g, ok := s.Index.Group(in.Group)
	if !ok {
		return nil, noGroup(in.Group)
	}
	if g.WorkspaceUID != "" {
		return nil, problem.Newf(http.StatusUnprocessableEntity, "The group %q belongs to a workspace and can have roles there only.", in.Group)
	}
	if err := s.mayGiveAll(ctx, in.Body.Platform); err != nil {
		return nil, err
	}
	err := s.noteRoles(ctx, access.Binding{GroupUID: g.UID, Scope: platformScope}, func() error {
		revision, err := access.SetGroupPlatformRoles(ctx, s.Store, g.UID, in.Body.Platform)
		if err != nil {
			return err
		}
		return s.Index.WaitFor(ctx, revision)
	})
	return &platformRolesOutput{Body: in.Body}, err
}

// mayGiveAll is nil when who asks has everything that these roles give on the
// platform.
func (s *API) mayGiveAll(ctx context.Context, roles []string) error {
	who, err := caller(ctx)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if err := s.mayGiveRole(who, role, access.Scope{}); err != nil {
			return err
		}
	}
	return nil
}

// workspacePlace finds a workspace; the guard has asked whether one may see it.
func (s *API) workspacePlace(ctx context.Context, name string) (place, error) {
	at := place{scope: access.Scope{Workspace: name}}
	w, ok := s.Index.Workspace(name)
	if !ok {
		return at, noWorkspace(name)
	}
	at.binding = access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}
	return at, nil
}

func noGroup(name string) error {
	return problem.Newf(http.StatusNotFound, "There is no group %q.", name)
}

func noWorkspace(name string) error {
	return problem.Newf(http.StatusNotFound, "There is no workspace %q.", name)
}

// projectPlace finds a project; the guard has asked whether one may see it.
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
