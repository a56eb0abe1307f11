// Signing in and out of a browser.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// SignIn is what a person types.
type SignIn struct {
	Username string `json:"username" minLength:"1" maxLength:"64" example:"jane"`
	Password string `json:"password" minLength:"1" maxLength:"256" format:"password"`
}

// Session is who is signed in, and what the browser needs to go on.
type Session struct {
	User      User      `json:"user"`
	CSRFToken string    `json:"csrfToken" doc:"To be sent as X-Atoll-CSRF with whatever changes something."`
	ExpiresAt time.Time `json:"expiresAt"`
}

type sessionInput struct{ Body SignIn }

type sessionOutput struct{ Body Session }

type newSessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

type endSessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *API) registerSessions(a huma.API) {
	add(a, about{id: "sign-in", method: http.MethodPost, path: "/api/v1/sessions", tag: "sessions", status: http.StatusCreated, public: true,
		summary: "Sign in", text: "Begins a session: a cookie for the browser and a CSRF token for the page.",
		errors: []int{http.StatusUnauthorized, http.StatusForbidden}}, s.signIn)
	add(a, about{id: "get-session", method: http.MethodGet, path: "/api/v1/sessions/current", tag: "sessions",
		summary: "The session of this cookie"}, s.currentSession)
	add(a, about{id: "sign-out", method: http.MethodDelete, path: "/api/v1/sessions/current", tag: "sessions", status: http.StatusNoContent,
		summary: "Sign out"}, s.signOut)
}

func (s *API) signIn(ctx context.Context, in *sessionInput) (*newSessionOutput, error) {
	return nil, errNotYet
}
func (s *API) currentSession(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	return nil, errNotYet
}
func (s *API) signOut(ctx context.Context, _ *struct{}) (*endSessionOutput, error) {
	return nil, errNotYet
}
