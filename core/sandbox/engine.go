// The engine: one for a process, makes guests out of modules.
package sandbox

import (
	"context"
	"log/slog"
	"time"
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
	// reset with `denied`.
	Doors func(authority string) Door
	// OnFault is told of each instance that ended by its own fault. It is
	// called on the instance's goroutine and must return soon.
	OnFault func(Fault)
	// IdleAfter is how long a guest may do nothing before its instances, and
	// then its code, are unloaded. Zero: one minute. Negative: never.
	IdleAfter time.Duration
	// MaxModule is the largest module in bytes. Zero: 64 MiB.
	MaxModule int
	// MaxMemory caps every Limits.Memory, in bytes. Zero: 1 GiB.
	MaxMemory uint64
}

// Engine compiles modules and keeps what their guests share. It is safe for
// concurrent use.
type Engine struct{}

// New makes an engine. ctx bounds its making only.
func New(ctx context.Context, o Options) (*Engine, error) { return &Engine{}, nil }

// Close ends every guest at once, its streams with ErrClosed, and frees the
// compiled code.
func (e *Engine) Close(ctx context.Context) error { return nil }

// Prepare checks a module against the wire's rules and the limits, compiles it,
// and leaves the result in the cache. A module with faults gives them all in
// the report and an error that wraps ErrModule; nothing of it has run.
func (e *Engine) Prepare(ctx context.Context, wasm []byte) (Report, error) { return Report{}, nil }

// Load makes a guest. Nothing is read, compiled or started before its first
// request.
func (e *Engine) Load(spec Spec) *Guest { return &Guest{} }
