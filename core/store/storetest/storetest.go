// Package storetest is what every driver of the store has to pass. It knows
// nothing of any driver: what a store promises is here, how it keeps that is
// tested beside the driver. For who uses a store it has one that gets lost.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

// Open opens the store that lies at a place, an empty one where there was none.
// Opening the same place again after Close gives the same store.
type Open func(t testing.TB, place string, o store.Options) store.Store

// Run runs the suite against a driver.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"RecordsAreReadAsWritten", testRecords},
		{"NothingIsSharedWithTheCaller", testNothingIsShared},
		{"BadKeysAreRefused", testBadKeys},
		{"LargeTransactionsAreRefused", testLimits},
		{"AFailedGuardChangesNothing", testGuards},
		{"OneOfManyCreatorsWins", testCreators},
		{"NoUpdateIsLost", testNoUpdateIsLost},
		{"APageIsOfOneRevision", testPageIsOfOneRevision},
		{"ListsArePaged", testPages},
		{"LargeRecordsComeInSmallPages", testLargePages},
		{"RevisionsGoOnAfterAReopening", testReopening},
		{"WhatChangesNothingHasNoRevision", testNoChange},
		{"AWatchTellsEverythingInOrder", testWatch},
		{"AWatchGoesOnFromARevision", testWatchFromPast},
		{"AListAndItsWatchMissNothing", testListThenWatch},
		{"AWatchOfForgottenHistoryIsRefused", testCompacted},
		{"ASlowWatcherStopsNoWriter", testSlowWatcher},
		{"AWatchEndsWithItsContext", testWatchContext},
		{"ClosingEndsEverything", testClose},
		{"ACancelledCallDoesNothing", testCancelled},
		{"RandomTransactionsMatchAModel", testModel},
		{"CollectionsKeepTypes", testCollection},
		{"DumpsOfEqualStoresAreEqual", testDump},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

