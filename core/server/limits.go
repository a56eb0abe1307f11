// How much one person may ask for, and how large and slow a request may be.

package server

import (
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

const (
	maxHeader = 64 << 10 // bytes of a request's head
	maxURI    = 16 << 10

	personRate  = 500  // requests of the core's API a second and person, in the long run
	personBurst = 1000 // and at once

	personInCluster = 400  // requests in flight of one person in one cluster, what is followed included
	allInCluster    = 4000 // and of everybody

	maxProxied  = 64 << 20         // bytes of a request's body to a cluster or an extension
	bodyPause   = 30 * time.Second // how long a body may pause
	retrySoon   = time.Second
	idleLimiter = 10 * time.Minute
)

// people limits how often each person asks. Safe for concurrent use.
type people struct {
	mu    sync.Mutex
	each  map[string]*person
	sweep time.Time
}

type person struct {
	limit *rate.Limiter
	last  time.Time
}

// take counts a request; false when there were too many.
func (p *people) take(uid string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.sweep) > idleLimiter {
		p.sweep = now
		for uid, one := range p.each {
			if now.Sub(one.last) > idleLimiter {
				delete(p.each, uid)
			}
		}
	}
	one := p.each[uid]
	if one == nil {
		one = &person{limit: rate.NewLimiter(personRate, personBurst)}
		p.each[uid] = one
	}
	one.last = now
	return one.limit.AllowN(now, 1)
}

// paced keeps a person from asking the core's API too often.
func (s *Server) paced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who, ok := access.SubjectFrom(r.Context()); ok && !s.people.take(who.UID, time.Now()) {
			fail(w, r, problem.Newf(http.StatusTooManyRequests, "You ask more than %d times a second.", personRate).WithRetryAfter(retrySoon))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// gate bounds how many requests are in a place at once. Safe for concurrent use.
type gate struct {
	mu sync.Mutex
	in map[string]int
}

// enter takes a place in all of the keys, each with its limit, or in none.
func (g *gate) enter(keys [2]string, limits [2]int) (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, k := range keys {
		if g.in[k] >= limits[i] {
			return nil, false
		}
	}
	for _, k := range keys {
		g.in[k]++
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, k := range keys {
			if g.in[k]--; g.in[k] <= 0 {
				delete(g.in, k)
			}
		}
	}, true
}

// limitBody bounds a request's body: in bytes, and in how long it may pause.
func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			fail(w, r, problem.Newf(http.StatusRequestEntityTooLarge, "The request has %d bytes; this takes %d at most.", r.ContentLength, limit))
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			// One byte more, so that the reader learns that it was too much.
			r.Body = &bodyReader{ReadCloser: http.MaxBytesReader(w, r.Body, limit+1), control: http.NewResponseController(w)}
		}
		next.ServeHTTP(w, r)
	})
}

// bodyReader sets a deadline before each read, and none when the body is over:
// it would end the request while it is being worked on.
type bodyReader struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *bodyReader) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(bodyPause)) // not for requests from inside
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

func (b *bodyReader) Close() error {
	_ = b.control.SetReadDeadline(time.Time{})
	return b.ReadCloser.Close()
}
