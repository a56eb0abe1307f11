// Signing in: the session of a browser.

package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// SignIn is what a person types.
type SignIn struct {
	Username   string `json:"username" minLength:"1" maxLength:"256" example:"jane"`
	Password   string `json:"password" minLength:"1" maxLength:"256" format:"password"`
	Provider   string `json:"provider,omitempty" maxLength:"63" doc:"The identity provider that knows the password; left out for one of Atoll's own." example:"corp"`
	Invitation string `json:"invitation,omitempty" maxLength:"128" doc:"With provider: the token of an invitation, which is accepted with it. Who signs in by a password of Atoll's own accepts it afterwards."`
	Code       string `json:"code,omitempty" minLength:"6" maxLength:"32" doc:"Of the second factor, or a recovery code. Left out at first: a problem of the type urn:atoll:problem:second-factor asks for it." example:"123456"`
}

// Session is who is signed in, and what the browser needs to go on.
type Session struct {
	User      User      `json:"user"`
	CSRFToken string    `json:"csrfToken" doc:"To be sent as X-Atoll-CSRF with whatever changes something."`
	ExpiresAt time.Time `json:"expiresAt"`

	MustEnrolSecondFactor bool `json:"mustEnrolSecondFactor" doc:"A second factor has to be set up before anything else."`

	ProviderSignOutURL string `json:"providerSignOutURL,omitempty" doc:"Where the browser may go, after signing out here, to sign out of the identity provider too."`
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
	add(s, a, about{id: "sign-in", method: http.MethodPost, path: "/api/v1/sessions", tag: "sessions", status: http.StatusCreated,
		summary: "Sign in", text: "Begins a session: a cookie for the browser and a CSRF token for the page.",
		errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable}}, s.signIn)
	add(s, a, about{id: "list-providers", method: http.MethodGet, path: "/api/v1/providers", tag: "sessions",
		summary: "By whom one may be proven", text: "Besides a password of Atoll's own."}, s.listProviders)
	add(s, a, about{id: "get-session", method: http.MethodGet, path: "/api/v1/sessions/current", tag: "sessions",
		summary: "The session of this cookie"}, s.currentSession)
}

func (s *API) signIn(ctx context.Context, in *sessionInput) (*newSessionOutput, error) {
	r := requestOf(ctx)
	note(ctx).Subject = access.Subject{Name: in.Body.Username}
	if in.Body.Invitation != "" && in.Body.Provider == "" {
		return nil, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
			WithErrors(problem.Fault{Pointer: "/invitation", Message: "expected with a provider only: accept it when you are signed in"})
	}
	session, err := s.Identity.SignIn(ctx, identity.Proof{Name: in.Body.Username, Password: in.Body.Password, Code: in.Body.Code, Provider: in.Body.Provider, Invitation: in.Body.Invitation, Client: client(r)})
	if err != nil {
		return nil, err
	}
	note(ctx).Subject = access.Subject{Name: session.User.Name, UID: session.User.UID, Via: access.ViaSession}
	return &newSessionOutput{SetCookie: *identity.Cookie(session, overTLS(r)), Body: s.session(session)}, nil
}

// Provider is an identity provider.
type Provider struct {
	Name  string `json:"name" example:"corp"`
	Title string `json:"title" example:"Corporate directory"`
	Kind  string `json:"kind" enum:"ldap,oidc" doc:"ldap: the password is sent with the sign-in, and the provider's name. oidc: the browser goes to startPath."`

	StartPath string `json:"startPath,omitempty" doc:"Of oidc: to which the browser goes to sign in there. A parameter next says at which of the console's pages it goes on; invitation is the token of one that is accepted with it." example:"/auth/oidc/corp/start"`
}

type providersOutput struct {
	Body struct {
		Items []Provider `json:"items"`
	}
}

func (s *API) listProviders(context.Context, *struct{}) (*providersOutput, error) {
	out := &providersOutput{}
	out.Body.Items = []Provider{}
	for _, p := range s.Identity.Providers() {
		shown := Provider{Name: p.Name, Title: p.Title, Kind: p.Kind}
		if p.Kind == identity.KindOIDC {
			shown.StartPath = "/auth/oidc/" + p.Name + "/start"
		}
		out.Body.Items = append(out.Body.Items, shown)
	}
	return out, nil
}

// overTLS tells whether the browser speaks TLS, to Atoll or to a proxy in front:
// its page's origin, which was checked, says so.
func overTLS(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(strings.ToLower(r.Header.Get("Origin")), "https://")
}

// client is where a request comes from, for back-off and history.
func client(r *http.Request) identity.Client {
	return identity.Client{Remote: r.RemoteAddr, Agent: r.UserAgent()}
}

func (s *API) session(session identity.Session) Session {
	return Session{User: s.user(session.User), CSRFToken: session.CSRF, ExpiresAt: session.ExpiresAt.UTC(), MustEnrolSecondFactor: session.MustEnrol, ProviderSignOutURL: s.Identity.SignOutAt(session.User)}
}

func (s *API) currentSession(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	session, err := s.Identity.Current(requestOf(ctx))
	if err != nil {
		return nil, err
	}
	return &sessionOutput{Body: s.session(session)}, nil
}
