// The house put together: every room made, in order, and closed in the other.

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/atoll-platform/atoll/console"
	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/extension"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/server/api"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/stream"
	"github.com/atoll-platform/atoll/core/tenancy"
)

// Build says what was built.
type Build struct {
	Version, Commit string
	// Shipped are the packages that come with it; nil: those in the binary.
	Shipped fs.FS
}

// Server is one running Atoll. New makes it, Run serves until it is told to
// stop.
type Server struct {
	config Config
	build  Build
	log    *slog.Logger

	store      store.Store
	index      *access.Index
	identity   *identity.Service
	audit      *audit.Log
	clusters   *kube.Registry
	proxy      *kube.Proxy
	tenancy    *tenancy.Service
	sandbox    *sandbox.Engine
	extensions *extension.Host
	hub        *stream.Hub

	hosts   *hosts
	pages   *pages
	metrics *metrics
	live    *live
	people  *people
	gate    *gate
	inside  http.Handler // the routes, for requests that this process makes itself

	document []byte // of OpenAPI
	doors    *doors

	draining context.Context // ends when the server begins to stop
	drain    context.CancelFunc
	closers  []func() // in the order of making

	first *FirstAdministrator
}

// auditFolder is where the audit log lies in the folder of the data.
const auditFolder = "audit"

// storeFile is where the store lies.
func storeFile(c Config) string { return filepath.Join(c.DataDir, "atoll.db") }

// FirstAdministrator is who was made at the first start, and the password that
// was made up; it is known this once.
type FirstAdministrator struct{ Name, Password string }

// RunChild does the work of a child and exits, where this program was started as
// one by a server's sandbox. Otherwise it returns. Programs that make servers call
// it first of all.
func RunChild() { sandbox.RunChild() }

// New makes every room and takes the addresses, so that whoever asks from now
// on is answered as soon as Run serves. ctx bounds the making; an error leaves
// nothing open.
func New(ctx context.Context, c Config, b Build, log *slog.Logger) (_ *Server, err error) {
	s := &Server{
		config: c, build: b, log: log, metrics: newMetrics(b.Version, b.Commit),
		people: &people{each: map[string]*person{}, sweep: time.Now()}, gate: &gate{in: map[string]int{}},
	}
	s.draining, s.drain = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.pages, err = newPages(console.Files()); err != nil {
		return nil, err
	}
	if err := ensureDir(c.DataDir); err != nil {
		return nil, err
	}
	bolt, err := store.OpenBolt(storeFile(c), store.Options{})
	if err != nil {
		return nil, err
	}
	s.store = store.Conditional(bolt)
	s.closing(func() { s.warn("closing the store", s.store.Close()) })
	// The addresses next: two processes never work on one store, and what is
	// printed about them is true.
	if s.doors, err = openDoors(c); err != nil {
		return nil, err
	}
	s.closing(s.doors.close)
	s.hosts = newHosts(c.Listen)
	if s.audit, err = audit.Open(filepath.Join(c.DataDir, auditFolder), c.Audit.options(log)); err != nil {
		return nil, err
	}
	s.closing(func() { s.warn("closing the audit log", s.audit.Close()) })
	if s.index, err = access.NewIndex(context.WithoutCancel(ctx), s.store); err != nil {
		return nil, err
	}
	s.closing(s.index.Close)
	proving, err := c.Identity.options()
	if err != nil {
		return nil, err
	}
	proving.Grant = func(ctx context.Context, i identity.Invitation, userUID string) ([]store.Op, error) {
		return api.Grant(ctx, s.services(), i, userUID)
	}
	if s.identity, err = identity.New(s.store, s.index, proving); err != nil {
		return nil, err
	}
	s.closing(s.identity.Close)
	if err := s.ensureAdministrator(ctx); err != nil {
		return nil, err
	}
	s.clusters = kube.NewRegistry(context.WithoutCancel(ctx), c.clusterConfigs(), kube.Options{Logger: log})
	s.closing(s.clusters.Close)
	s.tenancy = tenancy.New(context.WithoutCancel(ctx), s.store, s.index, s.clusters, tenancy.Options{
		Logger: log, IngressNamespaces: c.Tenancy.IngressNamespaces,
	})
	s.closing(s.tenancy.Close)
	s.proxy = kube.NewProxy(s.clusters, s.index, kube.ProxyOptions{Logger: log, Alive: s.identity.Alive, Ledger: s.tenancy})
	s.closing(s.proxy.Close)
	if err := s.openExtensions(ctx); err != nil {
		return nil, err
	}
	s.live = &live{alive: s.identity.Alive, entries: map[*liveRequest]struct{}{}}
	s.hub = stream.New(stream.Options{
		Handler: http.HandlerFunc(s.subscription), Alive: s.identity.Alive, Logger: log,
		Allowed: func(r *http.Request) bool {
			origin := r.Header.Get("Origin")
			return origin == "" || s.hosts.ownOrigin(r, origin)
		},
	})
	s.metrics.follow(s)
	handler, err := s.handler()
	if err != nil {
		return nil, err
	}
	trusted, err := newProxies(c.Listen.TrustedProxies)
	if err != nil {
		return nil, err
	}
	s.doors.prepare(trusted.behind(handler), log)
	s.followRevocations()
	return s, nil
}

