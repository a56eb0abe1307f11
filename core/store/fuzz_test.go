// Keys, values and kept history from anywhere.

package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
)

func FuzzRecords(f *testing.F) {
	f.Add("users/jane", []byte("{}"), "users/")
	f.Add("", []byte(nil), "")
	f.Add("a\x00b", []byte{0}, "a\xff")
	f.Add("bindings/project/x/y", bytes.Repeat([]byte{0xff}, 300), "bindings/project")
	s, err := OpenBolt(filepath.Join(f.TempDir(), "atoll.db"), Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	f.Fuzz(func(t *testing.T, key string, value []byte, prefix string) {
		ctx := t.Context()
		rev, err := s.Commit(ctx, nil, Put(key, value))
		valid := checkKey(key) == nil
		if !valid {
			if !errors.Is(err, ErrInvalidKey) {
				t.Fatalf("the bad key %q: %v", key, err)
			}
			return
		}
		if len(key)+len(value) > MaxTxBytes {
			if !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%d bytes: %v", len(key)+len(value), err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Get(ctx, key)
		if err != nil || r.Key != key || !bytes.Equal(r.Value, value) || r.Modified != rev {
			t.Fatalf("put %q at %d, got %+v, %v", value, rev, r, err)
		}
		// A list under any prefix has the record if and only if it fits.
		page, err := s.List(ctx, prefix, ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		fits := hasPrefix([]byte(key), prefix)
		if listed := len(page.Records) == 1; listed != fits {
			t.Fatalf("%d records under %q, the only one is %q", len(page.Records), prefix, key)
		}
		if page, err = s.List(ctx, prefix, ListOptions{After: key}); err != nil || len(page.Records) != 0 {
			t.Fatalf("behind the only record: %+v, %v", page, err)
		}
		batches, _, err := s.(*boltStore).past(ctx, rev-1, rev)
		if err != nil || len(batches) != 1 || batches[0].Events[0].Key != key || !bytes.Equal(batches[0].Events[0].Value, value) {
			t.Fatalf("history has %+v, %v", batches, err)
		}
		if _, err := s.Commit(ctx, []Guard{At(key, rev)}, Delete(key)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(ctx, key); !errors.Is(err, ErrNotFound) {
			t.Fatalf("after the deletion: %v", err)
		}
	})
}

func FuzzDecodeEvents(f *testing.F) {
	f.Add(encodeEvents([]Event{{Record: Record{Key: "a", Value: []byte("x"), Created: 3}}, {Record: Record{Key: "b"}, Removed: true}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := decodeEvents(b, 9)
		if err != nil {
			return
		}
		again, err := decodeEvents(encodeEvents(events), 9)
		if err != nil || len(again) != len(events) {
			t.Fatalf("%d events became %d, %v", len(events), len(again), err)
		}
		for i, e := range events {
			if a := again[i]; a.Key != e.Key || !bytes.Equal(a.Value, e.Value) || a.Created != e.Created || a.Removed != e.Removed {
				t.Fatalf("%+v became %+v", e, a)
			}
		}
	})
}
