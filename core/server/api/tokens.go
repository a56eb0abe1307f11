// Credentials for programs: named, expiring, shown once.

package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Token is an API token without its secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" example:"laptop"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`

	LastUsedAt *time.Time `json:"lastUsedAt,omitempty" doc:"Absent when it was not used since Atoll started."`
	ReadOnly   bool       `json:"readOnly" doc:"For reading only, whatever the person may."`

	Kubernetes string `json:"kubernetes,omitempty" doc:"It is good for Kubernetes of this cluster and nothing else; absent: for everything." example:"local"`

	Permissions []string     `json:"permissions,omitempty" doc:"All that it is good for; absent: everything that the person may."`
	Scopes      []TokenScope `json:"scopes,omitempty" doc:"Where it is good; absent: everywhere."`
}

// TokenScope is a workspace with its projects, or one project.
type TokenScope struct {
	Workspace string `json:"workspace,omitempty" maxLength:"63" example:"red"`
	Cluster   string `json:"cluster,omitempty" maxLength:"63" doc:"With project." example:"local"`
	Project   string `json:"project,omitempty" maxLength:"63" example:"demo"`
}

// NewToken is what a token shall be.
type NewToken struct {
	Name      string `json:"name" minLength:"1" maxLength:"120" example:"laptop"`
	ExpiresIn string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"A duration; 720h (30 days) when left out, 8784h (a year) at most." example:"720h"`
	ReadOnly  bool   `json:"readOnly,omitempty" doc:"For reading only, whatever the person may."`

	Permissions []string     `json:"permissions,omitempty" maxItems:"128" doc:"What it is good for, of what the person may. In Kubernetes it counts as the strongest preset role that consists of these alone. Left out: everything." example:"[\"workloads.view\"]"`
	Scopes      []TokenScope `json:"scopes,omitempty" maxItems:"64" doc:"Where it is good. Left out: everywhere."`
}

// CreatedToken is a new token and, once, its secret.
type CreatedToken struct {
	Token
	Secret string `json:"token" doc:"Send it as Authorization: Bearer. It is never shown again."`
}

type (
	newTokenInput  struct{ Body NewToken }
	newTokenOutput struct{ Body CreatedToken }
	tokenID        struct {
		ID string `path:"id" maxLength:"64"`
	}
)

func (s *API) registerTokens(a huma.API) {
	add(s, a, about{id: "list-tokens", method: http.MethodGet, path: "/api/v1/tokens", tag: "tokens", summary: "List one's own tokens"}, s.listTokens)
	add(s, a, about{id: "create-token", method: http.MethodPost, path: "/api/v1/tokens", tag: "tokens", status: http.StatusCreated,
		summary: "Make a token", text: "It may do what the person may do. One that is made by a token does not outlive it."}, s.createToken)
	add(s, a, about{id: "revoke-token", method: http.MethodDelete, path: "/api/v1/tokens/{id}", tag: "tokens", status: http.StatusNoContent,
		summary: "Revoke a token", text: "What it is being used for at this moment ends too. A token that is for reading only or limited may revoke itself and no other.", errors: []int{http.StatusNotFound}}, s.revokeToken)
}

func (s *API) token(t identity.Token) Token {
	shown := Token{ID: t.ID, Name: t.Name, ReadOnly: t.ReadOnly, Kubernetes: t.Cluster, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	if !t.LastUsedAt.IsZero() {
		used := t.LastUsedAt.UTC()
		shown.LastUsedAt = &used
	}
	if t.Limit == nil {
		return shown
	}
	for _, p := range t.Limit.Permissions {
		shown.Permissions = append(shown.Permissions, string(p))
	}
	for _, sc := range t.Limit.Scopes {
		named := TokenScope{} // stays so when the place is gone
		if w, ok := s.Index.WorkspaceByUID(sc.UID); ok && sc.Kind == access.KindWorkspace {
			named.Workspace = w.Name
		}
		if p, ok := s.Index.ProjectByUID(sc.UID); ok && sc.Kind == access.KindProject {
			named.Cluster, named.Project = p.Cluster, p.Name
		}
		shown.Scopes = append(shown.Scopes, named)
	}
	return shown
}

// newToken is what a client asked for, in identity's words. Who asks must see
// the places that they name.
func (s *API) newToken(who access.Subject, in NewToken) (identity.NewToken, error) {
	life, err := lifetime(in.ExpiresIn)
	if err != nil {
		return identity.NewToken{}, err
	}
	out := identity.NewToken{Name: in.Name, Lifetime: life, ReadOnly: in.ReadOnly}
	var faults []problem.Fault
	for i, p := range in.Permissions {
		if !slices.ContainsFunc(s.Index.Items(), func(it access.Item) bool { return string(it.Permission) == p }) {
			faults = append(faults, problem.Fault{Pointer: fmt.Sprintf("/permissions/%d", i), Message: "there is no such permission"})
		}
		out.Limit.Permissions = append(out.Limit.Permissions, access.Permission(p))
	}
	for i, sc := range in.Scopes {
		at, ok := s.tokenScope(who, sc)
		if !ok {
			faults = append(faults, problem.Fault{Pointer: fmt.Sprintf("/scopes/%d", i), Message: "expected the workspace, or the cluster and project, of a place that you see"})
		}
		out.Limit.Scopes = append(out.Limit.Scopes, at)
	}
	if len(faults) > 0 {
		return out, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").WithErrors(faults...)
	}
	return out, nil
}

// tokenScope finds a place that somebody sees.
func (s *API) tokenScope(who access.Subject, sc TokenScope) (access.BindingScope, bool) {
	if sc.Workspace != "" && sc.Cluster == "" && sc.Project == "" {
		w, ok := s.Index.Workspace(sc.Workspace)
		return access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}, ok && s.Index.Can(who, access.WorkspacesView, access.Scope{Workspace: sc.Workspace}).Allowed
	}
	if sc.Workspace == "" && sc.Cluster != "" && sc.Project != "" {
		p, ok := s.Index.Project(sc.Cluster, sc.Project)
		return access.BindingScope{Kind: access.KindProject, UID: p.UID}, ok && s.Index.Can(who, access.ProjectsView, access.Scope{Cluster: sc.Cluster, Project: sc.Project}).Allowed
	}
	return access.BindingScope{}, false
}

// lifetime reads a duration that a client sent; the default is 30 days.
func lifetime(text string) (time.Duration, error) {
	if text == "" {
		return 30 * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute {
		return 0, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
			WithErrors(problem.Fault{Pointer: "/expiresIn", Message: "expected a duration of a minute or more, such as 720h"})
	}
	return d, nil
}

func (s *API) listTokens(ctx context.Context, in *ListQuery) (*ListOutput[Token], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := s.Identity.ListTokens(ctx, who)
	if err != nil {
		return nil, err
	}
	return s.tokens(tokens, *in)
}

// tokens is one page of somebody's tokens.
func (s *API) tokens(tokens []identity.Token, q ListQuery) (*ListOutput[Token], error) {
	all := make([]Token, 0, len(tokens))
	for _, t := range tokens {
		all = append(all, s.token(t))
	}
	return page(all, q, s.version(), fields[Token]{
		key:  func(t Token) string { return t.Name + "\x01" + t.ID },
		text: func(t Token) []string { return []string{t.Name, t.ID} },
		sort: map[string]func(Token) string{
			"createdAt": func(t Token) string { return sortable(t.CreatedAt) },
			"expiresAt": func(t Token) string { return sortable(t.ExpiresAt) },
		},
	})
}

func (s *API) createToken(ctx context.Context, in *newTokenInput) (*newTokenOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := s.newToken(who, in.Body)
	if err != nil {
		return nil, err
	}
	t, secret, err := s.Identity.CreateToken(ctx, who, wanted)
	if err != nil {
		return nil, err
	}
	return &newTokenOutput{Body: CreatedToken{Token: s.token(t), Secret: secret}}, nil
}

func (s *API) revokeToken(ctx context.Context, in *tokenID) (*struct{}, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Identity.RevokeToken(ctx, who, in.ID)
}
