// The routes that are no operations of the API, and who may ask each: one table,
// from which the server makes their guards, and tests what they expect. Those of
// the API are in api/needs.go.

package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// audience says who may ask a route.
type audience string

const (
	everybody  audience = "public"     // without signing in
	signedIn   audience = "caller"     // and sees what their person sees
	holders    audience = "platform"   // who has the route's permission on the platform
	byCluster  audience = "kubernetes" // signed in: each request goes out as the person, and Kubernetes decides
	byManifest audience = "extension"  // signed in: what the extension's manifest says of each of its routes decides
)

// outer is one route outside of the API's operations.
type outer struct {
	method     string // "": any
	path       string // as Echo takes it
	who        audience
	permission access.Permission // of holders
	serve      func(*Server, http.ResponseWriter, *http.Request)
	open       func(*Server, *http.Request) bool // tells of requests that are everybody's by configuration; nil: none is
}

// outers are all of them, but the console's: whatever has no route is its page
// or one of its files, which are everybody's.
var outers = []outer{
	{http.MethodGet, "/healthz", everybody, "", (*Server).alive, nil},
	{http.MethodGet, "/readyz", everybody, "", (*Server).ready, nil},
	{http.MethodGet, "/openapi.json", everybody, "", (*Server).serveDocument, nil},
	{http.MethodGet, "/auth/oidc/:provider/start", everybody, "", (*Server).beginAtProvider, nil},
	{http.MethodGet, callbackPath(":provider"), everybody, "", (*Server).finishAtProvider, nil},
	{http.MethodGet, "/metrics", holders, access.AuditView, (*Server).serveMetrics, (*Server).metricsOpen},
	{http.MethodGet, "/api/v1/stream", signedIn, "", (*Server).serveStream, nil},
	{"", "/clusters/*", byCluster, "", (*Server).serveCluster, nil},
	{"", "/x/*", byManifest, "", (*Server).serveExtension, nil},
}

// addOuters makes routes of them.
func (s *Server) addOuters(e *echo.Echo) {
	for _, o := range outers {
		h := echo.WrapHandler(s.guardedOuter(o))
		if o.method == "" {
			e.Any(o.path, h)
		} else {
			e.Add(o.method, o.path, h)
		}
	}
}

// guardedOuter is a route behind what its audience goes through. An audience
// that is not known is let nowhere.
func (s *Server) guardedOuter(o outer) http.Handler {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.serve(s, w, r) })
	var guarded http.Handler
	switch o.who {
	case everybody:
		return h
	case signedIn:
		guarded = s.signedIn(h)
	case holders:
		guarded = s.holding(o.permission, h)
	case byCluster, byManifest:
		guarded = s.below(h)
	default:
		panic("the route " + o.path + " does not say who may ask it")
	}
	if o.open == nil {
		return guarded
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.open(s, r) {
			h.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// holding lets those through who have a permission on the platform.
func (s *Server) holding(p access.Permission, next http.Handler) http.Handler {
	return s.signedIn(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := access.SubjectFrom(r.Context())
		switch d := s.index.Can(who, p, access.Scope{}); {
		case d.Lost:
			fail(w, r, problem.New(http.StatusServiceUnavailable, "Atoll has lost touch with its store and decides nothing until it is back."))
		case !d.Allowed:
			fail(w, r, problem.Newf(http.StatusForbidden, "This needs the permission %s (%s).", d.Missing, d.Scope).WithMissing(string(d.Missing), d.Scope.String()))
		default:
			next.ServeHTTP(w, r)
		}
	}))
}
