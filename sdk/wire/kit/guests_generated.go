// Generated conversations with a guest: a host that does at random what a host
// may do, at any moment, on many streams at once. What was not cut off has to
// come out whole, and in the end nothing may be left over.
package kit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// steps is how many things a generated conversation does.
const steps = 400

// generation is one generated conversation.
type generation struct {
	*session
	*rand.Rand
	asked   []*asked
	doors   []*asked // the guest's streams, in the order in which they were seen
	drained bool
}

// asked is a stream and what is to come of it.
type asked struct {
	*call
	sent    []byte // so far, of its body
	done    bool   // the host has said all on it
	cutOff  bool   // by the host: what comes of it is open
	answers bool   // of the guest's: the host has said HEAD
	check   func(a *asked)
}

// generate plays the conversation of a seed.
func generate(s *session, seed uint64) {
	g := &generation{session: s, Rand: rand.New(rand.NewPCG(seed, 0))}
	s.trace.add(fmt.Sprintf("-- generated from seed %d", seed))
	h := hello{memory: []uint64{1 << 20, 4 << 20, 64 << 20}[g.IntN(3)], streams: uint32(4 + g.IntN(40)), features: uint64(g.IntN(2))}
	s.begin(h)
	for range steps {
		g.step()
		g.meet()
		if g.IntN(3) == 0 {
			s.poll()
			g.meet()
		}
	}
	g.complete()
	for _, a := range g.asked {
		if !a.cutOff && a.check != nil {
			a.check(a)
		}
	}
	s.finish()
}

// meet takes notice of streams that the guest has opened.
func (g *generation) meet() {
	for _, k := range g.children[len(g.doors):] {
		g.doors = append(g.doors, &asked{call: k})
	}
}

// pick chooses one of a list that satisfies a condition.
func (g *generation) pick(all []*asked, of func(*asked) bool) *asked {
	var some []*asked
	for _, a := range all {
		if of(a) {
			some = append(some, a)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[g.IntN(len(some))]
}

func live(a *asked) bool { return !a.rec.gone() && !a.rec.reset() && !a.queued(wire.Reset) }

// delivered tells whether the guest knows of a stream.
func (a *asked) delivered() bool { return a.s.led.streams[a.rec.id] != nil }

func (g *generation) step() {
	switch n := g.IntN(100); {
	case n < 22:
		g.open()
	case n < 45:
		if a := g.pick(g.asked, func(a *asked) bool { return live(a) && !a.done }); a != nil {
			g.goOn(a)
		}
	case n < 70:
		if a := g.pick(g.doors, func(a *asked) bool { return live(a) && !a.done }); a != nil {
			g.goOnDoor(a)
		}
	case n < 76:
		if a := g.pick(append(g.asked, g.doors...), live); a != nil {
			if a.hold {
				a.release()
			} else {
				a.hold = true
			}
		}
	case n < 82:
		if a := g.pick(append(g.asked, g.doors...), func(a *asked) bool { return a.delivered() }); a != nil {
			t := []wire.Type{0, 13, 100, 255}[g.IntN(4)]
			flags := wire.Flags(0)
			if !live(a) && g.IntN(2) == 0 {
				flags = wire.Critical
			}
			if !a.rec.legs[host].reset && !a.queued(wire.Reset) {
				a.say(t, flags, spec.Pattern(0, g.IntN(30)))
			}
		}
	case n < 85:
		if a := g.pick(g.asked, live); a != nil {
			g.cutOff(a)
			a.cancel(wire.Code(1 + g.IntN(11)))
		}
	case n < 88:
		if a := g.pick(g.asked, func(a *asked) bool { return live(a) && a.delivered() }); a != nil {
			g.cutOff(a)
			a.stop()
		}
	case n < 91:
		if a := g.pick(g.doors, live); a != nil {
			g.cutOff(a)
			a.cancel(wire.Code(1 + g.IntN(11)))
		}
	case n < 93:
		if a := g.pick(g.doors, func(a *asked) bool { return live(a) && !a.rec.legs[guest].ended && !a.rec.legs[guest].spliced }); a != nil {
			g.cutOff(a)
			a.stop()
		}
	case n < 95:
		if a := g.pick(g.asked, func(a *asked) bool { return a.rec.gone() && !a.rec.reset() }); a != nil && !a.queued(wire.Reset) {
			a.say(wire.Stop, 0, codePayload(wire.Cancelled))
			a.window(100)
		}
	case n < 99:
		g.sleep(time.Duration(g.IntN(60)) * time.Millisecond)
	default:
		if !g.drained && g.IntN(4) == 0 {
			g.drained = true
			g.say(wire.Frame{Type: wire.Drain})
		}
	}
}

// cutOff notes that what comes of a stream, and of the one that it was opened
// for, is open.
func (g *generation) cutOff(a *asked) {
	a.cutOff = true
	for _, p := range g.asked {
		if p.rec.id == a.rec.parent {
			p.cutOff = true
		}
	}
}

// text of a body, so that traces can be read.
func (g *generation) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz"[g.IntN(26)]
	}
	return b
}

