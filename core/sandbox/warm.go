// Loading ahead: whoever has a guest take another's place has it loaded first, so
// that no request waits for that.
package sandbox

import (
	"context"
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
	_, err := g.loaded(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.starting--
	g.lastUsed = time.Now()
	g.unloadWhenIdle()
	return err
}

// loaded gives the code, and loads it if need be. g.loading is held, and the
// caller is counted in g.starting.
func (g *Guest) loaded(ctx context.Context) (machine.Code, error) {
	g.mu.Lock()
	c := g.code
	g.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := g.source(ctx)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.code = c
	return c, nil
}
