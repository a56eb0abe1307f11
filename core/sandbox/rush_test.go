// A rush of requests into a Go guest: its garbage is collected later, but it is
// collected.
package sandbox_test

import (
	"context"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// TestRushDoesNotKeepAGuestCollecting fills more than half of a guest's memory
// with requests that wait. Then requests that come and go cost about what they
// cost before: the collector is neither off, nor tries again and again to get
// below the half up to which it was put off.
func TestRushDoesNotKeepAGuestCollecting(t *testing.T) {
	const waiting, coming = 3000, 1500
	f := start(t, sandbox.Options{})
	release := make(chan struct{})
	f.setDoor(func(ctx context.Context, _ sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		select {
		case <-release:
			return whole(r.Target), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	g := f.load("kit", func(s *sandbox.Spec) {
		s.Limits = unheld(sandbox.Limits{Memory: 64 << 20, Streams: 3*waiting + 100, Deadline: -1})
	})
	each := func() uint64 {
		before, _ := g.Usage()
		for range coming {
			if _, err := get(t.Context(), g, "/json/x"); err != nil {
				t.Fatal(err)
			}
		}
		after, _ := g.Usage()
		return (after.Units - before.Units) / coming
	}
	each()
	alone := each()
	var wg sync.WaitGroup
	for range waiting {
		wg.Go(func() {
			if got, err := get(t.Context(), g, "/two"); err != nil || got != "/part/0 /part/1" {
				t.Errorf("it answered %q, %v", got, err)
			}
		})
	}
	eventually(t, "all wait", func() bool { return g.Stats().Children == 2*waiting })
	beside := each()
	s := g.Stats()
	t.Logf("%d units a request, %d beside %d that wait in %d MiB", alone, beside, waiting, s.Memory>>20)
	if beside > 8*alone {
		t.Errorf("a request takes %d units, and %d beside those that wait", alone, beside)
	}
	close(release)
	wg.Wait()
	if after := each(); after > 4*alone {
		t.Errorf("a request took %d units, and takes %d after the rush", alone, after)
	}
	if s := g.Stats(); s.Instances != 1 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
}
