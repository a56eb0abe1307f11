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
		s := i.streams[f.Stream]
		if s != nil {
			i.takesPart(s)
		}
		out = rest
		if err := i.receiveFrame(f, s); err != nil {
			return err
		}
	}
	return nil
}

// receiveFrame takes a frame of a stream; nil: of one that is not there.
func (i *instance) receiveFrame(f wire.Frame, s *stream) error {
	switch {
	case f.Stream == 0:
		return i.receiveControl(f)
	case f.Type == wire.Open:
		return i.receiveOpen(f)
	case f.Type == wire.Hello, f.Type == wire.Wake, f.Type == wire.Log, f.Type == wire.Drain:
		return i.broken(f, "it has no place on a stream")
	case s == nil:
		return i.receiveStray(f)
	case s.reset:
		return i.receiveCrossing(s, f)
	case s.answered:
		return i.broken(f, "it comes after RESET")
	default:
		return i.receiveOn(s, f)
	}
}

// receiveOn takes a frame of a stream that lives.
func (i *instance) receiveOn(s *stream, f wire.Frame) error {
	switch f.Type {
	case wire.Data:
		return i.receiveData(s, f)
	case wire.Head:
		return i.receiveHead(s, f)
	case wire.End:
		return i.receiveEnd(s, f)
	case wire.Splice:
		return i.receiveSplice(s, f)
	case wire.Window:
		more, ok := f.U32()
		if !ok || more == 0 || s.room+int(more) >= wire.MaxWindow {
			return i.broken(f, "a window out of range")
		}
		s.room += int(more)
		i.wakeSender(s)
	case wire.Stop:
		if len(f.Payload) != 2 {
			return i.broken(f, "it has no code")
		}
		i.stopSending(s)
	case wire.Reset:
		code, text, ok := f.Code()
		if !ok {
			return i.broken(f, "it has no code, or too long a text")
		}
		s.answered = true
		i.answeredFor(s)
		i.die(s, code, &ResetError{Code: code, Text: string(text)})
		if !s.serving {
			i.answerReset(s)
			return nil
		}
		// Its door answers when it has returned, so that a guest which opens
		// and resets cannot pile up work; at latest in time for the guest.
		s.timer = time.AfterFunc(resetGrace/2, func() {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.answerReset(s)
		})
	default:
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
		if !ok || more == 0 || i.room+int(more) >= wire.MaxWindow {
			return i.broken(f, "a window out of range")
		}
		i.room += int(more)
		i.wakeSenders()
	case wire.Wake:
		ms, ok := f.U32()
		if !ok || ms == 0 {
			return i.broken(f, "it has no time")
		}
		i.askWake(time.Duration(ms) * time.Millisecond)
	case wire.Log:
		if !i.log.frame(i.turned.Now, f.Payload) {
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
	switch {
	case !i.opens(f.Stream):
		return i.broken(f, "the stream was never opened")
	case f.Type == wire.Reset:
		// It had ended here when the guest gave it up: the guest's slot waits
		// for our answer. The answer rides along with the next poll, at latest
		// soon, so that a guest that answers answers does not spin.
		if _, _, ok := f.Code(); !ok {
			return i.broken(f, "it has no code, or too long a text")
		}
		i.in = wire.AppendReset(i.in, f.Stream, wire.Cancelled, "")
		i.askWake(time.Millisecond)
	case f.Type == wire.Window, f.Type == wire.Stop, !f.Type.Known():
	default:
		return i.broken(f, "the stream has ended")
	}
	return nil
}

// opens tells whether a stream of this id has ever been opened.
func (i *instance) opens(id uint32) bool {
	if id&1 == 0 {
		return id != 0 && id <= i.lastID
	}
	return id < i.nextID
}

// receiveCrossing takes a frame of a stream that we have reset: the guest's own
// RESET frees it, and everything else crossed ours on the way.
func (i *instance) receiveCrossing(s *stream, f wire.Frame) error {
	switch f.Type {
	case wire.Reset:
		i.remove(s)
	case wire.Data:
		n := cost(len(f.Payload), f.Flags)
		if n > s.window || n > i.window {
			return i.overWindow(f)
		}
		s.window -= n
		i.window -= n
		i.giveBack(n)
	case wire.Splice:
		i.crossingSplice(s, f)
	}
	return nil
}

func (i *instance) receiveData(s *stream, f wire.Frame) error {
	n := cost(len(f.Payload), f.Flags)
	switch {
	case s.ended:
		return i.broken(f, "it comes after END")
	case s.spliced:
		return i.broken(f, "it comes after SPLICE")
	case !s.guestOpened() && s.status == 0:
		return i.broken(f, "it comes before HEAD")
	case n > s.window || n > i.window:
		return i.overWindow(f)
	}
	s.window -= n
	i.window -= n
	i.takesPart(s).out += len(f.Payload)
	i.answers(s, len(f.Payload))
	switch {
	case s.discard:
		i.giveBack(n)
	case s.exchange != nil:
		i.giveBackOn(s, n)
		i.collect(s, f.Payload)
	default:
		s.queue.add(f.Payload, f.Flags)
		s.held += n
		i.buffered += n
		notify(s.ready)
	}
	return nil
}

// collect adds to the whole answer of an exchange. i.mu is held.
func (i *instance) collect(s *stream, p []byte) {
	x := s.exchange
	if len(x.Body)+len(p) > x.MaxBody {
		i.resetStream(s, wire.TooLarge, "", &ResetError{Code: wire.TooLarge, Text: "the answer is larger than was asked for"})
		return
	}
	x.Body = append(x.Body, p...)
}

func (i *instance) receiveHead(s *stream, f wire.Frame) error {
	switch {
	case s.guestOpened():
		return i.broken(f, "the guest opened this stream and answers it too")
	case s.status != 0:
		return i.broken(f, "it is the second one")
	case len(f.Payload) > wire.MaxFields:
		return i.broken(f, "its fields are too large")
	}
	head, err := readHead(f.Payload, s.exchange == nil)
	switch {
	case err != nil:
		return i.broken(f, err.Error())
	case head.unknown:
		i.resetStream(s, wire.Unsupported, "an unknown critical field", &ResetError{Code: wire.Unsupported})
		return nil
	case head.status == 0:
		i.resetStream(s, wire.Invalid, "the head cannot be sent on", &ResetError{Code: wire.Internal, Text: "the extension's answer is not one"})
		return nil
	}
	s.status, s.header = head.status, head.header
	if s.exchange != nil {
		s.exchange.Status = head.status
		s.exchange.head = append(s.exchange.head[:0], f.Payload...)
	}
	notify(s.ready)
	return nil
}

func (i *instance) receiveEnd(s *stream, f wire.Frame) error {
	switch {
	case s.ended:
		return i.broken(f, "it is the second one")
	case s.spliced:
		return i.broken(f, "it comes after SPLICE")
	case !s.guestOpened() && s.status == 0:
		return i.broken(f, "it comes before HEAD")
	case len(f.Payload) > wire.MaxFields:
		return i.broken(f, "its fields are too large")
	}
	if len(f.Payload) > 0 {
		end, err := readEnd(f.Payload)
		switch {
		case err != nil:
			return i.broken(f, err.Error())
		case end.unknown:
			i.resetStream(s, wire.Unsupported, "an unknown critical field", &ResetError{Code: wire.Unsupported})
			return nil
		case end.invalid:
			i.resetStream(s, wire.Invalid, "a trailer cannot be sent on", &ResetError{Code: wire.Internal, Text: "the extension's trailers are none"})
			return nil
		}
		s.trailer, s.close = end.header, s.closing(end.close)
	}
	i.receivedAll(s)
	return nil
}

// receivedAll ends what a stream receives, by the guest's END or in its place.
// i.mu is held.
func (i *instance) receivedAll(s *stream) {
	s.ended = true
	if !s.guestOpened() {
		i.answeredFor(s)
		if c := s.sink; c != nil && c.parent == s {
			i.endSplice(c) // its reset must not reset the answer that is complete
		}
		i.resetChildren(s) // what was done for this answer is over
	}
	notify(s.ready)
	i.closeIfDone(s)
}

func (i *instance) broken(f wire.Frame, why string) error {
	return i.fault(FaultWire, fmt.Sprintf("%v (%d) on stream %d: %s", f.Type, f.Type, f.Stream, why))
}

func (i *instance) overWindow(f wire.Frame) error {
	return i.fault(FaultWindow, fmt.Sprintf("%d bytes on stream %d are more than its window", len(f.Payload), f.Stream))
}
