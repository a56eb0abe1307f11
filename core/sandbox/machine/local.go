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
)

// Options configures a Room.
type Options struct {
	// CacheDir keeps compiled modules between runs. It is made if missing and
	// must belong to this process alone (mode 0700): what lies in it is
	// executed. Empty: no cache.
	CacheDir string
	// CacheSize is how many bytes the cache may come to. Zero: 2 GiB.
	CacheSize int64
	// CompileInChild has modules compiled in a process of their own, with
	// limits on its time and memory: this program, started again, which must
	// call RunChild first of all. It takes Linux and a CacheDir; without them
	// modules are compiled in this process.
	CompileInChild bool
	// Logger hears what the machines' owner should know. Nil: slog.Default().
	Logger *slog.Logger `json:"-"` // each process has its own
	// Judge hears whose questions a process of its own had not answered when it
	// ended, unless it was ended on purpose: Start's Owner, or WithOwner's. What
	// it says is in every LostError of that end. It must return at once, and use
	// nothing of the Room. Nil: nobody asks.
	Judge func(owners []any) (verdict any) `json:"-"`
	// MaxModule is the largest module in bytes. Zero: 64 MiB.
	MaxModule int
	// MaxMemory is the most that a module may begin with, in bytes. Zero: 1 GiB.
	MaxMemory uint64
	// MaxFrames is how many bytes of one turn's frames cross from a process of
	// its own: of more than that one byte more crosses, so that they are seen
	// to be too many. Zero: 16 MiB.
	MaxFrames int
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
	if o.CacheSize == 0 {
		o.CacheSize = 2 << 30
	}
	if o.MaxFrames == 0 {
		o.MaxFrames = maxBatch
	}
	return o
}

// Local is the Room of this process. It is safe for concurrent use.
type Local struct {
	options     Options
	limits      compileLimits // of a child that compiles
	runtime     wazero.Runtime
	cache       *cache // nil: there is none
	compiled    wazero.CompilationCache
	life        context.Context // until Close
	die         context.CancelFunc
	compiling   chan struct{} // one at a time compiles: it takes every core
	loading     chan struct{} // one at a time is loaded
	schedule    *schedule
	interpreted bool

	mu    sync.Mutex
	codes map[string]*loaded // by digest
}

// NewLocal makes a room. ctx bounds its making only.
func NewLocal(ctx context.Context, o Options) (*Local, error) {
	l := &Local{options: o.withDefaults(), limits: usualLimits, compiling: make(chan struct{}, 1), loading: make(chan struct{}, 1), schedule: newSchedule(Places()), codes: map[string]*loaded{}}
	config, interpreted := runtimeConfig()
	if l.interpreted = interpreted; interpreted {
		l.options.Logger.Warn("WEBASSEMBLY IS INTERPRETED: wazero has no compiler for this machine, extensions run 25 to 90 times slower",
			slog.String("arch", runtime.GOARCH), slog.String("os", runtime.GOOS))
	}
	if o.CacheDir != "" {
		var err error
		if l.cache, err = openCache(o.CacheDir, l.options.CacheSize, l.options.Logger); err == nil {
			l.compiled, err = wazero.NewCompilationCacheWithDir(o.CacheDir)
		}
		if err != nil {
			return nil, fmt.Errorf("the cache of compiled modules: %w", err)
		}
		config = config.WithCompilationCache(l.compiled)
	}
	l.life, l.die = context.WithCancel(context.Background())
	l.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if err := instantiateHost(ctx, l.runtime); err != nil {
		return nil, errors.Join(err, l.Close(ctx))
	}
	return l, nil
}

// features of WebAssembly that a module may use: version 2 of the specification.
const features = api.CoreFeaturesV2

// Places is how many turns run at once, so that guests leave the process a
// processor.
func Places() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// Interpreted implements Room.
func (l *Local) Interpreted() bool { return l.interpreted }

// Close implements Room.
func (l *Local) Close(ctx context.Context) error {
	l.die()
	err := l.runtime.Close(ctx)
	if l.compiled != nil {
		err = errors.Join(err, l.compiled.Close(ctx))
	}
	return err
}

// runtimeConfig is wazero's compiler where it has one, else its interpreter.
func runtimeConfig() (config wazero.RuntimeConfig, interpreted bool) {
	defer func() {
		if recover() != nil { // how wazero says that it has no compiler here
			config, interpreted = wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features).WithDebugInfoEnabled(false), true
		}
	}()
	config = wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features).WithDebugInfoEnabled(false)
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
