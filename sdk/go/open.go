// Heads that the host says: of a request, and of the answer to one of ours.
package atoll

import (
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
	x := &served{}
	x.served = x
	x.ctx.request = x
	headers, invalid, unknown, deadline := 0, false, false, uint64(0)
	b := s.block(f)
	for b.next() {
		switch {
		case b.tag == wire.TagHeader:
			headers++
			invalid = invalid || !validPair(b.value)
		case b.tag == wire.TagDeadline:
			deadline = b.u64()
			x.ctx.deadline = deadlineIn(deadline)
		case b.tag <= wire.TagProtocol, b.tag >= wire.TagUser && b.tag <= wire.TagLocale:
		default:
			unknown = unknown || b.critical
		}
	}
	s.add(&x.stream, f.Stream)
	switch {
	case unknown:
		s.refuse(&x.stream, wire.Unsupported, "an unknown critical field")
		return
	case invalid:
		s.refuse(&x.stream, wire.Invalid, "a header")
		return
	}
	// One copy of the head; every string of the request is a part of it.
	x.fields = string(f.Payload)
	r := blank.WithContext(&x.ctx)
	for rest := x.fields; len(rest) > 0; {
		tag, value, next := nextText(rest)
		rest = next
		switch tag {
		case wire.TagMethod:
			r.Method = value
		case wire.TagAuthority:
			x.authority = value
		case wire.TagTarget:
			r.RequestURI = value
		case wire.TagProtocol:
			x.protocol = value
		}
	}
	r.Header = readHeaders(x.fields, headers)
	if x.protocol == websocket {
		x.messages = &messages{}
	}
	x.request = r
	s.starts = append(s.starts, x)
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
