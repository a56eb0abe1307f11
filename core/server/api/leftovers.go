// What people left behind in projects: service accounts, bindings and tokens that
// give rights to whoever holds them. They are listed, told when a person is taken
// out, and revoked when their maker has no role there any more.

package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// Leftover is one thing that a person made in a project through Atoll and that
// is there yet.
type Leftover struct {
	Cluster string     `json:"cluster" example:"local"`
	Project string     `json:"project" example:"demo"`
	User    string     `json:"user" doc:"Who made it, or changed it last. The person may be gone." example:"jane"`
	Member  bool       `json:"member" doc:"Whether the person has a role yet by which they see the project, as by a group or in the workspace. Then it is not revoked."`
	Kind    string     `json:"kind" enum:"ServiceAccount,RoleBinding,Secret,Token" doc:"A Secret is one with a token of a service account."`
	Name    string     `json:"name" doc:"The name of the object in Kubernetes; of a token, of its service account." example:"deployer"`
	At      time.Time  `json:"at" doc:"When it was made, or changed last."`
	Until   *time.Time `json:"until,omitempty" doc:"When a token ends."`
	Revoked bool       `json:"revoked,omitempty" doc:"It was revoked just now: it is there no more."`
}

// LeftBehind is what somebody leaves behind who is taken out of a project or a
// workspace.
type LeftBehind struct {
	Leftovers []Leftover `json:"leftovers" nullable:"false"`
}

type (
	leftoversInput struct {
		ProjectPath
		ListQuery
		User string `query:"user" maxLength:"63" doc:"Only what this person made."`
		Gone bool   `query:"gone" doc:"Only what people made who have no role any more."`
	}
	// Revocation says what becomes of what a removed person made.
	Revocation struct {
		Revoke bool `query:"revoke" doc:"Revoke in the same step what the person made, where they have no other role: bindings, service accounts and their tokens."`
	}
	projectMemberRemoval struct {
		ProjectMemberPath
		Revocation
	}
	workspaceMemberRemoval struct {
		WorkspaceMemberPath
		Revocation
	}
	leftBehindOutput struct{ Body LeftBehind }
)

func (s *API) registerLeftovers(a huma.API) {
	const one = "/api/v1/clusters/{cluster}/projects/{project}"
	removal := []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable}
	add(s, a, about{id: "remove-workspace-member", method: http.MethodDelete, path: "/api/v1/workspaces/{workspace}/members/{user}", tag: "workspaces",
		summary: "Take a person out of a workspace", text: "What the person has open there ends too. The answer says what they leave behind in its projects.", errors: removal}, s.removeWorkspaceMember)
	add(s, a, about{id: "remove-project-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "projects",
		summary: "Take a person out of a project", text: "What the person has open in the project ends too. The answer says what they leave behind.", errors: removal}, s.removeProjectMember)
	unavailable := []int{http.StatusNotFound, http.StatusServiceUnavailable}
	add(s, a, about{id: "list-project-leftovers", method: http.MethodGet, path: one + "/leftovers", tag: "projects",
		summary: "List what people made in a project that gives rights",
		text:    "Service accounts, bindings and tokens that were made through Atoll and are there yet.", errors: unavailable}, s.listLeftovers)
	add(s, a, about{id: "revoke-project-leftovers", method: http.MethodDelete, path: one + "/leftovers/{user}", tag: "projects",
		summary: "Revoke what somebody left behind who has no role in a project any more",
		text:    "Bindings, service accounts and Secrets are deleted. Where a person asked for a token of a service account that others made, the service account is made anew, so that its tokens end and its bindings hold.",
		errors:  append(unavailable, http.StatusConflict)}, s.revokeLeftovers)
}

// standing are the roles by which a person sees a project yet. While Atoll does
// not know, nobody has left.
func (s *API) standing(uid string, at place) ([]string, error) {
	who := access.Subject{UID: uid}
	if d := s.Index.Can(who, access.ProjectsView, at.scope); d.Lost {
		return nil, denied(who, d)
	}
	return listed(s.Index.Roles(who, at.scope)), nil
}

func leftovers(at place, user string, member bool, items []tenancy.Leftover) []Leftover {
	all := make([]Leftover, 0, len(items))
	for _, one := range items {
		shown := Leftover{Cluster: at.scope.Cluster, Project: at.scope.Project, User: user, Member: member, Kind: one.Kind, Name: one.Name, At: one.At}
		if !one.Until.IsZero() {
			shown.Until = &one.Until
		}
		all = append(all, shown)
	}
	return all
}

