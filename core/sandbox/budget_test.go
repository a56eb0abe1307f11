// A budget that is used up ends the request that used it, or keeps the next one
// out, and says so; nobody else notices.
package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestLimitsHaveDefaultsAndCaps(t *testing.T) {
	usual := Limits{}.Capped(Limits{})
	want := Limits{
		Memory: 64 << 20, MemoryTotal: 2 << 30, CPUPerPoll: 2 * time.Second, CPUPerRequest: 2 * time.Second, CPUPerMinute: 30 * time.Second,
		Deadline: 30 * time.Second, Streams: 2000, Instances: 4, RequestSize: 32 << 20, ResponseSize: 64 << 20, HostCallsPerSecond: 1000, LogLinesPerMinute: 3000,
	}
	if usual != want {
		t.Errorf("the defaults are %+v", usual)
	}
	if got := usual.Capped(Limits{}); got != usual {
		t.Errorf("what holds, held again, is %+v", got)
	}
	free := Limits{
		Memory: 1 << 62, MemoryTotal: 1 << 62, CPUPerPoll: 1 << 60, CPUPerRequest: -1, CPUPerMinute: -1, Deadline: -1,
		Streams: 1 << 30, Instances: 1 << 30, RequestSize: -1, ResponseSize: -1, HostCallsPerSecond: -1, LogLinesPerMinute: 1 << 30,
	}
	if got := free.Capped(Limits{}); got != free {
		t.Errorf("without caps %+v came to %+v", free, got)
	}
	if got := free.Capped(usual); got != usual {
		t.Errorf("capped to the defaults it came to %+v", got)
	}
	small := Limits{
		Memory: 1, MemoryTotal: 1, CPUPerPoll: 1, CPUPerRequest: 2, CPUPerMinute: 1, Deadline: 1,
		Streams: 1, Instances: 1, RequestSize: 1, ResponseSize: 1, HostCallsPerSecond: 1, LogLinesPerMinute: 1,
	}
	if got := (Limits{}).Capped(small); got != small {
		t.Errorf("caps hold for defaults too: %+v", got)
	}
	if got := (Limits{CPUPerRequest: 7}).Capped(Limits{}); got.CPUPerPoll != 7 {
		t.Errorf("a poll may take %v of a request's 7", got.CPUPerPoll)
	}
}

// over tells which budget an error says is used up, and whether it comes back.
func over(err error) (b Budget, later bool) {
	var budget *BudgetError
	if errors.As(err, &budget) {
		return budget.Budget, !budget.Until.IsZero()
	}
	return "", false
}

func TestRequestOverItsProcessorTimeIsReset(t *testing.T) {
	p := play(t, Limits{CPUPerRequest: 100, CPUPerPoll: time.Second}, nil)
	var price atomic.Int64
	costs(p.g, func(*machine.Turn) machine.Usage { return machine.Usage{CPU: time.Duration(price.Load())} })
	greedy := p.ask(t.Context(), in("a"))
	p.hears(wire.Open, 1)
	modest := p.ask(t.Context(), in("b"))
	p.hears(wire.Open, 3)
	pollNow(t, p.g)
	price.Store(60)
	p.say(sayHead(1))
	p.say(sayHead(3))
	one, two := <-greedy, <-modest
	if one.err != nil || two.err != nil {
		t.Fatal(one.err, two.err)
	}
	if n := p.faults.Load() + int64(len(p.has(wire.Reset, 1))); n != 0 {
		t.Fatal("within its budget it was reset")
	}
	p.say(sayData(1, 0, "x")) // which makes it 120
	if f := p.hears(wire.Reset, 1)[0]; wire.Code(f.Payload[0]) != wire.RateLimited {
		t.Errorf("the guest is told %x", f.Payload)
	}
	if _, err := io.ReadAll(one.Body); err == nil {
		t.Error("its body came to an end")
	} else if b, later := over(err); b != BudgetCPUPerRequest || later {
		t.Errorf("its reader is told %v", err)
	}
	if r := p.g.row(t, "a"); r.Refused[BudgetCPUPerRequest] != 1 {
		t.Errorf("refused: %v", r.Refused)
	}
	price.Store(0)
	p.say(join(wire.AppendReset(nil, 1, wire.Cancelled, ""), sayData(3, 0, "well"), sayEnd(3)))
	if b, err := io.ReadAll(two.Body); string(b) != "well" || err != nil {
		t.Errorf("its neighbour answers %q, %v", b, err)
	}
	if p.faults.Load() != 0 {
		t.Error("the instance has ended")
	}
}

