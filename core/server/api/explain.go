// Why somebody may or may not: which binding allowed it, or what is missing and
// who could give it.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Explanation says why a person may or may not do something in a scope.
type Explanation struct {
	Allowed    bool      `json:"allowed"`
	User       string    `json:"user" example:"jane"`
	Permission string    `json:"permission" example:"pods.exec"`
	Scope      string    `json:"scope" example:"clusters/local/projects/demo"`
	Reason     string    `json:"reason" doc:"In a sentence." example:"The role project-developer, given in clusters/local/projects/demo to the group developers, has it."`
	By         *GivenBy  `json:"by,omitempty" doc:"What allows it."`
	Grant      *GrantWay `json:"grant,omitempty" doc:"How it could be had; absent when it is allowed, and where the caller does not see the scope."`
}

// GivenBy is a membership that allows something.
type GivenBy struct {
	Role     string     `json:"role" doc:"The id of the role." example:"project-developer"`
	RoleName string     `json:"roleName" example:"project-developer"`
	Scope    string     `json:"scope" doc:"Where it was given." example:"clusters/local/projects/demo"`
	Group    string     `json:"group,omitempty" doc:"The group to which it was given; absent when it was given to the person." example:"developers"`
	Until    *time.Time `json:"until,omitempty" doc:"When it ends by itself."`
}

// GrantWay is how a permission could be had.
type GrantWay struct {
	Scope    string     `json:"scope" doc:"Where a role would have to be given." example:"clusters/local/projects/demo"`
	Roles    []RoleName `json:"roles" doc:"Roles that have the permission, those with the least first."`
	Grantors []string   `json:"grantors" doc:"Who could give one of them; empty for who may not see the members." example:"[\"petra\"]"`
}

// RoleName is a role in short.
type RoleName struct {
	ID   string `json:"id" example:"project-developer"`
	Name string `json:"name" example:"project-developer"`
}

type (
	explainInput struct {
		ScopeQuery
		Permission string `query:"permission" required:"true" minLength:"1" maxLength:"128" example:"pods.exec"`
		User       string `query:"user" maxLength:"63" doc:"Somebody else; for who may see the members of the scope."`
	}
	explainOutput struct{ Body Explanation }
)

func (s *API) registerExplain(a huma.API) {
	add(s, a, about{id: "explain-access", method: http.MethodGet, path: "/api/v1/access:explain", tag: "access", summary: "Why one may or may not do something in a scope, and who could change that",
		errors: []int{http.StatusNotFound}}, s.explain)
}

func (s *API) explain(ctx context.Context, in *explainInput) (*explainOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	sc, err := in.scope()
	if err != nil {
		return nil, err
	}
	of := who
	if in.User != "" && in.User != who.Name {
		if _, err := s.may(ctx, access.MembersView, sc); err != nil {
			return nil, err
		}
		account, ok := s.Index.Account(in.User)
		if !ok {
			return nil, problem.Newf(http.StatusNotFound, "There is no user %q.", in.User)
		}
		of = access.Subject{Name: account.Name, UID: account.UID}
	}
	e, ok := s.Index.Explain(of, access.Permission(in.Permission), sc)
	if !ok {
		return nil, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
			WithErrors(problem.Fault{Parameter: "query.permission", Message: "there is no such permission; GET /api/v1/permissions lists them"})
	}
	if e.Lost {
		return nil, denied(who, e.Decision)
	}
	out := Explanation{Allowed: e.Allowed, User: of.Name, Permission: in.Permission, Scope: sc.String()}
	switch {
	case e.Binding != nil:
		out.By = s.givenBy(*e.Binding)
		out.Reason = "The role " + out.By.RoleName + ", given in " + out.By.Scope
		if out.By.Group != "" {
			out.Reason += " to the group " + out.By.Group
		}
		out.Reason += ", has it."
	case e.Allowed:
		out.By = &GivenBy{Role: e.Role, RoleName: e.Role, Scope: access.Scope{}.String()}
		out.Reason = "Everybody who has any role has it."
	case e.Narrow:
		out.Reason = "The person may, and the credential of this request carries less than that."
	default:
		out.Reason = "No role that was given here, or further out, has it."
		out.Grant = s.grantWay(who, e, sc)
	}
	return &explainOutput{Body: out}, nil
}

// givenBy is a binding as it is shown.
func (s *API) givenBy(b access.Binding) *GivenBy {
	m, _ := s.member(b)
	out := &GivenBy{Role: b.Role, RoleName: m.RoleName, Group: m.Group, Until: m.Until}
	if at, ok := s.scopeOf(b.Scope); ok {
		out.Scope = at.String()
	}
	return out
}

// grantWay is how something missing could be had; nil where it would tell of a
// place that who asks does not see.
func (s *API) grantWay(who access.Subject, e access.Explanation, sc access.Scope) *GrantWay {
	if !e.GrantOK || !s.sees(who, sc) {
		return nil
	}
	at, ok := s.scopeOf(e.Grant)
	if !ok {
		return nil
	}
	way := &GrantWay{Scope: at.String(), Roles: []RoleName{}, Grantors: []string{}}
	for _, r := range e.Roles {
		way.Roles = append(way.Roles, RoleName{ID: r.ID, Name: r.Name})
	}
	if s.Index.Can(who, access.MembersView, at).Allowed {
		for _, a := range e.Grantors {
			way.Grantors = append(way.Grantors, a.Name)
		}
	}
	return way
}

// sees tells whether somebody may know that a scope is there.
func (s *API) sees(who access.Subject, sc access.Scope) bool {
	switch sc.Kind() {
	case access.KindProject:
		return s.Index.Can(who, access.ProjectsView, sc).Allowed
	case access.KindWorkspace:
		return s.Index.Can(who, access.WorkspacesView, sc).Allowed
	}
	return s.Index.Can(who, access.ClustersView, sc).Allowed
}
