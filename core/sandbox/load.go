// Loading: a guest's code is there while somebody needs it. Whoever has a guest take
// another's place has it loaded first, so that no request waits for that.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// Warm loads the guest's code, as its first request would, and starts nothing. It
// is unloaded as ever when nobody comes. Errors are those of Do.
func (g *Guest) Warm(ctx context.Context) error {
	select {
	case g.loading <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.loading }()
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return ErrClosed
	}
	g.starting++
	g.mu.Unlock()
	_, err := g.loaded(ctx, nil)
	var f *Fault
	if errors.As(err, &f) {
		g.faulted(f)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.starting--
	g.lastUsed = time.Now()
	g.unloadWhenIdle()
	return err
}

// loaded gives the code, and loads it if need be for a caller; nil: for nobody.
// g.loading is held, and whoever asks is counted in g.starting.
func (g *Guest) loaded(ctx context.Context, c *Caller) (machine.Code, error) {
	g.mu.Lock()
	code := g.code
	g.mu.Unlock()
	if code != nil {
		return code, nil
	}
	a := g.aboard(c)
	placed := g.engine.deaths.board(a)
	code, err := g.source(machine.WithOwner(ctx, a))
	g.engine.deaths.leave(placed)
	if err != nil {
		return nil, a.crashed(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.code = code
	return code, nil
}

// load reads, checks and compiles the module.
func (g *Guest) load(ctx context.Context) (machine.Code, error) {
	began := time.Now()
	wasm, err := g.spec.Wasm()
	if err != nil {
		return nil, fmt.Errorf("reading the module of %s: %w", g.spec.Name, err)
	}
	if d := machine.Digest(wasm); g.spec.Digest != "" && d != g.spec.Digest {
		return nil, fmt.Errorf("%w: the module of %s is %s, and not %s as was consented to", ErrModule, g.spec.Name, d, g.spec.Digest)
	}
	c, report, err := g.engine.room.Load(ctx, wasm)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", g.spec.Name, err)
	}
	g.module.Store(report.Digest)
	if report.MinMemory > g.limits.Memory {
		c.Close()
		return nil, fmt.Errorf("%w: %s starts with %d bytes of memory and may have %d", ErrModule, g.spec.Name, report.MinMemory, g.limits.Memory)
	}
	g.logger.Info("extension loaded", slog.Int("bytes", len(wasm)), slog.Duration("took", time.Since(began)))
	return c, nil
}

// unloadWhenIdle frees the code when no instance needs it and none has for a
// while. g.mu is held.
func (g *Guest) unloadWhenIdle() {
	if g.code == nil || len(g.instances) > 0 || g.starting > 0 {
		return
	}
	idle := g.engine.idleAfter
	switch left := idle - time.Since(g.lastUsed); {
	case g.closed || idle > 0 && left <= 0:
		g.code.Close()
		g.code = nil
		g.logger.Info("extension unloaded")
	case idle > 0:
		if g.unload != nil {
			g.unload.Stop()
		}
		g.unload = time.AfterFunc(left, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.unloadWhenIdle()
		})
	}
}
