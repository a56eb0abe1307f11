// Streams of the host: what the guest sends, what the host sends, and splices
// between them. Host.mu guards them.
package atolltest

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

var (
	errClosed  = errors.New("atolltest: the test has ended")
	errFault   = errors.New("atolltest: the guest has broken the wire")
	errStopped = errors.New("atolltest: the guest wants no more of it")
	errEnded   = errors.New("atolltest: it has ended")
)

// chunk is what one DATA brought.
type chunk struct {
	p     []byte
	flags wire.Flags
}

// stream is one stream.
type stream struct {
	host     *Host
	id       uint32
	protocol string
	ctx      context.Context
	cancel   context.CancelFunc
	parent   *stream // of a stream that the guest opened

	// What the guest sends.
	head     *http.Response
	chunks   []chunk
	buffered int
	window   int
	credit   int
	ended    bool
	spliced  bool // the host sends it, from what another brings
	trailer  http.Header
	code     int
	text     string
	discard  bool

	// What the host sends.
	room    int
	sentEnd bool
	stopped bool
	said    bool    // a close code
	into    *stream // where it goes instead

	err   error
	reset bool // RESET has been said, the guest's is awaited
	gone  bool
}

func (s *stream) guestOpened() bool { return s.id&1 == 0 }

// add begins a stream. h.mu is held.
func (h *Host) add(ctx context.Context, id uint32, protocol string) *stream {
	s := &stream{host: h, id: id, protocol: protocol, window: wire.StreamWindow, room: wire.StreamWindow}
	// Its end is the stream's: a door must not answer before the guest has
	// been told that nobody listens.
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	h.streams[id] = s
	if s.guestOpened() {
		h.opened++
	}
	return s
}

func (h *Host) remove(s *stream) {
	if s.gone {
		return
	}
	s.gone = true
	delete(h.streams, s.id)
	if s.guestOpened() {
		h.opened--
	}
	s.cancel()
}

func (h *Host) closeIfDone(s *stream) {
	if s.ended && s.sentEnd && !s.reset {
		h.remove(s)
	}
}

// die ends a stream with an error, and the streams opened on its behalf.
func (h *Host) die(s *stream, err error) {
	if s.err == nil {
		s.err = err
	}
	h.drop(s)
	s.cancel()
	h.resetChildren(s)
	h.changed.Broadcast()
}

func (h *Host) resetChildren(s *stream) {
	for _, c := range h.streams {
		if c.parent == s {
			h.resetStream(c, wire.Cancelled, "")
		}
	}
}

// resetStream resets a stream, and those that it is spliced with.
func (h *Host) resetStream(s *stream, code wire.Code, text string) {
	if s.gone || s.reset || h.closed {
		return
	}
	s.reset = true
	h.in = wire.AppendReset(h.in, s.id, code, text)
	h.die(s, &atoll.ResetError{Code: code, Text: text})
	h.resetSpliced(s, code)
	h.look()
}

func (h *Host) resetSpliced(s *stream, code wire.Code) {
	for _, o := range h.streams {
		if o.into == s && !o.sentEnd || s.into == o && !s.sentEnd {
			h.resetStream(o, code, "")
		}
	}
}

// drop throws away what nobody will read.
func (h *Host) drop(s *stream) {
	s.discard = true
	for _, c := range s.chunks {
		h.giveBack(cost(c))
	}
	s.chunks, s.buffered = nil, 0
}

func cost(c chunk) int { return wire.Frame{Flags: c.flags, Payload: c.p}.Cost() }

func (h *Host) giveBack(n int) {
	h.credit += n
	if h.credit >= int(h.memory/16) {
		h.in = wire.AppendWindow(h.in, 0, uint32(h.credit))
		h.window += h.credit
		h.credit = 0
		h.look()
	}
}

// consumed counts what a reader took. A spliced stream's bytes count against no
// window.
func (h *Host) consumed(s *stream, n int) {
	if s.spliced {
		h.changed.Broadcast()
		return
	}
	h.giveBack(n)
	if s.credit += n; s.credit >= wire.StreamWindow/2 && !s.ended && s.err == nil && !s.gone {
		h.in = wire.AppendWindow(h.in, s.id, uint32(s.credit))
		s.window += s.credit
		s.credit = 0
		h.look()
	}
}

// waitFor waits until holds, or the stream dies. h.mu is held.
func (s *stream) waitFor(holds func() bool) error {
	for {
		switch {
		case s.err != nil:
			return s.err
		case s.host.closed:
			return errClosed
		case holds():
			return nil
		}
		s.host.changed.Wait()
	}
}

