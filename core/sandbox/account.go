// Accounts: what each tenant has used of a guest. There are so many at most; those
// that are quiet are folded into one of others when there are more.
package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

const (
	maxAccounts  = 1024        // tenants of one guest that have an account of their own
	accountQuiet = time.Minute // an account without work for so long can be folded
)

// accounts are those of one guest.
type accounts struct {
	others account // never folded

	perMinute      time.Duration // of processor time; not positive: no limit
	callsPerSecond int           // not positive: no limit
	over           atomic.Int32  // accounts that may have used up their minute

	mu  sync.Mutex
	all map[tenant]*account
}

// account is what one tenant has used. One that was folded leads into others'.
type account struct {
	book   *accounts
	owner  TenantUsage             // the names; its Usage stays empty
	folded atomic.Pointer[account] // where it has gone to

	mu      sync.Mutex // comes after every other
	used    Usage      // without its maps and its memory
	last    time.Time  // when work was last billed
	faults  tally[Class]
	refused tally[Budget]
	memory  level
	minute  minute
	calls   *rate.Limiter // of host calls; nil: there was none
}

func (a *accounts) init(l Limits) {
	a.all, a.perMinute, a.callsPerSecond = map[tenant]*account{}, l.CPUPerMinute, l.HostCallsPerSecond
	a.others.book, a.others.owner.Others = a, true
}

// of is the account of a tenant. c has the names.
func (a *accounts) of(t tenant, c *Caller, now time.Time) *account {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at := a.all[t]; at != nil {
		return at
	}
	if len(a.all) >= maxAccounts {
		a.fold(now)
	}
	if len(a.all) >= maxAccounts {
		return &a.others
	}
	at := &account{book: a, last: now}
	if at.owner.WorkspaceUID = t.workspace; t.workspace != "" {
		at.owner.Workspace = c.Workspace
	}
	if at.owner.UserUID = t.user; t.user != "" {
		at.owner.User = c.User
	}
	a.all[t] = at
	return at
}

// fold puts the accounts that have been quiet for longest with the others', an
// eighth of them at most, so that who comes next finds room too. a.mu is held.
func (a *accounts) fold(now time.Time) {
	type quiet struct {
		tenant
		last time.Time
	}
	var idle []quiet
	for t, at := range a.all {
		at.mu.Lock()
		last := at.last
		at.mu.Unlock()
		if now.Sub(last) >= accountQuiet {
			idle = append(idle, quiet{t, last})
		}
	}
	slices.SortFunc(idle, func(x, y quiet) int { return x.last.Compare(y.last) })
	for _, q := range idle[:min(len(idle), maxAccounts/8)] {
		a.all[q.tenant].foldInto(&a.others)
		delete(a.all, q.tenant)
	}
}

func (at *account) foldInto(others *account) {
	at.mu.Lock()
	defer at.mu.Unlock()
	at.folded.Store(others)
	others.mu.Lock()
	defer others.mu.Unlock()
	others.used.addWork(&at.used)
	for class, n := range at.faults.seen() {
		others.faults.count(class, n)
	}
	for budget, n := range at.refused.seen() {
		others.refused.count(budget, n)
	}
	now, _ := at.memory.look()
	at.memory.change(now, 0)
	others.memory.change(0, now)
	if at.minute.over {
		at.minute.over = false
		at.book.over.Add(-1)
	}
}

// lock gives the account that stands for this one by now, with its mu held.
func (at *account) lock() *account {
	at.mu.Lock()
	to := at.folded.Load()
	if to == nil {
		return at
	}
	at.mu.Unlock()
	to.mu.Lock()
	return to
}

// refuse counts what a budget has refused.
func (at *account) refuse(b Budget) {
	at = at.lock()
	defer at.mu.Unlock()
	at.refused.count(b, 1)
}

// fault counts a fault that the tenant is blamed for.
func (at *account) fault(c Class) {
	at = at.lock()
	defer at.mu.Unlock()
	at.faults.count(c, 1)
}

func (a *accounts) tenants() []TenantUsage {
	a.mu.Lock()
	all := append(slices.Collect(maps.Values(a.all)), &a.others)
	a.mu.Unlock()
	var rows []TenantUsage
	for _, at := range all {
		at.mu.Lock()
		row := at.owner
		row.Usage = at.used
		row.Faults, row.Refused = at.faults.seen(), at.refused.seen()
		row.Memory, row.MemoryPeak = at.memory.look()
		gone := at.folded.Load() != nil // meanwhile
		at.mu.Unlock()
		if !gone && (!row.Others || row.used()) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(x, y TenantUsage) int {
		return cmp.Or(cmp.Compare(y.CPU, x.CPU), cmp.Compare(x.WorkspaceUID, y.WorkspaceUID), cmp.Compare(x.UserUID, y.UserUID))
	})
	return rows
}

// holds notes that the memory of an instance of the account's has changed.
func (at *account) holds(from, to uint64) {
	if at != nil && from != to {
		at = at.lock()
		at.memory.change(from, to)
		at.mu.Unlock()
	}
}

// pay books work. at.mu is held.
func (at *account) pay(used machine.Usage, now time.Time) {
	at.used.CPU += used.CPU
	at.used.Units += used.Units
	at.last = now
	at.spend(used.CPU, now)
}
