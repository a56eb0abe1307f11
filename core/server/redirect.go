// The way through an OpenID provider's page and back, for browsers.
//
// The session's cookie is for requests of our own pages only (SameSite=Strict),
// and coming back is a request of the provider's. So the answer to it is a page
// of ours that goes on by itself, and what it asks for carries the cookie.

package server

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/api"
	"github.com/atoll-platform/atoll/core/server/problem"
)

const (
	// wayCookie binds a sign-in to the browser that began it.
	wayCookie = "atoll_signin"
	wayTime   = 600 // seconds

	maxNext = 2 << 10
)

// ownPlace tells whether an address is one of the console's: nothing of another
// origin, and nothing that a program answers.
func ownPlace(next string) bool {
	if len(next) > maxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsRune(next, '\\') {
		return false
	}
	for _, r := range next {
		if r <= ' ' || r == 0x7f {
			return false
		}
	}
	u, err := url.Parse(next)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && !isMachinePath(u.Path) && !strings.HasPrefix(u.Path, "/auth/") &&
		u.Path == "/"+strings.TrimLeft(u.Path, "/\\")
}

// origin is where a browser reaches this Atoll.
func (s *Server) origin(r *http.Request) string {
	switch {
	case s.config.Identity.Origin != "":
		return s.config.Identity.Origin
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// encrypted tells whether the browser comes over TLS.
func (s *Server) encrypted(r *http.Request) bool { return strings.HasPrefix(s.origin(r), "https:") }

// cookieOfWay is the cookie of a sign-in on its way; with "" it goes away. It is
// sent by the request that the provider's page makes, hence Lax.
func (s *Server) cookieOfWay(r *http.Request, provider, value string) *http.Cookie {
	c := &http.Cookie{
		Name: wayCookie, Value: value, Path: callbackPath(provider), MaxAge: wayTime, HttpOnly: true, Secure: s.encrypted(r), SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

func callbackPath(provider string) string { return "/auth/oidc/" + provider + "/callback" }

// providerOf reads the provider's name off the path of these routes.
func providerOf(r *http.Request) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/auth/oidc/"), "/")
	return name
}

// beginAtProvider sends a browser to a provider's page.
func (s *Server) beginAtProvider(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	if next == "" {
		next = "/"
	}
	if !ownPlace(next) {
		s.tellPerson(w, r, problem.New(http.StatusBadRequest, "Where to go on after signing in is a page of the console: next begins with one / and names no other place."))
		return
	}
	provider := providerOf(r)
	way := identity.Way{Callback: s.origin(r) + callbackPath(provider), Next: next, Invitation: r.URL.Query().Get("invitation")}
	begun, err := s.identity.BeginAt(r.Context(), provider, way, identity.Client{Remote: r.RemoteAddr, Agent: r.UserAgent()})
	if err != nil {
		s.tellPerson(w, r, api.ProblemOf(r.Context(), s.log, err))
		return
	}
	http.SetCookie(w, s.cookieOfWay(r, provider, begun.Cookie))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", begun.URL)
	w.WriteHeader(http.StatusSeeOther)
}

// finishAtProvider takes a browser that comes back from a provider's page.
func (s *Server) finishAtProvider(w http.ResponseWriter, r *http.Request) {
	provider, query := providerOf(r), r.URL.Query()
	back := identity.Return{State: query.Get("state"), Code: query.Get("code"), Issuer: query.Get("iss"), Error: query.Get("error")}
	if cookies := r.CookiesNamed(wayCookie); len(cookies) == 1 { // several: another host has set one for us
		back.Cookie = cookies[0].Value
	}
	session, next, err := s.identity.FinishAt(r.Context(), provider, back, identity.Client{Remote: r.RemoteAddr, Agent: r.UserAgent()})
	if err != nil {
		s.tellPerson(w, r, api.ProblemOf(r.Context(), s.log, err))
		return
	}
	if x := exchangeOf(r.Context()); x != nil {
		x.noted.Subject = access.Subject{Name: session.User.Name, UID: session.User.UID, Via: access.ViaSession}
	}
	http.SetCookie(w, s.cookieOfWay(r, provider, ""))
	http.SetCookie(w, identity.Cookie(session, s.encrypted(r)))
	s.page(w, r, http.StatusOK, onward{Next: next})
}

// tellPerson answers with a problem: a page for people, problem+json for programs.
func (s *Server) tellPerson(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		fail(w, r, p)
		return
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	s.page(w, r, p.Status, onward{Why: p.Error(), Request: requestID(r)})
}

// onward is a page that goes on by itself, or says why it does not.
type onward struct{ Next, Why, Request string }

var onwardPage = template.Must(template.New("onward").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{{if .Why}}<title>Not signed in - Atoll</title>
<h1>Not signed in</h1>
<p>{{.Why}}</p>
<p><small>Request {{.Request}}</small></p>
<p><a href="/">Back to signing in</a></p>
{{else}}<meta http-equiv="refresh" content="0; url={{.Next}}">
<title>Signed in - Atoll</title>
<p><a href="{{.Next}}">Signed in. Go on</a></p>
{{end}}</html>
`))

// page writes a page without scripts and styles, of which nothing is kept.
func (s *Server) page(w http.ResponseWriter, r *http.Request, status int, o onward) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := onwardPage.Execute(w, o); err != nil && r.Context().Err() == nil {
		s.log.Warn("a page could not be written", slog.String("request", requestID(r)), slog.Any("error", err))
	}
}
