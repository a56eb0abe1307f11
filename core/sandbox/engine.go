// The engine: one for a process, makes guests out of modules.
package sandbox

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// Options configures an Engine. The zero value works: nothing is cached on
// disk, no doors open, and the limits are the defaults said at each field.
type Options struct {
	// CacheDir keeps compiled modules between runs, so that a restart loads a
	// guest in about 100 ms. It is made if missing and must belong to this
	// process alone (mode 0700): what lies in it is executed. Empty: no cache.
	CacheDir string
	// CacheSize is how many bytes the cache may come to; what was used longest
	// ago goes. Zero: 2 GiB.
	CacheSize int64
	// CompileInChild compiles modules in a process of their own with limits on
	// its time and memory: this program, started again, which must call
	// RunChild first of all. Linux alone has it, and it takes a CacheDir.
	CompileInChild bool
	// OwnProcess runs the guests in a process of the sandbox's own, with nothing
	// of this one's: no environment, no files but the cache, no network, no
	// credentials. It is this program, started again, which must call RunChild
	// first of all. Whenever it ends it is started again: requests under way
	// are run again where they may be, the others end with ErrInterrupted. Who
	// ends it again and again is blamed for that (FaultCrash). It
	// takes Unix; Linux alone has the whole wall.
	OwnProcess bool
	// Logger hears what the sandbox and its guests say. Nil: slog.Default().
	Logger *slog.Logger
	// Doors finds the door that a guest knocks on by its authority
	// ("kubernetes", "kv", ...). Nil, or a nil Door: the guest's stream is
	// reset with `denied`. It must return at once and touch no guest.
	Doors func(authority string) Door
	// OnFault is told of each instance that ended by its own fault, on a
	// goroutine of its own.
	OnFault func(Fault)
	// IdleAfter is how long a guest may do nothing before its instances and
	// its code are unloaded. Zero: one minute. Negative: never.
	IdleAfter time.Duration
	// MaxModule is the largest module in bytes. Zero: 64 MiB.
	MaxModule int
	// MaxMemory caps every Limits.Memory, in bytes. Zero: 1 GiB.
	MaxMemory uint64
	// Caps are what no guest's limits go beyond. A zero field caps nothing.
	Caps Limits
}

// RunChild does the work of a child and exits, where this program was started as
// one by an engine. Otherwise it returns.
func RunChild() { machine.RunChild() }

// Engine compiles modules and keeps what their guests share. It is safe for
// concurrent use.
type Engine struct {
	room      machine.Room
	logger    *slog.Logger
	doors     func(string) Door
	onFault   func(Fault)
	idleAfter time.Duration
	maxMemory uint64
	caps      Limits
	places    int // how many guests compute at once
	deaths    deaths
	kept      atomic.Int64 // bytes of requests' bodies, to run them again

	mu     sync.Mutex
	closed bool
	guests map[*Guest]struct{}

	closing  sync.Once
	closeErr error
}

// New makes an engine. ctx bounds its making only.
func New(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{
		logger: o.Logger, doors: o.Doors, onFault: o.OnFault, idleAfter: o.IdleAfter,
		maxMemory: o.MaxMemory, caps: o.Caps, places: machine.Places(), guests: map[*Guest]struct{}{},
	}
	if e.logger == nil {
		e.logger = slog.Default()
	}
	if e.idleAfter == 0 {
		e.idleAfter = time.Minute
	}
	if e.maxMemory == 0 {
		e.maxMemory = 1 << 30
	}
	e.deaths.init(e.logger)
	options := machine.Options{
		CacheDir: o.CacheDir, CacheSize: o.CacheSize, CompileInChild: o.CompileInChild,
		Logger: e.logger, MaxModule: o.MaxModule, MaxMemory: o.MaxMemory,
		Judge: e.deaths.judge,
	}
	var err error
	if o.OwnProcess {
		e.room, err = machine.NewRemote(ctx, options)
	} else {
		e.room, err = machine.NewLocal(ctx, options)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Interpreted tells whether guests run in an interpreter, because there is no
// compiler for this machine.
func (e *Engine) Interpreted() bool { return e.room.Interpreted() }

// Process is how the sandbox's own process fares.
type Process = machine.Life

// Process looks at the sandbox's own process; false: guests run in this one.
func (e *Engine) Process() (Process, bool) {
	r, own := e.room.(*machine.Remote)
	if !own {
		return Process{}, false
	}
	return r.Life(), true
}

// Close ends every guest at once, its streams with ErrClosed, and frees the
// compiled code. Who closes it again hears what came of the first time.
func (e *Engine) Close(ctx context.Context) error {
	e.closing.Do(func() { e.closeErr = e.close(ctx) })
	return e.closeErr
}

func (e *Engine) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	guests := make([]*Guest, 0, len(e.guests))
	for g := range e.guests {
		guests = append(guests, g)
	}
	e.mu.Unlock()
	now, cancel := context.WithCancel(ctx)
	cancel()
	for _, g := range guests {
		_ = g.Close(now)
	}
	return e.room.Close(ctx)
}

// Report is what Prepare found.
type Report = machine.Report

// Limits gives the limits that hold for a guest that wishes for these.
func (e *Engine) Limits(wish Limits) Limits {
	l := wish.Capped(e.caps)
	l.Memory = pages(min(l.Memory, e.maxMemory))
	return l
}

// Load makes a guest. Nothing is read, compiled or started before its first
// request.
func (e *Engine) Load(spec Spec) *Guest {
	g := newGuest(e, spec)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		g.closed = true
	} else {
		e.guests[g] = struct{}{}
	}
	return g
}

func (e *Engine) forget(g *Guest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.guests, g)
}

// seed draws a seed for one instance.
func (e *Engine) seed() (s [32]byte) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}
