// Hashes, the bound on hashing, and the memory of back-off.

package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPasswordOfNobodyCostsAsMuchAsAnyOther(t *testing.T) {
	h := newHasher(64, 1)
	hash, err := h.hash(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	m1, p1, t1, s1, k1, err1 := decodeHash(hash)
	m2, p2, t2, s2, k2, err2 := decodeHash(h.dummy)
	if err1 != nil || err2 != nil || m1 != m2 || p1 != p2 || t1 != t2 || len(s1) != len(s2) || len(k1) != len(k2) {
		t.Fatalf("%q and %q are of different costs", hash, h.dummy)
	}
	if ok, err := h.verify(t.Context(), "", ""); ok || err != nil {
		t.Fatalf("nobody's password: %v, %v", ok, err)
	}
	// It waits for a hasher like any other, so it does the work.
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.verify(ctx, "", ""); !errors.Is(err, context.Canceled) {
		t.Fatalf("nobody's password was not hashed: %v", err)
	}
}

func TestHashesAreSaltedAndToldApart(t *testing.T) {
	h := newHasher(64, 2)
	one, _ := h.hash(t.Context(), "password")
	two, _ := h.hash(t.Context(), "password")
	if one == two {
		t.Fatal("two hashes of a password are the same")
	}
	for given, want := range map[string]bool{"password": true, "Password": false, "": false, "password ": false} {
		if ok, err := h.verify(t.Context(), one, given); ok != want || err != nil {
			t.Errorf("%q: %v, %v", given, ok, err)
		}
	}
	if h.outdated(one) || !newHasher(128, 1).outdated(one) {
		t.Error("a hash of other costs is not told apart")
	}
}

func TestDefaultCostsAreThoseRecommended(t *testing.T) {
	h := newHasher(0, 0)
	if !strings.HasPrefix(h.dummy, "$argon2id$v=19$m=19456,t=2,p=1$") || cap(h.slots) < 1 || cap(h.slots) > 4 {
		t.Fatalf("%q, %d at a time", h.dummy, cap(h.slots))
	}
}

func TestFloodOfSignInsIsTurnedAway(t *testing.T) {
	h := newHasher(64, 1)
	h.slots <- struct{}{} // one is at work
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	const flood = hashQueue + 50
	for range flood {
		go func() { _, err := h.hash(ctx, "password"); results <- err }()
	}
	for range flood - hashQueue { // these come back at once, the others wait
		if err := <-results; !errors.Is(err, ErrTooMany) {
			t.Fatal(err)
		}
	}
	cancel()
	for range hashQueue {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	<-h.slots
	if _, err := h.hash(t.Context(), "password"); err != nil {
		t.Fatalf("after the flood: %v", err)
	}
}

func FuzzDecodeHash(f *testing.F) {
	f.Add(newHasher(64, 1).dummy)
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=-1,t=0,p=0$$")
	f.Fuzz(func(t *testing.T, s string) {
		memory, passes, threads, salt, key, err := decodeHash(s)
		if err == nil && (memory > 1<<18 || passes > 16 || passes == 0 || threads > 16 || threads == 0 || len(salt) < 8 || len(key) < 16) {
			t.Fatalf("%q is taken: it costs %d KiB, %d passes, %d threads", s, memory, passes, threads)
		}
	})
}

func TestBackoffIsBoundedAndAFloodDoesNotClearIt(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	b := newBackoff(nameFree, nameLongest, func() time.Time { return now })
	for range 10 {
		b.attempt("victim")
		now = now.Add(time.Minute)
	}
	b.attempt("victim")
	for i := range 3 * backoffMost {
		b.attempt(fmt.Sprint("flood", i))
	}
	if len(b.entries) > backoffMost {
		t.Fatalf("%d entries", len(b.entries))
	}
	if b.attempt("victim") <= 0 {
		t.Fatal("the flood cleared the victim's back-off")
	}
	now = now.Add(backoffQuiet + time.Second)
	if b.attempt("victim") != 0 || b.entries["victim"].count != 1 {
		t.Fatal("back-off is not forgotten")
	}
}

func TestAddressesOfOneClientAreOne(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "192.0.2.1": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64", "[fe80::1%eth0]:80": "fe80::/64",
		"": "?", "a pipe": "?",
	} {
		if got := remoteKey(remote); got != want {
			t.Errorf("%q is %q, want %q", remote, got, want)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.hash(b.Context(), "password"); err != nil {
			b.Fatal(err)
		}
	}
}
