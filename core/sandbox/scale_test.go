// Several instances of one key: when another one starts, who carries what, and what
// becomes of them.
package sandbox

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// team is a guest that answers when its test says so, and knows which of its
// instances was asked.
type team struct {
	*testing.T
	g *Guest

	mu      sync.Mutex
	members []*member // in the order of their starts
	starts  int       // those that came to nothing among them
	refuse  error     // what a start comes to
	gate    chan struct{}
	heard   int // requests
}

// member is one instance's machine.
type member struct {
	*team
	open   []uint32
	memory uint64
	say    bool
	closed bool
}

func assemble(t *testing.T, spec Spec) *team {
	c := &team{T: t}
	spec.Name, spec.Limits.Deadline = "team", -1
	c.g = engineFor(t, nil).Load(spec)
	c.g.engine.places = 8
	c.g.source = func(context.Context) (machine.Code, error) {
		return starter(func(context.Context, machine.Start) (machine.Machine, error) {
			c.mu.Lock()
			gate := c.gate
			c.starts++
			c.mu.Unlock()
			if gate != nil {
				<-gate
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.refuse != nil {
				return nil, c.refuse
			}
			m := &member{team: c, memory: 1 << 20}
			c.members = append(c.members, m)
			return m, nil
		}), nil
	}
	return c
}

func (m *member) Turn(t *machine.Turn) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.Frames, t.Used = nil, machine.Usage{CPU: time.Millisecond}
	for _, f := range frames(t.Batch) {
		switch f.Type {
		case wire.Hello:
			t.Frames = wire.AppendFrame(t.Frames, wire.Hello, 0, 0, wire.AppendU16(nil, wire.TagMinor, 0))
		case wire.Open:
			m.open = append(m.open, f.Stream)
			m.heard++
		}
	}
	if m.say {
		for _, id := range m.open {
			t.Frames = append(t.Frames, join(sayHead(id), sayEnd(id))...)
		}
		m.open = nil
	}
	return nil
}

func (m *member) Kill() {}

func (m *member) Memory() uint64 { return m.memory }

func (m *member) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

// as asks on behalf of a workspace, waits until an instance has heard it and what
// it started has started, and tells which instance it was, counted from 0.
func (c *team) as(workspace string) (who int, answer <-chan error) {
	c.Helper()
	c.mu.Lock()
	heard, before := c.heard, make([]int, len(c.members))
	for n, m := range c.members {
		before[n] = len(m.open)
	}
	c.mu.Unlock()
	answer = c.send(workspace)
	eventuallyTrue(c, "an instance hears it", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.heard > heard
	})
	c.settle()
	c.mu.Lock()
	defer c.mu.Unlock()
	for n, m := range c.members {
		if n >= len(before) && len(m.open) > 0 || n < len(before) && len(m.open) > before[n] {
			return n, answer
		}
	}
	c.Fatal("nobody carries it")
	return 0, nil
}

// send asks and waits for nothing.
func (c *team) send(workspace string) <-chan error {
	answer := make(chan error, 1)
	go func() {
		resp, err := c.g.Do(c.Context(), &Request{Authority: "route", Caller: Caller{Workspace: workspace, User: "alice"}})
		if err == nil {
			resp.Body.Close()
		}
		answer <- err
	}()
	return answer
}

// settle waits until no instance is being started.
func (c *team) settle() {
	c.g.loading <- struct{}{}
	<-c.g.loading
}

// asks asks for a workspace, and compares which instances were asked.
func (c *team) asks(workspace string, want ...int) (answers []<-chan error) {
	c.Helper()
	for n, w := range want {
		who, answer := c.as(workspace)
		if who != w {
			c.Fatalf("request %d of %s goes to the instance %d, want %d", n, workspace, who, w)
		}
		answers = append(answers, answer)
	}
	return answers
}

// answer lets instances answer what they carry.
func (c *team) answer(who ...int) {
	c.Helper()
	c.mu.Lock()
	for _, n := range who {
		c.members[n].say = true
	}
	c.mu.Unlock()
	pollNow(c, c.g)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range who {
		c.members[n].say = false
	}
}

// started is how many starts there were.
func (c *team) started() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.starts
}

// of is the machine's instance.
func (c *team) of(who int) *instance {
	c.Helper()
	for _, i := range c.g.alive() {
		if i.run == machine.Machine(c.members[who]) {
			return i
		}
	}
	c.Fatalf("the instance %d is gone", who)
	return nil
}

// busy makes an instance one that has computed all the time.
func (c *team) busy(who int) {
	i := c.of(who)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.share = share{began: time.Now().Add(-shareWindow), used: time.Hour}
}