// next takes the next chunk, at most n bytes of it. io.EOF: there are no more.
func (s *stream) next(n int) (c chunk, err error) {
	h := s.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := s.waitFor(func() bool { return len(s.chunks) > 0 || s.ended || s.discard }); err != nil {
		return chunk{}, err
	}
	switch {
	case s.discard:
		return chunk{}, http.ErrBodyReadAfterClose
	case len(s.chunks) == 0:
		return chunk{}, io.EOF
	}
	c = s.chunks[0]
	if n < len(c.p) {
		c.p, c.flags = c.p[:n], c.flags&^wire.Message
		s.chunks[0].p = s.chunks[0].p[n:]
	} else {
		s.chunks = s.chunks[1:]
	}
	s.buffered -= len(c.p)
	h.consumed(s, cost(c))
	return c, nil
}

// read reads bytes.
func (s *stream) read(p []byte) (int, error) {
	for {
		c, err := s.next(len(p))
		if n := copy(p, c.p); n > 0 || err != nil {
			return n, err
		}
	}
}

// send sends bytes, as the guest's windows allow, or into what the stream is
// spliced into.
func (s *stream) send(p []byte, flags wire.Flags) (written int, err error) {
	h := s.host
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 || flags&wire.Message != 0 {
		var c chunk
		if err := s.waitFor(func() bool { c = s.fitting(p, flags); return s.stopped || s.sentEnd || cost(c) > 0 }); err != nil {
			return written, err
		}
		switch {
		case s.stopped:
			return written, errStopped
		case s.sentEnd:
			return written, errEnded
		case s.into != nil:
			h.deliver(s.into, c)
		default:
			s.room -= cost(c)
			h.room -= cost(c)
			h.in = wire.AppendFrame(h.in, wire.Data, c.flags, s.id, c.p)
			h.look()
		}
		p, flags = p[len(c.p):], flags&^(c.flags&wire.Message)
		written += len(c.p)
	}
	return written, nil
}

// fitting is the part of p that may be sent now; where it is all of it, with the
// end of the message. h.mu is held.
func (s *stream) fitting(p []byte, flags wire.Flags) chunk {
	room := min(s.room, s.host.room)
	if to := s.into; to != nil {
		room = 2*wire.StreamWindow - to.buffered
		if to.discard || to.ended {
			room = wire.StreamWindow
		}
	}
	n := max(0, min(len(p), room, wire.MaxPayload))
	c := chunk{p[:n:n], flags &^ wire.Message}
	if n == len(p) && n+wire.MessageCost <= room {
		c.flags = flags
	}
	return c
}

// deliver gives a chunk to who reads a stream. h.mu is held.
func (h *Host) deliver(s *stream, c chunk) {
	if s.discard || s.ended {
		if !s.spliced {
			h.giveBack(cost(c))
		}
		return
	}
	s.chunks = append(s.chunks, chunk{append([]byte(nil), c.p...), c.flags})
	s.buffered += len(c.p)
	h.changed.Broadcast()
}

// end says that the host has said all.
func (s *stream) end(trailer http.Header, code int, text string) {
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	s.sendEnd(trailer, code, text)
}

// sendEnd is end with h.mu held.
func (s *stream) sendEnd(trailer http.Header, code int, text string) {
	h := s.host
	if s.err != nil || s.gone || s.sentEnd || h.closed {
		return
	}
	s.sentEnd = true
	var b []byte
	if s.into == nil { // else the guest hears of the end and of nothing else
		if code != 0 {
			s.said = true
			b = wire.AppendText(wire.AppendU16(nil, wire.TagCloseCode, uint16(code)), wire.TagCloseText, text)
		}
		b = appendHeaders(b, trailer)
	}
	h.in = wire.AppendFrame(h.in, wire.End, 0, s.id, b)
	h.closeIfDone(s)
	if to := s.into; to != nil && !to.ended {
		to.trailer, to.code, to.text = trailer, code, text
		h.hearEnd(to)
	}
	h.look()
}

// hearEnd takes the end of what the guest says on a stream. h.mu is held.
func (h *Host) hearEnd(s *stream) {
	s.ended = true
	if !s.guestOpened() {
		h.resetChildren(s)
	}
	h.closeIfDone(s)
	h.changed.Broadcast()
}

// stop says that no more is wanted. h.mu is held.
func (h *Host) stop(s *stream) {
	h.drop(s)
	if s.ended || s.gone || s.reset || s.err != nil || h.closed {
		return
	}
	h.in = wire.AppendStop(h.in, s.id, wire.Cancelled)
	if s.spliced {
		h.hearEnd(s)
		for _, from := range h.streams {
			if from.into == s {
				from.sendEnd(nil, 0, "")
			}
		}
	}
	h.look()
}

func appendHeaders(b []byte, header http.Header) []byte {
	for name, values := range header {
		for _, v := range values {
			b = wire.AppendPair(b, wire.TagHeader, name, v)
		}
	}
	return b
}
