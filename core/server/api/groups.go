// Groups of people, of the platform and of workspaces: one way for both.

package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Group is a set of people to whom roles are given together.
type Group struct {
	UID         string    `json:"uid" doc:"Never changes and is never given again."`
	Name        string    `json:"name" example:"developers"`
	DisplayName string    `json:"displayName" example:"Developers"`
	Origin      string    `json:"origin" doc:"The identity provider that says who is in it; empty for a group whose members are named here."`
	ExternalID  string    `json:"externalID" doc:"How the provider calls it." example:"cn=developers,ou=groups,dc=example,dc=com"`
	CreatedAt   time.Time `json:"createdAt"`
}

// NewGroup is a group to be.
type NewGroup struct {
	Name        string `json:"name" pattern:"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$" doc:"There is one group of a name, whosever it is." example:"developers"`
	DisplayName string `json:"displayName,omitempty" maxLength:"120" example:"Developers"`
	Origin      string `json:"origin,omitempty" maxLength:"63" doc:"An identity provider: whoever it says is in its group of externalID is in this one, from their next sign-in on."`
	ExternalID  string `json:"externalID,omitempty" maxLength:"1024"`
}

// GroupMember is a person in a group.
type GroupMember struct {
	User        string `json:"user" example:"jane"`
	DisplayName string `json:"displayName" example:"Jane Doe"`
}

// GroupPath names a group in a path.
type GroupPath struct {
	Group string `path:"group" maxLength:"63" example:"developers"`
}

// WorkspaceGroupPath names a group of a workspace in a path.
type WorkspaceGroupPath struct {
	WorkspacePath
	GroupPath
}

// GroupUserPath names somebody in a group in a path.
type GroupUserPath struct {
	User string `path:"user" maxLength:"63" example:"jane"`
}

type (
	groupOutput       struct{ Body Group }
	groupMemberOutput struct{ Body GroupMember }
)

func (s *API) registerGroups(a huma.API) {
	s.registerPlatformGroups(a)
	s.registerWorkspaceGroups(a)
}

func (s *API) registerPlatformGroups(a huma.API) {
	const all, one = "/api/v1/groups", "/api/v1/groups/{group}"
	add(s, a, about{id: "list-groups", method: http.MethodGet, path: all, tag: "groups", summary: "List the groups of the platform"},
		func(ctx context.Context, in *ListQuery) (*ListOutput[Group], error) {
			return s.listGroups(ctx, home{}, *in)
		})
	add(s, a, about{id: "create-group", method: http.MethodPost, path: all, tag: "groups", status: http.StatusCreated, summary: "Make a group of the platform", errors: []int{http.StatusConflict}},
		func(ctx context.Context, in *struct{ Body NewGroup }) (*groupOutput, error) {
			return s.createGroup(ctx, home{}, in.Body)
		})
	add(s, a, about{id: "get-group", method: http.MethodGet, path: one, tag: "groups", summary: "Read a group of the platform", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *GroupPath) (*groupOutput, error) {
			return s.getGroup(ctx, home{}, in.Group)
		})
	add(s, a, about{id: "delete-group", method: http.MethodDelete, path: one, tag: "groups", status: http.StatusNoContent, summary: "Delete a group of the platform, with its roles", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *GroupPath) (*struct{}, error) {
			return s.deleteGroup(ctx, home{}, in.Group)
		})
	add(s, a, about{id: "list-group-members", method: http.MethodGet, path: one + "/members", tag: "groups", summary: "List who is in a group of the platform", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *struct {
			GroupPath
			ListQuery
		}) (*ListOutput[GroupMember], error) {
			return s.listGroupMembers(ctx, home{}, in.Group, in.ListQuery)
		})
	add(s, a, about{id: "add-group-member", method: http.MethodPut, path: one + "/members/{user}", tag: "groups", summary: "Put somebody into a group of the platform", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *struct {
			GroupPath
			GroupUserPath
		}) (*groupMemberOutput, error) {
			return s.addGroupMember(ctx, home{}, in.Group, in.User)
		})
	add(s, a, about{id: "remove-group-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "groups", status: http.StatusNoContent, summary: "Take somebody out of a group of the platform", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *struct {
			GroupPath
			GroupUserPath
		}) (*struct{}, error) {
			return s.removeGroupMember(ctx, home{}, in.Group, in.User)
		})
}

