// Copies: whole when they are shown, kept while the store is there, lost and
// made anew when it was not.

package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

// mirror is the plainest copy: keys and values.
type mirror struct {
	t     *testing.T
	mu    sync.Mutex
	fresh map[string]string
	shown map[string]string
	lost  error
}

func (m *mirror) take(into map[string]string, b store.Batch) {
	for _, e := range b.Events {
		if e.Removed {
			delete(into, e.Key)
		} else {
			into[e.Key] = string(e.Value)
		}
	}
}

func (m *mirror) Begin() func(store.Batch) {
	fresh := map[string]string{}
	m.fresh = fresh
	return func(b store.Batch) { m.take(fresh, b) }
}

func (m *mirror) Show() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown, m.lost = m.fresh, nil
	for i := range moving {
		_, here := m.shown[place(i, 0)]
		_, there := m.shown[place(i, i+1)]
		if here == there {
			m.t.Errorf("the record %d is in both places or in none", i)
		}
	}
}

func (m *mirror) Apply(b store.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.take(m.shown, b)
}

func (m *mirror) Lose(why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = why
}

func (m *mirror) state() (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.shown), m.lost
}

// moving records are each in one of two places at any revision.
const moving = 4

// place is where a record is after so many changes.
func place(i, changes int) string {
	return fmt.Sprintf("%c/moving%d", "ab"[changes/(i+1)%2], i)
}

// busy is a store in which something changes between any two pages that are
// read, and whose watches can be cut.
type busy struct {
	store.Store
	t     *testing.T
	count int
	cut   context.CancelFunc
}

func (b *busy) List(ctx context.Context, prefix string, o store.ListOptions) (store.Page, error) {
	b.count++
	o.Limit = 3
	page, err := b.Store.List(ctx, prefix, o)
	ops := []store.Op{store.Delete(fmt.Sprint("b/", b.count))}
	for i := range moving {
		if from, to := place(i, b.count-1), place(i, b.count); from != to {
			ops = append(ops, store.Delete(from), store.Put(to, nil))
		}
	}
	if _, failed := b.Store.Commit(ctx, nil, ops...); failed != nil {
		b.t.Error(failed)
	}
	return page, err
}

func (b *busy) Watch(ctx context.Context, prefix string, after store.Revision) (<-chan store.Batch, error) {
	ctx, b.cut = context.WithCancel(ctx)
	return b.Store.Watch(ctx, prefix, after)
}

func TestCopyIsThatOfOneRevision(t *testing.T) {
	s, err := store.OpenBolt(filepath.Join(t.TempDir(), "x.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 20 {
		if _, err := s.Commit(t.Context(), nil, store.Put(fmt.Sprint("a/", i), nil), store.Put(fmt.Sprint("b/", i), nil)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range moving {
		if _, err := s.Commit(t.Context(), nil, store.Put(place(i, 0), nil)); err != nil {
			t.Fatal(err)
		}
	}
	flaky, m := &busy{Store: s, t: t}, &mirror{t: t}
	f, err := store.Follow(t.Context(), flaky, m, "b/", "a/")
	if err != nil {
		t.Fatal(err)
	}
	same := func() {
		t.Helper()
		at, err := s.Revision(t.Context())
		if err == nil {
			err = f.WaitFor(t.Context(), at)
		}
		if err != nil || f.Revision() < at {
			t.Fatal(f.Revision(), at, err)
		}
		want := map[string]string{}
		page, err := s.List(t.Context(), "", store.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			want[r.Key] = string(r.Value)
		}
		if got, lost := m.state(); lost != nil || !maps.Equal(got, want) {
			t.Fatalf("%v\nthe copy holds %v\nthe store %v", lost, got, want)
		}
	}
	same()
	if _, err := s.Commit(t.Context(), nil, store.Delete("b/7"), store.Put("a/new", []byte("x"))); err != nil {
		t.Fatal(err)
	}
	same()
	flaky.cut()
	at, err := s.Commit(t.Context(), nil, store.Delete("b/8"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WaitFor(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	same()
	f.Close()
	if _, lost := m.state(); !errors.Is(lost, store.ErrUnfollowed) {
		t.Fatal(lost)
	}
	if err := f.WaitFor(t.Context(), at+100); !errors.Is(err, store.ErrUnfollowed) {
		t.Fatal(err)
	}
}
