// A guest that ends by its own faults again and again is not asked for a while:
// for that tenant, and for nobody else.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// failing is a crowd whose breakers keep a test's time.
func failing(t *testing.T, spec Spec) (*crowd, *clock) {
	c, at := crowdOn(engineFor(t, nil), spec), &clock{now: time.Now()}
	c.released.Store(true)
	c.breakers.now = at.Now
	return c, at
}

// as asks on behalf of a workspace.
func (c *crowd) as(ctx context.Context, workspace, target string) error {
	resp, err := c.Do(ctx, &Request{Authority: "route", Method: "GET", Target: target, Caller: Caller{Workspace: workspace, WorkspaceUID: "uid-" + workspace, User: "alice"}})
	if err == nil {
		buf := make([]byte, 100)
		for err == nil {
			_, err = resp.Body.Read(buf)
		}
		resp.Body.Close()
		err = nil
	}
	return err
}

// outcome is what an error comes to, for tables.
func outcome(err error) string {
	var f *Fault
	var broken *BrokenError
	switch {
	case err == nil:
		return "answer"
	case errors.As(err, &broken):
		return "broken"
	case errors.As(err, &f):
		return "fault"
	default:
		return err.Error()
	}
}

func (c *crowd) expect(t *testing.T, workspace, target, want string) {
	t.Helper()
	if got := outcome(c.as(t.Context(), workspace, target)); got != want {
		t.Errorf("%s as %s: %s, want %s", target, workspace, got, want)
	}
}

func TestBreakerOpensHalfOpensAndCloses(t *testing.T) {
	for _, isolation := range []Isolation{IsolateRequest, IsolateUser, IsolateWorkspace, IsolateShared} {
		t.Run(string(isolation), func(t *testing.T) {
			c, at := failing(t, Spec{Name: "crowd", Version: "1.0.0", Isolation: isolation})
			for range 2 {
				c.expect(t, "bad", "/poison", "fault")
			}
			c.expect(t, "bad", "/plain", "answer") // and they do not count any more
			for range breakAfter {
				c.expect(t, "bad", "/poison", "fault")
			}
			began := c.starts.Load()
			c.expect(t, "bad", "/plain", "broken")
			c.expect(t, "good", "/plain", "answer")
			if n := c.starts.Load() - began; n > 1 {
				t.Errorf("%d instances were started for what was refused", n-1)
			}
			h := c.Health()
			if len(h) != 1 || h[0].State != BreakerOpen || h[0].Workspace != "bad" || h[0].WorkspaceUID != "uid-bad" || h[0].Faults != breakAfter ||
				h[0].Class != FaultTrap || !h[0].Until.Equal(at.Now().Add(backOffMin)) || !h[0].Since.Equal(at.Now()) || c.Stats().Broken != 1 {
				t.Errorf("its health is %+v", h)
			}
			for want := 2 * backOffMin; want < 2*backOffMax; want *= 2 { // each probe that fails doubles the pause
				at.pass(c.Health()[0].Until.Sub(at.Now()) - 1)
				c.expect(t, "bad", "/poison", "broken")
				at.pass(1)
				c.expect(t, "bad", "/poison", "fault")
				c.expect(t, "bad", "/plain", "broken")
				if got := c.Health()[0].Until.Sub(at.Now()); got != min(want, backOffMax) {
					t.Fatalf("it stays open for %v, want %v", got, want)
				}
			}
			at.pass(backOffMax)
			c.expect(t, "bad", "/plain", "answer")
			eventuallyTrue(t, "it is closed", func() bool { return len(c.Health()) == 0 })
			c.expect(t, "bad", "/poison", "fault")
			c.expect(t, "bad", "/plain", "answer")
		})
	}
}

func TestOneProbeAtATime(t *testing.T) {
	c, at := failing(t, Spec{Name: "crowd"})
	for range breakAfter {
		c.expect(t, "bad", "/poison", "fault")
	}
	at.pass(backOffMin)
	c.held.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	probe := make(chan error, 1)
	go func() { probe <- c.as(ctx, "bad", "/plain") }()
	eventuallyTrue(t, "the probe runs", func() bool { return c.Stats().Streams == 1 })
	var broken *BrokenError
	if err := c.as(t.Context(), "bad", "/plain"); !errors.As(err, &broken) || !broken.Until.Equal(at.Now().Add(probeWait)) {
		t.Errorf("beside the probe: %v", err)
	}
	if h := c.Health(); h[0].State != BreakerHalfOpen {
		t.Errorf("%+v", h)
	}
	cancel() // it says nothing: the next one is a probe at once
	if err := <-probe; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	eventuallyTrue(t, "its slot is free", func() bool { return c.Stats().Streams == 0 })
	go func() { probe <- c.as(t.Context(), "bad", "/plain") }()
	eventuallyTrue(t, "another probe runs", func() bool { return c.Stats().Streams == 1 })
	c.expect(t, "bad", "/plain", "broken")
	at.pass(probeTime) // so long without a fault: it is well
	go func() { probe <- c.as(t.Context(), "bad", "/plain") }()
	eventuallyTrue(t, "it is closed", func() bool { return c.Stats().Streams == 2 && len(c.Health()) == 0 })
	c.held.Store(false)
	pollNow(t, c.Guest)
	for range 2 {
		if err := <-probe; err != nil {
			t.Error(err)
		}
	}
}

