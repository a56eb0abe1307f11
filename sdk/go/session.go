// The session: the guest's end of the wire. It takes the host's frames, keeps
// the state of the streams, and collects the frames that go back.
package atoll

import (
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go/internal/native"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// crowd is how many bytes may wait to go out before bodies have to wait too.
const crowd = wire.MaxBatch * 3 / 4

// wakeFrame is the size of a WAKE.
const wakeFrame = wire.FrameHead + 4

// session is the whole conversation of one instance. Go's WebAssembly runs one
// goroutine at a time but may switch at any allocation, so mu is needed there as
// anywhere. It guards everything but what never changes after the first poll
// (handler, frames, settle).
type session struct {
	mu      mutex
	out     []byte // frames for the host
	sent    int    // of out, what the last poll handed over
	data    int    // where in out the last frame begins, if it is a DATA frame that may grow
	greeted bool   // HELLO has come and is answered
	dead    bool   // the host has broken the wire, or the session is closed
	closed  bool

	streams map[uint32]*stream
	most    int    // streams that were open at once since the map was made
	lastID  uint32 // of the last stream that the host opened
	nextID  uint32 // of the next stream that we open
	opened  int    // how many of streams are ours
	limit   int    // how many may be

	size    int // both windows of the instance in bytes, as they begin: a quarter of its memory
	window  int // what the host may still send
	credit  int // read, and not yet given back
	room    int // what we may still send
	crowded bool

	handler http.Handler
	frames  []frameRoute
	settle  func()
	stirred bool      // something was started or woken: the poll has to settle
	starts  []*served // requests whose handler starts when the batch is read
	workers []worker  // that wait for a request
	running int       // handlers that have not returned
	splices []*splice // that wait for the end of the poll
	spare   [][]byte  // buffers of streams that have been read
	call    Call

	settings map[string]string
	seed     [32]byte
	random   *generator
	draining bool
	drained  chan struct{} // made when somebody asks
	lostLog  int           // lines that did not fit
}

// root is the session that Serve and HandleFrames fill: in a guest, the one.
var root = newSession()

func newSession() *session {
	return &session{streams: map[uint32]*stream{}, nextID: 2, data: -1, limit: wire.MaxStream}
}

// poll is atoll_poll: it takes a batch of the host's frames, lets everything run
// until all waits, and gives the frames that answer. They stand until the next
// poll.
func (s *session) poll(in []byte) []byte {
	s.lock()
	if s.closed {
		s.unlock()
		return nil
	}
	s.begin()
	s.receive(in)
	if s.stirred || len(in) == 0 {
		open := len(s.streams)
		s.unlock()
		pace(open)
		s.settle()
		s.lock()
	}
	out := s.finish()
	s.unlock()
	return out
}

// begin makes room for a poll's output: what the last poll handed over is the
// host's no longer, what it had to leave goes first. s.mu is held.
func (s *session) begin() {
	if s.dead {
		s.fault("it was told so before")
	}
	switch {
	case s.sent < len(s.out):
		s.out = append(s.out[:0], s.out[s.sent:]...)
	case cap(s.out) > 2*wire.MaxBatch:
		s.out = nil // a burst is over
	default:
		s.out = s.out[:0]
	}
	s.sent, s.data, s.stirred = 0, -1, false
	if s.crowded {
		s.crowded, s.stirred = false, true
		for _, st := range s.streams {
			s.wakeWriter(st)
		}
	}
}

// finish gives what the poll answers: whole frames, at most a batch. When there
// is more, it asks to be polled again. s.mu is held.
func (s *session) finish() []byte {
	if !s.greeted { // before HELLO nothing may be said
		return nil
	}
	s.data = -1
	if len(s.splices) > 0 {
		s.appendSplices()
	}
	if s.crowded || len(s.out) > wire.MaxBatch-wakeFrame {
		n := 0
		for n < len(s.out) {
			f, _, _ := wire.NextFrame(s.out[n:])
			more := wire.FrameHead + len(f.Payload)
			if n+more > wire.MaxBatch-wakeFrame {
				break
			}
			n += more
		}
		s.out = append(s.out, make([]byte, wakeFrame)...)
		copy(s.out[n+wakeFrame:], s.out[n:])
		wire.AppendWake(s.out[:n], 1)
		s.sent = n + wakeFrame
		return s.out[:s.sent]
	}
	s.sent = len(s.out)
	return s.out
}

// fault ends a session whose host breaks the wire: to go on would be to guess
// what it means. s.mu is held, and released.
func (s *session) fault(why string) {
	s.dead = true
	s.unlock()
	panic(native.Broken + why)
}

// close ends every stream, so that all that waits for one goes on. It is for
// sessions outside a sandbox.
func (s *session) close() {
	s.lock()
	defer s.unlock()
	s.dead, s.closed = true, true
	for _, st := range s.streams {
		s.die(st, errClosed)
	}
	for _, w := range s.workers {
		close(w)
	}
	s.workers = nil
}

// append appends a whole frame. s.mu is held.
func (s *session) append(t wire.Type, id uint32, payload []byte) {
	s.data = -1
	s.out = wire.AppendFrame(s.out, t, 0, id, payload)
}

// appendReset appends a RESET. s.mu is held.
func (s *session) appendReset(id uint32, code wire.Code, text string) {
	s.data = -1
	s.out = wire.AppendReset(s.out, id, code, text)
}

// appendData appends body bytes, to the last frame where that is this stream's
// DATA too: a handler that writes little by little costs one frame. s.mu is
// held.
func (s *session) appendData(id uint32, flags wire.Flags, p []byte) {
	if at := s.data; at >= 0 && flags == 0 {
		f, _, err := wire.NextFrame(s.out[at:])
		if err == nil && f.Stream == id && len(f.Payload)+len(p) <= wire.MaxPayload {
			s.out = append(s.out, p...)
			wire.EndFrame(s.out, at)
			return
		}
	}
	at := len(s.out)
	s.out = wire.AppendFrame(s.out, wire.Data, flags, id, p)
	s.data = at
	if flags != 0 {
		s.data = -1
	}
}

// giveBack returns bytes to the host's window for this instance. s.mu is held.
func (s *session) giveBack(n int) {
	s.credit += n
	if s.credit >= s.size/4 && s.credit > 0 {
		s.data = -1
		s.out = wire.AppendWindow(s.out, 0, uint32(s.credit))
		s.window += s.credit
		s.credit = 0
	}
}

// buffer gives an empty buffer that holds n bytes. s.mu is held.
func (s *session) buffer(n int) []byte {
	if last := len(s.spare) - 1; last >= 0 && n <= cap(s.spare[last]) && n > smallBuffer {
		b := s.spare[last]
		s.spare[last] = nil
		s.spare = s.spare[:last]
		return b
	}
	return make([]byte, 0, n)
}

// recycle keeps a buffer for the next stream that needs one. s.mu is held.
func (s *session) recycle(b []byte) {
	if cap(b) >= wire.StreamWindow/2 && cap(b) <= wire.StreamWindow && len(s.spare) < 8 {
		s.spare = append(s.spare, b[:0])
	}
}
