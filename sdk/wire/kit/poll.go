// One poll of a guest: what is handed over, and what is made of the answer.
package kit

import (
	"fmt"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// deliver puts a frame into the batch. The model host keeps the rules itself.
func (s *session) deliver(f wire.Frame) {
	s.trace.frame(host, f)
	if b := s.led.say(host, f); b != nil {
		panic(fmt.Sprintf("kit: the model host itself breaks %s: %s\n%s", b.rule, b.detail, s.trace.String()))
	}
	if f.Type == wire.Open {
		c := s.calls[f.Stream]
		if c == nil {
			c = &call{s: s, hold: s.holdAll}
			s.calls[f.Stream] = c
			s.nextID = max(s.nextID, f.Stream+2)
		}
		c.rec = s.led.streams[f.Stream]
	}
	s.out = wire.AppendFrame(s.out, f.Type, f.Flags, f.Stream, f.Payload)
}

// poll hands over what is queued, as far as a batch goes, and takes the answer.
func (s *session) poll() {
	s.trace.poll()
	s.out, s.said = s.out[:0], nil
	room := wire.MaxBatch
	for len(s.queue) > 0 && room >= wire.FrameHead+len(s.queue[0].Payload) {
		f := s.queue[0]
		s.queue = s.queue[1:]
		room -= wire.FrameHead + len(f.Payload)
		s.deliver(f)
	}
	if len(s.queue) == 0 {
		for _, id := range s.ids() {
			s.calls[id].flush(&room)
		}
	}
	first := !s.led.hello[guest]
	answer, err := s.guest.Poll(s.out)
	if err != nil {
		s.fail("guest.lives", "the guest trapped: %v", err)
	}
	s.want(len(answer) <= wire.MaxBatch, "frame.batch", "a batch of %d bytes", len(answer))
	s.wake = 0
	backlog := s.cut
	for rest := answer; len(rest) > 0; {
		f, more, err := wire.NextFrame(rest)
		if err != nil {
			s.fail(decodeRule(err), "%v, %d bytes before the end of the batch", err, len(rest))
		}
		rest = more
		s.take(f, backlog)
	}
	if first && !s.led.hello[guest] {
		s.fail("hello.first", "the answer to HELLO is empty")
	}
	s.cut = s.wake == 1 && len(answer) > wire.MaxBatch/2
	s.checkStops()
}

// ids are those of all calls, in order.
func (s *session) ids() []uint32 {
	ids := make([]uint32, 0, len(s.calls))
	for id := range s.calls {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// checkStops holds the guest to saying END at once to STOP.
func (s *session) checkStops() {
	if s.cut {
		return
	}
	for id, c := range s.calls {
		own := &c.rec.legs[guest]
		if c.rec.legs[host].stopped && !own.ended && !own.spliced && !c.rec.reset() && (c.rec.opener == guest || own.head) {
			s.fail("stop.ends", "stream %d: STOP was handed over, and no END came in the same poll", id)
		}
	}
}

// take takes one frame of the guest.
func (s *session) take(f wire.Frame, backlog bool) {
	f.Payload = append([]byte(nil), f.Payload...)
	s.trace.frame(guest, f)
	s.said = append(s.said, f)
	if b := check(guest, f); b != fine {
		s.fail(b.rule, "%v", spec.Describe(f))
	}
	if b := checkSender(f); b != fine {
		s.fail(b.rule, "%v", spec.Describe(f))
	}
	c := s.calls[f.Stream]
	if c != nil && !backlog {
		own, other := &c.rec.legs[guest], &c.rec.legs[host]
		if other.reset && !own.reset && f.Type != wire.Reset && !c.rec.gone() && !s.justSaid(c, wire.Reset) {
			s.fail("reset.last", "stream %d: %v after the host's RESET", f.Stream, f.Type)
		}
		if other.stopped && f.Type == wire.Data && !own.ended && !s.justSaid(c, wire.Stop) {
			s.fail("stop.ends", "stream %d: DATA after the poll of the STOP", f.Stream)
		}
	}
	if b := s.led.say(guest, f); b != nil {
		s.fail(b.rule, "stream %d: %s", f.Stream, b.detail)
	}
	if f.Type == wire.Window {
		if b := s.led.creditWrong(guest, f.Stream); b != nil {
			s.fail(b.rule, "stream %d: %s", f.Stream, b.detail)
		}
	}
	switch f.Type {
	case wire.Wake:
		s.wake, _ = f.U32()
	case wire.Log:
		s.logs = append(s.logs, f)
	case wire.Open:
		s.takeOpen(f)
	}
	if c != nil && f.Stream != 0 {
		c.take(f)
	}
}

// justSaid tells whether a frame was handed over in this very poll: what the
// guest had said before it read that may still stand in its batch.
func (s *session) justSaid(c *call, t wire.Type) bool {
	for rest := s.out; len(rest) > 0; {
		f, more, err := wire.NextFrame(rest)
		if err != nil {
			return false
		}
		if rest = more; f.Type == t && f.Stream == c.rec.id {
			return true
		}
	}
	return false
}

func (s *session) takeOpen(f wire.Frame) {
	rec := s.led.streams[f.Stream]
	c := &call{s: s, rec: rec, hold: s.holdAll, protocol: rec.protocol}
	for p := f.Payload; len(p) > 0; {
		field, rest, _ := wire.NextField(p)
		p = rest
		c.fields = append(c.fields, field)
		switch field.Tag {
		case wire.TagMethod:
			c.method = string(field.Value)
		case wire.TagAuthority:
			c.authority = string(field.Value)
		case wire.TagTarget:
			c.target = string(field.Value)
		case wire.TagHeader:
			c.header = appendHeader(c.header, field)
		}
	}
	s.calls[f.Stream] = c
	s.children = append(s.children, c)
	switch code := s.led.parentOf(rec); code {
	case wire.Denied:
		s.fail("open.parent-missing", "stream %d: its parent is %d", f.Stream, rec.parent)
	case wire.Cancelled:
		s.fail("open.parent-ended", "stream %d: its parent %d has ended", f.Stream, rec.parent)
	}
	if s.auto && s.led.open(guest) > s.led.limit {
		c.cancel(wire.RateLimited)
	}
}

func appendHeader(all []wire.Header, f wire.Field) []wire.Header {
	name, value, _ := f.Pair()
	return append(all, wire.Header{Name: string(name), Value: string(value)})
}

// take takes what the guest says on a stream, after the ledger has.
func (c *call) take(f wire.Frame) {
	s := c.s
	switch f.Type {
	case wire.Head:
		for p := f.Payload; len(p) > 0; {
			field, rest, _ := wire.NextField(p)
			p = rest
			switch field.Tag {
			case wire.TagStatus:
				v, _ := field.U16()
				c.status = int(v)
			case wire.TagHeader:
				c.header = appendHeader(c.header, field)
			}
		}
	case wire.Data:
		c.takeData(f)
	case wire.End:
		c.ended = true
		for p := f.Payload; len(p) > 0; {
			field, rest, _ := wire.NextField(p)
			p = rest
			switch field.Tag {
			case wire.TagHeader:
				c.trailer = appendHeader(c.trailer, field)
			case wire.TagCloseCode:
				v, _ := field.U16()
				c.closeCode = int(v)
			case wire.TagCloseText:
				c.closeText = string(field.Value)
			}
		}
		if s.auto && c.rec.opener == host {
			c.endChildren()
		}
	case wire.Stop:
		c.stopped = true
		c.pending = nil
		if s.auto && !c.rec.legs[host].ended && (c.rec.opener == host || c.rec.legs[host].head) {
			c.end(nil)
		}
	case wire.Reset:
		c.reset, _, _ = f.Code()
		c.pending, c.closing = nil, nil
		if s.auto && !c.rec.legs[host].reset {
			c.spliceReset(c.reset)
			c.cancel(wire.Cancelled)
		}
	case wire.Splice:
		if s.auto {
			c.takeSplice()
		}
	}
}

func (c *call) takeData(f wire.Frame) {
	if c.rec.legs[host].reset || c.rec.legs[host].stopped {
		c.s.taken(c, cost(f), true)
		return
	}
	if c.rec.protocol == "websocket" {
		text := f.Flags&wire.Text != 0
		if c.partial == nil {
			c.partial = &message{text: text}
		}
		c.s.want(c.partial.text == text, "upgrade.message", "stream %d: a message changes its kind in its middle", f.Stream)
		c.partial.data = append(c.partial.data, f.Payload...)
		if f.Flags&wire.Message != 0 {
			c.messages = append(c.messages, *c.partial)
			c.partial = nil
		}
	} else {
		c.body = append(c.body, f.Payload...)
	}
	c.s.taken(c, cost(f), false)
}

// taken counts bytes that a reader took, or that were thrown away, and gives
// them back.
func (s *session) taken(c *call, n int64, thrown bool) {
	if !s.auto {
		return
	}
	if c.hold && !thrown {
		c.held += n
		return
	}
	s.credit += n
	if step := s.led.memory / wire.InstanceStepShare; s.credit >= step {
		s.say(wire.Frame{Type: wire.Window, Payload: u32Payload(uint32(s.credit))})
		s.credit = 0
	}
	if c.credit += n; c.credit >= wire.StreamStep && !thrown && !c.rec.legs[guest].ended && !c.rec.legs[host].reset && !c.queued(wire.Reset) {
		c.window(uint32(c.credit))
		c.credit = 0
	}
}

// release lets a reader go on that took nothing.
func (c *call) release() {
	held := c.held
	c.hold, c.held = false, 0
	if held > 0 {
		c.s.taken(c, held, c.rec.gone() || c.rec.reset())
	}
}

// takeSplice does a host's part of a splice that has ended at once.
func (c *call) takeSplice() {
	if c.rec.legs[guest].ended {
		c.ended = true
		if src := c.s.led.streams[c.rec.from]; src != nil && src.reset() {
			c.cancel(wire.Cancelled)
		} else if c.rec.opener == host {
			c.endChildren()
		}
		return
	}
	if c.rec.legs[host].stopped {
		c.s.unsplice(c)
	}
}

// unsplice says END on the source of a splice that has ended.
func (s *session) unsplice(c *call) {
	if src := s.calls[c.rec.from]; src != nil && !src.rec.legs[host].ended && !src.rec.reset() {
		src.pending = nil
		src.end(nil)
	}
}

// spliceReset resets the other stream of a splice.
func (c *call) spliceReset(code wire.Code) {
	for _, id := range []uint32{c.rec.from, c.rec.into} {
		other := c.s.calls[id]
		if id != 0 && id != c.rec.id && other != nil && !other.rec.gone() && !other.rec.legs[host].reset {
			other.cancel(code)
		}
	}
}

// settle polls until neither side has more to say.
func (s *session) settle() {
	for n := 0; ; n++ {
		if n > 5000 {
			s.fail("guest.lives", "after 5000 polls the conversation has not come to rest")
		}
		if s.wake == 1 {
			s.pass(time.Millisecond)
			s.poll()
			continue
		}
		if !s.talks() {
			return
		}
		s.poll()
	}
}

// talks tells whether the host has something that it can say now.
func (s *session) talks() bool {
	if len(s.queue) > 0 {
		return true
	}
	for _, c := range s.calls {
		own := &c.rec.legs[host]
		if c.rec.reset() || own.ended {
			continue
		}
		if len(c.pending) == 0 && c.closing != nil {
			return true
		}
		if len(c.pending) > 0 {
			next := c.pending[0]
			free := min(own.room, s.led.room[host])
			if len(next.data) > 0 && free > 0 && (next.flags&wire.Message == 0 || len(next.data) > 1 || free > wire.MessageCost) ||
				len(next.data) == 0 && (next.flags&wire.Message == 0 || free >= wire.MessageCost) {
				return true
			}
		}
	}
	return false
}

// sleep lets time pass and polls.
func (s *session) sleep(d time.Duration) {
	s.pass(d)
	s.poll()
	s.settle()
}

// finish ends what is open and looks whether everything has come to rest.
func (s *session) finish() {
	s.settle()
	for _, id := range s.ids() {
		if c := s.calls[id]; !c.rec.gone() && !c.rec.legs[host].reset && c.rec.opener == host {
			c.cancel(wire.Cancelled)
		}
	}
	s.settle()
	s.answered()
	for _, id := range s.ids() {
		r := s.calls[id].rec
		s.want(r.gone(), "stream.done", "stream %d is still open: host %+v, guest %+v", id, r.legs[host], r.legs[guest])
	}
	left, step := s.led.sent[host]-s.led.given[host], s.led.memory/wire.InstanceStepShare
	s.want(left < step, "window.credit", "every stream has ended, and %d bytes have not been given back to the instance; the step is %d", left, step)
}

// answered holds the guest to its 30 seconds for the answer to a RESET.
func (s *session) answered() {
	waits := func() uint32 {
		for _, id := range s.ids() {
			if r := s.calls[id].rec; r.legs[host].reset && !r.legs[guest].reset {
				return id
			}
		}
		return 0
	}
	if waits() != 0 {
		s.sleep(wire.ResetGrace * time.Millisecond)
	}
	id := waits()
	s.want(id == 0, "reset.answered", "stream %d: the host's RESET has not been answered", id)
}