// rest makes an instance one that has been idle for an hour.
func (c *team) rest(who int) {
	i := c.of(who)
	i.mu.Lock()
	i.active = time.Now().Add(-time.Hour)
	i.kick()
	i.mu.Unlock()
	<-i.done
}

// counts compares what the guest counts with what there is.
func (c *team) counts(instances int) {
	c.Helper()
	s := c.g.Stats()
	if s.Instances != instances || s.Memory != uint64(instances)<<20 {
		c.Errorf("%d instances, and it counts %+v", instances, s)
	}
	if m, _ := c.g.memory.look(); m != s.Memory {
		c.Errorf("%d bytes of memory are billed, and there are %d", m, s.Memory)
	}
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	beside := 0
	for k := range c.g.instances {
		if k.nth > 0 {
			beside++
		}
	}
	if beside != c.g.beside {
		c.Errorf("%d are beside others, and it counts %d", beside, c.g.beside)
	}
}

func drained(t *testing.T, answers []<-chan error) {
	t.Helper()
	for n, a := range answers {
		if err := <-a; err != nil {
			t.Errorf("answer %d: %v", n, err)
		}
	}
}

func TestOthersStartWhenHalfTheStreamsAreTaken(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateShared, Limits: Limits{Streams: 4, Instances: 3}})
	all := c.asks("w", 0)
	c.counts(1)
	all = append(all, c.asks("w", 0)...) // half of four: another one starts
	c.counts(2)
	all = append(all, c.asks("w", 1, 1)...)
	c.counts(3)
	all = append(all, c.asks("w", 2, 2, 0, 1, 2, 0, 1, 2)...)
	c.counts(3)
	err := <-c.send("w")
	if b, _ := over(err); b != BudgetStreams || !errors.Is(err, ErrBusy) {
		t.Errorf("when all are full: %v", err)
	}
	if usage, _ := c.g.Usage(); usage.Refused[BudgetStreams] != 1 || c.started() != 3 {
		t.Errorf("refused %v, %d were started", usage.Refused, c.started())
	}
	c.answer(0, 1, 2)
	drained(t, all)
	if s := c.g.Stats(); s.Requests != 12 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
}

func TestOneInstanceIsOne(t *testing.T) {
	for _, spec := range []Spec{
		{Isolation: IsolateShared, Limits: Limits{Streams: 2, Instances: 1}},
		{Isolation: IsolateWorkspace, Limits: Limits{Streams: 2, Instances: 1}},
	} {
		c := assemble(t, spec)
		all := c.asks("w", 0)
		c.busy(0)
		all = append(all, c.asks("w", 0)...)
		if err := <-c.send("w"); !errors.Is(err, ErrBusy) || c.started() != 1 {
			t.Errorf("%s: %v, %d were started", spec.Isolation, err, c.started())
		}
		c.answer(0)
		drained(t, all)
	}
}

// TestWhoFindsAllFullWaitsForTheNext has an instance be started slowly.
func TestWhoFindsAllFullWaitsForTheNext(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateShared, Limits: Limits{Streams: 1, Instances: 2}})
	gate := make(chan struct{})
	first := c.send("w")
	eventuallyTrue(t, "it is open", func() bool { return c.g.Stats().Streams == 1 })
	c.settle()
	c.rested(func() { c.gate = gate })
	c.answer(0)
	drained(t, []<-chan error{first})
	c.rest(1) // which the first request had started
	first = c.send("w")
	eventuallyTrue(t, "another one is being started", func() bool { return c.started() == 3 })
	second := c.send("w")
	close(gate)
	eventuallyTrue(t, "both are heard", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.heard == 3
	})
	if err := <-c.send("w"); !errors.Is(err, ErrBusy) {
		t.Errorf("the third: %v", err)
	}
	c.answer(0, 2)
	drained(t, []<-chan error{first, second})
}

// rested does something with the team's mu held.
func (c *team) rested(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func TestOthersStartWhenOneComputesAllTheTime(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateShared, Limits: Limits{Instances: 3}})
	all := c.asks("w", 0)
	c.busy(0)
	c.answer(0)
	c.busy(0)
	all = append(all, c.asks("w", 0)...) // it is alone: another instance would not help it
	c.counts(1)
	all = append(all, c.asks("w", 0)...)
	c.counts(2)
	all = append(all, c.asks("w", 1)...)
	c.busy(1)
	all = append(all, c.asks("w", 1)...)
	c.counts(3)
	all = append(all, c.asks("w", 2)...)
	c.answer(0, 1, 2)
	drained(t, all)
	if i := c.of(2); i.share.used < time.Millisecond {
		t.Errorf("its turns took %v", i.share.used)
	}
}

