// What the tests share: a guest in a bubble, and a host that speaks the wire by
// hand. Frames are written as lines: the name, the stream, what is in it.
package atoll_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/atoll-platform/atoll/sdk/go/atolltest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

const memory = 64 << 20

// hello is the host's HELLO.
func hello() []byte {
	b := wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, wire.FeatureBuffer)
	b = wire.AppendField(b, wire.TagSeed, 0, bytes.Repeat([]byte{7}, 32))
	b = wire.AppendPair(wire.AppendU64(b, wire.TagMemory, memory), wire.TagSetting, "color", "blue")
	return wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendU32(b, wire.TagStreams, 1000))
}

// talk is one conversation.
type talk struct {
	*testing.T
	guest *atolltest.Guest
	last  []byte // the guest's last batch
}

// converse lets host talk to a guest that answers with h, after HELLO. Whatever
// the guest started must have ended when its streams have.
func converse(t *testing.T, h http.Handler, host func(c *talk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &talk{T: t, guest: atolltest.NewGuest(h, synctest.Wait)}
		defer c.guest.Close()
		c.expect(c.say(hello()), "HELLO 0")
		host(c)
	})
}

// say polls with frames and gives what the guest says, as lines.
func (c *talk) say(frames ...[]byte) []string {
	c.last = bytes.Clone(c.guest.Poll(bytes.Join(frames, nil)))
	return lines(c.T, c.last)
}

// breaks tells whether the guest takes the frames for a broken wire.
func (c *talk) breaks(frames ...[]byte) (broken bool) {
	defer func() {
		if v := recover(); v != nil {
			if text, ok := v.(string); !ok || !strings.HasPrefix(text, atolltest.Broken) {
				panic(v)
			}
			broken = true
		}
	}()
	c.say(frames...)
	return false
}

func (c *talk) expect(got []string, want ...string) {
	c.Helper()
	if !slices.Equal(got, want) {
		c.Errorf("the guest said\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// lines writes a batch as lines.
func lines(t testing.TB, batch []byte) (all []string) {
	t.Helper()
	for len(batch) > 0 {
		f, rest, err := wire.NextFrame(batch)
		if err != nil {
			t.Fatalf("the guest's frames are broken: %v", err)
		}
		batch = rest
		all = append(all, line(t, f))
	}
	return all
}

func line(t testing.TB, f wire.Frame) string {
	said := []string{f.Type.String(), fmt.Sprint(f.Stream)}
	switch f.Type {
	case wire.Data:
		if len(f.Payload) > 40 {
			said = append(said, fmt.Sprint(len(f.Payload), " bytes"))
		} else {
			said = append(said, string(f.Payload))
		}
		if f.Flags&wire.Text != 0 {
			said = append(said, "text")
		}
		if f.Flags&wire.Message != 0 {
			said = append(said, "message")
		}
	case wire.Window, wire.Splice, wire.Wake:
		v, _ := f.U32()
		said = append(said, fmt.Sprint(v))
	case wire.Reset, wire.Stop:
		code, text, _ := f.Code()
		said = append(said, code.String())
		if len(text) > 0 {
			said = append(said, string(text))
		}
	case wire.Open, wire.Head, wire.End:
		var headers []string
		for p := f.Payload; len(p) > 0; {
			field, rest, err := wire.NextField(p)
			if err != nil {
				t.Fatalf("the fields of %v are broken: %v", f.Type, err)
			}
			p = rest
			switch field.Tag {
			case wire.TagHeader:
				headers = append(headers, strings.Replace(string(field.Value), "\x00", ": ", 1))
			case wire.TagStatus, wire.TagCloseCode:
				v, _ := field.U16()
				said = append(said, fmt.Sprint(v))
			case wire.TagParent:
				v, _ := field.U32()
				said = append(said, fmt.Sprint("for ", v))
			default:
				said = append(said, string(field.Value))
			}
		}
		slices.Sort(headers)
		said = append(said, headers...)
	}
	return strings.Join(said, " ")
}

func frame(t wire.Type, id uint32, payload string) []byte {
	return wire.AppendFrame(nil, t, 0, id, []byte(payload))
}

func flagged(t wire.Type, flags wire.Flags, id uint32, payload string) []byte {
	return wire.AppendFrame(nil, t, flags, id, []byte(payload))
}

// open asks; headers are pairs.
func open(id uint32, method, target string, headers ...string) []byte {
	b := wire.AppendText(nil, wire.TagAuthority, "route")
	b = wire.AppendText(wire.AppendText(b, wire.TagMethod, method), wire.TagTarget, target)
	return wire.AppendFrame(nil, wire.Open, 0, id, pairs(b, headers))
}

// upgrade asks for a websocket.
func upgrade(id uint32, target string, headers ...string) []byte {
	b := wire.AppendText(nil, wire.TagAuthority, "route")
	b = wire.AppendText(wire.AppendText(b, wire.TagMethod, "GET"), wire.TagTarget, target)
	return wire.AppendFrame(nil, wire.Open, 0, id, pairs(wire.AppendText(b, wire.TagProtocol, "websocket"), headers))
}

func pairs(b []byte, headers []string) []byte {
	for n := 0; n < len(headers); n += 2 {
		b = wire.AppendPair(b, wire.TagHeader, headers[n], headers[n+1])
	}
	return b
}

func head(id uint32, status uint16, headers ...string) []byte {
	return wire.AppendFrame(nil, wire.Head, 0, id, pairs(wire.AppendU16(nil, wire.TagStatus, status), headers))
}

func data(id uint32, body string) []byte { return frame(wire.Data, id, body) }

func end(id uint32, trailers ...string) []byte {
	return wire.AppendFrame(nil, wire.End, 0, id, pairs(nil, trailers))
}

func closing(id uint32, code uint16, text string) []byte {
	return wire.AppendFrame(nil, wire.End, 0, id, wire.AppendText(wire.AppendU16(nil, wire.TagCloseCode, code), wire.TagCloseText, text))
}

func reset(id uint32, code wire.Code) []byte     { return wire.AppendReset(nil, id, code, "") }
func stop(id uint32) []byte                      { return wire.AppendStop(nil, id, wire.Cancelled) }
func window(id, more uint32) []byte              { return wire.AppendWindow(nil, id, more) }
func get(id uint32, target string) []byte        { return append(open(id, "GET", target), end(id)...) }
func unknown(id uint32, flags wire.Flags) []byte { return flagged(77, flags, id, "later") }

// converseFrom is converse before HELLO.
func converseFrom(t *testing.T, host func(c *talk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &talk{T: t, guest: atolltest.NewGuest(http.NotFoundHandler(), synctest.Wait)}
		defer c.guest.Close()
		host(c)
	})
}
