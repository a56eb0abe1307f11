// The machine: what an instance needs of whatever runs its guest. This package's
// Local makes them out of modules; tests put a Go function in a machine's place,
// so that they can say anything at any moment.
package machine

import (
	"context"
	"errors"
	"time"
)

// Room makes machines out of modules.
type Room interface {
	// Prepare checks a module and compiles it, and leaves the result in the
	// cache. A module with faults gives them all in the report and an error
	// that wraps ErrModule; nothing of it has run.
	Prepare(ctx context.Context, wasm []byte) (Report, error)
	// Load does the same and gives the code.
	Load(ctx context.Context, wasm []byte) (Code, Report, error)
	// Interpreted tells whether modules are interpreted, because there is no
	// compiler for this machine.
	Interpreted() bool
	// Close frees everything; no machine runs any more.
	Close(ctx context.Context) error
}

// Code is a module, loaded. It is safe for concurrent use.
type Code interface {
	// Start makes a machine and runs what comes before its first turn: its
	// module's _initialize. Errors are those of Machine.Turn.
	Start(ctx context.Context, s Start) (Machine, error)
	// Close frees the code; no machine of it runs any more.
	Close()
}

// Start is what a machine begins with.
type Start struct {
	// Memory is the most that its linear memory may take, in bytes, a multiple
	// of 64 KiB.
	Memory uint64
	// Seed is where its randomness comes from.
	Seed [32]byte
	// Now is what its clocks begin with.
	Now time.Time
	// Apart has the module initialized for this machine alone, with the seed and
	// the clocks above, where it would be a copy of one that began with others.
	// What it does is then decided by this Start and its turns, in any room, and
	// tells nothing of the other machines' beginning. It takes longer to start.
	Apart bool
	// CPU is what its start may take.
	CPU time.Duration
	// Tenant and Extension say who waits: turns are served fairly by tenant,
	// then by extension.
	Tenant, Extension string
	// Used, where it is not nil, is told what the start took: the module's
	// _initialize, and the snapshot that is made of it, where this one made it. It
	// is told after an error too.
	Used *Usage
	// Owner is who the machine's Room tells Options.Judge of; nil: nobody.
	Owner any

	wall int64 // see Turn
}

// took notes what a start took, for who wants to know.
func (s *Start) took(used Usage) {
	if s.Used != nil {
		*s.Used = used
	}
}

// Machine runs one instance's guest. Everything but Kill and Memory is for the
// instance's owner alone; those may come from anywhere at any time before Close.
type Machine interface {
	// Turn enters the guest once. After an error the machine is of no more use
	// but to be closed: ErrStopped, ErrMemory, ErrStack, ErrLost, or what the
	// guest trapped with.
	Turn(t *Turn) error
	// Kill makes the turn that runs, or the next one, end with ErrStopped.
	Kill()
	// Memory is what the guest's linear memory takes now, in bytes.
	Memory() uint64
	// Close frees everything. It comes last, once.
	Close()
}

// Turn is one entry into a guest. Its owner uses one again and again.
type Turn struct {
	// Now is what the guest's clocks say during the turn; they never go back.
	Now time.Time
	// Batch goes into the guest. An empty one says that time has passed.
	Batch []byte
	// Keep tells that the guest keeps its buffer from turn to turn.
	Keep bool
	// CPU is what the turn may take.
	CPU time.Duration

	// Frames are what the guest answers, a view that stands until the next turn.
	Frames []byte
	// Wake is when it wants the next turn at latest; zero: when there is a batch.
	// A turn with a batch may leave it as it was.
	Wake time.Time
	// Said is what it wrote to its descriptors 1 and 2, and Unsaid how many
	// bytes more it wrote than are kept. They stand until the next turn. What
	// it wrote before the first turn comes with that.
	Said   []byte
	Unsaid int
	// Used is what the turn took. It is said after an error too.
	Used Usage

	// wall is what the clock of the wall says, in nanoseconds since 1970, where
	// Now has crossed from another process and cannot say it; zero: Now's own.
	wall int64
}

// Usage is work of a guest.
type Usage struct {
	// CPU is time on a processor.
	CPU time.Duration
	// Units are metered instructions, each about a nanosecond of a plain
	// machine's time. They do not depend on what else the machine does: the
	// same work costs the same units.
	Units uint64
}

// Add adds more work.
func (u *Usage) Add(more Usage) {
	u.CPU += more.CPU
	u.Units += more.Units
}

var (
	// ErrModule is wrapped when a module breaks the wire's rules or limits.
	ErrModule = errors.New("the module cannot run here")
	// ErrStart is wrapped when a machine could not be made at all.
	ErrStart = errors.New("it could not be started")
	// ErrStopped is a turn that took more processor time than it may, or was killed.
	ErrStopped = errors.New("stopped: it ran longer than it may")
	// ErrMemory is a guest that wanted more memory than it may have.
	ErrMemory = errors.New("it wanted more memory than its limit")
	// ErrStack is a guest whose calls went deeper than they may.
	ErrStack = errors.New("its calls went too deep")
	// ErrLost is a machine that ended by no fault of its guest.
	ErrLost = errors.New("the machine was lost")
)
