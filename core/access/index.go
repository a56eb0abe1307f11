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

// retry is how long the index waits before it asks a lost store again.
const retry = 200 * time.Millisecond

// Index holds everything that a decision needs, in memory. Safe for concurrent
// use; decisions never wait for the store.
type Index struct {
	store   store.Store
	stop    context.CancelFunc
	unwatch context.CancelFunc // of the watch that load began; for load alone
	done    chan struct{}

	mu    sync.RWMutex
	state *state
	roles map[string]*role
	items map[string][]Item // by extension
	known []Permission      // sorted
	lost  error             // not nil: decisions deny
	moved chan struct{}     // closed and replaced as the state moves on

	listening sync.Mutex
	listeners map[chan struct{}]struct{}
}

// NewIndex reads the store and follows it until ctx ends or Close.
func NewIndex(ctx context.Context, s store.Store) (*Index, error) {
	ctx, stop := context.WithCancel(ctx)
	x := &Index{
		store: s, stop: stop, unwatch: func() {}, done: make(chan struct{}),
		roles: newRoles(), items: map[string][]Item{}, known: knownPermissions(nil),
		lost: ErrLost, moved: make(chan struct{}), listeners: map[chan struct{}]struct{}{},
	}
	changes, err := x.load(ctx)
	if err != nil {
		stop()
		return nil, fmt.Errorf("filling the access index: %w", err)
	}
	go x.run(ctx, changes)
	return x, nil
}

// Close stops following the store; afterwards everything is denied.
func (x *Index) Close() {
	x.stop()
	<-x.done
}

// run applies what the store tells, and begins anew when it has lost it.
func (x *Index) run(ctx context.Context, changes <-chan store.Batch) {
	defer close(x.done)
	defer x.lose(ErrClosed)
	for {
		err := x.follow(ctx, changes)
		if ctx.Err() != nil {
			return
		}
		x.lose(fmt.Errorf("%w: %w", ErrLost, err))
		slog.Error("the access index lost the store: everything is denied until it is back", "error", err)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(retry):
			}
			if changes, err = x.load(ctx); err == nil {
				slog.Info("the access index follows the store again")
				break
			}
		}
	}
}

// follow applies batches until the watch ends, and says why it did.
func (x *Index) follow(ctx context.Context, changes <-chan store.Batch) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b, ok := <-changes:
			if !ok {
				return errors.New("its watch ended")
			}
			if b.Err != nil {
				return b.Err
			}
			x.apply(b)
		}
	}
}

// load reads everything anew and returns the watch that goes on from there.
// The state is only shown once it is whole: at one revision of the store.
func (x *Index) load(ctx context.Context) (<-chan store.Batch, error) {
	x.mu.RLock()
	fresh := newState(x.roles)
	x.mu.RUnlock()
	var first, last store.Revision
	for _, prefix := range prefixes {
		o := store.ListOptions{}
		for {
			page, err := x.store.List(ctx, prefix, o)
			if err != nil {
				return nil, err
			}
			if first == 0 {
				first = page.Revision
			}
			last = page.Revision
			for _, r := range page.Records {
				fresh.put(r.Key, r.Value)
			}
			if !page.More {
				break
			}
			o.After = page.Records[len(page.Records)-1].Key
		}
	}
	x.unwatch()
	var watching context.Context
	watching, x.unwatch = context.WithCancel(ctx)
	changes, err := x.store.Watch(watching, "", first)
	if err != nil {
		return nil, err
	}
	// Pages were read at different revisions: what changed between them comes
	// again, and only when all of it came is the state that of a revision.
	for at := first; at < last; {
		b, ok := <-changes
		if !ok || b.Err != nil {
			return nil, errors.Join(b.Err, ctx.Err(), errors.New("the store's watch ended while the index was filled"))
		}
		fresh.apply(b)
		at = b.Revision
	}
	fresh.revision = last
	x.mu.Lock()
	x.state, x.lost = fresh, nil
	x.step()
	x.mu.Unlock()
	x.notify()
	return changes, nil
}

func (x *Index) apply(b store.Batch) {
	x.mu.Lock()
	changed := x.state.apply(b)
	x.step()
	x.mu.Unlock()
	if changed {
		x.notify()
	}
}

func (x *Index) lose(err error) {
	x.mu.Lock()
	x.lost = err
	x.step()
	x.mu.Unlock()
}

// step wakes those who wait for a revision; x.mu is held.
func (x *Index) step() {
	close(x.moved)
	x.moved = make(chan struct{})
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
	for {
		x.mu.RLock()
		lost, at, moved := x.lost, x.state.revision, x.moved
		x.mu.RUnlock()
		switch {
		case errors.Is(lost, ErrClosed):
			return lost
		case lost == nil && at >= rev:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for revision %d in the access index: %w", rev, ctx.Err())
		case <-moved:
		}
	}
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
