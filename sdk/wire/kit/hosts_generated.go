// Generated conversations with a host: a guest, users and doors that do at
// random what they may do, at any moment, on many streams at once. What was not
// cut off has to arrive whole. The last thing that the guest says breaks a rule.
package kit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func generatedOptions(seed uint64) Options {
	r := rand.New(rand.NewPCG(seed, 1))
	return Options{Memory: []uint64{1 << 20, 4 << 20, 64 << 20}[r.IntN(3)], Streams: 4 + r.IntN(30)}
}

// play is one generated conversation.
type playing struct {
	*talk
	*rand.Rand
	all    []*line
	nextID uint32
}

// line is one stream in it.
type line struct {
	id       uint32
	x        *Exchange
	up       bool   // a websocket
	toGuest  []byte // what the host's side has given to be sent
	toHost   []byte // what the guest has sent
	handed   int    // of its source's bytes, when it was spliced
	from     *line  // its source
	cutOff   bool
	answered bool // a door has answered
	ended    bool // the host's side has said all
}

func (k *talk) generate(seed uint64) {
	g := &playing{talk: k, Rand: rand.New(rand.NewPCG(seed, 0)), nextID: 2}
	k.trace.add(fmt.Sprintf("-- generated from seed %d", seed))
	g.newLine(k.post())
	for range steps {
		g.step()
		if g.IntN(3) == 0 {
			g.settle()
			g.atRest()
		}
	}
	g.complete()
	for _, l := range g.all {
		g.check(l)
	}
	k.rest()
	k.lives("stream.done")
	g.breakARule()
}

func (g *playing) newLine(id uint32, x *Exchange) *line {
	l := &line{id: id, x: x, up: x.Protocol == "websocket", ended: opener(id) == host && x.Body == nil}
	g.all = append(g.all, l)
	return l
}

func (g *playing) rec(l *line) *record { return g.led.streams[l.id] }

// pick chooses one of the streams that satisfy a condition; nil: there is none.
func (g *playing) pick(of func(l *line, r *record) bool) *line {
	var some []*line
	for _, l := range g.all {
		if r := g.rec(l); r != nil && of(l, r) {
			some = append(some, l)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[g.IntN(len(some))]
}

func alive(_ *line, r *record) bool { return !r.gone() && !r.reset() }

// guestMay tells whether the guest may say a frame on a stream.
func (g *playing) guestMay(r *record, t wire.Type) bool {
	what, _ := outcome(t.String(), g.led.state(host, r.id))
	return what != fault && !r.legs[guest].reset
}

// children marks what goes down with a stream.
func (g *playing) cut(l *line) {
	if l.cutOff {
		return
	}
	l.cutOff = true
	for _, other := range g.all {
		if other.from == l || l.from == other || g.led.streams[other.id] != nil && g.led.streams[other.id].parent == l.id {
			g.cut(other)
		}
	}
}

func (g *playing) step() {
	n := g.IntN(100)
	if n >= 59 {
		g.settle() // what the guest says depends on what it has heard
	} else {
		g.host.Settle() // so that a seed says all
	}
	switch {
	case n < 12:
		g.askSome()
	case n < 24:
		g.openSome()
	case n < 36: // the host's side sends
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) && !l.ended && l.x.source(r.opener) != nil }); l != nil {
			g.push(l)
		}
	case n < 42:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) && r.opener == guest && !l.answered }); l != nil {
			l.answered = true
			if g.IntN(6) == 0 {
				g.cut(l)
				l.x.refuses(wire.Code(1 + g.IntN(11)))
				l.ended = true
			} else {
				l.x.answers(200)
			}
		}
	case n < 48:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) && !l.ended && l.x.source(r.opener) != nil }); l != nil {
			l.ended = true
			l.x.source(opener(l.id)).end(nil)
		}
	case n < 54:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) }); l != nil {
			l.x.In.read(g.IntN(50_000))
		}
	case n < 57:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) && r.opener == host }); l != nil {
			g.cut(l)
			l.x.cancel(nil)
			g.settle()
		}
	case n < 59:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) && r.opener == guest && !r.legs[guest].ended }); l != nil {
			g.cut(l)
			l.x.In.leave()
			g.settle()
		}
	case n < 66:
		if l := g.pick(func(l *line, r *record) bool {
			return alive(l, r) && r.opener == host && g.guestMay(r, wire.Head) && !r.legs[host].stopped
		}); l != nil {
			g.tell(headFrame(l.id, 200))
		}
	case n < 80:
		g.guestSends()
	case n < 85:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) && g.guestMay(r, wire.End) }); l != nil {
			g.endByGuest(l)
		}
	case n < 90:
		g.guestCredits()
	case n < 92:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) }); l != nil {
			g.cut(l)
			g.tell(stopFrame(l.id))
		}
	case n < 94:
		if l := g.pick(func(l *line, r *record) bool { return alive(l, r) }); l != nil {
			g.cut(l)
			g.tell(resetFrame(l.id, wire.Code(1+g.IntN(11))))
		}
	case n < 97:
		g.splices()
	default:
		if l := g.pick(func(l *line, r *record) bool { return !r.legs[guest].reset }); l != nil {
			g.tell(wire.Frame{Type: []wire.Type{0, 13, 99}[g.IntN(3)], Stream: l.id * uint32(g.IntN(2)), Payload: make([]byte, g.IntN(20))})
		}
	}
}

