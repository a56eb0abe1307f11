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

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// watched is a machine whose turns a test looks at.
type watched struct {
	machine.Machine
	mu   sync.Mutex
	seen func(t *machine.Turn)
}

func (m *watched) Turn(t *machine.Turn) error {
	err := m.Machine.Turn(t)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen(t)
	return err
}

// TestTimersAreAnnouncedExactly lets a Go guest sleep, and looks at when it
// wants to be woken: not a nanosecond sooner or later than its timer.
func TestTimersAreAnnouncedExactly(t *testing.T) {
	wasm := sandboxtest.Guest(t, "testdata/guests/kit")
	e := engineFor(t, nil)
	g := e.Load(Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	var waits []time.Duration
	m := &watched{seen: func(t *machine.Turn) {
		if !t.Wake.IsZero() {
			waits = append(waits, t.Wake.Sub(t.Now))
		}
	}}
	wrap(g, func(inner machine.Machine) machine.Machine { m.Machine = inner; return m })
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
func wrap(g *Guest, f func(machine.Machine) machine.Machine) {
	source := g.source
	g.source = func(ctx context.Context) (machine.Code, error) {
		c, err := source(ctx)
		if err != nil {
			return nil, err
		}
		return wrapped{c, f}, nil
	}
}

// wrapped is code whose machines have something before them.
type wrapped struct {
	machine.Code
	f func(machine.Machine) machine.Machine
}

func (c wrapped) Start(ctx context.Context, s machine.Start) (machine.Machine, error) {
	m, err := c.Code.Start(ctx, s)
	if err != nil {
		return nil, err
	}
	return c.f(m), nil
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
		return i.wake.Sub(i.turned.Now)
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
	const logRate = 50
	l := newGuestLog(slog.New(slog.NewTextHandler(&text, nil)), 60*logRate, now)
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
