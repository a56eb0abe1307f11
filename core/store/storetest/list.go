// Lists and their pages.

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

func keys(records []store.Record) []string {
	all := []string{}
	for _, r := range records {
		all = append(all, r.Key)
	}
	return all
}

func testPages(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	for _, k := range []string{"b/2", "a/1", "b/10", "b", "b/1", "b0", "c", "b/"} {
		put(t, s, k, k)
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          []string
		more          bool
	}{
		{"", "", 0, []string{"a/1", "b", "b/", "b/1", "b/10", "b/2", "b0", "c"}, false},
		{"b/", "", 0, []string{"b/", "b/1", "b/10", "b/2"}, false},
		{"b/", "", 2, []string{"b/", "b/1"}, true},
		{"b/", "b/1", 2, []string{"b/10", "b/2"}, false},
		{"b/", "b/1", 1, []string{"b/10"}, true},
		{"b/", "b/15", 0, []string{"b/2"}, false}, // a key that is not there
		{"b/", "a", 0, []string{"b/", "b/1", "b/10", "b/2"}, false},
		{"b/", "b0", 0, []string{}, false}, // behind the prefix
		{"b/", "zzz", 0, []string{}, false},
		{"nothing/", "", 0, []string{}, false},
		{"b", "", 1000000, []string{"b", "b/", "b/1", "b/10", "b/2", "b0"}, false},
		{"b", "b", 3, []string{"b/", "b/1", "b/10"}, true},
	} {
		page, err := s.List(ctx, c.prefix, store.ListOptions{After: c.after, Limit: c.limit})
		if err != nil || !slices.Equal(keys(page.Records), c.want) || page.More != c.more {
			t.Errorf("prefix %q after %q limit %d: %v more %v, %v; want %v more %v", c.prefix, c.after, c.limit, keys(page.Records), page.More, err, c.want, c.more)
		}
	}
	for _, r := range func() []store.Record { p, _ := s.List(ctx, "", store.ListOptions{}); return p.Records }() {
		one, err := s.Get(ctx, r.Key)
		if err != nil || string(one.Value) != string(r.Value) || one.Modified != r.Modified || one.Created != r.Created {
			t.Errorf("%s is %+v alone, %+v in a list", r.Key, one, r)
		}
	}
}

func testLargePages(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	const records = 12
	value := make([]byte, store.MaxTxBytes-64)
	for i := range records {
		if _, err := s.Commit(ctx, nil, store.Put(fmt.Sprintf("k/%02d", i), value)); err != nil {
			t.Fatal(err)
		}
	}
	var o store.ListOptions
	got, pages := 0, 0
	for {
		page, err := s.List(ctx, "k/", o)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		got += len(page.Records)
		if len(page.Records)*len(value) > 8<<20 {
			t.Fatalf("a page of %d MiB", len(page.Records)*len(value)>>20)
		}
		if !page.More {
			break
		}
		o.After = page.Records[len(page.Records)-1].Key
	}
	if got != records || pages < 2 {
		t.Fatalf("%d records in %d pages", got, pages)
	}
}
