// Loading ahead: whoever has a guest take another's place has it loaded first, so
// that no request waits for that.
package sandbox

import (
	"context"
	"errors"
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
	placed := g.engine.deaths.board(&a)
	code, err := g.source(machine.WithOwner(ctx, &a))
	g.engine.deaths.leave(placed)
	if err != nil {
		return nil, a.crashed(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.code = code
	return code, nil
}
