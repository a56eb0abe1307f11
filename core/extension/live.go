// Requests that go on for long: they end when the person loses the right, or the
// extension goes.
package extension

import (
	"context"
	"errors"
	"sync"
)

// errRightLost is why a stream ended early.
var errRightLost = errors.New("the right to this was taken away")

// liveStreams are the streams in flight.
type liveStreams struct {
	mu  sync.Mutex
	all map[*liveStream]struct{}
}

type liveStream struct {
	may func() bool
	end context.CancelCauseFunc
}

// add makes a context that ends when the person may no longer, or with the
// extension's life, all of it or its following; done is called when the stream
// has ended.
func (l *liveStreams) add(ctx, life context.Context, may func() bool) (_ context.Context, done func()) {
	ctx, end := context.WithCancelCause(ctx)
	s := &liveStream{may, end}
	l.mu.Lock()
	l.all[s] = struct{}{}
	l.mu.Unlock()
	stop := context.AfterFunc(life, func() { end(ErrNotFound) })
	return ctx, func() {
		stop()
		l.mu.Lock()
		delete(l.all, s)
		l.mu.Unlock()
		end(nil)
	}
}

// recheck ends streams of people who may no longer, at each change of rights.
func (h *Host) recheck(ctx context.Context) {
	changed := h.index.Changed(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changed:
			if !ok {
				return
			}
		}
		h.streams.mu.Lock()
		for s := range h.streams.all {
			if !s.may() {
				s.end(errRightLost)
			}
		}
		h.streams.mu.Unlock()
	}
}
