// Local makes machines in this process, with wazero.
package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"

	"github.com/atoll-platform/atoll/core/sandbox/rewrite"
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
	compiling   chan struct{} // one compilation at a time: it takes every core
	schedule    *schedule
	interpreted bool
}

// NewLocal makes a room. ctx bounds its making only.
func NewLocal(ctx context.Context, o Options) (*Local, error) {
	l := &Local{options: o.withDefaults(), compiling: make(chan struct{}, 1), schedule: newSchedule(places())}
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

// Load implements Room.
func (l *Local) Load(ctx context.Context, wasm []byte) (Code, Report, error) {
	report, decoded := inspect(wasm, l.options.MaxModule, l.options.MaxMemory)
	if len(report.Faults) > 0 {
		return nil, report, fmt.Errorf("%w: %s", ErrModule, report.Faults[0])
	}
	select {
	case l.compiling <- struct{}{}:
	case <-ctx.Done():
		return nil, report, ctx.Err()
	}
	defer func() { <-l.compiling }()
	invalid := func(err error) (Code, Report, error) {
		report.Faults = append(report.Faults, "It is not a valid module: "+err.Error()+".")
		return nil, report, fmt.Errorf("%w: %w", ErrModule, err)
	}
	// What the author wrote must be valid by itself: what is added could make
	// sense of an index that has none.
	if err := l.validate(ctx, wasm); err != nil {
		return invalid(err)
	}
	rewritten, err := decoded.Rewrite(rewrite.Options{Depth: maxDepth, TableCap: maxTable, Keep: exported()})
	if err != nil {
		return invalid(err)
	}
	workers := experimental.WithCompilationWorkers(context.WithoutCancel(ctx), runtime.GOMAXPROCS(0))
	module, err := l.runtime.CompileModule(workers, rewritten.Wasm)
	if err != nil {
		return invalid(err)
	}
	rewritten.Wasm = nil
	return &localCode{room: l, module: module, rewritten: rewritten}, report, nil
}

// Limits of a machine beside its memory.
const (
	maxDepth = 8 << 20   // bytes of frames
	maxTable = 256 << 10 // entries of a table
)

// exported are the exports that a machine needs.
func exported() []string {
	return append(slices.Collect(maps.Keys(exportSignatures)), "memory")
}

// validate lets wazero's interpreter look at a module, which takes a tenth of
// compiling it.
func (l *Local) validate(ctx context.Context, wasm []byte) error {
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features).WithDebugInfoEnabled(false))
	defer rt.Close(ctx)
	_, err := rt.CompileModule(ctx, wasm)
	return err
}

// localCode is a module that this process has compiled.
type localCode struct {
	room      *Local
	module    wazero.CompiledModule
	rewritten *rewrite.Rewritten
}

// Start implements Code.
func (c *localCode) Start(ctx context.Context, s Start) (Machine, error) {
	r, err := startRunner(ctx, c, s)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Close implements Code.
func (c *localCode) Close() { _ = c.module.Close(context.Background()) }

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
