// Bodies that a guest sends, as their readers see them: they wait for bytes,
// give windows back as bytes are taken, and say when they want no more.
package sandbox

import (
	"io"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// responseBody is the body of a guest's answer.
type responseBody stream

// Read waits for what the guest sends.
func (b *responseBody) Read(p []byte) (int, error) { return (*stream)(b).read(p) }

// ReadFrame implements FrameReader.
func (b *responseBody) ReadFrame(p []byte) (int, wire.Flags, error) {
	return (*stream)(b).readFrame(p)
}

// Close resets the stream if it has not ended.
func (b *responseBody) Close() error {
	s := (*stream)(b)
	i := s.inst
	i.mu.Lock()
	defer i.mu.Unlock()
	if s.unhook != nil {
		s.unhook()
	}
	i.abandon(s, io.ErrClosedPipe)
	return nil
}

// requestBody is the body of a guest's request, for its door.
type requestBody stream

// Read waits for what the guest sends.
func (b *requestBody) Read(p []byte) (int, error) { return (*stream)(b).read(p) }

// ReadFrame implements FrameReader.
func (b *requestBody) ReadFrame(p []byte) (int, wire.Flags, error) {
	return (*stream)(b).readFrame(p)
}

// Close says that the door wants no more of it.
func (b *requestBody) Close() error {
	s := (*stream)(b)
	s.inst.mu.Lock()
	defer s.inst.mu.Unlock()
	s.inst.stopReceiving(s)
	return nil
}

// trailers are what the guest said at its END.
func (s *stream) trailers() []wire.Header {
	s.inst.mu.Lock()
	defer s.inst.mu.Unlock()
	return s.trailer
}

// read takes received bytes; it waits until there are some.
func (s *stream) read(p []byte) (int, error) {
	n, _, err := s.await(p, false)
	if _, closed := err.(*CloseError); closed {
		err = io.EOF
	}
	return n, err
}

// readFrame is read for bytes of one message.
func (s *stream) readFrame(p []byte) (int, wire.Flags, error) { return s.await(p, true) }

func (s *stream) await(p []byte, frame bool) (int, wire.Flags, error) {
	if len(p) == 0 {
		return 0, 0, nil
	}
	i := s.inst
	for {
		i.mu.Lock()
		n, flags, counted := s.queue.take(p, frame)
		if counted > 0 {
			i.consumed(s, counted)
			i.mu.Unlock()
			if n > 0 || frame {
				return n, flags, nil
			}
			continue // the ends of empty messages
		}
		err, ended, discard, end := s.err, s.ended, s.discard, s.close
		i.mu.Unlock()
		switch {
		case err != nil:
			return 0, 0, err
		case ended && end != nil:
			return 0, 0, end
		case ended:
			return 0, 0, io.EOF
		case discard:
			return 0, 0, io.ErrClosedPipe
		}
		<-s.ready
	}
}

// stopReceiving says that nobody wants more of what the guest sends. i.mu is
// held.
func (i *instance) stopReceiving(s *stream) {
	if s.gone || s.reset || s.discard || i.dead != nil {
		return
	}
	i.drop(s)
	if !s.ended {
		i.in = wire.AppendStop(i.in, s.id, wire.Cancelled)
		if s.source != nil {
			i.endSplice(s)
		}
		i.kick()
	}
	notify(s.ready)
}

// drop throws away what was received and not read, and gives its bytes back to
// the instance's window at once. i.mu is held.
func (i *instance) drop(s *stream) {
	s.discard = true
	s.queue.clear()
	if n := s.held; n > 0 {
		s.held = 0
		i.buffered -= n
		i.giveBack(n)
	}
}

// consumed counts what a reader took of the queue, and opens the windows again
// when enough has come together. i.mu is held.
func (i *instance) consumed(s *stream, n int) {
	if src := s.source; src != nil && src.starving { // its bytes count against no window
		src.starving = false
		notify(src.space)
	}
	if n = min(n, s.held); n == 0 {
		return
	}
	s.held -= n
	i.buffered -= n
	i.giveBackOn(s, n)
}

// giveBackOn returns n bytes to the guest's windows, of a stream and of the
// instance. i.mu is held.
func (i *instance) giveBackOn(s *stream, n int) {
	s.credit += n
	if s.credit >= wire.StreamWindow/2 && !s.ended && !s.spliced && s.err == nil && !s.gone {
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