func TestFaultsFarApartOpenNothing(t *testing.T) {
	c, at := failing(t, Spec{Name: "crowd"})
	for range 3 * breakAfter {
		c.expect(t, "slow", "/poison", "fault")
		at.pass(breakWithin/(breakAfter-1) + 1)
	}
	at.pass(breakWithin)
	if h := c.Health(); len(h) != 0 {
		t.Errorf("what is long ago is still told: %+v", h)
	}
}

func TestLossesOpenNothing(t *testing.T) {
	c, _ := failing(t, Spec{Name: "crowd"})
	c.poison = func() error { return machine.ErrLost }
	for range 3 * breakAfter {
		if err := c.as(t.Context(), "w", "/poison"); !errors.Is(err, ErrInterrupted) {
			t.Error(err)
		}
	}
	if h := c.Health(); len(h) != 0 {
		t.Errorf("%+v", h)
	}
}

// TestStartsThatFailAreNotTriedByEverybody lets many wait for an instance that
// cannot start.
func TestStartsThatFailAreNotTriedByEverybody(t *testing.T) {
	e := engineFor(t, nil)
	g := e.Load(Spec{Name: "broken"})
	tried, release := make(chan struct{}, 100), make(chan struct{})
	g.source = func(context.Context) (machine.Code, error) {
		return starter(func(context.Context, machine.Start) (machine.Machine, error) {
			tried <- struct{}{}
			<-release
			return nil, fmt.Errorf("%w: no such thing", machine.ErrStart)
		}), nil
	}
	outcomes := make(chan string, 20)
	for range 20 {
		go func() {
			_, err := g.Do(t.Context(), &Request{Caller: Caller{User: "alice"}})
			outcomes <- outcome(err)
		}()
	}
	<-tried
	close(release)
	count := map[string]int{}
	for range 20 {
		count[<-outcomes]++
	}
	if count["fault"] != breakAfter || count["broken"] != 20-breakAfter || len(tried) != breakAfter-1 {
		t.Errorf("%v, after %d more tries", count, len(tried))
	}
	if h := g.Health(); len(h) != 1 || h[0].User != "alice" || h[0].Class != FaultStart {
		t.Errorf("%+v", h)
	}
}

func TestPoisonAmongNeighboursBlamesNoneOfThem(t *testing.T) {
	c, _ := failing(t, Spec{Name: "crowd", Isolation: IsolateShared})
	for range 2 * breakAfter {
		c.released.Store(false)
		c.starts.Store(0) // the next one is the first, and holds back
		good, bad := make(chan error, 1), make(chan error, 1)
		go func() { good <- c.as(t.Context(), "good", "/plain") }()
		go func() { bad <- c.as(t.Context(), "bad", "/poison") }()
		eventuallyTrue(t, "both are in", func() bool { return c.Stats().Streams == 2 })
		c.released.Store(true)
		pollNow(t, c.Guest)
		if good, bad := outcome(<-good), outcome(<-bad); good != "answer" || bad != "fault" {
			t.Fatal(good, bad)
		}
		eventuallyTrue(t, "all is over", func() bool { return c.Stats().Instances == 0 })
		if h := c.Health(); len(h) != 1 || h[0].Workspace != "bad" {
			t.Fatalf("%+v", h)
		}
		if h := c.Health(); h[0].State == BreakerOpen {
			return
		}
	}
	t.Error("it never opened")
}

func TestBreakersAreBounded(t *testing.T) {
	c, at := failing(t, Spec{Name: "crowd"})
	for n := range maxBreakers + 10 {
		c.breakers.failed(tenant{workspace: fmt.Sprint(n)}, nil, FaultTrap, 0)
	}
	if n := len(c.Health()); n != maxBreakers {
		t.Errorf("%d are kept", n)
	}
	at.pass(breakWithin + 1)
	c.breakers.failed(tenant{workspace: "late"}, nil, FaultTrap, 0)
	if n := len(c.Health()); n != 1 {
		t.Errorf("%d are kept when they are old", n)
	}
}

func TestCrashOpensAtOnce(t *testing.T) {
	c, at := failing(t, Spec{Name: "crowd"})
	c.expect(t, "bad", "/plain", "answer")
	const rest = 7 * time.Second
	for range 2 { // whatever there was before
		c.breakers.failed(tenant{workspace: "uid-bad"}, &Caller{Workspace: "bad"}, FaultCrash, rest)
		c.expect(t, "bad", "/plain", "broken")
		if h := c.Health(); len(h) != 1 || h[0].State != BreakerOpen || h[0].Workspace != "bad" || h[0].Class != FaultCrash || !h[0].Until.Equal(at.Now().Add(rest)) {
			t.Errorf("its health is %+v", h)
		}
	}
	c.expect(t, "good", "/plain", "answer")
	at.pass(rest)
	c.expect(t, "bad", "/plain", "answer")
	eventuallyTrue(t, "it is closed", func() bool { return len(c.Health()) == 0 })
}
