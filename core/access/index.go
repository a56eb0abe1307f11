// The index's life: filled from the store, kept by its watch, closed to
// everybody while it has lost the store.

package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/store"
)

// What may go wrong with the index.
var (
	ErrClosed = errors.New("the access index is closed")
	ErrLost   = errors.New("the access index has lost the store and denies everything")
)

// Index holds everything that a decision needs, in memory. Safe for concurrent
// use; decisions never wait for the store.
type Index struct {
	follower *store.Follower

	mu        sync.RWMutex
	state     *state
	presets   map[string]*role
	items     map[string][]Item // by extension
	catalogue catalogue
	lost      error       // not nil: decisions deny
	timer     *time.Timer // for what ends by itself; nil before the first

	listening sync.Mutex
	listeners map[chan struct{}]struct{}
}

// NewIndex reads the store and follows it until ctx ends or Close.
func NewIndex(ctx context.Context, s store.Store) (*Index, error) {
	x := &Index{
		presets: newPresets(), items: map[string][]Item{}, catalogue: newCatalogue(nil),
		lost: ErrLost, listeners: map[chan struct{}]struct{}{},
	}
	var err error
	if x.follower, err = store.Follow(ctx, s, &indexed{x: x}, prefixes...); err != nil {
		return nil, fmt.Errorf("filling the access index: %w", err)
	}
	return x, nil
}

// Close stops following the store; afterwards everything is denied.
func (x *Index) Close() { x.follower.Close() }

// indexed is the index as what follows the store fills it.
type indexed struct {
	x     *Index
	fresh *state // begun and not shown yet
}

// Begin implements store.Copy.
func (i *indexed) Begin() func(store.Batch) {
	i.x.mu.RLock()
	defer i.x.mu.RUnlock()
	fresh := newState(i.x.presets)
	i.fresh = fresh
	return func(b store.Batch) { fresh.apply(b) }
}

// Show implements store.Copy.
func (i *indexed) Show() {
	x := i.x
	x.mu.Lock()
	again := x.state != nil
	x.state, x.lost, i.fresh = i.fresh, nil, nil
	x.state.compile(x.catalogue)
	x.arm()
	x.mu.Unlock()
	if again {
		slog.Info("the access index follows the store again")
	}
	x.notify()
}

// Apply implements store.Copy.
func (i *indexed) Apply(b store.Batch) {
	i.x.mu.Lock()
	changed := i.x.state.apply(b)
	if i.x.state.stale {
		i.x.state.compile(i.x.catalogue)
	}
	if changed {
		i.x.arm()
	}
	i.x.mu.Unlock()
	if changed {
		i.x.notify()
	}
}

// Lose implements store.Copy.
func (i *indexed) Lose(why error) {
	if errors.Is(why, store.ErrUnfollowed) {
		why = ErrClosed
	} else {
		slog.Error("the access index lost the store: everything is denied until it is back", "error", why)
		why = fmt.Errorf("%w: %w", ErrLost, why)
	}
	i.x.mu.Lock()
	i.x.lost = why
	i.x.arm()
	i.x.mu.Unlock()
}

// Healthy is nil while the index follows the store; ErrLost or ErrClosed
// otherwise, when everything is denied.
func (x *Index) Healthy() error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lost
}

// Revision is that of the store up to which the index knows everything.
func (x *Index) Revision() store.Revision {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.state.revision
}

// WaitFor returns once the index knows the store's revision, so that the
// author of a write is judged by it. It waits out a lost store as long as ctx
// lasts; ErrClosed when the index is closed.
func (x *Index) WaitFor(ctx context.Context, rev store.Revision) error {
	err := x.follower.WaitFor(ctx, rev)
	if errors.Is(err, store.ErrUnfollowed) {
		return ErrClosed
	}
	if err != nil {
		return fmt.Errorf("the access index: %w", err)
	}
	return nil
}

// Changed tells of changes that may decide differently, until ctx ends. Several
// changes may come as one; the channel is never closed.
func (x *Index) Changed(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	x.listening.Lock()
	x.listeners[ch] = struct{}{}
	x.listening.Unlock()
	context.AfterFunc(ctx, func() {
		x.listening.Lock()
		delete(x.listeners, ch)
		x.listening.Unlock()
	})
	return ch
}

func (x *Index) notify() {
	x.listening.Lock()
	defer x.listening.Unlock()
	for ch := range x.listeners {
		select {
		case ch <- struct{}{}:
		default: // one is waiting for them already
		}
	}
}
