// Slots: how many polls run at once, and the watchdog that stops the one that
// runs too long.
package sandbox

import (
	"sync/atomic"
	"time"
)

// watchTick is how often the watchdog looks while guests run; a guest is
// stopped at most so much later than its budget says.
const watchTick = 5 * time.Millisecond

// watchIdle is how many looks without a running guest send it to sleep.
const watchIdle = 200

// slots is a fair semaphore whose places the watchdog watches. One look at a
// clock and three stores a poll; no allocation, no goroutine.
type slots struct {
	free   chan int
	places []place
	awake  atomic.Bool
	rouse  chan struct{}
	closed chan struct{}
	epoch  time.Time
}

// place is one running poll. A zero start means: nothing runs.
type place struct {
	start  atomic.Int64 // nanoseconds since epoch
	budget atomic.Int64
	runner atomic.Pointer[runner]
	_      [40]byte // a cache line each
}

func newSlots(n int) *slots {
	s := &slots{free: make(chan int, n), places: make([]place, n), rouse: make(chan struct{}, 1), closed: make(chan struct{}), epoch: time.Now()}
	for i := range n {
		s.free <- i
	}
	go s.watchdog()
	return s
}

// take waits for a place, first come, first served.
func (s *slots) take() int { return <-s.free }

// tryTake takes a place if one is free.
func (s *slots) tryTake() (int, bool) {
	select {
	case n := <-s.free:
		return n, true
	default:
		return 0, false
	}
}

// give gives a place back.
func (s *slots) give(n int) { s.free <- n }

// begin puts a runner under watch: it is killed when end does not come within
// the budget.
func (s *slots) begin(n int, r *runner, budget time.Duration) {
	p := &s.places[n]
	p.runner.Store(r)
	p.budget.Store(int64(budget))
	p.start.Store(int64(time.Since(s.epoch)) | 1)
	if !s.awake.Load() && s.awake.CompareAndSwap(false, true) {
		s.rouse <- struct{}{}
	}
}

// end takes it off again.
func (s *slots) end(n int) { s.places[n].start.Store(0) }

// close ends the watchdog. Nothing may run any more.
func (s *slots) close() { close(s.closed) }

func (s *slots) watchdog() {
	for {
		select {
		case <-s.rouse:
		case <-s.closed:
			return
		}
		tick := time.NewTicker(watchTick)
		for quiet := 0; quiet < watchIdle; {
			select {
			case <-tick.C:
			case <-s.closed:
				tick.Stop()
				return
			}
			if s.look() {
				quiet = 0
			} else {
				quiet++
			}
		}
		tick.Stop()
		// A poll that began before this store and saw us awake is not watched
		// by anybody: look once more.
		s.awake.Store(false)
		if s.look() && s.awake.CompareAndSwap(false, true) {
			s.rouse <- struct{}{}
		}
	}
}

// look kills what is over its budget and tells whether anything runs.
func (s *slots) look() (running bool) {
	for n := range s.places {
		p := &s.places[n]
		r, start := p.runner.Load(), p.start.Load()
		if start == 0 {
			continue
		}
		running = true
		over := int64(time.Since(s.epoch))-start > p.budget.Load()
		if over && p.runner.Load() == r && p.start.Load() == start {
			r.kill()
		}
	}
	return running
}
