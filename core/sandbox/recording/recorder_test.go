// What the recorder keeps, and what it hands on.
package recording

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// TestRecordedGuestsHaveOneClock gives a machine times of which the wall's and
// the monotonic part are at odds, as they are for real, by nanoseconds or after
// the clock was set.
func TestRecordedGuestsHaveOneClock(t *testing.T) {
	began := time.Now()
	var saw time.Time
	s := script(func(t *machine.Turn) error {
		saw, t.Wake = t.Now, t.Now.Add(time.Minute)
		return nil
	})
	r, err := Start(t.Context(), s, machine.Start{Now: began}, 1<<20, func() {})
	if err != nil {
		t.Fatal(err)
	}
	turn := machine.Turn{Now: began.Add(time.Hour)}
	if err := r.Turn(&turn); err != nil {
		t.Fatal(err)
	}
	if saw != began.Round(0).UTC().Add(time.Hour) {
		t.Errorf("the guest's time is %v", saw)
	}
	if turn.Wake.Sub(turn.Now) != time.Minute || !strings.Contains(turn.Wake.String(), "m=") {
		t.Errorf("it is to be woken at %v, which no monotonic clock says", turn.Wake)
	}
	turn.Now = began.Add(-time.Second)
	if _ = r.Turn(&turn); !saw.Equal(began) {
		t.Errorf("before its start, the guest's time is %v", saw)
	}
}

func TestTurnsAfterTheEndAreNotKept(t *testing.T) {
	full := 0
	s := script(func(t *machine.Turn) error { t.Frames = make([]byte, 1000); return nil })
	r, err := Start(t.Context(), s, machine.Start{Now: time.Now()}, 2500, func() { full++ })
	if err != nil {
		t.Fatal(err)
	}
	var turn machine.Turn
	for range 5 {
		if err := r.Turn(&turn); err != nil || len(turn.Frames) != 1000 {
			t.Fatalf("%d bytes, %v", len(turn.Frames), err)
		}
	}
	rec := sealed(t, r, s, Policy{})
	if len(rec.Turns) != 2 || full != 1 || rec.Ended != "it is as large as it may be" {
		t.Errorf("%d turns, full %d times: %s", len(rec.Turns), full, rec.Ended)
	}
}

func TestWhatEndsATurnFromOutsideIsNotTheGuests(t *testing.T) {
	for _, c := range []struct {
		err    error
		killed bool
		want   Failure
	}{
		{machine.ErrStopped, false, Stopped}, {machine.ErrStopped, true, Killed}, {machine.ErrLost, false, Lost},
		{machine.ErrMemory, false, Memory}, {machine.ErrStack, false, Stack}, {errors.New("unreachable"), false, Trap},
	} {
		s := script(func(*machine.Turn) error { return c.err })
		r, err := Start(t.Context(), s, machine.Start{Now: time.Now()}, 1<<20, func() {})
		if err != nil {
			t.Fatal(err)
		}
		if c.killed {
			r.Kill()
		}
		if err := r.Turn(&machine.Turn{}); err != c.err {
			t.Errorf("%v became %v", c.err, err)
		}
		rec := sealed(t, r, s, Policy{})
		if got := rec.Turns[0].Failure; got != c.want {
			t.Errorf("%v: %s", c.err, got)
		}
		result, err := Replay(t.Context(), s, rec)
		if err != nil {
			t.Fatal(err)
		}
		if outside := c.want == Killed || c.want == Lost; (result.Ended != "") != outside || result.Differing != 0 {
			t.Errorf("%s: %+v", c.want, result)
		}
	}
}
