// Heads that the host says: of a request, and of the answer to one of ours.
package atoll

import (
	"encoding/binary"
	"net/http"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// served is a stream that the host opened, for a http.Handler.
type served struct {
	stream
	ctx       requestContext
	answer    response
	request   *http.Request
	fields    string // of OPEN
	authority string
	protocol  string // what it asks to be upgraded to
	upgraded  bool
	children  *child // whose answers somebody may still read
}

// blank is what every request begins as.
var blank = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// receiveOpen takes the head of a request. s.mu is held.
func (s *session) receiveOpen(f wire.Frame) {
	switch {
	case f.Stream&1 == 0:
		s.broken(f, "even ids are the guest's")
	case f.Stream <= s.lastID:
		s.broken(f, "ids only grow")
	case f.Stream >= wire.MaxStream:
		s.broken(f, "its id is too large")
	}
	s.lastID = f.Stream
	if len(f.Payload) > wire.MaxFields {
		s.broken(f, "its fields are too large")
	}
	x := &served{}
	x.served = x
	x.ctx.request = x
	s.add(&x.stream, f.Stream)
	// One copy of the head; every string of the request is a part of it.
	x.fields = string(f.Payload)
	r := blank.WithContext(&x.ctx)
	headers, code, why := s.readOpen(f, x, r)
	if code != 0 {
		s.refuse(&x.stream, code, why)
		return
	}
	r.Header = readHeaders(x.fields, headers)
	if x.protocol == websocket {
		x.messages = &messages{}
	}
	x.request = r
	s.starts = append(s.starts, x)
}

// readOpen reads the fields of an OPEN but its headers, which it counts. A code
// refuses the stream. It is on every request's way, so it decodes by hand: in
// WebAssembly a call weighs more than what it does here. s.mu is held.
func (s *session) readOpen(f wire.Frame, x *served, r *http.Request) (headers int, code wire.Code, why string) {
	seen := uint64(0)
	for at := 0; at < len(f.Payload); {
		p := f.Payload[at:]
		if len(p) < wire.FieldHead || uint64(binary.LittleEndian.Uint32(p[4:])) > uint64(len(p)-wire.FieldHead) {
			s.broken(f, "a field is cut short")
		}
		tag, end := wire.Tag(binary.LittleEndian.Uint16(p)), wire.FieldHead+int(binary.LittleEndian.Uint32(p[4:]))
		value := x.fields[at+wire.FieldHead : at+end]
		at += end
		switch tag {
		case wire.TagHeader:
			headers++
			if !validPair(p[wire.FieldHead:end]) && code == 0 {
				code, why = wire.Invalid, "a header"
			}
			continue
		case wire.TagMethod:
			r.Method = value
		case wire.TagAuthority:
			x.authority = value
		case wire.TagTarget:
			r.RequestURI = value
		case wire.TagProtocol:
			x.protocol = value
		case wire.TagDeadline:
			if len(value) != 8 {
				s.broken(f, "a number of another size than its own")
			}
			x.ctx.deadline = deadlineIn(binary.LittleEndian.Uint64(p[wire.FieldHead:]))
		case wire.TagGroup:
			continue
		case wire.TagUser, wire.TagUserUID, wire.TagWorkspace, wire.TagWorkspaceUID, wire.TagProject, wire.TagProjectUID, wire.TagCluster,
			wire.TagRequestID, wire.TagTraceparent, wire.TagLocale:
		default:
			if wire.CriticalField&binary.LittleEndian.Uint16(p[2:]) != 0 {
				code, why = wire.Unsupported, "an unknown critical field"
			}
			continue
		}
		if seen&(1<<tag) != 0 {
			s.broken(f, "a field is said twice")
		}
		seen |= 1 << tag
	}
	return headers, code, why
}

// receiveHead takes the head of an answer to a stream of ours. s.mu is held.
func (s *session) receiveHead(st *stream, f wire.Frame) {
	switch {
	case !st.ours():
		s.broken(f, "the host opened this stream and answers it too")
	case st.child.head != nil:
		s.broken(f, "it is the second one")
	}
	status, headers, invalid, unknown := 0, 0, false, false
	b := s.block(f)
	for b.next() {
		switch b.tag {
		case wire.TagStatus:
			status = int(b.u16())
		case wire.TagHeader:
			headers++
			invalid = invalid || !validPair(b.value)
		default:
			unknown = unknown || b.critical
		}
	}
	switch {
	case unknown:
		s.refuse(st, wire.Unsupported, "an unknown critical field")
		return
	case invalid || status < 200 || status > 599:
		s.refuse(st, wire.Invalid, "the answer's head")
		return
	}
	if status >= 300 {
		st.messages = nil // a refused upgrade is an ordinary answer
	}
	st.child.head = &http.Response{
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, StatusCode: status, ContentLength: -1,
		Header: readHeaders(string(f.Payload), headers),
	}
	s.wake(st)
}

// deadlineIn is the time in so many milliseconds; none where that is farther
// than time goes.
func deadlineIn(ms uint64) time.Time {
	if ms > 1<<40 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(ms) * time.Millisecond)
}
