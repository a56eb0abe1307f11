// Access requests: asking for a role, and deciding about it.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// AccessRequest is what somebody asks for, and what became of it.
type AccessRequest struct {
	ID         string     `json:"id"`
	User       string     `json:"user" doc:"Who asks, for themselves." example:"jane"`
	Cluster    string     `json:"cluster,omitempty" example:"local"`
	Workspace  string     `json:"workspace,omitempty"`
	Project    string     `json:"project,omitempty" example:"demo"`
	Role       string     `json:"role,omitempty" doc:"The id of the role that is asked for." example:"project-developer"`
	Permission string     `json:"permission,omitempty" doc:"Or the permission."`
	Reason     string     `json:"reason" example:"I am on call this week."`
	CreatedAt  time.Time  `json:"createdAt"`
	State      string     `json:"state" enum:"pending,approved,declined,expired" doc:"A request that nobody decides about expires after 14 days."`
	Decidable  bool       `json:"decidable" doc:"The caller may decide about it."`
	DecidedBy  string     `json:"decidedBy,omitempty" example:"petra"`
	DecidedAt  *time.Time `json:"decidedAt,omitempty"`
	Comment    string     `json:"comment,omitempty"`
	Given      string     `json:"given,omitempty" doc:"The id of the role that was given."`
	Until      *time.Time `json:"until,omitempty" doc:"When that ends by itself."`
}

// NewAccessRequest is what is asked for.
type NewAccessRequest struct {
	Cluster    string `json:"cluster,omitempty" maxLength:"63" doc:"Together with project." example:"local"`
	Workspace  string `json:"workspace,omitempty" maxLength:"63"`
	Project    string `json:"project,omitempty" maxLength:"63" doc:"Neither project nor workspace: the platform." example:"demo"`
	Role       string `json:"role,omitempty" maxLength:"64" doc:"The id of a role; or else a permission." example:"project-developer"`
	Permission string `json:"permission,omitempty" maxLength:"128"`
	Reason     string `json:"reason" minLength:"1" maxLength:"1000" example:"I am on call this week."`
}