// openExtensions makes the sandbox and what is installed in it.
func (s *Server) openExtensions(ctx context.Context) error {
	door := capability.NewDoor(s.proxy, s.log).Audited(s.atDoor)
	bindings, err := s.config.bindings()
	if err != nil {
		return err
	}
	upstreams, err := capability.NewUpstreams(bindings, s.log)
	if err != nil {
		return fmt.Errorf("%w: upstreams: %w", ErrConfig, err)
	}
	upstreams.Audited(s.atDoor)
	s.closing(upstreams.Close)
	s.sandbox, err = sandbox.New(ctx, sandbox.Options{
		CacheDir: filepath.Join(s.config.DataDir, "compiled"), CompileInChild: true, OwnProcess: !s.config.Sandbox.InProcess,
		Logger: s.log, Doors: capability.Doors(door.Doors, upstreams.Doors), Caps: s.config.Sandbox.Limits.Sandbox(),
	})
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("making the sandbox: %w; sandbox.inProcess runs extensions in Atoll's own process", err)
	}
	if err != nil {
		return fmt.Errorf("making the sandbox: %w", err)
	}
	s.closing(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		s.warn("closing the sandbox", s.sandbox.Close(ctx))
	})
	shipped := s.build.Shipped
	if shipped == nil {
		shipped = extension.Builtin()
	}
	s.extensions, err = extension.NewHost(ctx, s.store, s.sandbox, s.index, extension.Options{
		Alive:       s.identity.Alive,
		PackagesDir: filepath.Join(s.config.DataDir, "packages"), Builtin: shipped, Door: door, Bound: upstreams.Bound,
		Version: s.build.Version, RequestID: requestID, Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.closing(s.extensions.Close)
	return nil
}

// ensureAdministrator makes the first administrator where there is none.
func (s *Server) ensureAdministrator(ctx context.Context) error {
	password, err := s.config.Administrator.password()
	if err != nil {
		return err
	}
	generated, created, err := s.identity.EnsureAdministrator(ctx, s.config.Administrator.Name, password)
	if err != nil {
		return err
	}
	if created {
		s.first = &FirstAdministrator{Name: s.config.Administrator.Name, Password: generated}
	}
	return nil
}

// followRevocations ends what was begun with a credential that is not good any
// more, everywhere.
func (s *Server) followRevocations() {
	ctx, stop := context.WithCancel(context.Background())
	revoked := s.identity.Revoked(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-revoked:
				s.live.recheck()
				s.hub.Recheck()
				s.proxy.Recheck()
			}
		}
	}()
	s.closing(func() { stop(); <-done })
}

// services is what the REST API speaks for.
func (s *Server) services() api.Services {
	return api.Services{
		Store: s.store, Index: s.index, Identity: s.identity, Tenancy: s.tenancy, Clusters: s.clusters, Extensions: s.extensions, Audit: s.audit,
		KubeURL: s.doors.kubeURL(s.config.Listen), Authority: s.doors.authority,
		Version: s.build.Version, Commit: s.build.Commit, Draining: s.draining.Done(), Logger: s.log,
	}
}

// First is the administrator that this start has made; nil where there was one.
func (s *Server) First() *FirstAdministrator { return s.first }

// URL is where browsers find Atoll.
func (s *Server) URL() string { return s.doors.url() }

// KubeURL is where kubectl finds it; "" where there is no HTTPS.
func (s *Server) KubeURL() string { return s.doors.kubeURL(s.config.Listen) }

// Times of a stop. Together they stay below what service managers wait for.
const (
	drainTime = 3 * time.Second // for what is no stream to end by itself
	stopTime  = 5 * time.Second // for everything to notice that it was ended
	closeTime = 5 * time.Second
)

// Run serves until ctx ends, then stops: no new requests, those in flight may
// end, streams are told, and everything is closed. An error is a server that
// could not go on; a stop that was asked for is none.
func (s *Server) Run(ctx context.Context) error {
	failed := s.doors.serve()
	s.log.Info("serving", "url", s.URL(), "kubeURL", s.KubeURL(), "version", s.build.Version)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.log.Info("stopping")
	s.stop()
	s.close()
	s.log.Info("stopped")
	return err
}

// stop ends the requests: what is followed at once, the rest when it is done or
// its time is over.
func (s *Server) stop() {
	s.drain()
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	hubClosed := make(chan struct{})
	go func() {
		defer close(hubClosed)
		s.warn("ending live connections", s.hub.Close(ctx))
	}()
	err := s.doors.shutdown(ctx)
	<-hubClosed
	if err == nil && s.live.count() == 0 {
		return
	}
	s.live.endAll(errStopping)
	last, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := s.doors.shutdown(last); err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.log.Warn("some requests did not end", "error", err)
	}
}

// closing notes what New must undo.
func (s *Server) closing(f func()) { s.closers = append(s.closers, f) }

// close closes the rooms, the last one first.
func (s *Server) close() {
	s.drain()
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

func (s *Server) warn(doing string, err error) {
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn(fmt.Sprintf("%s failed", doing), "error", err)
	}
}
