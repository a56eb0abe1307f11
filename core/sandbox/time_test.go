// Time as a guest knows it: it stands still in a poll, never goes back, and the
// guest is woken exactly when it wants to be.
package sandbox

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestClocksNeverRunBack(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWASI(began, [32]byte{}, nil)
	mono, wall := w.monotonic(), w.wall
	if mono <= 0 || wall != began.UnixNano() {
		t.Fatalf("it begins at %d and %d", mono, wall)
	}
	w.setClock(began.Add(-time.Hour))
	if w.monotonic() != mono || w.wall != wall {
		t.Errorf("an hour earlier they are at %d and %d", w.monotonic()-mono, w.wall-wall)
	}
	w.setClock(began.Add(time.Second))
	if w.monotonic() != mono+1e9 || w.wall != wall+1e9 {
		t.Errorf("a second later they are at %d and %d", w.monotonic()-mono, w.wall-wall)
	}
	// The machine's clock is set back, and its monotonic one goes on.
	w.wall += 3600e9
	ahead := w.wall
	w.setClock(began.Add(2 * time.Second))
	if w.monotonic() != mono+2e9 || w.wall != ahead {
		t.Errorf("set back, they are at %d and %d", w.monotonic()-mono, w.wall-ahead)
	}
}

// watched is a machine whose world a test looks at after each poll.
type watched struct {
	machine
	mu   sync.Mutex
	seen func(w *wasi)
}

func (m *watched) poll(size int) ([]byte, error) {
	out, err := m.machine.poll(size)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen(m.machine.world())
	return out, err
}

// TestTimersAreAnnouncedExactly lets a Go guest sleep, and looks at when it
// wants to be woken: not a nanosecond sooner or later than its timer.
func TestTimersAreAnnouncedExactly(t *testing.T) {
	wasm := sandboxtest.Guest(t, "testdata/guests/kit")
	e := engineFor(t, nil)
	g := e.Load(Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	var waits []time.Duration
	m := &watched{seen: func(w *wasi) {
		if w.wake != never {
			waits = append(waits, time.Duration(w.wake-w.monotonic()))
		}
	}}
	wrap(g, func(inner machine) machine { m.machine = inner; return m })
	ask := func(target string) string {
		x := Exchange{Request: Request{Authority: "route", Method: "GET", Target: target}}
		if err := g.Exchange(t.Context(), &x); err != nil || x.Status != 200 {
			t.Fatal(x.Status, err)
		}
		return string(x.Body)
	}
	ask("/count")
	for range 3 {
		m.mu.Lock()
		waits = nil
		m.mu.Unlock()
		if got := ask("/sleep/30"); strings.TrimLeft(got, "0123456789") != "" || got < "30" {
			t.Errorf("it slept %q ms", got)
		}
		m.mu.Lock()
		if len(waits) == 0 || waits[0] != 30*time.Millisecond {
			t.Errorf("it wanted to be woken in %v", waits)
		}
		m.mu.Unlock()
	}
}

// wrap puts something before the machines of a guest.
func wrap(g *Guest, f func(machine) machine) {
	source := g.source
	g.source = func(ctx context.Context) (*code, error) {
		c, err := source(ctx)
		if err != nil {
			return nil, err
		}
		start := c.start
		c.start = func(ctx context.Context, limit uint64, w wasi) (machine, error) {
			m, err := start(ctx, limit, w)
			if err != nil {
				return nil, err
			}
			return f(m), nil
		}
		return c, nil
	}
}

func TestTheEarliestWakeHolds(t *testing.T) {
	p := play(t, Limits{}, nil)
	p.ask(t.Context(), &Request{})
	p.hears(wire.Open, 1)
	p.say(join(wire.AppendWake(nil, 60_000), wire.AppendWake(nil, 50_000), wire.AppendWake(nil, 70_000)))
	i := p.instance()
	wants := func() time.Duration {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.wake.IsZero() {
			return 0
		}
		return i.wake.Sub(i.world.now)
	}
	if d := wants(); d != 50*time.Second {
		t.Errorf("it is woken in %v", d)
	}
	p.say(nil) // time has passed: what it waits for it says anew
	if d := wants(); d != 0 {
		t.Errorf("after the poll it is woken in %v", d)
	}
	p.say(wire.AppendWake(nil, 1<<32-1))
	if d := wants(); d != (1<<32-1)*time.Millisecond {
		t.Errorf("it is woken in %v", d)
	}
}

func TestLogsAreBoundedAndDropsAreSaid(t *testing.T) {
	var text strings.Builder
	now := time.Now()
	l := newGuestLog(slog.New(slog.NewTextHandler(&text, nil)), now)
	line := wire.AppendText(nil, wire.TagText, "line")
	for range logBurst + 7 {
		l.frame(now, line)
	}
	if n := strings.Count(text.String(), "says.text=line"); n != logBurst || strings.Contains(text.String(), "dropped=") {
		t.Errorf("%d lines were let through at once", n)
	}
	l.frame(now.Add(time.Second/logRate), line)
	if !strings.Contains(text.String(), "dropped=7") {
		t.Error("nobody was told that seven lines were dropped")
	}
	l.frame(now.Add(time.Second/logRate), line)
	l.write(now, []byte("cut"))
	l.close(now.Add(2*time.Second/logRate + time.Hour))
	if out := text.String(); !strings.Contains(out, "dropped=1") || !strings.Contains(out, "says.text=cut") {
		t.Errorf("at the end:\n%s", out[max(0, len(out)-300):])
	}
	text.Reset()
	l.write(now, []byte(strings.Repeat("x", 10*logLine)+"\n"))
	if n := text.Len(); n > logLine+200 {
		t.Errorf("a line of %d bytes was logged", n)
	}
}