// AccessDecision is the answer to a request.
type AccessDecision struct {
	Approve   bool   `json:"approve"`
	Role      string `json:"role,omitempty" maxLength:"64" doc:"The id of the role to give; that which was asked for when left out." example:"project-developer"`
	ExpiresIn string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"The role ends by itself after this duration, 8784h (a year) at most; it stays when left out." example:"8h"`
	Comment   string `json:"comment,omitempty" maxLength:"1000"`
}

type (
	accessRequestListInput struct {
		ListQuery
		State string `query:"state" enum:"pending,approved,declined,expired" doc:"Only requests in this state."`
		Mine  bool   `query:"mine" doc:"Only the caller's own."`
	}
	newAccessRequestInput struct{ Body NewAccessRequest }
	// AccessRequestPath names an access request.
	AccessRequestPath struct {
		ID string `path:"id" maxLength:"64"`
	}
	accessDecisionInput struct {
		AccessRequestPath
		Body AccessDecision
	}
	accessRequestOutput struct{ Body AccessRequest }
)

func (s *API) registerAccessRequests(a huma.API) {
	const all, one = "/api/v1/access-requests", "/api/v1/access-requests/{id}"
	missing := []int{http.StatusNotFound}
	add(s, a, about{id: "list-access-requests", method: http.MethodGet, path: all, tag: "access", summary: "List one's own access requests, and those that one may decide about"}, s.listAccessRequests)
	add(s, a, about{id: "create-access-request", method: http.MethodPost, path: all, tag: "access", status: http.StatusCreated, summary: "Ask for a role or a permission",
		text: "The answer does not tell whether there is such a place.", errors: []int{http.StatusConflict}}, s.createAccessRequest)
	add(s, a, about{id: "get-access-request", method: http.MethodGet, path: one, tag: "access", summary: "Read an access request", errors: missing}, s.getAccessRequest)
	add(s, a, about{id: "withdraw-access-request", method: http.MethodDelete, path: one, tag: "access", status: http.StatusNoContent, summary: "Take one's own access request back, while it waits", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.withdrawAccessRequest)
	add(s, a, about{id: "decide-access-request", method: http.MethodPost, path: one + "/decision", tag: "access", summary: "Approve or decline an access request",
		text: "For who may manage the members of the scope (users, on the platform), has everything that the role gives, and is somebody else.", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.decideAccessRequest)
}

// mayDecide tells whether somebody may decide about requests in a scope.
func (s *API) mayDecide(who access.Subject, sc access.Scope) access.Decision {
	if sc.Kind() == access.KindPlatform {
		return s.Index.Can(who, access.UsersManage, sc)
	}
	return s.Index.Can(who, access.MembersManage, sc)
}

// accessRequest is a request as somebody sees it; false when they do not.
func (s *API) accessRequest(who access.Subject, r tenancy.AccessRequest) (AccessRequest, bool) {
	account, ok := s.Index.AccountByUID(r.RequesterUID)
	own, decides := r.RequesterUID == who.UID, s.mayDecide(who, r.Scope()).Allowed
	shown := AccessRequest{
		ID: r.UID, User: account.Name, Cluster: r.Cluster, Workspace: r.Workspace, Project: r.Project, Role: r.Role, Permission: string(r.Permission),
		Reason: r.Reason, CreatedAt: r.CreatedAt, State: r.State, Decidable: decides && !own && r.State == tenancy.RequestPending, Comment: r.Comment, Given: r.Given,
	}
	if by, ok := s.Index.AccountByUID(r.DecidedBy); ok {
		shown.DecidedBy = by.Name
	}
	if !r.DecidedAt.IsZero() {
		shown.DecidedAt = &r.DecidedAt
	}
	if !r.Until.IsZero() {
		shown.Until = &r.Until
	}
	// What somebody asked for elsewhere is no limited token's business.
	return shown, ok && (own && who.Limit == nil || decides)
}

func (s *API) listAccessRequests(ctx context.Context, in *accessRequestListInput) (*ListOutput[AccessRequest], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := s.Tenancy.Requests(ctx)
	if err != nil {
		return nil, err
	}
	all := []AccessRequest{}
	for _, r := range kept {
		if in.Mine && r.RequesterUID != who.UID || in.State != "" && r.State != in.State {
			continue
		}
		if shown, ok := s.accessRequest(who, r); ok {
			all = append(all, shown)
		}
	}
	return page(all, in.ListQuery, s.version(), fields[AccessRequest]{
		key:  func(r AccessRequest) string { return r.User + "/" + sortable(r.CreatedAt) + "/" + r.ID },
		text: func(r AccessRequest) []string { return []string{r.User, r.Workspace, r.Project, r.Reason} },
		sort: map[string]func(AccessRequest) string{
			"createdAt": func(r AccessRequest) string { return sortable(r.CreatedAt) },
			"state":     func(r AccessRequest) string { return r.State },
		},
	})
}

func (s *API) createAccessRequest(ctx context.Context, in *newAccessRequestInput) (*accessRequestOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	asked := tenancy.AccessRequest{
		Cluster: in.Body.Cluster, Workspace: in.Body.Workspace, Project: in.Body.Project, Role: in.Body.Role, Permission: access.Permission(in.Body.Permission), Reason: in.Body.Reason,
	}
	note(ctx).Scope = asked.Scope()
	r, err := s.Tenancy.Ask(ctx, who, asked)
	if err != nil {
		return nil, err
	}
	shown, _ := s.accessRequest(who, r)
	return &accessRequestOutput{Body: shown}, nil
}

func (s *API) getAccessRequest(ctx context.Context, in *AccessRequestPath) (*accessRequestOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	shown, _, err := s.seenRequest(ctx, who, in.ID)
	return &accessRequestOutput{Body: shown}, err
}

// seenRequest is a request that somebody sees.
func (s *API) seenRequest(ctx context.Context, who access.Subject, id string) (AccessRequest, tenancy.AccessRequest, error) {
	r, err := s.Tenancy.Request(ctx, id)
	if err != nil {
		return AccessRequest{}, r, err
	}
	shown, ok := s.accessRequest(who, r)
	if !ok {
		return AccessRequest{}, r, problem.Newf(http.StatusNotFound, "There is no access request %q.", id)
	}
	note(ctx).Scope = r.Scope()
	return shown, r, nil
}

func (s *API) withdrawAccessRequest(ctx context.Context, in *AccessRequestPath) (*struct{}, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Tenancy.Withdraw(ctx, who, in.ID)
}

func (s *API) decideAccessRequest(ctx context.Context, in *accessDecisionInput) (*accessRequestOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	_, r, err := s.seenRequest(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	if d := s.mayDecide(who, r.Scope()); !d.Allowed {
		return nil, denied(who, d)
	}
	decision := tenancy.Decision{Approve: in.Body.Approve, Role: in.Body.Role, Comment: in.Body.Comment}
	if in.Body.ExpiresIn != "" {
		life, err := lifetime(in.Body.ExpiresIn)
		if err == nil && life > maxGiven {
			err = problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
				WithErrors(problem.Fault{Pointer: "/expiresIn", Message: "expected " + maxGiven.String() + " at most; leave it out for a role that stays"})
		}
		if err != nil {
			return nil, err
		}
		decision.Until = time.Now().UTC().Add(life)
	}
	if decision.Role == "" {
		decision.Role = r.Role
	}
	if in.Body.Approve && decision.Role != "" {
		if err := s.mayGiveRole(who, decision.Role, r.Scope()); err != nil {
			return nil, err
		}
	}
	err = s.noteRoles(ctx, access.Binding{SubjectUID: r.RequesterUID, Scope: s.bindingScope(r.Scope())}, func() error {
		r, err = s.Tenancy.Decide(ctx, who, in.ID, decision)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, _ := s.accessRequest(who, r)
	return &accessRequestOutput{Body: shown}, nil
}

// maxGiven is for how long a role may be given that ends by itself.
const maxGiven = 8784 * time.Hour
