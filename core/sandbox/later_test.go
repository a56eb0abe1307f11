// A host of a later minor version, or a guest of one, and their partners of
// today: what is new is skipped, and what is critical resets its stream.
package sandbox

import (
	"errors"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// later puts itself between an instance and its machine, and adds what a later
// version might say: frames of types 13 and 14, fields with tags 200 and 201.
type later struct {
	machine.Machine
	says laterSays
}

// laterSays is what is added to each batch into the guest and out of it.
type laterSays struct{ in, out addition }

// addition says what is added to frames of one type.
type addition struct {
	to       wire.Type
	frames   bool // two frames follow it
	fields   bool // two fields are in it
	critical bool // the second of them is critical
}

func (a addition) apply(batch []byte) (b []byte) {
	for _, f := range frames(batch) {
		meant := f.Type == a.to
		at := len(b)
		b = wire.AppendFrame(b, f.Type, f.Flags, f.Stream, f.Payload)
		if meant && a.fields {
			flags := uint16(0)
			if a.critical {
				flags = wire.CriticalField
			}
			b = wire.AppendField(wire.AppendField(b, 200, 0, []byte("later")), 201, flags, nil)
			b = wire.EndFrame(b, at)
		}
		if meant && a.frames {
			flags := wire.Flags(0)
			if a.critical {
				flags = wire.Critical
			}
			b = wire.AppendFrame(b, 13, 0x40, f.Stream, []byte("later"))
			b = wire.AppendFrame(b, 14, flags, f.Stream, nil)
			if f.Stream != 0 {
				b = wire.AppendFrame(b, 13, 0, 0, nil)
			}
		}
	}
	return b
}

func (l *later) Turn(t *machine.Turn) error {
	asked := t.Batch
	t.Batch = l.says.in.apply(asked)
	err := l.Machine.Turn(t)
	t.Batch, t.Frames = asked, l.says.out.apply(t.Frames)
	return err
}

// startLater loads a module whose instances talk with a later version.
func startLater(e *Engine, wasm []byte, says laterSays) *Guest {
	g := e.Load(Spec{Name: "today", Wasm: func() ([]byte, error) { return wasm, nil }, Limits: Limits{Memory: 32 << 20}})
	wrap(g, func(m machine.Machine) machine.Machine { return &later{m, says} })
	return g
}

func TestGuestOfTodayAndHostOfTomorrow(t *testing.T) {
	wasm := sandboxtest.Guest(t, "../../extensions/hello")
	speaksWithLaterVersions(t, wasm)
}

// speaksWithLaterVersions shows that a guest, and today's host, skip what they
// do not know and refuse what is critical of it.
func speaksWithLaterVersions(t *testing.T, wasm []byte) {
	e := engineFor(t, nil)
	for name, c := range map[string]struct {
		says laterSays
		code wire.Code // 0: it is skipped
	}{
		"frames to the guest":            {laterSays{in: addition{to: wire.Open, frames: true}}, 0},
		"fields to the guest":            {laterSays{in: addition{to: wire.Open, fields: true}}, 0},
		"fields of HELLO":                {laterSays{in: addition{to: wire.Hello, fields: true}, out: addition{to: wire.Hello, fields: true}}, 0},
		"frames to the host":             {laterSays{out: addition{to: wire.Head, frames: true}}, 0},
		"fields to the host":             {laterSays{out: addition{to: wire.Head, fields: true}}, 0},
		"fields of END to the host":      {laterSays{out: addition{to: wire.End, fields: true}}, 0},
		"a critical frame to the guest":  {laterSays{in: addition{to: wire.Open, frames: true, critical: true}}, wire.Unsupported},
		"a critical field to the guest":  {laterSays{in: addition{to: wire.Open, fields: true, critical: true}}, wire.Unsupported},
		"a critical frame to the host":   {laterSays{out: addition{to: wire.Head, frames: true, critical: true}}, wire.Unsupported},
		"a critical field to the host":   {laterSays{out: addition{to: wire.Head, fields: true, critical: true}}, wire.Unsupported},
		"a critical trailer to the host": {laterSays{out: addition{to: wire.End, fields: true, critical: true}}, wire.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			g := startLater(e, wasm, c.says)
			for range 2 { // the second finds the instance as the first left it
				x := Exchange{Request: Request{Authority: "route", Method: "GET", Target: "/greetings/English", Caller: Caller{User: "alice", Workspace: "w"}}}
				err := g.Exchange(t.Context(), &x)
				var reset *ResetError
				switch {
				case c.code != 0 && (!errors.As(err, &reset) || reset.Code != c.code):
					t.Errorf("it ends with %v, want %v", err, c.code)
				case c.code == 0 && (err != nil || x.Status != 200 || !strings.Contains(string(x.Body), "Hello, alice!")):
					t.Errorf("it answers %d %q, %v", x.Status, x.Body, err)
				}
			}
			eventuallyTrue(t, "the slots are free", func() bool { return g.Stats().Streams == 0 })
			if s := g.Stats(); s.Faults != 0 || s.Instances != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}
