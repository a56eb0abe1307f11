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
	ctx  context.Context
	lost func() error // why the person may no longer; nil: they may
	end  context.CancelCauseFunc
}

// add makes a stream whose context ends when the person may no longer, or with
// the extension's life, all of it or its following; done is called when the
// stream has ended.
func (l *liveStreams) add(ctx, life context.Context, lost func() error) (s *liveStream, done func()) {
	ctx, end := context.WithCancelCause(ctx)
	s = &liveStream{ctx, lost, end}
	l.mu.Lock()
	l.all[s] = struct{}{}
	l.mu.Unlock()
	stop := context.AfterFunc(life, func() { end(ErrNotFound) })
	return s, func() {
		stop()
		l.mu.Lock()
		delete(l.all, s)
		l.mu.Unlock()
		end(nil)
	}
}

// cause is why the stream was ended, or is about to be: of one lost right, each
// registry ends what it carries at its own moment, and where a door is the first,
// the guest may end its answer in good order before this stream has heard of it.
func (s *liveStream) cause() error {
	if cause := context.Cause(s.ctx); cause != nil {
		return cause
	}
	return s.lost()
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
			if lost := s.lost(); lost != nil {
				s.end(lost)
			}
		}
		h.streams.mu.Unlock()
	}
}
