// Preconditions: of many who changed what they had read, one wins.

package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

func conditional(t *testing.T) store.Store {
	s := store.Conditional(openBolt(t, t.TempDir(), store.Options{}))
	t.Cleanup(func() { s.Close() })
	return s
}

func commit(t *testing.T, s store.Store, ops ...store.Op) store.Revision {
	t.Helper()
	rev, err := s.Commit(t.Context(), nil, ops...)
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func version(t *testing.T, s store.Store, of store.Records) store.Version {
	t.Helper()
	v, _, _, err := of.Version(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// onlyAt is a context for changes of records that are in a state.
func onlyAt(t *testing.T, of store.Records, v store.Version) context.Context {
	return store.WithPrecondition(t.Context(), of, func(now store.Version) bool { return now == v })
}

func TestOfManyWritersWithOnePreconditionOneWins(t *testing.T) {
	s := conditional(t)
	commit(t, s, store.Put("a/there", nil), store.Put("set/x", nil), store.Put("set/y", nil))
	for what, c := range map[string]struct {
		of    store.Records
		write func(i int) []store.Op
	}{
		"a record that is there":     {store.Records{Keys: []string{"a/there"}}, func(i int) []store.Op { return []store.Op{store.Put("a/there", fmt.Append(nil, i))} }},
		"a record that is not there": {store.Records{Keys: []string{"a/new"}}, func(i int) []store.Op { return []store.Op{store.Put("a/new", fmt.Append(nil, i))} }},
		"one of two":                 {store.Records{Keys: []string{"b/one", "b/two"}}, func(i int) []store.Op { return []store.Op{store.Put([]string{"b/one", "b/two"}[i%2], nil)} }},
		"records under a prefix":     {store.Records{Prefix: "set/"}, func(i int) []store.Op { return []store.Op{store.Put("set/x", nil), store.Delete("set/y")} }},
		"a removal":                  {store.Records{Keys: []string{"a/there"}}, func(int) []store.Op { return []store.Op{store.Delete("a/there")} }},
	} {
		seen := version(t, s, c.of)
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				switch _, err := s.Commit(onlyAt(t, c.of, seen), nil, c.write(i)...); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrPrecondition):
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%s: %d of 16 writers won", what, won.Load())
		}
	}
}

// A precondition that many states satisfy does not fail since one follows the
// other.
func TestPreconditionHoldsInEveryStateThatItIsFor(t *testing.T) {
	s := conditional(t)
	commit(t, s, store.Put("a", nil))
	of := store.Records{Keys: []string{"a"}}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			ctx := store.WithPrecondition(t.Context(), of, func(v store.Version) bool { return v != "" })
			if _, err := s.Commit(ctx, nil, store.Put("a", fmt.Append(nil, i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestPreconditionCountsUntilItsRecordsAreChanged(t *testing.T) {
	s := conditional(t)
	of := store.Records{Keys: []string{"a"}}
	commit(t, s, store.Put("a", nil))
	ctx := onlyAt(t, of, version(t, s, of))
	for _, key := range []string{"before", "a", "a", "after"} {
		if _, err := s.Commit(ctx, nil, store.Put(key, nil)); err != nil {
			t.Fatalf("changing %s: %v", key, err)
		}
	}
	ctx = onlyAt(t, of, "1")
	if _, err := s.Commit(ctx, nil, store.Put("other", nil)); !errors.Is(err, store.ErrPrecondition) {
		t.Errorf("what belongs to a refused change: %v", err)
	}
	if _, err := s.Get(t.Context(), "other"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it was made: %v", err)
	}
}

// Whoever's own guard fails is told so, and not that the precondition does not
// hold.
func TestConflictOfTheWriterIsNotThePreconditions(t *testing.T) {
	s := conditional(t)
	of := store.Records{Keys: []string{"a"}}
	commit(t, s, store.Put("a", nil), store.Put("b", nil))
	if _, err := s.Commit(onlyAt(t, of, version(t, s, of)), []store.Guard{store.Absent("b")}, store.Put("a", nil)); !errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrPrecondition) {
		t.Error(err)
	}
}

func TestVersionsTellEveryState(t *testing.T) {
	s := conditional(t)
	of := store.Records{Keys: []string{"k"}, Prefix: "p/"}
	seen := map[store.Version]int{}
	for i, ops := range [][]store.Op{
		{store.Put("other", nil)},
		{store.Put("p/a", nil), store.Put("p/b", nil)},
		{store.Delete("p/b")},
		{store.Put("p/b", nil)},
		{store.Delete("p/a")},
		{store.Put("k", nil)},
		{store.Put("k", nil)},
		{store.Delete("p/b")},
	} {
		commit(t, s, ops...)
		v := version(t, s, of)
		if before, ok := seen[v]; ok {
			t.Errorf("after change %d the version is %q, as after %d", i, v, before)
		}
		seen[v] = i
	}
	for i := range 65 {
		commit(t, s, store.Put(fmt.Sprintf("p/%d", i), nil))
	}
	if _, _, _, err := of.Version(t.Context(), s); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("of 65 records: %v", err)
	}
}
