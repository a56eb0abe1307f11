// The written cases for hosts: windows and limits.
package kit

import (
	"bytes"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// tight is an instance whose windows are quickly used up: 256 KiB each way.
var tight = Options{Memory: 1 << 20}

var hostCasesOfWindows = []hostCase{
	{"a guest may use a stream's window to its last byte", Options{}, func(k *talk) {
		id, _ := k.slow()
		k.tell(headFrame(id, 200), dataFrame(id, make([]byte, wire.StreamWindow)))
		k.want(k.inst.Fault() == nil, "window.stream", "the host took the last byte of the window for too much")
		k.tellRaw(encode(dataFrame(id, []byte("x"))))
		k.faults("window.stream")
	}},
	{"a guest's own stream has a window too", Options{}, func(k *talk) {
		parent, _ := k.post()
		k.slowDoors = true
		k.opens(2, parent)
		k.tell(dataFrame(2, make([]byte, wire.StreamWindow-20_000)))
		k.tellRaw(encode(dataFrame(2, make([]byte, wire.StreamWindow))))
		k.faults("window.stream")
	}},
	{"the end of a message counts", Options{}, func(k *talk) {
		id, _ := k.upgrade("websocket", newSink(0))
		k.tell(dataFrame(id, make([]byte, wire.StreamWindow-wire.MessageCost), wire.Message))
		k.want(k.inst.Fault() == nil, "window.stream", "the host took the last byte of the window for too much")
		k.tellRaw(encode(dataFrame(id, nil, wire.Message)))
		k.faults("window.stream")
	}},
	{"a guest may use the instance's window to its last byte", tight, func(k *talk) {
		var all []uint32
		for range 8 {
			id, _ := k.slow()
			k.tell(headFrame(id, 200), dataFrame(id, make([]byte, wire.StreamWindow)))
			all = append(all, id)
		}
		k.want(k.inst.Fault() == nil, "window.instance", "the host took the last byte of the window for too much")
		id, _ := k.slow()
		k.tell(headFrame(id, 200))
		k.tellRaw(encode(dataFrame(id, []byte("x"))))
		k.faults("window.instance")
	}},
	{"what a reader takes is given back", tight, func(k *talk) {
		id, x := k.get()
		k.tell(headFrame(id, 200))
		for sent := 0; sent < 1_000_000; {
			n := k.room(id)
			k.want(n > 0, "window.credit", "%d bytes were sent and read, and no window grows", sent)
			k.tell(dataFrame(id, spec.Pattern(sent, n)))
			sent += n
			k.want(bytes.Equal(x.In.body, spec.Pattern(0, sent)), "data.whole", "of %d bytes %d came, or others", sent, len(x.In.body))
		}
		k.tell(endFrame(id))
		k.rest()
	}},
	{"what a reader takes of messages is given back", tight, func(k *talk) {
		id, x := k.upgrade("websocket")
		for sent := range 30_000 {
			n := k.room(id)
			k.want(n >= wire.MessageCost, "window.credit", "%d messages were sent and read, and the window has %d bytes", sent, n)
			k.say = append(k.say, dataFrame(id, nil, wire.Message))
			if len(k.say) == min(n/wire.MessageCost, 500) {
				k.settle()
			}
		}
		k.settle()
		k.want(len(x.In.messages) == 30_000, "upgrade.message", "%d messages came of 30000", len(x.In.messages))
	}},
	{"a slow reader keeps the window closed", Options{}, func(k *talk) {
		id, x := k.slow()
		k.tell(headFrame(id, 200), dataFrame(id, make([]byte, wire.StreamWindow)))
		k.want(k.room(id) == 0, "window.credit-once", "the window has %d bytes, and nobody has read any", k.room(id))
		x.In.read(wire.StreamWindow - 1)
		k.settle()
		k.want(k.room(id) >= wire.StreamStep, "window.credit", "the reader has taken nearly all, and the window has %d bytes", k.room(id))
	}},
	{"what nobody reads is given back when its stream ends", tight, func(k *talk) {
		for n := range 40 {
			id, x := k.slow()
			k.want(k.roomOfInstance() >= wire.StreamWindow, "window.credit", "after %d streams that have ended the instance's window has %d bytes", n, k.roomOfInstance())
			k.tell(headFrame(id, 200), dataFrame(id, make([]byte, wire.StreamWindow)))
			x.cancel(nil)
			k.settle()
		}
		k.rest()
	}},
	{"what a guest resets is given back", tight, func(k *talk) {
		for n := range 40 {
			id, _ := k.slow()
			k.want(k.roomOfInstance() >= wire.StreamWindow, "window.credit", "after %d streams that have ended the instance's window has %d bytes", n, k.roomOfInstance())
			k.tell(headFrame(id, 200), dataFrame(id, make([]byte, wire.StreamWindow)), resetFrame(id, wire.Internal))
		}
		k.rest()
	}},
	{"what crosses a RESET is given back", tight, func(k *talk) {
		for n := range 40 {
			id, x := k.get()
			k.tell(headFrame(id, 200))
			k.auto = false
			x.cancel(nil)
			k.settle()
			k.want(k.roomOfInstance() >= wire.StreamWindow, "window.credit", "after %d streams that have ended the instance's window has %d bytes", n, k.roomOfInstance())
			k.tell(dataFrame(id, make([]byte, wire.StreamWindow)), windowFrame(id, 5), endFrame(id), stopFrame(id), resetFrame(id, wire.Cancelled))
			k.auto = true
		}
		k.rest()
		k.lives("window.credit")
	}},
	{"what crosses a RESET counts against the windows", tight, func(k *talk) {
		id, x := k.get()
		k.tell(headFrame(id, 200))
		k.auto = false
		x.cancel(nil)
		k.settle()
		k.tell(dataFrame(id, make([]byte, wire.StreamWindow)))
		k.tellRaw(encode(dataFrame(id, make([]byte, 1))))
		k.faults("window.stream")
	}},
	{"what comes after a door's STOP is given back", tight, func(k *talk) {
		parent, _ := k.post()
		id := uint32(2)
		for n := range 40 {
			x := k.opens(id, parent)
			k.auto = false
			x.In.leave()
			k.settle()
			k.want(len(k.heard(id, wire.Stop)) == 1, "stop.ends", "the reader has left, and the host has said STOP %d times", len(k.heard(id, wire.Stop)))
			k.want(k.roomOfInstance() >= wire.StreamWindow, "window.credit", "after %d streams that have ended the instance's window has %d bytes", n, k.roomOfInstance())
			k.auto = true
			k.tell(dataFrame(id, make([]byte, wire.StreamWindow)), endFrame(id))
			x.answers(200)
			x.Out.end(nil)
			k.settle()
			k.want(k.led.streams[id].gone(), "stop.stands", "after STOP the door has answered, and the stream is not gone")
			id += 2
		}
		k.rest()
	}},
	{"a host uses a stream's window to its last byte, and no further", Options{}, func(k *talk) {
		id, x := k.post()
		x.Body.push(spec.Pattern(0, 200_000), 0)
		k.settle()
		for sum, more := wire.StreamWindow, 1; sum < 150_000; more *= 5 {
			k.want(k.sentTo(id) == sum, "window.used", "the host has sent %d bytes, the window was for %d", k.sentTo(id), sum)
			k.tell(windowFrame(id, uint32(more)))
			sum += more
		}
		k.tell(windowFrame(id, 200_000))
		k.want(bytes.Equal(k.bytesTo(id), spec.Pattern(0, 200_000)), "data.whole", "of 200000 bytes %d came, or others", len(k.bytesTo(id)))
	}},
	{"a host uses the instance's window to its last byte, and no further", tight, func(k *talk) {
		var all []uint32
		for range 10 {
			id, x := k.post()
			x.Body.push(make([]byte, wire.StreamWindow), 0)
			all = append(all, id)
		}
		k.settle()
		sum := func() (n int) {
			for _, id := range all {
				n += k.sentTo(id)
			}
			return n
		}
		k.want(sum() == 256<<10, "window.used", "the host has sent %d bytes, the instance's window was for %d", sum(), 256<<10)
		k.tell(windowFrame(0, 1))
		k.want(sum() == 256<<10+1, "window.used", "the host has sent %d bytes, the instance's window was for %d", sum(), 256<<10+1)
		k.tell(windowFrame(0, 100_000))
		k.want(sum() == 320<<10, "window.used", "the host has sent %d bytes of %d", sum(), 320<<10)
	}},
	{"a host counts the ends of messages", Options{}, func(k *talk) {
		id, x := k.upgrade("websocket")
		for range 40 {
			x.Body.push(make([]byte, 1008), wire.Message)
		}
		k.settle()
		ends := func() (n int) {
			for _, f := range k.heard(id, wire.Data) {
				if f.Flags&wire.Message != 0 {
					n++
				}
			}
			return n
		}
		k.want(ends() == 32, "window.used", "the host has sent %d messages, the window was for 32", ends())
		k.tell(windowFrame(id, 20_000))
		k.want(ends() == 40, "window.used", "the host has sent %d messages of 40", ends())
	}},
	{"no window grows to 2^31", Options{}, func(k *talk) {
		id, _ := k.post()
		k.tell(windowFrame(id, wire.MaxWindow-1-wire.StreamWindow), windowFrame(0, wire.MaxWindow-1-(16<<20)))
		k.lives("window.range")
		k.tellRaw(encode(windowFrame(id, 1)))
		k.faults("window.range")
	}},
	{"nor does the instance's", Options{}, func(k *talk) {
		k.get()
		k.tell(windowFrame(0, wire.MaxWindow-1-(16<<20)))
		k.lives("window.range")
		k.tellRaw(encode(windowFrame(0, 1)))
		k.faults("window.range")
	}},
	{"a batch of a mebibyte, and of more", Options{}, func(k *talk) {
		k.get()
		var b []byte
		for len(b) < wire.MaxBatch {
			n := min(wire.MaxPayload, wire.MaxBatch-len(b)-wire.FrameHead)
			if left := wire.MaxBatch - len(b) - wire.FrameHead - n; left > 0 && left < wire.FrameHead {
				n -= wire.FrameHead
			}
			b = wire.AppendFrame(b, 99, 0, 0, make([]byte, n))
		}
		k.want(len(b) == wire.MaxBatch, "frame.batch", "the kit has made %d bytes", len(b))
		k.tellRaw(b)
		k.lives("frame.batch")
		k.tellRaw(append(b, wire.AppendFrame(nil, 99, 0, 0, nil)...))
		k.faults("frame.batch")
	}},
	{"a block of fields of 32 KiB, and of more", Options{}, func(k *talk) {
		id, x := k.get()
		head := wire.AppendU16(nil, wire.TagStatus, 200)
		head = wire.AppendField(head, 999, 0, make([]byte, wire.MaxFields-len(head)-wire.FieldHead))
		k.tell(wire.Frame{Type: wire.Head, Stream: id, Payload: head})
		k.want(x.In.status == 200, "frame.size", "a head of exactly 32 KiB did not arrive")
		k.tellRaw(encode(wire.Frame{Type: wire.End, Stream: id, Payload: append(wire.AppendField(nil, 999, 0, make([]byte, wire.MaxFields-wire.FieldHead)), 0)}))
		k.faults("frame.size")
	}},
}

// slow opens a stream whose reader takes nothing.
func (k *talk) slow() (uint32, *Exchange) {
	x := &Exchange{In: newSink(0)}
	return k.ask(x), x
}

// upgrade opens an upgrade and accepts it.
func (k *talk) upgrade(protocol string, in ...*Sink) (uint32, *Exchange) {
	x := &Exchange{Authority: "route", Method: "GET", Target: "/", Protocol: protocol, Body: newSource()}
	if len(in) > 0 {
		x.In = in[0]
	}
	id := k.ask(x)
	k.tell(headFrame(id, 200))
	k.want(x.In.status == 200, "upgrade.accepted", "the user has not heard that the upgrade was accepted")
	return id, x
}

// room is what the guest may send on a stream.
func (k *talk) room(id uint32) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return int(min(k.led.streams[id].legs[guest].room, k.led.room[guest], wire.MaxPayload))
}

func (k *talk) roomOfInstance() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return int(k.led.room[guest])
}

// bytesTo is what the host has sent on a stream.
func (k *talk) bytesTo(id uint32) (b []byte) {
	for _, f := range k.heard(id, wire.Data) {
		b = append(b, f.Payload...)
	}
	return b
}

func (k *talk) sentTo(id uint32) int { return len(k.bytesTo(id)) }

// endOf gives the first field of a tag in the host's END.
func (k *talk) endOf(id uint32, tag wire.Tag) string {
	for _, f := range k.heard(id, wire.End) {
		for p := f.Payload; len(p) > 0; {
			field, rest, err := wire.NextField(p)
			if err != nil {
				break
			}
			if p = rest; field.Tag == tag {
				return string(field.Value)
			}
		}
	}
	return ""
}

// rest wants everything given back, but for what a step holds.
func (k *talk) rest() {
	k.settle()
	k.mu.Lock()
	defer k.mu.Unlock()
	left, step := k.led.sent[guest]-k.led.given[guest], k.led.memory/wire.InstanceStepShare
	k.want(left < step, "window.credit", "everything has been taken or thrown away, and %d bytes have not been given back to the instance; the step is %d", left, step)
}
