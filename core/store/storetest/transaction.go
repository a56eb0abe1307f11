// Transactions: guards, and many writers at once.

package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

func testGuards(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	at := put(t, s, "a", "x")
	before, _ := s.Revision(ctx)
	for name, guards := range map[string][]store.Guard{
		"absent, but there":      {store.Absent("a")},
		"at an older revision":   {store.At("a", at-1)},
		"at a newer revision":    {store.At("a", at+1)},
		"at, but not there":      {store.At("b", at)},
		"one of two":             {store.At("a", at), store.Absent("a")},
		"one of two, other way":  {store.Absent("a"), store.At("a", at)},
		"of a key not written":   {store.At("elsewhere", 1)},
		"far in the future":      {store.At("a", ^store.Revision(0))},
		"absent written as zero": {store.At("a", 0)},
	} {
		_, err := s.Commit(ctx, guards, store.Put("a", []byte("y")), store.Put("c", nil))
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if after, _ := s.Revision(ctx); after != before {
		t.Fatalf("the revision went from %d to %d", before, after)
	}
	_, err := s.Get(ctx, "c")
	want(t, err, store.ErrNotFound)
	next, err := s.Commit(ctx, []store.Guard{store.At("a", at), store.Absent("c")}, store.Put("a", []byte("y")), store.Put("c", nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "c"} {
		if r, err := s.Get(ctx, key); err != nil || r.Modified != next {
			t.Fatalf("%s: %+v, %v, want revision %d", key, r, err, next)
		}
	}
}

func testCreators(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	for round := range 20 {
		key := fmt.Sprint("k", round)
		var won atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				_, err := s.Commit(ctx, []store.Guard{store.Absent(key)}, store.Put(key, nil))
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("losing a race: %v", err)
				}
			})
		}
		all.Wait()
		if n := won.Load(); n != 1 {
			t.Fatalf("%d of 16 made the same record", n)
		}
	}
}

func testNoUpdateIsLost(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	put(t, s, "counter", "0")
	const writers, each = 8, 25
	var revisions sync.Map
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for done := 0; done < each; {
				r, err := s.Get(ctx, "counter")
				if err != nil {
					t.Error(err)
					return
				}
				n, _ := strconv.Atoi(string(r.Value))
				rev, err := s.Commit(ctx, []store.Guard{store.At("counter", r.Modified)}, store.Put("counter", []byte(strconv.Itoa(n+1))))
				if errors.Is(err, store.ErrConflict) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if _, twice := revisions.LoadOrStore(rev, true); twice {
					t.Errorf("revision %d was given twice", rev)
				}
				done++
			}
		})
	}
	all.Wait()
	if r, _ := s.Get(ctx, "counter"); string(r.Value) != strconv.Itoa(writers*each) {
		t.Fatalf("%d increments made %s", writers*each, r.Value)
	}
}

func testPageIsOfOneRevision(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	const places = 10
	var ops []store.Op
	for i := range places {
		ops = append(ops, store.Put(fmt.Sprintf("p/%d", i), []byte("100")))
	}
	if _, err := s.Commit(ctx, nil, ops...); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			// One unit goes from one place to another, within one transaction.
			from, to := fmt.Sprintf("p/%d", n%places), fmt.Sprintf("p/%d", (n*7+1)%places)
			if from == to {
				continue
			}
			a, _ := s.Get(ctx, from)
			b, _ := s.Get(ctx, to)
			x, _ := strconv.Atoi(string(a.Value))
			y, _ := strconv.Atoi(string(b.Value))
			if _, err := s.Commit(ctx, nil, store.Put(from, []byte(strconv.Itoa(x-1))), store.Put(to, []byte(strconv.Itoa(y+1)))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	last := store.Revision(0)
	for range 200 {
		page, err := s.List(ctx, "p/", store.ListOptions{})
		if err != nil {
			t.Error(err)
			break
		}
		sum := 0
		for _, r := range page.Records {
			n, _ := strconv.Atoi(string(r.Value))
			sum += n
			if r.Modified > page.Revision {
				t.Errorf("the page of revision %d has a record of %d", page.Revision, r.Modified)
			}
		}
		if sum != 100*places || page.Revision < last {
			t.Errorf("revision %d after %d: the sum is %d", page.Revision, last, sum)
			break
		}
		last = page.Revision
	}
	close(stop)
	all.Wait()
}
