// The host: what is installed, as the store says it, and what that brings.
package extension

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/store"
)

var (
	// ErrNotFound is wrapped when no extension of that name is installed.
	ErrNotFound = errors.New("no such extension")
	// ErrConsent is wrapped when an installation does not bring the consent that
	// its review asks for.
	ErrConsent = errors.New("the consent is not for this package and what it asks for")
	// ErrRequires is wrapped when something that the extension needs is not there.
	ErrRequires = errors.New("something that the extension requires is not there")
)

// Options configures a Host.
type Options struct {
	// PackagesDir keeps the packages; it belongs to the host alone.
	PackagesDir string
	// Builtin holds the packages that the binary brings (*.tar); nil: none.
	Builtin fs.FS
	// Door is the way to Kubernetes for the console, when a fragment brought it;
	// the guests' own way is the engine's. Nil: there is none.
	Door *capability.Door
	// Bound tells whether an upstream of an extension is bound, for any workspace.
	// Nil: none is.
	Bound func(extension, upstream string) bool
	// Alive tells whether the credential of a subject is good still; it must be
	// quick. Nil: all are.
	Alive func(access.Subject) bool
	// Version of this Atoll, for `requires`. One that is not of the form 1.2.3
	// (a build from source) fulfils everything.
	Version string
	// RequestID gives the id under which a request is logged. Nil: none.
	RequestID func(*http.Request) string
	Logger    *slog.Logger
}

// Host keeps the installed extensions and carries requests to them. It is safe
// for concurrent use.
type Host struct {
	store   store.Store
	records store.Collection[Installation]
	engine  *sandbox.Engine
	index   *access.Index
	options Options
	log     *slog.Logger
	folder  folder

	change  sync.Mutex // one installation or removal at a time in this process
	current atomic.Pointer[state]
	applied chan struct{} // closed and made anew at each change of current
	mu      sync.Mutex    // of applied
	streams liveStreams

	life    context.Context // until Close
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// state is all installed extensions at one revision; it never changes.
type state struct {
	revision store.Revision
	active   map[string]*active
}

// NewHost makes a host of what the store says, installs what the binary brings,
// and follows the store from then on. No code of an extension is loaded. ctx
// bounds the making; Close ends the host.
func NewHost(ctx context.Context, s store.Store, engine *sandbox.Engine, index *access.Index, o Options) (*Host, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	h := &Host{
		store: s, records: store.NewCollection[Installation](s, Prefix), engine: engine, index: index,
		options: o, log: o.Logger, folder: folder(o.PackagesDir), applied: make(chan struct{}),
		streams: liveStreams{all: map[*liveStream]struct{}{}},
	}
	h.current.Store(&state{active: map[string]*active{}})
	h.life, h.stop = context.WithCancel(context.Background())
	added, err := h.shipped(ctx)
	if err != nil {
		return nil, err
	}
	all, err := h.records.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading installed extensions: %w", err)
	}
	h.replace(all)
	if err := h.sweep(ctx); err != nil {
		h.log.Warn("packages that nothing names stay", "error", err)
	}
	h.stopped.Go(func() { h.follow(h.life, all.Revision) })
	h.stopped.Go(func() { h.recheck(h.life) })
	h.stopped.Go(func() { h.warm(h.life, added) })
	return h, nil
}

// Close ends every request in flight and unloads the guests.
func (h *Host) Close() {
	h.stop()
	h.stopped.Wait()
	var all sync.WaitGroup
	for _, a := range h.current.Load().active {
		all.Go(func() { a.close() })
	}
	all.Wait()
}

// get is the active extension of a name.
func (h *Host) get(name string) (*active, error) {
	if a := h.current.Load().active[name]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNotFound, name)
}

// Version is that of an installed extension; "" where there is none.
func (h *Host) Version(name string) string {
	if a, err := h.get(name); err == nil {
		return a.Version
	}
	return ""
}

