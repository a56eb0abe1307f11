// The model guest: it plays the guest's end over a host, keeps the rules itself
// where it is not told otherwise, and holds the host to them.
package kit

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

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
	lingering bool          // doors do not return when their context ends
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
	if !k.lingering {
		close(x.freed)
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

// answers lets the door answer with a head, and a body that the kit gives.
func (x *Exchange) answers(status int) {
	x.Status, x.Out = status, newSource()
	close(x.answer)
}

// refuses lets the door reset.
func (x *Exchange) refuses(code wire.Code) {
	x.Reset, x.ResetMsg = code, "refused"
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

func (k *talk) context() context.Context { return context.Background() }
