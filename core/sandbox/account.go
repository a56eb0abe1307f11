// Accounting: what a guest's work takes, and for whom it was done.
//
// Each turn is billed to the requests that had a part in it: those for which
// frames went in, and those for which the guest said something, their children's
// frames among them. They share the turn's processor time evenly, for nobody can
// look into a guest. A turn without any such request, as when a timer has run
// out, is the one's that the instance carries alone; where it carries several, it
// is billed to their tenants and counts for no request. What an instance does
// before its first request is billed to who had it started, and counts for none.
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
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

const (
	maxAccounts  = 1024        // tenants of one guest that have an account of their own
	accountQuiet = time.Minute // an account without work for so long can be folded
)

// Usage is what somebody has used of a guest since Load.
type Usage struct {
	// Requests that have come to the guest; what is run again counts again.
	Requests uint64
	// CPU is time on a processor, and Units are metered instructions: the same
	// work takes the same units, whatever else the machine does.
	CPU   time.Duration
	Units uint64
	// BytesIn and BytesOut are bytes of bodies that went into the guest and
	// came out of it: of requests, answers, and what was said at doors. What it
	// has spliced goes past it.
	BytesIn, BytesOut uint64
	// HostCalls are streams that the guest opened at a door.
	HostCalls uint64
	// LogLinesDropped were more than may be logged.
	LogLinesDropped uint64
	// Memory is the linear memory of all instances now, and MemoryPeak the most
	// that it was, in bytes. What tenants share is nobody's.
	Memory, MemoryPeak uint64
	// Faults by class. A tenant's are those that its requests are blamed for.
	Faults map[Class]uint64
	// Refused by the budget that was used up.
	Refused map[Budget]uint64
}

// TenantUsage is the usage of one tenant: of a workspace, or of a user where the
// guest keeps users apart or the request has no workspace.
type TenantUsage struct {
	Workspace, WorkspaceUID string
	User, UserUID           string
	// Others marks the usage of all who have no row: of those that were quiet
	// when others needed theirs, and of what was done for nobody.
	Others bool
	Usage
}

// Usage tells what the guest has used, and each tenant, most processor time
// first.
func (g *Guest) Usage() (all Usage, tenants []TenantUsage) {
	tenants = g.accounts.tenants()
	for n := range tenants {
		all.Add(&tenants[n].Usage)
	}
	all.Refused = addCounts(all.Refused, nil)
	all.Memory, all.MemoryPeak = g.memory.look()
	all.Faults = g.faultClasses.seen()
	return all, tenants
}

// Add adds what somebody else has used. Its MemoryPeak is then what both had at
// most, be it at different times.
func (u *Usage) Add(more *Usage) {
	u.addWork(more)
	u.Memory += more.Memory
	u.MemoryPeak += more.MemoryPeak
	u.Faults = addCounts(u.Faults, more.Faults)
	u.Refused = addCounts(u.Refused, more.Refused)
}

// addWork adds what an account counts by itself.
func (u *Usage) addWork(more *Usage) {
	u.Requests += more.Requests
	u.CPU += more.CPU
	u.Units += more.Units
	u.BytesIn += more.BytesIn
	u.BytesOut += more.BytesOut
	u.HostCalls += more.HostCalls
	u.LogLinesDropped += more.LogLinesDropped
}

func addCounts[K comparable](to, more map[K]uint64) map[K]uint64 {
	if to == nil {
		to = map[K]uint64{}
	}
	for k, n := range more {
		to[k] += n
	}
	return to
}

// tally is a count of each of several kinds.
type tally[K cmp.Ordered] struct {
	mu sync.Mutex
	of map[K]uint64
}

func (t *tally[K]) count(k K, n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[K]uint64{}
	}
	t.of[k] += n
}

func (t *tally[K]) seen() map[K]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		return map[K]uint64{}
	}
	return maps.Clone(t.of)
}

// level is an amount that goes up and down, and the most that it was.
type level struct {
	mu        sync.Mutex
	now, peak uint64
}

func (l *level) change(from, to uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now += to - from
	l.peak = max(l.peak, l.now)
}

func (l *level) look() (now, peak uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now, l.peak
}

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

func (u *Usage) used() bool {
	return u.Requests+u.Units+u.BytesIn+u.BytesOut+u.HostCalls+u.LogLinesDropped+u.MemoryPeak > 0 || u.CPU > 0 || len(u.Faults)+len(u.Refused) > 0
}

// ledger is what an instance has not yet billed.
type ledger struct {
	account *account      // of whoever it works for; nil: of several, or nobody yet
	turn    uint64        // counted from 1
	owed    machine.Usage // of turns
	parties []*stream     // those with a part in this turn
	memory  uint64        // as it was billed
}

// bill is what one stream's part in turns came to.
type bill struct {
	account *account
	turn    uint64 // the last one that it had a part in
	counted bool   // as a request
	since   time.Time
	used    machine.Usage
	over    time.Duration // what of used was over the budget when it was reset
	asked   int64         // bytes of the request's body so far
	said    int64         // bytes of the answer's body so far
	endless bool          // which do not count
	in, out int           // bytes not yet on the account
	calls   uint64        // not yet on the account
}

