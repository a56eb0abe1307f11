// The requests in flight, so that losing a right ends what was begun with it.

package kube

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/atoll-platform/atoll/core/access"
)

// errRightLost is why a live connection was ended.
var errRightLost = errors.New("the right to this connection was lost")

// live is the registry of requests in flight: short ones too, since telling
// them apart beforehand is where mistakes would hide, and an entry costs less
// than a microsecond.
type live struct {
	groups func(access.Subject, access.Scope) []string
	alive  func(access.Subject) bool // nil: everybody is

	// epoch counts rechecks. Who reads it before the rights, and again after
	// begin, knows whether a recheck came between and may have missed it.
	epoch   atomic.Uint64
	mu      sync.Mutex
	entries map[*entry]struct{}
}

// errProjectsChanged is why a watch across projects was ended.
var errProjectsChanged = errors.New(projectsChanged)

// entry is one request in flight and what it was begun with.
type entry struct {
	cluster *Cluster // that it went to; nil: none by itself
	subject access.Subject
	scope   access.Scope
	groups  []string
	same    func() bool // of a watch across projects: its projects are the same yet
	whole   bool        // losing the right does not end it
	end     context.CancelCauseFunc
}

// begin registers a request made with these rights. The context that it returns
// ends when one of them is lost, unless the request is seen to its end, when the
// cluster gives no sign of life any more, and by e.end; done must be called when
// the request is over.
func (l *live) begin(parent context.Context, c *Cluster, in *incoming, r rights) (ctx context.Context, e *entry, done func()) {
	e = &entry{cluster: c, subject: in.subject, scope: r.scope, groups: r.groups, whole: in.whole}
	ctx, done = l.add(parent, e)
	return ctx, e, done
}

// beginSpanning registers a watch across projects, which itself goes out to no
// cluster: it ends with errProjectsChanged when they are not the same any more.
func (l *live) beginSpanning(parent context.Context, s access.Subject, same func() bool) (ctx context.Context, done func()) {
	return l.add(parent, &entry{subject: s, same: same})
}

func (l *live) add(parent context.Context, e *entry) (ctx context.Context, done func()) {
	ctx, end := context.WithCancelCause(parent)
	e.end = end
	l.mu.Lock()
	l.entries[e] = struct{}{}
	l.mu.Unlock()
	return ctx, func() {
		l.mu.Lock()
		delete(l.entries, e)
		l.mu.Unlock()
		end(nil)
	}
}

// recheck ends the requests whose right is gone. A request whose rights were
// read before a change and registered after its recheck sees another epoch and
// reads them again itself; see Proxy.forward.
func (l *live) recheck() {
	l.epoch.Add(1)
	for _, e := range l.all() {
		switch {
		case !e.whole && !l.still(e.subject, e.scope, e.groups):
			e.end(errRightLost)
		case e.same != nil && !e.same():
			e.end(errProjectsChanged)
		}
	}
}

// endHung ends the requests to clusters that give no sign of life: a watch or
// a session there would wait for what may never come.
func (l *live) endHung() {
	for _, e := range l.all() {
		if e.cluster != nil && e.cluster.silent.Load() {
			e.end(errHung)
		}
	}
}

func (l *live) all() []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*entry, 0, len(l.entries))
	for e := range l.entries {
		all = append(all, e)
	}
	return all
}

// still tells whether a subject has all of these groups in a scope yet.
func (l *live) still(s access.Subject, sc access.Scope, groups []string) bool {
	if l.alive != nil && !l.alive(s) {
		return false
	}
	if len(groups) == 0 {
		return true
	}
	now := l.groups(s, sc)
	for _, g := range groups {
		if !slices.Contains(now, g) {
			return false
		}
	}
	return true
}

// count is how many requests are in flight.
func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}
