// Sending to a guest: bodies are pumped as its windows allow, and never more of
// them waits in the host than a batch.
package sandbox

import (
	"errors"
	"io"
	"sync"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// buffers are what pumps read into.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// pump sends what a body gives, until its end, and gives the close that its end
// said. No error: it came to its end, or nobody wants more.
func (s *stream) pump(body io.Reader) (*CloseError, error) {
	buf := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buf)
	framed, _ := body.(FrameReader)
	for empty := 0; ; empty++ {
		var n int
		var flags wire.Flags
		var err error
		if framed != nil {
			n, flags, err = framed.ReadFrame(buf[:])
		} else {
			n, err = body.Read(buf[:])
		}
		if !s.asksFor(n) {
			return nil, &BudgetError{Budget: BudgetRequestSize}
		}
		if !s.send(buf[:n], flags) {
			return nil, nil
		}
		if n > 0 || flags&wire.Message != 0 {
			empty = 0
		}
		switch {
		case err == nil && empty < 100:
		case err == nil:
			return nil, io.ErrNoProgress
		case err == io.EOF:
			return nil, nil
		default:
			// Not errors.Is(err, io.EOF): connections that break wrap it too.
			var end *CloseError
			if errors.As(err, &end) {
				return end, nil
			}
			return nil, err
		}
	}
}

// send hands bytes to the guest, or to whom it has spliced them, as the windows
// allow. It answers false when nobody wants them any more.
func (s *stream) send(p []byte, flags wire.Flags) bool {
	i := s.inst
	for len(p) > 0 || flags&wire.Message != 0 {
		i.mu.Lock()
		if s.err != nil || s.stopped || s.gone || s.sentEnd {
			i.mu.Unlock()
			return false
		}
		n, whole := s.sendSome(p, flags)
		i.mu.Unlock()
		if whole {
			return true
		}
		if p = p[n:]; n == 0 {
			<-s.space
		}
	}
	return true
}

// sendSome sends as much as fits now; whole: that was all, the end of the
// message with it. i.mu is held.
func (s *stream) sendSome(p []byte, flags wire.Flags) (n int, whole bool) {
	i, sink := s.inst, s.sink
	room := min(s.room, i.room)
	switch {
	case sink != nil:
		room = wire.StreamWindow - sink.queue.cost
	case len(i.in) >= wire.MaxBatch:
		room = 0
	}
	n = max(0, min(len(p), room, wire.MaxPayload))
	whole = n == len(p) && cost(n, flags) <= room
	flags &= bodyFlags
	if !whole {
		flags &^= wire.Message
	}
	switch {
	case n == 0 && !whole:
		s.starving = true
		if !s.waiting && sink == nil && (i.room < wire.MessageCost || len(i.in) >= wire.MaxBatch) {
			s.waiting = true
			i.waiting = append(i.waiting, s)
		}
	case sink != nil:
		i.forward(sink, p[:n], flags)
	default:
		i.takesPart(s).in += n
		s.room -= cost(n, flags)
		i.room -= cost(n, flags)
		i.in = wire.AppendFrame(i.in, wire.Data, flags, s.id, p[:n])
		i.kick()
	}
	return n, whole
}

// wakeSender lets a sender that waits for room look again. i.mu is held.
func (i *instance) wakeSender(s *stream) {
	if s.starving {
		s.starving = false
		notify(s.space)
	}
}

// wakeSenders lets all look again that wait for room in the instance. i.mu is
// held.
func (i *instance) wakeSenders() {
	for n, s := range i.waiting {
		s.waiting = false
		i.wakeSender(s)
		i.waiting[n] = nil
	}
	i.waiting = i.waiting[:0]
}

// sendEnd says that we have said all; whoever the guest has spliced it to is
// told too, and how it ended. i.mu is held.
func (s *stream) sendEnd(trailer []wire.Header, end *CloseError) {
	i := s.inst
	if s.err != nil || s.gone || s.sentEnd || i.dead != nil {
		return
	}
	s.sentEnd, s.body = true, nil
	sink := s.sink
	s.sink = nil
	if sink != nil { // the fields go along to it
		i.in = wire.AppendFrame(i.in, wire.End, 0, s.id, nil)
	} else {
		i.in = s.appendEnd(i.in, trailer, end)
	}
	i.kick()
	i.closeIfDone(s)
	if sink != nil {
		sink.source = nil
		sink.trailer, sink.close = validTrailer(trailer), sink.closing(end)
		i.receivedAll(sink)
	}
}

// appendEnd appends END with its fields.
func (s *stream) appendEnd(b []byte, trailer []wire.Header, end *CloseError) []byte {
	at := len(b)
	b = wire.BeginFrame(b, wire.End, 0, s.id)
	if end = s.closing(end); end != nil {
		if end.Code != 0 {
			b = wire.AppendU16(b, wire.TagCloseCode, end.Code)
		}
		if end.Text != "" {
			b = wire.AppendText(b, wire.TagCloseText, end.Text)
		}
	}
	closed := len(b)
	if b = appendHeaders(b, trailer); len(b)-at-wire.FrameHead > wire.MaxFields {
		b = b[:closed] // rather none than half
	}
	return wire.EndFrame(b, at)
}

// closing is how a stream may say that it is closed: only a websocket can, and
// its text is short.
func (s *stream) closing(end *CloseError) *CloseError {
	if end == nil || s.protocol != websocket {
		return nil
	}
	if len(end.Text) > maxCloseText {
		end = &CloseError{Code: end.Code, Text: cutText(end.Text, maxCloseText)}
	}
	return end
}

// stopSending ends what we send because the guest wants no more. i.mu is held.
func (i *instance) stopSending(s *stream) {
	s.stopped = true
	if s.sentEnd {
		return
	}
	s.closeBody()
	if !s.guestOpened() || s.sentHead { // else END follows HEAD
		s.sendEnd(nil, nil)
	}
	notify(s.space)
}

// closeBody closes the body that is being sent, for nobody wants it. That of an
// upgrade is closed when the stream ends: its other direction may be the same
// connection.
func (s *stream) closeBody() {
	if c, ok := s.body.(io.Closer); ok && (s.protocol == "" || s.err != nil) {
		go c.Close() // it may wait for a Read that somebody else must end
		s.body = nil
	}
}
