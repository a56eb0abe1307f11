// Every turn is billed once, to those for whom it was.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// costs makes every turn of a guest from now on cost what a test says.
func costs(g *Guest, of func(t *machine.Turn) machine.Usage) {
	wrap(g, func(inner machine.Machine) machine.Machine {
		return &watched{Machine: inner, seen: func(t *machine.Turn) { t.Used = of(t) }}
	})
}

// in is a request of somebody in a workspace.
func in(workspace string) *Request {
	return &Request{Caller: Caller{User: "alice", UserUID: "u-1", Workspace: workspace, WorkspaceUID: "uid-" + workspace}}
}

// row is the usage of a workspace.
func (g *Guest) row(t testing.TB, workspace string) TenantUsage {
	t.Helper()
	_, rows := g.Usage()
	for _, r := range rows {
		if r.Workspace == workspace {
			return r
		}
	}
	t.Fatalf("no row of %q in %+v", workspace, rows)
	return TenantUsage{}
}

func TestTurnsAreSharedByThoseWhoHadAPart(t *testing.T) {
	var mu sync.Mutex
	price := machine.Usage{}
	costing := func(cpu time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		price = machine.Usage{CPU: cpu, Units: uint64(cpu)}
	}
	p := play(t, Limits{}, doorsOf("door"))
	costs(p.g, func(*machine.Turn) machine.Usage {
		mu.Lock()
		defer mu.Unlock()
		return price
	})
	costing(5)
	a := p.ask(t.Context(), in("a")) // its start and its own turn
	p.hears(wire.Open, 1)
	pollNow(t, p.g) // the one alone
	if r := p.g.row(t, "a"); r.CPU != 15 || r.Units != 15 || r.Requests != 1 {
		t.Fatalf("alone: %+v", r)
	}
	costing(0)
	b := p.ask(t.Context(), in("b"))
	p.hears(wire.Open, 3)
	pollNow(t, p.g) // its turn has been billed
	costing(100)
	p.say(join(sayHead(1), sayData(1, 0, "four"))) // a's alone
	if x, y := p.g.row(t, "a"), p.g.row(t, "b"); x.CPU != 115 || y.CPU != 0 || x.BytesIn != 0 || x.BytesOut != 4 {
		t.Errorf("a %+v, b %+v", x, y)
	}
	p.say(join(sayOpen(2, 1, "door", ""), sayEnd(2), sayHead(3))) // both have a part
	if x, y := p.g.row(t, "a"), p.g.row(t, "b"); x.CPU < 165 || y.CPU != 50 || x.HostCalls != 1 || y.HostCalls != 0 {
		t.Errorf("a %+v, b %+v", x, y)
	}
	eventuallyTrue(t, "the door's answer is billed", func() bool { return p.g.row(t, "a").CPU == 265 })
	pollNow(t, p.g) // nobody's part
	if x, y := p.g.row(t, "a"), p.g.row(t, "b"); x.CPU != 315 || y.CPU != 100 {
		t.Errorf("a %v, b %v", x.CPU, y.CPU)
	}
	i := p.instance()
	i.mu.Lock()
	if used := i.streams[3].bill.used.CPU; used != 50 { // the silent turn counts for no request
		t.Errorf("request 3 has used %v", used)
	}
	i.mu.Unlock()
	p.say(join(sayEnd(1), sayEnd(3)))
	for _, c := range []<-chan answered{a, b} {
		if got := <-c; got.err != nil {
			t.Error(got.err)
		} else {
			got.Body.Close()
		}
	}
	all, rows := p.g.Usage()
	var sum Usage
	for n := range rows {
		sum.Add(&rows[n].Usage)
	}
	if all.CPU != sum.CPU || all.Units != sum.Units || all.Requests != 2 || all.HostCalls != 1 {
		t.Errorf("all %+v, the sum of %d tenants %+v", all, len(rows), sum)
	}
}

// doorsOf has one door, which answers nothing but its status.
func doorsOf(authority string) func(string) Door {
	return func(a string) Door {
		if a != authority {
			return nil
		}
		return DoorFunc(func(context.Context, Parent, *Request) (*Response, error) { return &Response{Status: 204}, nil })
	}
}

