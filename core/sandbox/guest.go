// A guest: one module under one name, with as many instances as its isolation
// asks for, none of them when nobody needs it.
package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// Isolation says who may share the memory of one instance.
type Isolation string

const (
	// IsolateRequest gives every request a pristine instance.
	IsolateRequest Isolation = "request"
	// IsolateUser keeps users apart, and one user's workspaces.
	IsolateUser Isolation = "user"
	// IsolateWorkspace keeps workspaces apart; what has no workspace is kept
	// apart by user. It is the default.
	IsolateWorkspace Isolation = "workspace"
	// IsolateShared lets everybody share one instance.
	IsolateShared Isolation = "shared"
)

// Spec says what a guest is.
type Spec struct {
	// Name and Version are the extension's; they appear in faults and logs.
	Name, Version string
	// Digest of the module as sha256:hex. When it is not empty, bytes that do
	// not match it are refused.
	Digest string
	// Wasm reads the module, each time its code is loaded.
	Wasm func() ([]byte, error)
	// Isolation is IsolateWorkspace when empty; an unknown one is
	// IsolateRequest, the strictest.
	Isolation Isolation
	Limits    Limits
	// Settings go to each instance in HELLO, as name and value. Together they
	// must fit a field block.
	Settings map[string]string
}

// Guest runs a module's requests. It is safe for concurrent use.
type Guest struct {
	engine *Engine
	spec   Spec
	limits Limits
	logger *slog.Logger
	// source gives the code, each time it is loaded; firstID is each
	// instance's first stream. Tests change them.
	source  func(context.Context) (machine.Code, error)
	firstID uint32

	accounts     accounts
	memory       level // of all instances
	faultClasses tally[Class]

	loading  chan struct{} // whoever holds it may load code and start instances
	breakers breakers

	mu        sync.Mutex
	closed    bool
	code      machine.Code
	instances map[instanceKey]*instance
	beside    int       // how many of them are not the first of their key
	inVain    time.Time // when one last could not be started beside others
	starting  int       // instances being started; the code stays
	lastUsed  time.Time
	unload    *time.Timer
	lone      uint64 // counts instances of request isolation

	requests, faults, polls atomic.Uint64
	session                 atomic.Pointer[recordingSession] // nil: none waits for an instance
	module                  atomic.Value                     // digest of the code that was loaded last, a string
}

func newGuest(e *Engine, spec Spec) *Guest {
	switch spec.Isolation {
	case "":
		spec.Isolation = IsolateWorkspace
	case IsolateRequest, IsolateUser, IsolateWorkspace, IsolateShared:
	default:
		spec.Isolation = IsolateRequest
	}
	g := &Guest{
		engine: e, spec: spec, limits: e.Limits(spec.Limits),
		logger:    e.logger.With(slog.String("extension", spec.Name), slog.String("version", spec.Version)),
		loading:   make(chan struct{}, 1),
		instances: map[instanceKey]*instance{},
	}
	g.source, g.firstID = g.load, 1
	g.breakers.init(g.logger)
	g.accounts.init(g.limits)
	return g
}

// alive is every instance.
func (g *Guest) alive() []*instance {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.instances))
}

// key says which instance a caller's requests go to.
func (g *Guest) key(c *Caller) instanceKey {
	user, workspace := c.uids()
	switch g.spec.Isolation {
	case IsolateShared:
		if g.engine.deaths.suspected(g.program()) { // so that it can be known whose request it is
			return g.loneKey(instanceRequest)
		}
		return instanceKey{kind: "shared"}
	case IsolateWorkspace:
		if workspace != "" {
			return instanceKey{kind: "workspace", first: workspace}
		}
		return instanceKey{kind: "user", first: user}
	case IsolateUser:
		return instanceKey{kind: "user", first: user, second: workspace}
	default:
		return g.loneKey(instanceRequest)
	}
}

// Kinds of instances that are for one request.
const (
	instanceRequest = "request" // by isolation, or because it may end the process
	instanceAgain   = "again"   // what is run again after another's fault
)

// loneKey is a key that no other instance has.
func (g *Guest) loneKey(kind string) instanceKey {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lone++
	return instanceKey{kind: kind, request: g.lone}
}

// instance finds an instance of a key, or loads and starts one. Whoever asks is
// counted in its wanted until it has opened its stream, so that it stays.
func (g *Guest) instance(ctx context.Context, key instanceKey, c *Caller) (*instance, error) {
	g.mu.Lock()
	i, closed := g.leastLoaded(key), g.closed
	full, more := i != nil && i.full(), false
	if full {
		_, more = g.vacant(key, g.limits.Instances)
	} else if i != nil {
		i.wanted.Add(1)
	}
	g.mu.Unlock()
	switch {
	case i != nil && !full:
		return i, nil
	case closed:
		key.place.free()
		return nil, ErrClosed
	case full && !more:
		return nil, g.refuseStream(c, time.Now())
	}
	select {
	case g.loading <- struct{}{}:
	case <-ctx.Done():
		key.place.free()
		return nil, ctx.Err()
	}
	return g.brought(ctx, key, c)
}

// brought waits for bring. What is begun is done to its end: the next one needs
// it too, and who comes and leaves again and again makes no work twice.
// g.loading is held, and is let go.
func (g *Guest) brought(ctx context.Context, key instanceKey, c *Caller) (*instance, error) {
	var i *instance
	var err error
	done, who := make(chan struct{}), *c // which the caller uses again when it has left
	go func() {
		i, err = g.bring(context.WithoutCancel(ctx), key, &who)
		<-g.loading
		close(done)
	}()
	select {
	case <-done:
		return i, err
	case <-ctx.Done():
	}
	go func() {
		if <-done; err == nil {
			i.notWanted()
		}
	}()
	return nil, ctx.Err()
}