// fresh is an empty store that is closed with the test.
func fresh(t *testing.T, open Open, o store.Options) store.Store {
	t.Helper()
	s := open(t, t.TempDir(), o)
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s store.Store, key, value string) store.Revision {
	t.Helper()
	rev, err := s.Commit(context.Background(), nil, store.Put(key, []byte(value)))
	if err != nil {
		t.Fatalf("putting %s: %v", key, err)
	}
	return rev
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

func testRecords(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	_, err := s.Get(ctx, "a")
	want(t, err, store.ErrNotFound)
	first := put(t, s, "a", "one")
	second := put(t, s, "a", "two")
	empty := put(t, s, "b", "")
	if first >= second || second >= empty {
		t.Fatalf("revisions %d, %d, %d do not grow", first, second, empty)
	}
	r, err := s.Get(ctx, "a")
	if err != nil || string(r.Value) != "two" || r.Key != "a" || r.Created != first || r.Modified != second {
		t.Fatalf("got %+v, %v", r, err)
	}
	if r, err = s.Get(ctx, "b"); err != nil || r.Value == nil || len(r.Value) != 0 {
		t.Fatalf("an empty value came back as %#v, %v", r.Value, err)
	}
	if _, err := s.Commit(ctx, nil, store.Delete("a")); err != nil {
		t.Fatal(err)
	}
	_, err = s.Get(ctx, "a")
	want(t, err, store.ErrNotFound)
	again := put(t, s, "a", "three")
	if r, _ = s.Get(ctx, "a"); r.Created != again {
		t.Fatalf("a record made anew was created at %d, not %d", r.Created, again)
	}
}

func testNothingIsShared(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	value := []byte("mine")
	if _, err := s.Commit(ctx, nil, store.Put("a", value)); err != nil {
		t.Fatal(err)
	}
	copy(value, "XXXX")
	r, err := s.Get(ctx, "a")
	if err != nil || string(r.Value) != "mine" {
		t.Fatalf("got %q, %v", r.Value, err)
	}
	copy(r.Value, "YYYY")
	page, err := s.List(ctx, "a", store.ListOptions{})
	if err != nil || string(page.Records[0].Value) != "mine" {
		t.Fatalf("got %+v, %v", page, err)
	}
	copy(page.Records[0].Value, "ZZZZ")
	if r, _ := s.Get(ctx, "a"); string(r.Value) != "mine" {
		t.Fatalf("got %q", r.Value)
	}
}

func testBadKeys(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	before, _ := s.Revision(ctx)
	for _, key := range []string{"", "with space", "tab\t", "null\x00", "ünicode", "del\x7f", strings.Repeat("k", store.MaxKeyBytes+1)} {
		_, err := s.Commit(ctx, nil, store.Put("good", nil), store.Put(key, nil))
		want(t, err, store.ErrInvalidKey)
		_, err = s.Commit(ctx, []store.Guard{store.Absent(key)}, store.Put("good", nil))
		want(t, err, store.ErrInvalidKey)
		_, err = s.Get(ctx, key)
		want(t, err, store.ErrInvalidKey)
	}
	_, err := s.Commit(ctx, nil, store.Put("twice", nil), store.Delete("twice"))
	want(t, err, store.ErrInvalidKey)
	if after, _ := s.Revision(ctx); after != before {
		t.Fatalf("refused transactions moved the revision from %d to %d", before, after)
	}
	put(t, s, strings.Repeat("k", store.MaxKeyBytes), "longest")
}

func testLimits(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	var ops []store.Op
	var guards []store.Guard
	for i := range store.MaxOps {
		ops = append(ops, store.Put(fmt.Sprintf("k/%03d", i), nil))
		guards = append(guards, store.Absent(fmt.Sprintf("k/%03d", i)))
	}
	_, err := s.Commit(ctx, nil, append(ops[:len(ops):len(ops)], store.Put("one-more", nil))...)
	want(t, err, store.ErrTooLarge)
	_, err = s.Commit(ctx, append(guards[:len(guards):len(guards)], store.Absent("one-more")), ops...)
	want(t, err, store.ErrTooLarge)
	if _, err := s.Commit(ctx, guards, ops...); err != nil {
		t.Fatalf("the largest number of operations: %v", err)
	}
	_, err = s.Commit(ctx, nil, store.Put("a", make([]byte, store.MaxTxBytes)))
	want(t, err, store.ErrTooLarge)
	large := bytes.Repeat([]byte{'x'}, store.MaxTxBytes-1)
	if _, err := s.Commit(ctx, nil, store.Put("a", large)); err != nil {
		t.Fatalf("the largest value: %v", err)
	}
	if r, err := s.Get(ctx, "a"); err != nil || !bytes.Equal(r.Value, large) {
		t.Fatalf("the largest value came back with %d bytes, %v", len(r.Value), err)
	}
}

func testNoChange(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	if rev, err := s.Revision(ctx); err != nil || rev < 1 {
		t.Fatalf("a new store is at revision %d, %v: no watch could begin there", rev, err)
	}
	at := put(t, s, "a", "x")
	for _, ops := range [][]store.Op{nil, {store.Delete("nothing")}} {
		if rev, err := s.Commit(ctx, []store.Guard{store.At("a", at)}, ops...); err != nil || rev != at {
			t.Fatalf("got revision %d, %v, want %d", rev, err, at)
		}
	}
}

func testReopening(t *testing.T, open Open) {
	place, ctx := t.TempDir(), t.Context()
	last := store.Revision(0)
	for i := range 3 {
		s := open(t, place, store.Options{})
		if rev, err := s.Revision(ctx); err != nil || rev < last {
			t.Fatalf("opened at revision %d, %v, was closed at %d", rev, err, last)
		}
		for j := range i {
			if r, err := s.Get(ctx, fmt.Sprint("k", j)); err != nil || string(r.Value) != fmt.Sprint(j) {
				t.Fatalf("record %d after a reopening: %+v, %v", j, r, err)
			}
		}
		rev := put(t, s, fmt.Sprint("k", i), fmt.Sprint(i))
		if rev <= last {
			t.Fatalf("revision %d follows %d", rev, last)
		}
		last = rev
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func testClose(t *testing.T, open Open) {
	s, ctx := fresh(t, open, store.Options{}), t.Context()
	watch, err := s.Watch(ctx, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if b := <-watch; !errors.Is(b.Err, store.ErrClosed) {
		t.Fatalf("the watch ended with %+v", b)
	}
	if _, open := <-watch; open {
		t.Fatal("the watch goes on after its error")
	}
	_, err = s.Commit(ctx, nil, store.Put("a", nil))
	want(t, err, store.ErrClosed)
	_, err = s.Get(ctx, "a")
	want(t, err, store.ErrClosed)
	_, err = s.Watch(ctx, "", 0)
	want(t, err, store.ErrClosed)
	if err := s.Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
}

func testCancelled(t *testing.T, open Open) {
	s := fresh(t, open, store.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Commit(ctx, nil, store.Put("a", nil))
	want(t, err, context.Canceled)
	_, err = s.Get(ctx, "a")
	want(t, err, context.Canceled)
	_, err = s.List(ctx, "", store.ListOptions{})
	want(t, err, context.Canceled)
	_, err = s.Watch(ctx, "", 0)
	want(t, err, context.Canceled)
	_, err = s.Get(t.Context(), "a")
	want(t, err, store.ErrNotFound)
}