// TestNoMoreComputeThanThereAreProcessors has instances that are busy, and no
// processor for another one.
func TestNoMoreComputeThanThereAreProcessors(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateShared, Limits: Limits{Instances: 3, Streams: 8}})
	c.g.engine.places = 1
	all := c.asks("w", 0)
	c.busy(0)
	all = append(all, c.asks("w", 0, 0)...)
	c.counts(1)
	all = append(all, c.asks("w", 0)...) // but streams are no matter of processors
	c.counts(2)
	c.answer(0)
	drained(t, all)
}

func TestShareIsOfTheLastWindow(t *testing.T) {
	var s share
	at := time.Unix(1000, 0)
	for _, step := range []struct {
		after, cpu time.Duration
		over       bool
	}{
		{0, 700 * time.Millisecond, false},
		{900 * time.Millisecond, 200 * time.Millisecond, false}, // the window is not over
		{100 * time.Millisecond, 0, true},
		{500 * time.Millisecond, 300 * time.Millisecond, true},
		{500 * time.Millisecond, 0, false},
		{0, 2 * time.Second, false}, // one long turn
		{2 * time.Second, 0, true},
		{time.Hour, 900 * time.Millisecond, false},
	} {
		at = at.Add(step.after)
		if got := s.over(at); got != step.over {
			t.Errorf("at %v: %v, with %+v", at.Sub(time.Unix(1000, 0)), got, s)
		}
		s.computed(step.cpu, at)
	}
}

func TestOthersGoWhenTheyAreIdle(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateShared, Limits: Limits{Streams: 2, Instances: 3}})
	first := c.asks("w", 0)
	c.counts(2)
	second := c.asks("w", 1)
	c.counts(3)
	c.answer(1)
	drained(t, second)
	c.rest(1)
	c.rest(2)
	c.counts(1)
	again := c.asks("w", 0) // nothing is lost of what the first carries, nor of what comes
	c.answer(0)
	drained(t, append(first, again...))
	eventuallyTrue(t, "there are two again", func() bool { return c.g.Stats().Instances == 2 })
	c.rest(0) // the first goes as the others do
	c.counts(1)
	last := c.asks("w", 3)
	c.answer(3)
	drained(t, last)
	for _, i := range c.g.alive() {
		i.stop(errUnloaded)
	}
	c.counts(0)
	c.rested(func() {
		for n, m := range c.members {
			if !m.closed {
				t.Errorf("the machine of %d is not closed", n)
			}
		}
	})
}

func TestTenantsKeepTheirInstancesApart(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateWorkspace, Limits: Limits{Streams: 4, Instances: 2}})
	all := c.asks("a", 0, 0, 1) // 1 is a's second
	all = append(all, c.asks("b", 2)...)
	all = append(all, c.asks("a", 1)...)
	all = append(all, c.asks("b", 2, 3)...)
	c.counts(4)
	if _, rows := c.g.Usage(); len(rows) != 2 {
		t.Errorf("the usage of %d tenants: %+v", len(rows), rows)
	} else if rows[0].Memory != 2<<20 || rows[1].Memory != 2<<20 {
		t.Errorf("their memory is %d and %d", rows[0].Memory, rows[1].Memory)
	}
	c.answer(0, 1, 2, 3)
	drained(t, all)
	lone := assemble(t, Spec{Isolation: IsolateRequest, Limits: Limits{Streams: 1, Instances: 2}})
	all = lone.asks("a", 0, 1, 2)
	lone.counts(3)
	lone.answer(0, 1, 2)
	drained(t, all)
	if n := lone.started(); n != 3 {
		t.Errorf("three requests have started %d instances", n)
	}
}

// TestOthersPushNobodyOut has memory for as many instances as there are.
func TestOthersPushNobodyOut(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateWorkspace, Limits: Limits{Streams: 2, Instances: 4, MemoryTotal: 3 << 20}})
	idle := c.asks("idle", 0)
	c.rested(func() { c.members[0].say = true })
	pollNow(t, c.g)
	drained(t, idle)
	c.settle()
	c.rest(1) // which that had started
	all := c.asks("w", 2)
	c.counts(3)
	all = append(all, c.asks("w", 3, 2, 3)...)
	c.counts(3)
	if err := <-c.send("w"); !errors.Is(err, ErrBusy) {
		t.Errorf("when all are full: %v", err)
	}
	if usage, _ := c.g.Usage(); usage.Refused[BudgetMemoryTotal] != 0 || usage.Refused[BudgetStreams] != 1 {
		t.Errorf("refused: %v", usage.Refused)
	}
	c.of(0) // is there still
	c.answer(2, 3)
	drained(t, all)
}

