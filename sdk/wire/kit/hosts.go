// Hosts under test: what an adapter of one does, and the model guest that plays
// over it.
package kit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// Host is a host under test.
type Host interface {
	// Start starts one instance.
	Start(o Options) Instance
	// Settle returns when everything in the host waits: synctest.Wait, in a
	// bubble.
	Settle()
	// Pass lets time pass.
	Pass(d time.Duration)
}

// Options of an instance.
type Options struct {
	Memory  uint64 // in bytes
	Streams int    // open at once, each way
	// Guest is the guest's atoll_poll. The first batch is HELLO. It may be
	// called on any goroutine, never on two at once.
	Guest func(batch []byte) []byte
	// Door is told what the guest opens; it does not wait. Authorities other
	// than "door" have no door.
	Door func(x *Exchange)
	// FirstID is the id of the host's first stream; 0: as ever.
	FirstID uint32
}

// Instance is one instance of the host under test.
type Instance interface {
	// Ask opens a stream into the guest, on behalf of the user alice (uid u-1) in
	// the workspace w (uid w-1), and returns at once. The end of the exchange's
	// context cancels it.
	Ask(x *Exchange)
	// Poll lets the guest be polled, whether or not there is something to say.
	// It returns when the answer has been taken in.
	Poll()
	// Drain closes the instance for new streams.
	Drain()
	// Fault is what ended the instance for breaking the wire; nil while it has
	// not been.
	Fault() error
	// Ended tells whether the instance is no more.
	Ended() bool
}

// Exchange is one stream between the host's side (a user, or a door) and the
// guest.
type Exchange struct {
	Context                             context.Context // its end cancels the stream
	Method, Authority, Target, Protocol string
	Header                              []wire.Header
	Body                                *Source // what the user asks with, or nil; into the guest
	In                                  *Sink   // what the guest sends

	doorID uint32 // of the stream that is opened on its behalf
	cancel context.CancelCauseFunc
	answer chan struct{} // closed when the door answers
	// Of a door's: its answer. Reset is 0, or what the door refuses with.
	Status   int
	Answer   []wire.Header
	Out      *Source // its body, or nil
	Reset    wire.Code
	ResetMsg string
}

// NewExchange makes the Exchange of a stream that the guest has opened: an
// adapter fills in what was asked, hands it to Options.Door, reads the body into
// In and waits for Answered.
func NewExchange(ctx context.Context) *Exchange {
	return &Exchange{Context: ctx, In: newSink(everything), answer: make(chan struct{})}
}

// Answered is closed when the door's answer stands in Status, Answer, Out and
// Reset.
func (x *Exchange) Answered() <-chan struct{} { return x.answer }

// WithHost makes a host, hands it to play and ends it.
type WithHost func(t *testing.T, play func(h Host))

// talk is one conversation with a host. A broken rule ends it by a panic of a
// *Violation.
type talk struct {
	host Host
	inst Instance
	o    Options

	mu     sync.Mutex
	led    *ledger
	trace  trace
	say    []wire.Frame // by the guest, at its next poll
	raw    []byte       // bytes behind them, which the ledger does not see
	got    []wire.Frame // from the host, since they were last looked at
	breach *breach      // a rule that the host has broken
	auto   bool         // the guest answers RESET and STOP by itself
	hello  []byte       // the guest's own, when it is another than usual
	user   map[uint32]*Exchange
	asks   []*Exchange // that have no id yet
	doors  []*Exchange // in the order in which they were opened
	polls  int

	slowDoors bool          // doors read nothing
	gate      chan struct{} // the next poll waits for it before it answers
}

func newTalk(h Host, o Options) *talk {
	k := &talk{host: h, led: newLedger(), auto: true, user: map[uint32]*Exchange{}}
	if o.Memory == 0 {
		o.Memory = 64 << 20
	}
	if o.Streams == 0 {
		o.Streams = 100
	}
	o.Guest, o.Door = k.poll, k.door
	k.o = o
	k.inst = h.Start(o)
	return k
}