func TestFaultsAndRefusalsHaveTheirTenant(t *testing.T) {
	c, _ := failing(t, Spec{Name: "crowd", Version: "1.0.0", Limits: Limits{Streams: 1, Instances: 1}})
	c.expect(t, "bad", "/poison", "fault")
	c.expect(t, "good", "/plain", "answer")
	c.released.Store(false)
	c.held.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() { asked <- c.as(ctx, "good", "/plain") }()
	eventuallyTrue(t, "it waits", func() bool { return c.Stats().Streams == 1 })
	if err := c.as(t.Context(), "good", "/plain"); !errors.Is(err, ErrBusy) {
		t.Errorf("over its streams: %v", err)
	}
	cancel()
	<-asked
	bad, good := c.row(t, "bad"), c.row(t, "good")
	if bad.Faults[FaultTrap] != 1 || len(bad.Faults) != 1 || len(good.Faults) != 0 {
		t.Errorf("faults: bad %v, good %v", bad.Faults, good.Faults)
	}
	if good.Refused[BudgetStreams] != 1 || len(bad.Refused) != 0 {
		t.Errorf("refused: bad %v, good %v", bad.Refused, good.Refused)
	}
	if all, _ := c.Usage(); all.Faults[FaultTrap] != 1 || all.Refused[BudgetStreams] != 1 {
		t.Errorf("all: %v %v", all.Faults, all.Refused)
	}
}

func TestQuietAccountsAreFoldedAndNothingIsLost(t *testing.T) {
	var a accounts
	a.init(Limits{})
	begun := time.Now()
	of := func(n int, now time.Time) *account {
		return a.of(tenant{workspace: fmt.Sprint(n)}, &Caller{Workspace: fmt.Sprint("name ", n)}, now)
	}
	pay := func(at *account, now time.Time) {
		at = at.lock()
		at.pay(machine.Usage{CPU: 1}, now)
		at.mu.Unlock()
	}
	for n := range maxAccounts {
		pay(of(n, begun), begun)
	}
	if at := of(maxAccounts, begun); at != &a.others {
		t.Error("with all of them busy, the next one has an account of its own")
	}
	first := of(0, begun)
	first.refuse(BudgetStreams)
	first.fault(FaultTrap)
	first.holds(0, 64)
	later := begun.Add(accountQuiet)
	pay(of(1, later), later) // is not quiet
	if at := of(maxAccounts, later); at == &a.others || at.owner.Workspace != fmt.Sprint("name ", maxAccounts) {
		t.Errorf("there was no room for the next one: %+v", at.owner)
	}
	if n := len(a.all); n != maxAccounts-maxAccounts/8+1 {
		t.Errorf("%d accounts are left", n)
	}
	if a.all[tenant{workspace: "1"}] == nil || first.folded.Load() != nil && a.all[tenant{workspace: "0"}] != nil {
		t.Error("the wrong ones were folded")
	}
	for n := range maxAccounts { // until all that were quiet have gone
		pay(of(2*maxAccounts+n, later), later)
	}
	first.holds(64, 0)
	pay(first, later) // which somebody has held all the time
	var sum time.Duration
	for _, r := range a.tenants() {
		sum += r.CPU
		if r.Others && (r.Refused[BudgetStreams] != 1 || r.Faults[FaultTrap] != 1 || r.Memory != 0 || r.MemoryPeak != 64) {
			t.Errorf("the others' row is %+v", r)
		}
	}
	if sum != 2*maxAccounts+2 {
		t.Errorf("of %d payments %d are in the books", 2*maxAccounts+2, sum)
	}
	if len(a.all) > maxAccounts {
		t.Errorf("%d accounts are kept", len(a.all))
	}
}

