// A stream: one request and its answer, opened by the host or by the guest. What
// the wire says about its states is kept here.
package sandbox

import (
	"context"
	"io"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// stream is one stream of an instance. Its instance's mu guards every field but
// those that never change after opening (inst, id, ctx, cancel, request,
// parent).
type stream struct {
	inst *instance
	id   uint32
	ctx  context.Context // ends when the stream does, for what is done on its behalf

	request  *Request  // host-opened: what was asked
	parent   *stream   // guest-opened: on whose behalf
	children []*stream // host-opened: opened on its behalf
	cancel   context.CancelFunc
	timer    *time.Timer // of the deadline
	exchange *Exchange   // takes the answer as it comes, instead of buf
	unhook   func() bool // takes the stream off its caller's context
	body     io.Reader   // what is being sent, closed when the stream dies

	// What the guest sends.
	status  int // of its HEAD; 0: none yet
	header  []wire.Header
	buf     []byte // DATA that nobody has read yet: buf[off:]
	off     int
	window  int // what it may still send
	credit  int // read, and not yet given back to its window
	ended   bool
	trailer []wire.Header
	discard bool // nobody will read more

	// What we send.
	room    int // what we may still send
	sentEnd bool
	stopped bool // the guest wants no more of it

	err      error // why it died; nil while it lives and after a regular end
	resetAt  time.Time
	reset    bool // our RESET has gone out, the guest's is awaited
	gone     bool // its slot is free
	orphan   bool // a pooled stream whose caller has left
	pooled   bool
	starving bool // its sender waits for room, here or in the instance

	ready chan struct{} // something came, or it died: its reader looks
	space chan struct{} // there is room, or it died: its sender looks
}

// guestOpened tells who opened the stream: the guest's ids are even.
func (s *stream) guestOpened() bool { return s.id&1 == 0 }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// newStream takes a stream from the pool or makes one. i.mu is held.
func (i *instance) newStream(id uint32, pooled bool) *stream {
	var s *stream
	if n := len(i.free); pooled && n > 0 {
		s = i.free[n-1]
		i.free = i.free[:n-1]
		ready, space, buf := s.ready, s.space, s.buf[:0]
		*s = stream{ready: ready, space: space, buf: buf}
	} else {
		s = &stream{ready: make(chan struct{}, 1), space: make(chan struct{}, 1)}
	}
	s.inst, s.id, s.pooled = i, id, pooled
	s.window, s.room = wire.StreamWindow, wire.StreamWindow
	i.streams[id] = s
	if s.guestOpened() {
		i.opened++
	}
	return s
}

// remove frees a stream's slot. i.mu is held.
func (i *instance) remove(s *stream) {
	if s.gone {
		return
	}
	s.gone = true
	delete(i.streams, s.id)
	if s.reset {
		i.unanswered--
	}
	if s.guestOpened() {
		i.opened--
		if p := s.parent; p != nil {
			for n, c := range p.children {
				if c == s {
					last := len(p.children) - 1
					p.children[n] = p.children[last]
					p.children[last] = nil
					p.children = p.children[:last]
					break
				}
			}
		}
	}
	if s.cancel != nil {
		s.cancel()
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.unhook != nil {
		s.unhook()
	}
	if s.orphan {
		i.recycle(s)
	}
	if len(i.streams) == 0 {
		switch {
		case i.draining:
			i.end(ErrClosed)
		case i.alone: // request isolation: it has had its request
			i.end(errUnloaded)
		}
	}
}

// recycle puts a pooled stream back. Nobody may know it any more. i.mu is held.
func (i *instance) recycle(s *stream) {
	if s.pooled && len(i.free) < 64 {
		i.free = append(i.free, s)
	}
}

// closeIfDone frees the slot of a stream that has ended on both sides. i.mu is
// held.
func (i *instance) closeIfDone(s *stream) {
	if s.ended && s.sentEnd && !s.reset {
		i.remove(s)
	}
}

// drop throws away what was received and not read, and gives its bytes back to
// the instance's window at once. i.mu is held.
func (i *instance) drop(s *stream) {
	s.discard = true
	if n := len(s.buf) - s.off; n > 0 {
		s.buf, s.off = s.buf[:0], 0
		i.buffered -= n
		i.giveBack(n)
	}
}

// consumed counts n bytes that a reader took, and opens the windows again when
// enough has come together. i.mu is held.
func (i *instance) consumed(s *stream, n int) {
	i.buffered -= n
	s.credit += n
	if s.credit >= wire.StreamWindow/2 && !s.ended && s.err == nil && !s.gone {
		i.in = wire.AppendWindow(i.in, s.id, uint32(s.credit))
		s.window += s.credit
		s.credit = 0
		i.kick()
	}
	i.giveBack(n)
}

// giveBack returns n bytes to the guest's window for the whole instance.
// i.mu is held.
func (i *instance) giveBack(n int) {
	i.credit += n
	if i.credit >= i.windowSize/4 && i.dead == nil {
		i.in = wire.AppendWindow(i.in, 0, uint32(i.credit))
		i.window += i.credit
		i.credit = 0
		i.kick()
	}
}

// die ends a stream with an error, and what was opened on its behalf with it.
// It says nothing to the guest. i.mu is held.
func (i *instance) die(s *stream, err error) {
	if s.err == nil {
		s.err = err
	}
	i.drop(s)
	if s.cancel != nil {
		s.cancel()
	}
	if c, ok := s.body.(io.Closer); ok && !s.sentEnd {
		go c.Close() // it may wait for a Read that somebody else must end
	}
	s.body = nil
	notify(s.ready)
	notify(s.space)
	i.resetChildren(s)
}

// resetChildren ends what was opened on a stream's behalf. i.mu is held.
func (i *instance) resetChildren(s *stream) {
	for _, c := range s.children {
		i.resetStream(c, wire.Cancelled, "", context.Canceled)
	}
}

// resetStream resets a stream from our side; err is what its reader is told.
// Its slot stays taken until the guest has answered. i.mu is held.
func (i *instance) resetStream(s *stream, code wire.Code, text string, err error) {
	if s.gone || s.reset || i.dead != nil {
		return
	}
	s.reset, s.resetAt = true, time.Now()
	i.unanswered++
	if i.unanswered == 1 {
		i.answerBy = s.resetAt.Add(resetGrace)
	}
	i.in = wire.AppendReset(i.in, s.id, code, text)
	i.die(s, err)
	i.kick()
}

// read takes received bytes; it waits until there are some.
func (s *stream) read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	i := s.inst
	for {
		i.mu.Lock()
		if n := copy(p, s.buf[s.off:]); n > 0 {
			if s.off += n; s.off == len(s.buf) {
				s.buf, s.off = s.buf[:0], 0
			}
			i.consumed(s, n)
			i.mu.Unlock()
			return n, nil
		}
		err, ended, discard := s.err, s.ended, s.discard
		i.mu.Unlock()
		switch {
		case err != nil:
			return 0, err
		case ended:
			return 0, io.EOF
		case discard:
			return 0, io.ErrClosedPipe
		}
		<-s.ready
	}
}

// send hands bytes to the guest, as its windows allow. It answers false when
// nobody wants them any more.
func (s *stream) send(p []byte) bool {
	i := s.inst
	for len(p) > 0 {
		i.mu.Lock()
		if s.err != nil || s.stopped || s.gone || s.sentEnd {
			i.mu.Unlock()
			return false
		}
		n := min(len(p), s.room, i.room, wire.MaxPayload)
		if n > 0 {
			s.room -= n
			i.room -= n
			i.in = wire.AppendFrame(i.in, wire.Data, 0, s.id, p[:n])
			p = p[n:]
			i.kick()
		} else {
			s.starving = true
		}
		i.mu.Unlock()
		if n == 0 {
			<-s.space
		}
	}
	return true
}

// end says that we have said all. The fields are trailers.
func (s *stream) end(trailer []wire.Header) {
	s.inst.mu.Lock()
	defer s.inst.mu.Unlock()
	s.sendEnd(trailer)
}

// sendEnd is end with i.mu held.
func (s *stream) sendEnd(trailer []wire.Header) {
	i := s.inst
	if s.err != nil || s.gone || s.sentEnd || i.dead != nil {
		return
	}
	s.sentEnd, s.body = true, nil
	at := len(i.in)
	i.in = wire.BeginFrame(i.in, wire.End, 0, s.id)
	i.in = appendHeaders(i.in, trailer)
	if len(i.in)-at-wire.FrameHead > wire.MaxFields {
		i.in = wire.BeginFrame(i.in[:at], wire.End, 0, s.id) // rather none than half
	}
	i.in = wire.EndFrame(i.in, at)
	i.closeIfDone(s)
	i.kick()
}

// appendHeaders appends header fields, but none that could not be told apart
// again on the other side.
func appendHeaders(b []byte, headers []wire.Header) []byte {
	for _, h := range headers {
		if validHeader(h.Name, h.Value) {
			b = wire.AppendPair(b, wire.TagHeader, h.Name, h.Value)
		}
	}
	return b
}

// validHeader refuses what would break out of a header line, or of a pair.
func validHeader[T string | []byte](name, value T) bool {
	if len(name) == 0 {
		return false
	}
	for n := range len(name) {
		if c := name[n]; c <= ' ' || c == ':' || c >= 0x7f {
			return false
		}
	}
	for n := range len(value) {
		if c := value[n]; c == 0 || c == '\r' || c == '\n' {
			return false
		}
	}
	return true
}
