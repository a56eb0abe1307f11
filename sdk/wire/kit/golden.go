// Golden conversations: what one side says is said, what the other says is held
// against what the file has. Bodies may be cut into frames as their sender
// likes, fields may be more than the file names, and what is free (the ids of
// children asked at once, the code of an answer) is free.
package kit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// decode gives the frame of a symbol.
func decode(s spec.Symbol) wire.Frame {
	b, err := s.Encode()
	if err != nil {
		panic(fmt.Sprintf("kit: a golden frame: %v", err)) // tested in sdk/wire
	}
	f, _, err := wire.NextFrame(b)
	if err != nil {
		panic(fmt.Sprintf("kit: a golden frame: %v", err))
	}
	return f
}

// ids maps the streams of a golden file to those of the conversation.
type ids map[uint32]uint32

func (m ids) of(golden uint32) uint32 {
	if id, ok := m[golden]; ok {
		return id
	}
	return golden
}

// translate gives a golden frame with the conversation's ids.
func (m ids) translate(f wire.Frame) wire.Frame {
	f.Stream = m.of(f.Stream)
	switch f.Type {
	case wire.Splice:
		v, _ := f.U32()
		f.Payload = u32Payload(m.of(v))
	case wire.Open, wire.Log:
		var b []byte
		for p := f.Payload; len(p) > 0; {
			field, rest, _ := wire.NextField(p)
			p = rest
			if v, ok := field.U32(); ok && (field.Tag == wire.TagParent || field.Tag == wire.TagStream) {
				field.Value = u32Payload(m.of(v))
			}
			b = wire.AppendField(b, field.Tag, field.Flags, field.Value)
		}
		f.Payload = b
	}
	return f
}

// free are frames that a side says as it likes.
func free(f wire.Frame) bool { return f.Type == wire.Window || f.Type == wire.Wake }

// match holds what was said against what a golden poll wants, and learns the ids
// of new streams. It gives "" or what differs. answers tells whether a RESET on
// a stream is an answer, whose code is free.
func (m ids) match(want, got []wire.Frame, answers func(id uint32) bool) string {
	for _, w := range want {
		if w.Type != wire.Open {
			continue
		}
		taken := slices.Collect(maps.Values(m))
		n := slices.IndexFunc(got, func(g wire.Frame) bool {
			id, known := m[w.Stream]
			return g.Type == wire.Open && (known && id == g.Stream || !known && !slices.Contains(taken, g.Stream)) && covers(m.translate(w).Payload, g.Payload)
		})
		if n < 0 {
			return fmt.Sprintf("nobody said %v", spec.Describe(w))
		}
		m[w.Stream] = got[n].Stream
	}
	wanted, said := map[uint32][]wire.Frame{}, map[uint32][]wire.Frame{}
	for _, w := range want {
		if w = m.translate(w); !free(w) {
			wanted[w.Stream] = join(wanted[w.Stream], w)
		}
	}
	logs := slices.ContainsFunc(want, func(f wire.Frame) bool { return f.Type == wire.Log })
	for _, g := range got {
		if !free(g) && (g.Type != wire.Log || logs) {
			said[g.Stream] = join(said[g.Stream], g)
		}
	}
	all := wanted
	for id := range said {
		if all[id] == nil {
			all[id] = nil
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		w, g := wanted[id], said[id]
		for n := range max(len(w), len(g)) {
			switch {
			case n >= len(w) && g[n].Type == wire.Stop: // who has said all may say that too
			case n >= len(w):
				return fmt.Sprintf("%v is too much", spec.Describe(g[n]))
			case n >= len(g):
				return fmt.Sprintf("%v is missing", spec.Describe(w[n]))
			case !same(w[n], g[n], answers(id)):
				return fmt.Sprintf("%v instead of %v", spec.Describe(g[n]), spec.Describe(w[n]))
			}
		}
	}
	return ""
}

// join appends a frame; DATA goes to the DATA before it, up to a message's end.
// STOP stands where it likes beside the others: last.
func join(all []wire.Frame, f wire.Frame) []wire.Frame {
	n := len(all)
	if n > 0 && f.Type == wire.Data && all[n-1].Type == wire.Data && all[n-1].Flags&wire.Message == 0 {
		last := &all[n-1]
		last.Payload = slices.Concat(last.Payload, f.Payload)
		last.Flags |= f.Flags
		return all
	}
	if n > 0 && all[n-1].Type == wire.Stop {
		return slices.Insert(all, n-1, f)
	}
	return append(all, f)
}

func same(want, got wire.Frame, answer bool) bool {
	if want.Type != got.Type || want.Flags != got.Flags {
		return false
	}
	switch want.Type {
	case wire.Data, wire.Splice:
		return bytes.Equal(want.Payload, got.Payload)
	case wire.Reset:
		w, _, _ := want.Code()
		g, _, _ := got.Code()
		return answer || w == g
	case wire.Stop, wire.Open:
		return true
	}
	return covers(want.Payload, got.Payload)
}

// covers tells whether got has every field of want. Names of headers compare
// without regard to case.
func covers(want, got []byte) bool {
	for len(want) > 0 {
		w, rest, err := wire.NextField(want)
		if err != nil {
			return bytes.Equal(want, got)
		}
		want = rest
		found := false
		for p := got; len(p) > 0 && !found; {
			g, more, err := wire.NextField(p)
			if err != nil {
				return false
			}
			p = more
			if found = g.Tag == w.Tag && bytes.Equal(g.Value, w.Value); !found && g.Tag == w.Tag && w.Tag == wire.TagHeader {
				wn, wv, _ := w.Pair()
				gn, gv, _ := g.Pair()
				found = bytes.EqualFold(wn, gn) && bytes.Equal(wv, gv)
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func decodeAll(symbols []spec.Symbol) []wire.Frame {
	var all []wire.Frame
	for _, s := range symbols {
		all = append(all, decode(s))
	}
	return all
}

// playGolden plays the host's part of a conversation over a guest.
func (s *session) playGolden(c *spec.Conversation) {
	s.auto, s.holdAll = false, true
	known := ids{}
	for n, p := range c.Polls {
		if p.Time > 0 {
			s.pass(time.Duration(p.Time) * time.Millisecond)
		}
		for _, f := range decodeAll(p.Host) {
			s.say(known.translate(f))
		}
		s.poll()
		answers := func(id uint32) bool {
			r := s.led.streams[id]
			return r != nil && r.legs[host].reset
		}
		if wrong := known.match(decodeAll(p.Guest), s.said, answers); wrong != "" {
			s.fail(c.Rules[0], "golden conversation %s, poll %d: %s", c.Name, n+1, wrong)
		}
	}
}
