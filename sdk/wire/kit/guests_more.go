// The written cases for guests: upgrades, later versions, time, the instance.
package kit

import (
	"bytes"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

var guestCasesOfMore = []guestCase{
	{"messages keep their bounds and kinds", hello{}, func(s *session) {
		c := s.upgrade("/upgrade", "websocket")
		var want []message
		for n := range 200 {
			m := message{text: n%3 == 0, data: spec.Pattern(n, n*17%900)}
			want = append(want, m)
			c.message(m)
		}
		s.settle()
		c.echoed(want)
	}},
	{"empty messages count in the windows, and are given back", small, func(s *session) {
		c := s.upgrade("/upgrade", "websocket")
		for range 20_000 {
			c.message(message{})
		}
		s.settle()
		s.want(len(c.pending) == 0, "window.credit", "%d messages wait for a window, though they are read", len(c.pending))
		s.want(len(c.messages) == 20_000, "upgrade.message", "%d messages came back of 20000", len(c.messages))
	}},
	{"a message's end counts against the stream's window", hello{}, func(s *session) {
		c := s.upgrade("/upgrade", "websocket")
		c.hold = true
		for range 40 {
			c.message(message{data: make([]byte, 1008)})
		}
		s.settle()
		s.want(len(c.messages) == 32, "window.used", "%d messages came back; the window is for 32", len(c.messages))
		c.window(16)
		s.settle()
		c.window(1)
		s.settle()
		s.want(len(c.messages) == 32, "window.stream", "%d messages came back; the window is for 32", len(c.messages))
		c.window(1100)
		s.settle()
		s.want(len(c.messages) == 33, "window.used", "%d messages came back; the window is for 33", len(c.messages))
		c.window(20_000)
		s.settle()
		s.want(len(c.messages) == 40, "window.used", "%d messages came back of 40", len(c.messages))
	}},
	{"a message that is larger than every window", small, func(s *session) {
		c := s.upgrade("/upgrade", "websocket")
		big := message{text: true, data: bytes.Repeat([]byte("Ä."), 200_000)}
		c.message(big)
		c.message(message{data: []byte("after")})
		s.settle()
		c.echoed([]message{big, {data: []byte("after")}})
	}},
	{"closes of either side", hello{}, func(s *session) {
		for _, code := range []int{1000, 1001, 3000, 4999} {
			c := s.upgrade("/upgrade", "websocket")
			c.end(wire.AppendText(wire.AppendU16(nil, wire.TagCloseCode, uint16(code)), wire.TagCloseText, "why"))
			s.settle()
			s.want(c.ended && c.closeCode == code && c.closeText == "why", "upgrade.close", "ended: %v, closed with %d %q instead of %d why", c.ended, c.closeCode, c.closeText, code)
		}
		none := s.upgrade("/upgrade", "websocket")
		none.end(nil)
		s.settle()
		s.want(none.ended && none.closeCode == 0, "upgrade.close", "a close without a code came back with %d", none.closeCode)
		own := s.upgrade("/upgrade", "websocket")
		own.message(message{text: true, data: []byte("close 4001 mine")})
		s.settle()
		s.want(own.ended && own.closeCode == 4001 && own.closeText == "mine", "upgrade.close", "ended: %v, closed with %d %q", own.ended, own.closeCode, own.closeText)
		own.end(nil)
		s.settle()
		s.want(own.rec.gone(), "streams.slot", "both sides have ended")
	}},
	{"a stream of bytes", hello{}, func(s *session) {
		c := s.upgrade("/upgrade", "tcp")
		c.send(spec.Pattern(0, 100_000), 0)
		s.settle()
		c.end(nil)
		s.settle()
		c.answered(200, spec.Pattern(0, 100_000))
	}},
	{"an upgrade spliced with itself", hello{}, func(s *session) {
		for _, protocol := range []string{"tcp", "websocket"} {
			c := s.upgrade("/join", protocol)
			s.want(c.rec.legs[guest].spliced && c.rec.from == c.rec.id, "splice.order", "%s: there was no SPLICE", protocol)
			c.send([]byte("there and back"), 0)
			c.end(nil)
			s.settle()
			s.want(c.rec.gone(), "splice.end", "%s: both sides have ended", protocol)
		}
	}},
	{"a protocol that nobody knows", hello{}, func(s *session) {
		c := s.open("GET", "/upgrade", text(wire.TagProtocol, "pigeon"))
		s.settle()
		s.want(c.reset == wire.Unsupported, "upgrade.protocol", "RESET %v instead of unsupported", c.reset)
	}},
	{"unknown frames in every state are skipped", hello{}, func(s *session) {
		s.everywhere(func(id uint32) {
			for _, t := range []wire.Type{0, 13, 64, 255} {
				s.say(wire.Frame{Type: t, Stream: id, Payload: spec.Pattern(0, 40)})
			}
		}, "unknown.skipped")
		s.say(wire.Frame{Type: 99})
		c := s.get("/bytes?n=4", wire.Field{Tag: 999, Value: []byte("later")}, wire.Field{Tag: 0})
		s.settle()
		c.answered(200, spec.Pattern(0, 4))
	}},
	{"unknown tags are skipped", hello{}, func(s *session) {
		for _, target := range []string{"/fixed", "/count"} {
			c := s.open("POST", target, wire.Field{Tag: 999, Value: []byte("later")}, wire.Field{Tag: 0}, wire.Field{Tag: 999})
			c.end(wire.AppendField(nil, 65535, 0, []byte("later")))
			s.settle()
			s.want(c.ended && c.status == 200, "field.skipped", "%s: status %d, ended %v, reset %v", target, c.status, c.ended, c.reset)
		}
		d := s.get("/ask?authority=door&n=1")
		s.settle()
		k := s.child(d)
		k.say(wire.Head, 0, wire.AppendField(wire.AppendU16(nil, wire.TagStatus, 200), 999, 0, nil))
		k.end(wire.AppendField(nil, 999, 0, nil))
		s.settle()
		s.want(string(d.body) == "0 200 \n", "field.skipped", "%q", d.body)
	}},
	{"unknown flags are ignored", hello{}, func(s *session) {
		c := s.open("POST", "/echo")
		s.poll()
		c.say(wire.Data, 0x1c, []byte("data"))
		c.say(wire.End, 0x1c, nil)
		s.settle()
		c.answered(200, []byte("data"))
	}},
	{"unknown critical frames in every state reset the stream", hello{}, func(s *session) {
		for _, target := range []string{"/wait", "/hang", "/relay?authority=door"} {
			c := s.open("POST", target)
			s.settle()
			c.say(13, wire.Critical, nil)
			s.settle()
			s.want(c.reset == wire.Unsupported, "unknown.critical", "%s: RESET %v instead of unsupported", target, c.reset)
			s.answered()
		}
		c := s.get("/ask?authority=door&n=1")
		s.settle()
		s.child(c).say(200, wire.Critical, nil)
		s.settle()
		c.answered(200, []byte("0 unsupported\n"))
		gone := s.get("/bytes?n=1")
		s.settle()
		gone.say(200, wire.Critical, nil)
		s.settle()
		s.want(!gone.rec.legs[guest].reset, "unknown.critical", "a stream that is gone is reset")
	}},
	{"an unknown critical tag resets the stream", hello{}, func(s *session) {
		for _, target := range []string{"/bytes?n=1", "/fixed"} {
			c := s.get(target, wire.Field{Tag: 999, Flags: wire.CriticalField})
			s.settle()
			s.want(c.reset == wire.Unsupported, "field.critical", "%s: RESET %v instead of unsupported", target, c.reset)
		}
		c := s.open("POST", "/count")
		c.end(wire.AppendField(nil, 999, wire.CriticalField, nil))
		s.settle()
		s.want(c.reset == wire.Unsupported, "field.critical", "in END: RESET %v instead of unsupported", c.reset)
		known := s.get("/bytes?n=1", wire.Field{Tag: wire.TagLocale, Flags: wire.CriticalField, Value: []byte("de")})
		s.settle()
		known.answered(200, spec.Pattern(0, 1))
	}},
	{"a broken header resets the stream", hello{}, func(s *session) {
		for _, h := range []string{"\x00v", "a b\x00v", "a:b\x00v", "a\x7f\x00v", "a\x00b\nc", "a\x00b\rc", "a\x00b\x00c", "a", "ü\x00v"} {
			for _, target := range []string{"/bytes?n=1", "/fixed"} {
				c := s.get(target, wire.Field{Tag: wire.TagHeader, Value: []byte(h)})
				s.settle()
				s.want(c.reset == wire.Invalid, "header.valid", "%s, %q: RESET %v instead of invalid", target, h, c.reset)
			}
		}
	}},
	{"time passes, and only then", hello{}, func(s *session) {
		long, short := s.get("/timer?ms=300"), s.get("/timer?ms=40")
		s.settle()
		s.sleep(39 * time.Millisecond)
		s.want(short.status == 0, "wake.time", "the answer came before its time")
		s.sleep(time.Millisecond)
		short.answered(200, []byte("40"))
		s.want(long.status == 0, "wake.time", "the answer came before its time")
		s.sleep(259 * time.Millisecond)
		s.want(long.status == 0, "wake.time", "the answer came before its time")
		s.sleep(time.Millisecond)
		long.answered(200, []byte("300"))
	}},
	{"DRAIN lets what is open go on", hello{}, func(s *session) {
		c, d := s.open("POST", "/echo"), s.get("/relay?authority=door&target=/x")
		s.settle()
		s.say(wire.Frame{Type: wire.Drain})
		s.settle()
		c.send([]byte("on"), 0)
		c.end(nil)
		k := s.child(d)
		k.answer(200)
		k.send([]byte("and on"), 0)
		k.end(nil)
		s.settle()
		c.answered(200, []byte("on"))
		d.answered(200, []byte("and on"))
	}},
	{"lines of the log say whose they are", hello{}, func(s *session) {
		a, b := s.get(query("/log", "text", "one")), s.get(query("/log", "text", "two\nlines"))
		s.settle()
		a.answered(204, nil)
		b.answered(204, nil)
		s.want(len(s.logs) == 2, "log.fields", "%d lines instead of 2", len(s.logs))
		for n, c := range []*call{a, b} {
			want := wire.AppendText(wire.AppendU32(nil, wire.TagLevel, 4), wire.TagText, []string{"one", "two\nlines"}[n])
			want = wire.AppendU32(wire.AppendPair(want, wire.TagAttribute, "key", "value"), wire.TagStream, c.rec.id)
			s.want(slices.ContainsFunc(s.logs, func(f wire.Frame) bool { return covers(want, f.Payload) }), "log.fields", "no line says what stream %d wrote: %v", c.rec.id, spec.Describe(s.logs[n]))
		}
	}},
	{"settings", hello{memory: 64 << 20, streams: 10, settings: []wire.Header{{Name: "greeting", Value: "a\x00b"}, {Name: "empty"}, {Name: "other", Value: "x"}}}, func(s *session) {
		c := s.get("/settings")
		s.settle()
		c.answered(200, []byte("empty=\ngreeting=a\x00b\n"))
	}},
	{"the seed is the instance's own", hello{}, func(s *session) {
		c, d := s.get("/random"), s.get("/random")
		s.settle()
		s.want(len(c.body) == 32 && !bytes.Equal(c.body, d.body), "hello.settings", "%q and %q", c.body, d.body)
	}},
	{"a field twice where it may be, and what does not belong", hello{}, func(s *session) {
		c := s.get("/bytes?n=2", wire.Field{Tag: wire.TagStatus, Value: []byte{1}}, wire.Field{Tag: wire.TagMinor}, text(wire.TagGroup, "a"), text(wire.TagGroup, "a"))
		s.settle()
		c.answered(200, spec.Pattern(0, 2))
	}},
}

// upgrade opens an upgrade and wants it accepted.
func (s *session) upgrade(target, protocol string) *call {
	c := s.open("GET", target, text(wire.TagProtocol, protocol))
	s.settle()
	s.want(c.status >= 200 && c.status < 300, "upgrade.accepted", "%s to %s: status %d, reset %v", target, protocol, c.status, c.reset)
	return c
}

// message sends a message.
func (c *call) message(m message) {
	flags := wire.Message
	if m.text {
		flags |= wire.Text
	}
	c.send(m.data, flags)
}

// echoed wants these messages back.
func (c *call) echoed(want []message) {
	c.s.want(len(c.messages) == len(want), "upgrade.message", "%d messages came back of %d", len(c.messages), len(want))
	for n, m := range want {
		got := c.messages[n]
		c.s.want(got.text == m.text && bytes.Equal(got.data, m.data), "upgrade.message", "message %d: text %v, %s instead of text %v, %s", n, got.text, sample(got.data), m.text, sample(m.data))
	}
}

// everywhere calls say for a stream in each state of the guest's, and wants
// every one of them to go on as if nothing had been said.
func (s *session) everywhere(say func(id uint32), rule string) {
	asking, heard, waiting := s.open("POST", "/echo"), s.get("/timer?ms=10"), s.get("/ask?authority=door&n=2")
	gone := s.get("/bytes?n=1")
	aborted := s.open("POST", "/abort")
	s.poll()
	asked, answering := s.childrenOf(waiting)[0], s.childrenOf(waiting)[1]
	answering.answer(200)
	for _, c := range []*call{asking, heard, asked, answering, gone} {
		say(c.rec.id)
	}
	// The guest has said RESET; the host's answer waits behind it.
	crossing := []wire.Frame{{Type: 77, Stream: aborted.rec.id}, {Type: 78, Flags: wire.Critical, Stream: aborted.rec.id}}
	s.queue = append(crossing, s.queue...)
	s.settle()
	asking.send([]byte("on"), 0)
	asking.end(nil)
	asked.answer(200)
	for _, c := range []*call{asked, answering} {
		c.send([]byte("x"), 0)
		c.end(nil)
	}
	s.sleep(10 * time.Millisecond)
	for _, c := range []*call{asking, heard, waiting, gone} {
		s.want(c.ended && c.reset == 0, rule, "stream %d (%s): ended %v, reset %v", c.rec.id, c.target, c.ended, c.reset)
	}
	s.want(string(waiting.body) == "0 200 x\n1 200 x\n", rule, "%q", waiting.body)
	s.want(string(asking.body) == "on", rule, "%q", asking.body)
}
