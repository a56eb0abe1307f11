// Generations: an extension that is installed again over itself. The new version
// is made ready beside the old one, takes its place at once, and what the old one
// has begun it ends: each request is answered whole, by one version.
package extension

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/store"
)

const (
	// drainTime is how long an extension that goes may finish what it has begun.
	drainTime = 10 * time.Second
	// outliveTime is after how long what follows something ends where its version
	// was replaced; who follows asks again. What has a deadline may go on until
	// that.
	outliveTime = time.Minute
	// readyTime is how long the old version goes on while the new one's code is
	// loaded.
	readyTime = time.Minute
)

// active is one version of an installed extension, from when it is active to the
// end of its last request.
type active struct {
	Installation
	modified  store.Revision
	pkg       *Package // without its bytes; nil when it failed
	failure   string
	router    *router
	guest     *sandbox.Guest
	rules     []capability.Rule
	upstreams map[string][]capability.Template
	uses      uses

	ctx          context.Context // ends with the extension
	end          context.CancelFunc
	following    context.Context // ends before, when the extension was replaced
	endFollowing context.CancelFunc
}

// uses counts who uses a generation. Its zero value is one that nobody uses.
type uses struct {
	mu   sync.Mutex
	n    int
	over chan struct{} // not nil: nobody begins; closed: nobody is left
}

// begin counts one more; false: too late, it is to end.
func (u *uses) begin() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over != nil {
		return false
	}
	u.n++
	return true
}

func (u *uses) done() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.n--; u.n == 0 && u.over != nil {
		close(u.over)
	}
}

// last lets nobody begin any more. The channel is closed when nobody is left.
func (u *uses) last() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over == nil {
		if u.over = make(chan struct{}); u.n == 0 {
			close(u.over)
		}
	}
	return u.over
}

// use gives the active extension of a name to a request, which is done with it
// when it has been answered. Until then its guest takes requests, unless the
// extension is removed.
func (h *Host) use(name string) (a *active, done func(), err error) {
	for {
		if a, err = h.get(name); err != nil {
			return nil, nil, err
		}
		if a.uses.begin() {
			return a, a.uses.done, nil
		}
		if again, _ := h.get(name); again == a { // the host closes
			return a, func() {}, nil
		}
	}
}

// ready loads the code of a version that is to replace one whose code is loaded,
// so that nobody waits for it. Its failure is the requests' to see.
func (h *Host) ready(a, old *active) {
	if old == nil || old.guest == nil || !old.guest.Stats().Loaded {
		return
	}
	ctx, cancel := context.WithTimeout(h.life, readyTime)
	defer cancel()
	if err := a.guest.Warm(ctx); err != nil && h.life.Err() == nil {
		h.log.Warn("the new version of an extension cannot be loaded", "extension", a.Name, "version", a.Version, "error", err)
	}
}

// outlive lets what a version has begun that was replaced come to its end, and
// closes it. When ctx ends first, the rest ends with it.
func (a *active) outlive(ctx context.Context) {
	defer a.close()
	left := a.uses.last()
	if ended(ctx, left, outliveTime) || a.pkg == nil {
		return
	}
	a.endFollowing()
	ended(ctx, left, a.pkg.Manifest.limits().Deadline)
}

// ended tells whether a channel is closed within a while, or ctx ends.
func ended(ctx context.Context, c <-chan struct{}, while time.Duration) bool {
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return true
	case <-timer.C:
		return false
	}
}

// close ends what follows, lets the rest finish, and unloads the code.
func (a *active) close() {
	a.uses.last()
	a.end()
	if a.guest == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := a.guest.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		slog.Warn("an extension did not end well", "extension", a.Name, "version", a.Version, "error", err)
	}
}
