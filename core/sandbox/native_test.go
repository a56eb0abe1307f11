// Guests that are Go functions: a test says any frames at any moment, without a
// module, and sees exactly what the host hands over.
package sandbox

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// script is a native guest's poll: the frames that the host hands over, and the
// frames that the guest answers. The first batch is the host's HELLO alone.
type script func(in []byte) (out []byte)

// native is the machine of a script. Its clock is nobody's, and it never wakes.
type native struct {
	play   script
	killed atomic.Bool
}

func (n *native) Turn(t *machine.Turn) error {
	t.Frames = n.play(slices.Clone(t.Batch))
	if n.killed.Load() {
		return machine.ErrStopped
	}
	return nil
}

func (n *native) Kill()          { n.killed.Store(true) }
func (n *native) Close()         {}
func (n *native) Memory() uint64 { return 0 }

// starter is code whose machines a function makes.
type starter func(ctx context.Context, s machine.Start) (machine.Machine, error)

func (f starter) Start(ctx context.Context, s machine.Start) (machine.Machine, error) {
	return f(ctx, s)
}

func (starter) Close() {}

// loadNative makes a guest whose instances are scripts: play is called once for
// each instance that starts.
func loadNative(e *Engine, spec Spec, play func() script) *Guest {
	g := e.Load(spec)
	g.source = func(context.Context) (machine.Code, error) {
		return starter(func(context.Context, machine.Start) (machine.Machine, error) {
			return &native{play: play()}, nil
		}), nil
	}
	return g
}

// saysHello makes a script that answers HELLO by itself; after is called with
// each frame from then on and gives what the guest says to it.
func saysHello(after func(f wire.Frame) []byte) script {
	return func(in []byte) (out []byte) {
		for _, f := range frames(in) {
			if f.Type == wire.Hello {
				out = wire.AppendFrame(out, wire.Hello, 0, 0, wire.AppendU64(wire.AppendU16(nil, wire.TagMinor, 0), wire.TagFeatures, wire.FeatureBuffer))
			} else {
				out = append(out, after(f)...)
			}
		}
		return out
	}
}

// frames are the frames of a batch, copied.
func frames(b []byte) (all []wire.Frame) {
	for b = slices.Clone(b); len(b) > 0; {
		f, rest, err := wire.NextFrame(b)
		if err != nil {
			panic(err)
		}
		all, b = append(all, f), rest
	}
	return all
}

// pollNow lets every instance of a guest be polled once more, and returns when
// that poll has been taken in: whatever a script has to say by itself, it says
// then.
func pollNow(t testing.TB, g *Guest) {
	t.Helper()
	g.mu.Lock()
	var all []*instance
	for _, i := range g.instances {
		all = append(all, i)
	}
	g.mu.Unlock()
	for _, i := range all {
		before, asked := uint64(0), false
		eventuallyTrue(t, "it is polled", func() bool {
			i.mu.Lock()
			defer i.mu.Unlock()
			if !asked && !i.owned {
				before, asked = i.polls, true
				i.wake = time.Now()
				i.kick()
			}
			return asked && i.polls > before || i.dead != nil
		})
	}
}

// eventuallyTrue waits until a condition holds.
func eventuallyTrue(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s, not yet: %s", what)
		}
	}
}

// CacheDir keeps compiled guests for all tests of one run.
var CacheDir string

// discard is the log of engines that nobody listens to.
var discard = slog.New(slog.DiscardHandler)

// engineFor makes an engine for native guests.
func engineFor(t testing.TB, doors func(authority string) Door) *Engine {
	t.Helper()
	e, err := New(t.Context(), Options{Logger: discard, Doors: doors, CacheDir: CacheDir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func TestNativeGuestAnswersAsAModuleDoes(t *testing.T) {
	e := engineFor(t, nil)
	g := loadNative(e, Spec{Name: "native"}, func() script {
		return saysHello(func(f wire.Frame) (out []byte) {
			if f.Type == wire.Open {
				out = wire.AppendFrame(out, wire.Head, 0, f.Stream, wire.AppendU16(nil, wire.TagStatus, 204))
				out = wire.AppendFrame(out, wire.End, 0, f.Stream, nil)
			}
			return out
		})
	})
	resp, err := g.Do(t.Context(), &Request{Authority: "route", Method: "GET", Target: "/"})
	if err != nil || resp.Status != 204 {
		t.Fatalf("%+v, %v", resp, err)
	}
	resp.Body.Close()
	pollNow(t, g)
	if s := g.Stats(); s.Streams != 0 || s.Polls != 2 {
		t.Errorf("%+v", s)
	}
}
