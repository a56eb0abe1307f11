// The circuit breaker: where a guest ends by its own faults again and again, it
// is not asked for a while, and then asked once to see whether it has recovered.
//
// There is one for each tenant, which shares instances and so their end: what one
// workspace does to a guest does not close it to another. Nobody has one without
// a fault, and who has none pays an atomic load.
package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	breakAfter  = 3                // faults without an answer between them
	breakWithin = time.Minute      // all of them
	backOffMin  = time.Second      // how long it is open at first; twice as long each time the probe fails
	backOffMax  = 5 * time.Minute  // and not longer
	probeTime   = 10 * time.Second // a probe that lives so long without a fault is well
	probeWait   = time.Second      // after which one may ask again while a probe runs
	maxBreakers = 4096             // of one guest
)

// BrokenError refuses a request because the guest ended by its own faults too
// often for its tenant.
type BrokenError struct {
	Until time.Time // when it is worth asking again
	Class Class     // of the last fault
}

// Error says until when, and after what.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("the guest failed too often (%s) and is not asked until %s", e.Class, e.Until.UTC().Format(time.RFC3339))
}

// BreakerState is what a breaker lets through.
type BreakerState string

// The states of a breaker.
const (
	BreakerClosed   BreakerState = "closed"    // everything; there were faults lately
	BreakerOpen     BreakerState = "open"      // nothing
	BreakerHalfOpen BreakerState = "half-open" // one request, which decides
)

// Health is the state of one breaker. It is of a workspace, or of a user where
// the guest keeps users apart or the request has no workspace.
type Health struct {
	Workspace, WorkspaceUID string
	User, UserUID           string
	State                   BreakerState
	Since                   time.Time // of the state
	Until                   time.Time // of an open one: when it lets one request through
	Class                   Class     // of the last fault
	Faults                  int       // since it was last well
}

// Health tells where the guest ended by its own faults since it last answered,
// sorted by workspace and user.
func (g *Guest) Health() []Health { return g.breakers.health() }

// tenant is who shares a breaker.
type tenant struct{ workspace, user string }

// tenantOf says whose breaker a caller's requests meet.
func (g *Guest) tenantOf(c *Caller) tenant {
	user, workspace := c.uids()
	if workspace != "" && g.spec.Isolation != IsolateUser {
		user = ""
	}
	return tenant{workspace: workspace, user: user}
}

// breakers are those of one guest.
type breakers struct {
	log   *slog.Logger
	now   func() time.Time // tests set it
	count atomic.Int32     // of all

	mu  sync.Mutex // comes after every other
	all map[tenant]*breaker
}

type breaker struct {
	Health
	recent  [breakAfter]time.Time // the last faults, the oldest first
	backOff time.Duration
	probe   uint64 // counts probes
}

func (b *breakers) init(log *slog.Logger) {
	b.log, b.now, b.all = log, time.Now, map[tenant]*breaker{}
}

