// A conformance guest as a module: the kit's model host plays over this host's
// runner, so that any SDK's guest can be held to the wire.
package sandbox

import (
	"errors"
	"flag"
	"os"
	"testing"
	"time"

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
	t.Cleanup(c.close)
	kit.TestGuest(t, 6, func(t *testing.T, play func(kit.Guest, func(time.Duration))) {
		now := time.Now()
		m, err := c.start(t.Context(), 256<<20, newWASI(now, [32]byte{1}, newGuestLog(discard, now)))
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		if err := m.initialize(); err != nil {
			t.Fatal(err)
		}
		play(&moduleGuest{machine: m}, func(d time.Duration) {
			now = now.Add(d)
			m.world().setClock(now)
		})
	})
}

// moduleGuest is a module as a kit.Guest.
type moduleGuest struct{ machine machine }

// Poll implements kit.Guest.
func (g *moduleGuest) Poll(frames []byte) ([]byte, error) {
	if len(frames) > 0 {
		at, err := g.machine.buffer(len(frames))
		if err != nil {
			return nil, err
		}
		if !g.machine.write(at, frames) {
			return nil, errors.New("the buffer that it offers lies outside its memory")
		}
	} else {
		g.machine.world().wake = never
	}
	return g.machine.poll(len(frames))
}
