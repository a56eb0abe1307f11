// Bindings that end by themselves: at their moment, not at the next request.

package access

import "time"

// recheck bounds how long the index sleeps on its reckoning: the clock of the
// machine may be set meanwhile.
const recheck = time.Minute

// arm sets the timer to the first binding that ends, and stops it when there is
// none or the index has lost the store; x.mu is held.
func (x *Index) arm() {
	if x.timer != nil {
		x.timer.Stop()
	}
	if x.state == nil || x.lost != nil {
		return
	}
	first := x.state.firstEnd()
	if first.IsZero() {
		return
	}
	x.timer = time.AfterFunc(min(time.Until(first), recheck), x.expire)
}

// expire ends what has come to its end.
func (x *Index) expire() {
	x.mu.Lock()
	ended := x.lost == nil && x.state.expire(time.Now())
	x.arm()
	x.mu.Unlock()
	if ended {
		x.notify()
	}
}

// firstEnd is when the first binding ends; zero when none does.
func (s *state) firstEnd() (first time.Time) {
	for b := range s.temporary {
		if first.IsZero() || b.Until.Before(first) {
			first = b.Until
		}
	}
	return first
}

// expire takes the bindings out of force whose time has come; false for none.
func (s *state) expire(now time.Time) (ended bool) {
	for b := range s.temporary {
		if !now.Before(b.Until) {
			s.revoke(b)
			ended = true
		}
	}
	return ended
}
