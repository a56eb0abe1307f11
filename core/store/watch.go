// Watches: who wants to hear of what, each with a bounded queue of its own, so
// that a slow one is closed and no writer ever waits.
package store

import (
	"context"
	"strings"
	"sync"
)

// watchQueue is how many batches a watcher may lag behind.
const watchQueue = 1024

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
	queue  chan Batch
	err    error
}

func newHub(newest Revision) *hub {
	return &hub{newest: newest, watchers: map[*watcher]struct{}{}}
}

// join adds a watcher and tells the newest revision that it will not be sent.
func (h *hub) join(prefix string) (*watcher, Revision, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, 0, ErrClosed
	}
	w := &watcher{prefix: prefix, queue: make(chan Batch, watchQueue)}
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
			if len(events) == 0 {
				continue
			}
			select {
			case w.queue <- Batch{Revision: b.Revision, Events: events}:
			default:
				h.end(w, ErrSlow)
			}
		}
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

// pump sends what is queued until the watch or ctx ends.
func (w *watcher) pump(ctx context.Context, out chan<- Batch) {
	for {
		var b Batch
		select {
		case next, ok := <-w.queue:
			if !ok {
				if w.err == nil {
					return
				}
				b = Batch{Err: w.err}
			} else {
				b = next
			}
		case <-ctx.Done():
			return
		}
		select {
		case out <- b:
			if b.Err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
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
