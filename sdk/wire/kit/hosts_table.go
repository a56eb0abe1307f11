// The state table over a host: every frame of a guest in every state of a
// stream, whoever opened it.
package kit

import (
	"fmt"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// scene is a stream in one state, as the host knows it.
type scene struct {
	*talk
	id     uint32    // the stream
	x      *Exchange // its user's, or its door's
	from   uint32    // a stream whose body may be spliced
	source *Exchange
}

// stage brings a stream into a state.
type stage struct {
	state, name string
	set         func(k *talk) (uint32, *Exchange)
}

var stages = []stage{
	{"never", "of the host's ids", func(k *talk) (uint32, *Exchange) { return 9001, nil }},
	{"never", "of the guest's ids", func(k *talk) (uint32, *Exchange) { return 9000, nil }},
	{"asked", "", (*talk).post},
	{"answering", "", func(k *talk) (uint32, *Exchange) {
		id, x := k.post()
		k.tell(headFrame(id, 200))
		return id, x
	}},
	{"asking", "unanswered", func(k *talk) (uint32, *Exchange) {
		parent, _ := k.post()
		return 2, k.opens(2, parent)
	}},
	{"asking", "answered", func(k *talk) (uint32, *Exchange) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		x.answers(200)
		k.settle()
		return 2, x
	}},
	{"heard", "the host's", func(k *talk) (uint32, *Exchange) {
		id, x := k.post()
		k.tell(headFrame(id, 200), endFrame(id))
		return id, x
	}},
	{"heard", "the guest's", func(k *talk) (uint32, *Exchange) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		x.answers(200)
		k.tell(endFrame(2))
		return 2, x
	}},
	{"spliced", "the host's", func(k *talk) (uint32, *Exchange) {
		id, x := k.post()
		door := k.opens(2, id)
		door.answers(200)
		k.tell(endFrame(2), headFrame(id, 200), spliceFrame(id, 2))
		return id, x
	}},
	{"spliced", "the guest's", func(k *talk) (uint32, *Exchange) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		x.answers(200)
		k.tell(spliceFrame(2, parent))
		return 2, x
	}},
	{"resetting", "the host's", func(k *talk) (uint32, *Exchange) {
		id, x := k.post()
		k.tell(headFrame(id, 200))
		k.auto = false
		x.cancel(nil)
		k.settle()
		k.want(len(k.heard(id, wire.Reset)) == 1, "reset.ends-work", "the user has left, and the host says no RESET")
		return id, x
	}},
	{"resetting", "the guest's", func(k *talk) (uint32, *Exchange) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		k.auto = false
		x.refuses(wire.Unavailable)
		k.settle()
		k.want(len(k.heard(2, wire.Reset)) == 1, "reset.answered", "the door has refused, and the host says no RESET")
		return 2, x
	}},
	{"gone", "by END, the host's", func(k *talk) (uint32, *Exchange) {
		id, x := k.get()
		k.tell(headFrame(id, 200), endFrame(id))
		return id, x
	}},
	{"gone", "by END, the guest's", func(k *talk) (uint32, *Exchange) {
		parent, _ := k.post()
		x := k.opens(2, parent)
		x.answers(200)
		x.Out.end(nil)
		k.settle() // the guest answers the host's STOP
		return 2, x
	}},
	{"gone", "jumped over", func(k *talk) (uint32, *Exchange) {
		parent, _ := k.post()
		k.opens(8, parent)
		return 4, nil
	}},
}

// framesOf gives the frames of a row of the table, on a stream.
func (s *scene) framesOf(frame string) (all []wire.Frame) {
	switch frame {
	case "OPEN":
		return []wire.Frame{openFrame(s.id, s.from)}
	case "HEAD":
		return []wire.Frame{headFrame(s.id, 200)}
	case "DATA":
		return []wire.Frame{dataFrame(s.id, []byte("data"))}
	case "END":
		return []wire.Frame{endFrame(s.id)}
	case "STOP":
		return []wire.Frame{stopFrame(s.id)}
	case "RESET":
		return []wire.Frame{resetFrame(s.id, wire.Invalid)}
	case "WINDOW":
		return []wire.Frame{windowFrame(s.id, 16384)}
	case "SPLICE":
		return []wire.Frame{spliceFrame(s.id, s.from)}
	case "unknown":
		return []wire.Frame{{Type: 13, Stream: s.id}, {Type: 0, Stream: s.id}, {Type: 255, Stream: s.id, Payload: make([]byte, wire.MaxPayload)}}
	case "unknown, critical":
		return []wire.Frame{{Type: 13, Flags: wire.Critical, Stream: s.id}}
	}
	return []wire.Frame{
		{Type: wire.Hello, Stream: s.id, Payload: wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, 0)},
		{Type: wire.Wake, Stream: s.id, Payload: u32Payload(1)},
		{Type: wire.Log, Stream: s.id, Payload: wire.AppendText(wire.AppendU32(nil, wire.TagLevel, 0), wire.TagText, "x")},
		{Type: wire.Drain, Stream: s.id},
	}
}