func (s *API) registerWorkspaceGroups(a huma.API) {
	const all = "/api/v1/workspaces/{workspace}/groups"
	const one = all + "/{group}"
	add(s, a, about{id: "list-workspace-groups", method: http.MethodGet, path: all, tag: "groups", summary: "List the groups of a workspace", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *struct {
			WorkspacePath
			ListQuery
		}) (*ListOutput[Group], error) {
			h, err := s.workspaceHome(in.Workspace)
			if err != nil {
				return nil, err
			}
			return s.listGroups(ctx, h, in.ListQuery)
		})
	add(s, a, about{id: "create-workspace-group", method: http.MethodPost, path: all, tag: "groups", status: http.StatusCreated, summary: "Make a group of a workspace",
		text: "It has roles in the workspace and its projects only.", errors: []int{http.StatusNotFound, http.StatusConflict}},
		func(ctx context.Context, in *struct {
			WorkspacePath
			Body NewGroup
		}) (*groupOutput, error) {
			h, err := s.workspaceHome(in.Workspace)
			if err != nil {
				return nil, err
			}
			return s.createGroup(ctx, h, in.Body)
		})
	add(s, a, about{id: "get-workspace-group", method: http.MethodGet, path: one, tag: "groups", summary: "Read a group of a workspace", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *WorkspaceGroupPath) (*groupOutput, error) {
			h, err := s.workspaceHome(in.Workspace)
			if err != nil {
				return nil, err
			}
			return s.getGroup(ctx, h, in.Group)
		})
	add(s, a, about{id: "delete-workspace-group", method: http.MethodDelete, path: one, tag: "groups", status: http.StatusNoContent, summary: "Delete a group of a workspace, with its roles", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *WorkspaceGroupPath) (*struct{}, error) {
			h, err := s.workspaceHome(in.Workspace)
			if err != nil {
				return nil, err
			}
			return s.deleteGroup(ctx, h, in.Group)
		})
	add(s, a, about{id: "list-workspace-group-members", method: http.MethodGet, path: one + "/members", tag: "groups", summary: "List who is in a group of a workspace", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *struct {
			WorkspaceGroupPath
			ListQuery
		}) (*ListOutput[GroupMember], error) {
			h, err := s.workspaceHome(in.Workspace)
			if err != nil {
				return nil, err
			}
			return s.listGroupMembers(ctx, h, in.Group, in.ListQuery)
		})
	add(s, a, about{id: "add-workspace-group-member", method: http.MethodPut, path: one + "/members/{user}", tag: "groups", summary: "Put somebody into a group of a workspace", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *struct {
			WorkspaceGroupPath
			GroupUserPath
		}) (*groupMemberOutput, error) {
			h, err := s.workspaceHome(in.Workspace)
			if err != nil {
				return nil, err
			}
			return s.addGroupMember(ctx, h, in.Group, in.User)
		})
	add(s, a, about{id: "remove-workspace-group-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "groups", status: http.StatusNoContent, summary: "Take somebody out of a group of a workspace", errors: []int{http.StatusNotFound}},
		func(ctx context.Context, in *struct {
			WorkspaceGroupPath
			GroupUserPath
		}) (*struct{}, error) {
			h, err := s.workspaceHome(in.Workspace)
			if err != nil {
				return nil, err
			}
			return s.removeGroupMember(ctx, h, in.Group, in.User)
		})
}

// home is whose a group is: the platform's (zero), or a workspace's.
type home struct{ name, uid string }

// workspaceHome finds a workspace.
func (s *API) workspaceHome(name string) (home, error) {
	w, ok := s.Index.Workspace(name)
	if !ok {
		return home{}, noWorkspace(name)
	}
	return home{name: name, uid: w.UID}, nil
}

// group finds a group of a home.
func (s *API) group(ctx context.Context, h home, name string) (access.Group, error) {
	g, err := s.Identity.GetGroup(ctx, name)
	if err == nil && g.WorkspaceUID != h.uid {
		err = fmt.Errorf("the group %q is %w", name, identity.ErrNotFound)
	}
	return g, err
}

func group(g access.Group) Group {
	return Group{UID: g.UID, Name: g.Name, DisplayName: g.DisplayName, Origin: g.Origin, ExternalID: g.ExternalID, CreatedAt: g.CreatedAt}
}

func (s *API) listGroups(ctx context.Context, h home, q ListQuery) (*ListOutput[Group], error) {
	groups, err := s.Identity.ListGroups(ctx, h.uid)
	if err != nil {
		return nil, err
	}
	all := make([]Group, 0, len(groups))
	for _, g := range groups {
		all = append(all, group(g))
	}
	return page(all, q, s.version(), fields[Group]{
		key:  func(g Group) string { return g.Name },
		text: func(g Group) []string { return []string{g.Name, g.DisplayName, g.ExternalID} },
		sort: map[string]func(Group) string{
			"displayName": func(g Group) string { return g.DisplayName },
			"origin":      func(g Group) string { return g.Origin },
			"createdAt":   func(g Group) string { return sortable(g.CreatedAt) },
		},
	})
}

func (s *API) createGroup(ctx context.Context, h home, in NewGroup) (*groupOutput, error) {
	g, err := s.Identity.CreateGroup(ctx, identity.NewGroup{Name: in.Name, DisplayName: in.DisplayName, Origin: in.Origin, ExternalID: in.ExternalID, Workspace: h.name})
	if err != nil {
		return nil, err
	}
	return &groupOutput{Body: group(g)}, nil
}

func (s *API) getGroup(ctx context.Context, h home, name string) (*groupOutput, error) {
	g, err := s.group(ctx, h, name)
	if err != nil {
		return nil, err
	}
	return &groupOutput{Body: group(g)}, nil
}

func (s *API) deleteGroup(ctx context.Context, h home, name string) (*struct{}, error) {
	if _, err := s.group(ctx, h, name); err != nil {
		return nil, err
	}
	return nil, s.Identity.DeleteGroup(ctx, name)
}

func (s *API) listGroupMembers(ctx context.Context, h home, name string, q ListQuery) (*ListOutput[GroupMember], error) {
	g, err := s.group(ctx, h, name)
	if err != nil {
		return nil, err
	}
	users, err := s.Identity.GroupMembers(ctx, g)
	if err != nil {
		return nil, err
	}
	all := make([]GroupMember, 0, len(users))
	for _, u := range users {
		all = append(all, GroupMember{User: u.Name, DisplayName: u.DisplayName})
	}
	return page(all, q, s.version(), fields[GroupMember]{
		key:  func(m GroupMember) string { return m.User },
		text: func(m GroupMember) []string { return []string{m.User, m.DisplayName} },
		sort: map[string]func(GroupMember) string{"displayName": func(m GroupMember) string { return m.DisplayName }},
	})
}

func (s *API) addGroupMember(ctx context.Context, h home, name, user string) (*groupMemberOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	g, err := s.group(ctx, h, name)
	if err != nil {
		return nil, err
	}
	if err := s.mayGive(who, g.UID); err != nil {
		return nil, err
	}
	if err := s.Identity.AddToGroup(ctx, name, user); err != nil {
		return nil, err
	}
	account, _ := s.Index.Account(user)
	return &groupMemberOutput{Body: GroupMember{User: user, DisplayName: account.DisplayName}}, nil
}

func (s *API) removeGroupMember(ctx context.Context, h home, name, user string) (*struct{}, error) {
	if _, err := s.group(ctx, h, name); err != nil {
		return nil, err
	}
	return nil, s.Identity.RemoveFromGroup(ctx, name, user)
}

// mayGive tells whether somebody has everything that a holder, a user or a
// group by uid, was given: else whoever joins the group, or takes the account
// over, would get more than the giver has.
func (s *API) mayGive(who access.Subject, holderUID string) error {
	for _, b := range s.Index.BindingsOf(holderUID) {
		sc, ok := s.scopeOf(b.Scope)
		if !ok {
			continue // the place is gone, and the role with it
		}
		beyond, err := s.Index.Beyond(who, b.Role, sc)
		if err != nil {
			continue // the role is gone
		}
		if len(beyond) > 0 {
			return problem.Newf(http.StatusForbidden, "This would give %s in %s, which you do not have yourself.", beyond[0], sc).WithMissing(string(beyond[0]), sc.String())
		}
	}
	return nil
}

// scopeOf is the place of a binding, by names; false when it is gone.
func (s *API) scopeOf(at access.BindingScope) (access.Scope, bool) {
	switch at.Kind {
	case access.KindWorkspace:
		w, ok := s.Index.WorkspaceByUID(at.UID)
		return access.Scope{Workspace: w.Name}, ok
	case access.KindProject:
		p, ok := s.Index.ProjectByUID(at.UID)
		return access.Scope{Cluster: p.Cluster, Project: p.Name}, ok
	}
	return access.Scope{}, true
}
