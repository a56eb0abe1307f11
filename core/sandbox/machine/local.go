// Local makes machines in this process, with wazero.
package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Options configures a Room.
type Options struct {
	// CacheDir keeps compiled modules between runs. It is made if missing and
	// must belong to this process alone (mode 0700): what lies in it is
	// executed. Empty: no cache.
	CacheDir string
	// Logger hears what the machines' owner should know. Nil: slog.Default().
	Logger *slog.Logger
	// MaxModule is the largest module in bytes. Zero: 64 MiB.
	MaxModule int
	// MaxMemory is the most that a module may begin with, in bytes. Zero: 1 GiB.
	MaxMemory uint64
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxModule == 0 {
		o.MaxModule = 64 << 20
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = 1 << 30
	}
	return o
}

// Local is the Room of this process. It is safe for concurrent use.
type Local struct {
	options     Options
	runtime     wazero.Runtime
	cache       wazero.CompilationCache
	compiling   chan struct{} // one at a time prepares or loads: it takes every core
	schedule    *schedule
	interpreted bool

	mu    sync.Mutex
	codes map[string]*loaded // by digest
}

// NewLocal makes a room. ctx bounds its making only.
func NewLocal(ctx context.Context, o Options) (*Local, error) {
	l := &Local{options: o.withDefaults(), compiling: make(chan struct{}, 1), schedule: newSchedule(places()), codes: map[string]*loaded{}}
	config, interpreted := runtimeConfig()
	if l.interpreted = interpreted; interpreted {
		l.options.Logger.Warn("WEBASSEMBLY IS INTERPRETED: wazero has no compiler for this machine, extensions run 25 to 90 times slower",
			slog.String("arch", runtime.GOARCH), slog.String("os", runtime.GOOS))
	}
	config = config.WithCoreFeatures(features).WithDebugInfoEnabled(false)
	if o.CacheDir != "" {
		if err := privateDir(o.CacheDir); err != nil {
			return nil, fmt.Errorf("the cache of compiled modules: %w", err)
		}
		cache, err := wazero.NewCompilationCacheWithDir(o.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("the cache of compiled modules: %w", err)
		}
		l.cache, config = cache, config.WithCompilationCache(cache)
	}
	l.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if err := instantiateHost(ctx, l.runtime); err != nil {
		return nil, errors.Join(err, l.runtime.Close(ctx))
	}
	return l, nil
}

// features of WebAssembly that a module may use: version 2 of the specification.
const features = api.CoreFeaturesV2

// places is how many turns run at once, so that guests leave the process a
// processor.
func places() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// Interpreted implements Room.
func (l *Local) Interpreted() bool { return l.interpreted }

// Close implements Room.
func (l *Local) Close(ctx context.Context) error {
	err := l.runtime.Close(ctx)
	if l.cache != nil {
		err = errors.Join(err, l.cache.Close(ctx))
	}
	return err
}

// Prepare implements Room.
func (l *Local) Prepare(ctx context.Context, wasm []byte) (Report, error) {
	code, report, err := l.Load(ctx, wasm)
	if err == nil {
		code.Close()
	}
	return report, err
}

// Load implements Room. Who loads a module that is loaded already shares it.
func (l *Local) Load(ctx context.Context, wasm []byte) (Code, Report, error) {
	digest := Digest(wasm)
	select {
	case l.compiling <- struct{}{}:
	case <-ctx.Done():
		return nil, Report{}, ctx.Err()
	}
	defer func() { <-l.compiling }()
	l.mu.Lock()
	c := l.codes[digest]
	if c != nil {
		c.users++
	}
	l.mu.Unlock()
	if c != nil {
		return &localCode{loaded: c}, c.Report, nil
	}
	p, report, err := l.prepared(ctx, wasm)
	if err != nil {
		return nil, report, err
	}
	if c, err = l.load(ctx, p); err != nil {
		return nil, report, err
	}
	l.mu.Lock()
	l.codes[digest] = c
	l.mu.Unlock()
	return &localCode{loaded: c}, report, nil
}

// load compiles a prepared module, or finds it compiled.
func (l *Local) load(ctx context.Context, p *prepared) (*loaded, error) {
	workers := experimental.WithCompilationWorkers(context.WithoutCancel(ctx), runtime.GOMAXPROCS(0))
	module, err := l.runtime.CompileModule(workers, p.Wasm)
	if err != nil {
		return nil, fmt.Errorf("compiling the metered module: %w", err)
	}
	data, err := p.data()
	if err != nil {
		return nil, errors.Join(err, module.Close(ctx))
	}
	return &loaded{room: l, prepared: p, module: module, data: data, users: 1}, nil
}

// loaded is a module that this process has compiled, for all who have loaded it.
type loaded struct {
	*prepared
	room   *Local
	module wazero.CompiledModule
	data   *image // what the module's own segments make of its memory
	users  int    // guarded by room.mu

	seeding  sync.Mutex
	snapshot *snapshot // guarded by seeding; nil until a machine has started
	blanks   blanks
}

// free ends the code when its last user has left.
func (c *loaded) free() {
	c.room.mu.Lock()
	c.users--
	last := c.users == 0
	if last {
		delete(c.room.codes, c.Report.Digest)
	}
	c.room.mu.Unlock()
	if !last {
		return
	}
	c.blanks.close()
	c.data.close()
	if c.snapshot != nil {
		c.snapshot.memory.close()
	}
	_ = c.module.Close(context.Background())
	c.prepared.close()
}

// localCode is one loading of a module.
type localCode struct {
	*loaded
	once sync.Once
}

// Close implements Code.
func (c *localCode) Close() { c.once.Do(c.free) }

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