// open opens a stream to one of the conformance guest's routes.
func (g *generation) open() {
	open := 0
	for _, a := range g.asked {
		if !a.rec.gone() {
			open++
		}
	}
	if open >= int(g.led.limit) || g.led.limit == 0 || g.drained {
		return
	}
	method, target := "GET", ""
	var more []wire.Field
	var check func(a *asked)
	body := func(a *asked) { a.answered(200, a.sent) }
	n := 0
	switch g.IntN(16) {
	case 0, 1:
		method, target, check = "POST", "/echo", body
	case 2:
		n = g.IntN(200_000)
		target, check = fmt.Sprintf("/bytes?n=%d", n), func(a *asked) { a.answered(200, spec.Pattern(0, n)) }
	case 3:
		method, target, check = "POST", "/count", func(a *asked) { a.answered(200, fmt.Append(nil, len(a.sent))) }
	case 4:
		method, target, check = "POST", "/fixed", func(a *asked) {
			if len(a.sent) < wire.StreamWindow {
				a.answered(200, fmt.Append(nil, len(a.sent)))
			}
		}
	case 5:
		n = 1 + g.IntN(5)
		target = fmt.Sprintf("/ask?authority=door&n=%d", n)
		check = func(a *asked) {
			g.want(a.ended && bytes.Count(a.body, []byte("\n")) == n, "stream.done", "stream %d (%s): ended %v, %q", a.rec.id, a.target, a.ended, a.body)
			for _, d := range g.of(a) {
				line := fmt.Sprintf("%s 200 %s\n", strings.TrimPrefix(d.target, "/"), d.sent)
				g.want(d.cutOff || bytes.Contains(a.body, []byte(line)), "data.whole", "stream %d: %s is missing in %s", a.rec.id, sample([]byte(line)), sample(a.body))
			}
		}
	case 6:
		target, check = "/relay?authority=door&target=/r", g.relayed
	case 7:
		target, check = fmt.Sprintf("/splice?authority=door&target=/s&prefix=%d", g.IntN(3)*1000), g.relayed
		n = 0
	case 8:
		method, target = "POST", "/uplink?authority=door&target=/u"
		check = func(a *asked) {
			for _, d := range g.of(a) {
				got := append(bytes.Clone(d.body), d.forwarded...)
				g.want(d.cutOff || bytes.Equal(got, a.sent), "splice.order", "stream %d: %s instead of %s", d.rec.id, sample(got), sample(a.sent))
			}
		}
	case 9:
		n = g.IntN(100_000)
		target = fmt.Sprintf("/upload?authority=door&target=/up&n=%d", n)
		check = func(a *asked) {
			for _, d := range g.of(a) {
				g.want(d.cutOff || d.reset != 0 || bytes.Equal(d.body, spec.Pattern(0, n)), "data.whole", "stream %d: %d bytes of %d, or others", d.rec.id, len(d.body), n)
			}
		}
	case 10:
		method, target = "POST", []string{"/hang", "/wait", "/linger?ms=20"}[g.IntN(3)]
	case 11:
		method, target = "POST", "/abort"
		check = func(a *asked) {
			g.want(a.reset == wire.Internal, "reset.answered", "stream %d failed, and was reset with %v", a.rec.id, a.reset)
		}
	case 12:
		method, target = "POST", "/early"
		check = func(a *asked) { a.answered(413, []byte("too large")) }
	case 13:
		n = g.IntN(100)
		target, check = fmt.Sprintf("/timer?ms=%d", n), func(a *asked) { a.answered(200, fmt.Append(nil, n)) }
	case 14:
		target = "/upgrade"
		more = append(more, text(wire.TagProtocol, "websocket"))
		check = func(a *asked) {
			var got []byte
			for _, m := range a.messages {
				got = append(append(got, m.data...), '\n')
			}
			g.want(a.ended && bytes.Equal(got, a.sent), "upgrade.message", "stream %d: ended %v, %s instead of %s", a.rec.id, a.ended, sample(got), sample(a.sent))
		}
	case 15:
		target = "/leave?authority=door&target=/l"
	}
	a := &asked{call: g.session.open(method, target, more...), check: check}
	a.hold = g.IntN(5) == 0
	g.asked = append(g.asked, a)
	if method == "GET" && len(more) == 0 {
		a.end(nil)
		a.done = true
	}
}

