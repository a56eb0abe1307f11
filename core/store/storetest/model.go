// A model: whatever is done to the store is done to a map too, and both must
// always agree, as must whoever followed the store by its watch.

package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

func testModel(t *testing.T, open Open) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	place, ctx := t.TempDir(), t.Context()
	s := open(t, place, store.Options{})
	start, _ := s.Revision(ctx)
	model := map[string]store.Record{}
	key := func() string { return fmt.Sprintf("%c/%d", 'a'+rune(random.IntN(3)), random.IntN(8)) }
	for step := range 400 {
		if random.IntN(100) == 0 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, place, store.Options{})
		}
		var guards []store.Guard
		holds := true
		for range random.IntN(3) {
			k := key()
			at := model[k].Modified
			if random.IntN(5) == 0 {
				at += store.Revision(random.IntN(2))
			}
			holds = holds && at == model[k].Modified
			if at == 0 {
				guards = append(guards, store.Absent(k))
			} else {
				guards = append(guards, store.At(k, at))
			}
		}
		before, _ := s.Revision(ctx)
		next := map[string]store.Record{}
		var ops []store.Op
		changes := false
		for range random.IntN(5) {
			k := key()
			if _, twice := next[k]; twice {
				continue
			}
			if random.IntN(3) == 0 {
				ops = append(ops, store.Delete(k))
				changes = changes || model[k].Modified != 0
				next[k] = store.Record{}
				continue
			}
			r := store.Record{Key: k, Value: []byte(fmt.Sprint(step)), Created: model[k].Created, Modified: before + 1}
			if r.Created == 0 {
				r.Created = before + 1
			}
			ops = append(ops, store.Put(k, r.Value))
			changes = true
			next[k] = r
		}
		rev, err := s.Commit(ctx, guards, ops...)
		switch {
		case !holds:
			if !errors.Is(err, store.ErrConflict) {
				t.Fatalf("step %d: a guard that does not hold: %v", step, err)
			}
			continue
		case err != nil:
			t.Fatalf("step %d: %v", step, err)
		case changes && rev <= before || !changes && rev != before:
			t.Fatalf("step %d: revision %d after %d, changes: %v", step, rev, before, changes)
		}
		for k, r := range next {
			if r.Modified == 0 {
				delete(model, k)
			} else {
				if r.Created == r.Modified {
					r.Created = rev
				}
				r.Modified = rev
				model[k] = r
			}
		}
		compare(t, step, model, list(t, s))
	}
	defer s.Close()
	followed := map[string]store.Record{}
	now, _ := s.Revision(ctx)
	watch, err := s.Watch(ctx, "", start)
	if err != nil {
		t.Fatal(err)
	}
	for at := start; at < now; {
		b := <-watch
		if b.Err != nil {
			t.Fatal(b.Err)
		}
		at = b.Revision
		for _, e := range b.Events {
			if e.Removed {
				delete(followed, e.Key)
			} else {
				followed[e.Key] = e.Record
			}
		}
	}
	compare(t, -1, model, followed)
}

func list(t *testing.T, s store.Store) map[string]store.Record {
	t.Helper()
	page, err := s.List(t.Context(), "", store.ListOptions{})
	if err != nil || page.More {
		t.Fatalf("listing: more %v, %v", page.More, err)
	}
	all := map[string]store.Record{}
	for _, r := range page.Records {
		all[r.Key] = r
	}
	return all
}

func compare(t *testing.T, step int, want, got map[string]store.Record) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("step %d: %d records, want %d", step, len(got), len(want))
	}
	for k, w := range want {
		g := got[k]
		if !bytes.Equal(w.Value, g.Value) || w.Created != g.Created || w.Modified != g.Modified {
			t.Fatalf("step %d: %s is %+v, want %+v", step, k, g, w)
		}
	}
}
