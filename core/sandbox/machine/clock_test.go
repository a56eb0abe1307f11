// The guests' clocks.
package machine

import (
	"testing"
	"time"
)

func TestClocksNeverRunBack(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWASI(began, 0, [32]byte{}, nil)
	mono, wall := w.monotonic(), w.wall
	if mono <= 0 || wall != began.UnixNano() {
		t.Fatalf("it begins at %d and %d", mono, wall)
	}
	w.setClock(began.Add(-time.Hour), 0)
	if w.monotonic() != mono || w.wall != wall {
		t.Errorf("an hour earlier they are at %d and %d", w.monotonic()-mono, w.wall-wall)
	}
	w.setClock(began.Add(time.Second), 0)
	if w.monotonic() != mono+1e9 || w.wall != wall+1e9 {
		t.Errorf("a second later they are at %d and %d", w.monotonic()-mono, w.wall-wall)
	}
	// The machine's clock is set back, and its monotonic one goes on.
	w.wall += 3600e9
	ahead := w.wall
	w.setClock(began.Add(2*time.Second), 0)
	if w.monotonic() != mono+2e9 || w.wall != ahead {
		t.Errorf("set back, they are at %d and %d", w.monotonic()-mono, w.wall-ahead)
	}
}
