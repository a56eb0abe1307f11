// What people left behind in a project: service accounts, bindings and tokens
// that give rights to whoever holds them. They are listed, and revoked when their
// maker has no role there any more.

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

// Leftover is one thing that a person made in a project through Atoll and that
// is there yet.
type Leftover struct {
	User   string     `json:"user" doc:"Who made it, or changed it last. The person may be gone." example:"jane"`
	Member bool       `json:"member" doc:"Whether the person has a role yet by which they see the project."`
	Kind   string     `json:"kind" enum:"ServiceAccount,RoleBinding,Secret,Token" doc:"A Secret is one with a token of a service account."`
	Name   string     `json:"name" doc:"The name of the object in Kubernetes; of a token, of its service account." example:"deployer"`
	At     time.Time  `json:"at" doc:"When it was made, or changed last."`
	Until  *time.Time `json:"until,omitempty" doc:"When a token ends."`
}

// LeftBehind is what somebody leaves behind who is taken out of a project.
type LeftBehind struct {
	Leftovers []Leftover `json:"leftovers" nullable:"false"`
	Revoked   bool       `json:"revoked" doc:"Whether these were revoked: then they are there no more."`
	Roles     []string   `json:"roles" nullable:"false" doc:"Roles by which the person sees the project yet, as by a group or in the workspace: as long as there are any, nothing is revoked."`
}

type (
	leftoversInput struct {
		ProjectPath
		ListQuery
		User string `query:"user" maxLength:"63" doc:"Only what this person made."`
		Gone bool   `query:"gone" doc:"Only what people made who have no role any more."`
	}
	memberRemoval struct {
		ProjectMemberPath
		Revoke bool `query:"revoke" doc:"Revoke in the same step what the person made: bindings, service accounts and their tokens."`
	}
	leftBehindOutput struct{ Body LeftBehind }
)

func (s *API) registerLeftovers(a huma.API) {
	const one = "/api/v1/clusters/{cluster}/projects/{project}"
	add(s, a, about{id: "remove-project-member", method: http.MethodDelete, path: one + "/members/{user}", tag: "projects",
		summary: "Take a person out of a project", text: "What the person has open in the project ends too. The answer says what they leave behind.",
		errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable}}, s.removeProjectMember)
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

func leftovers(user string, member bool, items []tenancy.Leftover) []Leftover {
	all := make([]Leftover, 0, len(items))
	for _, one := range items {
		shown := Leftover{User: user, Member: member, Kind: one.Kind, Name: one.Name, At: one.At}
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
			all = append(all, leftovers(p.Name, member, p.Items)...)
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
	return s.leftBehind(ctx, in, at, uid, true)
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
func (s *API) leftBehind(ctx context.Context, in *ProjectMemberPath, at place, uid string, revoke bool) (*leftBehindOutput, error) {
	roles, err := s.standing(uid, at)
	if err != nil {
		return nil, err
	}
	revoke = revoke && len(roles) == 0
	find := s.Tenancy.LeftBehind
	if revoke {
		find = s.Tenancy.Revoke
	}
	items, err := find(ctx, in.Cluster, in.Project, uid)
	if err != nil {
		return nil, err
	}
	return &leftBehindOutput{Body: LeftBehind{Leftovers: leftovers(in.User, len(roles) > 0, items), Revoked: revoke, Roles: roles}}, nil
}

func (s *API) removeProjectMember(ctx context.Context, in *memberRemoval) (*leftBehindOutput, error) {
	at, err := s.projectPlace(ctx, in.ProjectPath)
	if err != nil {
		return nil, err
	}
	b, err := s.userAt(at, in.User)
	if err != nil {
		return nil, err
	}
	if err := s.Tenancy.Unbind(ctx, b); err != nil {
		return nil, err
	}
	out, err := s.leftBehind(ctx, &in.ProjectMemberPath, at, b.SubjectUID, in.Revoke)
	if errors.Is(err, tenancy.ErrUnavailable) {
		return nil, problem.Newf(http.StatusServiceUnavailable, "%q is no member any more, but what they left behind is neither known nor revoked: %v. Ask for .../leftovers later.", in.User, err)
	}
	return out, err
}
