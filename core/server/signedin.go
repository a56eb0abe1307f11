// Who asks: before every handler but the public ones.

package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// trustedKey marks requests that this process makes for somebody who was signed
// in before (subscriptions of a stream). Nothing outside can set it.
type trustedKey struct{}

func trust(ctx context.Context) context.Context {
	return context.WithValue(ctx, trustedKey{}, true)
}

// signedIn finds out who asks, refuses everybody else, and ends the request
// when the credential ceases to be good.
func (s *Server) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		epoch := s.live.epoch.Load()
		who, ok := access.SubjectFrom(ctx)
		if trusted, _ := ctx.Value(trustedKey{}).(bool); !trusted || !ok {
			var err error
			if who, err = s.identity.Authenticate(r); err != nil {
				s.refuse(w, r, err)
				return
			}
			if p := s.forged(r, who); p != nil {
				fail(w, r, p)
				return
			}
		}
		if x := exchangeOf(ctx); x != nil {
			x.noted.Subject = who
		}
		if who.Cluster != "" && !strings.HasPrefix(r.URL.EscapedPath(), "/clusters/"+who.Cluster+"/") {
			fail(w, r, problem.Newf(http.StatusForbidden, "This token is good for Kubernetes of the cluster %q and nothing else.", who.Cluster))
			return
		}
		if s.identity.MustChangePassword(who) && !beforeNewPassword(r) {
			fail(w, r, problem.New(http.StatusForbidden, "Choose a password of your own first: the one you have was made for the first sign-in."))
			return
		}
		if s.identity.MustEnrol(who) && !beforeSecondFactor(r) {
			fail(w, r, problem.New(http.StatusForbidden, "Set up a second factor first: this Atoll asks you to have one."))
			return
		}
		ctx, done := s.live.begin(ctx, who)
		defer done()
		if s.live.epoch.Load() != epoch && !s.identity.Alive(who) {
			s.refuse(w, r, identity.ErrUnauthenticated)
			return
		}
		next.ServeHTTP(w, r.WithContext(access.WithSubject(ctx, who)))
	})
}

// refuse answers who could not be recognized.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, identity.ErrUnauthenticated) {
		if r.Context().Err() == nil {
			s.log.Error("finding out who asks failed", "request", requestID(r), "error", err)
		}
		fail(w, r, problem.New(http.StatusServiceUnavailable, "Atoll cannot find out who you are at the moment.").WithRetryAfter(retrySoon))
		return
	}
	why := "Sign in, or send a token."
	switch {
	case len(r.Header["Authorization"]) > 0:
		why = "The token is not good any more, or never was: it has expired, was revoked or is unknown. Send another."
	case len(r.CookiesNamed(identity.CookieName)) > 0:
		why = "The session is over. Sign in again."
	}
	fail(w, r, problem.New(http.StatusUnauthorized, why).WithHeader("WWW-Authenticate", `Bearer realm="atoll"`))
}

// forged says why a request that came by a cookie may have been made by
// somebody else's page; nil when it was not. Whatever changes something, and
// whatever opens a way in both directions, is looked at.
func (s *Server) forged(r *http.Request, who access.Subject) *problem.Problem {
	if who.Via != access.ViaSession {
		return nil
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	upgrade := r.Header.Get("Upgrade") != ""
	if safe && !upgrade {
		return nil
	}
	origin := r.Header.Get("Origin")
	if origin == "" || !s.hosts.ownOrigin(r, origin) {
		return problem.New(http.StatusForbidden, "A request that changes something in a session says the Origin of its page, which must be Atoll's own. Programs use a token.")
	}
	if err := s.identity.CheckCSRF(r); err != nil {
		return problem.New(http.StatusForbidden, "The request lacks the header X-Atoll-CSRF with the session's csrfToken.")
	}
	return nil
}

// beforeNewPassword tells whether a request may be made before the first
// password was changed.
func beforeNewPassword(r *http.Request) bool {
	switch r.URL.Path {
	case "/api/v1/users/me", "/api/v1/sessions/current":
		return true
	case "/api/v1/users/me:changePassword":
		return r.Method == http.MethodPost
	}
	return false
}

// beforeSecondFactor tells whether a request may be made before the second
// factor that is demanded was set up.
func beforeSecondFactor(r *http.Request) bool {
	return beforeNewPassword(r) || r.URL.Path == "/api/v1/users/me/second-factor" || r.URL.Path == "/api/v1/users/me/second-factor:confirm"
}
