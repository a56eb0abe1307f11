// The engine: one for a process, makes guests out of modules.
package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Options configures an Engine. The zero value works: nothing is cached on
// disk, no doors open, and the limits are the defaults said at each field.
type Options struct {
	// CacheDir keeps compiled modules between runs, so that a restart loads a
	// guest in about 100 ms. It is made if missing and must belong to this
	// process alone (mode 0700): what lies in it is executed. Empty: no cache.
	CacheDir string
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
}

// Engine compiles modules and keeps what their guests share. It is safe for
// concurrent use.
type Engine struct {
	runtime     wazero.Runtime
	cache       wazero.CompilationCache
	drivers     [2]wazero.CompiledModule // without and with _initialize
	logger      *slog.Logger
	doors       func(string) Door
	onFault     func(Fault)
	idleAfter   time.Duration
	maxModule   int
	maxMemory   uint64
	slots       *slots
	compiling   chan struct{} // one compilation at a time: it takes every core
	interpreted bool

	mu     sync.Mutex
	closed bool
	guests map[*Guest]struct{}
}

// New makes an engine. ctx bounds its making only.
func New(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{
		logger: o.Logger, doors: o.Doors, onFault: o.OnFault, idleAfter: o.IdleAfter,
		maxModule: o.MaxModule, maxMemory: o.MaxMemory,
		compiling: make(chan struct{}, 1), guests: map[*Guest]struct{}{},
	}
	if e.logger == nil {
		e.logger = slog.Default()
	}
	if e.idleAfter == 0 {
		e.idleAfter = time.Minute
	}
	if e.maxModule == 0 {
		e.maxModule = 64 << 20
	}
	if e.maxMemory == 0 {
		e.maxMemory = 1 << 30
	}
	config, interpreted := runtimeConfig()
	if e.interpreted = interpreted; interpreted {
		e.logger.Warn("WEBASSEMBLY IS INTERPRETED: wazero has no compiler for this machine, extensions run 25 to 90 times slower",
			slog.String("arch", runtime.GOARCH), slog.String("os", runtime.GOOS))
	}
	// See runner.go for what this costs, how the cost is kept small, and what
	// replaces it.
	config = config.WithCloseOnContextDone(true).WithCoreFeatures(features).WithDebugInfoEnabled(false)
	if o.CacheDir != "" {
		if err := privateDir(o.CacheDir); err != nil {
			return nil, fmt.Errorf("the cache of compiled modules: %w", err)
		}
		cache, err := wazero.NewCompilationCacheWithDir(o.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("the cache of compiled modules: %w", err)
		}
		e.cache, config = cache, config.WithCompilationCache(cache)
	}
	e.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	err := instantiateHost(ctx, e.runtime)
	for n := range e.drivers {
		if err == nil {
			e.drivers[n], err = e.runtime.CompileModule(ctx, driverWasm(n == 1))
		}
	}
	if err != nil {
		return nil, errors.Join(err, e.runtime.Close(ctx))
	}
	e.slots = newSlots(maxPolls())
	return e, nil
}

// features of WebAssembly that a module may use: version 2 of the specification,
// without reference types: with them comes table.grow, of which one call takes a
// gigabyte of the host. They return when modules are rewritten and metered.
const features = api.CoreFeaturesV2 &^ api.CoreFeatureReferenceTypes

// Interpreted tells whether guests run in wazero's interpreter, because it has
// no compiler for this machine.
func (e *Engine) Interpreted() bool { return e.interpreted }

// Close ends every guest at once, its streams with ErrClosed, and frees the
// compiled code.
func (e *Engine) Close(ctx context.Context) error {
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
	e.slots.close()
	err := e.runtime.Close(ctx)
	if e.cache != nil {
		err = errors.Join(err, e.cache.Close(ctx))
	}
	return err
}

// Prepare checks a module against the wire's rules and the limits, compiles it,
// and leaves the result in the cache. A module with faults gives them all in
// the report and an error that wraps ErrModule; nothing of it has run.
func (e *Engine) Prepare(ctx context.Context, wasm []byte) (Report, error) {
	report, code, err := e.compile(ctx, wasm)
	if err != nil {
		return report, err
	}
	code.close()
	return report, nil
}

// compile checks a module and compiles it, or takes it from the cache.
func (e *Engine) compile(ctx context.Context, wasm []byte) (Report, *code, error) {
	report, initialize := inspect(wasm, e.maxModule, e.maxMemory)
	if len(report.Faults) > 0 {
		return report, nil, fmt.Errorf("%w: %s", ErrModule, report.Faults[0])
	}
	select {
	case e.compiling <- struct{}{}:
	case <-ctx.Done():
		return report, nil, ctx.Err()
	}
	defer func() { <-e.compiling }()
	workers := experimental.WithCompilationWorkers(context.WithoutCancel(ctx), runtime.GOMAXPROCS(0))
	module, err := e.runtime.CompileModule(workers, wasm)
	if err != nil {
		report.Faults = append(report.Faults, "It is not a valid module: "+err.Error()+".")
		return report, nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	driver := e.drivers[0]
	if initialize {
		driver = e.drivers[1]
	}
	return report, &code{
		start: func(ctx context.Context, limit uint64, w wasi) (machine, error) {
			return startRunner(ctx, e.runtime, module, driver, limit, w)
		},
		close: func() { _ = module.Close(context.Background()) },
	}, nil
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

// runtimeConfig is wazero's compiler where it has one, else its interpreter.
func runtimeConfig() (config wazero.RuntimeConfig, interpreted bool) {
	defer func() {
		if recover() != nil { // how wazero says that it has no compiler here
			config, interpreted = wazero.NewRuntimeConfigInterpreter(), true
		}
	}()
	config = wazero.NewRuntimeConfigCompiler()
	probe := wazero.NewRuntimeWithConfig(context.Background(), config)
	_ = probe.Close(context.Background())
	return config, false
}

// privateDir makes a folder that only this user may enter, or makes sure that
// it is one.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a folder (a link is not followed)")}
	case info.Mode().Perm()&0o077 != 0:
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("others may write code into it, and it cannot be closed: %w", err)
		}
	}
	return nil
}

// digest is sha256:hex of a module.
func digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return "sha256:" + hex.EncodeToString(sum[:])
}
