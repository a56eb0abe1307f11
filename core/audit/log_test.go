// The log: everything that was taken is there after Close, whole, in order,
// bounded, and without secrets.

package audit_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/atoll-platform/atoll/core/audit"
)

func open(t testing.TB, dir string, o audit.Options) *audit.Log {
	t.Helper()
	l, err := audit.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// read reads all segments; lines that are no events come as text.
func read(t testing.TB, dir string) (events []audit.Event, others []string, size int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "audit-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names { // sorted
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		size += int64(len(b))
		for scanner := bufio.NewScanner(bytes.NewReader(b)); scanner.Scan(); {
			var e audit.Event
			if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
				others = append(others, scanner.Text())
				continue
			}
			events = append(events, e)
		}
	}
	return events, others, size
}

func TestEventsAreKeptInOrder(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	full := audit.Event{
		Time: time.Date(2030, 1, 2, 3, 4, 5, 6, time.FixedZone("x", 3600)), RequestID: "r", User: "jane", UserUID: "u", Via: "token", Credential: "c", Remote: "192.0.2.1",
		Extension: "logging", Version: "1.2.3", Verb: "members.set", Target: "/api/v1/x", Cluster: "one", Workspace: "w", Project: "p",
		Result: audit.Done, Status: 200, Reason: "",
	}
	l.Record(t.Context(), full)
	for i := range 500 {
		l.Record(t.Context(), audit.Event{Verb: "n", Status: i, Result: audit.Denied})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	events, others, _ := read(t, dir)
	if len(events) != 501 || len(others) != 0 || l.Lost() != 0 {
		t.Fatalf("%d events, %d other lines, %d lost", len(events), len(others), l.Lost())
	}
	full.Time = full.Time.UTC()
	if !reflect.DeepEqual(events[0], full) {
		t.Fatalf("got %+v, want %+v", events[0], full)
	}
	for i, e := range events[1:] {
		if e.Status != i || e.Time.IsZero() || e.Time.Location() != time.UTC {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
}

func TestLogGoesOnAfterAReopeningAndACrash(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		l := open(t, dir, audit.Options{})
		l.Record(t.Context(), audit.Event{Verb: "life", Status: i})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		if len(names) != 1 {
			t.Fatalf("%d segments", len(names))
		}
		f, err := os.OpenFile(names[0], os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(`{"action":"cut sho`) // as a crash leaves it
		f.Close()
	}
	events, others, _ := read(t, dir)
	if len(events) != 3 || len(others) != 3 {
		t.Fatalf("%d events, %q", len(events), others)
	}
}

func TestLogIsBoundedAndKeepsTheNewest(t *testing.T) {
	dir := t.TempDir()
	o := audit.Options{SegmentBytes: 4 << 10, TotalBytes: 32 << 10}
	l := open(t, dir, o)
	const total = 3000
	for i := range total {
		if i == total/2 {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = open(t, dir, o)
		}
		l.Record(t.Context(), audit.Event{Verb: "n", Status: i, Target: strings.Repeat("x", i%100)})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	events, others, size := read(t, dir)
	if size > o.TotalBytes || len(others) != 0 || len(events) < 100 {
		t.Fatalf("%d bytes, %d events, %d other lines", size, len(events), len(others))
	}
	for i, e := range events { // without a gap to the last
		if want := total - len(events) + i; e.Status != want {
			t.Fatalf("event %d is number %d, want %d", i, e.Status, want)
		}
	}
}

func TestWritersDoNotMix(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{SegmentBytes: 64 << 10})
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 1000 { // more than the queue holds
				l.Record(t.Context(), audit.Event{Verb: fmt.Sprint(w), Status: i})
			}
		})
	}
	all.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	events, others, _ := read(t, dir)
	next := map[string]int{}
	for _, e := range events {
		if e.Status != next[e.Verb] {
			t.Fatalf("writer %s: %d follows %d", e.Verb, e.Status, next[e.Verb])
		}
		next[e.Verb]++
	}
	if len(events) != 8000 || len(others) != 0 || l.Lost() != 0 {
		t.Fatalf("%d events, %d other lines, %d lost", len(events), len(others), l.Lost())
	}
}

func TestEventsAreBoundedAndHoldNoQuery(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	l.Record(t.Context(), audit.Event{Verb: "get", Target: "/x?token=atoll_secret", User: strings.Repeat("ä", 5000), Reason: "line\nbreak\x00\xff"})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	events, others, size := read(t, dir)
	if len(events) != 1 || len(others) != 0 || events[0].Target != "/x" || size > 4096 || !utf8.ValidString(events[0].User) {
		t.Fatalf("%d bytes: %+v, %q", size, events, others)
	}
}

func TestLogIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir, audit.Options{})
	l.Record(t.Context(), audit.Event{Verb: "x"})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range append(names, dir) {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestLostEventsAreCounted(t *testing.T) {
	var said bytes.Buffer
	l := open(t, t.TempDir(), audit.Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Record(context.Background(), audit.Event{Verb: "x"})
	l.Record(context.Background(), audit.Event{Verb: "x"})
	if l.Lost() != 2 || strings.Count(said.String(), "lost") == 0 {
		t.Fatalf("%d lost, said %q", l.Lost(), said.String())
	}
	if err := l.Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"audit-1.jsonl", "audit-000000000007.jsonl.bak", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := open(t, dir, audit.Options{SegmentBytes: 200, TotalBytes: 400})
	for range 100 {
		l.Record(t.Context(), audit.Event{Verb: "x"})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audit-1.jsonl", "audit-000000000007.jsonl.bak", "notes.txt"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != "mine" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	l := open(b, b.TempDir(), audit.Options{})
	b.ReportAllocs()
	for b.Loop() {
		l.Record(b.Context(), audit.Event{User: "jane", Verb: "delete", Target: "/clusters/one/api/v1/namespaces/shop/pods/x", Result: audit.Done, Status: 200})
	}
}
