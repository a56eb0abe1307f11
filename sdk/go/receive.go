// What the host says: its frames, one after the other.
package atoll

import (
	"context"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// receive takes a batch of the host's frames.
func (s *session) receive(in []byte) {
	for len(in) > 0 {
		f, rest, err := wire.NextFrame(in)
		if err != nil {
			panic("atoll: the host's frames are broken: " + err.Error())
		}
		in = rest
		if f.Type == wire.Open {
			if after, done := s.answerFrames(f, rest); done {
				in = after
				continue
			}
		}
		s.mu.Lock()
		s.receiveFrame(f)
		s.mu.Unlock()
	}
	s.mu.Lock()
	starts := s.starts
	s.starts = s.starts[:0]
	for _, st := range starts {
		st.serving = true
		s.stirred = true
		s.work(st)
	}
	s.mu.Unlock()
}

// receiveFrame takes one frame. s.mu is held.
func (s *session) receiveFrame(f wire.Frame) {
	if f.Type == wire.Open {
		s.receiveOpen(f)
		return
	}
	if f.Stream == 0 {
		switch f.Type {
		case wire.Hello:
			s.receiveHello(f)
		case wire.Window:
			more, _ := f.U32()
			s.room += int(more)
			for _, st := range s.streams {
				s.wakeWriter(st)
			}
		}
		return
	}
	st := s.streams[f.Stream]
	if st == nil {
		switch f.Type {
		case wire.Reset: // it had ended here; the host's slot waits for our answer
			s.data = -1
			s.out = wire.AppendReset(s.out, f.Stream, wire.Cancelled, "")
		case wire.Data:
			s.giveBack(len(f.Payload))
		}
		return
	}
	if st.reset { // all but the answer to our RESET has crossed it on the way
		switch f.Type {
		case wire.Reset:
			s.remove(st)
		case wire.Data:
			s.giveBack(len(f.Payload))
		}
		return
	}
	switch f.Type {
	case wire.Data:
		if st.discard {
			s.giveBack(len(f.Payload))
			break
		}
		if st.off > 0 {
			st.buf = st.buf[:copy(st.buf, st.buf[st.off:])]
			st.off = 0
		}
		st.buf = append(st.buf, f.Payload...)
		if st.call != nil && len(st.buf) >= wire.StreamWindow {
			s.resetStream(st, wire.TooLarge, "a frame-level request", errStopped)
			break
		}
		s.wake(st)
	case wire.Head:
		if st.ours() && st.head == nil {
			s.receiveHead(st, f)
			s.wake(st)
		}
	case wire.End:
		st.ended = true
		for p := f.Payload; len(p) > 0; {
			field, rest, err := wire.NextField(p)
			if err != nil {
				break
			}
			p = rest
			if name, value, ok := field.Pair(); ok && field.Tag == wire.TagHeader {
				if st.trailer == nil {
					st.trailer = http.Header{}
				}
				st.trailer.Add(string(name), string(value))
			}
		}
		s.wake(st)
		if st.call != nil {
			s.answerLate(st)
		}
		s.closeIfDone(st)
	case wire.Window:
		more, _ := f.U32()
		st.room += int(more)
		s.wakeWriter(st)
	case wire.Stop:
		st.stopped = true
		notify(st.space)
		s.stirred = true
		if st.ours() {
			s.end(st, nil)
		}
	case wire.Reset:
		code, text, _ := f.Code()
		st.late = code == wire.Deadline
		s.die(st, &ResetError{Code: code, Text: string(text)})
		if !st.serving { // else the slot is free when the handler has returned
			s.acknowledge(st)
		}
	default:
		if !f.Type.Known() && f.Flags&wire.Critical != 0 {
			s.resetStream(st, wire.Unsupported, "an unknown critical frame", &ResetError{Code: wire.Unsupported})
		}
	}
}

// acknowledge answers the host's RESET and forgets the stream. s.mu is held.
func (s *session) acknowledge(st *stream) {
	s.data = -1
	s.out = wire.AppendReset(s.out, st.id, wire.Cancelled, "")
	s.remove(st)
}

// wake lets the reader of a stream look. s.mu is held.
func (s *session) wake(st *stream) {
	notify(st.ready)
	s.stirred = true
}

// receiveHello takes the host's HELLO and answers it. s.mu is held.
func (s *session) receiveHello(f wire.Frame) {
	s.settings = map[string]string{}
	features := uint64(0)
	for p := f.Payload; len(p) > 0; {
		field, rest, err := wire.NextField(p)
		if err != nil {
			break
		}
		p = rest
		switch field.Tag {
		case wire.TagMemory:
			memory, _ := field.U64()
			s.window = int(memory / 4)
			s.room = s.window
		case wire.TagFeatures:
			features, _ = field.U64()
		case wire.TagSetting:
			if name, value, ok := field.Pair(); ok {
				s.settings[string(name)] = string(value)
			}
		}
	}
	s.append(wire.Hello, 0, wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, features&wire.FeatureBuffer))
}

// blank is what every request begins as.
var blank = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// receiveOpen takes the head of a request. s.mu is held.
func (s *session) receiveOpen(f wire.Frame) {
	st := s.newStream(f.Stream)
	// One copy of the head; every string of the request is a part of it.
	head := string(f.Payload)
	ctx := &st.ctx
	ctx.stream = st
	ctx.Context, st.cancel = context.WithCancelCause(context.Background())
	r := blank.WithContext(ctx)
	r.Header = http.Header{}
	unknown := false
	for p, at := f.Payload, 0; len(p) > 0; {
		field, rest, err := wire.NextField(p)
		if err != nil {
			break
		}
		end := at + wire.FieldHead + len(field.Value)
		value := head[at+wire.FieldHead : end]
		p, at = rest, end
		switch field.Tag {
		case wire.TagMethod:
			r.Method = value
		case wire.TagAuthority:
			st.about = value
		case wire.TagTarget:
			r.RequestURI = value
		case wire.TagHeader:
			if name, v, ok := strings.Cut(value, "\x00"); ok {
				name = textproto.CanonicalMIMEHeaderKey(name)
				r.Header[name] = append(r.Header[name], v)
			}
		case wire.TagDeadline:
			ctx.deadline = deadlineOf(field)
		default:
			if !st.caller.take(field.Tag, value) && field.Critical() {
				unknown = true
			}
		}
	}
	if unknown {
		s.resetStream(st, wire.Unsupported, "an unknown critical field", &ResetError{Code: wire.Unsupported})
		return
	}
	st.request = r
	s.starts = append(s.starts, st)
}

// receiveHead takes the head of an answer to a stream of ours. s.mu is held.
func (s *session) receiveHead(st *stream, f wire.Frame) {
	resp := &http.Response{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, ContentLength: -1}
	head := string(f.Payload)
	for p, at := f.Payload, 0; len(p) > 0; {
		field, rest, err := wire.NextField(p)
		if err != nil {
			break
		}
		end := at + wire.FieldHead + len(field.Value)
		value := head[at+wire.FieldHead : end]
		p, at = rest, end
		switch field.Tag {
		case wire.TagStatus:
			status, _ := field.U16()
			resp.StatusCode = int(status)
		case wire.TagHeader:
			if name, v, ok := strings.Cut(value, "\x00"); ok {
				name = textproto.CanonicalMIMEHeaderKey(name)
				resp.Header[name] = append(resp.Header[name], v)
			}
		default:
			if field.Critical() {
				s.resetStream(st, wire.Unsupported, "an unknown critical field", &ResetError{Code: wire.Unsupported})
				return
			}
		}
	}
	st.head = resp
}
