// The model host: it plays the host's end over a guest, keeps every rule of the
// specification itself, and holds the guest to them.
package kit

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Guest is an instance under test. Poll is atoll_poll: it takes a batch of
// frames (none: time has passed), runs until everything waits, and gives the
// guest's batch, which stands until the next Poll. An error is a trap.
type Guest interface {
	Poll(frames []byte) ([]byte, error)
}

// session is one conversation with a guest. A broken rule ends it by a panic of
// a *Violation, which play catches.
type session struct {
	guest Guest
	pass  func(time.Duration) // lets time pass for the guest
	led   *ledger
	trace trace

	queue    []wire.Frame // to be handed over
	out      []byte       // the batch that is being made
	said     []wire.Frame // by the guest, in the last poll
	calls    map[uint32]*call
	children []*call // that the guest opened, in order
	logs     []wire.Frame
	nextID   uint32
	wake     uint32 // milliseconds that the last batch asked for
	cut      bool   // the last batch was a part of what the guest has to say
	credit   int64  // taken from the guest, and not yet given back to the instance
	holdAll  bool   // every call's reader takes nothing
	auto     bool   // the model host does by itself what a host must: answers, credit, the ends of children
}

// call is one stream as the model host's user, or its door, sees it.
type call struct {
	s                                   *session
	rec                                 *record
	method, authority, target, protocol string
	fields                              []wire.Field

	// What the guest has said.
	status    int
	header    []wire.Header
	body      []byte
	messages  []message
	partial   *message
	ended     bool
	trailer   []wire.Header
	closeCode int // 0: none
	closeText string
	reset     wire.Code // 0: none
	stopped   bool

	forwarded []byte // what a splice has brought, behind body

	hold   bool  // its reader takes nothing
	held   int64 // what has come meanwhile
	credit int64

	// What the host has still to say: DATA that waits for a window, then END.
	pending []chunk
	closing *[]byte
}

// message is a message of a WebSocket.
type message struct {
	text bool
	data []byte
}

type chunk struct {
	data  []byte
	flags wire.Flags
}

// hello is what the model host says first.
type hello struct {
	memory   uint64
	streams  uint32
	features uint64
	settings []wire.Header
}

func (h hello) payload() []byte {
	b := wire.AppendU16(nil, wire.TagMinor, 0)
	b = wire.AppendU64(b, wire.TagFeatures, h.features)
	seed := make([]byte, 32)
	for n := range seed {
		seed[n] = byte(n)
	}
	b = wire.AppendField(b, wire.TagSeed, 0, seed)
	b = wire.AppendU64(b, wire.TagMemory, h.memory)
	b = wire.AppendU32(b, wire.TagStreams, h.streams)
	for _, s := range h.settings {
		b = wire.AppendPair(b, wire.TagSetting, s.Name, s.Value)
	}
	return b
}

func newSession(g Guest, pass func(time.Duration)) *session {
	return &session{guest: g, pass: pass, led: newLedger(), calls: map[uint32]*call{}, nextID: 1, auto: true}
}

// begin says HELLO.
func (s *session) begin(h hello) {
	s.say(wire.Frame{Type: wire.Hello, Payload: h.payload()})
	s.poll()
}

// fail ends the session: the guest has broken a rule.
func (s *session) fail(rule, format string, args ...any) {
	panic(&Violation{Rule: rule, Detail: fmt.Sprintf(format, args...), Trace: s.trace.String()})
}

// want fails unless a condition holds.
func (s *session) want(holds bool, rule, format string, args ...any) {
	if !holds {
		s.fail(rule, format, args...)
	}
}

// say queues a frame of the host.
func (s *session) say(f wire.Frame) { s.queue = append(s.queue, f) }

// open opens a stream of the host's.
func (s *session) open(method, target string, more ...wire.Field) *call {
	id := s.nextID
	s.nextID += 2
	c := &call{s: s, method: method, authority: "route", target: target}
	b := wire.AppendText(nil, wire.TagMethod, method)
	b = wire.AppendText(b, wire.TagAuthority, c.authority)
	b = wire.AppendText(b, wire.TagTarget, target)
	b = wire.AppendText(b, wire.TagUser, "alice")
	b = wire.AppendText(b, wire.TagWorkspaceUID, "w-1")
	for _, f := range more {
		b = wire.AppendField(b, f.Tag, f.Flags, f.Value)
	}
	s.calls[id] = c
	s.say(wire.Frame{Type: wire.Open, Stream: id, Payload: b})
	c.rec = &record{id: id} // until the ledger has its own
	return c
}

