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

// matches tells whether a target is the route's path, with a query or without.
func (r *frameRoute) matches(target []byte) bool {
	n := len(r.path)
	return len(target) >= n && string(target[:n]) == r.path && (len(target) == n || target[n] == '?')
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
	if c.stopped {
		body = nil
	}
	s := c.session
	s.lock()
	s.data = -1
	at := len(s.out)
	s.out = wire.BeginFrame(s.out, wire.Head, 0, c.id)
	s.out = wire.AppendU16(s.out, wire.TagStatus, uint16(status))
	s.out = append(s.out, c.header...)
	s.out = wire.EndFrame(s.out, at)
	if len(body) > wire.StreamWindow || len(body) > s.room || len(s.out)+len(body) > crowd {
		s.respondLater(c.id, body)
	} else {
		if len(body) > 0 {
			s.room -= len(body)
			s.out = wire.AppendFrame(s.out, wire.Data, 0, c.id, body)
		}
		s.out = wire.AppendFrame(s.out, wire.End, 0, c.id, nil)
	}
	s.unlock()
}

// maxStatusField is what the status takes of a HEAD, in bytes.
const maxStatusField = wire.FieldHead + 2

// respondLater sends a body that does not fit a window. s.mu is held.
func (s *session) respondLater(id uint32, body []byte) {
	st := &stream{sentHead: true, ended: true, serving: true}
	s.add(st, id)
	s.stirred = true
	go st.finishCall(bytes.Clone(body))
}

// finishCall sends a body as its window allows.
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
	var r *frameRoute
	for n := range s.frames {
		if f := &s.frames[n]; f.method == string(method) && f.matches(target) {
			r = f
			break
		}
	}
	if r == nil {
		return nil, false
	}
	s.lastID = open.Stream
	c := &s.call
	c.target = target
	c.session, c.id, c.head, c.body, c.header, c.status, c.stopped = s, open.Stream, open.Payload, nil, c.header[:0], 0, false
	p, n := rest, 0
	if len(p) >= wire.FrameHead && wire.Type(p[4]) == wire.Data && binary.LittleEndian.Uint32(p[8:]) == open.Stream {
		n = int(binary.LittleEndian.Uint32(p))
		if n <= min(wire.StreamWindow, s.window, len(p)-wire.FrameHead) && wire.Flags(p[5])&wire.Message == 0 && p[6]|p[7] == 0 {
			c.body = p[wire.FrameHead : wire.FrameHead+n : wire.FrameHead+n]
			p = p[wire.FrameHead+n:]
		}
	}
	// An END that says nothing: its length is zero, and so are its reserved bytes.
	if len(p) >= wire.FrameHead && binary.LittleEndian.Uint64(p)&^(0xff<<40) == uint64(wire.End)<<32 && binary.LittleEndian.Uint32(p[8:]) == open.Stream {
		s.window -= len(c.body)
		if s.credit += len(c.body); s.credit >= s.size/4 {
			s.giveBack(0)
		}
		s.unlock()
		s.run(c, r.handle)
		s.lock()
		return p[wire.FrameHead:], true
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
