// Searching: from the newest event backwards, page by page.

package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	maxSearches = 4        // at once; others wait
	maxScan     = 64 << 20 // bytes that one page looks at
	// disorder is how far an event may stand behind a later one: they are taken
	// by many at once.
	disorder = time.Minute
)

var errClosed = errors.New("the audit log is closed")

// Filter says which events are meant; a field that is zero says nothing.
type Filter struct {
	Since, Until time.Time // from and with Since, up to and without Until

	User, Verb, Result, Extension string

	Cluster, Workspace, WorkspaceUID, Project, ProjectUID string
}

// Page is what a search has found.
type Page struct {
	Events  []Event // the newest first
	Next    *Position
	Damaged int // lines that could not be read, of those that were looked at
}

// Query searches for at most limit events before a position; nil is the newest
// on. Next is nil when there are none further back. A page may be short of
// limit, and even empty, and have a Next: so much is looked at for one page and
// no more. Events that were taken before the call are found.
func (l *Log) Query(ctx context.Context, f Filter, before *Position, limit int) (Page, error) {
	select {
	case l.searches <- struct{}{}:
		defer func() { <-l.searches }()
	case <-ctx.Done():
		return Page{}, context.Cause(ctx)
	}
	if err := l.settle(ctx); err != nil {
		return Page{}, fmt.Errorf("searching the audit log: %w", err)
	}
	all, err := listSegments(l.out.dir)
	if err != nil {
		return Page{}, fmt.Errorf("searching the audit log: %w", err)
	}
	s := search{filter: f.compile(), limit: limit, page: Page{Events: []Event{}}}
	for _, one := range newestFirst(all, before) {
		if !f.Since.IsZero() && one.last.Before(f.Since.Add(-disorder)) {
			break
		}
		end := one.size
		if before != nil && one.number == before.Segment {
			end = min(end, before.Offset)
		}
		done, err := s.segment(ctx, l.out.dir, one.number, end)
		if err != nil {
			return Page{}, fmt.Errorf("searching the audit log: %w", err)
		}
		if done {
			break
		}
	}
	return s.page, nil
}

// search is one page being made.
type search struct {
	filter  compiled
	limit   int
	scanned int64
	page    Page
}

// segment looks through a segment up to an offset, backwards; true when the page
// is made.
func (s *search) segment(ctx context.Context, dir string, number uint64, end int64) (bool, error) {
	f, err := openSegment(dir, number)
	if f == nil {
		return false, err
	}
	defer f.Close()
	if !s.filter.until.IsZero() {
		if first, ok := firstTime(f); ok && first.After(s.filter.until.Add(disorder)) {
			return false, nil
		}
	}
	for end > 0 {
		if err := context.Cause(ctx); err != nil {
			return false, err
		}
		if s.scanned >= maxScan {
			s.page.Next = &Position{number, end}
			return true, nil
		}
		b, err := blockBefore(f, end)
		if err != nil {
			return false, err
		}
		s.scanned += end - b.begin
		s.page.Damaged += b.damaged
		for i := len(b.lines) - 1; i >= 0; i-- {
			e, found, readable := s.filter.line(b.lines[i])
			switch {
			case !readable:
				s.page.Damaged++
			case found && len(s.page.Events) == s.limit:
				s.page.Next = &Position{number, b.starts[i] + int64(len(b.lines[i])) + 1}
				return true, nil
			case found:
				s.page.Events = append(s.page.Events, e)
			case !e.Time.IsZero() && !s.filter.since.IsZero() && e.Time.Before(s.filter.since.Add(-disorder)):
				return true, nil
			}
		}
		end = b.begin
	}
	return false, nil
}

// compiled is a filter made ready.
type compiled struct {
	Filter
	since, until time.Time
	needles      [][]byte // what a line has that fits, as it is written
}

func (f Filter) compile() compiled {
	c := compiled{Filter: f, since: f.Since, until: f.Until}
	for key, value := range map[string]string{
		"user": f.User, "verb": f.Verb, "result": f.Result, "extension": f.Extension, "cluster": f.Cluster,
		"workspace": f.Workspace, "workspaceUID": f.WorkspaceUID, "project": f.Project, "projectUID": f.ProjectUID,
	} {
		if value == "" {
			continue
		}
		if text, err := encode(map[string]string{key: value}); err == nil {
			c.needles = append(c.needles, bytes.Trim(text, "{}\n"))
		}
	}
	return c
}

// line reads a line, if it can be one that is meant. A line that cannot is
// readable, and its event is empty.
func (c *compiled) line(line []byte) (e Event, found, readable bool) {
	for _, needle := range c.needles {
		if !bytes.Contains(line, needle) {
			return Event{}, false, bytes.HasSuffix(line, []byte{'}'})
		}
	}
	e, readable = parse(line)
	return e, readable && c.fits(&e), readable
}

func (c *compiled) fits(e *Event) bool {
	for _, p := range [][2]string{
		{c.User, e.User}, {c.Verb, e.Verb}, {c.Result, e.Result}, {c.Extension, e.Extension}, {c.Cluster, e.Cluster},
		{c.Workspace, e.Workspace}, {c.WorkspaceUID, e.WorkspaceUID}, {c.Project, e.Project}, {c.ProjectUID, e.ProjectUID},
	} {
		if p[0] != "" && p[0] != p[1] {
			return false
		}
	}
	return (c.since.IsZero() || !e.Time.Before(c.since)) && (c.until.IsZero() || e.Time.Before(c.until))
}