// TestOneThatCannotStartBesideIsNobodysFault lets all starts but the first fail.
func TestOneThatCannotStartBesideIsNobodysFault(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateWorkspace, Limits: Limits{Streams: 4, Instances: 4}})
	all := c.asks("w", 0)
	c.rested(func() { c.refuse = machine.ErrStart })
	all = append(all, c.asks("w", 0, 0, 0)...)
	for range 3 {
		if err := <-c.send("w"); !errors.Is(err, ErrBusy) {
			t.Errorf("when all are full: %v", err)
		}
	}
	if n, h := c.started(), c.g.Health(); n != 2 || len(h) != 0 {
		t.Errorf("it was tried %d times; %+v", n, h)
	}
	c.rested(func() { c.refuse = nil })
	c.g.mu.Lock()
	c.g.inVain = time.Now().Add(-growPause)
	c.g.mu.Unlock()
	all = append(all, c.asks("w", 1)...)
	c.answer(0, 1)
	drained(t, all)
}

func TestRenewedKeyStartsItsFirst(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateShared, Limits: Limits{Streams: 4, Instances: 3}})
	all := c.asks("w", 0, 0, 1)
	key := instanceKey{kind: "shared"}
	r := &recordingSession{key: key}
	if err := c.g.renew(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	all = append(all, c.asks("w", 2)...)
	if i := c.of(2); i.key != key {
		t.Errorf("the next one is %+v", i.key)
	}
	c.counts(3)
	r.taken.Store(true) // the next one is recorded: it stays
	if err := c.g.renew(t.Context(), r); err != nil || c.of(2).key != key {
		t.Errorf("the one that is recorded is %+v; %v", c.of(2).key, err)
	}
	c.answer(0, 1)
	drained(t, all[:3])
	eventuallyTrue(t, "the old ones are gone", func() bool { return c.g.Stats().Instances == 1 })
	c.answer(2)
	drained(t, all[3:])
	c.counts(1)
}

func TestClosingEndsAllOfAKey(t *testing.T) {
	c := assemble(t, Spec{Isolation: IsolateShared, Limits: Limits{Streams: 4, Instances: 3}})
	all := c.asks("w", 0, 0, 1, 1)
	closed := make(chan error, 1)
	go func() { closed <- c.g.Close(t.Context()) }()
	eventuallyTrue(t, "the idle one is gone", func() bool { return c.g.Stats().Instances == 2 })
	if err := <-c.send("w"); !errors.Is(err, ErrClosed) {
		t.Errorf("while it closes: %v", err)
	}
	c.answer(0, 1)
	drained(t, all)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	c.counts(0)
}

// TestReplacedOnesBesideOthersLoseNoRequest has instances come near the end of
// their ids all the time, while others start and are asked.
func TestReplacedOnesBesideOthersLoseNoRequest(t *testing.T) {
	var answers atomic.Int64
	g := loadNative(engineFor(t, nil), Spec{Name: "old", Isolation: IsolateShared, Limits: Limits{Streams: 8, Instances: 4}}, func() script {
		return echoing(&answers)
	})
	g.firstID = lastIDs - 2*20 + 1 // twenty streams an instance
	var wg sync.WaitGroup
	var most atomic.Int64
	const callers, each = 16, 100
	for n := range callers {
		wg.Go(func() {
			var x Exchange
			x.Request.Authority = "route"
			for k := range each {
				if n%2 == 0 {
					if err := g.Exchange(t.Context(), &x); err != nil || string(x.Body) != "x" {
						t.Errorf("call %d of %d: %q, %v", k, n, x.Body, err)
					}
				} else if resp, err := g.Do(t.Context(), &Request{Authority: "route"}); err != nil {
					t.Errorf("call %d of %d: %v", k, n, err)
				} else {
					if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "x" {
						t.Errorf("call %d of %d: %q, %v", k, n, b, err)
					}
					resp.Body.Close()
				}
				g.mu.Lock()
				now := int64(0)
				for key := range g.instances {
					if key.kind == "shared" {
						now++
					}
				}
				g.mu.Unlock()
				if now > most.Load() {
					most.Store(now)
				}
			}
		})
	}
	wg.Wait()
	if s := g.Stats(); answers.Load() != callers*each || s.Requests != callers*each || s.Faults != 0 {
		t.Errorf("%d answers, %+v", answers.Load(), s)
	}
	if most.Load() > 4 {
		t.Errorf("there were %d at once", most.Load())
	}
	t.Logf("at most %d at once", most.Load())
	g.mu.Lock()
	defer g.mu.Unlock()
	var beside []int
	for key := range g.instances {
		if key.nth > 0 {
			beside = append(beside, key.nth)
		}
	}
	if slices.Sort(beside); g.beside != len(beside) {
		t.Errorf("%v are beside others, and it counts %d", beside, g.beside)
	}
}
