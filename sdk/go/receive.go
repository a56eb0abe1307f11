// What the host says: its frames, one after the other, held against the state of
// their streams. What is not allowed is a fault of the host's, which ends the
// session: see the table of the specification.
package atoll

import (
	"strconv"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// receive takes a batch of the host's frames. s.mu is held, but not while a
// handler at the frame level runs.
func (s *session) receive(in []byte) {
	if len(in) > wire.MaxBatch {
		s.fault("a batch of " + strconv.Itoa(len(in)) + " bytes")
	}
	for len(in) > 0 {
		f, rest, err := wire.NextFrame(in)
		if err != nil {
			s.fault(err.Error())
		}
		in = rest
		switch {
		case !s.greeted:
			s.receiveHello(f)
		case f.Type == wire.Open:
			if len(s.frames) > 0 && f.Stream > s.lastID && f.Stream&1 != 0 && f.Stream < wire.MaxStream {
				if after, done := s.answerFrames(f, rest); done {
					in = after
					continue
				}
			}
			s.receiveOpen(f)
		case f.Stream == 0:
			s.receiveControl(f)
		default:
			s.receiveFrame(f)
		}
	}
	if len(s.starts) > 0 {
		s.start()
	}
}

// start starts the handlers of the requests that came with a batch and did not
// end in it. s.mu is held.
func (s *session) start() {
	starts := s.starts
	for _, x := range starts {
		if x.err == nil && !x.gone {
			x.serving = true
			s.stirred = true
			s.running++
			s.work(x)
		}
	}
	clear(starts)
	s.starts = starts[:0]
	if cap(starts) > 1<<10 {
		s.starts = nil
	}
}

// receiveControl takes a frame about the instance as a whole. s.mu is held.
func (s *session) receiveControl(f wire.Frame) {
	switch f.Type {
	case wire.Window:
		s.room += s.more(f, s.room)
		for _, st := range s.streams {
			s.wakeWriter(st)
		}
	case wire.Drain:
		if len(f.Payload) > 0 {
			s.broken(f, "it has a payload")
		}
		s.drain()
	default:
		if f.Type.Known() || f.Flags&wire.Critical != 0 {
			s.broken(f, "it has no place outside a stream")
		}
	}
}

// receiveFrame takes a frame of a stream. s.mu is held.
func (s *session) receiveFrame(f wire.Frame) {
	st := s.streams[f.Stream]
	switch f.Type {
	case wire.Hello, wire.Splice, wire.Wake, wire.Log, wire.Drain:
		s.broken(f, "it has no place on a stream")
	}
	switch {
	case st == nil:
		s.receiveStray(f)
		return
	case st.reset:
		s.receiveCrossing(st, f)
		return
	case st.err != nil && !st.ours():
		s.broken(f, "it comes after RESET")
	}
	switch f.Type {
	case wire.Data:
		s.receiveData(st, f)
	case wire.Head:
		s.receiveHead(st, f)
	case wire.End:
		s.receiveEnd(st, f)
	case wire.Window:
		st.room += int32(s.more(f, int(st.room)))
		s.wakeWriter(st)
	case wire.Stop:
		s.receiveStop(st, f)
	case wire.Reset:
		code, text := s.code(f)
		s.die(st, &ResetError{Code: code, Text: string(text)})
		if !st.serving { // else the slot is free when the handler has returned
			s.acknowledge(st)
		}
	default:
		if f.Flags&wire.Critical != 0 {
			s.refuse(st, wire.Unsupported, "an unknown critical frame")
		}
	}
}

// receiveStray takes a frame of a stream that is not there: of one that was,
// what may still be on its way is let pass. s.mu is held.
func (s *session) receiveStray(f wire.Frame) {
	if f.Stream&1 != 0 && f.Stream > s.lastID || f.Stream&1 == 0 && f.Stream >= s.nextID {
		s.broken(f, "the stream was never opened")
	}
	switch f.Type {
	case wire.Reset: // it had ended here; the host's slot waits for our answer
		s.code(f)
		s.appendReset(f.Stream, wire.Cancelled, "")
	case wire.Window:
		s.more(f, 0)
	case wire.Stop:
		s.code(f)
	default:
		if f.Type.Known() {
			s.broken(f, "the stream has ended")
		}
	}
}

// receiveCrossing takes a frame of a stream that we have reset: the host's own
// RESET frees it, and everything else crossed ours on the way. s.mu is held.
func (s *session) receiveCrossing(st *stream, f wire.Frame) {
	switch f.Type {
	case wire.Reset:
		s.code(f)
		s.remove(st)
	case wire.Data:
		if f.Cost() > s.window {
			s.broken(f, "it is more than the instance's window")
		}
		s.window -= f.Cost()
		s.giveBack(f.Cost())
	}
}

// receiveData takes body bytes. s.mu is held.
func (s *session) receiveData(st *stream, f wire.Frame) {
	n := f.Cost()
	switch {
	case st.ours() && st.child.head == nil:
		s.broken(f, "it comes before HEAD")
	case st.ended:
		s.broken(f, "it comes after END")
	case st.into != nil:
		s.broken(f, "the stream is spliced")
	case n > int(st.window) || n > s.window:
		s.broken(f, "it is more than its window")
	}
	st.window -= int32(n)
	s.window -= n
	switch {
	case st.discard:
		s.giveBack(n)
		return
	case st.messages != nil:
		st.messages.add(f)
		s.keep(st, f.Payload)
	default:
		s.keep(st, f.Payload)
		if more := n - len(f.Payload); more > 0 { // nobody reads the ends of messages here
			s.consumed(st, more)
		}
	}
	if st.call != nil && len(st.buf) >= wire.StreamWindow {
		s.refuse(st, wire.TooLarge, "a request at the frame level")
		return
	}
	s.wake(st)
}

// receiveEnd takes the end of what the host says on a stream. s.mu is held.
func (s *session) receiveEnd(st *stream, f wire.Frame) {
	switch {
	case st.ours() && st.child.head == nil:
		s.broken(f, "it comes before HEAD")
	case st.ended:
		s.broken(f, "it is the second one")
	}
	if len(f.Payload) > 0 && !s.readEnd(st, f) {
		return
	}
	st.ended = true
	if to := st.into; to != nil && !to.sentEnd { // the host has ended it in our place
		to.sentEnd = true
		s.closeIfDone(to)
	}
	s.wake(st)
	if st.call != nil {
		s.answerLate(st)
	}
	s.closeIfDone(st)
}

// readEnd reads trailers and the close of a websocket; where it says no, the
// stream has been reset. s.mu is held.
func (s *session) readEnd(st *stream, f wire.Frame) bool {
	headers, invalid, unknown := 0, false, false
	b := s.block(f)
	for b.next() {
		switch {
		case b.tag == wire.TagHeader:
			headers++
			invalid = invalid || !validPair(b.value)
		case b.tag == wire.TagCloseCode && st.messages != nil:
			st.messages.code = int(b.u16())
		case b.tag == wire.TagCloseText && st.messages != nil:
			if len(b.value) > maxCloseText {
				s.broken(f, "its close text is too large")
			}
			st.messages.text = string(b.value)
		default:
			unknown = unknown || b.critical
		}
	}
	switch {
	case unknown:
		s.refuse(st, wire.Unsupported, "an unknown critical field")
	case invalid:
		s.refuse(st, wire.Invalid, "a trailer")
	case headers > 0 && !st.discard:
		st.trailer = readHeaders(string(f.Payload), headers)
	}
	return !unknown && !invalid
}

// receiveStop ends what we send because the host wants no more. s.mu is held.
func (s *session) receiveStop(st *stream, f wire.Frame) {
	if _, text := s.code(f); len(text) > 0 {
		s.broken(f, "it has more than a code")
	}
	if st.sentEnd {
		return
	}
	st.stopped = true
	switch {
	case st.spliced:
		st.sentEnd = true
		s.closeIfDone(st)
	case st.ours() || st.sentHead: // else END follows HEAD
		s.end(st, nil)
	}
	if x := st.served; x != nil { // nothing that is done for it reaches anybody
		x.ctx.end(errStopped)
		for c := x.children; c != nil && !st.sentEnd; { // at our END the host resets them
			next := c.next
			s.giveUp(c, wire.Cancelled, errStopped)
			c = next
		}
	}
	notify(st.space)
	st.splice.look()
	s.stirred = true
}

// more reads the payload of WINDOW, by which a window is to grow. s.mu is held.
func (s *session) more(f wire.Frame, window int) int {
	more, ok := f.U32()
	if !ok || more == 0 || window+int(more) >= wire.MaxWindow {
		s.broken(f, "a window out of range")
	}
	return int(more)
}

// code reads the payload of RESET and STOP. s.mu is held.
func (s *session) code(f wire.Frame) (code wire.Code, text []byte) {
	code, text, ok := f.Code()
	if !ok {
		s.broken(f, "it has no code, or too much text")
	}
	return code, text
}

// broken is fault for a frame. s.mu is held.
func (s *session) broken(f wire.Frame, why string) {
	s.fault(f.Type.String() + " (" + strconv.Itoa(int(f.Type)) + ") on stream " + strconv.Itoa(int(f.Stream)) + ": " + why)
}
