// Searching: everything that fits and nothing else, in pages that join without
// a gap, while the log is written and its end is torn.

package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/atoll-platform/atoll/core/audit"
)

// search reads all pages of a search.
func search(t testing.TB, l *audit.Log, f audit.Filter, limit int) (events []audit.Event, damaged, pages int) {
	t.Helper()
	var at *audit.Position
	for {
		page, err := l.Query(t.Context(), f, at, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) > limit {
			t.Fatalf("%d events on a page of %d", len(page.Events), limit)
		}
		events, damaged, pages = append(events, page.Events...), damaged+page.Damaged, pages+1
		if at = page.Next; at == nil {
			return events, damaged, pages
		}
	}
}

// follow reads forwards from a position.
func follow(ctx context.Context, l *audit.Log, f audit.Filter, from audit.Position, on bool, take func(audit.Batch) error) error {
	r, err := l.Reader(f, from)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Read(ctx, on, take)
}

func TestSearchFindsEveryEventOnceNewestFirst(t *testing.T) {
	l := open(t, t.TempDir(), audit.Options{SegmentBytes: 20 << 10, TotalBytes: 64 << 20})
	const total = 2000
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range total {
		l.Record(t.Context(), audit.Event{Time: start.Add(time.Duration(i) * time.Minute), Verb: "n", Status: i, User: fmt.Sprint("u", i%7), Target: strings.Repeat("/x", i%50)})
	}
	for _, limit := range []int{7, 100, 1999, 2000, 2001} {
		events, damaged, pages := search(t, l, audit.Filter{}, limit)
		if len(events) != total || damaged != 0 || pages != (total+limit-1)/limit {
			t.Fatalf("limit %d: %d events, %d damaged, %d pages", limit, len(events), damaged, pages)
		}
		for i, e := range events {
			if e.Status != total-1-i {
				t.Fatalf("limit %d: event %d is number %d", limit, i, e.Status)
			}
		}
	}
	since, until := start.Add(500*time.Minute), start.Add(570*time.Minute)
	events, _, pages := search(t, l, audit.Filter{Since: since, Until: until, User: "u3"}, 1)
	if len(events) != 10 || pages != 10 {
		t.Fatalf("%d events on %d pages", len(events), pages)
	}
	for _, e := range events {
		if e.User != "u3" || e.Status < 500 || e.Status >= 570 {
			t.Fatalf("%+v does not fit", e)
		}
	}
}

func TestSearchComparesWholeFields(t *testing.T) {
	l := open(t, t.TempDir(), audit.Options{})
	one := audit.Event{
		User: "jane", Verb: "delete", Result: audit.Denied, Extension: "logging", Cluster: "c", Workspace: "w", WorkspaceUID: "wu", Project: "p", ProjectUID: "pu",
	}
	l.Record(t.Context(), one)
	// Somebody whose words look like another's field.
	l.Record(t.Context(), audit.Event{User: "mallory", Verb: "create", Target: `/x","user":"jane","workspaceUID":"wu`, Reason: `"projectUID":"pu"`})
	l.Record(t.Context(), audit.Event{User: `<&"ä`, Verb: "get"})
	for name, f := range map[string]audit.Filter{
		"user": {User: "jane"}, "verb": {Verb: "delete"}, "result": {Result: audit.Denied}, "extension": {Extension: "logging"}, "cluster": {Cluster: "c"},
		"workspace": {Workspace: "w"}, "workspaceUID": {WorkspaceUID: "wu"}, "project": {Project: "p"}, "projectUID": {ProjectUID: "pu"},
	} {
		if events, _, _ := search(t, l, f, 10); len(events) != 1 || events[0].User != "jane" {
			t.Errorf("by %s: %+v", name, events)
		}
	}
	if events, _, _ := search(t, l, audit.Filter{User: `<&"ä`}, 10); len(events) != 1 {
		t.Errorf("a name that JSON escapes: %+v", events)
	}
	for _, f := range []audit.Filter{{User: "jan"}, {User: "jane", Verb: "create"}, {Cluster: "w"}, {Workspace: "wu"}} {
		if events, _, _ := search(t, l, f, 10); len(events) != 0 {
			t.Errorf("%+v: %+v", f, events)
		}
	}
}