// poll is the model guest.
func (k *talk) poll(batch []byte) (out []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.polls++
	k.trace.poll()
	if len(batch) > wire.MaxBatch {
		k.broken("frame.batch", "a batch of %d bytes", len(batch))
	}
	first := !k.led.hello[host]
	for rest := batch; len(rest) > 0; {
		f, more, err := wire.NextFrame(rest)
		if err != nil {
			k.broken(decodeRule(err), "%v", err)
			return nil
		}
		rest = more
		f.Payload = slices.Clone(f.Payload)
		k.hear(f)
	}
	if first {
		if len(k.got) != 1 {
			k.broken("hello.first", "the host's first batch has %d frames", len(k.got))
		}
		return k.greet()
	}
	for _, f := range k.say {
		k.trace.frame(guest, f)
		if b := k.led.say(guest, f); b != nil && k.breach == nil {
			k.broken(b.rule, "the kit's own fault: its model guest says %v: %s", spec.Describe(f), b.detail)
		}
		out = wire.AppendFrame(out, f.Type, f.Flags, f.Stream, f.Payload)
	}
	k.say = nil
	if len(k.raw) > 0 {
		if f, _, err := wire.NextFrame(k.raw); err == nil {
			k.trace.frame(guest, f)
			_ = k.led.say(guest, f) // whatever it breaks
		} else {
			k.trace.add(fmt.Sprintf("guest < %x (%v)", k.raw[:min(len(k.raw), 40)], err))
		}
		out = append(out, k.raw...)
		k.raw = nil
	}
	if gate := k.gate; gate != nil {
		k.gate = nil
		k.mu.Unlock()
		<-gate
		k.mu.Lock()
	}
	return out
}

func (k *talk) greet() []byte {
	if k.hello != nil {
		f, _, err := wire.NextFrame(k.hello)
		if err == nil {
			k.trace.frame(guest, f)
		}
		return k.hello
	}
	f := wire.Frame{Type: wire.Hello, Payload: wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, k.led.features&wire.FeatureBuffer)}
	k.trace.frame(guest, f)
	_ = k.led.say(guest, f)
	return wire.AppendFrame(nil, f.Type, 0, 0, f.Payload)
}

// hear takes a frame of the host's.
func (k *talk) hear(f wire.Frame) {
	k.trace.frame(host, f)
	k.got = append(k.got, f)
	if b := check(host, f); b != fine {
		k.broken(b.rule, "%v", spec.Describe(f))
	}
	if b := checkSender(f); b != fine {
		k.broken(b.rule, "%v", spec.Describe(f))
	}
	if b := k.led.say(host, f); b != nil {
		k.broken(b.rule, "stream %d: %s", f.Stream, b.detail)
		return
	}
	switch f.Type {
	case wire.Window:
		if b := k.led.creditWrong(host, f.Stream); b != nil {
			k.broken(b.rule, "stream %d: %s", f.Stream, b.detail)
		}
	case wire.Hello:
		k.checkHello(f)
	case wire.Open:
		if len(k.asks) > 0 {
			k.user[f.Stream] = k.asks[0]
			k.asks = k.asks[1:]
		}
	case wire.Reset:
		if r := k.led.streams[f.Stream]; k.auto && r != nil && !r.legs[guest].reset {
			k.say = append(k.say, wire.Frame{Type: wire.Reset, Stream: f.Stream, Payload: codePayload(wire.Cancelled)})
		}
	case wire.Stop:
		r := k.led.streams[f.Stream]
		if k.auto && r != nil && !r.legs[guest].ended && !r.legs[guest].spliced && !r.reset() && (r.opener == guest || r.legs[guest].head) {
			k.say = append(k.say, wire.Frame{Type: wire.End, Stream: f.Stream})
		}
	}
}

