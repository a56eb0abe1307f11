// Sealing: what was recorded becomes what may be kept.
package recording

import (
	"context"
	"fmt"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// Raw is what was recorded, secrets and all. It does not leave the process.
type Raw struct {
	rec     Recording
	secrets map[uint32]bool
}

// Policy says what is cut beside the bodies of secret streams.
type Policy struct {
	// Setting tells whether the value of a setting is secret. Nil: none is.
	Setting func(name string) bool
	// Users replaces the names and UIDs of users, one and the same by one and
	// the same.
	Users bool
}

// Seal cuts secrets out of what was recorded. Where something was cut, the
// module that was recorded is loaded and run again with what is left, and what it
// says now takes the place of what it said. It ends where the guest fails for
// what it is not told. The Raw is of no use afterwards.
func (r *Raw) Seal(ctx context.Context, load func(context.Context) (machine.Code, error), p Policy) (*Recording, error) {
	rec := &r.rec
	if len(rec.Turns) == 0 || !newCutter(p, rec, r.secrets).cut() {
		return rec, nil
	}
	code, err := load(ctx)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	run, err := code.Start(ctx, rec.Start)
	if err != nil {
		return nil, fmt.Errorf("running the guest without what is secret: %w", err)
	}
	defer run.Close()
	var turn machine.Turn
	for n := range rec.Turns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := &rec.Turns[n]
		if t.Failure.outside() {
			t.Frames, t.Said = nil, nil // they have seen what was cut, and nobody says them again
			break
		}
		was := *t
		again(run, rec, t, t.Keep, &turn)
		if place := t.compare(&was); place != nil {
			t.Other = place.Where
		}
		if t.Failure != was.Failure {
			rec.Turns = rec.Turns[:n+1]
			rec.Ended = "from here on all depends on what was cut"
			break
		}
	}
	return rec, nil
}

// again lets a machine take a turn of a recording, whose outcome is replaced.
func again(run machine.Machine, rec *Recording, t *Turn, keep bool, turn *machine.Turn) {
	turn.Now, turn.Batch, turn.Keep, turn.CPU = rec.Start.Now.Add(t.Now), t.Batch, keep, t.CPU
	if t.Failure != Stopped {
		turn.CPU *= patience
	}
	err := run.Turn(turn)
	k := outcome(turn, rec.Start.Now, err)
	k.Now, k.Batch, k.Keep, k.CPU, k.Cut = t.Now, t.Batch, t.Keep, t.CPU, t.Cut
	*t = k
}

// patience is how many times as long as then a turn may take, where it did not
// come to its limit: this machine may be slower, or have more to do.
const patience = 10
