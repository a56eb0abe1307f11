// Guest raw: speaks the wire by hand and breaks its rules on request. The
// setting `hello` says how its HELLO is broken; the target of a request says
// what it does instead of answering.
package main

import (
	"encoding/binary"
	"strings"
	"unsafe"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func main() {}

var (
	in, out, keep []byte
	hello         string
	child         uint32
	lie           uint64 // a poll's answer that is not `out`
	heap          [][]byte
	woken         uint32                // the stream that is answered when time has passed
	spliced       = map[uint32]uint32{} // into which stream the answer of a child goes
	splices       [][2]uint32           // at the end of this poll
)

//go:wasmexport atoll_wire_1
func marker() {}

//go:wasmexport atoll_buffer
func buffer(size uint32) uint32 {
	if hello == "outside" && len(keep) > 0 {
		return 0xfffffff0
	}
	if uint32(len(in)) < size {
		in = make([]byte, size)
	}
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(in))))
}

//go:wasmexport atoll_poll
func poll(size uint32) uint64 {
	out, lie = out[:0], 0
	if size == 0 && woken != 0 {
		answer(woken, "woken")
		woken = 0
	}
	for b := in[:size]; len(b) > 0; {
		f, rest, err := wire.NextFrame(b)
		if err != nil {
			panic(err)
		}
		b = rest
		frame(f)
	}
	for _, s := range splices {
		at := len(out)
		out = wire.AppendWindow(out, s[0], s[1])
		out[at+4] = byte(wire.Splice)
	}
	splices = splices[:0]
	if lie != 0 {
		return lie
	}
	if len(out) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(out))))<<32 | uint64(len(out))
}

func head(id uint32) {
	out = wire.AppendFrame(out, wire.Head, 0, id, wire.AppendU16(nil, wire.TagStatus, 200))
}

func answer(id uint32, body string) {
	head(id)
	out = wire.AppendFrame(out, wire.Data, 0, id, []byte(body))
	out = wire.AppendFrame(out, wire.End, 0, id, nil)
}

func open(id, parent uint32, authority string) {
	at := len(out)
	out = wire.BeginFrame(out, wire.Open, 0, id)
	out = wire.AppendText(out, wire.TagAuthority, authority)
	out = wire.AppendText(out, wire.TagMethod, "GET")
	out = wire.AppendText(out, wire.TagTarget, "/")
	if parent != 0 {
		out = wire.AppendU32(out, wire.TagParent, parent)
	}
	out = wire.EndFrame(out, at)
	out = wire.AppendFrame(out, wire.End, 0, id, nil)
}

var (
	resetsSeen int
	endsSeen   int
	asked      uint32 // the stream that waits for what happens to a child
)

func frame(f wire.Frame) {
	switch f.Type {
	case wire.Hello:
		for p := f.Payload; len(p) > 0; {
			field, rest, _ := wire.NextField(p)
			p = rest
			if name, value, ok := field.Pair(); ok && field.Tag == wire.TagSetting && string(name) == "hello" {
				hello = string(value)
			}
		}
		good := wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, 0)
		switch hello {
		case "silent":
		case "late":
			out = wire.AppendWindow(out, 0, 1)
			out = wire.AppendFrame(out, wire.Hello, 0, 0, good)
		case "no-version":
			out = wire.AppendFrame(out, wire.Hello, 0, 0, nil)
		case "features":
			out = wire.AppendFrame(out, wire.Hello, 0, 0, wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, 1<<40))
		case "critical":
			out = wire.AppendFrame(out, wire.Hello, 0, 0, wire.AppendField(good, 999, wire.CriticalField, nil))
		case "twice":
			out = wire.AppendFrame(out, wire.Hello, 0, 0, good)
			out = wire.AppendFrame(out, wire.Hello, 0, 0, good)
		case "garbage":
			out = append(out, "this is not a frame at all"...)
		case "trap":
			panic("hello")
		case "loop":
			for {
			}
		default:
			out = wire.AppendFrame(out, wire.Hello, 0, 0, good)
			keep = append(keep, 1)
		}
	case wire.Open:
		misbehave(f)
	case wire.Reset:
		resetsSeen++
		switch {
		case f.Stream == child && asked != 0:
			code, text, _ := f.Code()
			out = wire.AppendReset(out, f.Stream, wire.Cancelled, "")
			answer(asked, code.String()+" "+string(text))
			asked = 0
		case hello != "deaf":
			out = wire.AppendReset(out, f.Stream, wire.Cancelled, "")
		}
	case wire.Data:
		if sink, ok := spliced[f.Stream]; ok { // what came before the SPLICE
			out = wire.AppendFrame(out, wire.Data, f.Flags, sink, f.Payload)
		}
	case wire.Head:
		if sink, ok := spliced[f.Stream]; ok {
			head(sink)
			splices = append(splices, [2]uint32{sink, f.Stream})
		}
		if f.Stream == child && asked != 0 {
			answer(asked, "answered")
			asked = 0
		}
	}
}