// tell lets the guest say frames; sometimes the host's side does something at
// the same moment.
func (g *playing) tell(all ...wire.Frame) {
	if g.IntN(3) > 0 {
		g.talk.tell(all...)
		return
	}
	g.tellWhile(g.crossing, all...)
}

// crossing is something that users and doors do while the guest talks.
func (g *playing) crossing() {
	l := g.pick(func(l *line, r *record) bool { return alive(l, r) })
	if l == nil {
		return
	}
	switch src := l.x.source(opener(l.id)); g.IntN(6) {
	case 0, 1, 2:
		if src != nil && !l.ended {
			g.push(l)
		}
	case 3:
		if src != nil && !l.ended {
			l.ended = true
			src.end(nil)
		}
	case 4:
		l.x.In.read(g.IntN(50_000))
	case 5:
		if opener(l.id) == host {
			g.cut(l)
			l.x.cancel(nil)
		}
	}
}

func (g *playing) askSome() {
	g.settle()
	if g.led.open(host) >= g.led.limit {
		return
	}
	in := newSink([]int{everything, 0, 20_000}[g.IntN(3)])
	x := &Exchange{In: in, Authority: "route", Method: "GET", Target: "/"}
	switch g.IntN(3) {
	case 0:
		x.Protocol = "websocket"
		x.Body = newSource()
	case 1:
		x.Body = newSource()
	}
	g.newLine(g.ask(x), x)
}

func (g *playing) openSome() {
	g.settle()
	parent := g.pick(func(l *line, r *record) bool {
		return alive(l, r) && r.opener == host && !r.legs[guest].ended && !r.legs[guest].spliced
	})
	if parent == nil || g.led.open(guest) >= g.led.limit {
		return
	}
	id := g.nextID
	g.nextID += 2 * uint32(1+g.IntN(3))
	g.slowDoors = g.IntN(3) == 0
	g.newLine(id, g.opens(id, parent.id))
}

// text of a body, so that traces can be read.
func (g *playing) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[g.IntN(26)]
	}
	return b
}

func (g *playing) push(l *line) {
	b := g.bytes(g.IntN([]int{10, 3000, 60_000}[g.IntN(3)]))
	flags := wire.Flags(0)
	if l.up {
		flags = wire.Message
	}
	if len(b) == 0 && flags == 0 {
		return
	}
	l.toGuest = append(l.toGuest, b...)
	l.x.source(opener(l.id)).push(b, flags)
}

func (g *playing) guestSends() {
	g.settle()
	l := g.pick(func(l *line, r *record) bool { return alive(l, r) && g.guestMay(r, wire.Data) })
	if l == nil {
		return
	}
	room := g.room(l.id)
	flags := wire.Flags(0)
	if l.up && g.IntN(2) == 0 && room >= wire.MessageCost {
		flags, room = wire.Message, room-wire.MessageCost
	}
	n := []int{1, 100, 10_000, wire.MaxPayload}[g.IntN(4)]
	if g.IntN(4) > 0 {
		n = g.IntN(n + 1)
	}
	b := g.bytes(min(n, room))
	l.toHost = append(l.toHost, b...)
	g.tell(dataFrame(l.id, b, flags))
}

func (g *playing) endByGuest(l *line) {
	r := g.rec(l)
	for _, other := range g.all {
		if o := g.rec(other); r.opener == host && o != nil && o.parent == l.id && !o.gone() {
			g.cut(other) // its children end with it
		}
	}
	g.tell(endFrame(l.id))
}

// guestCredits gives back some of what the host has sent.
func (g *playing) guestCredits() {
	g.settle()
	if l := g.pick(func(l *line, r *record) bool {
		return alive(l, r) && r.legs[host].sent > r.legs[host].credited
	}); l != nil {
		r := g.rec(l)
		g.tell(windowFrame(l.id, uint32(1+g.Int64N(r.legs[host].sent-r.legs[host].credited))))
	}
	if more := g.led.sent[host] - g.led.given[host]; more > 0 {
		g.tell(windowFrame(0, uint32(1+g.Int64N(more))))
	}
}

// splices hands a stream's body over to another.
func (g *playing) splices() {
	g.settle()
	to := g.pick(func(l *line, r *record) bool { return alive(l, r) && g.guestMay(r, wire.Splice) && l.from == nil })
	from := g.pick(func(l *line, r *record) bool {
		return alive(l, r) && !r.legs[host].ended && !r.legs[guest].stopped && r.into == 0
	})
	if to == nil || from == nil || to == from || from.up != to.up || from.from == to {
		return
	}
	for _, other := range g.all { // one level: what is spliced is no source
		if other.from == to || from.from != nil {
			return
		}
	}
	to.from = from
	if r := g.rec(from); r.opener == guest && r.parent == to.id || to.cutOff || from.cutOff {
		g.cut(to)
		g.cut(from)
	}
	for _, other := range g.all { // children of an answer that a splice ends
		if o := g.rec(other); o != nil && o.parent == to.id {
			g.cut(other)
		}
	}
	g.settle()
	to.handed = g.sentTo(from.id)
	g.tell(spliceFrame(to.id, from.id))
}

