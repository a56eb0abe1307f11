// The written cases for hosts: parents, upgrades, what crosses, the instance.
package kit

import (
	"bytes"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

var hostCasesOfMore = []hostCase{
	{"a stream needs a parent that is open", Options{}, func(k *talk) {
		open, _ := k.post()
		ended, _ := k.post()
		k.tell(headFrame(ended, 200), endFrame(ended))
		gone, _ := k.get()
		k.tell(headFrame(gone, 200), endFrame(gone))
		reset, x := k.get()
		x.cancel(nil)
		k.settle()
		k.opens(2, open)
		id := uint32(4)
		for _, c := range []struct {
			name   string
			parent uint32
			code   wire.Code
			rule   string
		}{
			{"none", 0, wire.Denied, "open.parent-missing"},
			{"one that never was", 9001, wire.Denied, "open.parent-missing"},
			{"one of the guest's", 2, wire.Denied, "open.parent-missing"},
			{"itself", 10, wire.Denied, "open.parent-missing"},
			{"one whose answer has ended", ended, wire.Cancelled, "open.parent-ended"},
			{"one that is gone", gone, wire.Cancelled, "open.parent-ended"},
			{"one that was reset", reset, wire.Cancelled, "open.parent-ended"},
		} {
			doors := len(k.doors)
			k.tellRaw(encode(openFrame(id, c.parent)))
			k.want(k.inst.Fault() == nil, c.rule, "parent %s: a fault: %v", c.name, k.inst.Fault())
			all := k.heard(id, wire.Reset)
			k.want(len(all) == 1, c.rule, "parent %s: RESET came %d times", c.name, len(all))
			code, _, _ := all[0].Code()
			k.want(code == c.code, c.rule, "parent %s: RESET %v instead of %v", c.name, code, c.code)
			k.want(len(k.doors) == doors, c.rule, "parent %s: the door was asked", c.name)
			id += 2
		}
		k.lives("open.parent-missing")
	}},
	{"children end with their parent", Options{}, func(k *talk) {
		id := uint32(2)
		for _, c := range []struct {
			name string
			end  func(parent uint32, x *Exchange)
		}{
			{"by the guest's END", func(p uint32, _ *Exchange) { k.tell(headFrame(p, 200), endFrame(p)) }},
			{"by the guest's RESET", func(p uint32, _ *Exchange) { k.tell(resetFrame(p, wire.Internal)) }},
			{"by the user", func(_ uint32, x *Exchange) { x.cancel(nil); k.settle() }},
		} {
			parent, x := k.post()
			asking, answered, halfway := k.opens(id, parent), k.opens(id+2, parent), k.opens(id+4, parent)
			answered.answers(200)
			halfway.answers(200)
			k.tell(endFrame(id + 4))
			k.auto = false
			c.end(parent, x)
			k.auto = true
			for _, d := range []*Exchange{asking, answered, halfway} {
				k.want(d.Context.Err() != nil, "reset.ends-work", "%s: a door still works, and waits for the guest's answer", c.name)
			}
			for n := range uint32(3) {
				k.tell(resetFrame(id+2*n, wire.Cancelled))
			}
			if r := k.led.streams[parent]; r.legs[host].reset && !r.legs[guest].reset {
				k.tell(resetFrame(parent, wire.Cancelled))
			}
			for n := range 3 {
				all := k.heard(id+2*uint32(n), wire.Reset)
				k.want(len(all) == 1, "parent.ends", "%s: child %d was reset %d times", c.name, n, len(all))
				code, _, _ := all[0].Code()
				k.want(code == wire.Cancelled, "parent.ends", "%s: RESET %v instead of cancelled", c.name, code)
			}
			id += 6
		}
		k.lives("parent.ends")
	}},
	{"children of others go on", Options{}, func(k *talk) {
		a, _ := k.post()
		b, _ := k.post()
		x := k.opens(2, a)
		k.opens(4, b)
		k.tell(headFrame(b, 200), endFrame(b))
		k.want(x.Context.Err() == nil && len(k.heard(2, wire.Reset)) == 0, "parent.ends", "the child of another stream has ended")
		x.answers(200)
		k.settle()
		k.want(len(k.heard(2, wire.Head)) == 1, "stream.done", "the door's answer did not come")
	}},
	{"a host's request may be half closed", Options{}, func(k *talk) {
		id, x := k.post()
		k.tell(headFrame(id, 200), endFrame(id))
		k.want(x.In.ended, "end.half", "END did not reach the user")
		x.Body.push([]byte("still"), 0)
		k.settle()
		k.want(string(k.bytesTo(id)) == "still", "end.half", "the other direction has ended too: %q", k.bytesTo(id))
		x.Body.end(nil)
		k.settle()
		k.want(k.led.streams[id].gone(), "streams.slot", "both sides have ended")
	}},
	{"more streams than are allowed", Options{Streams: 4}, func(k *talk) {
		parent, _ := k.post()
		k.auto = false
		for n := uint32(1); n <= 4; n++ {
			k.opens(2*n, parent)
		}
		for n := uint32(5); n <= 7; n++ {
			k.tellRaw(encode(openFrame(2*n, parent)))
			all := k.heard(2*n, wire.Reset)
			k.want(k.inst.Fault() == nil && len(all) == 1, "streams.limit", "stream %d over the limit: fault %v, RESET %d times", n, k.inst.Fault(), len(all))
			code, _, _ := all[0].Code()
			k.want(code == wire.RateLimited, "streams.limit", "RESET %v instead of rate_limited", code)
		}
		k.tellRaw(encode(openFrame(16, parent)))
		k.faults("streams.fault")
	}},
	{"slots are free when both have ended, and not before", Options{Streams: 2}, func(k *talk) {
		parent, _ := k.post()
		id := uint32(2)
		for range 10 {
			a, b := k.opens(id, parent), k.opens(id+2, parent)
			a.answers(200)
			a.Out.end(nil)
			b.refuses(wire.NotFound)
			k.settle()
			id += 4
		}
		k.lives("streams.slot")
	}},
	{"a RESET that is not answered keeps its slot", Options{Streams: 2}, func(k *talk) {
		parent, _ := k.post()
		k.auto = false
		k.opens(2, parent).refuses(wire.NotFound)
		k.opens(4, parent).refuses(wire.NotFound)
		k.settle()
		k.tellRaw(encode(openFrame(6, parent)))
		code := wire.Code(0)
		if all := k.heard(6, wire.Reset); len(all) == 1 {
			code, _, _ = all[0].Code()
		}
		k.want(code == wire.RateLimited, "streams.slot", "two slots are taken by RESETs without an answer; a third stream got RESET %v", code)
	}},
	{"a host opens no more than it has said", Options{Streams: 3}, func(k *talk) {
		for range 3 {
			k.post()
		}
		x := &Exchange{Context: k.context(), Authority: "route", Method: "GET", Target: "/", In: newSink(everything)}
		k.inst.Ask(x)
		k.settle()
		k.want(k.led.open(host) <= 3, "streams.limit", "%d streams are open", k.led.open(host))
	}},
	{"what only the host may say is skipped", Options{}, func(k *talk) {
		parent, _ := k.post()
		x := k.opens(2, parent, text(wire.TagUser, "root"), text(wire.TagGroup, "admins"), text(wire.TagWorkspaceUID, "other"), wire.Field{Tag: wire.TagDeadline, Value: make([]byte, 8)},
			wire.Field{Tag: wire.TagUser, Flags: wire.CriticalField}, wire.Field{Tag: wire.TagStatus, Value: []byte{1}}, wire.Field{Tag: 4711, Value: []byte("later")})
		k.want(x.Context.Err() == nil, "field.host-only", "the stream has ended")
		x.answers(200)
		k.settle()
		k.want(len(k.heard(2, wire.Head)) == 1, "field.host-only", "the door's answer did not come")
	}},
	{"a door hears what it is asked", Options{}, func(k *talk) {
		parent, _ := k.post()
		x := k.opens(2, parent, header("X-A", "1"), header("X-A", "2"), text(wire.TagProtocol, "tcp"))
		k.want(x.Method == "POST" && x.Target == "/" && x.Protocol == "tcp" && has(x.Header, "x-a=1") && has(x.Header, "x-a=2"), "data.whole", "%+v", x)
		k.tell(dataFrame(2, []byte("to the ")), dataFrame(2, []byte("door")))
		k.want(string(x.In.body) == "to the door", "data.whole", "%q", x.In.body)
		x.answers(200)
		x.Out.push([]byte("and back"), 0)
		k.settle()
		k.want(string(k.bytesTo(2)) == "and back", "data.whole", "%q", k.bytesTo(2))
	}},
	{"messages both ways, and their close", Options{}, func(k *talk) {
		id, x := k.upgrade("websocket")
		k.tell(dataFrame(id, []byte("one"), wire.Message, wire.Text), dataFrame(id, []byte("t"), wire.Text), dataFrame(id, []byte("wo"), wire.Message, wire.Text),
			dataFrame(id, nil, wire.Message), dataFrame(id, []byte{0, 255}, wire.Message))
		want := []message{{true, []byte("one")}, {true, []byte("two")}, {false, nil}, {false, []byte{0, 255}}}
		k.want(len(x.In.messages) == len(want), "upgrade.message", "%d messages of %d", len(x.In.messages), len(want))
		for n, m := range want {
			got := x.In.messages[n]
			k.want(got.text == m.text && bytes.Equal(got.data, m.data), "upgrade.message", "message %d: %v instead of %v", n, got, m)
		}
		x.Body.push([]byte("back"), wire.Message|wire.Text)
		x.Body.push(nil, wire.Message)
		k.settle()
		got := k.heard(id, wire.Data)
		k.want(len(got) == 2 && got[0].Flags == wire.Message|wire.Text && string(got[0].Payload) == "back" && got[1].Flags == wire.Message && len(got[1].Payload) == 0,
			"upgrade.message", "%v", got)
		k.tell(wire.Frame{Type: wire.End, Stream: id, Payload: wire.AppendText(wire.AppendU16(nil, wire.TagCloseCode, 4003), wire.TagCloseText, "bye")})
		k.want(x.In.ended && x.In.close != nil && *x.In.close == Close{4003, "bye"}, "upgrade.close", "ended: %v, close: %v", x.In.ended, x.In.close)
		x.Body.end(&Close{4004, "you too"})
		k.settle()
		k.want(k.endOf(id, wire.TagCloseCode) == string([]byte{0xa4, 0x0f}) && k.endOf(id, wire.TagCloseText) == "you too", "upgrade.close", "END says %q", k.endOf(id, wire.TagCloseText))
		k.want(k.led.streams[id].gone(), "streams.slot", "both sides have ended")
	}},
	{"an upgrade that is refused", Options{}, func(k *talk) {
		x := &Exchange{Authority: "route", Method: "GET", Target: "/", Protocol: "websocket", Body: newSource()}
		id := k.ask(x)
		k.tell(headFrame(id, 403), dataFrame(id, []byte("no")), endFrame(id))
		k.want(x.In.status == 403 && string(x.In.body) == "no" && x.In.ended, "upgrade.accepted", "%d %q, ended: %v", x.In.status, x.In.body, x.In.ended)
	}},
	{"a user who leaves while the guest answers", Options{}, func(k *talk) {
		for _, says := range [][]wire.Frame{
			{headFrame(1, 200)}, {headFrame(1, 200), dataFrame(1, make([]byte, 100))}, {headFrame(1, 200), endFrame(1)}, {resetFrame(1, wire.Internal)}, {stopFrame(1)}, {windowFrame(1, 5)},
		} {
			id, x := k.post()
			for n := range says {
				says[n].Stream = id
			}
			k.tellWhile(func() { x.cancel(nil) }, says...)
			k.want(k.led.streams[id].gone(), "reset.answered-once", "stream %d is not gone", id)
		}
		k.lives("reset.answered-once")
		k.rest()
	}},
	{"a user who sends while the guest says STOP", Options{}, func(k *talk) {
		id, x := k.post()
		k.tellWhile(func() { x.Body.push([]byte("on the way"), 0) }, stopFrame(id))
		k.want(len(k.heard(id, wire.End)) == 1, "stop.ends", "the host has said END %d times", len(k.heard(id, wire.End)))
		k.lives("stop.ends")
	}},
	{"a parent that ends while the guest opens", Options{}, func(k *talk) {
		id, x := k.post()
		k.tellWhile(func() { x.cancel(nil) }, openFrame(2, id))
		all := k.heard(2, wire.Reset)
		k.want(len(all) == 1, "open.parent-ended", "RESET came %d times", len(all))
		code, _, _ := all[0].Code()
		k.want(code == wire.Cancelled, "open.parent-ended", "RESET %v instead of cancelled", code)
		k.lives("open.parent-ended")
	}},
	{"DRAIN lets what is open go on, and ends the instance", Options{}, func(k *talk) {
		id, x := k.post()
		k.inst.Drain()
		k.settle()
		k.want(len(k.heard(0, wire.Drain)) == 1, "drain.ends", "DRAIN came %d times", len(k.heard(0, wire.Drain)))
		late := &Exchange{Context: k.context(), Authority: "route", Method: "GET", Target: "/", In: newSink(everything)}
		k.inst.Ask(late)
		k.settle()
		k.want(late.In.lost != nil, "open.draining", "a request after DRAIN is not refused")
		door := k.opens(2, id)
		door.answers(200)
		door.Out.end(nil)
		k.tell(headFrame(id, 200), dataFrame(id, []byte("done")), endFrame(id))
		k.want(!k.inst.Ended(), "drain.ends", "the instance has ended, and the host still sends on a stream")
		x.Body.end(nil)
		k.settle()
		k.want(string(x.In.body) == "done" && x.In.ended, "drain.ends", "%q, ended: %v", x.In.body, x.In.ended)
		k.want(k.inst.Ended() && k.inst.Fault() == nil, "drain.ends", "everything has ended, and the instance has not (%v), or by a fault: %v", k.inst.Ended(), k.inst.Fault())
	}},
	{"a guest is polled when it asked to be", Options{}, func(k *talk) {
		id, x := k.get()
		k.tell(wire.Frame{Type: wire.Wake, Payload: u32Payload(50)})
		polls := k.polls
		k.host.Pass(49 * time.Millisecond)
		k.host.Settle()
		k.want(k.polls == polls, "wake.time", "the guest was polled %d times before its time", k.polls-polls)
		k.mu.Lock()
		k.say = append(k.say, headFrame(id, 204), endFrame(id))
		k.mu.Unlock()
		k.host.Pass(2 * time.Millisecond)
		k.host.Settle()
		k.want(k.polls == polls+1 && x.In.status == 204, "wake.time", "the time has come, and the guest was polled %d times", k.polls-polls)
		k.host.Pass(time.Hour)
		k.host.Settle()
		k.want(k.polls <= polls+2, "wake.time", "a guest that waits for nothing was polled %d times", k.polls-polls)
	}},
	{"lines of the log are taken", Options{}, func(k *talk) {
		id, _ := k.get()
		for _, level := range []int32{-4, 0, 4, 8, 100} {
			b := wire.AppendText(wire.AppendU32(nil, wire.TagLevel, uint32(level)), wire.TagText, "line")
			b = wire.AppendPair(wire.AppendU32(b, wire.TagStream, id), wire.TagAttribute, "k", "v")
			b = wire.AppendField(wire.AppendPair(b, wire.TagAttribute, "k", ""), 999, 0, nil)
			k.tell(wire.Frame{Type: wire.Log, Payload: b})
		}
		k.lives("log.fields")
	}},
	{"the first frame is HELLO", Options{}, func(k *talk) {
		k.hello = wire.AppendWake(nil, 1)
		k.startBroken()
		k.faults("hello.first")
	}},
	{"the first answer is not empty", Options{}, func(k *talk) {
		k.hello = []byte{}
		k.startBroken()
		k.faults("hello.first")
	}},
	{"what follows HELLO in its batch is taken", Options{}, func(k *talk) {
		k.hello = wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 7), wire.TagFeatures, 0))
		k.hello = wire.AppendWake(k.hello, 5)
		k.hello = wire.AppendFrame(k.hello, 99, 0, 0, []byte("later"))
		k.hello = wire.AppendFrame(k.hello, wire.Log, 0, 0, wire.AppendText(wire.AppendU32(nil, wire.TagLevel, 0), wire.TagText, "begun"))
		k.led.hello[guest] = true
		k.lives("hello.first")
	}},
	{"HELLO comes once", Options{}, func(k *talk) {
		one := wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, 0))
		k.hello = append(bytes.Clone(one), one...)
		k.startBroken()
		k.faults("hello.once")
	}},
	{"ids near their end drain the instance", Options{FirstID: wire.MaxStream - 1<<20 - 7}, func(k *talk) {
		var last uint32
		for range 6 {
			id, x := k.get()
			k.want(id < wire.MaxStream && id > last, "open.id", "the host opens %d after %d", id, last)
			last = id
			k.tell(headFrame(id, 204), endFrame(id))
			k.want(x.In.ended, "drain.ends", "a request was lost near the end of the ids: %v", x.In.lost)
			if k.led.draining {
				return
			}
		}
		k.fail("drain.ends", "the host's ids come near their end (%d), and it says no DRAIN", last)
	}},
	{"a guest's ids near their end drain the instance", Options{}, func(k *talk) {
		id, x := k.post()
		k.opens(wire.MaxStream-2, id)
		k.want(k.led.draining, "drain.ends", "the guest's ids come near their end, and the host says no DRAIN")
		x.Body.end(nil)
		k.tell(headFrame(id, 200), endFrame(id))
		k.want(x.In.ended, "drain.ends", "the request was lost")
	}},
	{"unknown flags are ignored", Options{}, func(k *talk) {
		id, x := k.get()
		h, d, e := headFrame(id, 200), dataFrame(id, []byte("data")), endFrame(id)
		h.Flags, d.Flags, e.Flags = 0x1c, 0x18, 0x40
		k.tell(h, d, e)
		k.want(x.In.status == 200 && string(x.In.body) == "data" && x.In.ended, "frame.flags", "%d %q, ended: %v, %v", x.In.status, x.In.body, x.In.ended, x.In.lost)
	}},
	{"a thousand streams, opened and reset", Options{}, func(k *talk) {
		for n := range 100 {
			var all []*Exchange
			for range 10 {
				_, x := k.get()
				all = append(all, x)
			}
			for _, x := range all {
				x.cancel(nil)
			}
			k.settle()
			k.want(k.led.open(host) == 0, "streams.slot", "round %d: %d streams are open", n, k.led.open(host))
		}
		k.lives("streams.slot")
	}},
}

// startBroken starts an instance whose guest's first answer is broken.
func (k *talk) startBroken() {
	k.inst.Ask(&Exchange{Context: k.context(), Authority: "route", Method: "GET", Target: "/", In: newSink(everything)})
	k.host.Settle()
}
