// A stream, opened by the host (odd ids) or by us (even ones): its state, its
// windows, and how its bytes are read and written.
package atoll

import (
	"errors"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

var (
	errEnded   = errors.New("atoll: the answer has ended")
	errStopped = errors.New("atoll: the other side wants no more of the body")
	errClosed  = errors.New("atoll: the session is closed")
)

// smallBuffer is what a stream may keep while nothing is in it, in bytes.
const smallBuffer = 512

// stream is one stream. session.mu guards it. There may be tens of thousands:
// what only some need hangs on a pointer.
type stream struct {
	session *session
	id      uint32

	// What the host sends.
	window   int32 // what it may still send
	credit   int32 // read, and not yet given back
	off      int32
	buf      []byte // DATA that nobody has read: buf[off:]
	trailer  http.Header
	ended    bool    // it has said END
	discard  bool    // nobody will read more
	saidStop bool    // we have said STOP
	into     *stream // where the host forwards the rest itself

	// What we send.
	room     int32
	sentHead bool
	sentEnd  bool
	stopped  bool // the host wants no more of it
	spliced  bool // the host sends the rest itself
	starving bool // a writer waits for room

	reset   bool // we have said RESET, the host's is awaited
	serving bool // a handler runs for it
	gone    bool // its slot is free
	err     error

	served   *served    // opened by the host, for a http.Handler
	child    *child     // opened by us
	call     *frameCall // opened by the host, at the frame level, in parts
	messages *messages  // of a stream that carries messages
	splice   *splice    // by which another is forwarded into it

	ready, space chan struct{} // made when somebody waits
}

// ours tells who opened the stream.
func (st *stream) ours() bool { return st.id&1 == 0 }

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

// add begins a stream. s.mu is held.
func (s *session) add(st *stream, id uint32) {
	st.session, st.id = s, id
	st.room, st.window = wire.StreamWindow, wire.StreamWindow
	s.streams[id] = st
	s.most = max(s.most, len(s.streams))
	if st.ours() {
		s.opened++
	}
}

// remove forgets a stream: its slot is free. s.mu is held.
func (s *session) remove(st *stream) {
	if st.gone {
		return
	}
	st.gone = true
	delete(s.streams, st.id)
	if st.ours() {
		s.opened--
	}
	if len(s.streams) == 0 && s.most > 1<<10 {
		s.streams, s.most = map[uint32]*stream{}, 0 // maps never shrink
	}
}

// closeIfDone forgets a stream that has ended on both sides. s.mu is held.
func (s *session) closeIfDone(st *stream) {
	if st.ended && st.sentEnd && !st.reset {
		s.remove(st)
	}
}

// die ends a stream with an error: nothing more is read or written. It says
// nothing to the host. s.mu is held.
func (s *session) die(st *stream, err error) {
	if st.err == nil {
		st.err = err
	}
	s.drop(st)
	if st.served != nil {
		st.served.ctx.end(err)
	}
	notify(st.ready)
	notify(st.space)
	st.splice.look()
	s.stirred = true
}

// resetStream resets a stream from our side; err is what is read of it from now
// on. s.mu is held.
func (s *session) resetStream(st *stream, code wire.Code, text string, err error) {
	if st.gone || st.reset || s.dead {
		return
	}
	if st.err != nil && !st.ours() { // the host's RESET waits for the handler to return
		return
	}
	if st.ours() && st.spliced && !st.splice.from.ours() {
		// A reset would reset the request whose body is spliced into it too.
		s.stop(st.splice.from)
	}
	st.reset = true
	s.appendReset(st.id, code, text)
	s.die(st, err)
}

// refuse is resetStream with an error that says the same. s.mu is held.
func (s *session) refuse(st *stream, code wire.Code, text string) {
	s.resetStream(st, code, text, &ResetError{Code: code, Text: text})
}

// acknowledge answers the host's RESET and forgets the stream. s.mu is held.
func (s *session) acknowledge(st *stream) {
	if !s.dead {
		s.appendReset(st.id, wire.Cancelled, "")
	}
	s.remove(st)
}

// drop throws away what nobody will read. s.mu is held.
func (s *session) drop(st *stream) {
	st.discard = true
	if n := len(st.buf) - int(st.off) + st.messages.drop(); n > 0 {
		s.giveBack(n)
	}
	s.recycle(st.buf)
	st.buf, st.off = nil, 0
	if st.child != nil {
		st.child.leave()
	}
}

// stop drops what came and says that no more is wanted. s.mu is held.
func (s *session) stop(st *stream) {
	s.drop(st)
	if st.ended || st.saidStop || st.gone || st.err != nil || s.dead {
		return
	}
	st.saidStop = true
	s.data = -1
	s.out = wire.AppendStop(s.out, st.id, wire.Cancelled)
}

// keep appends received bytes to what waits for a reader. A window bounds what
// can wait, so the buffer never grows beyond one. s.mu is held.
func (s *session) keep(st *stream, p []byte) {
	if len(p) == 0 {
		return
	}
	if st.off > 0 {
		st.buf = st.buf[:copy(st.buf, st.buf[st.off:])]
		st.off = 0
	}
	if need := len(st.buf) + len(p); need > cap(st.buf) {
		n := max(need, min(2*cap(st.buf), wire.StreamWindow))
		b := append(s.buffer(n), st.buf...)
		s.recycle(st.buf)
		st.buf = b
	}
	st.buf = append(st.buf, p...)
}

// consumed counts what a reader has taken, and opens the windows again when
// enough has come together. s.mu is held.
func (s *session) consumed(st *stream, n int) {
	st.credit += int32(n)
	if st.credit >= wire.StreamWindow/2 && !st.ended && st.err == nil && st.into == nil && !s.dead {
		s.data = -1
		s.out = wire.AppendWindow(s.out, st.id, uint32(st.credit))
		st.window += st.credit
		st.credit = 0
	}
	s.giveBack(n)
}

// advance takes n bytes off what waits for a reader. s.mu is held.
func (s *session) advance(st *stream, n int) {
	if st.off += int32(n); int(st.off) < len(st.buf) {
		return
	}
	st.off = 0
	if cap(st.buf) <= smallBuffer {
		st.buf = st.buf[:0]
		return
	}
	s.recycle(st.buf)
	st.buf = nil
}

// await waits until there are received bytes. With them it returns with s.mu
// held. Ended: there will be no more.
func (st *stream) await() (ended bool, err error) {
	s := st.session
	for {
		s.lock()
		if st.readable() {
			return false, nil
		}
		err, ended, discard := st.err, st.ended, st.discard
		var ready <-chan struct{}
		if err == nil && !ended && !discard {
			ready = wait(&st.ready)
		}
		s.unlock()
		switch {
		case err != nil:
			return false, err
		case ended:
			return true, nil
		case discard:
			return false, http.ErrBodyReadAfterClose
		}
		<-ready
	}
}

// read takes received bytes; it waits until there are some.
func (st *stream) read(p []byte) (n int, ended bool, err error) {
	if len(p) == 0 {
		return 0, false, nil
	}
	if ended, err = st.await(); ended || err != nil {
		return 0, ended, err
	}
	s := st.session
	n = copy(p, st.buf[st.off:])
	s.advance(st, n)
	s.consumed(st, n)
	s.unlock()
	return n, false, nil
}

// writeTo hands received bytes to write as they come, without a copy between,
// until they end. What write has not taken keeps its window closed.
func (st *stream) writeTo(write func([]byte) (int, error)) (total int64, ended bool, err error) {
	for {
		ended, err := st.await()
		if ended || err != nil {
			return total, ended, err
		}
		n, err := st.hand(write)
		total += int64(n)
		if err != nil {
			return total, false, err
		}
	}
}

// hand hands all received bytes to write. s.mu is held, and released.
func (st *stream) hand(write func([]byte) (int, error)) (int, error) {
	s, whole, p := st.session, st.buf, st.buf[st.off:]
	st.buf, st.off = nil, 0
	s.unlock()
	n, err := write(p)
	s.lock()
	s.consumed(st, len(p))
	s.recycle(whole)
	s.unlock()
	return n, err
}

// writable tells why a stream takes no bytes, or nil. s.mu is held.
func (st *stream) writable() error {
	switch {
	case st.err != nil:
		return st.err
	case st.stopped:
		return errStopped
	case st.sentEnd || st.spliced:
		return errEnded
	}
	return nil
}

// write sends body bytes, as the host's windows allow.
func (st *stream) write(p []byte) (written int, err error) { return st.send(p, 0) }

// send sends bytes with flags. With wire.Message the last frame ends a message,
// which may be empty.
func (st *stream) send(p []byte, flags wire.Flags) (written int, err error) {
	s := st.session
	ends := flags&wire.Message != 0
	for len(p) > 0 || ends {
		s.lock()
		if err := st.writable(); err != nil {
			s.unlock()
			return written, err
		}
		room := min(int(st.room), s.room)
		n, flag, cost := min(len(p), room, wire.MaxPayload), flags&^wire.Message, 0
		if n = max(n, 0); ends && n == len(p) && n+wire.MessageCost <= room {
			flag, cost = flags, wire.MessageCost
		}
		if len(s.out) > crowd {
			n, cost, s.crowded = 0, 0, true
		}
		if n == 0 && cost == 0 {
			st.starving = true
			space := wait(&st.space)
			s.unlock()
			<-space
			continue
		}
		ends = ends && cost == 0
		st.room -= int32(n + cost)
		s.room -= n + cost
		s.appendData(st.id, flag, p[:n])
		s.unlock()
		p = p[n:]
		written += n
	}
	return written, nil
}

// end says that we have said all on a stream. s.mu is held.
func (s *session) end(st *stream, trailer http.Header) {
	at := len(s.out)
	if !s.beginEnd(st) {
		return
	}
	if len(trailer) > 0 { // to walk an empty map takes as much stack
		s.out = appendHeaders(s.out, trailer)
	}
	s.finishEnd(st, at)
}

// beginEnd begins an END whose fields are appended next, if one may be said.
// s.mu is held.
func (s *session) beginEnd(st *stream) bool {
	if st.sentEnd || st.spliced || st.err != nil || st.gone || s.dead {
		return false
	}
	s.data = -1
	s.out = wire.BeginFrame(s.out, wire.End, 0, st.id)
	return true
}

// finishEnd says the END that began at s.out[at:]. s.mu is held.
func (s *session) finishEnd(st *stream, at int) {
	if len(s.out)-at-wire.FrameHead > wire.MaxFields {
		s.out = s.out[:at]
		s.refuse(st, wire.TooLarge, "the trailers")
		return
	}
	s.out = wire.EndFrame(s.out, at)
	st.sentEnd = true
	st.splice.look()
	s.closeIfDone(st)
}

// wakeWriter lets a writer that waits for room look again. s.mu is held.
func (s *session) wakeWriter(st *stream) {
	if st.starving && st.room > 0 && s.room > 0 {
		st.starving = false
		notify(st.space)
		s.stirred = true
	}
}

// wake lets the reader of a stream look. s.mu is held.
func (s *session) wake(st *stream) {
	notify(st.ready)
	s.stirred = true
}