// open finds the account of a stream of the host's. i.mu is held.
func (l *ledger) open(i *instance, s *stream, now time.Time) {
	c := &s.request.Caller
	s.bill.since, s.bill.endless = now, s.request.Endless
	if at := l.account; at != nil && at.folded.Load() == nil {
		s.bill.account = at
		return
	}
	s.bill.account = i.guest.accounts.of(s.tenant, c, now)
	if i.guest.spec.Isolation != IsolateShared {
		l.account.holds(l.memory, 0)
		l.account = s.bill.account
		l.account.holds(0, l.memory)
	}
}

// holds notes that the memory of an instance of the account's has changed.
func (at *account) holds(from, to uint64) {
	if at != nil && from != to {
		at = at.lock()
		at.memory.change(from, to)
		at.mu.Unlock()
	}
}

// party is the stream to whose bill another's frames go. What is left of a
// child that has died is its own.
func (s *stream) party() *stream {
	if s.parent != nil && s.err == nil {
		return s.parent
	}
	return s
}

// takesPart notes that the turn that runs, or else the next one, has to do with a
// stream. i.mu is held.
func (i *instance) takesPart(s *stream) *bill {
	s = s.party()
	if b := &s.bill; b.turn != i.ledger.turn && b.account != nil {
		b.turn = i.ledger.turn
		i.ledger.parties = append(i.ledger.parties, s)
	}
	return &s.bill
}

// handsOver notes for whom the frames are that go into the guest. i.mu is held.
func (i *instance) handsOver(batch []byte) {
	var at *stream
	for len(batch) > 0 {
		f, rest, err := wire.NextFrame(batch)
		if err != nil {
			return
		}
		if at == nil || at.id != f.Stream {
			at = i.streams[f.Stream]
		}
		if at != nil {
			i.takesPart(at)
		}
		batch = rest
	}
}

// settleUp bills the turn that has ended, and holds those whom it was for to their
// budgets. i.mu is held.
func (i *instance) settleUp(now time.Time) {
	l := &i.ledger
	used := l.owed
	l.owed = machine.Usage{}
	i.share.computed(used.CPU, now)
	silent := len(l.parties) == 0
	if silent && (l.account == nil || i.carried() == 1) {
		for _, s := range i.streams {
			if !s.guestOpened() {
				i.takesPart(s)
			}
		}
		silent = len(l.parties) != 1
	}
	if n := len(l.parties); n > 0 {
		share := machine.Usage{CPU: used.CPU / time.Duration(n), Units: used.Units / uint64(n)}
		rest := machine.Usage{CPU: used.CPU % time.Duration(n), Units: used.Units % uint64(n)}
		for _, s := range l.parties {
			part := share
			part.Add(rest)
			rest = machine.Usage{}
			s.bill.settle(part, now, !silent)
			if err := i.holdToBudget(s, now); err != nil {
				i.end(err)
			}
		}
	} else if used != (machine.Usage{}) {
		at := i.payer().lock()
		at.pay(used, now)
		at.mu.Unlock()
	}
	clear(l.parties)
	l.parties = l.parties[:0]
	if n := i.log.lost; n > 0 {
		i.log.lost = 0
		at := i.payer().lock()
		at.used.LogLinesDropped += uint64(n)
		at.mu.Unlock()
	}
	if m := i.run.Memory(); m != l.memory {
		i.billMemory(m)
	}
	l.turn++
}

// settle puts a stream's part in a turn on its account.
func (b *bill) settle(part machine.Usage, now time.Time, counts bool) {
	at := b.account.lock()
	at.pay(part, now)
	at.used.BytesIn += uint64(b.in)
	at.used.BytesOut += uint64(b.out)
	at.used.HostCalls += b.calls
	if !b.counted {
		b.counted = true
		at.used.Requests++
	}
	at.mu.Unlock()
	b.in, b.out, b.calls = 0, 0, 0
	if counts {
		b.used.Add(part)
	}
}

// billStart bills what the start of an instance took, with its HELLO, to whoever
// had it started: it counts for no request. What is shared with others, as a
// snapshot is, is the first one's.
func (i *instance) billStart(used machine.Usage) {
	used.Add(i.ledger.owed)
	i.ledger.owed = machine.Usage{}
	now := time.Now()
	at := i.guest.accounts.of(i.guest.tenantOf(&i.aboard.caller), &i.aboard.caller, now).lock()
	at.pay(used, now)
	at.mu.Unlock()
}

// pay books work. at.mu is held.
func (at *account) pay(used machine.Usage, now time.Time) {
	at.used.CPU += used.CPU
	at.used.Units += used.Units
	at.last = now
	at.spend(used.CPU, now)
}

// payer is whose account takes what no request of the instance's can be billed
// for.
func (i *instance) payer() *account {
	if i.ledger.account != nil {
		return i.ledger.account
	}
	return &i.guest.accounts.others
}

// billMemory notes what the instance's memory takes from now on, in bytes.
func (i *instance) billMemory(m uint64) {
	before := i.ledger.memory
	i.ledger.memory = m
	i.guest.memory.change(before, m)
	i.ledger.account.holds(before, m)
}