func TestSearchSkipsWhatIsNoLineAndTellsSo(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	l.Record(t.Context(), audit.Event{Verb: "before"})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	damage := func(text string) {
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		f, err := os.OpenFile(names[len(names)-1], os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	damage("not json\n" + strings.Repeat("x", 3<<20) + "\n\x00\x01\n{}\n" + `{"verb":"torn","time":"2030-01-`) // no event can be so long
	l = open(t, dir, audit.Options{})
	l.Record(t.Context(), audit.Event{Verb: "after"})
	events, damaged, _ := search(t, l, audit.Filter{}, 100)
	if len(events) != 2 || events[0].Verb != "after" || events[1].Verb != "before" || damaged < 5 {
		t.Fatalf("%+v, %d damaged", events, damaged)
	}
	var followed []audit.Event
	damaged = 0
	if err := follow(t.Context(), l, audit.Filter{}, audit.Position{}, false, func(b audit.Batch) error {
		followed, damaged = append(followed, b.Events...), damaged+b.Damaged
		return nil
	}); err != nil || len(followed) != 2 || followed[0].Verb != "before" || damaged < 5 {
		t.Fatalf("followed %+v, %d damaged, %v", followed, damaged, err)
	}
	// A line that is being written is not there yet, and is no damage.
	damage(`{"verb":"half`)
	if events, after, _ := search(t, l, audit.Filter{}, 100); len(events) != 2 || after > damaged {
		t.Fatalf("%+v, %d damaged", events, after)
	}
}

// TestReadingWhileTheLogIsWritten has searches and followers beside writers, and
// segments that go away under them.
func TestReadingWhileTheLogIsWritten(t *testing.T) {
	l := open(t, t.TempDir(), audit.Options{SegmentBytes: 64 << 10, TotalBytes: 4 << 20})
	const writers, each = 4, 2000 // some 1.6 MB: nothing is removed
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				l.Record(t.Context(), audit.Event{Verb: "n", User: fmt.Sprint("w", w), Status: i, Target: strings.Repeat("x", 100)})
			}
		})
	}
	enough := errors.New("enough")
	for range 3 {
		all.Go(func() {
			next, seen := map[string]int{}, 0
			err := follow(t.Context(), l, audit.Filter{}, audit.Position{}, true, func(b audit.Batch) error {
				if b.Missed || b.Damaged > 0 {
					return fmt.Errorf("missed %v, damaged %d", b.Missed, b.Damaged)
				}
				for _, e := range b.Events {
					if e.Status != next[e.User] {
						return fmt.Errorf("%s: %d follows %d", e.User, e.Status, next[e.User])
					}
					next[e.User]++
				}
				if seen += len(b.Events); seen == writers*each {
					return enough
				}
				return nil
			})
			if !errors.Is(err, enough) {
				t.Errorf("following: %v after %d", err, seen)
			}
		})
	}
	for range 20 {
		events, damaged, _ := search(t, l, audit.Filter{User: "w1"}, 500)
		for i, e := range events {
			if damaged > 0 || e.Status != len(events)-1-i {
				t.Fatalf("event %d of %d is %d, %d damaged", i, len(events), e.Status, damaged)
			}
		}
	}
	all.Wait()
	if events, _, _ := search(t, l, audit.Filter{}, 1000); len(events) != writers*each {
		t.Fatalf("%d events", len(events))
	}
}

func TestFollowerWhoIsOvertakenIsTold(t *testing.T) {
	l := open(t, t.TempDir(), audit.Options{SegmentBytes: 4 << 10, TotalBytes: 16 << 10})
	l.Record(t.Context(), audit.Event{Verb: "n"})
	begun, missed, last := false, 0, -1
	err := follow(t.Context(), l, audit.Filter{}, audit.Position{}, false, func(b audit.Batch) error {
		if !begun { // slow: the log goes far beyond its bounds meanwhile
			begun = true
			for i := range 2000 {
				l.Record(t.Context(), audit.Event{Verb: "n", Status: i})
			}
			if _, err := l.End(t.Context()); err != nil {
				return err
			}
			return nil
		}
		if b.Missed {
			missed++
		}
		for _, e := range b.Events {
			if missed == 0 && e.Status != last+1 || e.Status <= last {
				return fmt.Errorf("%d follows %d, and nobody said that some are missing", e.Status, last)
			}
			last = e.Status
		}
		return nil
	})
	if err != nil || missed != 1 || last != 1999 {
		t.Fatalf("%v, told %d times, the last is %d", err, missed, last)
	}
}

