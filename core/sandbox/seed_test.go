// What a Go guest draws follows from its seeds alone: HELLO's is the SDK's and
// the Go runtime's, the machine's is crypto/rand's.
package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestSeedsDecideWhatIsDrawn(t *testing.T) {
	wasm := sandboxtest.Guest(t, "testdata/guests/kit")
	g := engineFor(t, nil).Load(Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	c, err := g.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	draw := func(machines, hello byte, apart bool) (drawn map[string]any) {
		m, err := c.Start(t.Context(), machine.Start{Memory: 64 << 20, Seed: [32]byte{machines}, Now: time.Now(), CPU: time.Minute, Apart: apart})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		seed := [32]byte{hello}
		ask := wire.AppendText(nil, wire.TagAuthority, "route")
		ask = wire.AppendText(wire.AppendText(ask, wire.TagMethod, "GET"), wire.TagTarget, "/random")
		turn := machine.Turn{Now: time.Now(), CPU: time.Minute}
		turn.Batch = wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendField(nil, wire.TagSeed, 0, seed[:]))
		turn.Batch = wire.AppendFrame(turn.Batch, wire.Open, 0, 1, ask)
		turn.Batch = wire.AppendFrame(turn.Batch, wire.End, 0, 1, nil)
		if err := m.Turn(&turn); err != nil {
			t.Fatal(err)
		}
		for _, f := range frames(turn.Frames) {
			if f.Type == wire.Data {
				if err := json.Unmarshal(f.Payload, &drawn); err != nil {
					t.Fatal(err)
				}
			}
		}
		return drawn
	}
	differ := func(a, b map[string]any) (names []string) {
		for name := range a {
			if a[name] != b[name] {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	for name, apart := range map[string]bool{"a copy": false, "no copy": true} {
		first, machines := draw(1, 1, apart), []string{"crypto/rand"}
		if apart { // how maps hash is drawn as the runtime starts, and stays in a snapshot
			machines = []string{"a new map's order", "crypto/rand"}
		}
		if len(first) < 2 {
			t.Fatalf("it draws %v", first)
		}
		if names := differ(first, draw(1, 1, apart)); names != nil {
			t.Errorf("%s: with the same seeds, %q differ", name, names)
		}
		if names := differ(first, draw(2, 1, apart)); !slices.Equal(names, machines) {
			t.Errorf("%s: by the machine's seed, %q differ", name, names)
		}
		want := slices.Sorted(maps.Keys(first))
		want = slices.DeleteFunc(want, func(name string) bool { return name == "crypto/rand" })
		if names := differ(first, draw(1, 2, apart)); !slices.Equal(names, want) {
			t.Errorf("%s: by HELLO's seed, %q differ", name, names)
		}
	}
}