// tableCases are every cell of the table, for every stage of its state.
func tableCases() (all []hostCase) {
	for _, row := range rules.Table {
		for _, st := range stages {
			frame := row["frame"]
			what, rule := outcome(frame, st.state)
			name := fmt.Sprintf("%s when %s %s", frame, st.state, st.name)
			for n := range (&scene{id: 1}).framesOf(frame) {
				all = append(all, hostCase{fmt.Sprintf("%s/%d", name, n), Options{}, func(k *talk) {
					s := &scene{talk: k}
					s.id, s.x = st.set(k)
					s.from, s.source = k.post() // one more stream, which may be spliced from
					if frame == "OPEN" && st.state == "never" {
						s.id = 9000
						if st.name == "of the host's ids" {
							return // an id of the other side: a golden frame
						}
					}
					k.forget()
					f := s.framesOf(frame)[n]
					if what == fault {
						k.tellRaw(encode(f))
						k.faults(rule)
						return
					}
					k.tell(f)
					s.after(frame, what, f)
				}})
			}
		}
	}
	return all
}

// after looks whether the host did what the cell says.
func (s *scene) after(frame, what string, f wire.Frame) {
	k := s.talk
	switch what {
	case "opens: asking":
		k.lives("open.grows")
		k.want(len(k.doors) > 0, "stream.done", "the door was not asked")
	case "answering":
		k.lives("head.once")
		k.want(s.x.In.status == 200, "stream.done", "HEAD did not reach the user: status %d", s.x.In.status)
	case "taken":
		k.lives("data.whole")
		k.want(string(s.x.In.body) == "data", "data.whole", "DATA did not reach its reader: %q", s.x.In.body)
	case "heard":
		k.lives("end.half")
		k.want(s.x.In.ended, "end.half", "END did not reach its reader")
	case "ends":
		k.lives("stop.ends")
		r := k.led.streams[s.id]
		if r.opener == host || r.legs[host].head {
			k.want(r.legs[host].ended, "stop.ends", "the host has not said END to STOP")
		}
	case "answers":
		k.lives("reset.answered")
		k.want(len(k.heard(s.id, wire.Reset)) == 1, "reset.answered", "the host has said RESET %d times", len(k.heard(s.id, wire.Reset)))
	case "grows":
		k.lives("window.range")
	case "spliced":
		k.lives("splice.order")
		s.source.Body.push([]byte("forwarded"), 0)
		k.settle()
		k.want(string(s.x.In.body) == "forwarded", "splice.order", "the reader has %q of what was forwarded", s.x.In.body)
		k.want(len(k.heard(s.from, wire.Data)) == 0, "splice.quiet", "the guest heard what it had spliced")
	case "credited", "ignored", "gone":
		k.lives("reset.last")
		if what == "gone" {
			k.want(k.led.streams[s.id].gone(), "reset.answered-once", "the stream is not gone")
			k.want(len(k.heard(s.id, wire.Reset)) == 0, "reset.answered-once", "the host answers the answer")
			k.auto = true
			return
		}
		if s.x != nil && k.led.streams[s.id] != nil && k.led.streams[s.id].legs[host].reset {
			k.tell(resetFrame(s.id, wire.Cancelled))
			k.want(len(k.heard(s.id, wire.Reset)) == 0, "reset.answered-once", "the host says RESET again")
			k.lives("reset.answered-once")
		}
		k.auto = true
	case "skipped":
		k.lives("unknown.skipped")
		r := k.led.streams[s.id]
		k.want(!r.reset() && s.x.In.reset == 0 && s.x.In.lost == nil, "unknown.skipped", "the stream was reset")
	case "resets":
		k.lives("unknown.critical")
		all := k.heard(s.id, wire.Reset)
		k.want(len(all) == 1, "unknown.critical", "the host says RESET %d times", len(all))
		code, _, _ := all[0].Code()
		k.want(code == wire.Unsupported, "unknown.critical", "RESET %v instead of unsupported", code)
	default:
		panic("kit: an outcome that nobody looks at: " + what)
	}
}
