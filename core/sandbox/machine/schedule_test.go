// Places are shared out fairly: nobody's work is delayed by how much another
// wants.
package machine

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// waitFor waits until so many turns wait.
func (c *schedule) waitFor(n int) {
	for {
		c.mu.Lock()
		queued := c.queued
		c.mu.Unlock()
		if queued == n {
			return
		}
		runtime.Gosched()
	}
}

// order takes the one place away, lets the seats wait one after the other, and
// tells in which order they ran, each for a millisecond.
func order(t *testing.T, c *schedule, seats ...*seat) (ran []int) {
	t.Helper()
	blocker := c.join("blocker", "x")
	defer blocker.leave()
	blocker.take()
	var mu sync.Mutex
	var all sync.WaitGroup
	for n, s := range seats {
		all.Go(func() {
			s.take()
			mu.Lock()
			ran = append(ran, n)
			mu.Unlock()
			s.give(time.Millisecond)
		})
		c.waitFor(n + 1)
	}
	blocker.give(0)
	all.Wait()
	return ran
}

func same(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		if a[n] != b[n] {
			return false
		}
	}
	return true
}

func TestTenantsTakeTurnsHoweverMuchOneWants(t *testing.T) {
	c := newSchedule(1)
	var seats []*seat
	for range 4 {
		seats = append(seats, c.join("greedy", "a"))
	}
	seats = append(seats, c.join("modest", "a"))
	if ran := order(t, c, seats...); !same(ran, []int{0, 4, 1, 2, 3}) {
		t.Errorf("they ran in the order %v", ran)
	}
}

func TestExtensionsOfOneTenantTakeTurns(t *testing.T) {
	c := newSchedule(1)
	ran := order(t, c, c.join("t", "greedy"), c.join("t", "greedy"), c.join("t", "greedy"), c.join("t", "modest"))
	if !same(ran, []int{0, 3, 1, 2}) {
		t.Errorf("they ran in the order %v", ran)
	}
}

func TestNobodySavesUpProcessorTime(t *testing.T) {
	c := newSchedule(1)
	busy := c.join("busy", "a")
	for range 1000 { // alone, for a second
		busy.take()
		busy.give(time.Millisecond)
	}
	late := []*seat{c.join("late", "a"), c.join("late", "a"), c.join("late", "a")}
	// It has had nothing so far, and yet they alternate.
	if ran := order(t, c, late[0], busy, late[1], late[2]); !same(ran, []int{0, 1, 2, 3}) {
		t.Errorf("they ran in the order %v", ran)
	}
}

func TestLongTurnGivesWayAtItsNextTick(t *testing.T) {
	c := newSchedule(1)
	long, short := c.join("long", "a"), c.join("short", "a")
	long.take()
	if long.yield(time.Millisecond) {
		t.Error("it gave way to nobody")
	}
	ran := make(chan struct{})
	go func() {
		short.take()
		close(ran)
		short.give(time.Microsecond)
	}()
	c.waitFor(1)
	if !long.yield(time.Millisecond) {
		t.Fatal("it did not give way")
	}
	select {
	case <-ran:
	default:
		t.Error("it went on before the other had run")
	}
	long.give(0)
}

func TestScheduleForgetsWhoLeft(t *testing.T) {
	c := newSchedule(2)
	var all sync.WaitGroup
	for n := range 8 {
		s := c.join(string(rune('a'+n%3)), "x")
		all.Go(func() {
			defer s.leave()
			for range 300 {
				s.take()
				s.yield(time.Microsecond)
				s.give(time.Microsecond)
			}
		})
	}
	all.Wait()
	if len(c.tenants) != 0 || c.free != 2 || c.queued != 0 || len(c.waiting) != 0 {
		t.Errorf("left over: %d tenants, %d places free, %d waiting", len(c.tenants), c.free, c.queued)
	}
}

func BenchmarkScheduleUncontended(b *testing.B) {
	s := newSchedule(1).join("t", "x")
	for b.Loop() {
		s.take()
		s.give(time.Microsecond)
	}
}
