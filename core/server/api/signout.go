// Where one is signed in, and signing out there.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/identity"
)

// Browser is a session, without its secret.
type Browser struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current" doc:"It is the one that asks."`
	Remote     string    `json:"remote" doc:"The address that it was begun from." example:"192.0.2.7"`
	Agent      string    `json:"agent" doc:"What the browser said it was."`
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt"`
	ExpiresAt  time.Time `json:"expiresAt" doc:"At the latest; earlier when it is not used."`
}

// SignOutQuery says how much ends.
type SignOutQuery struct {
	Tokens bool `query:"tokens" doc:"Revoke the API tokens too."`
}

type signOutUserInput struct {
	UserPath
	SignOutQuery
}

func (s *API) registerSignOut(a huma.API) {
	add(s, a, about{id: "sign-out", method: http.MethodDelete, path: "/api/v1/sessions/current", tag: "sessions", status: http.StatusNoContent,
		summary: "Sign out"}, s.signOut)
	add(s, a, about{id: "list-sessions", method: http.MethodGet, path: "/api/v1/sessions", tag: "sessions",
		summary: "Where one is signed in"}, s.listSessions)
	add(s, a, about{id: "end-session", method: http.MethodDelete, path: "/api/v1/sessions/{id}", tag: "sessions", status: http.StatusNoContent,
		summary: "Sign out of another browser", errors: []int{http.StatusNotFound}}, s.endSession)
	add(s, a, about{id: "sign-out-everywhere", method: http.MethodDelete, path: "/api/v1/sessions", tag: "sessions", status: http.StatusNoContent,
		summary: "Sign out everywhere", text: "All sessions of the caller end at once, this one too, with what they are being used for."}, s.signOutEverywhere)
	add(s, a, about{id: "sign-out-user", method: http.MethodDelete, path: "/api/v1/users/{name}/sessions", tag: "users", status: http.StatusNoContent,
		summary: "Sign somebody out everywhere", errors: []int{http.StatusNotFound}}, s.signOutUser)
}

func (s *API) signOut(ctx context.Context, _ *struct{}) (*endSessionOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	s.Identity.SignOut(ctx, who)
	return &endSessionOutput{SetCookie: *identity.NoCookie(overTLS(requestOf(ctx)))}, nil
}

func (s *API) listSessions(ctx context.Context, in *ListQuery) (*ListOutput[Browser], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	all := []Browser{}
	for _, b := range s.Identity.Sessions(who) {
		all = append(all, Browser{
			ID: b.ID, Current: b.ID == who.Credential, Remote: b.Remote, Agent: b.Agent,
			CreatedAt: b.CreatedAt.UTC(), LastUsedAt: b.LastUsedAt.UTC(), ExpiresAt: b.ExpiresAt.UTC(),
		})
	}
	return page(all, *in, s.version(), fields[Browser]{
		key:  func(b Browser) string { return b.ID },
		text: func(b Browser) []string { return []string{b.Remote, b.Agent} },
		sort: map[string]func(Browser) string{
			"createdAt":  func(b Browser) string { return sortable(b.CreatedAt) },
			"lastUsedAt": func(b Browser) string { return sortable(b.LastUsedAt) },
		},
	})
}

func (s *API) endSession(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*struct{}, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Identity.EndSession(ctx, who, in.ID)
}

func (s *API) signOutEverywhere(ctx context.Context, in *SignOutQuery) (*endSessionOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Identity.SignOutEverywhere(ctx, who, in.Tokens); err != nil {
		return nil, err
	}
	return &endSessionOutput{SetCookie: *identity.NoCookie(overTLS(requestOf(ctx)))}, nil
}

func (s *API) signOutUser(ctx context.Context, in *signOutUserInput) (*struct{}, error) {
	if err := s.mayManage(ctx, in.Name); err != nil {
		return nil, err
	}
	return nil, s.Identity.SignOutUser(ctx, in.Name, in.Tokens)
}