// checkHello looks for what every HELLO of a host says.
func (k *talk) checkHello(f wire.Frame) {
	said := map[wire.Tag][]byte{}
	for p := f.Payload; len(p) > 0; {
		field, rest, err := wire.NextField(p)
		if err != nil {
			return
		}
		p = rest
		said[field.Tag] = field.Value
	}
	for _, tag := range []wire.Tag{wire.TagMinor, wire.TagFeatures, wire.TagSeed, wire.TagMemory, wire.TagStreams} {
		if said[tag] == nil {
			known, _ := rules.TagOf(tag)
			k.broken("hello.settings", "the host's HELLO does not say %s", known.Name)
		}
	}
	if k.led.memory != int64(k.o.Memory) || k.led.limit != k.o.Streams {
		k.broken("hello.settings", "HELLO says %d bytes and %d streams, the instance has %d and %d", k.led.memory, k.led.limit, k.o.Memory, k.o.Streams)
	}
}

// broken notes the first rule that the host breaks.
func (k *talk) broken(rule, format string, args ...any) {
	if k.breach == nil {
		k.breach = &breach{rule, fmt.Sprintf(format, args...)}
	}
}

func (k *talk) fail(rule, format string, args ...any) {
	panic(&Violation{Rule: rule, Detail: fmt.Sprintf(format, args...), Trace: k.trace.String()})
}

func (k *talk) want(holds bool, rule, format string, args ...any) {
	if !holds {
		k.fail(rule, format, args...)
	}
}

// door is Options.Door.
func (k *talk) door(x *Exchange) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.slowDoors {
		x.In.wants = 0
	}
	k.doors = append(k.doors, x)
}

// close lets everybody go who waits for the kit.
func (k *talk) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := slices.Clone(k.doors)
	for _, x := range k.user {
		all = append(all, x)
	}
	for _, x := range all {
		x.In.leave()
		for _, s := range []*Source{x.Body, x.Out} {
			if s != nil {
				s.breakOff(&Broken{wire.Cancelled})
			}
		}
		if x.cancel != nil {
			x.cancel(nil)
		}
	}
}

// settle lets the host come to rest, and fails for what it has broken. A guest
// that has something to say is polled for it.
func (k *talk) settle() {
	for range 1000 {
		k.host.Settle()
		k.mu.Lock()
		waits, breach := len(k.say) > 0 || len(k.raw) > 0, k.breach
		k.mu.Unlock()
		if breach != nil {
			k.fail(breach.rule, "%s", breach.detail)
		}
		if !waits || k.inst.Ended() {
			return
		}
		k.inst.Poll()
	}
	k.fail("stream.done", "after 1000 polls the host has not come to rest")
}

// tell lets the guest say frames, and the host come to rest.
func (k *talk) tell(all ...wire.Frame) {
	k.mu.Lock()
	k.say = append(k.say, all...)
	k.mu.Unlock()
	k.settle()
}

// tellWhile lets the guest say frames, and something happen in the host while it
// says them: what comes of it crosses them on the way.
func (k *talk) tellWhile(act func(), all ...wire.Frame) {
	gate := make(chan struct{})
	k.mu.Lock()
	k.say = append(k.say, all...)
	k.gate = gate
	k.mu.Unlock()
	k.inst.Poll()
	k.host.Settle()
	act()
	k.host.Settle()
	close(gate)
	k.settle()
}

// tellRaw lets the guest say bytes that may break a rule.
func (k *talk) tellRaw(b []byte) {
	k.mu.Lock()
	k.raw = append(k.raw, b...)
	k.mu.Unlock()
	k.settle()
}

func encode(f wire.Frame) []byte {
	return wire.AppendFrame(nil, f.Type, f.Flags, f.Stream, f.Payload)
}

// ask opens a stream into the guest, and gives its id.
func (k *talk) ask(x *Exchange) uint32 {
	if x.In == nil {
		x.In = newSink(everything)
	}
	if x.Authority == "" {
		x.Authority, x.Method, x.Target = "route", "GET", "/"
	}
	x.Context, x.cancel = context.WithCancelCause(context.Background())
	k.mu.Lock()
	k.asks = append(k.asks, x)
	k.mu.Unlock()
	k.inst.Ask(x)
	k.settle()
	for id, y := range k.user {
		if x == y {
			return id
		}
	}
	k.fail("stream.done", "the host was asked to open a stream, and did not")
	return 0
}

// post opens a stream with a body that the kit gives.
func (k *talk) post() (uint32, *Exchange) {
	x := &Exchange{Body: newSource()}
	return k.ask(x), x
}

