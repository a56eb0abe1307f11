// The ledger: what both sides have said on every stream, and what each may say
// next. It is the state table of the specification at work.
package kit

import (
	"fmt"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// leg is what one side has said on a stream.
type leg struct {
	head, ended, reset, stopped, spliced bool

	room     int64 // what it may still send
	sent     int64 // of DATA, as windows count
	credited int64 // of that, what the other has given back
}

// record is one stream.
type record struct {
	id       uint32
	opener   side
	parent   uint32
	protocol string
	legs     [2]leg
	from     uint32 // of a spliced one: whose body it takes over
	into     uint32 // where its body goes
	freed    bool   // both sides had said END: a RESET that comes later takes no slot again
}

// gone tells whether its slot is free.
func (r *record) gone() bool {
	return r.legs[host].ended && r.legs[guest].ended && !r.legs[host].reset && !r.legs[guest].reset || r.legs[host].reset && r.legs[guest].reset
}

// reset tells whether either side has said RESET.
func (r *record) reset() bool { return r.legs[host].reset || r.legs[guest].reset }

// ledger is one instance.
type ledger struct {
	hello    [2]bool
	features uint64
	memory   int64
	limit    int // streams
	draining bool

	highest [2]uint32
	streams map[uint32]*record
	room    [2]int64 // of the instance
	sent    [2]int64
	given   [2]int64 // of sent, given back by the other
}

func newLedger() *ledger { return &ledger{streams: map[uint32]*record{}} }

func opener(id uint32) side {
	if id&1 == 1 {
		return host
	}
	return guest
}

// state is what receiver knows of a stream: a column of the table.
func (l *ledger) state(receiver side, id uint32) string {
	r := l.streams[id]
	if r == nil {
		if id <= l.highest[opener(id)] {
			return "gone" // jumped over
		}
		return "never"
	}
	sender := receiver.other()
	switch {
	case r.gone():
		return "gone"
	case r.legs[receiver].reset:
		return "resetting"
	case r.legs[sender].spliced:
		return "spliced"
	case r.legs[sender].ended:
		return "heard"
	case r.opener == sender:
		return "asking"
	case r.legs[sender].head:
		return "answering"
	}
	return "asked"
}

// row is a frame's row of the table.
func row(f wire.Frame) string {
	switch f.Type {
	case wire.Hello, wire.Wake, wire.Log, wire.Drain:
		return "HELLO, WAKE, LOG, DRAIN"
	}
	if f.Type.Known() {
		return f.Type.String()
	}
	if f.Flags&wire.Critical != 0 {
		return "unknown, critical"
	}
	return "unknown"
}

// outcome is what the table says that a receiver does.
func outcome(frame, state string) (outcome, rule string) {
	for _, r := range rules.Table {
		if r["frame"] == frame {
			if rule, ok := strings.CutPrefix(r[state], "fault "); ok {
				return fault, rule
			}
			return r[state], ""
		}
	}
	panic("kit: the table has no row " + frame)
}

// breach is a rule that a frame breaks, and how.
type breach struct {
	rule, detail string
}

func (l *ledger) broken(rule, format string, args ...any) *breach {
	return &breach{rule, fmt.Sprintf(format, args...)}
}

// say takes a frame of one side: it gives the rule that the frame breaks, nil if
// it breaks none, and keeps what it changed. A frame that is a fault changes
// nothing.
func (l *ledger) say(from side, f wire.Frame) *breach {
	if b := check(from, f); b.outcome == fault {
		return l.broken(b.rule, "%v is not one that a %v may say", f.Type, from)
	}
	if !l.hello[from] && f.Type != wire.Hello {
		return l.broken("hello.first", "the first frame is %v", f.Type)
	}
	if f.Stream == 0 {
		return l.sayZero(from, f)
	}
	r := l.streams[f.Stream]
	if f.Type == wire.Open {
		return l.sayOpen(from, f)
	}
	if r != nil {
		own := &r.legs[from]
		if own.reset && f.Type == wire.Reset {
			return l.broken("reset.answered-once", "a second RESET")
		}
		if own.reset {
			return l.broken("reset.last", "%v after its own RESET", f.Type)
		}
	}
	state := l.state(from.other(), f.Stream)
	what, rule := outcome(row(f), state)
	if what == fault {
		return l.broken(rule, "%v in state %s", f.Type, state)
	}
	if r == nil {
		return nil // an id that was jumped over
	}
	b := l.sayOn(from, r, f)
	for _, r := range []*record{r, l.streams[r.into]} {
		if r != nil && r.gone() && !r.reset() {
			r.freed = true
		}
	}
	return b
}

func (l *ledger) sayZero(from side, f wire.Frame) *breach {
	switch f.Type {
	case wire.Hello:
		if l.hello[from] {
			return l.broken("hello.once", "HELLO again")
		}
		return l.sayHello(from, f)
	case wire.Window:
		v, _ := f.U32()
		other := from.other()
		if l.room[other]+int64(v) >= wire.MaxWindow {
			return l.broken("window.range", "the instance's window grows to %d", l.room[other]+int64(v))
		}
		l.room[other] += int64(v)
		l.given[other] += int64(v)
	case wire.Drain:
		l.draining = true
	}
	return nil
}

func (l *ledger) sayHello(from side, f wire.Frame) *breach {
	l.hello[from] = true
	for p := f.Payload; len(p) > 0; {
		field, rest, _ := wire.NextField(p)
		p = rest
		switch field.Tag {
		case wire.TagFeatures:
			v, _ := field.U64()
			if from == guest && v&^l.features != 0 {
				return l.broken("hello.features", "the guest uses %#x of %#x", v, l.features)
			}
			if from == host {
				l.features = v
			}
		case wire.TagMemory:
			if v, ok := field.U64(); ok && from == host {
				l.memory = int64(v)
				l.room = [2]int64{l.memory / wire.InstanceShare, l.memory / wire.InstanceShare}
			}
		case wire.TagStreams:
			if v, ok := field.U32(); ok && from == host {
				l.limit = int(v)
			}
		}
	}
	return nil
}

func (l *ledger) sayOpen(from side, f wire.Frame) *breach {
	r := l.streams[f.Stream]
	switch {
	case r != nil:
		return l.broken("open.twice", "the stream is in state %s", l.state(from.other(), f.Stream))
	case f.Stream <= l.highest[from]:
		return l.broken("open.grows", "%d has been opened before", l.highest[from])
	case l.draining && from == host:
		return l.broken("open.draining", "the host opens a stream after DRAIN")
	}
	l.highest[from] = f.Stream
	r = &record{id: f.Stream, opener: from}
	r.legs[host].room, r.legs[guest].room = wire.StreamWindow, wire.StreamWindow
	for p := f.Payload; len(p) > 0; {
		field, rest, _ := wire.NextField(p)
		p = rest
		switch field.Tag {
		case wire.TagParent:
			r.parent, _ = field.U32()
		case wire.TagProtocol:
			r.protocol = string(field.Value)
		}
	}
	l.streams[f.Stream] = r
	open := l.open(from)
	switch {
	case from == host && l.limit > 0 && open > l.limit:
		return l.broken("streams.limit", "%d streams are open, of %d", open, l.limit)
	case from == guest && l.limit > 0 && open >= 2*l.limit:
		return l.broken("streams.fault", "%d streams are open, of %d", open, l.limit)
	}
	return nil
}

// open counts the slots that a side's streams take.
func (l *ledger) open(by side) int {
	n := 0
	for _, r := range l.streams {
		if r.opener == by && !r.gone() && !r.freed {
			n++
		}
	}
	return n
}

// parentOf tells what a guest's OPEN is refused with: 0 when it is not.
func (l *ledger) parentOf(r *record) wire.Code {
	p := l.streams[r.parent]
	switch {
	case r.parent&1 == 0, p == nil && r.parent > l.highest[host]:
		return wire.Denied
	case p == nil || p.legs[guest].ended || p.reset():
		return wire.Cancelled
	}
	return 0
}

func (l *ledger) sayOn(from side, r *record, f wire.Frame) *breach {
	own, other := &r.legs[from], &r.legs[from.other()]
	switch f.Type {
	case wire.Head:
		own.head = true
	case wire.Data:
		n := cost(f)
		switch {
		case from == host && r.into != 0:
			return l.broken("splice.quiet", "the guest hears DATA of a stream that it has spliced")
		case n > own.room:
			return l.broken("window.stream", "%d bytes, the window has %d", n, own.room)
		case n > l.room[from]:
			return l.broken("window.instance", "%d bytes, the instance's window has %d", n, l.room[from])
		}
		own.room -= n
		own.sent += n
		l.room[from] -= n
		l.sent[from] += n
	case wire.End:
		own.ended = true
		if into := l.streams[r.into]; from == host && r.into != 0 {
			l.unsplice(into)
		}
	case wire.Stop:
		own.stopped = true
		if from == host && other.spliced {
			other.ended = true // the host ends it in the guest's place
		}
	case wire.Reset:
		own.reset = true
	case wire.Window:
		v, _ := f.U32()
		if other.room+int64(v) >= wire.MaxWindow {
			return l.broken("window.range", "the stream's window grows to %d", other.room+int64(v))
		}
		other.room += int64(v)
		other.credited += int64(v)
	case wire.Splice:
		return l.saySplice(r, f)
	}
	return nil
}

func (l *ledger) saySplice(r *record, f wire.Frame) *breach {
	id, _ := f.U32()
	src := l.streams[id]
	switch {
	case src == nil:
		return l.broken("splice.from-never", "%d is not open", id)
	case src.into != 0:
		return l.broken("splice.from-twice", "%d is spliced already", id)
	case src.legs[guest].stopped && !src.gone() && !src.reset():
		return l.broken("splice.from-stopped", "of %d the guest wants no more", id)
	}
	r.legs[guest].spliced = true
	r.from = id
	if src.legs[host].ended || src.reset() {
		r.legs[guest].spliced = false
		r.legs[guest].ended = true
		return nil
	}
	src.into = r.id
	return nil
}

// unsplice ends a spliced direction: the host has ended it in the guest's place.
func (l *ledger) unsplice(r *record) {
	if r != nil && r.legs[guest].spliced {
		r.legs[guest].spliced = false
		r.legs[guest].ended = true
	}
}

// creditWrong finds a side that has given back more than it was sent.
func (l *ledger) creditWrong(by side, id uint32) *breach {
	sender := by.other()
	if id == 0 {
		if l.given[sender] > l.sent[sender] {
			return l.broken("window.credit-once", "%d bytes are given back to the instance, %d were sent", l.given[sender], l.sent[sender])
		}
		return nil
	}
	if r := l.streams[id]; r != nil && r.legs[sender].credited > r.legs[sender].sent {
		return l.broken("window.credit-once", "%d bytes are given back to the stream, %d were sent", r.legs[sender].credited, r.legs[sender].sent)
	}
	return nil
}
