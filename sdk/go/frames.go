// The frame level: answers on the poll's own goroutine, without net/http, for
// routes that must be fast.
package atoll

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// FrameHandler answers a whole request at once. It must neither wait nor start
// goroutines or timers: everything else in the instance waits for it. What Call
// gives, it gives for the length of the call.
type FrameHandler func(c *Call)

type frameRoute struct {
	method, path string
	handle       FrameHandler
}

// HandleFrames lets h answer the route with exactly this method and path (no
// patterns; a query is allowed), instead of the handler given to Serve. It is
// called from init. Requests' bodies are less than 32 KiB.
func HandleFrames(method, path string, h FrameHandler) {
	root.frames = append(root.frames, frameRoute{method, path, h})
}

// Call is one request at the frame level.
type Call struct {
	session *session
	id      uint32
	target  []byte
	head    []byte // the fields of OPEN
	body    []byte
	header  []byte // fields of the answer
	status  int
	stopped bool // the host wants no body
}

// Target is path and query.
func (c *Call) Target() []byte { return c.target }

// Body is the request's whole body.
func (c *Call) Body() []byte { return c.body }

// Caller is on whose behalf the request is made.
func (c *Call) Caller() (who Identity) {
	who.read(string(c.head))
	return who
}

// Header gives the first header of a name, without regard to case.
func (c *Call) Header(name string) []byte {
	for p := c.head; len(p) > 0; {
		f, rest, err := wire.NextField(p)
		if err != nil {
			break
		}
		p = rest
		if n, v, ok := f.Pair(); ok && f.Tag == wire.TagHeader && bytes.EqualFold(n, []byte(name)) {
			return v
		}
	}
	return nil
}

// SetHeader adds a header to the answer; it comes before Respond. One that could
// not be sent on is left out, as net/http does.
func (c *Call) SetHeader(name, value string) {
	if validName(name) && validValue(value) {
		c.header = wire.AppendPair(c.header, wire.TagHeader, name, value)
	}
}

// Respond answers, once, with a status of 200 to 599. The body is copied.
func (c *Call) Respond(status int, body []byte) {
	if c.status != 0 {
		return
	}
	if status < 200 || status > 599 || len(c.header) > wire.MaxFields-maxStatusField {
		status, body, c.header = http.StatusInternalServerError, nil, c.header[:0]
	}
	c.status = status
	s := c.session
	s.lock()
	c.respond(s, status, body)
	s.unlock()
}

// maxStatusField is what the status takes of a HEAD, in bytes.
const maxStatusField = wire.FieldHead + 2

// respond is Respond with s.mu held.
func (c *Call) respond(s *session, status int, body []byte) {
	s.data = -1
	at := len(s.out)
	s.out = wire.BeginFrame(s.out, wire.Head, 0, c.id)
	s.out = wire.AppendU16(s.out, wire.TagStatus, uint16(status))
	s.out = append(s.out, c.header...)
	s.out = wire.EndFrame(s.out, at)
	if c.stopped {
		body = nil
	}
	if len(body) > wire.StreamWindow || len(body) > s.room || len(s.out)+len(body) > crowd {
		st := &stream{sentHead: true, ended: true, serving: true}
		s.add(st, c.id)
		s.stirred = true
		go st.finishCall(bytes.Clone(body))
		return
	}
	if len(body) > 0 {
		s.room -= len(body)
		s.out = wire.AppendFrame(s.out, wire.Data, 0, c.id, body)
	}
	s.out = wire.AppendFrame(s.out, wire.End, 0, c.id, nil)
}

// finishCall sends a body that did not fit a window.
func (st *stream) finishCall(body []byte) {
	_, _ = st.write(body)
	s := st.session
	s.lock()
	defer s.unlock()
	st.serving = false
	if st.err != nil && !st.reset {
		s.acknowledge(st)
		return
	}
	s.end(st, nil)
}

