// The written cases for guests: requests and windows.
package kit

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

var guestCasesOfBodies = []guestCase{
	{"a long body comes back whole", hello{}, func(s *session) {
		c := s.open("POST", "/echo")
		body := spec.Pattern(0, 300_000)
		c.send(body, 0)
		c.end(nil)
		s.settle()
		c.answered(200, body)
	}},
	{"bodies of many streams at once", small, func(s *session) {
		var all []*call
		for n := range 20 {
			c := s.open("POST", "/echo")
			c.send(spec.Pattern(n, 50_000), 0)
			c.end(nil)
			all = append(all, c)
		}
		s.settle()
		for n, c := range all {
			c.answered(200, spec.Pattern(n, 50_000))
		}
	}},
	{"a stream's window is used to its last byte, and no further", hello{}, func(s *session) {
		c := s.get("/bytes?n=100000")
		c.hold = true
		s.settle()
		c.received(wire.StreamWindow)
		for sum, more := wire.StreamWindow, 1; sum < 60_000; more *= 7 {
			c.window(uint32(more))
			s.settle()
			sum += more
			c.received(min(sum, 100_000))
		}
		c.window(50_000)
		s.settle()
		c.answered(200, spec.Pattern(0, 100_000))
	}},
	{"the instance's window is used to its last byte, and no further", small, func(s *session) {
		var all []*call
		for range 10 {
			c := s.get("/bytes?n=32768")
			c.hold = true
			all = append(all, c)
		}
		s.settle()
		sum := func() (n int) {
			for _, c := range all {
				n += len(c.body)
			}
			return n
		}
		window := int(small.memory) / wire.InstanceShare
		s.want(sum() == window, "window.used", "%d bytes have come, the instance's window is %d", sum(), window)
		s.say(wire.Frame{Type: wire.Window, Payload: u32Payload(1)})
		s.settle()
		s.want(sum() == window+1, "window.used", "%d bytes have come, the instance's window is %d", sum(), window+1)
		s.say(wire.Frame{Type: wire.Window, Payload: u32Payload(100_000)})
		s.settle()
		for _, c := range all {
			c.answered(200, spec.Pattern(0, 32768))
		}
	}},
	{"a batch is no larger than its limit", hello{}, func(s *session) {
		var all []*call
		for range 60 {
			c := s.get("/bytes?n=32000")
			c.hold = true // so that nothing but WAKE asks for the rest
			all = append(all, c)
		}
		s.settle()
		for _, c := range all {
			c.answered(200, spec.Pattern(0, 32000))
		}
	}},
	{"a body that is read is given back to its windows", small, func(s *session) {
		c := s.open("POST", "/count")
		c.send(make([]byte, 700_000), 0)
		c.end(nil)
		s.settle()
		s.want(len(c.pending) == 0, "window.credit", "%d bytes wait for a window, though a reader waits for them", pendingBytes(c))
		c.answered(200, []byte("700000"))
	}},
	{"bodies that nobody reads are given back when their streams end", small, func(s *session) {
		for range 40 {
			c := s.open("POST", "/hang")
			c.send(make([]byte, wire.StreamWindow), 0)
			s.settle()
			s.want(len(c.pending) == 0, "window.credit", "%d bytes wait for the instance's window, and nothing is open", pendingBytes(c))
			c.cancel(wire.Cancelled)
			s.settle()
		}
	}},
	{"bodies that come too late are given back", small, func(s *session) {
		for range 40 {
			c := s.open("POST", "/early")
			s.poll()
			c.send(make([]byte, 20_000), 0)
			s.settle()
			c.answered(413, []byte("too large"))
			s.want(c.stopped, "stop.stands", "the guest has answered and does not want the body, and says no STOP")
		}
	}},
	{"bodies that cross a RESET are given back", small, func(s *session) {
		for range 12 {
			c := s.open("POST", "/abort")
			s.poll()
			s.want(s.led.room[host] >= wire.StreamWindow, "window.credit", "nothing is open, and the instance's window has %d bytes", s.led.room[host])
			s.want(c.reset == wire.Internal, "reset.answered", "the handler failed, and the stream is not reset with internal: %v", c.reset)
			// The host's answer has been queued already; DATA goes before it, as
			// if it had been on the way.
			s.queue = append([]wire.Frame{{Type: wire.Data, Stream: c.rec.id, Payload: make([]byte, wire.StreamWindow)}}, s.queue...)
			s.settle()
		}
	}},
	{"ends of either side first", hello{}, func(s *session) {
		first := s.get("/relay?authority=door&target=/x")
		s.settle()
		k := s.child(first)
		k.answer(200)
		for n := range 5 {
			k.send(fmt.Appendf(nil, "%d,", n), 0)
			s.settle()
			s.want(len(first.body) == 2*(n+1), "end.half", "of %d bytes %d have been relayed", 2*(n+1), len(first.body))
		}
		k.end(nil)
		s.settle()
		first.answered(200, []byte("0,1,2,3,4,"))
		second := s.open("POST", "/count")
		s.settle()
		second.send([]byte("abc"), 0)
		s.settle()
		second.end(nil)
		s.settle()
		second.answered(200, []byte("3"))
	}},
	{"trailers both ways, and of children", hello{}, func(s *session) {
		c := s.open("POST", "/trailers", header("Trailer", "A, B"))
		c.send([]byte("xy"), 0)
		c.end(wire.AppendPair(wire.AppendPair(wire.AppendPair(nil, wire.TagHeader, "A", "1"), wire.TagHeader, "A", "2"), wire.TagHeader, "B", "ü, ;"))
		s.settle()
		c.answered(200, []byte("2"))
		c.trailers("a=1", "a=2", "b=ü, ;")
		r := s.get("/relay?authority=door&target=/x")
		s.settle()
		k := s.child(r)
		k.answer(201, wire.Header{Name: "Trailer", Value: "Sum"})
		k.send([]byte("body"), 0)
		k.end(wire.AppendPair(nil, wire.TagHeader, "Sum", "9"))
		s.settle()
		r.answered(201, []byte("body"))
		r.trailers("sum=9")
	}},
	{"headers as they were said", hello{}, func(s *session) {
		c := s.get("/header", header("X-One", "1"), header("x-two", "2"), header("X-One", "b"), header("X-Empty", ""), header("X-Text", "Grüße, \t\"q\""))
		s.settle()
		c.answered(204, nil)
		for _, want := range []string{"x-one=1", "x-one=b", "x-two=2", "x-empty=", "x-text=Grüße, \t\"q\""} {
			s.want(has(c.header, want), "data.whole", "of the request's headers %q did not come back: %v", want, c.header)
		}
	}},
	{"for whom a stream is", hello{}, func(s *session) {
		c := s.get("/caller", text(wire.TagUserUID, "u-1"), text(wire.TagGroup, "dev"), text(wire.TagGroup, "ops"), text(wire.TagWorkspace, "w"),
			text(wire.TagProject, "p"), text(wire.TagProjectUID, "p-1"), text(wire.TagCluster, "local"))
		s.settle()
		c.answered(200, []byte("user=alice\nuser uid=u-1\ngroups=dev,ops\nworkspace=w\nworkspace uid=w-1\nproject=p\nproject uid=p-1\ncluster=local\n"))
	}},
	{"many short requests, ids growing", hello{}, func(s *session) {
		for range 300 {
			a, b, c := s.get("/fixed"), s.open("POST", "/fixed"), s.get("/bytes?n=3")
			b.send(make([]byte, 1000), 0)
			b.end(nil)
			s.settle()
			a.answered(200, []byte("0"))
			b.answered(200, []byte("1000"))
			c.answered(200, spec.Pattern(0, 3))
		}
	}},
	{"the fast path, in pieces, reset and stopped", small, func(s *session) {
		c := s.open("POST", "/fixed")
		s.settle()
		c.send(make([]byte, 10_000), 0)
		s.settle()
		c.send(make([]byte, 20_000), 0)
		c.end(nil)
		s.settle()
		c.answered(200, []byte("30000"))
		for range 40 {
			d := s.open("POST", "/fixed")
			d.send(make([]byte, 20_000), 0)
			s.settle()
			d.cancel(wire.Cancelled)
			s.settle()
			s.want(d.rec.gone(), "reset.answered", "stream %d: the RESET is not answered", d.rec.id)
		}
		e := s.open("POST", "/fixed")
		s.settle()
		e.stop()
		s.settle()
		e.end(nil)
		s.settle()
		s.want(e.status == 200 && e.ended && len(e.body) == 0, "stop.ends", "after STOP: status %d, ended %v, %d bytes", e.status, e.ended, len(e.body))
	}},
}

