// SPLICE: the guest hands the rest of one stream's body over to another, and the
// host carries it from the one's source to the other's reader without waking
// the guest.
//
// The source's pump writes into the sink's queue instead of the guest's batch,
// and waits while that holds a window's worth: the reader sets the pace. Nothing
// of it counts in the windows of the instance.
package sandbox

import (
	"slices"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// receiveSplice lets s, on which the guest may still send, take over what comes
// on another stream, of which the guest receives. i.mu is held.
func (i *instance) receiveSplice(s *stream, f wire.Frame) error {
	from, ok := f.U32()
	switch src := i.streams[from]; {
	case !ok:
		return i.broken(f, "it names no stream")
	case !s.guestOpened() && s.status == 0:
		return i.broken(f, "it comes before HEAD")
	case s.ended || s.spliced:
		return i.broken(f, "the guest sends no more on it")
	case src == nil && !i.opens(from):
		return i.broken(f, "it names a stream that was never opened")
	case src == nil:
		s.spliced = true
		if code := i.lately.code(from); code != 0 {
			i.resetStream(s, code, "", &ResetError{Code: code})
			return nil
		}
		i.splice(s, from, nil)
	case src.reset || src.answered:
		s.spliced = true
		i.resetStream(s, src.code, "", &ResetError{Code: src.code})
	case src.stopped:
		return i.broken(f, "it names a stream of which the guest wanted no more")
	case src.handed:
		return i.broken(f, "it names a stream that it has spliced already")
	default:
		s.spliced, src.handed = true, true
		i.splice(s, from, src)
	}
	return nil
}

// splice begins: src is nil when that stream has ended and its slot is free.
// i.mu is held.
func (i *instance) splice(s *stream, from uint32, src *stream) {
	ended := src == nil || src.sentEnd
	if !ended {
		src.sink, s.source = s, src
	}
	counted, end := i.pullBack(s, from, src)
	if src != nil {
		src.room += counted
		i.wakeSender(src) // it goes on elsewhere
	}
	i.room += counted
	i.wakeSenders()
	switch {
	case ended:
		s.trailer, s.close = end.header, s.closing(end.close)
		i.receivedAll(s)
	case s.discard: // its reader's STOP crossed the SPLICE
		i.endSplice(s)
	}
}

// crossingSplice takes a SPLICE into a stream that we had reset meanwhile: its
// source has nobody either, and the guest wants to hear nothing of it. i.mu is
// held.
func (i *instance) crossingSplice(s *stream, f wire.Frame) {
	from, ok := f.U32()
	src := i.streams[from]
	if !ok || src == nil || src == s || src.reset || src.answered || src.handed || src.stopped {
		return
	}
	src.handed = true
	counted, _ := i.pullBack(s, from, src)
	src.room += counted
	i.room += counted
	i.wakeSenders()
	if !src.sentEnd {
		i.resetStream(src, s.code, "", &ResetError{Code: s.code})
	}
}

// pullBack takes what of a stream waits for the guest out of the queue and
// forwards it to s. It says what that had counted in the windows, and what the
// fields of its END were if that was among it. i.mu is held.
func (i *instance) pullBack(s *stream, from uint32, src *stream) (counted int, end block) {
	old := i.in
	i.in = make([]byte, 0, len(old))
	for len(old) > 0 {
		f, rest, err := wire.NextFrame(old)
		if err != nil {
			panic("sandbox: its own frames are broken: " + err.Error())
		}
		switch {
		case f.Stream != from || f.Type != wire.Data && f.Type != wire.End:
			i.in = append(i.in, old[:len(old)-len(rest)]...)
		case f.Type == wire.Data:
			counted += cost(len(f.Payload), f.Flags)
			i.forward(s, f.Payload, f.Flags)
		case src == nil || !src.reset:
			end, _ = readEnd(f.Payload)
			i.in = wire.AppendFrame(i.in, wire.End, 0, from, nil)
		}
		old = rest
	}
	return counted, end
}

// forward puts one DATA of a source before its sink's reader. i.mu is held.
func (i *instance) forward(sink *stream, p []byte, flags wire.Flags) {
	i.answers(sink, len(p))
	switch {
	case sink.discard:
	case sink.exchange != nil:
		i.collect(sink, p)
	default:
		sink.queue.add(p, flags)
		notify(sink.ready)
	}
}

// endSplice ends a splice because its reader has said STOP, or ends with the
// parent that is its source: the stream counts as ended by the guest, and what
// the source still brings is thrown away. i.mu is held.
func (i *instance) endSplice(s *stream) {
	src := s.source
	s.source, src.sink = nil, nil
	i.stopSending(src)
	i.receivedAll(s)
}

// breakSplice resets what a stream that was reset is spliced with. i.mu is held.
func (i *instance) breakSplice(s *stream, code wire.Code) {
	source, sink := s.source, s.sink
	s.source, s.sink = nil, nil
	if source != nil && source != s {
		source.sink = nil
		i.resetStream(source, code, "", &ResetError{Code: code})
	}
	if sink != nil && sink != s {
		sink.source = nil
		i.resetStream(sink, code, "", &ResetError{Code: code})
	}
}

// validTrailer is what of a source's trailers could have gone through the guest.
func validTrailer(trailer []wire.Header) []wire.Header {
	size, bad := 0, func(h wire.Header) bool { return !validHeader(h.Name, h.Value) }
	for _, h := range trailer {
		size += wire.FieldHead + len(h.Name) + 1 + len(h.Value)
	}
	if size > wire.MaxFields {
		return nil // rather none than half
	}
	if slices.ContainsFunc(trailer, bad) {
		return slices.DeleteFunc(slices.Clone(trailer), bad)
	}
	return trailer
}