func TestLongRequestHasItsProcessorTimeEachMinute(t *testing.T) {
	p := play(t, Limits{CPUPerRequest: 100, CPUPerPoll: time.Second}, nil)
	var price atomic.Int64
	costs(p.g, func(*machine.Turn) machine.Usage { return machine.Usage{CPU: time.Duration(price.Load())} })
	p.ask(t.Context(), in("a"))
	p.hears(wire.Open, 1)
	pollNow(t, p.g)
	i := p.instance()
	i.mu.Lock()
	i.streams[1].bill.since = time.Now().Add(-2 * time.Minute)
	i.mu.Unlock()
	price.Store(60)
	for range 5 {
		pollNow(t, p.g)
	}
	if len(p.has(wire.Reset, 1)) != 0 {
		t.Error("it was reset in its third minute, with no more than 300 used")
	}
	pollNow(t, p.g)
	p.hears(wire.Reset, 1)
}

func TestWhatGoesOnAfterItsResetIsAFault(t *testing.T) {
	p := play(t, Limits{CPUPerRequest: 100, CPUPerPoll: time.Second}, nil)
	costs(p.g, func(*machine.Turn) machine.Usage { return machine.Usage{CPU: 101} })
	asked := p.ask(t.Context(), in("a"))
	p.hears(wire.Open, 1)
	if b, _ := over((<-asked).err); b != BudgetCPUPerRequest { // its start was as much, and is not the request's
		t.Error("it was not reset for it")
	}
	eventuallyTrue(t, "the instance has ended", func() bool {
		if i := p.instance(); i != nil {
			i.mu.Lock()
			i.wake = time.Now()
			i.kick()
			i.mu.Unlock()
		}
		return p.faults.Load() == 1
	})
	if all, _ := p.g.Usage(); all.Faults[FaultTime] != 1 {
		t.Errorf("faults: %v", all.Faults)
	}
}

func TestTenantsMinuteIsItsOwn(t *testing.T) {
	c, _ := failing(t, Spec{Name: "crowd", Isolation: IsolateShared, Limits: Limits{CPUPerMinute: 100, CPUPerRequest: -1}})
	var price atomic.Int64
	costs(c.Guest, func(*machine.Turn) machine.Usage { return machine.Usage{CPU: time.Duration(price.Load())} })
	c.expect(t, "good", "/plain", "answer")
	price.Store(101)
	c.expect(t, "bad", "/plain", "answer")
	price.Store(0)
	eventuallyTrue(t, "it is billed", func() bool { return c.row(t, "bad").CPU >= 101 })
	before := time.Now()
	err := c.as(t.Context(), "bad", "/plain")
	var budget *BudgetError
	if !errors.As(err, &budget) || budget.Budget != BudgetCPUPerMinute || !errors.Is(err, ErrBusy) || budget.Until.Before(before) || budget.Until.After(time.Now().Add(time.Minute)) {
		t.Fatalf("over its minute: %v", err)
	}
	x := Exchange{Request: *in("bad")}
	if b, later := over(c.Exchange(t.Context(), &x)); b != BudgetCPUPerMinute || !later {
		t.Error("an exchange was let through")
	}
	c.expect(t, "good", "/plain", "answer")
	if r := c.row(t, "bad"); r.Refused[BudgetCPUPerMinute] != 2 {
		t.Errorf("refused: %v", r.Refused)
	}
	at := c.accounts.of(tenant{workspace: "uid-bad"}, &Caller{}, time.Now())
	at.mu.Lock()
	at.minute.began = at.minute.began.Add(-time.Minute)
	at.mu.Unlock()
	c.expect(t, "bad", "/plain", "answer")
	if n := c.accounts.over.Load(); n != 0 {
		t.Errorf("%d are over", n)
	}
}

