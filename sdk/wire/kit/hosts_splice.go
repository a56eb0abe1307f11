// The written cases for hosts: splices.
package kit

import (
	"bytes"
	"fmt"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

var hostCasesOfSplices = []hostCase{
	{"what is spliced goes on behind what was sent", Options{}, func(k *talk) {
		id, x, door := k.spliced([]byte("handed over, "), func(id uint32) []wire.Frame { return []wire.Frame{dataFrame(id, []byte("handed over, "))} })
		polls := k.polls
		body := spec.Pattern(0, 1<<20)
		for n := 0; n < len(body); n += 1 << 16 {
			door.Out.push(body[n:n+1<<16], 0)
			k.settle()
		}
		k.want(k.polls-polls <= 4, "splice.quiet", "a mebibyte that was spliced cost the guest %d polls", k.polls-polls)
		k.want(bytes.Equal(x.In.body, append([]byte("handed over, "), body...)), "splice.order", "the reader has %s", sample(x.In.body))
		door.Out.end(nil, wire.Header{Name: "T", Value: "1"})
		k.settle()
		k.want(x.In.ended, "splice.end", "the source has ended, and the stream has not")
		k.want(has(x.In.trailer, "t=1"), "splice.end", "the trailers did not go along: %v", x.In.trailer)
		k.want(len(k.heard(2, wire.End)) == 1, "splice.end", "the guest has heard END on the source %d times", len(k.heard(2, wire.End)))
		k.want(k.led.streams[id].gone(), "splice.end", "stream %d is not gone", id)
		k.lives("splice.end")
	}},
	{"what waits for the guest when it splices is not lost", tight, func(k *talk) {
		id, x := k.get()
		door := k.opens(2, id)
		door.answers(200)
		body := spec.Pattern(0, 500_000)
		door.Out.push(body, 0) // the guest gives no window: most of it waits
		k.tell(endFrame(2), headFrame(id, 200))
		handed := k.bytesTo(2)
		k.want(len(handed) == wire.StreamWindow, "window.used", "%d bytes were handed over", len(handed))
		k.tell(dataFrame(id, handed), spliceFrame(id, 2))
		door.Out.end(nil)
		k.settle()
		k.want(bytes.Equal(x.In.body, body), "splice.order", "the reader has %s instead of %s", sample(x.In.body), sample(body))
		k.want(x.In.ended, "splice.end", "the stream has not ended")
	}},
	{"what the source says while the guest splices is not lost", Options{}, func(k *talk) {
		for _, ends := range []bool{false, true} {
			id, x, door := k.half()
			k.tellWhile(func() {
				door.Out.push([]byte("crossing "), 0)
				if ends {
					door.Out.end(nil, wire.Header{Name: "T", Value: "1"})
				}
			}, headFrame(id, 200), dataFrame(id, []byte("before ")), spliceFrame(id, x.doorID))
			if !ends {
				door.Out.push([]byte("after"), 0)
				door.Out.end(nil, wire.Header{Name: "T", Value: "1"})
				k.settle()
			}
			want := map[bool]string{true: "before crossing ", false: "before crossing after"}[ends]
			k.want(string(x.In.body) == want, "splice.order", "the reader has %q instead of %q", x.In.body, want)
			k.want(x.In.ended && has(x.In.trailer, "t=1"), "splice.end", "ended: %v, trailers %v", x.In.ended, x.In.trailer)
			k.want(k.led.streams[id].gone() && k.led.streams[x.doorID].gone(), "splice.end", "the streams are not gone")
		}
		k.lives("splice.order")
	}},
	{"a source that is reset while the guest splices", Options{}, func(k *talk) {
		id, x, door := k.half()
		k.tellWhile(func() { door.Out.breakOff(&Broken{wire.Conflict}) }, headFrame(id, 200), spliceFrame(id, x.doorID))
		k.want(x.In.reset == wire.Conflict, "splice.from-reset", "the reader was told %v, %v instead of conflict; ended: %v", x.In.reset, x.In.lost, x.In.ended)
		k.lives("splice.from-reset")
	}},
	{"a reader that leaves while the guest splices", Options{}, func(k *talk) {
		id, x, door := k.half()
		k.tellWhile(func() { x.cancel(nil) }, headFrame(id, 200), spliceFrame(id, x.doorID))
		k.want(door.Context.Err() != nil && k.led.streams[id].gone() && k.led.streams[x.doorID].gone(), "splice.reset", "the door: %v", door.Context.Err())
		k.lives("splice.reset")
	}},
	{"a reader that leaves while the guest splices another's stream into its own", Options{}, func(k *talk) {
		other, _ := k.post()
		door := k.opens(2, other)
		door.answers(200)
		id, x := k.get()
		k.tellWhile(func() { x.cancel(nil) }, endFrame(2), headFrame(id, 200), spliceFrame(id, 2))
		door.Out.push([]byte("nobody's"), 0)
		k.settle()
		k.want(k.led.streams[2].gone(), "splice.reset", "the reader has left, and the source lives")
		k.lives("splice.reset")
	}},
	{"a reader that says STOP while the guest splices", Options{}, func(k *talk) {
		source, user := k.post()
		door := k.opens(2, source)
		k.tellWhile(door.In.leave, spliceFrame(2, source))
		user.Body.push([]byte("lost"), 0)
		k.settle()
		k.want(len(k.heard(2, wire.Stop)) == 1 && len(k.heard(source, wire.End)) == 1, "splice.stop", "STOP on the stream came %d times, END on its source %d times", len(k.heard(2, wire.Stop)), len(k.heard(source, wire.End)))
		door.answers(200)
		door.Out.end(nil)
		k.tell(headFrame(source, 200), endFrame(source))
		k.lives("splice.stop")
	}},
	{"an answer that ends while its request is spliced into its child", Options{}, func(k *talk) {
		id, x := k.post()
		door := k.opens(2, id)
		door.answers(200)
		k.tell(spliceFrame(2, id), headFrame(id, 200), spliceFrame(id, 2))
		x.Body.push([]byte("asked"), 0)
		k.settle()
		door.Out.push([]byte("last words"), 0)
		door.Out.end(nil)
		k.settle()
		k.want(string(x.In.body) == "last words" && x.In.ended && x.In.reset == 0, "splice.parent", "the reader has %q, ended: %v, reset: %v", x.In.body, x.In.ended, x.In.reset)
		k.want(len(k.heard(id, wire.End)) == 1 && k.led.streams[id].gone(), "splice.parent", "END on the request came %d times", len(k.heard(id, wire.End)))
		k.lives("splice.parent")
	}},
	{"a slow reader of a splice holds its source", tight, func(k *talk) {
		id, x := k.slow()
		door := k.opens(2, id)
		door.answers(200)
		k.tell(endFrame(2), headFrame(id, 200), spliceFrame(id, 2))
		for n := range 64 {
			door.Out.push(spec.Pattern(n<<16, 1<<16), 0)
		}
		door.Out.end(nil)
		k.settle()
		waits := 0
		for _, c := range door.Out.chunks {
			waits += len(c.data)
		}
		k.want(waits > 3<<20, "window.stream", "of 4 MiB that nobody reads %d bytes wait at their source", waits)
		x.In.read(everything)
		k.settle()
		k.want(bytes.Equal(x.In.body, spec.Pattern(0, 4<<20)) && x.In.ended, "splice.order", "the reader has %s, ended: %v", sample(x.In.body), x.In.ended)
	}},
	{"a splice takes nothing of the instance's windows", tight, func(k *talk) {
		_, _, door := k.spliced(nil, nil)
		before := [2]int64{k.led.room[host], k.led.room[guest]}
		for range 100 {
			door.Out.push(make([]byte, 1<<16), 0)
			k.settle()
		}
		// The host still sends to others as much as the window allows.
		other, y := k.post()
		y.Body.push(make([]byte, wire.StreamWindow), 0)
		k.settle()
		k.want(k.sentTo(other) == wire.StreamWindow, "window.instance", "the host sends %d bytes to another stream; the windows were %v", k.sentTo(other), before)
		k.tell(headFrame(other, 200), dataFrame(other, make([]byte, wire.StreamWindow)))
		k.lives("window.instance")
	}},
	{"RESET of a splice's source resets the stream", Options{}, func(k *talk) {
		id, x, door := k.spliced(nil, nil)
		door.Out.breakOff(&Broken{wire.Unavailable})
		k.settle()
		k.want(x.In.reset == wire.Unavailable, "splice.reset", "the reader was told %v, %v instead of unavailable", x.In.reset, x.In.lost)
		for _, s := range []uint32{id, 2} {
			all := k.heard(s, wire.Reset)
			k.want(len(all) == 1, "splice.reset", "stream %d: RESET came %d times", s, len(all))
			code, _, _ := all[0].Code()
			k.want(code == wire.Unavailable, "splice.reset", "stream %d: RESET %v instead of unavailable", s, code)
		}
		k.lives("splice.reset")
	}},
	{"RESET of a spliced stream resets its source", Options{}, func(k *talk) {
		id, x, door := k.spliced(nil, nil)
		x.cancel(nil)
		k.settle()
		k.want(len(k.heard(id, wire.Reset)) == 1 && len(k.heard(2, wire.Reset)) == 1, "splice.reset", "RESET came %d and %d times", len(k.heard(id, wire.Reset)), len(k.heard(2, wire.Reset)))
		k.want(door.Context.Err() != nil, "splice.reset", "the door still works")
		k.lives("splice.reset")
	}},
	{"RESET of a splice by the guest resets the other", Options{}, func(k *talk) {
		id, x, door := k.spliced(nil, nil)
		k.tell(resetFrame(2, wire.TooLarge))
		all := k.heard(id, wire.Reset)
		k.want(len(all) == 1 && x.In.reset == wire.TooLarge, "splice.reset", "RESET came %d times; the reader was told %v", len(all), x.In.reset)
		k.want(door.Context.Err() != nil, "splice.reset", "the door still works")
		k.lives("splice.reset")
	}},
	{"a reader who leaves a splice by STOP", Options{}, func(k *talk) {
		source, user := k.post()
		door := k.opens(2, source)
		k.tell(spliceFrame(2, source))
		user.Body.push([]byte("through"), 0)
		k.settle()
		k.want(string(door.In.body) == "through", "splice.order", "the door has %q", door.In.body)
		door.In.leave()
		k.settle()
		k.want(len(k.heard(2, wire.Stop)) == 1 && len(k.heard(source, wire.End)) == 1, "splice.stop", "STOP on the stream came %d times, END on its source %d times", len(k.heard(2, wire.Stop)), len(k.heard(source, wire.End)))
		door.answers(200)
		door.Out.push([]byte("enough"), 0)
		door.Out.end(nil)
		k.settle()
		k.want(string(k.bytesTo(2)) == "enough" && k.led.streams[2].gone(), "splice.stop", "the answer is %q, gone: %v", k.bytesTo(2), k.led.streams[2].gone())
		k.tell(headFrame(source, 200), endFrame(source))
		k.lives("splice.stop")
	}},
	{"a stream spliced with itself", Options{}, func(k *talk) {
		id, x := k.upgrade("websocket")
		x.Body.push([]byte("first"), wire.Message|wire.Text)
		k.settle()
		k.tell(dataFrame(id, []byte("first"), wire.Message, wire.Text), spliceFrame(id, id))
		x.Body.push([]byte("second"), wire.Message)
		x.Body.push(nil, wire.Message|wire.Text)
		x.Body.end(&Close{4009, "done"})
		k.settle()
		want := []message{{true, []byte("first")}, {false, []byte("second")}, {true, nil}}
		k.want(len(x.In.messages) == 3, "splice.order", "%d messages came back", len(x.In.messages))
		for n, m := range want {
			k.want(x.In.messages[n].text == m.text && bytes.Equal(x.In.messages[n].data, m.data), "upgrade.message", "message %d came back as %v", n, x.In.messages[n])
		}
		k.want(x.In.ended && x.In.close != nil && *x.In.close == Close{4009, "done"}, "splice.end", "ended: %v, close: %v", x.In.ended, x.In.close)
		k.lives("splice.end")
	}},
	{"a splice from what has ended", Options{}, func(k *talk) {
		id, x := k.get()
		door := k.opens(2, id)
		door.answers(200)
		door.Out.push([]byte("all"), 0)
		door.Out.end(nil)
		k.tell(headFrame(id, 200)) // and END on 2, to the host's STOP
		k.tell(dataFrame(id, []byte("all")), spliceFrame(id, 2))
		k.want(string(x.In.body) == "all" && x.In.ended, "splice.end", "%q, ended: %v", x.In.body, x.In.ended)
		k.lives("splice.end")
	}},
	{"a splice from what was reset", Options{}, func(k *talk) {
		id, x := k.get()
		k.opens(2, id).refuses(wire.Conflict)
		k.auto = false
		k.tell(headFrame(id, 200))
		k.tellRaw(encode(spliceFrame(id, 2)))
		all := k.heard(id, wire.Reset)
		k.want(len(all) == 1 && k.inst.Fault() == nil, "splice.from-reset", "RESET came %d times, fault: %v", len(all), k.inst.Fault())
		k.want(!x.In.ended, "splice.from-reset", "the reader was told that it is whole")
		k.auto = true
		k.tell(resetFrame(2, wire.Cancelled), resetFrame(id, wire.Cancelled))
		k.lives("splice.from-reset")
	}},
	{"a splice from what is spliced already", Options{}, func(k *talk) {
		_, _, _ = k.spliced(nil, nil)
		other, _ := k.post()
		k.tell(headFrame(other, 200))
		k.tellRaw(encode(spliceFrame(other, 2)))
		k.faults("splice.from-twice")
	}},
	{"a splice from what the guest has stopped", Options{}, func(k *talk) {
		id, _ := k.post()
		k.tell(headFrame(id, 200), stopFrame(id))
		k.tellRaw(encode(spliceFrame(id, id)))
		k.faults("splice.from-stopped")
	}},
	{"children of a spliced answer live until it ends", Options{}, func(k *talk) {
		_, _, door := k.spliced(nil, nil)
		other := k.opens(4, 1)
		k.want(other.Context.Err() == nil, "parent.ends", "a child of a spliced answer was ended")
		door.Out.end(nil)
		k.settle()
		all := k.heard(4, wire.Reset)
		k.want(len(all) == 1, "parent.ends", "the splice has ended its parent, and the child was reset %d times", len(all))
		k.lives("parent.ends")
	}},
}

// spliced opens a stream (1) whose answer is spliced from a door's (2), which the
// door has begun with what is handed over; first is what the guest says of it.
func (k *talk) spliced(handed []byte, first func(id uint32) []wire.Frame) (uint32, *Exchange, *Exchange) {
	id, x := k.get()
	door := k.opens(2, id)
	door.answers(200)
	if len(handed) > 0 {
		door.Out.push(handed, 0)
	}
	k.tell(endFrame(2), headFrame(id, 200))
	k.want(bytes.Equal(k.bytesTo(2), handed), "data.whole", "%s", fmt.Sprintf("%q was handed over instead of %q", k.bytesTo(2), handed))
	if first != nil {
		k.tell(append(first(id), spliceFrame(id, 2))...)
	} else {
		k.tell(spliceFrame(id, 2))
	}
	return id, x, door
}

// half opens a stream and a door's that answers it, of which nothing has come.
func (k *talk) half() (uint32, *Exchange, *Exchange) {
	id, x := k.get()
	x.doorID = 2 * uint32(len(k.doors)+1)
	door := k.opens(x.doorID, id)
	door.answers(200)
	k.tell(endFrame(x.doorID))
	return id, x, door
}
