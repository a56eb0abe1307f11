// A stream: one request and its answer, opened by the host or by the guest. What
// the wire says about its states is kept here.
package sandbox

import (
	"context"
	"io"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// stream is one stream of an instance. Its instance's mu guards every field but
// those that never change after opening (inst, id, ctx, cancel, request,
// parent).
type stream struct {
	inst *instance
	id   uint32
	ctx  context.Context // ends when the stream does, for what is done on its behalf

	request  *Request  // host-opened: what was asked
	parent   *stream   // guest-opened: on whose behalf
	children []*stream // host-opened: opened on its behalf
	cancel   context.CancelFunc
	timer    *time.Timer // of the deadline
	exchange *Exchange   // takes the answer as it comes, instead of the queue
	unhook   func() bool // takes the stream off its caller's context
	body     io.Reader   // what is being sent, closed when nobody wants it
	protocol string      // of an upgrade
	accepted bool        // the upgrade was accepted
	tenant   tenant      // host-opened: whose breaker its end is news for
	bill     bill        // what was done for it
	deadline time.Time   // host-opened: when it ends at latest; zero: never
	kept     *keptBody   // host-opened: what of its body was read; nil: it has none
	once     bool        // host-opened: it cannot be run again, for somebody has seen of it
	again    bool        // its instance ended under it, and it is to be run again

	// What the guest sends.
	status  int // of its HEAD; 0: none yet
	header  []wire.Header
	queue   queue // DATA that nobody has read yet
	held    int   // what of the queue counts in the windows
	window  int   // what it may still send
	credit  int   // read, and not yet given back to its window
	ended   bool
	trailer []wire.Header
	close   *CloseError // what its END said of closing
	discard bool        // nobody will read more; the guest was told, unless it had ended
	source  *stream     // the stream whose body comes in the guest's place
	spliced bool        // the guest has handed its direction over, now or once

	// What we send.
	room     int  // what we may still send
	sentHead bool // guest-opened: our HEAD has gone out
	sentEnd  bool
	stopped  bool    // the guest wants no more of it
	sink     *stream // the stream that takes the body in the guest's place
	handed   bool    // it has, now or once, such a sink

	err      error // why it died; nil while it lives and after a regular end
	code     wire.Code
	resetAt  time.Time
	reset    bool // our RESET has gone out, the guest's is awaited
	answered bool // the guest's RESET has come, and ours answers it
	serving  bool // guest-opened: a door holds it
	gone     bool // its slot is free
	orphan   bool // a pooled stream whose caller has left
	pooled   bool
	starving bool // its sender waits for room, here or in the instance
	waiting  bool // it is one of the instance's waiting

	ready chan struct{} // something came, or it died: its reader looks
	space chan struct{} // there is room, or it died: its sender looks
}

// guestOpened tells who opened the stream: the guest's ids are even.
func (s *stream) guestOpened() bool { return s.id&1 == 0 }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// newStream takes a stream from the pool or makes one. i.mu is held.
func (i *instance) newStream(id uint32, pooled bool) *stream {
	var s *stream
	if n := len(i.free); pooled && n > 0 {
		s = i.free[n-1]
		i.free = i.free[:n-1]
		s.queue.clear()
		*s = stream{ready: s.ready, space: s.space, queue: s.queue}
	} else {
		s = &stream{ready: make(chan struct{}, 1), space: make(chan struct{}, 1)}
	}
	s.inst, s.id, s.pooled = i, id, pooled
	s.window, s.room = wire.StreamWindow, wire.StreamWindow
	i.streams[id] = s
	if s.guestOpened() {
		i.opened++
	} else {
		i.carries.Store(int32(i.carried()))
		i.boards = true
	}
	return s
}

// remove frees a stream's slot. i.mu is held.
func (i *instance) remove(s *stream) {
	if s.gone {
		return
	}
	if len(i.in) > 0 { // the end of it may be on its way to the guest
		i.takesPart(s)
	}
	s.gone = true
	delete(i.streams, s.id)
	if s.reset {
		i.unanswered--
	}
	if s.err != nil {
		i.lately.note(s.id, s.code)
	}
	if s.guestOpened() {
		i.opened--
		if p := s.parent; p != nil {
			for n, c := range p.children {
				if c == s {
					last := len(p.children) - 1
					p.children[n] = p.children[last]
					p.children[last] = nil
					p.children = p.children[:last]
					break
				}
			}
		}
	} else {
		i.carries.Store(int32(i.carried()))
		i.boards = true
	}
	if s.cancel != nil {
		s.cancel()
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.unhook != nil {
		s.unhook()
	}
	if s.orphan {
		i.recycle(s)
	}
	i.endIfDrained()
}

// recycle puts a pooled stream back. Nobody may know it any more, but for the
// ledger, where it stays out of the pool. i.mu is held.
func (i *instance) recycle(s *stream) {
	if s.pooled && s.bill.turn != i.ledger.turn && len(i.free) < 64 {
		i.free = append(i.free, s)
	}
}

// closeIfDone frees the slot of a stream that has ended on both sides. i.mu is
// held.
func (i *instance) closeIfDone(s *stream) {
	if s.ended && s.sentEnd && !s.reset {
		i.remove(s)
	}
}

// die ends a stream with an error, and what was opened on its behalf with it.
// It says nothing to the guest. i.mu is held.
func (i *instance) die(s *stream, code wire.Code, err error) {
	if s.err == nil {
		s.err, s.code = err, code
	}
	i.drop(s)
	if s.cancel != nil {
		s.cancel()
	}
	if !s.sentEnd {
		s.closeBody()
	}
	notify(s.ready)
	notify(s.space)
	i.resetChildren(s)
	i.breakSplice(s, code)
}

// answerReset answers the guest's RESET, once nothing is held for the stream any
// more. i.mu is held.
func (i *instance) answerReset(s *stream) {
	if s.gone || i.dead != nil {
		return
	}
	i.in = wire.AppendReset(i.in, s.id, s.code, "")
	i.remove(s)
	i.kick()
}

// resetChildren ends what was opened on a stream's behalf. i.mu is held.
func (i *instance) resetChildren(s *stream) {
	for n := 0; n < len(s.children); n++ {
		i.resetStream(s.children[n], wire.Cancelled, "", context.Canceled)
	}
}

// resetStream resets a stream from our side; err is what its reader is told.
// Its slot stays taken until the guest has answered. i.mu is held.
func (i *instance) resetStream(s *stream, code wire.Code, text string, err error) {
	if s.gone || s.reset || s.answered || i.dead != nil {
		return
	}
	s.reset, s.resetAt = true, time.Now()
	i.unanswered++
	if i.unanswered == 1 {
		i.answerBy = s.resetAt.Add(resetGrace)
	}
	i.in = wire.AppendReset(i.in, s.id, code, text)
	i.die(s, code, err)
	i.kick()
}

// resets remembers the last streams that ended by RESET: a guest may still name
// one of them when it splices.
type resets struct {
	ring [64]struct {
		id   uint32
		code wire.Code
	}
	next int
}

func (r *resets) note(id uint32, code wire.Code) {
	r.ring[r.next].id, r.ring[r.next].code = id, code
	r.next = (r.next + 1) % len(r.ring)
}

// code is what a stream was reset with, 0 when it was not.
func (r *resets) code(id uint32) wire.Code {
	for n := range r.ring {
		if r.ring[n].id == id {
			return r.ring[n].code
		}
	}
	return 0
}
