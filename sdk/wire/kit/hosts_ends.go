// The written cases for hosts: how streams end.
package kit

import (
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

var hostCasesOfEnds = []hostCase{
	{"STOP ends a body at once", Options{}, func(k *talk) {
		id, x := k.post()
		x.Body.push(make([]byte, 100_000), 0)
		k.tell(stopFrame(id))
		k.want(len(k.heard(id, wire.End)) == 1, "stop.ends", "the host has said END %d times", len(k.heard(id, wire.End)))
		k.want(x.Body.closed, "stop.ends", "who sends the body has not been told")
		k.tell(windowFrame(id, 100_000))
		k.tell(headFrame(id, 413), dataFrame(id, []byte("no more")), endFrame(id))
		k.want(x.In.status == 413 && string(x.In.body) == "no more" && x.In.ended, "stop.stands", "the answer is %d %q, ended: %v", x.In.status, x.In.body, x.In.ended)
	}},
	{"STOP ends a door's answer at once", Options{}, func(k *talk) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		x.answers(200)
		x.Out.push(make([]byte, 100_000), 0)
		k.tell(stopFrame(2))
		k.want(len(k.heard(2, wire.End)) == 1, "stop.ends", "the host has said END %d times", len(k.heard(2, wire.End)))
		k.want(x.Out.closed, "stop.ends", "the door has not been told")
	}},
	{"STOP before a door has answered", Options{}, func(k *talk) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		k.tell(stopFrame(2))
		x.answers(200)
		x.Out.push([]byte("body"), 0)
		k.settle()
		k.want(len(k.heard(2, wire.Head)) == 1 && len(k.heard(2, wire.End)) == 1 && len(k.heard(2, wire.Data)) == 0, "stop.ends", "HEAD, DATA, END came %d, %d, %d times",
			len(k.heard(2, wire.Head)), len(k.heard(2, wire.Data)), len(k.heard(2, wire.End)))
	}},
	{"STOP twice, and after the end", Options{}, func(k *talk) {
		id, x := k.post()
		k.tell(stopFrame(id), stopFrame(id))
		k.tell(stopFrame(id), headFrame(id, 200))
		x.In.read(1)
		k.tell(endFrame(id), stopFrame(id))
		k.lives("stop.ends")
	}},
	{"trailers and headers reach the user", Options{}, func(k *talk) {
		id, x := k.get()
		h := wire.AppendU16(nil, wire.TagStatus, 201)
		for _, v := range []string{"1", "2", ""} {
			h = wire.AppendPair(h, wire.TagHeader, "X-A", v)
		}
		end := wire.AppendPair(wire.AppendPair(nil, wire.TagHeader, "T", "ü"), wire.TagHeader, "T", "z")
		k.tell(wire.Frame{Type: wire.Head, Stream: id, Payload: h}, wire.Frame{Type: wire.End, Stream: id, Payload: end})
		k.want(x.In.status == 201 && has(x.In.header, "x-a=1") && has(x.In.header, "x-a=2") && has(x.In.header, "x-a="), "data.whole", "%d %v", x.In.status, x.In.header)
		k.want(has(x.In.trailer, "t=ü") && has(x.In.trailer, "t=z"), "end.trailers", "%v", x.In.trailer)
	}},
	{"a user's trailers, and a door's, reach the guest", Options{}, func(k *talk) {
		id, x := k.post()
		x.Body.push([]byte("b"), 0)
		x.Body.end(nil, wire.Header{Name: "T", Value: "1"})
		k.settle()
		k.want(k.endOf(id, wire.TagHeader) == "T\x001", "end.trailers", "the user's: %q", k.endOf(id, wire.TagHeader))
		d := k.opens(2, id)
		d.answers(200)
		d.Out.push([]byte("b"), 0)
		d.Out.end(nil, wire.Header{Name: "D", Value: "2"})
		k.settle()
		k.want(k.endOf(2, wire.TagHeader) == "D\x002", "end.trailers", "the door's: %q", k.endOf(2, wire.TagHeader))
	}},
	{"every code reaches the user, an unknown one as internal", Options{}, func(k *talk) {
		for code := wire.Code(1); code <= 12; code++ {
			id, x := k.get()
			f := resetFrame(id, code)
			f.Payload = append(f.Payload, "why"...)
			k.raw = encode(f) // 12 is none of the list
			k.settle()
			want := code
			if !code.Valid() {
				want = wire.Internal
			}
			k.want(x.In.reset == want && x.In.text == "why", "code.closed", "RESET %v why reached the user as %v %s, %v", code, x.In.reset, x.In.text, x.In.lost)
		}
	}},
	{"every code of a door reaches the guest", Options{}, func(k *talk) {
		parent, _ := k.post()
		for code := wire.Code(1); code <= 11; code++ {
			id := uint32(code) * 2
			k.opens(id, parent).refuses(code)
			k.settle()
			all := k.heard(id, wire.Reset)
			k.want(len(all) == 1, "reset.answered", "RESET came %d times", len(all))
			got, why, _ := all[0].Code()
			k.want(got == code && string(why) == "refused", "code.closed", "%v refused reached the guest as %v %s", code, got, why)
		}
	}},
	{"a user who leaves is RESET, and its work ends", Options{}, func(k *talk) {
		id, x := k.post()
		k.tell(headFrame(id, 200))
		child := k.opens(2, id)
		k.auto = false
		x.cancel(nil)
		k.settle()
		k.want(child.Context.Err() != nil, "reset.ends-work", "the door still works, and waits for the guest's answer")
		k.auto = true
		k.tell(resetFrame(id, wire.Cancelled), resetFrame(2, wire.Cancelled))
		k.want(len(k.heard(id, wire.Reset)) == 1 && len(k.heard(2, wire.Reset)) == 1, "reset.ends-work", "RESET came %d and %d times", len(k.heard(id, wire.Reset)), len(k.heard(2, wire.Reset)))
		k.want(x.Body.closed, "reset.ends-work", "who sends the body has not been told")
		k.lives("reset.answered-once")
	}},
	{"RESET by the guest ends what a door does", Options{}, func(k *talk) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		k.tell(resetFrame(2, wire.Cancelled))
		k.want(x.Context.Err() != nil, "reset.ends-work", "the door still works")
		k.want(len(k.heard(2, wire.Reset)) == 1, "reset.answered", "RESET came %d times", len(k.heard(2, wire.Reset)))
		k.lives("reset.answered")
	}},
	{"RESET is answered when the door has let go", Options{}, func(k *talk) {
		parent, _ := k.post()
		k.lingering = true
		x := k.opens(2, parent)
		k.tell(resetFrame(2, wire.Cancelled))
		k.want(x.Context.Err() != nil, "reset.ends-work", "the door has not been told to end")
		early := len(k.heard(2, wire.Reset))
		close(x.freed)
		k.settle()
		k.want(early == 0 && len(k.heard(2, wire.Reset)) == 1, "reset.answered", "RESET came %d times before the door had let go, %d times in all", early, len(k.heard(2, wire.Reset)))
		k.lingering = false
		k.lives("reset.answered")
	}},
	{"a RESET that is not answered in time is a fault", Options{}, func(k *talk) {
		_, x := k.get()
		k.auto = false
		x.cancel(nil)
		k.settle()
		k.host.Pass(wire.ResetGrace*time.Millisecond - time.Second)
		k.settle()
		k.want(k.inst.Fault() == nil, "reset.answered", "a fault though there was time left: %v", k.inst.Fault())
		k.host.Pass(2 * time.Second)
		k.settle()
		k.inst.Poll()
		k.faults("reset.answered")
	}},
	{"crossing RESETs free the slot, and nobody answers", Options{Streams: 2}, func(k *talk) {
		for range 20 {
			id, x := k.get()
			k.auto = false
			x.cancel(nil)
			k.settle()
			k.tell(resetFrame(id, wire.Internal))
			k.want(len(k.heard(id, wire.Reset)) == 1, "reset.answered-once", "RESET came %d times", len(k.heard(id, wire.Reset)))
			k.auto = true
		}
		k.lives("streams.slot")
	}},
}
