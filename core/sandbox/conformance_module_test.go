// A conformance guest as a module: the kit's model host plays over this host's
// runner, so that any SDK's guest can be held to the wire.
package sandbox

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/wire/kit"
)

var conformanceGuest = flag.String("guest", "", "a module, the conformance guest of an SDK; empty: the Go SDK's")

func TestConformanceOfModule(t *testing.T) {
	var wasm []byte
	if *conformanceGuest == "" {
		if testing.Short() {
			t.Skip("compiling a module takes too long for -short")
		}
		wasm = sandboxtest.Guest(t, "../../sdk/wire/kit/guest/module")
	} else {
		var err error
		if wasm, err = os.ReadFile(*conformanceGuest); err != nil {
			t.Fatal(err)
		}
	}
	e := engineFor(t, nil)
	g := e.Load(Spec{Name: "conformance", Wasm: func() ([]byte, error) { return wasm, nil }})
	c, err := g.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	kit.TestGuest(t, 6, func(t *testing.T, play func(kit.Guest, func(time.Duration))) {
		now := time.Now()
		m, err := c.Start(t.Context(), machine.Start{Memory: 256 << 20, Seed: [32]byte{1}, Now: now, CPU: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		guest := &moduleGuest{machine: m, turn: machine.Turn{Now: now, CPU: time.Minute}}
		play(guest, func(d time.Duration) {
			guest.turn.Now = guest.turn.Now.Add(d)
		})
	})
}

// moduleGuest is a module as a kit.Guest.
type moduleGuest struct {
	machine machine.Machine
	turn    machine.Turn
}

// Poll implements kit.Guest.
func (g *moduleGuest) Poll(frames []byte) ([]byte, error) {
	g.turn.Batch = frames
	err := g.machine.Turn(&g.turn)
	return g.turn.Frames, err
}