// answerFrames answers an OPEN whose route is one of HandleFrames. When the
// whole request lies in this batch, nothing of it is copied and no stream is
// made. Done: it did, and after is what follows in the batch. Whatever is
// unusual is left to those who read everything. s.mu is held.
func (s *session) answerFrames(open wire.Frame, rest []byte) (after []byte, done bool) {
	// The loop decodes by hand: it is the hot path of the fastest routes, and
	// in WebAssembly a call weighs more than what it does here.
	var authority, method, target []byte
	seen := uint64(0)
	if len(open.Payload) > wire.MaxFields {
		return nil, false
	}
	for p := open.Payload; len(p) > 0; {
		if len(p) < wire.FieldHead || p[3]&0x80 != 0 {
			return nil, false
		}
		end := wire.FieldHead + int(binary.LittleEndian.Uint32(p[4:]))
		if end < wire.FieldHead || end > len(p) {
			return nil, false
		}
		tag := wire.Tag(binary.LittleEndian.Uint16(p))
		switch tag {
		case wire.TagAuthority:
			authority = p[wire.FieldHead:end]
		case wire.TagMethod:
			method = p[wire.FieldHead:end]
		case wire.TagTarget:
			target = p[wire.FieldHead:end]
		case wire.TagHeader:
			if !validPair(p[wire.FieldHead:end]) {
				return nil, false
			}
			p = p[end:]
			continue
		case wire.TagProtocol:
			return nil, false
		case wire.TagGroup:
			p = p[end:]
			continue
		case wire.TagDeadline:
			if end != wire.FieldHead+8 {
				return nil, false
			}
		}
		if tag < 64 {
			if seen&(1<<tag) != 0 {
				return nil, false
			}
			seen |= 1 << tag
		}
		p = p[end:]
	}
	if string(authority) != "route" {
		return nil, false
	}
	path := target
	if n := bytes.IndexByte(path, '?'); n >= 0 {
		path = path[:n]
	}
	var r *frameRoute
	for n := range s.frames {
		if f := &s.frames[n]; f.path == string(path) && f.method == string(method) {
			r = f
			break
		}
	}
	if r == nil {
		return nil, false
	}
	c := &s.call
	c.target = target
	c.session, c.id, c.head, c.body, c.header, c.status, c.stopped = s, open.Stream, open.Payload, nil, c.header[:0], 0, false
	n := 0
	for next := rest; len(next) > 0; {
		f, more, err := wire.NextFrame(next)
		if err != nil || f.Stream != open.Stream {
			break
		}
		next = more
		if f.Type == wire.Data && n == 0 && f.Flags&wire.Message == 0 && len(f.Payload) <= min(wire.StreamWindow, s.window) {
			c.body, n = f.Payload, len(f.Payload)
			continue
		}
		if f.Type == wire.End && len(f.Payload) == 0 {
			s.window -= n
			s.giveBack(n)
			s.unlock()
			s.run(c, r.handle)
			s.lock()
			return next, true
		}
		break
	}
	// It comes in parts: kept until its END.
	st := &stream{call: &frameCall{head: bytes.Clone(open.Payload), target: bytes.Clone(target), handle: r.handle}}
	s.add(st, open.Stream)
	return rest, true
}

// frameCall is a request at the frame level that came in parts.
type frameCall struct {
	head, target []byte
	handle       FrameHandler
}

// answerLate answers a request that came in parts. s.mu is held, but not while
// the handler runs.
func (s *session) answerLate(st *stream) {
	c := &Call{session: s, id: st.id, head: st.call.head, target: st.call.target, body: st.buf, stopped: st.stopped}
	s.giveBack(len(st.buf))
	handle := st.call.handle
	s.remove(st)
	s.unlock()
	s.run(c, handle)
	s.lock()
}

// run calls a frame handler; a panic ends its request and no other.
func (s *session) run(c *Call, h FrameHandler) {
	defer func() {
		v := recover()
		if v == nil && c.status != 0 {
			return
		}
		if v != nil {
			Log.Error("a frame handler panicked", "panic", fmt.Sprint(v))
		}
		if c.status == 0 {
			c.header = c.header[:0]
			c.Respond(http.StatusInternalServerError, nil)
		}
	}()
	h(c)
}