// of gives the streams that were opened on behalf of one.
func (g *generation) of(a *asked) (all []*asked) {
	for _, d := range g.doors {
		if d.rec.parent == a.rec.id {
			all = append(all, d)
		}
	}
	return all
}

// relayed wants an answer's body whole, behind its prefix.
func (g *generation) relayed(a *asked) {
	for _, d := range g.of(a) {
		if d.cutOff {
			continue
		}
		prefix := 0
		if _, after, ok := strings.Cut(a.target, "prefix="); ok {
			fmt.Sscan(after, &prefix)
		}
		got, want := append(bytes.Clone(a.body), a.forwarded...), append(spec.Pattern(0, prefix), d.sent...)
		g.want((a.ended || a.rec.legs[guest].ended) && bytes.Equal(got, want), "data.whole", "stream %d (%s): ended %v, %s instead of %s", a.rec.id, a.target, a.ended, sample(got), sample(want))
	}
}

// goOn says more of a request's body, or its end.
func (g *generation) goOn(a *asked) {
	if a.rec.protocol != "" || a.target == "/upgrade" {
		if a.status == 0 {
			return
		}
		if g.IntN(8) == 0 {
			a.done = true
			a.end(nil)
			return
		}
		m := message{text: g.IntN(2) == 0, data: g.bytes(g.IntN(4000))}
		a.message(m)
		a.sent = append(append(a.sent, m.data...), '\n')
		return
	}
	if g.IntN(6) == 0 || len(a.sent) > 300_000 || a.target == "/fixed" && len(a.sent) > 10_000 {
		a.done = true
		a.end(nil)
		return
	}
	b := g.bytes(g.IntN([]int{10, 5000, 60_000}[g.IntN(3)]))
	if a.target == "/fixed" {
		b = b[:min(len(b), 10_000)]
	}
	a.send(b, 0)
	a.sent = append(a.sent, b...)
}

// goOnDoor says more of a door's answer.
func (g *generation) goOnDoor(a *asked) {
	switch {
	case !a.answers:
		a.answers = true
		a.answer(200)
	case g.IntN(4) == 0 || len(a.sent) > 200_000:
		a.done = true
		a.end(nil)
	default:
		b := g.bytes(g.IntN([]int{10, 3000, 50_000}[g.IntN(3)]))
		a.send(b, 0)
		a.sent = append(a.sent, b...)
	}
}

// complete lets everything come to its end.
func (g *generation) complete() {
	for range 300 {
		busy := false
		for _, a := range append(append([]*asked{}, g.asked...), g.doors...) {
			if a.hold {
				a.release()
			}
			if !live(a) || a.done {
				continue
			}
			if a.rec.opener == host {
				if a.target == "/upgrade" && a.status == 0 {
					continue
				}
				a.end(nil)
			} else {
				if !a.answers {
					a.answers = true
					a.answer(200)
				}
				a.end(nil)
			}
			a.done, busy = true, true
		}
		g.settle()
		g.meet()
		g.sleep(100 * time.Millisecond) // the longest that a timer waits
		g.meet()
		if !busy {
			return
		}
	}
}
