// Slots: how many polls run at once, and the watchdog that stops the one that
// runs too long.
package sandbox

import (
	"sync/atomic"
	"time"
)

// watchTick is how often the watchdog looks while guests run; a guest is
// stopped a few looks later than its budget says.
const watchTick = 5 * time.Millisecond

// watchIdle is how many looks without a running guest send it to sleep.
const watchIdle = 200

// slots is a fair semaphore whose places the watchdog watches: a few stores a
// poll; no clock, no allocation, no goroutine.
type slots struct {
	free   chan int
	places []place
	awake  atomic.Bool
	rouse  chan struct{}
	closed chan struct{}
	looked time.Time // the watchdog's last look
}

// place is one running poll. A zero start means: nothing runs.
type place struct {
	count  int64        // polls begun here; for who holds the place
	start  atomic.Int64 // which of them runs
	budget atomic.Int64
	runs   atomic.Pointer[instance]

	// The watchdog's own: the poll that it saw last, and for how long.
	seen int64
	ran  time.Duration

	_ [16]byte // a cache line each
}

func newSlots(n int) *slots {
	s := &slots{free: make(chan int, n), places: make([]place, n), rouse: make(chan struct{}, 1), closed: make(chan struct{})}
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

// begin puts an instance under watch: its guest is killed when end does not
// come within the budget, or a few looks later.
func (s *slots) begin(n int, i *instance, budget time.Duration) {
	p := &s.places[n]
	p.runs.Store(i)
	p.budget.Store(int64(budget))
	p.count++
	p.start.Store(p.count)
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

// look kills what is over its budget and tells whether anything runs. Time
// counts as the watchdog sees it pass: on a machine so busy that the watchdog
// itself is late, guests are not the ones to blame.
func (s *slots) look() (running bool) {
	now := time.Now()
	passed := min(now.Sub(s.looked), 2*watchTick)
	s.looked = now
	for n := range s.places {
		p := &s.places[n]
		i, start := p.runs.Load(), p.start.Load()
		if start == 0 {
			continue
		}
		running = true
		if start != p.seen {
			p.seen, p.ran = start, 0
			continue
		}
		if p.ran += passed; p.ran > time.Duration(p.budget.Load()) && p.runs.Load() == i && p.start.Load() == start {
			i.run.Kill()
		}
	}
	return running
}
