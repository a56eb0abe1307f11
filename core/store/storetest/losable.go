// A store that is there and then is not, for those who must notice.

package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/atoll-platform/atoll/core/store"
)

var errLost = errors.New("the network is down")

// Losable is a store that can be lost for a while: its watches end, and its
// lists fail.
type Losable struct {
	store.Store

	mu   sync.Mutex
	lost bool
	cuts []context.CancelFunc
}

func (s *Losable) List(ctx context.Context, prefix string, o store.ListOptions) (store.Page, error) {
	s.mu.Lock()
	lost := s.lost
	s.mu.Unlock()
	if lost {
		return store.Page{}, errLost
	}
	return s.Store.List(ctx, prefix, o)
}

func (s *Losable) Watch(ctx context.Context, prefix string, after store.Revision) (<-chan store.Batch, error) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.cuts = append(s.cuts, cancel)
	s.mu.Unlock()
	return s.Store.Watch(ctx, prefix, after)
}

// Lose loses the store, until Restore.
func (s *Losable) Lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = true
	for _, cancel := range s.cuts {
		cancel()
	}
	s.cuts = nil
}

// Restore gives the store back. What watched it has to watch it anew.
func (s *Losable) Restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = false
}