func (k *talk) get() (uint32, *Exchange) {
	x := &Exchange{}
	return k.ask(x), x
}

// opens lets the guest open a stream on behalf of one, and gives what the door
// sees.
func (k *talk) opens(id, parent uint32, more ...wire.Field) *Exchange {
	before := len(k.doors)
	k.tell(openFrame(id, parent, more...))
	k.want(len(k.doors) == before+1, "stream.done", "the guest has opened stream %d, and the door was not asked", id)
	return k.doors[before]
}

func openFrame(id, parent uint32, more ...wire.Field) wire.Frame {
	b := wire.AppendText(nil, wire.TagMethod, "POST")
	b = wire.AppendText(b, wire.TagAuthority, "door")
	b = wire.AppendText(b, wire.TagTarget, "/")
	if parent != 0 {
		b = wire.AppendU32(b, wire.TagParent, parent)
	}
	for _, f := range more {
		b = wire.AppendField(b, f.Tag, f.Flags, f.Value)
	}
	return wire.Frame{Type: wire.Open, Stream: id, Payload: b}
}

func headFrame(id uint32, status int) wire.Frame {
	return wire.Frame{Type: wire.Head, Stream: id, Payload: wire.AppendU16(nil, wire.TagStatus, uint16(status))}
}

func dataFrame(id uint32, p []byte, flags ...wire.Flags) wire.Frame {
	f := wire.Frame{Type: wire.Data, Stream: id, Payload: p}
	for _, flag := range flags {
		f.Flags |= flag
	}
	return f
}

func endFrame(id uint32) wire.Frame { return wire.Frame{Type: wire.End, Stream: id} }

func resetFrame(id uint32, code wire.Code) wire.Frame {
	return wire.Frame{Type: wire.Reset, Stream: id, Payload: codePayload(code)}
}

func stopFrame(id uint32) wire.Frame {
	return wire.Frame{Type: wire.Stop, Stream: id, Payload: codePayload(wire.Cancelled)}
}

func windowFrame(id, n uint32) wire.Frame {
	return wire.Frame{Type: wire.Window, Stream: id, Payload: u32Payload(n)}
}

func spliceFrame(id, from uint32) wire.Frame {
	return wire.Frame{Type: wire.Splice, Stream: id, Payload: u32Payload(from)}
}

// answers lets the door answer with a head, and a body that the kit gives.
func (x *Exchange) answers(status int) {
	x.Status, x.Out = status, newSource()
	close(x.answer)
}

// refuses lets the door reset.
func (x *Exchange) refuses(code wire.Code) {
	x.Reset = code
	close(x.answer)
}

// heard gives the frames of a stream since last asked, of one type.
func (k *talk) heard(id uint32, t wire.Type) (all []wire.Frame) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.got {
		if f.Stream == id && f.Type == t {
			all = append(all, f)
		}
	}
	return all
}

func (k *talk) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got = nil
}

// lives wants the instance to live and to answer.
func (k *talk) lives(rule string) {
	if err := k.inst.Fault(); err != nil {
		k.fail(rule, "the host took a legal frame for a fault: %v", err)
	}
	id, x := k.get()
	k.tell(headFrame(id, 204), endFrame(id))
	k.want(x.In.status == 204 && x.In.ended, "stream.done", "after that the host hands nothing on: status %d, ended %v, reset %v, %v", x.In.status, x.In.ended, x.In.reset, x.In.lost)
}

// faults wants the instance ended by what the guest just said.
func (k *talk) faults(rule string) {
	k.want(k.inst.Fault() != nil, rule, "the host let that pass")
}

// overHost plays over a host and reports the rule that the host broke.
func overHost(t *testing.T, with WithHost, o Options, play func(k *talk)) {
	t.Helper()
	with(t, func(h Host) {
		k := newTalk(h, o)
		defer k.close()
		defer func() {
			switch v := recover().(type) {
			case nil:
			case *Violation:
				t.Error(v)
			default:
				panic(v)
			}
		}()
		play(k)
	})
}

func (k *talk) context() context.Context { return context.Background() }

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }
