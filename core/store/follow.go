// Following: a part of the store kept in memory, in a reader's own form, by the
// store's watch.

package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrUnfollowed is why a copy is lost for good: its follower was closed.
var ErrUnfollowed = errors.New("the store is not followed any more")

// refollow is how long a follower waits before it asks a lost store again.
const refollow = 200 * time.Millisecond

// Copy is what a Follower keeps: records in the form in which they are read. Its
// methods are called one after the other; against its readers it guards itself.
type Copy interface {
	// Begin makes an empty state that nobody reads yet, and returns what fills
	// it: with records that are there as with such that are changed.
	Begin() func(Batch)
	// Show lets the state that was begun last be read. It is whole: that of one
	// revision of the store.
	Show()
	// Apply takes over what a transaction changed in the state that is read.
	Apply(Batch)
	// Lose tells that the copy may be old from now on, until Show; why is
	// ErrUnfollowed when that is for ever.
	Lose(why error)
}

// Follower keeps a Copy. Safe for concurrent use.
type Follower struct {
	store    Store
	prefixes []string
	copy     Copy
	stop     context.CancelFunc
	unwatch  context.CancelFunc // of the watch that load began; for load alone
	done     chan struct{}

	mu       sync.Mutex
	revision Revision
	lost     error         // not nil: the copy may be old
	moved    chan struct{} // closed and replaced as the copy moves on
}

// Follow fills a copy with the records below prefixes, in their order, and keeps
// it until ctx ends or Close. The copy is shown when Follow returns.
func Follow(ctx context.Context, s Store, c Copy, prefixes ...string) (*Follower, error) {
	ctx, stop := context.WithCancel(ctx)
	f := &Follower{store: s, prefixes: prefixes, copy: c, stop: stop, unwatch: func() {}, done: make(chan struct{}), moved: make(chan struct{})}
	changes, err := f.load(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	go f.run(ctx, changes)
	return f, nil
}

// Close stops following; the copy is lost when it returns.
func (f *Follower) Close() {
	f.stop()
	<-f.done
}

// run applies what the store tells, and begins anew when it has lost it.
func (f *Follower) run(ctx context.Context, changes <-chan Batch) {
	defer close(f.done)
	defer f.lose(ErrUnfollowed)
	for {
		err := f.follow(ctx, changes)
		if ctx.Err() != nil {
			return
		}
		f.lose(err)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(refollow):
			}
			if changes, err = f.load(ctx); err == nil {
				break
			}
		}
	}
}

// follow applies batches until the watch ends, and says why it did.
func (f *Follower) follow(ctx context.Context, changes <-chan Batch) error {
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
			f.copy.Apply(b)
			f.step(b.Revision, nil)
		}
	}
}

// load reads everything anew and returns the watch that goes on from there. It
// watches the whole store, so that the copy's revision is the store's.
func (f *Follower) load(ctx context.Context) (<-chan Batch, error) {
	fill := f.copy.Begin()
	var first, last Revision
	for _, prefix := range f.prefixes {
		o := ListOptions{}
		for {
			page, err := f.store.List(ctx, prefix, o)
			if err != nil {
				return nil, err
			}
			if first == 0 {
				first = page.Revision
			}
			last = page.Revision
			events := make([]Event, len(page.Records))
			for i, r := range page.Records {
				events[i] = Event{Record: r}
			}
			fill(Batch{Revision: page.Revision, Events: events})
			if !page.More {
				break
			}
			o.After = page.Records[len(page.Records)-1].Key
		}
	}
	f.unwatch()
	var watching context.Context
	watching, f.unwatch = context.WithCancel(ctx)
	changes, err := f.store.Watch(watching, "", first)
	if err != nil {
		return nil, err
	}
	// Pages were read at different revisions: what changed between them comes
	// again, and only when all of it came is the state that of a revision.
	for at := first; at < last; {
		b, ok := <-changes
		if !ok || b.Err != nil {
			return nil, errors.Join(b.Err, ctx.Err(), errors.New("the store's watch ended while its copy was filled"))
		}
		fill(b)
		at = b.Revision
	}
	f.copy.Show()
	f.step(last, nil)
	return changes, nil
}

func (f *Follower) lose(why error) {
	f.copy.Lose(why)
	f.step(0, why)
}

// step notes where the copy is and wakes those who wait for a revision; 0
// leaves it where it was.
func (f *Follower) step(at Revision, lost error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at > 0 {
		f.revision = at
	}
	f.lost = lost
	close(f.moved)
	f.moved = make(chan struct{})
}

// Revision is that of the store up to which the copy knows everything.
func (f *Follower) Revision() Revision {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.revision
}

// WaitFor returns once the copy knows the store's revision, so that the author
// of a write finds it. It waits out a lost store as long as ctx lasts;
// ErrUnfollowed when the follower is closed.
func (f *Follower) WaitFor(ctx context.Context, rev Revision) error {
	for {
		f.mu.Lock()
		lost, at, moved := f.lost, f.revision, f.moved
		f.mu.Unlock()
		switch {
		case errors.Is(lost, ErrUnfollowed):
			return lost
		case lost == nil && at >= rev:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for revision %d: %w", rev, ctx.Err())
		case <-moved:
		}
	}
}