func TestMemoryOfAllIsBoundedAndIdleInstancesGo(t *testing.T) {
	c, _ := failing(t, Spec{Name: "crowd", Limits: Limits{MemoryTotal: 200}})
	wrap(c.Guest, func(m machine.Machine) machine.Machine { return heavy{m, 100} })
	c.expect(t, "a", "/plain", "answer")
	c.expect(t, "b", "/plain", "answer")
	c.expect(t, "c", "/plain", "answer") // and a's has gone
	eventuallyTrue(t, "two are left", func() bool { return c.Stats().Instances == 2 })
	if all, _ := c.Usage(); all.Memory != 200 || all.MemoryPeak != 200 {
		t.Errorf("%d bytes, and %d once", all.Memory, all.MemoryPeak)
	}
	c.held.Store(true)
	c.released.Store(false)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 2)
	for _, w := range []string{"b", "c"} {
		go func() { asked <- c.as(ctx, w, "/plain") }()
	}
	eventuallyTrue(t, "both are busy", func() bool { return c.Stats().Streams == 2 })
	err := c.as(t.Context(), "d", "/plain")
	if b, later := over(err); b != BudgetMemoryTotal || !later {
		t.Errorf("with both busy: %v", err)
	}
	if r := c.row(t, "d"); r.Refused[BudgetMemoryTotal] != 1 {
		t.Errorf("refused: %v", r.Refused)
	}
	cancel()
	<-asked
	<-asked
	c.held.Store(false)
	c.released.Store(true)
	eventuallyTrue(t, "they are answered", func() bool { return c.Stats().Streams == 0 })
	c.expect(t, "d", "/plain", "answer")
}

// heavy is a machine that takes memory.
type heavy struct {
	machine.Machine
	bytes uint64
}

func (h heavy) Memory() uint64 { return h.bytes }

func TestRequestsAndAnswersHaveASize(t *testing.T) {
	p := play(t, Limits{RequestSize: 20_000, ResponseSize: 30_000}, nil)
	r := in("a")
	r.Body = io.MultiReader(bytes.NewReader(make([]byte, 20_000)), strings.NewReader("x"))
	asked := p.ask(t.Context(), r)
	if b, later := over((<-asked).err); b != BudgetRequestSize || later {
		t.Error("a large request was not reset for its size")
	}
	if f := p.hears(wire.Reset, 1)[0]; wire.Code(f.Payload[0]) != wire.TooLarge {
		t.Errorf("the guest is told %x", f.Payload)
	}
	x := Exchange{Request: *in("a"), Send: make([]byte, 20_001)}
	if b, _ := over(p.g.Exchange(t.Context(), &x)); b != BudgetRequestSize {
		t.Error("a large exchange was let through")
	}
	p.say(wire.AppendReset(nil, 1, wire.Cancelled, ""))
	for n, endless := range []bool{false, true} {
		r := in("a")
		r.Endless = endless
		id := uint32(3 + 2*n)
		asked := p.ask(t.Context(), r)
		p.hears(wire.Open, id)
		p.say(join(sayHead(id), sayData(id, 0, strings.Repeat("y", 30_000))))
		got := <-asked
		if _, err := io.ReadFull(got.Body, make([]byte, 30_000)); err != nil {
			t.Fatal(err)
		}
		p.hears(wire.Window, id)
		p.say(sayData(id, 0, "z"))
		_, err := io.ReadFull(got.Body, make([]byte, 1))
		if b, _ := over(err); (b == BudgetResponseSize) == endless || endless && err != nil {
			t.Errorf("endless %v: one byte more reads %v", endless, err)
		}
		if !endless {
			p.hears(wire.Reset, id)
		}
		got.Body.Close()
	}
	if all, _ := p.g.Usage(); all.Refused[BudgetRequestSize] != 2 || all.Refused[BudgetResponseSize] != 1 || all.Faults[FaultWindow] != 0 {
		t.Errorf("refused %v", all.Refused)
	}
	i := p.instance()
	i.mu.Lock()
	defer i.mu.Unlock()
	checkBooks(t, i)
}