// List is all installed extensions by name, in the language of an Accept-Language.
func (h *Host) List(accept string) []State {
	current := h.current.Load().active
	all := make([]State, 0, len(current))
	for _, name := range slices.Sorted(maps.Keys(current)) {
		all = append(all, h.state(current[name], accept))
	}
	return all
}

// Get is one installed extension; ErrNotFound.
func (h *Host) Get(name, accept string) (State, error) {
	a, err := h.get(name)
	if err != nil {
		return State{}, err
	}
	return h.state(a, accept), nil
}

// Stats is a look at the instances of an extension; zero when there is none.
func (h *Host) Stats(name string) sandbox.Stats {
	if a, err := h.get(name); err == nil && a.guest != nil {
		return a.guest.Stats()
	}
	return sandbox.Stats{}
}

// Watch tells of changes: the channel gets a value after each change of what is
// installed, several may become one, and it is closed when ctx ends.
func (h *Host) Watch(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	h.mu.Lock()
	next := h.applied // from now on, not from when the goroutine runs
	h.mu.Unlock()
	go func() {
		defer close(changes)
		for {
			select {
			case <-ctx.Done():
				return
			case <-next:
			}
			h.mu.Lock()
			next = h.applied
			h.mu.Unlock()
			select {
			case changes <- struct{}{}:
			default:
			}
		}
	}()
	return changes
}

// Revision is the store's revision that the host has applied; it grows with
// each change of what is installed.
func (h *Host) Revision() store.Revision { return h.current.Load().revision }

// Review reads a package and says what it asks for. Nothing is kept, nothing of
// it runs. Errors are those of ReadPackage, ErrRequires, or wrap
// sandbox.ErrModule.
func (h *Host) Review(ctx context.Context, tar io.Reader) (Review, error) {
	p, err := h.read(ctx, tar)
	if err != nil {
		return Review{}, err
	}
	r := review(p, h.held(p))
	if a, err := h.get(r.Name); err == nil {
		r.Installed = a.Version
	}
	return r, nil
}

// read reads a package and checks all of it, the module too.
func (h *Host) read(ctx context.Context, tar io.Reader) (*Package, error) {
	p, err := ReadPackage(tar)
	if err != nil {
		return nil, err
	}
	if err := h.fulfils(p.Manifest); err != nil {
		return nil, err
	}
	if err := access.CheckItems(p.Manifest.Name, p.Manifest.items()); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	report, err := h.engine.Prepare(ctx, p.Module)
	if err != nil {
		if len(report.Faults) > 0 {
			return nil, fmt.Errorf("%s: %w:\n%s", p.Manifest.Module, err, report)
		}
		return nil, fmt.Errorf("%s: %w", p.Manifest.Module, err)
	}
	return p, nil
}

// held are the limits that hold for a package: its wishes under the caps.
func (h *Host) held(p *Package) sandbox.Limits { return h.engine.Limits(p.Manifest.limits()) }

// state describes the extension.
func (h *Host) state(a *active, accept string) State {
	s := State{Installation: a.Installation, Title: a.Name, Phase: PhaseActive, Asks: []Ask{}}
	if a.pkg == nil {
		s.Phase, s.Message = PhaseFailed, a.failure
		return s
	}
	lang := a.pkg.language(accept)
	s.Title, s.Description, s.Asks = a.pkg.Manifest.Title.In(lang), a.pkg.Manifest.Description.In(lang), asks(a.pkg, h.held(a.pkg))
	for _, name := range slices.Sorted(maps.Keys(a.upstreams)) {
		if h.options.Bound == nil || !h.options.Bound(a.Name, name) {
			s.Unbound = append(s.Unbound, name)
		}
	}
	stats := a.guest.Stats()
	s.Loaded, s.Instances, s.Streams, s.MemoryBytes = stats.Loaded, stats.Instances, stats.Streams, stats.Memory
	s.Requests, s.Faults, s.Breakers = stats.Requests, stats.Faults, a.broken()
	if stats.Faults > 0 && stats.Instances == 0 && stats.Requests > 0 {
		s.Phase, s.Message = PhaseDegraded, "its last instance ended by its own fault"
	}
	return s
}
