// Watches.

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

func testWatch(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	put(t, s, "a/before", "x")
	all, err := s.Watch(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	some, err := s.Watch(ctx, "a/", 0)
	if err != nil {
		t.Fatal(err)
	}
	r1 := put(t, s, "a/1", "one")
	r2 := put(t, s, "b/1", "other")
	r3, err := s.Commit(ctx, nil, store.Put("b/2", nil), store.Delete("a/before"), store.Put("a/2", []byte("two")))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		fmt.Sprintf("%d: a/1=one(%d)", r1, r1), fmt.Sprintf("%d: b/1=other(%d)", r2, r2),
		fmt.Sprintf("%d: b/2=(%d) -a/before a/2=two(%d)", r3, r3, r3),
	} {
		if got := show(<-all); got != want {
			t.Errorf("batch %d: %s, want %s", i, got, want)
		}
	}
	for i, want := range []string{fmt.Sprintf("%d: a/1=one(%d)", r1, r1), fmt.Sprintf("%d: -a/before a/2=two(%d)", r3, r3)} {
		if got := show(<-some); got != want {
			t.Errorf("batch %d under a/: %s, want %s", i, got, want)
		}
	}
}

// show writes a batch so that it can be compared.
func show(b store.Batch) string {
	if b.Err != nil {
		return "error: " + b.Err.Error()
	}
	var parts []string
	for _, e := range b.Events {
		switch {
		case e.Modified != b.Revision:
			parts = append(parts, fmt.Sprintf("%s at %d!", e.Key, e.Modified))
		case e.Removed && (e.Value != nil || e.Created != 0):
			parts = append(parts, "-"+e.Key+" with a value!")
		case e.Removed:
			parts = append(parts, "-"+e.Key)
		default:
			parts = append(parts, fmt.Sprintf("%s=%s(%d)", e.Key, e.Value, e.Created))
		}
	}
	return fmt.Sprintf("%d: %s", b.Revision, strings.Join(parts, " "))
}

func testWatchFromPast(t *testing.T, open Open) {
	place, ctx := t.TempDir(), t.Context()
	s := open(t, place, store.Options{})
	start, _ := s.Revision(ctx)
	created := put(t, s, "k", "0")
	for i := 1; i < 20; i++ {
		put(t, s, "k", fmt.Sprint(i))
		put(t, s, "other", fmt.Sprint(i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, place, store.Options{}) // history is kept over a reopening
	defer s.Close()
	watch, err := s.Watch(ctx, "k", start)
	if err != nil {
		t.Fatal(err)
	}
	newest, _ := s.Revision(ctx)
	for after := start; after < newest; after++ {
		ctx, cancel := context.WithCancel(ctx)
		next, err := s.Watch(ctx, "", after)
		if err != nil {
			t.Fatal(err)
		}
		if b := <-next; b.Revision != after+1 {
			t.Fatalf("a watch after revision %d of %d began with %s", after, newest, show(b))
		}
		cancel()
	}
	future, err := s.Watch(ctx, "k", start+40)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "k", "20")
	last := put(t, s, "k", "21")
	for i := range 22 {
		b := <-watch
		if want := fmt.Sprintf("%d: k=%d(%d)", b.Revision, i, created); show(b) != want {
			t.Fatalf("%s, want %s", show(b), want)
		}
	}
	if b := <-future; b.Revision != last {
		t.Fatalf("a watch after revision %d began with %d", start+40, b.Revision)
	}
}

func testListThenWatch(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	const writers, each = 4, 60
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				if _, err := s.Commit(ctx, nil, store.Put(fmt.Sprintf("k/%d/%d", w, i), nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	// Followers begin anywhere in between; each sees every record once.
	for range 10 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			page, err := s.List(ctx, "k/", store.ListOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			watch, err := s.Watch(ctx, "k/", page.Revision)
			if err != nil {
				t.Error(err)
				return
			}
			seen := map[string]bool{}
			for _, r := range page.Records {
				seen[r.Key] = true
			}
			last := page.Revision
			for len(seen) < writers*each {
				b := <-watch
				if b.Err != nil || b.Revision <= last {
					t.Errorf("after revision %d came %s", last, show(b))
					return
				}
				last = b.Revision
				for _, e := range b.Events {
					if seen[e.Key] {
						t.Errorf("%s came twice", e.Key)
						return
					}
					seen[e.Key] = true
				}
			}
		})
	}
	all.Wait()
}

func testCompacted(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{History: 10}), t.Context()
	start, _ := s.Revision(ctx)
	var last store.Revision
	for i := range 50 {
		last = put(t, s, "k", fmt.Sprint(i))
	}
	_, err := s.Watch(ctx, "", start)
	want(t, err, store.ErrCompacted)
	watch, err := s.Watch(ctx, "", last-5)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if b := <-watch; b.Revision != last-4+store.Revision(i) {
			t.Fatalf("batch %d is %s", i, show(b))
		}
	}
}

func testSlowWatcher(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	slow, err := s.Watch(ctx, "", 0) // nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	value := make([]byte, 256<<10)
	for w := range 8 { // 64 MiB: no driver keeps as much for a watcher
		all.Go(func() {
			for range 32 {
				if _, err := s.Commit(ctx, nil, store.Put(fmt.Sprint("k", w), value)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	last, batches := store.Revision(0), 0
	for b := range slow {
		if b.Err != nil {
			want(t, b.Err, store.ErrSlow)
			last = 0
			continue
		}
		batches++
		last = b.Revision
	}
	if last != 0 || batches >= 8*32 {
		t.Fatalf("the slow watcher got %d of %d batches and no error", batches, 8*32)
	}
	// A new one goes on.
	again, err := s.Watch(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	rev := put(t, s, "k", "x")
	if b := <-again; b.Revision != rev {
		t.Fatalf("got %s, want revision %d", show(b), rev)
	}
}

func testWatchContext(t *testing.T, open Open) {
	s := fresh(t, open, store.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	watch, err := s.Watch(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for b := range watch {
		if b.Err != nil && !errors.Is(b.Err, context.Canceled) {
			t.Fatalf("the watch ended with %v", b.Err)
		}
	}
	put(t, s, "k", "x")
}
