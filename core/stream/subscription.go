// One subscription: a request, its answer, and the credit that it may use.

package stream

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"sync"
	"unicode/utf8"
)

// subscription is one request in flight. Its writer is used by one goroutine.
type subscription struct {
	conn   *connection
	id     int64
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	credit int64
	more   chan struct{} // has one when credit came

	header http.Header
	wrote  bool
	carry  []byte // the beginning of a character whose end has not come
}

func newSubscription(c *connection, id, credit int64, ctx context.Context, cancel context.CancelFunc) *subscription {
	return &subscription{conn: c, id: id, ctx: ctx, cancel: cancel, credit: credit, more: make(chan struct{}, 1), header: http.Header{}}
}

// run does the request and says how it ended.
func (s *subscription) run(r *http.Request) {
	defer s.cancel()
	p := s.serve(r)
	s.conn.forget(s.id)
	if s.conn.ctx.Err() == nil {
		s.conn.send(outgoing{Type: "end", ID: s.id, Problem: p})
	}
}

func (s *subscription) serve(r *http.Request) (p *problem) {
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				s.conn.hub.o.Logger.Error("answering a subscription failed", "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			}
			p = newProblem(http.StatusBadGateway, "Bad Gateway", "The answer was cut short.")
		}
	}()
	s.conn.hub.o.Handler.ServeHTTP(s, r)
	if !s.wrote {
		s.WriteHeader(http.StatusOK)
	}
	if len(s.carry) > 0 { // it ended in the middle of a character
		_ = s.sendText(string(utf8.RuneError))
	}
	return nil
}

// add gives credit; false when it is more than there may be.
func (s *subscription) add(n int64) bool {
	s.mu.Lock()
	s.credit += n
	ok := s.credit <= maxCredit
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return ok
}

// take waits until a message of at most want bytes may be sent, and takes the
// credit for it; at least enough for the largest character is needed, or for
// want where that is less.
func (s *subscription) take(want int) (int, error) {
	least := min(want, utf8.UTFMax)
	for {
		if err := s.ctx.Err(); err != nil {
			return 0, err
		}
		s.mu.Lock()
		if s.credit >= int64(least) {
			n := int(min(s.credit, int64(want), maxPiece))
			s.credit -= int64(n)
			s.mu.Unlock()
			return n, nil
		}
		s.mu.Unlock()
		select {
		case <-s.ctx.Done():
		case <-s.more:
		}
	}
}

// Header is the head of the answer; only its Content-Type reaches the tab.
func (s *subscription) Header() http.Header { return s.header }

// WriteHeader sends the head, once.
func (s *subscription) WriteHeader(status int) {
	if s.wrote || status < 200 {
		return
	}
	s.wrote = true
	if s.ctx.Err() == nil {
		s.conn.send(outgoing{Type: "head", ID: s.id, Status: status, ContentType: s.header.Get("Content-Type")})
	}
}

// Write sends text as far as there is credit, and waits for more. What is not
// UTF-8 is replaced, character by character.
func (s *subscription) Write(p []byte) (int, error) {
	if !s.wrote {
		s.WriteHeader(http.StatusOK)
	}
	text := p
	if len(s.carry) > 0 {
		text = append(s.carry, p...)
		s.carry = nil
	}
	if n := unfinished(text); n > 0 {
		s.carry = bytes.Clone(text[len(text)-n:])
		text = text[:len(text)-n]
	}
	if !utf8.Valid(text) {
		text = bytes.ToValidUTF8(text, []byte(string(utf8.RuneError)))
	}
	if err := s.sendText(string(text)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sendText sends valid text in messages that end between characters.
func (s *subscription) sendText(text string) error {
	for text != "" {
		n, err := s.take(len(text))
		if err != nil {
			return err
		}
		cut := n
		for cut < len(text) && !utf8.RuneStart(text[cut]) {
			cut--
		}
		if back := n - cut; back > 0 {
			s.mu.Lock()
			s.credit += int64(back)
			s.mu.Unlock()
		}
		if !s.conn.send(outgoing{Type: "data", ID: s.id, Text: text[:cut]}) {
			return s.conn.ctx.Err()
		}
		text = text[cut:]
	}
	return nil
}

// FlushError does nothing: every write is sent at once.
func (s *subscription) FlushError() error { return s.ctx.Err() }

// unfinished is how many bytes at the end are the beginning of a character.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if b := text[len(text)-n]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