func (s *API) listLeftovers(ctx context.Context, in *leftoversInput) (*ListOutput[Leftover], error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	people, err := s.Tenancy.Leftovers(ctx, in.Cluster, in.Project)
	if err != nil {
		return nil, err
	}
	all := []Leftover{}
	for _, p := range people {
		roles, err := s.standing(p.SubjectUID, at)
		if err != nil {
			return nil, err
		}
		member := len(roles) > 0
		if (in.User == "" || in.User == p.Name) && !(in.Gone && member) {
			all = append(all, leftovers(at, p.Name, member, p.Items)...)
		}
	}
	return page(all, in.ListQuery, s.version(), fields[Leftover]{
		key:  func(l Leftover) string { return l.User + "/" + l.Kind + "/" + l.Name },
		text: func(l Leftover) []string { return []string{l.User, l.Kind, l.Name} },
		sort: map[string]func(Leftover) string{
			"kind": func(l Leftover) string { return l.Kind },
			"name": func(l Leftover) string { return l.Name },
			"at":   func(l Leftover) string { return sortable(l.At) },
		},
	})
}

func (s *API) revokeLeftovers(ctx context.Context, in *ProjectMemberPath) (*leftBehindOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	uid, err := s.makerUID(ctx, in)
	if err != nil {
		return nil, err
	}
	roles, err := s.standing(uid, at)
	if err != nil {
		return nil, err
	}
	if len(roles) > 0 {
		return nil, problem.Newf(http.StatusConflict, "%q has roles in %s: %q. What a member made is nothing left behind.", in.User, at.scope, roles)
	}
	all, err := s.leftBehind(ctx, at, in.User, uid, true)
	return &leftBehindOutput{Body: LeftBehind{Leftovers: all}}, err
}

// makerUID finds a person, also one whose account is gone: the name is nobody
// else's.
func (s *API) makerUID(ctx context.Context, in *ProjectMemberPath) (string, error) {
	if account, ok := s.Index.Account(in.User); ok {
		return account.UID, nil
	}
	people, err := s.Tenancy.Leftovers(ctx, in.Cluster, in.Project)
	if err != nil {
		return "", err
	}
	for _, p := range people {
		if p.Name == in.User {
			return p.SubjectUID, nil
		}
	}
	return "", problem.Newf(http.StatusNotFound, "There is no user %q, and nothing is left of one.", in.User)
}

// leftBehind says what a person left in a project, and revokes it if that is
// wanted and the person has no role there.
func (s *API) leftBehind(ctx context.Context, at place, user, uid string, revoke bool) ([]Leftover, error) {
	roles, err := s.standing(uid, at)
	if err != nil {
		return nil, err
	}
	revoke = revoke && len(roles) == 0
	find := s.Tenancy.LeftBehind
	if revoke {
		find = s.Tenancy.Revoke
	}
	items, err := find(ctx, at.scope.Cluster, at.scope.Project, uid)
	all := leftovers(at, user, len(roles) > 0, items)
	for i := range all {
		all[i].Revoked = revoke
	}
	return all, err
}

// removeMember takes a person out of a place, and says what they leave behind in
// these projects.
func (s *API) removeMember(ctx context.Context, at place, user string, projects []place, revoke bool) (*leftBehindOutput, error) {
	b, err := s.userAt(at, user)
	if err != nil {
		return nil, err
	}
	if err := s.noteRoles(ctx, b, func() error { return s.Tenancy.Unbind(ctx, b) }); err != nil {
		return nil, err
	}
	out := &leftBehindOutput{Body: LeftBehind{Leftovers: []Leftover{}}}
	var unknown error
	for _, project := range projects {
		all, err := s.leftBehind(ctx, project, user, b.SubjectUID, revoke)
		switch {
		case errors.Is(err, tenancy.ErrNotFound): // the project has gone meanwhile
		case errors.Is(err, tenancy.ErrUnavailable): // others may be to be had
			unknown = fmt.Errorf("%s: %w", project.scope, err)
		case err != nil:
			return nil, err
		}
		out.Body.Leftovers = append(out.Body.Leftovers, all...)
	}
	if unknown != nil {
		return nil, problem.Newf(http.StatusServiceUnavailable, "%q is no member any more, but what they left behind is not known everywhere, nor revoked: %v. Ask for the project's leftovers later.", user, unknown)
	}
	return out, nil
}

func (s *API) removeProjectMember(ctx context.Context, in *projectMemberRemoval) (*leftBehindOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	return s.removeMember(ctx, at, in.User, []place{at}, in.Revoke)
}

func (s *API) removeWorkspaceMember(ctx context.Context, in *workspaceMemberRemoval) (*leftBehindOutput, error) {
	at, err := s.workspacePlace(ctx, in.Workspace)
	if err != nil {
		return nil, err
	}
	kept, err := s.Tenancy.Projects(ctx)
	if err != nil {
		return nil, err
	}
	var projects []place
	for _, p := range kept {
		if p.WorkspaceUID == at.binding.UID {
			projects = append(projects, place{scope: access.Scope{Cluster: p.Cluster, Project: p.Name}, binding: access.BindingScope{Kind: access.KindProject, UID: p.UID}})
		}
	}
	return s.removeMember(ctx, at, in.User, projects, in.Revoke)
}
