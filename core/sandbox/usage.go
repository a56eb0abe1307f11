// Usage: what a guest has used since it was loaded, and each of its tenants, for who
// looks on from outside.
package sandbox

import (
	"cmp"
	"maps"
	"sync"
	"time"
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

func (u *Usage) used() bool {
	return u.Requests+u.Units+u.BytesIn+u.BytesOut+u.HostCalls+u.LogLinesDropped+u.MemoryPeak > 0 || u.CPU > 0 || len(u.Faults)+len(u.Refused) > 0
}