// admit lets a request through or refuses it with a *BrokenError. A probe is
// not 0; it is to be released when it has come to nothing.
func (b *breakers) admit(t tenant) (probe uint64, err error) {
	if b.count.Load() == 0 {
		return 0, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	br, now := b.all[t], b.now()
	switch {
	case br == nil || br.State == BreakerClosed:
		return 0, nil
	case now.Before(br.Until):
		return 0, br.refusal(now)
	case br.State == BreakerHalfOpen:
		b.close(t, br)
		return 0, nil
	}
	br.set(BreakerHalfOpen, now, probeTime)
	br.probe++
	return br.probe, nil
}

// refuses gives a *BrokenError when a request that was let through meets a
// breaker that is open by now.
func (b *breakers) refuses(t tenant) error {
	if b.count.Load() == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if br := b.all[t]; br != nil && br.State == BreakerOpen {
		return br.refusal(b.now())
	}
	return nil
}

func (br *breaker) refusal(now time.Time) error {
	e := &BrokenError{Until: br.Until, Class: br.Class}
	if soon := now.Add(probeWait); br.State == BreakerHalfOpen && soon.Before(e.Until) {
		e.Until = soon
	}
	return e
}

// release lets another probe through in the place of one that said nothing.
func (b *breakers) release(t tenant, probe uint64) {
	if probe == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if br := b.all[t]; br != nil && br.State == BreakerHalfOpen && br.probe == probe {
		br.State, br.Until = BreakerOpen, b.now()
	}
}

// failed counts a fault, after which the breaker is open for rest whatever there was
// before; zero: that depends. c has the names, and may be nil.
func (b *breakers) failed(t tenant, c *Caller, class Class, rest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	br := b.all[t]
	if br == nil {
		if len(b.all) >= maxBreakers {
			b.sweep(now)
		}
		if len(b.all) >= maxBreakers {
			return
		}
		br = &breaker{Health: Health{Workspace: t.workspace, WorkspaceUID: t.workspace, User: t.user, UserUID: t.user, State: BreakerClosed, Since: now}, backOff: backOffMin}
		b.all[t] = br
		b.count.Store(int32(len(b.all)))
	}
	if c != nil && t.workspace != "" && c.Workspace != "" {
		br.Workspace = c.Workspace
	}
	if c != nil && t.user != "" && c.User != "" {
		br.User = c.User
	}
	br.Class = class
	br.Faults++
	copy(br.recent[:], br.recent[1:])
	br.recent[breakAfter-1] = now
	switch {
	case rest > 0:
		br.backOff = rest
	case br.State == BreakerHalfOpen:
		br.backOff = min(2*br.backOff, backOffMax)
	case br.State == BreakerClosed && !br.recent[0].IsZero() && now.Sub(br.recent[0]) <= breakWithin:
	default:
		return
	}
	br.set(BreakerOpen, now, br.backOff)
	b.log.Warn("an extension fails again and again and is not asked for a while", slog.String("workspace", br.Workspace), slog.String("user", br.User),
		slog.String("class", string(class)), slog.Int("faults", br.Faults), slog.Duration("for", br.backOff))
}

// succeeded counts an answer.
func (b *breakers) succeeded(t tenant) {
	if b.count.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if br := b.all[t]; br != nil && br.State != BreakerOpen { // an open one waits for its probe
		b.close(t, br)
	}
}

// close forgets a breaker: its tenant is well. b.mu is held.
func (b *breakers) close(t tenant, br *breaker) {
	delete(b.all, t)
	b.count.Store(int32(len(b.all)))
	if br.State == BreakerHalfOpen {
		b.log.Info("an extension answers again", slog.String("workspace", br.Workspace), slog.String("user", br.User), slog.Int("faults", br.Faults))
	}
}

// sweep forgets what has been quiet for long. b.mu is held.
func (b *breakers) sweep(now time.Time) {
	for t, br := range b.all {
		if quiet := now.Sub(br.recent[breakAfter-1]); quiet > breakWithin && br.State == BreakerClosed || quiet > 2*backOffMax {
			delete(b.all, t)
		}
	}
	b.count.Store(int32(len(b.all)))
}

func (br *breaker) set(s BreakerState, now time.Time, lasts time.Duration) {
	if br.State != s || s == BreakerOpen {
		br.Since = now
	}
	br.State, br.Until = s, now.Add(lasts)
}

func (b *breakers) health() []Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(b.now())
	all := make([]Health, 0, len(b.all))
	for br := range maps.Values(b.all) {
		all = append(all, br.Health)
	}
	slices.SortFunc(all, func(x, y Health) int {
		return cmp.Or(cmp.Compare(x.Workspace, y.Workspace), cmp.Compare(x.WorkspaceUID, y.WorkspaceUID), cmp.Compare(x.User, y.User), cmp.Compare(x.UserUID, y.UserUID))
	})
	return all
}

// broken is how many are not closed.
func (b *breakers) broken() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, br := range b.all {
		if br.State != BreakerClosed {
			n++
		}
	}
	return n
}

// startFor starts an instance for a request, unless starts have failed too often
// while it waited. g.loading is held.
func (g *Guest) startFor(ctx context.Context, key instanceKey, c *Caller) (*instance, error) {
	t := g.tenantOf(c)
	// What is run again the breaker has let through once, but for what may end the
	// process: all that came together would do so one after the other.
	if key.kind != instanceAgain || g.engine.deaths.suspected(g.program()) {
		if err := g.breakers.refuses(t); err != nil {
			return nil, err
		}
	}
	if err := g.makeRoom(c); err != nil {
		return nil, err
	}
	i, err := g.start(ctx, key, c)
	var f *Fault
	switch {
	case errors.As(err, &f):
		g.failed(t, c, f)
	case errors.Is(err, ErrModule):
		g.breakers.failed(t, c, FaultStart, 0)
	}
	return i, err
}

// failed blames a tenant for a fault. c has the names.
func (g *Guest) failed(t tenant, c *Caller, f *Fault) {
	g.breakers.failed(t, c, f.Class, f.rest)
	g.accounts.of(t, c, time.Now()).fault(f.Class)
}

// blame counts a fault once for each tenant with a stream of which it is not
// found out by running it again whether it did it. i.mu is held.
func (i *instance) blame(f *Fault) {
	if f.Class == FaultCrash { // of one tenant, whatever of it was running
		for _, t := range i.aboard.tenants {
			i.guest.failed(t, &i.aboard.caller, f)
		}
		return
	}
	blamed := map[tenant]bool{}
	for _, s := range i.streams {
		if s.guestOpened() || s.again || blamed[s.tenant] {
			continue
		}
		blamed[s.tenant] = true
		caller := &s.request.Caller
		if s.orphan { // whoever asked uses the request for something else
			caller = nil
		}
		i.guest.breakers.failed(s.tenant, caller, f.Class, 0)
		s.bill.account.fault(f.Class)
	}
}

// answeredFor notes that the guest has come to an end with a stream of the
// host's. i.mu is held.
func (i *instance) answeredFor(s *stream) {
	if !s.guestOpened() {
		i.guest.breakers.succeeded(s.tenant)
	}
}
