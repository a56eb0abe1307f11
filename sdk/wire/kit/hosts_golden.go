// Golden files over a host: frames that are broken whatever was said before, and
// conversations, in which the kit lets the host's users and doors do what makes
// the host say its part.
package kit

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// brokenCases are the broken frames of a guest.
func brokenCases() (all []hostCase, err error) {
	g, err := spec.LoadFrames()
	if err != nil {
		return nil, err
	}
	for _, b := range g.Broken {
		if b.From != guest.String() {
			continue
		}
		raw, err := hex.DecodeString(b.Hex)
		if err != nil {
			return nil, err
		}
		all = append(all, hostCase{b.Name, Options{}, func(k *talk) { k.playBroken(raw, b.Rule, b.Outcome) }})
	}
	return all, nil
}

func (k *talk) playBroken(raw []byte, rule, what string) {
	f, _, err := wire.NextFrame(raw)
	if err == nil && f.Type == wire.Hello && f.Stream == 0 {
		k.hello = raw
		k.inst.Ask(&Exchange{Context: k.context(), Authority: "route", Method: "GET", Target: "/", In: newSink(everything)})
		k.host.Settle()
		k.faults(rule)
		return
	}
	id, x := k.post()
	if err == nil && f.Type != wire.Head {
		k.tell(headFrame(id, 200))
	}
	k.forget()
	k.tellRaw(raw)
	code, ok := strings.CutPrefix(what, "resets ")
	if !ok {
		k.faults(rule)
		return
	}
	if err := k.inst.Fault(); err != nil {
		k.fail(rule, "the host took it for a fault: %v", err)
	}
	resets := k.heard(f.Stream, wire.Reset)
	k.want(len(resets) == 1, rule, "the host says RESET %d times", len(resets))
	got, _, _ := resets[0].Code()
	k.want(got.String() == code, rule, "RESET %v instead of %s", got, code)
	k.want(f.Type != wire.Head || x.In.status == 0, rule, "the head reached the user: %d", x.In.status)
	k.lives(rule)
}

// playGolden makes the host say its part of a conversation, and says the
// guest's.
func (k *talk) playGolden(c *spec.Conversation) {
	k.auto = false
	known := ids{}
	rule := c.Rules[0]
	for n, p := range c.Polls {
		if n == 0 {
			continue // HELLO
		}
		if p.Time > 0 {
			k.host.Pass(time.Duration(p.Time) * time.Millisecond)
		}
		want := decodeAll(p.Host)
		k.act(want, known)
		k.settle()
		got := k.got
		k.forget()
		if n == 1 {
			got = got[1:] // the host's HELLO
		}
		answers := func(id uint32) bool {
			r := k.led.streams[id]
			return r != nil && r.legs[guest].reset
		}
		if wrong := known.match(plain(want), got, answers); wrong != "" {
			k.fail(rule, "golden conversation %s, poll %d: %s", c.Name, n+1, wrong)
		}
		says := decodeAll(p.Guest)
		for i := range says {
			says[i] = known.translate(says[i])
		}
		if p.Fault == "" {
			k.tell(says...)
			continue
		}
		last := len(says) - 1
		k.mu.Lock()
		k.say = append(k.say, says[:last]...)
		k.raw = encode(says[last])
		k.mu.Unlock()
		k.settle()
		k.faults(p.Fault)
		return
	}
}

// plain leaves out of OPEN what an adapter cannot be told to say.
func plain(all []wire.Frame) (out []wire.Frame) {
	for _, f := range all {
		if f.Type != wire.Open {
			out = append(out, f)
			continue
		}
		var b []byte
		for p := f.Payload; len(p) > 0; {
			field, rest, _ := wire.NextField(p)
			if p = rest; field.Tag != wire.TagHeader {
				b = wire.AppendField(b, field.Tag, field.Flags, field.Value)
			}
		}
		f.Payload = b
		out = append(out, f)
	}
	return out
}

// act lets users and doors do what makes the host say these frames.
func (k *talk) act(all []wire.Frame, known ids) {
	reset := false
	for n, f := range all {
		id := known.of(f.Stream)
		x := k.exchange(id)
		switch f.Type {
		case wire.Head, wire.Data, wire.Stop:
			k.want(x != nil, "stream.done", "nobody in the host knows of stream %d", id)
		}
		switch f.Type {
		case wire.Open:
			x := &Exchange{Body: newSource()}
			for p := f.Payload; len(p) > 0; {
				field, rest, _ := wire.NextField(p)
				p = rest
				switch field.Tag {
				case wire.TagMethod:
					x.Method = string(field.Value)
				case wire.TagAuthority:
					x.Authority = string(field.Value)
				case wire.TagTarget:
					x.Target = string(field.Value)
				case wire.TagProtocol:
					x.Protocol = string(field.Value)
				}
			}
			if n+1 < len(all) && all[n+1].Type == wire.End && all[n+1].Stream == f.Stream && len(all[n+1].Payload) == 0 {
				x.Body = nil
			}
			known[f.Stream] = k.ask(x)
		case wire.Head:
			status, _ := statusOf(f)
			x.answers(status)
		case wire.Data:
			x.source(opener(id)).push(f.Payload, f.Flags)
		case wire.End:
			if x == nil || x.source(opener(id)) == nil {
				break // said by itself
			}
			var closing *Close
			var trailer []wire.Header
			for p := f.Payload; len(p) > 0; {
				field, rest, _ := wire.NextField(p)
				p = rest
				if closing == nil && field.Tag != wire.TagHeader {
					closing = &Close{}
				}
				switch v, _ := field.U16(); field.Tag {
				case wire.TagHeader:
					trailer = appendHeader(trailer, field)
				case wire.TagCloseCode:
					closing.Code = int(v)
				case wire.TagCloseText:
					closing.Text = string(field.Value)
				}
			}
			x.source(opener(id)).end(closing, trailer...)
		case wire.Stop:
			x.In.leave()
		case wire.Reset:
			r := k.led.streams[id]
			if reset || r == nil || r.legs[guest].reset || x == nil {
				break // follows from another, or is an answer
			}
			reset = true
			code, _, _ := f.Code()
			switch {
			case opener(id) == host:
				x.cancel(nil)
			case x.Out != nil:
				x.Out.breakOff(&Broken{code})
			default:
				x.refuses(code)
			}
		case wire.Drain:
			k.inst.Drain()
		}
		k.host.Settle()
	}
}

// exchange gives a stream's user, or its door.
func (k *talk) exchange(id uint32) *Exchange {
	if opener(id) == host {
		return k.user[id]
	}
	n := 0
	for other := uint32(2); other < id; other += 2 {
		if k.led.streams[other] != nil {
			n++
		}
	}
	if n < len(k.doors) {
		return k.doors[n]
	}
	return nil
}

// source is what the host's side of a stream sends.
func (x *Exchange) source(by side) *Source {
	if by == host {
		return x.Body
	}
	return x.Out
}

func statusOf(f wire.Frame) (int, bool) {
	for p := f.Payload; len(p) > 0; {
		field, rest, err := wire.NextField(p)
		if err != nil {
			break
		}
		p = rest
		if v, ok := field.U16(); ok && field.Tag == wire.TagStatus {
			return int(v), true
		}
	}
	return 0, false
}
