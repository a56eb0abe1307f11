// Loading: from a module's bytes to code that machines are made of.
package machine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// Prepare implements Room.
func (l *Local) Prepare(ctx context.Context, wasm []byte) (Report, error) {
	p, report, err := l.prepared(ctx, wasm, Digest(wasm))
	if err == nil {
		p.close()
	}
	return report, err
}

// Load implements Room. Who loads a module that is loaded already shares it.
func (l *Local) Load(ctx context.Context, wasm []byte) (Code, Report, error) {
	digest := Digest(wasm)
	if c := l.share(digest); c != nil {
		return c, c.report, nil
	}
	p, report, err := l.prepared(ctx, wasm, digest)
	if err != nil {
		return nil, report, err
	}
	c, err := l.load(ctx, p)
	switch {
	case err == nil || ctx.Err() != nil:
	case l.cache == nil:
		report.fault("It cannot be compiled: %v.", err)
		err = report.err()
	default:
		// What was kept is sound and yet not what wazero wants: once more.
		l.options.Logger.Warn("a compiled module does not load, and is made anew", slog.String("digest", digest), slog.Any("why", err))
		l.cache.drop(digest)
		if p, report, err = l.prepared(ctx, wasm, digest); err == nil {
			c, err = l.load(ctx, p)
		}
	}
	if err != nil {
		return nil, report, err
	}
	return c, report, nil
}

// share gives code that is loaded already; nil: it is not.
func (l *Local) share(digest string) *localCode {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.codes[digest]
	if c == nil {
		return nil
	}
	c.users++
	return &localCode{loaded: c}
}

// prepared gives a module prepared, from the cache if it can. Others load what
// is compiled while one module is being compiled.
func (l *Local) prepared(ctx context.Context, wasm []byte, digest string) (*prepared, Report, error) {
	if l.cache == nil {
		return prepare(ctx, wasm, l.options.MaxModule, l.options.MaxMemory)
	}
	if p := l.cache.find(digest); p != nil {
		return p, p.report, nil
	}
	select {
	case l.compiling <- struct{}{}:
	case <-ctx.Done():
		return nil, Report{}, ctx.Err()
	}
	defer func() { <-l.compiling }()
	if p := l.cache.find(digest); p != nil { // somebody else wanted it too
		return p, p.report, nil
	}
	report, err := l.make(wasm, digest)
	if err != nil {
		return nil, report, err
	}
	if p := l.cache.find(digest); p != nil {
		return p, report, nil
	}
	return nil, report, fmt.Errorf("the cache of compiled modules has lost %s", digest)
}

// load makes code of a prepared module, or shares what somebody else has made
// of it; either way p is not the caller's any more.
func (l *Local) load(ctx context.Context, p *prepared) (*localCode, error) {
	select {
	case l.loading <- struct{}{}:
	case <-ctx.Done():
		p.close()
		return nil, ctx.Err()
	}
	defer func() { <-l.loading }()
	if c := l.share(p.report.Digest); c != nil {
		p.close()
		return c, nil
	}
	workers := experimental.WithCompilationWorkers(context.WithoutCancel(ctx), runtime.GOMAXPROCS(0))
	module, err := l.runtime.CompileModule(workers, p.wasm)
	if err != nil {
		p.close()
		return nil, fmt.Errorf("loading the metered module: %w", err)
	}
	data, err := newImage(uint64(p.pages)*wasmPage, p.memory)
	if err != nil {
		_ = module.Close(ctx)
		p.close()
		return nil, err
	}
	p.rest()
	c := &loaded{prepared: p, room: l, module: module, data: data, users: 1}
	l.mu.Lock()
	l.codes[p.report.Digest] = c
	l.mu.Unlock()
	return &localCode{loaded: c}, nil
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
		delete(c.room.codes, c.report.Digest)
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