// TestFoldingLosesNoPayment lets many pay into accounts that are folded under
// them.
func TestFoldingLosesNoPayment(t *testing.T) {
	var a accounts
	a.init(Limits{})
	now := time.Now()
	const payers, payments = 4, 2000
	var wg sync.WaitGroup
	for payer := range payers {
		wg.Go(func() {
			for n := range payments {
				at := a.of(tenant{workspace: fmt.Sprint(n * (payer + 1))}, &Caller{}, now)
				at = at.lock()
				at.pay(machine.Usage{CPU: 1}, now.Add(-2*accountQuiet)) // quiet at once
				at.mu.Unlock()
			}
		})
	}
	wg.Wait()
	var sum time.Duration
	for _, r := range a.tenants() {
		sum += r.CPU
	}
	if sum != payers*payments {
		t.Errorf("of %d payments %d are in the books", payers*payments, sum)
	}
}

func TestModulesUseProcessorMemoryAndBytes(t *testing.T) {
	wasm := sandboxtest.Guest(t, "testdata/guests/kit")
	e := engineFor(t, nil)
	g := e.Load(Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	x := Exchange{Request: *in("a"), Send: make([]byte, 64)}
	x.Request.Authority, x.Request.Method, x.Request.Target = "route", "POST", "/frame"
	const calls = 10
	for range calls {
		if err := g.Exchange(t.Context(), &x); err != nil || x.Status != 200 {
			t.Fatal(x.Status, err)
		}
	}
	all, rows := g.Usage()
	if len(rows) != 1 || rows[0].Requests != calls || rows[0].BytesIn != calls*64 || rows[0].BytesOut != calls*uint64(len(x.Body)) || rows[0].CPU <= 0 || rows[0].Units == 0 {
		t.Errorf("%+v", rows)
	}
	if m := g.Stats().Memory; all.Memory != m || rows[0].Memory != m || m == 0 || rows[0].MemoryPeak < m {
		t.Errorf("%d bytes of memory, and in the books %+v, %+v", m, all, rows[0])
	}
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, rows = g.Usage(); all.Memory != 0 || rows[0].Memory != 0 || rows[0].MemoryPeak == 0 {
		t.Errorf("after the end: %+v, %+v", all, rows[0])
	}
}

// TestStartsAreBilledToWhoeverAsked has instances take long to start, and fail.
func TestStartsAreBilledToWhoeverAsked(t *testing.T) {
	e := engineFor(t, nil)
	g := e.Load(Spec{Name: "slow", Limits: Limits{CPUPerRequest: 10, CPUPerMinute: 1500}})
	fails := atomic.Bool{}
	g.source = func(context.Context) (machine.Code, error) {
		return starter(func(_ context.Context, s machine.Start) (machine.Machine, error) {
			if *s.Used = (machine.Usage{CPU: 1000, Units: 7}); fails.Load() {
				return nil, fmt.Errorf("%w: on purpose", machine.ErrStart)
			}
			return &native{play: saysHello(func(f wire.Frame) []byte {
				if f.Type != wire.Open {
					return nil
				}
				return join(sayHead(f.Stream), sayEnd(f.Stream))
			})}, nil
		}), nil
	}
	for range 3 {
		resp, err := g.Do(t.Context(), in("a"))
		if err != nil { // its start is no part of its own budget
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if r := g.row(t, "a"); r.CPU != 1000 || r.Units != 7 {
		t.Errorf("%+v", r)
	}
	fails.Store(true)
	for range 2 {
		if got := outcome(func() error { _, err := g.Do(t.Context(), in("b")); return err }()); got != "fault" {
			t.Errorf("it ended with %s", got)
		}
	}
	if r := g.row(t, "b"); r.CPU != 2000 || r.Units != 14 || r.Requests != 0 || r.Faults[FaultStart] != 2 {
		t.Errorf("%+v", r)
	}
	_, err := g.Do(t.Context(), in("b")) // which has started as much as it may in a minute
	if b, _ := over(err); b != BudgetCPUPerMinute {
		t.Errorf("it ended with %v", err)
	}
	if all, rows := g.Usage(); all.CPU != 3000 || len(rows) != 2 {
		t.Errorf("%+v of %d", all, len(rows))
	}
}