// answered wants a whole answer.
func (c *call) answered(status int, body []byte) {
	c.s.want(c.reset == 0, "stream.done", "stream %d (%s) was reset with %v", c.rec.id, c.target, c.reset)
	c.s.want(c.status == status, "stream.done", "stream %d (%s): status %d instead of %d", c.rec.id, c.target, c.status, status)
	c.s.want(c.ended, "stream.done", "stream %d (%s) has not ended; %d bytes have come, %d wait to be sent to it, the guest may send %d", c.rec.id, c.target, len(c.body), pendingBytes(c), c.rec.legs[guest].room)
	c.s.want(bytes.Equal(c.body, body), "data.whole", "stream %d (%s): %s instead of %s", c.rec.id, c.target, sample(c.body), sample(body))
}

func sample(b []byte) string {
	if len(b) > 60 {
		return fmt.Sprintf("%d bytes beginning with %q", len(b), b[:60])
	}
	return fmt.Sprintf("%q", b)
}

func pendingBytes(c *call) (n int) {
	for _, p := range c.pending {
		n += len(p.data)
	}
	return n
}

// received wants exactly the first n bytes of the pattern.
func (c *call) received(n int) {
	c.s.want(len(c.body) == n, "window.used", "stream %d: %d bytes have come, its window was for %d", c.rec.id, len(c.body), n)
	c.s.want(bytes.Equal(c.body, spec.Pattern(0, n)), "data.whole", "stream %d: other bytes than were sent", c.rec.id)
}