// bring finds the instance of a key that somebody has brought meanwhile, or
// starts one. g.loading is held.
func (g *Guest) bring(ctx context.Context, key instanceKey, c *Caller) (*instance, error) {
	g.mu.Lock()
	i := g.leastLoaded(key)
	full := i != nil && i.full()
	if i != nil && !full {
		i.wanted.Add(1)
	}
	g.starting++
	g.mu.Unlock()
	var err error
	switch {
	case full:
		if i = g.startBeside(ctx, key, c, g.limits.Instances); i == nil {
			err = g.refuseStream(c, time.Now())
		}
	case i == nil:
		i, err = g.startFor(ctx, key, c)
	}
	if err != nil {
		key.place.free()
	}
	g.mu.Lock()
	g.starting--
	g.unloadWhenIdle()
	g.mu.Unlock()
	return i, err
}

// retire takes an instance away from its key, so that new requests start
// another. i.mu is held.
func (g *Guest) retire(i *instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.take(i)
	g.lone++
	i.key = instanceKey{kind: "retired", request: g.lone}
	g.put(i)
}

// start loads the code if need be and starts an instance for a caller, which a
// session may record. g.loading is held.
func (g *Guest) start(ctx context.Context, key instanceKey, c *Caller) (*instance, error) {
	session := g.recorded(key, g.tenantOf(c))
	defer session.started()
	code, err := g.loaded(ctx, c)
	var f *Fault
	if errors.As(err, &f) {
		g.faulted(f)
	}
	if err != nil {
		return nil, err
	}
	quarter := int(g.limits.Memory / 4)
	i := &instance{
		guest: g, key: key, alone: key.kind == instanceRequest || key.kind == instanceAgain, place: key.place,
		session: session, aboard: g.aboard(c),
		signal: make(chan struct{}, 1), done: make(chan struct{}),
		streams: map[uint32]*stream{}, nextID: g.firstID,
		windowSize: quarter, window: quarter, room: quarter,
		active: time.Now(), ledger: ledger{turn: 1},
	}
	i.wanted.Store(1)
	started := make(chan error)
	go func() { // the instance's own goroutine, from its first instruction on
		err := i.start(context.Background(), code)
		if err == nil {
			g.mu.Lock()
			if g.closed {
				err = ErrClosed
			} else {
				g.put(i)
				g.lastUsed = i.active
			}
			g.mu.Unlock()
			if err != nil {
				i.run.Close()
			}
		}
		started <- err
		if err == nil {
			i.loop()
		}
	}()
	if err = <-started; err == nil {
		return i, nil
	}
	if errors.As(err, &f) {
		g.faulted(f)
	}
	return nil, err
}

// left takes an ended instance out. Its loop calls it last.
func (g *Guest) left(i *instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.take(i)
	g.requests.Add(i.requests)
	g.polls.Add(i.polls)
	i.billMemory(0)
	g.unloadWhenIdle()
}

// faulted tells of an instance that ended by its own fault.
func (g *Guest) faulted(f *Fault) {
	g.faults.Add(1)
	g.faultClasses.count(f.Class, 1)
	g.logger.Warn("an instance of an extension ended by its own fault", slog.String("class", string(f.Class)), slog.String("detail", f.Detail))
	if g.engine.onFault != nil {
		go g.engine.onFault(*f)
	}
}

// Close lets the open streams end, takes no new ones (ErrClosed), and unloads
// the code. When ctx ends first, what is left ends with ErrClosed.
func (g *Guest) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	instances := g.alive()
	for _, i := range instances {
		i.drain()
	}
	var err error
	for _, i := range instances {
		select {
		case <-i.done:
		case <-ctx.Done():
			err = ctx.Err()
			i.stop(ErrClosed)
		}
	}
	g.mu.Lock()
	if g.unload != nil {
		g.unload.Stop()
	}
	g.unloadWhenIdle()
	g.mu.Unlock()
	g.engine.forget(g)
	return err
}

// Stats is a look at a guest at one moment.
type Stats struct {
	// Loaded tells whether its code is compiled and in memory.
	Loaded bool
	// Instances alive, Streams in flight (those that the host opened) and
	// Children (those that the guest opened).
	Instances, Streams, Children int
	// Memory is the linear memory of all instances, in bytes.
	Memory uint64
	// Buffered is how many bytes of guests' bodies wait in the host for their
	// readers, as windows count them: the end of a message is 16.
	Buffered int
	// Requests and Faults since Load, Polls of all instances.
	Requests, Faults, Polls uint64
	// Broken is how many breakers are not closed.
	Broken int
}

// Stats looks at the guest.
func (g *Guest) Stats() Stats {
	instances := g.alive()
	g.mu.Lock()
	s := Stats{Loaded: g.code != nil, Instances: len(instances), Requests: g.requests.Load(), Faults: g.faults.Load(), Polls: g.polls.Load(), Broken: g.breakers.broken()}
	g.mu.Unlock()
	for _, i := range instances {
		i.mu.Lock()
		s.Children += i.opened
		s.Streams += len(i.streams) - i.opened
		s.Buffered += i.buffered
		s.Memory += i.run.Memory()
		s.Requests += i.requests
		s.Polls += i.polls
		i.mu.Unlock()
	}
	return s
}
