// What a guest says: its frames, held against the state of its streams. Whatever
// is not allowed is a fault of the instance, never of the host.
package sandbox

import (
	"fmt"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// receive takes a batch of the guest's frames. An error is the *Fault that ends
// the instance. i.mu is held.
func (i *instance) receive(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	if len(out) > wire.MaxBatch {
		return i.fault(FaultWire, fmt.Sprintf("a batch of %d bytes", len(out)))
	}
	for len(out) > 0 && i.dead == nil {
		f, rest, err := wire.NextFrame(out)
		if err != nil {
			return i.fault(FaultWire, err.Error())
		}
		out = rest
		if err := i.receiveFrame(f); err != nil {
			return err
		}
	}
	return nil
}

func (i *instance) receiveFrame(f wire.Frame) error {
	if f.Stream == 0 {
		return i.receiveControl(f)
	}
	s := i.streams[f.Stream]
	switch {
	case f.Type == wire.Open:
		return i.receiveOpen(f)
	case s == nil:
		return i.receiveStray(f)
	case s.reset:
		return i.receiveCrossing(s, f)
	}
	switch f.Type {
	case wire.Data:
		return i.receiveData(s, f)
	case wire.Head:
		return i.receiveHead(s, f)
	case wire.End:
		return i.receiveEnd(s, f)
	case wire.Window:
		more, ok := f.U32()
		if !ok || s.room+int(more) >= wire.MaxWindow {
			return i.broken(f, "a window out of range")
		}
		s.room += int(more)
		i.wakeSender(s)
	case wire.Stop:
		if _, _, ok := f.Code(); !ok {
			return i.broken(f, "it has no code")
		}
		i.stopSending(s)
	case wire.Reset:
		code, text, ok := f.Code()
		if !ok {
			return i.broken(f, "it has no code")
		}
		i.in = wire.AppendReset(i.in, s.id, code, "")
		i.kick()
		i.die(s, &ResetError{Code: code, Text: string(text)})
		i.remove(s)
	default:
		if f.Type.Known() {
			return i.broken(f, "it has no place on a stream of a guest")
		}
		if f.Flags&wire.Critical != 0 {
			i.resetStream(s, wire.Unsupported, "an unknown critical frame", &ResetError{Code: wire.Unsupported})
		}
	}
	return nil
}

// receiveControl takes a frame about the instance as a whole.
func (i *instance) receiveControl(f wire.Frame) error {
	switch f.Type {
	case wire.Window:
		more, ok := f.U32()
		if !ok || i.room+int(more) >= wire.MaxWindow {
			return i.broken(f, "a window out of range")
		}
		i.room += int(more)
		for _, s := range i.streams {
			i.wakeSender(s)
		}
	case wire.Wake:
		ms, ok := f.U32()
		if !ok {
			return i.broken(f, "it has no time")
		}
		w := i.world
		w.wake = min(w.wake, w.monotonic()+int64(time.Duration(max(ms, 1))*time.Millisecond))
	case wire.Log:
		if !i.log.frame(i.world.now, f.Payload) {
			return i.broken(f, "its fields are broken")
		}
	default:
		if f.Type.Known() || f.Flags&wire.Critical != 0 {
			return i.broken(f, "it has no place outside a stream")
		}
	}
	return nil
}

// receiveStray takes a frame of a stream that is not there: of one that was,
// what may still be on its way is let pass.
func (i *instance) receiveStray(f wire.Frame) error {
	was := f.Stream < i.nextID
	if f.Stream&1 == 0 {
		was = f.Stream <= i.lastID
	}
	switch {
	case !was:
		return i.broken(f, "the stream was never opened")
	case f.Type == wire.Reset:
		// It had ended here when the guest gave it up: the guest's slot waits
		// for our answer. The answer rides along with the next poll, at latest
		// soon, so that a guest that answers answers does not spin.
		i.in = wire.AppendReset(i.in, f.Stream, wire.Cancelled, "")
		w := i.world
		w.wake = min(w.wake, w.monotonic()+int64(time.Millisecond))
	case f.Type == wire.Window, f.Type == wire.Stop, !f.Type.Known():
	default:
		return i.broken(f, "the stream has ended")
	}
	return nil
}

// receiveCrossing takes a frame of a stream that we have reset: the guest's own
// RESET frees it, and everything else crossed ours on the way.
func (i *instance) receiveCrossing(s *stream, f wire.Frame) error {
	switch f.Type {
	case wire.Reset:
		i.remove(s)
	case wire.Data:
		if len(f.Payload) > i.window {
			return i.overWindow(f)
		}
		i.window -= len(f.Payload)
		i.giveBack(len(f.Payload))
	}
	return nil
}

func (i *instance) receiveData(s *stream, f wire.Frame) error {
	n := len(f.Payload)
	switch {
	case s.ended:
		return i.broken(f, "it comes after END")
	case !s.guestOpened() && s.status == 0:
		return i.broken(f, "it comes before HEAD")
	case n > s.window || n > i.window:
		return i.overWindow(f)
	}
	s.window -= n
	i.window -= n
	i.buffered += n
	switch {
	case s.discard:
		i.buffered -= n
		i.giveBack(n)
	case s.exchange != nil:
		if len(s.exchange.Body)+n > s.exchange.MaxBody {
			i.buffered -= n
			i.giveBack(n)
			i.resetStream(s, wire.TooLarge, "", &ResetError{Code: wire.TooLarge, Text: "the answer is larger than was asked for"})
			return nil
		}
		s.exchange.Body = append(s.exchange.Body, f.Payload...)
		i.consumed(s, n)
	default:
		if s.off > 0 {
			s.buf = s.buf[:copy(s.buf, s.buf[s.off:])]
			s.off = 0
		}
		s.buf = append(s.buf, f.Payload...)
		notify(s.ready)
	}
	return nil
}

func (i *instance) receiveHead(s *stream, f wire.Frame) error {
	switch {
	case s.guestOpened():
		return i.broken(f, "the guest opened this stream and answers it too")
	case s.status != 0:
		return i.broken(f, "it is the second one")
	case s.ended:
		return i.broken(f, "it comes after END")
	case len(f.Payload) > wire.MaxFields:
		return i.broken(f, "its fields are too large")
	}
	status, header, unknown, err := readHead(f.Payload, s.exchange == nil)
	switch {
	case err != nil:
		return i.broken(f, err.Error())
	case unknown:
		i.resetStream(s, wire.Unsupported, "an unknown critical field", &ResetError{Code: wire.Unsupported})
		return nil
	case status == 0:
		i.resetStream(s, wire.Invalid, "the head cannot be sent on", &ResetError{Code: wire.Internal, Text: "the extension's answer is not one"})
		return nil
	}
	s.status, s.header = status, header
	if s.exchange != nil {
		s.exchange.Status = status
		s.exchange.head = append(s.exchange.head[:0], f.Payload...)
	}
	notify(s.ready)
	return nil
}

func (i *instance) receiveEnd(s *stream, f wire.Frame) error {
	switch {
	case s.ended:
		return i.broken(f, "it is the second one")
	case !s.guestOpened() && s.status == 0:
		return i.broken(f, "it comes before HEAD")
	case len(f.Payload) > wire.MaxFields:
		return i.broken(f, "its fields are too large")
	}
	if len(f.Payload) > 0 {
		_, trailer, unknown, err := readHead(f.Payload, true)
		if err != nil {
			return i.broken(f, err.Error())
		}
		if unknown {
			i.resetStream(s, wire.Unsupported, "an unknown critical field", &ResetError{Code: wire.Unsupported})
			return nil
		}
		s.trailer = trailer
	}
	s.ended = true
	if !s.guestOpened() {
		i.resetChildren(s) // what was done for this answer is over
	}
	notify(s.ready)
	i.closeIfDone(s)
	return nil
}

// stopSending ends what we send because the guest wants no more. i.mu is held.
func (i *instance) stopSending(s *stream) {
	if s.sentEnd {
		return
	}
	s.stopped = true
	s.sendEnd(nil)
	notify(s.space)
}

// wakeSender lets a sender that waits for room look again. i.mu is held.
func (i *instance) wakeSender(s *stream) {
	if s.starving && s.room > 0 && i.room > 0 {
		s.starving = false
		notify(s.space)
	}
}

func (i *instance) broken(f wire.Frame, why string) error {
	return i.fault(FaultWire, fmt.Sprintf("%v (%d) on stream %d: %s", f.Type, f.Type, f.Stream, why))
}

func (i *instance) overWindow(f wire.Frame) error {
	return i.fault(FaultWindow, fmt.Sprintf("%d bytes on stream %d are more than its window", len(f.Payload), f.Stream))
}

// readHead reads a block of status and header fields. Headers are read only
// when they are wanted. A status of zero: it, or a header, is none that could be
// sent on. Unknown: a critical field that this version does not know.
func readHead(payload []byte, headers bool) (status int, header []wire.Header, unknown bool, err error) {
	valid := true
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return 0, nil, false, err
		}
		payload = rest
		switch f.Tag {
		case wire.TagStatus:
			v, _ := f.U16()
			status = int(v)
		case wire.TagHeader:
			name, value, ok := f.Pair()
			if !ok || !validHeader(name, value) {
				valid = false
			} else if headers {
				header = append(header, wire.Header{Name: string(name), Value: string(value)})
			}
		default:
			unknown = unknown || f.Critical()
		}
	}
	if !valid || status < 200 || status > 599 {
		status = 0
	}
	return status, header, unknown, nil
}
