//go:build !wasip1

// Outside a sandbox: the session's lock, and sessions for atolltest. Without one
// there is nobody to talk to, and lines of the log go to standard error.
package atoll

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/atoll-platform/atoll/sdk/go/internal/native"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

type mutex struct {
	sync.Mutex
	ready func() // see native.Options
}

func (s *session) lock() { s.mu.Lock() }

func (s *session) unlock() {
	ready := s.mu.ready
	if len(s.out) == s.sent && len(s.splices) == 0 {
		ready = nil
	}
	s.mu.Unlock()
	if ready != nil {
		ready()
	}
}

// left is said when a handler has returned.
func (s *session) left() {
	if s.mu.ready != nil {
		s.mu.ready()
	}
}

var newest atomic.Pointer[session]

// now gives the session of the functions that have no context: the newest.
func now() *session {
	if s := newest.Load(); s != nil {
		return s
	}
	return root
}

func init() {
	native.New = func(o native.Options) native.Session {
		s := newSession()
		s.handler, s.frames, s.settle, s.mu.ready = o.Handler, root.frames, o.Settle, o.Ready
		if s.handler == nil {
			s.handler = root.handler
		}
		if s.settle == nil {
			s.settle = func() {}
		}
		newest.Store(s)
		return s
	}
}

// Poll implements native.Session.
func (s *session) Poll(frames []byte) []byte { return s.poll(frames) }

// Running implements native.Session.
func (s *session) Running() int {
	s.lock()
	defer s.unlock()
	return s.running
}

// Close implements native.Session.
func (s *session) Close() {
	newest.CompareAndSwap(s, nil)
	s.close()
}

func tune(uint64) {}

func pace(int) {}

// reseed has nothing to do: a process is no copy of another.
func reseed([32]byte) {}

func (s *session) emitLog(payload []byte) {
	if s != root {
		s.appendLog(payload)
		return
	}
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return
		}
		payload = rest
		if f.Tag == wire.TagText {
			fmt.Fprintf(os.Stderr, "%s\n", f.Value)
		}
	}
}
