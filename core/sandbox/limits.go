// Limits: the budgets of a guest, their defaults, and the caps that an
// administrator sets.
package sandbox

import "time"

// Limits are the budgets of a guest. A zero field is its default; negative is
// none, where that is said. What is over is told with a *BudgetError, unless it
// is said otherwise.
type Limits struct {
	// Memory of one instance in bytes; 64 MiB. Growing past it is a fault.
	Memory uint64
	// MemoryTotal of all instances in bytes; 2 GiB. Over it, instances that
	// carry nothing go, and no other one starts until there is room. Those that
	// run may still grow to Memory each.
	MemoryTotal uint64
	// CPUPerPoll is what one poll may compute, and the start of an instance; as
	// CPUPerRequest. More is a fault, for nothing else stops a guest that loops.
	CPUPerPoll time.Duration
	// CPUPerRequest is what is computed for one request in all its polls; 2 s,
	// and as much again for each minute that it goes on. Negative: none. More
	// resets the request; going on after that by as much again is a fault. A
	// poll counts for those that it was for, in equal parts (see Usage).
	CPUPerRequest time.Duration
	// CPUPerMinute is what is computed for one tenant in a minute; 30 s. The
	// minute begins with the tenant's first work after the last one. When it is
	// used up, new requests of the tenant's are refused until the minute has
	// passed; those that run go on. Negative: none.
	CPUPerMinute time.Duration
	// Deadline of a request that brings none and is no upgrade, from its
	// start to its last byte; 30 s. Negative: none (a followed log). What was
	// opened on its behalf ends with it, and no door can hold it up.
	Deadline time.Duration
	// Streams open at once in one instance, each way; 2,000.
	Streams int
	// Instances that those who share one may have of it; 4. Another one starts
	// beside them when the least busy carries half its Streams, or computes
	// nearly all the time and has several requests waiting; it pushes nobody out,
	// and goes when it is idle. There is no least number: what is idle goes.
	// Request isolation knows no such limit.
	Instances int
	// RequestSize and ResponseSize bound the bodies of a request and its answer
	// in bytes; 32 MiB and 64 MiB. More resets the request with `too_large`.
	// They do not hold for upgrades, and ResponseSize not for what is Endless.
	// Negative: none.
	RequestSize, ResponseSize int64
	// HostCallsPerSecond is how many streams may be opened at doors for one
	// tenant; 1,000, and as many at once. What is over waits up to a second for
	// its turn, and is reset with `rate_limited` when that is not enough.
	// Negative: none.
	HostCallsPerSecond int
	// LogLinesPerMinute of one instance; 3,000. What is over is dropped, and
	// how much it was is said once when there is room again.
	LogLinesPerMinute int
}

// Capped gives the limits that hold: with defaults where nothing is said, and no
// field over its cap. A zero field of most caps nothing.
func (l Limits) Capped(most Limits) Limits {
	l.CPUPerRequest = capped(l.CPUPerRequest, 2*time.Second, most.CPUPerRequest)
	poll := 2 * time.Second
	if l.CPUPerRequest > 0 {
		poll = l.CPUPerRequest
	}
	return Limits{
		Memory:             capped(l.Memory, 64<<20, most.Memory),
		MemoryTotal:        capped(l.MemoryTotal, 2<<30, most.MemoryTotal),
		CPUPerPoll:         capped(max(0, l.CPUPerPoll), poll, most.CPUPerPoll),
		CPUPerRequest:      l.CPUPerRequest,
		CPUPerMinute:       capped(l.CPUPerMinute, 30*time.Second, most.CPUPerMinute),
		Deadline:           capped(l.Deadline, 30*time.Second, most.Deadline),
		Streams:            capped(max(0, l.Streams), 2000, most.Streams),
		Instances:          capped(max(0, l.Instances), 4, most.Instances),
		RequestSize:        capped(l.RequestSize, 32<<20, most.RequestSize),
		ResponseSize:       capped(l.ResponseSize, 64<<20, most.ResponseSize),
		HostCallsPerSecond: capped(l.HostCallsPerSecond, 1000, most.HostCallsPerSecond),
		LogLinesPerMinute:  capped(max(0, l.LogLinesPerMinute), 3000, most.LogLinesPerMinute),
	}
}

// capped is a wish, or the usual where there is none, and no more than most. A
// negative wish is for no limit.
func capped[T int | int64 | uint64 | time.Duration](wish, usual, most T) T {
	if wish == 0 {
		wish = usual
	}
	if most > 0 && (wish < 0 || wish > most) {
		wish = most
	}
	return wish
}

// pages is a memory in whole pages of WebAssembly, at least one.
func pages(bytes uint64) uint64 { return max(64<<10, bytes) &^ (64<<10 - 1) }
