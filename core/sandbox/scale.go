// Scaling: a key whose work is too much for one instance gets more of them, beside
// its first. A request goes to the one that carries least. Those that are not
// needed go as any other does, when they have been idle; so none need be there.
//
// One beside others is a convenience: it pushes nobody's instance out, and where it
// cannot start, those that are there go on.
package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"
)

const (
	shareWindow = time.Second
	shareMost   = 80 // percent of a window that an instance may compute
	// growPause is how long none is started beside others after one could not be.
	growPause = 10 * time.Second
)

// errFull: this instance carries as many requests as it may; another one of its
// key may not.
var errFull = errors.New("this instance is full")

// share measures how much of the time an instance computes, in one window after
// the other.
type share struct {
	began time.Time     // of this window
	used  time.Duration // of a processor, in it
	most  bool          // the last window was over shareMost
}

// computed counts what a turn took.
func (s *share) computed(cpu time.Duration, now time.Time) {
	s.over(now)
	s.used += cpu
}

// over tells whether the last window was over its share.
func (s *share) over(now time.Time) bool {
	if past := now.Sub(s.began); past >= shareWindow {
		s.most = s.used > past/100*shareMost
		s.began, s.used = now, 0
	}
	return s.most
}

// full tells whether the instance carries as many requests as it may, and is of a
// key that may have more instances.
func (i *instance) full() bool {
	return i.several() && int(i.carries.Load()) >= i.guest.limits.Streams
}

// several tells whether there may be others of the instance's key.
func (i *instance) several() bool { return !i.alone && i.guest.limits.Instances > 1 }

// put makes an instance the one of its key. g.mu is held.
func (g *Guest) put(i *instance) {
	g.instances[i.key] = i
	if i.key.nth > 0 {
		g.beside++
	}
}

// take takes an instance away from its key. g.mu is held.
func (g *Guest) take(i *instance) {
	if g.instances[i.key] != i {
		return
	}
	delete(g.instances, i.key)
	if i.key.nth > 0 {
		g.beside--
	}
}

// leastLoaded is the instance of a key that carries least, the first of them where
// several do; nil: there is none. g.mu is held.
func (g *Guest) leastLoaded(key instanceKey) *instance {
	found := g.instances[key]
	if g.beside == 0 || key.request != 0 {
		return found
	}
	for key.nth = 1; key.nth < g.limits.Instances; key.nth++ {
		if i := g.instances[key]; i != nil && (found == nil || i.load() < found.load()) {
			found = i
		}
	}
	return found
}

// load is what the instance carries and will, for comparison: one that is full has
// more than any other.
func (i *instance) load() int32 {
	if i.full() {
		return math.MaxInt32
	}
	return i.carries.Load() + i.wanted.Load()
}

// vacant is the key that another instance beside those of a key would have; false:
// they are as many as may be, or it was tried in vain a moment ago. g.mu is held.
func (g *Guest) vacant(key instanceKey, most int) (free instanceKey, ok bool) {
	if g.closed || time.Since(g.inVain) < growPause {
		return key, false
	}
	n := 0
	for key.nth = g.limits.Instances - 1; key.nth >= 0; key.nth-- {
		if g.instances[key] != nil {
			n++
		} else {
			free, ok = key, true
		}
	}
	return free, ok && n < most
}

// grow has another instance start when this one, which carries least of its key, is
// over its share: when it carries half of what it may, or computes nearly all the
// time while several requests wait for it. Whoever noticed does not wait for it.
// i.mu is held.
func (i *instance) grow(c *Caller, now time.Time) {
	g, n, most := i.guest, i.carried(), 0
	switch {
	case !i.several() || i.recorder != nil: // who records wants to see it all
		return
	case 2*n >= g.limits.Streams:
		most = g.limits.Instances
	case n > 1 && i.share.over(now):
		most = min(g.limits.Instances, g.engine.places) // more could not compute at once
	default:
		return
	}
	key := i.key
	key.nth = 0
	g.mu.Lock()
	_, may := g.vacant(key, most)
	g.mu.Unlock()
	if !may {
		return
	}
	select {
	case g.loading <- struct{}{}:
	default: // one is being started; the next request looks again
		return
	}
	who := *c
	go func() {
		g.mu.Lock()
		g.starting++
		g.mu.Unlock()
		more := g.startBeside(context.Background(), key, &who, most)
		g.mu.Lock()
		g.starting--
		g.unloadWhenIdle()
		g.mu.Unlock()
		if more != nil {
			more.notWanted()
		}
		<-g.loading
	}()
}

// startBeside starts another instance of a key; nil: it may not, or cannot. No
// request is to blame for that. g.loading is held, and the caller is counted in
// g.starting.
func (g *Guest) startBeside(ctx context.Context, key instanceKey, c *Caller, most int) *instance {
	g.mu.Lock()
	key, may := g.vacant(key, most)
	g.mu.Unlock()
	t := g.tenantOf(c)
	if !may || g.breakers.refuses(t) != nil {
		return nil
	}
	if now, _ := g.memory.look(); now < g.limits.MemoryTotal {
		i, err := g.start(ctx, key, c)
		if err == nil {
			return i
		}
		if f := (*Fault)(nil); errors.As(err, &f) && f.Class == FaultCrash { // or the next one tries it too
			g.failed(t, c, f)
		}
		if errors.Is(err, ErrClosed) {
			return nil
		}
		g.logger.Warn("no other instance of an extension starts beside a busy one", slog.Any("error", err))
	}
	g.mu.Lock()
	g.inVain = time.Now()
	g.mu.Unlock()
	return nil
}

// refuseStream refuses a request because whatever could carry it is full.
func (g *Guest) refuseStream(c *Caller, now time.Time) error {
	g.accounts.of(g.tenantOf(c), c, now).refuse(BudgetStreams)
	return &BudgetError{Budget: BudgetStreams, Until: now.Add(roomSoon)}
}
