// Watches: who wants to hear of what, each with a bounded queue of its own, so
// that a slow one is closed and no writer ever waits.

package store

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
)

// How far a watcher may lag behind.
const (
	watchQueue = 1024     // transactions
	watchBytes = 16 << 20 // of their keys and values
)

// hub hands commits to watchers.
type hub struct {
	mu       sync.Mutex
	newest   Revision
	watchers map[*watcher]struct{}
	closed   bool
}

// watcher is one watch; queue is closed with err set when it ends by itself.
type watcher struct {
	prefix string
	after  Revision
	queue  chan Batch
	bytes  atomic.Int64 // in the queue
	err    error
}

func newHub(newest Revision) *hub {
	return &hub{newest: newest, watchers: map[*watcher]struct{}{}}
}

// join adds a watcher and tells the newest revision that it will not be sent.
func (h *hub) join(prefix string, after Revision) (*watcher, Revision, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, 0, ErrClosed
	}
	w := &watcher{prefix: prefix, after: after, queue: make(chan Batch, watchQueue)}
	h.watchers[w] = struct{}{}
	return w, h.newest, nil
}

func (h *hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end(w, nil)
}

// end closes a watcher once; h.mu is held.
func (h *hub) end(w *watcher, err error) {
	if _, ok := h.watchers[w]; !ok {
		return
	}
	delete(h.watchers, w)
	w.err = err
	close(w.queue)
}

func (h *hub) publish(batches []Batch) {
	if len(batches) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range batches {
		h.newest = b.Revision
		for w := range h.watchers {
			events := under(w.prefix, b.Events)
			if len(events) == 0 || b.Revision <= w.after {
				continue
			}
			next := Batch{Revision: b.Revision, Events: events}
			if w.bytes.Load() > watchBytes {
				h.end(w, ErrSlow)
				continue
			}
			w.bytes.Add(next.size())
			select {
			case w.queue <- next:
			default:
				h.end(w, ErrSlow)
			}
		}
	}
}

// reset ends every watch: what was committed last is not known.
func (h *hub) reset(newest Revision) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.newest = newest
	for w := range h.watchers {
		h.end(w, ErrUncertain)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.watchers {
		h.end(w, ErrClosed)
	}
}

// size is roughly the memory that a batch holds.
func (b Batch) size() int64 {
	n := int64(0)
	for _, e := range b.Events {
		n += int64(len(e.Key) + len(e.Value))
	}
	return n
}

// pump sends what is queued until the watch or ctx ends.
func (w *watcher) pump(ctx context.Context, out chan<- Batch) {
	for {
		select {
		case b, ok := <-w.queue:
			if !ok {
				if w.err != nil {
					send(ctx, out, Batch{Err: w.err})
				}
				return
			}
			w.bytes.Add(-b.size())
			if !send(ctx, out, b) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// send hands a batch over; false when ctx ended first.
func send(ctx context.Context, out chan<- Batch, b Batch) bool {
	select {
	case out <- b:
		return true
	case <-ctx.Done():
		return false
	}
}

// under picks the events below a prefix.
func under(prefix string, events []Event) []Event {
	if prefix == "" {
		return events
	}
	for i, e := range events {
		if strings.HasPrefix(e.Key, prefix) {
			continue
		}
		picked := append([]Event(nil), events[:i]...)
		for _, e := range events[i+1:] {
			if strings.HasPrefix(e.Key, prefix) {
				picked = append(picked, e)
			}
		}
		return picked
	}
	return events
}