func misbehave(f wire.Frame) {
	target := ""
	for p := f.Payload; len(p) > 0; {
		field, rest, _ := wire.NextField(p)
		p = rest
		if field.Tag == wire.TagTarget {
			target = string(field.Value)
		}
	}
	what, arg, _ := strings.Cut(strings.TrimPrefix(target, "/"), "/")
	id := f.Stream
	switch what {
	case "ok":
		answer(id, "ok "+arg)
	case "wait": // never answers
	case "splice": // answers with what a door answers, past the guest
		child += 2
		spliced[child] = id
		open(child, id, "kubernetes")
	case "wakes": // wants to be woken several times, of which the first counts
		out = wire.AppendWake(out, 60_000)
		out = wire.AppendWake(out, 5)
		out = wire.AppendWake(out, 30_000)
		woken = id
	case "wake":
		out = wire.AppendWake(out, 5)
		woken = id
	case "resets":
		answer(id, string(binary.AppendUvarint(nil, uint64(resetsSeen))))
	case "bytes": // the rest of the target is what it says
		out = append(out, arg...)
	case "outside":
		lie = uint64(0xfffffff0)<<32 | 100
	case "huge":
		lie = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(in))))<<32 | 2<<20
		heap = append(heap, make([]byte, 4<<20))
	case "length":
		head(id)
		out = wire.AppendFrame(out, wire.Data, 0, id, []byte("12345678"))
		binary.LittleEndian.PutUint32(out[len(out)-20:], 9)
	case "payload":
		head(id)
		out = wire.AppendFrame(out, wire.Data, 0, id, make([]byte, wire.MaxPayload+1))
	case "reserved":
		head(id)
		out = wire.AppendFrame(out, wire.End, 0, id, nil)
		out[len(out)-5] = 1
	case "two-heads":
		head(id)
		head(id)
	case "data-before-head":
		out = wire.AppendFrame(out, wire.Data, 0, id, []byte("x"))
	case "end-before-head":
		out = wire.AppendFrame(out, wire.End, 0, id, nil)
	case "data-after-end":
		answer(id, "x")
		out = wire.AppendFrame(out, wire.Data, 0, id, []byte("y"))
	case "end-twice":
		answer(id, "x")
		out = wire.AppendFrame(out, wire.End, 0, id, nil)
	case "over-window":
		head(id)
		out = wire.AppendFrame(out, wire.Data, 0, id, make([]byte, wire.StreamWindow+1))
	case "never-opened":
		out = wire.AppendFrame(out, wire.Data, 0, id+2, []byte("x"))
	case "open-odd":
		open(id+100, id, "kubernetes")
	case "open-again":
		open(2, id, "kubernetes")
		open(2, id, "kubernetes")
	case "window-overflow":
		out = wire.AppendWindow(out, id, 0xffffffff)
	case "window-short":
		out = wire.AppendFrame(out, wire.Window, 0, id, []byte{1})
	case "reset-short":
		out = wire.AppendFrame(out, wire.Reset, 0, id, []byte{1})
	case "drain":
		out = wire.AppendFrame(out, wire.Drain, 0, 0, nil)
	case "data-on-zero":
		out = wire.AppendFrame(out, wire.Data, 0, 0, []byte("x"))
	case "log-broken":
		out = wire.AppendFrame(out, wire.Log, 0, 0, []byte{1, 2, 3})
	case "fields-broken":
		out = wire.AppendFrame(out, wire.Head, 0, id, []byte{1, 2, 3})
	case "fields-huge":
		out = wire.AppendFrame(out, wire.Head, 0, id, wire.AppendField(wire.AppendU16(nil, wire.TagStatus, 200), 4, 0, make([]byte, wire.MaxFields)))
	case "flood":
		for n := range uint32(10000) {
			open(2+2*n, id, "kubernetes")
		}
	case "trap":
		panic("on request")
	case "loop":
		for {
		}
	case "status": // an answer that could not be sent on
		out = wire.AppendFrame(out, wire.Head, 0, id, wire.AppendU16(nil, wire.TagStatus, 999))
	case "newline":
		b := wire.AppendU16(nil, wire.TagStatus, 200)
		out = wire.AppendFrame(out, wire.Head, 0, id, wire.AppendPair(b, wire.TagHeader, "X", "a\r\nSet-Cookie: b"))
	case "unknown": // frames and fields of a later version
		out = wire.AppendFrame(out, 77, 0, id, []byte("later"))
		out = wire.AppendFrame(out, 78, 0, 0, []byte("later"))
		out = wire.AppendFrame(out, wire.Head, 0, id, wire.AppendField(wire.AppendU16(nil, wire.TagStatus, 200), 999, 0, []byte("later")))
		out = wire.AppendFrame(out, wire.End, 0, id, nil)
	case "critical":
		out = wire.AppendFrame(out, 77, wire.Critical, id, nil)
	case "critical-field":
		out = wire.AppendFrame(out, wire.Head, 0, id, wire.AppendField(wire.AppendU16(nil, wire.TagStatus, 200), 999, wire.CriticalField, nil))
	case "child": // opens a stream on behalf of arg and says what became of it
		parent := id
		switch arg {
		case "none":
			parent = 0
		case "future":
			parent = id + 1000
		case "own":
			parent = child
		case "ended":
			parent = 1
		}
		child, asked = child+2, id
		open(child, parent, "kubernetes")
	case "identity": // says for whom it asks, which is not its to say
		child, asked = child+2, id
		at := len(out)
		out = wire.BeginFrame(out, wire.Open, 0, child)
		out = wire.AppendText(out, wire.TagAuthority, "kubernetes")
		out = wire.AppendText(out, wire.TagUser, "root")
		out = wire.AppendText(out, wire.TagGroup, "atoll:platform:admin")
		out = wire.AppendText(out, wire.TagWorkspace, "theirs")
		out = wire.AppendU32(out, wire.TagParent, id)
		out = wire.EndFrame(out, at)
		out = wire.AppendFrame(out, wire.End, 0, child, nil)
	}
}