// atRest looks at what holds at every rest.
func (g *playing) atRest() {
	if g.inst.Fault() != nil {
		g.fail("stream.done", "the host took what is legal for a fault: %v", g.inst.Fault())
	}
	for _, l := range g.all {
		r := g.rec(l)
		g.want(!r.legs[guest].reset || r.legs[host].reset, "reset.answered", "stream %d: the guest's RESET is not answered", l.id)
		if p := g.led.streams[r.parent]; p != nil && (p.legs[guest].ended || p.reset()) {
			g.want(r.gone() || r.reset(), "parent.ends", "stream %d lives, and its parent %d has ended", l.id, r.parent)
		}
		if r.legs[guest].stopped && !r.reset() && (r.opener == host || r.legs[host].head) {
			g.want(r.legs[host].ended, "stop.ends", "stream %d: the host has not said END to STOP", l.id)
		}
		g.want(bytes.HasPrefix(l.toGuest, g.bytesTo(l.id)), "data.whole", "stream %d: the guest was handed other bytes than were sent", l.id)
		g.want(bytes.HasPrefix(g.expected(l), l.x.In.body), "data.whole", "stream %d: the reader has other bytes than were sent: %s", l.id, sample(l.x.In.body))
	}
}

// expected is what a stream's reader is to get.
func (g *playing) expected(l *line) []byte {
	if l.from == nil {
		return l.toHost
	}
	handed := min(g.sentTo(l.from.id), len(l.from.toGuest))
	return slices.Concat(l.toHost, l.from.toGuest[handed:])
}

func (g *playing) check(l *line) {
	r := g.rec(l)
	if l.cutOff || r.reset() || r.legs[host].stopped {
		return // a door whose answer is complete wants no more of the request
	}
	g.want(bytes.Equal(l.x.In.body, g.expected(l)), "data.whole", "stream %d: the reader has %s instead of %s", l.id, sample(l.x.In.body), sample(g.expected(l)))
	g.want(l.x.In.ended, "stream.done", "stream %d: the reader has not heard the end; %v %v", l.id, l.x.In.reset, l.x.In.lost)
	if r.into == 0 {
		g.want(bytes.Equal(g.bytesTo(l.id), l.toGuest) || r.legs[guest].stopped || r.opener == guest && l.ended, "data.whole", "stream %d: the guest has %s instead of %s", l.id, sample(g.bytesTo(l.id)), sample(l.toGuest))
	}
}

// complete lets everything come to its end.
func (g *playing) complete() {
	for range 40 {
		g.settle()
		for _, l := range g.all {
			r := g.rec(l)
			l.x.In.read(everything)
			g.host.Settle()
			if !alive(l, r) {
				continue
			}
			if r.opener == guest && !l.answered {
				l.answered = true
				l.x.answers(200)
			}
			if src := l.x.source(r.opener); src != nil && !l.ended {
				l.ended = true
				src.end(nil)
			}
			g.settle()
			if more := r.legs[host].sent - r.legs[host].credited; more > 0 && !r.gone() && !r.reset() {
				g.tell(windowFrame(l.id, uint32(more)))
			}
			if more := g.led.sent[host] - g.led.given[host]; more > 0 {
				g.tell(windowFrame(0, uint32(more)))
			}
		}
	}
	for _, by := range []side{guest, host} { // children first
		for _, l := range g.all {
			r := g.rec(l)
			if r.opener != by || !alive(l, r) {
				continue
			}
			if by == host && g.guestMay(r, wire.Head) {
				g.tell(headFrame(l.id, 200))
			}
			if alive(l, r) && g.guestMay(r, wire.End) {
				g.tell(endFrame(l.id))
			}
		}
	}
	g.settle()
	g.atRest()
}

// breakARule lets the guest say something that is a fault by the table.
func (g *playing) breakARule() {
	g.get()
	id, _ := g.post()
	g.tell(headFrame(id, 200))
	for {
		s := &scene{talk: g.talk, id: uint32(1 + g.IntN(int(g.nextID)+20)), from: id}
		frame := rules.Table[g.IntN(len(rules.Table))]["frame"]
		all := s.framesOf(frame)
		f := all[g.IntN(len(all))]
		if frame == "OPEN" && f.Stream&1 == 1 {
			continue
		}
		if r := g.led.streams[s.id]; r != nil && r.legs[guest].reset {
			continue
		}
		what, rule := outcome(frame, g.led.state(host, s.id))
		if what == fault {
			g.tellRaw(encode(f))
			g.faults(rule)
			return
		}
	}
}
