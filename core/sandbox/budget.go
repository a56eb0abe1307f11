// Budgets: what bounds a guest's work while it runs, and how it is said that one
// is used up.
package sandbox

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Budget names what can be used up, as the field of Limits.
type Budget string

// The budgets. Of memory of one instance and the processor time of one poll more
// is a fault.
const (
	BudgetMemoryTotal   Budget = "memoryTotal"
	BudgetCPUPerRequest Budget = "cpuPerRequest"
	BudgetCPUPerMinute  Budget = "cpuPerMinute"
	BudgetDeadline      Budget = "deadline"
	BudgetStreams       Budget = "streams"
	BudgetRequestSize   Budget = "requestSize"
	BudgetResponseSize  Budget = "responseSize"
	BudgetHostCalls     Budget = "hostCallsPerSecond"
)

// BudgetError is a request that was refused or reset because a budget is used
// up.
type BudgetError struct {
	Budget Budget
	// Until is when it is worth asking again; zero: the same request would
	// never do.
	Until time.Time
}

// Error names the budget.
func (e *BudgetError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("the request is over its budget: %s", e.Budget)
	}
	return fmt.Sprintf("the guest's budget is used up: %s, until %s", e.Budget, e.Until.UTC().Format(time.RFC3339))
}

// Is tells that a budget that comes back is ErrBusy.
func (e *BudgetError) Is(target error) bool { return target == ErrBusy && !e.Until.IsZero() }

// code is what the guest is told.
func (e *BudgetError) code() wire.Code {
	if e.Budget == BudgetRequestSize || e.Budget == BudgetResponseSize {
		return wire.TooLarge
	}
	return wire.RateLimited
}

const (
	// roomSoon is when one may ask again where room comes as others end.
	roomSoon = time.Second
	// callWait is how long a host call waits for its turn.
	callWait = time.Second
)

// exceed resets a stream of the host's that is over a budget. i.mu is held.
func (i *instance) exceed(s *stream, b Budget) {
	if s.err != nil || s.gone {
		return
	}
	s.bill.account.refuse(b)
	err := &BudgetError{Budget: b}
	i.resetStream(s, err.code(), string(b), err)
}

// holdToBudget looks at what one request has computed, after a turn for it. An
// error is the *Fault that ends the instance. i.mu is held.
func (i *instance) holdToBudget(s *stream, now time.Time) error {
	limit, b := i.guest.limits.CPUPerRequest, &s.bill
	if limit <= 0 || s.gone || i.dead != nil {
		return nil
	}
	switch allowed := limit * (1 + now.Sub(b.since)/time.Minute); {
	case b.used.CPU <= allowed:
	case b.over == 0:
		b.over = b.used.CPU
		i.exceed(s, BudgetCPUPerRequest)
	case b.used.CPU-b.over > limit:
		return i.fault(FaultTime, fmt.Sprintf("a request of which %v were computed was reset, and it went on for as much as %v", b.over, b.used.CPU-b.over))
	}
	return nil
}

// asksFor counts bytes of a request's body; false: they are too many. It is for
// the body's sender.
func (s *stream) asksFor(n int) bool {
	limit := s.inst.guest.limits.RequestSize
	s.bill.asked += int64(n)
	return limit <= 0 || s.guestOpened() || s.protocol != "" || s.bill.asked <= limit
}

// answers counts bytes of a stream's answer, and resets it when they are too many.
// i.mu is held.
func (i *instance) answers(s *stream, n int) {
	limit := i.guest.limits.ResponseSize
	s.bill.said += int64(n)
	if limit > 0 && s.bill.said > limit && !s.guestOpened() && s.protocol == "" && !s.bill.endless {
		i.exceed(s, BudgetResponseSize)
	}
}

// minute is what was computed for a tenant in its minute. Its account's mu is
// held.
type minute struct {
	began time.Time
	used  time.Duration
	over  bool // and counted in accounts.over
}

// admitMinute refuses a tenant's request when its minute is used up.
func (a *accounts) admitMinute(t tenant) error {
	if a.over.Load() == 0 {
		return nil
	}
	a.mu.Lock()
	at := a.all[t]
	if at == nil && len(a.all) >= maxAccounts {
		at = &a.others
	}
	a.mu.Unlock()
	if at == nil {
		return nil
	}
	now := time.Now()
	at = at.lock()
	defer at.mu.Unlock()
	at.turnMinute(now)
	if !at.minute.over {
		return nil
	}
	at.refused.count(BudgetCPUPerMinute, 1)
	return &BudgetError{Budget: BudgetCPUPerMinute, Until: at.minute.began.Add(time.Minute)}
}

// turnMinute begins a new minute when the last one has passed. at.mu is held.
func (at *account) turnMinute(now time.Time) {
	if now.Sub(at.minute.began) < time.Minute {
		return
	}
	if at.minute.over {
		at.book.over.Add(-1)
	}
	at.minute = minute{began: now}
}

// spend counts processor time in the tenant's minute. at.mu is held.
func (at *account) spend(cpu time.Duration, now time.Time) {
	at.turnMinute(now)
	at.minute.used += cpu
	if limit := at.book.perMinute; limit > 0 && at.minute.used > limit && !at.minute.over {
		at.minute.over = true
		at.book.over.Add(1)
	}
}

// call takes a host call out of the tenant's budget: it may begin after a while,
// or not at all.
func (at *account) call(now time.Time) (after time.Duration, err error) {
	at = at.lock()
	defer at.mu.Unlock()
	per := at.book.callsPerSecond
	if per <= 0 {
		return 0, nil
	}
	if at.calls == nil {
		at.calls = rate.NewLimiter(rate.Limit(per), per)
	}
	r := at.calls.ReserveN(now, 1)
	if after = r.DelayFrom(now); after > callWait {
		r.CancelAt(now)
		at.refused.count(BudgetHostCalls, 1)
		return 0, &BudgetError{Budget: BudgetHostCalls, Until: now.Add(after)}
	}
	return after, nil
}

// makeRoom ends instances that carry nothing, those first that have been idle
// for longest, until the memory of all is within its budget. g.loading is held.
func (g *Guest) makeRoom(c *Caller) error {
	for {
		if now, _ := g.memory.look(); now < g.limits.MemoryTotal {
			return nil
		}
		idle := g.longestIdle()
		if idle == nil {
			now := time.Now()
			g.accounts.of(g.tenantOf(c), c, now).refuse(BudgetMemoryTotal)
			return &BudgetError{Budget: BudgetMemoryTotal, Until: now.Add(roomSoon)}
		}
		idle.mu.Lock()
		if idle.idle() {
			idle.end(errUnloaded)
		}
		ended := idle.dead != nil
		idle.mu.Unlock()
		if ended {
			<-idle.done
		}
	}
}

// longestIdle is the instance that has carried nothing for longest; nil: there is
// none that carries nothing.
func (g *Guest) longestIdle() (found *instance) {
	var since time.Time
	for _, i := range g.alive() {
		i.mu.Lock()
		if (i.idle() || i.dead != nil) && (found == nil || i.active.Before(since)) {
			found, since = i, i.active
		}
		i.mu.Unlock()
	}
	return found
}

// idle tells whether nobody would miss the instance. i.mu is held.
func (i *instance) idle() bool {
	return i.dead == nil && !i.owned && len(i.streams) == 0 && len(i.in) == 0 && i.wanted.Load() == 0
}