// get opens a stream and says END.
func (s *session) get(target string, more ...wire.Field) *call {
	c := s.open("GET", target, more...)
	c.end(nil)
	return c
}

// send sends body bytes, as the windows allow.
func (c *call) send(p []byte, flags wire.Flags) {
	c.pending = append(c.pending, chunk{bytes.Clone(p), flags})
}

// end says END once everything has been sent.
func (c *call) end(fields []byte) { c.closing = &fields }

func (c *call) answer(status int, header ...wire.Header) {
	b := wire.AppendU16(nil, wire.TagStatus, uint16(status))
	for _, h := range header {
		b = wire.AppendPair(b, wire.TagHeader, h.Name, h.Value)
	}
	c.s.say(wire.Frame{Type: wire.Head, Stream: c.rec.id, Payload: b})
}

func (c *call) say(t wire.Type, flags wire.Flags, payload []byte) {
	c.s.say(wire.Frame{Type: t, Flags: flags, Stream: c.rec.id, Payload: payload})
}

func codePayload(code wire.Code) []byte { return []byte{byte(code), byte(code >> 8)} }

func u32Payload(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }

// stop says that no more of the guest's body is wanted.
func (c *call) stop() {
	c.say(wire.Stop, 0, codePayload(wire.Cancelled))
	if c.rec.legs[guest].spliced {
		c.s.unsplice(c)
	}
}

// window lets the guest send more.
func (c *call) window(n uint32) { c.say(wire.Window, 0, u32Payload(n)) }

// cancel says RESET, and resets what was opened on the stream's behalf.
func (c *call) cancel(code wire.Code) {
	if c.rec.legs[host].reset || c.queued(wire.Reset) {
		return
	}
	c.pending, c.closing = nil, nil
	c.say(wire.Reset, 0, codePayload(code))
	c.endChildren()
	c.spliceReset(code)
}

func (c *call) queued(t wire.Type) bool {
	return slices.ContainsFunc(c.s.queue, func(f wire.Frame) bool { return f.Type == t && f.Stream == c.rec.id })
}

// endChildren resets what the guest has opened on behalf of a stream.
func (c *call) endChildren() {
	for _, k := range c.s.children {
		if k.rec.parent == c.rec.id && !k.rec.gone() && !k.rec.legs[host].reset {
			k.cancel(wire.Cancelled)
		}
	}
}

// flush moves what fits the windows from a call into the batch.
func (c *call) flush(room *int) {
	s := c.s
	if sink := s.calls[c.rec.into]; c.rec.into != 0 && sink != nil {
		for _, next := range c.pending { // without the guest
			sink.forwarded = append(sink.forwarded, next.data...)
		}
		c.pending = nil
	}
	for len(c.pending) > 0 && !c.rec.reset() && !c.rec.legs[host].ended {
		next := c.pending[0]
		own := &c.rec.legs[host]
		free := min(own.room, s.led.room[host])
		extra := int64(0)
		if next.flags&wire.Message != 0 {
			extra = wire.MessageCost
		}
		n := min(int64(len(next.data)), wire.MaxPayload, free-extra, int64(*room-wire.FrameHead))
		f := wire.Frame{Type: wire.Data, Flags: next.flags, Stream: c.rec.id}
		switch {
		case n == int64(len(next.data)) && n >= 0:
			f.Payload = next.data
			c.pending = c.pending[1:]
		case extra > 0 && n < int64(len(next.data)):
			// The message does not fit whole: its beginning goes, without the flag.
			n = min(int64(len(next.data))-1, wire.MaxPayload, free, int64(*room-wire.FrameHead))
			if n <= 0 {
				return
			}
			f.Payload, f.Flags = next.data[:n], next.flags&^wire.Message
			c.pending[0].data = next.data[n:]
		case n > 0:
			f.Payload = next.data[:n]
			c.pending[0].data = next.data[n:]
		default:
			return
		}
		*room -= wire.FrameHead + len(f.Payload)
		s.deliver(f)
	}
	if len(c.pending) == 0 && c.closing != nil && *room > wire.FrameHead+len(*c.closing) {
		p := *c.closing
		c.closing = nil
		if !c.rec.legs[host].ended && !c.rec.reset() {
			*room -= wire.FrameHead + len(p)
			s.deliver(wire.Frame{Type: wire.End, Stream: c.rec.id, Payload: p})
			if sink := s.calls[c.rec.into]; c.rec.into != 0 && sink != nil {
				sink.ended = true
				sink.endChildren()
			}
		}
	}
}
