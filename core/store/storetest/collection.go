// Collections and dumps, over the driver.

package storetest

import (
	"bytes"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

type fruit struct {
	Color string `json:"color"`
}

func testCollection(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	c := store.NewCollection[fruit](s, "fruits/")
	watch, err := c.Watch(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := c.Create(ctx, "apple", fruit{"green"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Create(ctx, "apple", fruit{"blue"})
	want(t, err, store.ErrConflict)
	rev2, err := c.Update(ctx, "apple", fruit{"red"}, rev)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Update(ctx, "apple", fruit{"blue"}, rev)
	want(t, err, store.ErrConflict)
	it, err := c.Get(ctx, "apple")
	if err != nil || it.Name != "apple" || it.Value.Color != "red" || it.Created != rev || it.Modified != rev2 {
		t.Fatalf("got %+v, %v", it, err)
	}
	_, err = c.Get(ctx, "pear")
	want(t, err, store.ErrNotFound)
	_, err = c.Delete(ctx, "apple", rev)
	want(t, err, store.ErrConflict)
	if _, err := c.Create(ctx, "cherry", fruit{"red"}); err != nil {
		t.Fatal(err)
	}
	page, err := c.List(ctx, store.ListOptions{After: "apple"})
	if err != nil || len(page.Items) != 1 || page.Items[0].Name != "cherry" {
		t.Fatalf("got %+v, %v", page, err)
	}
	if _, err := c.Delete(ctx, "apple", rev2); err != nil {
		t.Fatal(err)
	}
	for i, want := range []store.Item[fruit]{
		{Name: "apple", Value: fruit{"green"}}, {Name: "apple", Value: fruit{"red"}}, {Name: "cherry", Value: fruit{"red"}}, {Name: "apple", Removed: true},
	} {
		b := <-watch
		if b.Err != nil || len(b.Items) != 1 || b.Items[0].Name != want.Name || b.Items[0].Value != want.Value || b.Items[0].Removed != want.Removed {
			t.Fatalf("batch %d is %+v, want %+v", i, b, want)
		}
	}
	put(t, s, "fruits/damaged", "{")
	if b := <-watch; b.Err == nil {
		t.Fatalf("a damaged record came as %+v", b)
	}
	if _, err := c.All(ctx); err == nil {
		t.Fatal("a damaged record was read")
	}
}

func testDump(t *testing.T, open Open) {
	one, other := fresh(t, open, store.Options{}), fresh(t, open, store.Options{})
	for _, k := range []string{"a", "b", "c"} {
		put(t, one, k, "value of "+k)
	}
	for _, k := range []string{"x", "c", "a", "b"} {
		put(t, other, k, "value of "+k)
	}
	dump := func(s store.Store) string {
		var b bytes.Buffer
		if err := store.Dump(t.Context(), s, &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if dump(one) == dump(other) {
		t.Fatal("stores that hold different records dump the same")
	}
	if _, err := other.Commit(t.Context(), nil, store.Delete("x")); err != nil {
		t.Fatal(err)
	}
	if dump(one) != dump(other) {
		t.Fatalf("stores that hold the same dump\n%s\nand\n%s", dump(one), dump(other))
	}
}
