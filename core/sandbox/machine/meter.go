// The meter: what a guest's work costs, and the ticks at which it gives way or
// is stopped.
//
// A rewritten module charges its work to a hidden global, its fuel, and calls
// tick when that is used up, some thousand times a second. There the host looks
// at the clocks, lets others run, and refuses to go on when the budget is spent.
// Units are what the instructions weigh; the budget is processor time, which sees
// what no weight does (caches, page faults). So that ticks are neither too many
// nor too far apart, fuel is given by how long the last of it lasted.
package machine

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"
)

const (
	// firstSlice is how many units a guest gets at first, and leastSlice and
	// mostSlice what it gets at a time later. Everybody else may have to wait
	// that long for it, a garbage collection too.
	firstSlice = 10_000
	leastSlice = 2_000
	mostSlice  = 400_000
	// step is how much of a slice it gets at a time: after each the wall's clock
	// tells whether the slice is over before its time. It is a few milliseconds of
	// the dearest there is, stores of which each meets a page that was never
	// touched, a hundred times what they weigh.
	step = 16_000
	// hostSlice is how many units of work the host does before it looks.
	hostSlice = 100_000
	// A slice should take between shortSlice and longSlice.
	shortSlice = 60 * time.Microsecond
	longSlice  = 200 * time.Microsecond
)

// meter measures one machine. Everything but killed is for whoever runs it.
type meter struct {
	seat   *seat
	killed atomic.Bool

	fuel    api.MutableGlobal // units left of granted
	granted int64
	slice   int64         // what it gets until the next look at the clocks
	ahead   int64         // what of that is not granted yet
	lasted  time.Duration // processor time of the slice
	debt    int64         // units of work in the host on the guest's behalf, since the last tick

	budget time.Duration
	used   Usage // of this turn, until since

	since  time.Time     // the last look at the clocks
	thread time.Duration // the thread's time then; negative: not looked at
	billed time.Duration // what of used the seat knows
}

// renew makes the meter that of a machine which has run nothing.
func (m *meter) renew() {
	m.fuel.Set(0)
	m.granted, m.slice, m.ahead, m.lasted, m.debt = 0, 0, 0, 0, 0
}

// begin waits for a processor and starts to measure a turn.
func (m *meter) begin(budget time.Duration) error {
	m.seat.take()
	m.budget, m.used, m.billed, m.debt = budget, Usage{}, 0, 0
	// A turn mostly ends before its first tick. The thread's clock costs a
	// system call: until then the one on the wall will do.
	m.since, m.thread = time.Now(), -1
	if m.killed.Load() {
		m.seat.give(0)
		return ErrStopped
	}
	return nil
}

// end says what the turn has used, and gives the processor back.
func (m *meter) end() Usage {
	m.bill(int64(m.fuel.Get()))
	m.look()
	m.seat.give(m.used.CPU - m.billed)
	return m.used
}

// tick is called by the guest when its fuel is used up, with what is left of it
// (less than nothing), and gives new. It panics with ErrStopped.
func (m *meter) tick(left int64) int64 {
	m.bill(left)
	if m.ahead > 0 && time.Since(m.since) < longSlice && !m.killed.Load() {
		return m.grant()
	}
	m.pause()
	switch {
	case m.slice == 0:
		m.slice = firstSlice
	case left < -hostSlice: // memory was added, and its pages are to be met
		m.slice = leastSlice
	case m.lasted < shortSlice:
		m.slice = min(2*m.slice, mostSlice)
	case m.lasted > longSlice:
		m.slice = max(m.slice/2, leastSlice)
	}
	m.ahead, m.lasted = m.slice, 0
	return m.grant()
}

// grant gives the next step of the slice.
func (m *meter) grant() int64 {
	m.granted = min(m.ahead, step)
	m.ahead -= m.granted
	return m.granted
}

// bill counts what was used of the fuel granted, of which this is left, and what
// the host has done.
func (m *meter) bill(left int64) {
	m.used.Units += uint64(max(0, m.granted-left+m.debt))
	m.granted, m.debt = left, 0
}

// pay charges work that the host does on the guest's behalf, and ticks when that
// comes to a slice of its own. It panics with ErrStopped.
func (m *meter) pay(units int64) {
	if m.debt += units; m.debt >= hostSlice {
		m.used.Units += uint64(m.debt)
		m.debt = 0
		m.pause()
	}
}

// pause stops a guest that has used up its budget, and lets others run.
func (m *meter) pause() {
	m.look()
	if m.killed.Load() || m.used.CPU > m.budget {
		panic(ErrStopped)
	}
	billed := m.used.CPU - m.billed
	m.billed = m.used.CPU
	if !m.seat.yield(billed) {
		runtime.Gosched()
	}
	m.since = time.Now()
	m.thread = -1
	if t, ok := threadTime(); ok {
		m.thread = t
	}
}

// look adds the processor time since the last look.
func (m *meter) look() {
	spent := time.Since(m.since)
	if m.thread >= 0 {
		// Not the thread that was looked at when a call of the host has moved
		// to another: then the wall's clock stands.
		if t, ok := threadTime(); ok && t >= m.thread && t-m.thread < spent {
			spent = t - m.thread
		}
	}
	spent = max(0, spent)
	m.used.CPU += spent
	m.lasted += spent
}
