// The requests in flight and their credentials, so that signing out, revoking
// and the end of the server end what is followed.

package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/api"
)

var errStopping = errors.New("the server is stopping")

// live is the registry of requests in flight. Safe for concurrent use.
type live struct {
	alive func(access.Subject) bool

	// epoch counts rechecks: who read it before recognizing a credential, and
	// sees another one after begin, asks again.
	epoch   atomic.Uint64
	mu      sync.Mutex
	entries map[*liveRequest]struct{}
}

type liveRequest struct {
	subject access.Subject
	end     context.CancelCauseFunc
}

// begin registers a request; done when it is over.
func (l *live) begin(parent context.Context, who access.Subject) (ctx context.Context, done func()) {
	ctx, end := context.WithCancelCause(parent)
	e := &liveRequest{who, end}
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

// recheck ends the requests whose credential is not good any more.
func (l *live) recheck() {
	l.epoch.Add(1)
	l.end(access.ErrRevoked, func(e *liveRequest) bool { return !l.alive(e.subject) })
}

// endAll ends all requests.
func (l *live) endAll(why error) {
	l.end(why, func(*liveRequest) bool { return true })
}

func (l *live) end(why error, which func(*liveRequest) bool) {
	l.mu.Lock()
	all := make([]*liveRequest, 0, len(l.entries))
	for e := range l.entries {
		all = append(all, e)
	}
	l.mu.Unlock()
	for _, e := range all {
		if which(e) {
			e.end(why)
		}
	}
}

// untilStop ends requests that go on for as long as their client listens when
// the server begins to stop; others have the time to end by themselves.
func (s *Server) untilStop(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !followed(r) {
			next.ServeHTTP(w, r)
			return
		}
		ctx, end := context.WithCancelCause(r.Context())
		defer end(nil)
		defer context.AfterFunc(s.draining, func() { end(errStopping) })()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// followed tells whether a client follows an answer, by what it asks for.
func followed(r *http.Request) bool {
	q := r.URL.RawQuery
	return strings.Contains(q, "watch=") || strings.Contains(q, "follow=") || r.Header.Get("Upgrade") != ""
}

func requestID(r *http.Request) string { return api.RequestID(r.Context()) }

// count is how many requests are in flight.
func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}