// trailers wants these, name=value.
func (c *call) trailers(want ...string) {
	for _, w := range want {
		c.s.want(has(c.trailer, w), "end.trailers", "stream %d: of the trailers %q did not arrive: %v", c.rec.id, w, c.trailer)
	}
}

func has(all []wire.Header, want string) bool {
	for _, h := range all {
		if strings.ToLower(h.Name)+"="+h.Value == want {
			return true
		}
	}
	return false
}

func header(name, value string) wire.Field {
	return wire.Field{Tag: wire.TagHeader, Value: []byte(name + "\x00" + value)}
}

func text(tag wire.Tag, value string) wire.Field { return wire.Field{Tag: tag, Value: []byte(value)} }

// child gives the last stream that was opened on behalf of c.
func (s *session) child(c *call) *call {
	all := s.childrenOf(c)
	s.want(len(all) > 0, "stream.done", "stream %d (%s) has opened no stream", c.rec.id, c.target)
	return all[len(all)-1]
}

func (s *session) childrenOf(c *call) (all []*call) {
	for _, k := range s.children {
		if k.rec.parent == c.rec.id {
			all = append(all, k)
		}
	}
	return all
}

// query writes a target with its parameters.
func query(path string, pairs ...string) string {
	q := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		q.Set(pairs[n], pairs[n+1])
	}
	return path + "?" + q.Encode()
}
