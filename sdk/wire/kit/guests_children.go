// The written cases for guests: streams of their own, splices.
package kit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

var guestCasesOfChildren = []guestCase{
	{"children asked at once, answered in any order", hello{}, func(s *session) {
		a, b := s.get("/ask?authority=one&n=10"), s.get("/ask?authority=two&n=5")
		s.settle()
		s.want(len(s.childrenOf(a)) == 10 && len(s.childrenOf(b)) == 5, "stream.done", "%d and %d streams are open, of 10 and 5", len(s.childrenOf(a)), len(s.childrenOf(b)))
		for n := len(s.children) - 1; n >= 0; n-- {
			k := s.children[n]
			parent := map[string]*call{"one": a, "two": b}[k.authority]
			s.want(parent != nil && k.rec.parent == parent.rec.id, "open.parent-missing", "a stream to %q has the parent %d", k.authority, k.rec.parent)
			k.answer(200 + n)
			s.settle()
			k.send([]byte("of "+k.target), 0)
			k.end(nil)
		}
		s.settle()
		for _, c := range []*call{a, b} {
			var want strings.Builder
			for n := range len(s.childrenOf(c)) {
				for at, k := range s.children {
					if k.rec.parent == c.rec.id && k.target == fmt.Sprintf("/%d", n) {
						fmt.Fprintf(&want, "%d %d of /%d\n", n, 200+at, n)
					}
				}
			}
			c.answered(200, []byte(want.String()))
		}
	}},
	{"children that are reset say with what", hello{}, func(s *session) {
		c := s.get("/ask?authority=door&n=11")
		s.settle()
		for n, k := range s.childrenOf(c) {
			k.cancel(wire.Code(n + 1))
		}
		s.settle()
		lines := strings.Fields(string(c.body))
		s.want(c.ended && len(lines) == 22, "stream.done", "%q", c.body)
		for _, k := range s.childrenOf(c) {
			s.want(k.rec.gone(), "reset.answered", "stream %d is not answered", k.rec.id)
		}
		for code := wire.Cancelled; code <= wire.Internal; code++ {
			s.want(bytes.Contains(c.body, []byte(code.String()+"\n")), "code.closed", "%v did not arrive: %q", code, c.body)
		}
	}},
	{"an unknown code is read as internal", hello{}, func(s *session) {
		c := s.get("/ask?authority=door&n=1")
		s.settle()
		k := s.child(c)
		k.say(wire.Reset, 0, []byte{0xe7, 0x03, 'x'})
		s.settle()
		c.answered(200, []byte("0 internal\n"))
	}},
	{"a child that is left alone is reset with its parent", small, func(s *session) {
		for range 20 {
			c := s.get("/leave?authority=door&target=/x")
			s.settle()
			k := s.child(c)
			k.answer(200)
			k.send(make([]byte, 30_000), 0)
			s.settle()
			c.answered(200, []byte("left"))
			s.want(k.rec.gone(), "parent.ends", "stream %d is still open, and its parent has ended", k.rec.id)
		}
	}},
	{"a relay takes no more than is taken of it", hello{}, func(s *session) {
		c := s.get("/relay?authority=door&target=/x")
		s.settle()
		c.hold = true
		k := s.child(c)
		k.answer(200)
		k.send(spec.Pattern(0, 1_000_000), 0)
		k.end(nil)
		s.settle()
		s.want(pendingBytes(k) > 800_000, "window.credit-once", "%d bytes of 1000000 were taken though nobody reads the answer", 1_000_000-pendingBytes(k))
		c.release()
		s.settle()
		c.answered(200, spec.Pattern(0, 1_000_000))
	}},
	{"what breaks off is not whole", hello{}, func(s *session) {
		c := s.get("/relay?authority=door&target=/x")
		s.settle()
		k := s.child(c)
		k.answer(200)
		k.send([]byte("half"), 0)
		s.settle()
		k.cancel(wire.Unavailable)
		s.settle()
		s.want(!c.ended && c.reset == wire.Internal, "data.whole", "the answer has ended (%v) as if it were whole; reset: %v", c.ended, c.reset)
	}},
	{"more heads than a batch holds", hello{}, func(s *session) {
		c := s.get("/ask?n=80&authority=" + strings.Repeat("a", 20_000))
		s.settle()
		s.want(len(s.childrenOf(c)) == 80, "frame.batch", "%d streams are open of 80", len(s.childrenOf(c)))
	}},
	{"no more streams than are allowed twice over", hello{memory: 64 << 20, streams: 4}, func(s *session) {
		c := s.get("/ask?authority=door&n=30")
		s.settle()
		for n := 0; n < len(s.children); n++ {
			if k := s.children[n]; !k.rec.reset() {
				k.answer(200)
				k.end(nil)
				s.settle()
			}
		}
		s.want(c.ended, "stream.done", "the request has not ended")
	}},
	{"a splice sends first what it holds", hello{}, func(s *session) {
		c := s.get("/splice?authority=door&target=/x&prefix=1000")
		s.settle()
		k := s.child(c)
		k.answer(206)
		k.send(spec.Pattern(0, 500), 0)
		s.settle()
		s.want(k.rec.into == c.rec.id, "splice.order", "there was no SPLICE")
		c.wholeSplice(206, append(spec.Pattern(0, 1000), spec.Pattern(0, 500)...))
		k.send(spec.Pattern(500, 100_000), 0)
		k.end(wire.AppendPair(nil, wire.TagHeader, "Sum", "1"))
		s.settle()
		c.wholeSplice(206, append(spec.Pattern(0, 1000), spec.Pattern(0, 100_500)...))
		s.want(c.ended, "splice.end", "the host has ended the stream")
	}},
	{"a splice waits for the window of what it holds", hello{}, func(s *session) {
		c := s.get("/splice?authority=door&target=/x&prefix=20000")
		c.hold = true
		s.settle()
		k := s.child(c)
		k.answer(200)
		k.send(spec.Pattern(0, 32768), 0)
		s.settle()
		s.want(c.rec.legs[guest].room == 0 && !c.rec.legs[guest].spliced, "splice.order", "the window has %d bytes left; spliced: %v", c.rec.legs[guest].room, c.rec.legs[guest].spliced)
		c.window(30_000)
		s.settle()
		s.want(c.rec.legs[guest].spliced, "splice.order", "what it held has been sent, and there is no SPLICE")
		c.wholeSplice(200, append(spec.Pattern(0, 20_000), spec.Pattern(0, 32768)...))
		k.end(nil)
		s.settle()
	}},
	{"a splice of what has ended already", hello{}, func(s *session) {
		c := s.get("/splice?authority=door&target=/x")
		s.settle()
		k := s.child(c)
		k.answer(200)
		k.send([]byte("all"), 0)
		k.end(nil)
		s.settle()
		s.want(string(c.body) == "all" && c.rec.legs[guest].ended, "splice.end", "%q, ended: %v", c.body, c.rec.legs[guest].ended)
	}},
	{"a splice whose source is reset", hello{}, func(s *session) {
		c := s.get("/splice?authority=door&target=/x")
		s.settle()
		k := s.child(c)
		k.answer(200)
		s.settle()
		k.cancel(wire.Unavailable)
		s.settle()
		s.want(c.rec.gone() && k.rec.gone(), "splice.reset", "both streams are reset; gone: %v, %v", c.rec.gone(), k.rec.gone())
	}},
	{"a splice whose reader leaves", hello{}, func(s *session) {
		c := s.get("/splice?authority=door&target=/x")
		s.settle()
		k := s.child(c)
		k.answer(200)
		s.settle()
		c.cancel(wire.Cancelled)
		s.settle()
		s.want(c.rec.gone() && k.rec.gone(), "splice.reset", "both streams are reset; gone: %v, %v", c.rec.gone(), k.rec.gone())
	}},
	{"a splice whose reader has seen enough", hello{}, func(s *session) {
		c := s.get("/splice?authority=door&target=/x")
		s.settle()
		k := s.child(c)
		k.answer(200)
		s.settle()
		c.stop()
		s.settle()
		s.want(c.rec.gone() && k.rec.gone(), "splice.stop", "both streams have ended; gone: %v, %v", c.rec.gone(), k.rec.gone())
	}},
	{"a request's body spliced into a child", hello{}, func(s *session) {
		c := s.open("POST", "/uplink?authority=door&target=/up")
		c.send([]byte("begin "), 0)
		s.settle()
		k := s.child(c)
		s.want(k.rec.legs[guest].spliced && string(k.body) == "begin ", "splice.order", "spliced: %v, and %q was sent first", k.rec.legs[guest].spliced, k.body)
		c.send([]byte("rest"), 0)
		c.end(nil)
		s.settle()
		s.want(string(k.forwarded) == "rest", "splice.order", "%q was forwarded", k.forwarded)
		k.answer(200)
		k.send([]byte("ok"), 0)
		k.end(nil)
		s.settle()
		c.answered(200, []byte("ok"))
	}},
	{"a child whose answer is broken is reset", hello{}, func(s *session) {
		for _, b := range []struct {
			rule, line string
			fields     []byte
		}{
			{"head.status", "invalid", nil},
			{"head.status", "invalid", wire.AppendU16(nil, wire.TagStatus, 199)},
			{"head.status", "invalid", wire.AppendU16(nil, wire.TagStatus, 600)},
			{"header.valid", "invalid", wire.AppendPair(wire.AppendU16(nil, wire.TagStatus, 200), wire.TagHeader, "a b", "c")},
			{"header.valid", "invalid", wire.AppendPair(wire.AppendU16(nil, wire.TagStatus, 200), wire.TagHeader, "a", "b\nc")},
			{"field.critical", "unsupported", wire.AppendField(wire.AppendU16(nil, wire.TagStatus, 200), 999, wire.CriticalField, nil)},
		} {
			c := s.get("/ask?authority=door&n=1")
			s.settle()
			k := s.child(c)
			k.say(wire.Head, 0, b.fields)
			s.settle()
			s.want(k.reset.String() == b.line, b.rule, "the guest says RESET %v instead of %s", k.reset, b.line)
			s.want(c.ended, "stream.done", "the request has not ended")
		}
		c := s.get("/relay?authority=door&target=/x")
		s.settle()
		k := s.child(c)
		k.answer(200)
		k.end(wire.AppendPair(nil, wire.TagHeader, "a", "b\r"))
		s.settle()
		s.want(k.reset == wire.Invalid, "header.valid", "a broken trailer: RESET %v instead of invalid", k.reset)
	}},
}

// wholeSplice wants the bytes that were sent before and behind a SPLICE.
func (c *call) wholeSplice(status int, body []byte) {
	got := append(bytes.Clone(c.body), c.forwarded...)
	c.s.want(c.status == status && bytes.Equal(got, body), "splice.order", "stream %d: status %d, %s instead of %d, %s", c.rec.id, c.status, sample(got), status, sample(body))
}
