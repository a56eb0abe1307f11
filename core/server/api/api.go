// The API as a whole: what it needs, and its operations.

package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/extension"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/server/problem"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// Services are the rooms that the API speaks for.
type Services struct {
	Store      store.Store
	Index      *access.Index
	Identity   *identity.Service
	Tenancy    *tenancy.Service
	Clusters   *kube.Registry
	Extensions *extension.Host
	Audit      *audit.Log

	// KubeURL is the HTTPS address that kubeconfigs name; "" where there is none.
	KubeURL string
	// Authority is the certificate authority of that address, PEM; nil for one
	// that clients trust already.
	Authority []byte
	// Version and Commit of this build.
	Version, Commit string
	// Draining is closed when the server stops: what is followed ends then.
	Draining <-chan struct{}
	Logger   *slog.Logger
}

// API holds the operations.
type API struct{ Services }

// Handler tells what an operation needs to run, besides the handler itself.
type Handler func(public bool, maxBody int64, next http.Handler) http.Handler

// Register adds every operation to a router. Before runs ahead of each: it signs
// people in unless the operation is public, and bounds the body.
func Register(e *echo.Echo, s Services, before Handler) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Draining == nil {
		s.Draining = make(chan struct{})
	}
	a := &API{s}
	routes := router{Echo: e, before: before}
	a.register(newDocument(e, "", &routes))
}

// register adds every operation.
func (s *API) register(a huma.API) {
	s.registerSessions(a)
	s.registerSignOut(a)
	s.registerUsers(a)
	s.registerSecondFactor(a)
	s.registerLogins(a)
	s.registerGroups(a)
	s.registerRobots(a)
	s.registerTokens(a)
	s.registerAuthorizations(a)
	s.registerClusters(a)
	s.registerWorkspaces(a)
	s.registerProjects(a)
	s.registerLeftovers(a)
	s.registerExtensions(a)
	s.registerMembers(a)
	s.registerRoles(a)
	s.registerAccess(a)
	s.registerExplain(a)
	s.registerAccessRequests(a)
	s.registerAudit(a)
	s.registerInvitations(a)
	s.registerPlatform(a)
}

// caller is who asks. The server has put it there; without it nothing is done.
func caller(ctx context.Context) (access.Subject, error) {
	s, ok := access.SubjectFrom(ctx)
	if !ok || s.UID == "" {
		return access.Subject{}, problem.New(http.StatusUnauthorized, identity.ErrUnauthenticated.Error())
	}
	return s, nil
}

// may is who asks, if they have the permission in the scope; otherwise the
// problem says what is missing.
func (s *API) may(ctx context.Context, p access.Permission, sc access.Scope) (access.Subject, error) {
	who, err := caller(ctx)
	if err != nil {
		return who, err
	}
	d := s.Index.Can(who, p, sc)
	if d.Allowed {
		return who, nil
	}
	return who, denied(who, d)
}

// denied is the problem of a decision.
func denied(who access.Subject, d access.Decision) *problem.Problem {
	if d.Lost {
		return problem.New(http.StatusServiceUnavailable, "Atoll has lost touch with its store and decides nothing until it is back.")
	}
	p := problem.Newf(http.StatusForbidden, "This needs the permission %s (%s).", d.Missing, d.Scope).WithMissing(string(d.Missing), d.Scope.String())
	if who.ReadOnly && !d.Missing.Reads() {
		p.Detail = "This token is for reading only."
	} else if who.Limit != nil {
		p.Detail += " This token may carry less than what you may."
	}
	return p
}
