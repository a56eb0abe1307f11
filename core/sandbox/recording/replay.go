// Replaying: any build of a guest is told what the recorded one was told.
package recording

import (
	"context"
	"fmt"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// maxDifferences is how many differences a Result holds.
const maxDifferences = 100

// Result is what a replay found.
type Result struct {
	// Turns that were taken, of those that were recorded.
	Turns []Compared
	// Differing is in how many of them the outcome was another one, and
	// Differences the first place in each of the first 100.
	Differing   int
	Differences []Difference
	// Ended says why not all turns were taken; empty: they were.
	Ended string
	// Before and Now are what the turns taken used.
	Before, Now machine.Usage
}

// Compared is what one turn used.
type Compared struct{ Before, Now machine.Usage }

// Replay starts a machine as the recorded one was and gives it the same turns.
// The build that was recorded does the same again; with another one it goes on
// as far as the guest does, even if what it is told is no longer what it asked
// for. An error is a machine that could not be started, or ctx's.
func Replay(ctx context.Context, code machine.Code, rec *Recording) (*Result, error) {
	run, err := code.Start(ctx, rec.Start)
	if err != nil {
		return nil, fmt.Errorf("starting the guest: %w", err)
	}
	defer run.Close()
	r := &Result{}
	keep := false
	var turn machine.Turn
	for n := range rec.Turns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		before := &rec.Turns[n]
		if before.Failure.outside() {
			r.Ended = fmt.Sprintf("turn %d was ended from outside", n)
			break
		}
		now := *before
		again(run, rec, &now, keep, &turn)
		if n == 0 {
			keep = keepsBuffer(now.Frames)
		}
		r.Turns = append(r.Turns, Compared{Before: before.Used, Now: now.Used})
		r.Before.Add(before.Used)
		r.Now.Add(now.Used)
		if d := before.compare(&now); d != nil {
			r.Differing++
			if d.Turn = n; len(r.Differences) < maxDifferences {
				r.Differences = append(r.Differences, *d)
			}
		}
		if now.Failure != "" && n+1 < len(rec.Turns) {
			r.Ended = fmt.Sprintf("the guest ended in turn %d of %d", n, len(rec.Turns))
			break
		}
	}
	return r, nil
}

// keepsBuffer tells whether a guest's HELLO says that it keeps its buffer.
func keepsBuffer(frames []byte) (keeps bool) {
	f, _, err := next(frames, wire.NextFrame)
	if err != nil || f == nil || f.Type != wire.Hello {
		return false
	}
	fields(f.Payload, func(field wire.Field) {
		if v, ok := field.U64(); ok && field.Tag == wire.TagFeatures {
			keeps = v&wire.FeatureBuffer != 0
		}
	})
	return keeps
}