func TestFollowingEndsWithTheContextAndWithTheLog(t *testing.T) {
	l := open(t, t.TempDir(), audit.Options{})
	end, err := l.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan audit.Event, 10)
	ended := make(chan error, 2)
	take := func(b audit.Batch) error {
		for _, e := range b.Events {
			got <- e
		}
		return nil
	}
	go func() { ended <- follow(ctx, l, audit.Filter{Verb: "yes"}, end, true, take) }()
	l.Record(t.Context(), audit.Event{Verb: "no"})
	l.Record(t.Context(), audit.Event{Verb: "yes"})
	if e := <-got; e.Verb != "yes" {
		t.Fatalf("%+v", e)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	go func() { ended <- follow(t.Context(), l, audit.Filter{Verb: "yes"}, end, true, take) }()
	<-got
	l.Record(t.Context(), audit.Event{Verb: "yes", Status: 2})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if e := <-got; e.Status != 2 {
		t.Fatalf("the last one is lost: %+v", e)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	l := open(t, t.TempDir(), audit.Options{})
	l.Record(t.Context(), audit.Event{Verb: "n"})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	in := make(chan struct{}, 64)
	for range 64 {
		all.Go(func() {
			_ = follow(ctx, l, audit.Filter{}, audit.Position{}, true, func(audit.Batch) error { in <- struct{}{}; return nil })
		})
	}
	for range 64 {
		<-in
	}
	if err := follow(ctx, l, audit.Filter{}, audit.Position{}, true, nil); !errors.Is(err, audit.ErrTooMany) {
		t.Fatal(err)
	}
	cancel()
	all.Wait()
}

func TestOldEventsGo(t *testing.T) {
	dir := t.TempDir()
	o := audit.Options{MaxAge: 4 * time.Hour}
	l := open(t, dir, o)
	// A segment spans an hour of these at most, however small it is.
	begin := time.Now().Add(-10 * time.Hour)
	for i := range 10 {
		l.Record(t.Context(), audit.Event{Time: begin.Add(time.Duration(i) * 61 * time.Minute), Verb: "n", Status: i})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(names) != 10 {
		t.Fatalf("%d segments", len(names))
	}
	for i, name := range names { // as if they had been written then
		at := begin.Add(time.Duration(i) * 61 * time.Minute)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	l = open(t, dir, o)
	events, _, _ := search(t, l, audit.Filter{}, 100)
	if len(events) != 4 || events[0].Status != 9 || events[3].Status != 6 {
		t.Fatalf("%d events: %+v", len(events), events)
	}
}

func TestNothingForgesALine(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	nasty := []string{
		"a\n{\"time\":\"2030-01-01T00:00:00Z\",\"user\":\"root\",\"verb\":\"forged\"}\n", "a\r\nb", "\x00\x01\x1b[2J\x7f", "\u2028\u2029\u0085\u202e", "\xff\xfe\xc3",
		strings.Repeat("\x00", 5000), strings.Repeat("\U0001F600", 5000), `","verb":"forged","x":"`, strings.Repeat("<", 5000), strings.Repeat(`"`, 5000), strings.Repeat(`\`, 5000),
	}
	for _, s := range nasty {
		var changes []audit.Change
		for range 2 * audit.MaxChanges {
			changes = append(changes, audit.Change{Path: s, From: s, To: s})
		}
		l.Record(t.Context(), audit.Event{
			Changes:   changes,
			RequestID: s, User: s, UserUID: s, Via: s, Credential: s, Remote: s, Extension: s, Version: s, Verb: s, Target: s,
			Cluster: s, Workspace: s, WorkspaceUID: s, Project: s, ProjectUID: s, Result: s, Reason: s,
		})
	}
	events, damaged, _ := search(t, l, audit.Filter{}, 100)
	if len(events) != len(nasty) || damaged != 0 {
		t.Fatalf("%d events, %d damaged", len(events), damaged)
	}
	for _, e := range events {
		if e.Verb == "forged" || e.User == "root" || len(e.Changes) != audit.MaxChanges || e.More != audit.MaxChanges {
			t.Fatalf("%+v", e)
		}
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte{'\n'}); lines != len(nasty) || len(text) > len(nasty)*192<<10 {
		t.Fatalf("%d lines, %d bytes", lines, len(text))
	}
	for _, r := range string(text) {
		if r != '\n' && !unicode.IsPrint(r) || r == utf8.RuneError {
			t.Fatalf("%q is written as itself", r)
		}
	}
}

// BenchmarkQuery is a search for the few events of one of a thousand tenants.
func BenchmarkQuery(b *testing.B) {
	l := open(b, b.TempDir(), audit.Options{SegmentBytes: 16 << 20, TotalBytes: 256 << 20})
	const total = 100_000
	for i := range total {
		l.Record(b.Context(), audit.Event{User: "jane", Verb: "delete", Target: "/clusters/one/api/v1/namespaces/shop/pods/x", WorkspaceUID: fmt.Sprint("w", i%1000), Result: audit.Done, Status: 200})
	}
	page, err := l.Query(b.Context(), audit.Filter{WorkspaceUID: "w7"}, nil, 1000)
	if err != nil || len(page.Events) != total/1000 {
		b.Fatal(len(page.Events), err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Query(b.Context(), audit.Filter{WorkspaceUID: "w7"}, nil, 1000); err != nil {
			b.Fatal(err)
		}
	}
}
