// Package recording keeps what an instance was told and what it said, turn by
// turn, so that the same can be told to any build of its module again: which
// answers change, and what they cost, is then seen without the platform around.
//
// What a guest does depends on nothing but its module, its Start (memory, seed,
// clock) and its turns: there is no other way into it. A recording is therefore
// whole, and the build that was recorded does the same again to the last byte.
// Its machine is one apart: no copy of a snapshot that began with another seed.
//
// No secret is in one. What must not be kept is cut out of what goes in, and
// replaced by as many letters; then the guest is run once more with that, and
// what it says to it is what is kept. Nothing in a recording has seen a secret.
// But the seed is there: who has a recording can compute what its instance drew.
package recording

import (
	"errors"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// Recording is one instance from its start on.
type Recording struct {
	// Extension, Version and Digest say whose module it was.
	Extension, Version, Digest string
	// Start is what the machine began with, apart. Tenant and Extension are empty.
	Start machine.Start
	Turns []Turn
	// Ended says why there are no more turns, in words.
	Ended string
	// Used is what the instance used in these turns while it was recorded. That
	// of the turns is what they use without what was cut.
	Used machine.Usage
}

// Turn is one entry into the guest: machine.Turn, at rest.
type Turn struct {
	// Now is the guest's time in the turn, since Start.Now.
	Now   time.Duration
	Batch []byte
	Keep  bool
	CPU   time.Duration

	// Frames are what it answered. More is how many bytes more there were than
	// a batch may have.
	Frames []byte
	More   int
	// Wake is when it wanted its next turn, since Start.Now, if Wakes is set.
	Wake   time.Duration
	Wakes  bool
	Said   []byte
	Unsaid int
	Used   machine.Usage
	// Failure is how the turn failed, Detail what the guest trapped with.
	Failure Failure
	Detail  string

	// Cut are the frames of Batch in which something was cut, from 1 on.
	Cut []int
	// Other names the first place in which the guest really said something else
	// than stands here, for what was cut. It holds nothing of what it said.
	Other string
}

// Failure is how a turn failed; empty: it did not.
type Failure string

// How a turn fails.
const (
	Stopped Failure = "stopped" // it ran longer than it may
	Killed  Failure = "killed"  // from outside
	Memory  Failure = "memory"
	Stack   Failure = "stack"
	Lost    Failure = "lost"
	Trap    Failure = "trap"
)

// outside tells whether it is not of the guest's doing, so that nothing that is
// told to it brings it about again.
func (f Failure) outside() bool { return f == Killed || f == Lost }

// failure says what an error of a turn is.
func failure(err error) (Failure, string) {
	switch {
	case err == nil:
		return "", ""
	case errors.Is(err, machine.ErrStopped):
		return Stopped, ""
	case errors.Is(err, machine.ErrMemory):
		return Memory, ""
	case errors.Is(err, machine.ErrStack):
		return Stack, ""
	case errors.Is(err, machine.ErrLost):
		return Lost, ""
	}
	return Trap, err.Error()
}

// size is about what a turn takes in a recording.
func (t *Turn) size() int {
	return 64 + len(t.Batch) + len(t.Frames) + len(t.Said) + len(t.Detail)
}
