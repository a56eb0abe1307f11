// The session: the guest's end of the wire. It takes the host's frames, keeps
// the state of the streams, and collects the frames that go back.
package atoll

import (
	"context"
	"net/http"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// crowd is how many bytes may wait to go out before bodies have to wait too.
const crowd = wire.MaxBatch * 3 / 4

// session is the whole conversation of one instance. Go's WebAssembly runs one
// goroutine at a time but may switch at any allocation, so mu is needed here as
// anywhere.
type session struct {
	mu      lock
	out     []byte // frames for the host
	sent    int    // of out, what the last poll handed over
	data    int    // where in out the last frame begins, if it is a DATA frame
	streams map[uint32]*stream
	nextID  uint32 // of the next stream that we open

	window  int // of the instance: a quarter of its memory
	room    int // what we may still send
	credit  int // read, and not yet given back
	crowded bool

	handler  http.Handler
	frames   []frameRoute
	settings map[string]string
	stirred  bool      // something was started or woken: the poll has to settle
	starts   []*stream // requests whose handler starts when the batch is read
	workers  []worker  // that wait for a request
	call     Call
}

// current is this instance's session: a guest is one.
var current = &session{streams: map[uint32]*stream{}, nextID: 2}

// stream is one stream, opened by the host (odd ids) or by us. session.mu
// guards it.
type stream struct {
	session *session
	id      uint32
	caller  Identity
	about   string         // its authority
	ctx     requestContext // of a stream that the host opened
	cancel  context.CancelCauseFunc
	request *http.Request
	answer  response
	late    bool // it was reset because its time was up

	// What the host sends.
	head    *http.Response // of a stream that we opened
	buf     []byte         // DATA that nobody has read: buf[off:]
	off     int
	credit  int
	ended   bool
	trailer http.Header
	discard bool

	// What we send.
	room     int
	sentHead bool
	sentEnd  bool
	stopped  bool
	starving bool

	err     error // it was reset, by either side
	reset   bool  // we have sent RESET, the host's is awaited
	serving bool  // a handler runs for it
	call    *frameCall

	ready, space chan struct{} // made when somebody waits
}

func (s *stream) ours() bool { return s.id&1 == 0 }

// wait gives the channel on which a waiter is woken. The session's lock is held;
// it is released before waiting, and the waiter looks again.
func wait(c *chan struct{}) <-chan struct{} {
	if *c == nil {
		*c = make(chan struct{}, 1)
	}
	return *c
}

// notify wakes who waits, if anybody does.
func notify(c chan struct{}) {
	if c == nil {
		return
	}
	select {
	case c <- struct{}{}:
	default:
	}
}

// newStream makes a stream. s.mu is held.
func (s *session) newStream(id uint32) *stream {
	st := &stream{session: s, id: id, room: wire.StreamWindow}
	s.streams[id] = st
	return st
}

// remove forgets a stream. s.mu is held.
func (s *session) remove(st *stream) {
	delete(s.streams, st.id)
}

// closeIfDone forgets a stream that has ended on both sides. s.mu is held.
func (s *session) closeIfDone(st *stream) {
	if st.ended && st.sentEnd && !st.reset {
		s.remove(st)
	}
}

// append appends a whole frame. s.mu is held.
func (s *session) append(t wire.Type, id uint32, payload []byte) {
	s.data = -1
	s.out = wire.AppendFrame(s.out, t, 0, id, payload)
}

// die ends a stream with an error. s.mu is held.
func (s *session) die(st *stream, err error) {
	if st.err == nil {
		st.err = err
	}
	s.drop(st)
	if st.cancel != nil {
		st.cancel(err)
	}
	notify(st.ready)
	notify(st.space)
	s.stirred = true
}

// resetStream resets a stream from our side. s.mu is held.
func (s *session) resetStream(st *stream, code wire.Code, text string, err error) {
	if st.reset || s.streams[st.id] != st {
		return
	}
	st.reset = true
	s.data = -1
	s.out = wire.AppendReset(s.out, st.id, code, text)
	s.die(st, err)
}

// drop throws away what nobody will read. s.mu is held.
func (s *session) drop(st *stream) {
	st.discard = true
	if n := len(st.buf) - st.off; n > 0 {
		s.giveBack(n)
	}
	st.buf, st.off = nil, 0
}

// giveBack returns bytes to the host's window for this instance. s.mu is held.
func (s *session) giveBack(n int) {
	s.credit += n
	if s.credit >= s.window/4 {
		s.data = -1
		s.out = wire.AppendWindow(s.out, 0, uint32(s.credit))
		s.credit = 0
	}
}

// read takes received bytes; it waits until there are some.
func (st *stream) read(p []byte) (n int, ended bool, err error) {
	if len(p) == 0 {
		return 0, false, nil
	}
	s := st.session
	for {
		s.mu.Lock()
		if n = copy(p, st.buf[st.off:]); n > 0 {
			if st.off += n; st.off == len(st.buf) {
				st.buf, st.off = st.buf[:0], 0
			}
			st.credit += n
			if st.credit >= wire.StreamWindow/2 && !st.ended && st.err == nil {
				s.data = -1
				s.out = wire.AppendWindow(s.out, st.id, uint32(st.credit))
				st.credit = 0
			}
			s.giveBack(n)
			s.mu.Unlock()
			return n, false, nil
		}
		err, ended, discard := st.err, st.ended, st.discard
		var ready <-chan struct{}
		if err == nil && !ended && !discard {
			ready = wait(&st.ready)
		}
		s.mu.Unlock()
		switch {
		case err != nil:
			return 0, false, err
		case ended:
			return 0, true, nil
		case discard:
			return 0, false, http.ErrBodyReadAfterClose
		}
		<-ready
	}
}

// write sends body bytes, as the host's windows allow.
func (st *stream) write(p []byte) (written int, err error) {
	s := st.session
	for len(p) > 0 {
		s.mu.Lock()
		switch {
		case st.err != nil:
			err = st.err
		case st.sentEnd:
			err = errEnded
		case st.stopped:
			err = errStopped
		}
		if err != nil {
			s.mu.Unlock()
			return written, err
		}
		n := min(len(p), st.room, s.room, wire.MaxPayload)
		if len(s.out) > crowd {
			n, s.crowded = 0, true
		}
		if n <= 0 {
			st.starving = true
			space := wait(&st.space)
			s.mu.Unlock()
			<-space
			continue
		}
		st.room -= n
		s.room -= n
		s.appendData(st.id, p[:n])
		s.mu.Unlock()
		p = p[n:]
		written += n
	}
	return written, nil
}

// appendData appends body bytes, to the last frame where that is this stream's
// DATA too: a handler that writes little by little costs one frame. s.mu is
// held.
func (s *session) appendData(id uint32, p []byte) {
	if at := s.data; at >= 0 {
		f, _, err := wire.NextFrame(s.out[at:])
		if err == nil && f.Stream == id && len(f.Payload)+len(p) <= wire.MaxPayload {
			s.out = append(s.out, p...)
			wire.EndFrame(s.out, at)
			return
		}
	}
	at := len(s.out)
	s.out = wire.AppendFrame(s.out, wire.Data, 0, id, p)
	s.data = at
}

// end says that we have said all on a stream. s.mu is held.
func (s *session) end(st *stream, trailer http.Header) {
	if st.sentEnd || st.err != nil {
		return
	}
	st.sentEnd = true
	s.data = -1
	at := len(s.out)
	s.out = wire.BeginFrame(s.out, wire.End, 0, st.id)
	s.out = appendHeaders(s.out, trailer)
	s.out = wire.EndFrame(s.out, at)
	s.closeIfDone(st)
}

// begin makes room for a poll's output: what the last poll handed over is the
// host's no longer, what it had to leave goes first. s.mu is held.
func (s *session) begin() {
	s.out = append(s.out[:0], s.out[s.sent:]...)
	s.sent, s.data, s.stirred = 0, -1, false
	if s.crowded {
		s.crowded = false
		for _, st := range s.streams {
			s.wakeWriter(st)
		}
	}
}

// finish gives what the poll answers: whole frames, at most a batch. When there
// is more, it asks to be polled again. s.mu is held.
func (s *session) finish() []byte {
	const wakeFrame = wire.FrameHead + 4
	if s.crowded || len(s.out) > wire.MaxBatch-wakeFrame {
		n := 0
		for n < len(s.out) {
			f, _, _ := wire.NextFrame(s.out[n:])
			if more := wire.FrameHead + len(f.Payload); n+more > wire.MaxBatch-wakeFrame {
				break
			} else {
				n += more
			}
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

// wakeWriter lets a writer that waits for room look again. s.mu is held.
func (s *session) wakeWriter(st *stream) {
	if st.starving && st.room > 0 && s.room > 0 {
		st.starving = false
		notify(st.space)
		s.stirred = true
	}
}

// deadlineOf reads a deadline field.
func deadlineOf(f wire.Field) time.Time {
	ms, ok := f.U64()
	if !ok || ms > uint64(1<<40) {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(ms) * time.Millisecond)
}