func TestHostCallsWaitOrAreRefused(t *testing.T) {
	var a accounts
	a.init(Limits{HostCallsPerSecond: 10})
	now := time.Now()
	at := a.of(tenant{workspace: "a"}, &Caller{}, now)
	waits, refused := 0, 0
	for range 30 {
		switch after, err := at.call(now); {
		case err != nil:
			refused++
		case after > 0:
			waits++
		}
	}
	if waits != 10 || refused != 10 {
		t.Errorf("of thirty calls at once, %d wait and %d are refused", waits, refused)
	}
	if after, err := at.call(now.Add(2 * time.Second)); after != 0 || err != nil {
		t.Errorf("later: %v, %v", after, err)
	}
	if after, err := a.of(tenant{workspace: "b"}, &Caller{}, now).call(now); after != 0 || err != nil {
		t.Errorf("another tenant: %v, %v", after, err)
	}
	p := play(t, Limits{HostCallsPerSecond: 1}, doorsOf("door"))
	p.ask(t.Context(), in("a"))
	p.hears(wire.Open, 1)
	var b []byte
	for n := range uint32(4) {
		b = append(b, join(sayOpen(2*n+2, 1, "door", ""), sayEnd(2*n+2))...)
	}
	p.say(b)
	p.hears(wire.Head, 2)
	if f := p.hears(wire.Reset, 8)[0]; wire.Code(f.Payload[0]) != wire.RateLimited {
		t.Errorf("the guest is told %x", f.Payload)
	}
	if r := p.g.row(t, "a"); r.Refused[BudgetHostCalls] == 0 {
		t.Errorf("refused: %v", r.Refused)
	}
}

// TestDoorThatHearsNothingHoldsNobodyUp has a door that does not look at its
// context: the caller is told at its deadline all the same.
func TestDoorThatHearsNothingHoldsNobodyUp(t *testing.T) {
	release, inside := make(chan struct{}), make(chan struct{}, 1)
	p := play(t, Limits{}, func(string) Door {
		return DoorFunc(func(context.Context, Parent, *Request) (*Response, error) {
			inside <- struct{}{}
			<-release
			return &Response{Status: 204}, nil
		})
	})
	defer close(release)
	asked := p.ask(t.Context(), in("a"))
	p.hears(wire.Open, 1)
	p.say(join(sayOpen(2, 1, "door", ""), sayEnd(2)))
	<-inside
	i := p.instance()
	i.mu.Lock()
	s := i.streams[1]
	i.mu.Unlock()
	i.expire(s)
	var reset *ResetError
	if err := (<-asked).err; !errors.As(err, &reset) || reset.Code != wire.Deadline {
		t.Errorf("it ended with %v", err)
	}
	p.hears(wire.Reset, 2) // and the door is in there still
	if all, _ := p.g.Usage(); all.Refused[BudgetDeadline] != 1 {
		t.Errorf("refused: %v", all.Refused)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if err := p.g.Close(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("closing: %v", err)
	}
	if n := p.g.Stats().Instances; n != 0 {
		t.Errorf("%d instances are left", n)
	}
}

func TestLogLinesHaveABudgetAMinute(t *testing.T) {
	var text strings.Builder
	now := time.Now()
	l := newGuestLog(slog.New(slog.NewTextHandler(&text, nil)), 6, now)
	for range 10 {
		l.write(now, []byte("line\n"))
	}
	if n := strings.Count(text.String(), "says.text=line"); n != 6 || l.lost != 4 {
		t.Errorf("%d lines were logged, %d dropped", n, l.lost)
	}
	l.write(now.Add(10*time.Second), []byte("line\nline\n"))
	if n := strings.Count(text.String(), "says.text=line"); n != 7 || strings.Count(text.String(), "dropped=4") != 1 {
		t.Errorf("after ten seconds:\n%s", text.String())
	}
}
