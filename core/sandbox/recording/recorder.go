// The recorder: a machine that keeps every turn of another one.
package recording

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// maxDetail bounds what is kept of the text of a trap, in bytes.
const maxDetail = 4 << 10

// Recorder is a Machine whose turns are kept in memory until Take. It holds
// everything, secrets too; what may leave the process is what Seal makes of it.
type Recorder struct {
	inner machine.Machine
	began time.Time // with the machine's own monotonic clock
	base  time.Time // the same, and the guest's time counts from it
	turn  machine.Turn
	max   int
	ended func()

	killed atomic.Bool

	mu      sync.Mutex
	rec     Recording
	size    int
	over    bool // no more turns are kept
	secrets map[uint32]bool
}

// Start starts a machine, apart from all others of its code, and records it. At
// most max bytes of turns are kept. When there are more, from within a turn after
// which the machine goes on, or when it is closed, ended is called, once, unless
// Take has come first. Errors are those of code.Start.
func Start(ctx context.Context, code machine.Code, s machine.Start, max int, ended func()) (*Recorder, error) {
	// The guest's two clocks must be one, or they could not be said again: the
	// wall's is read a moment before the monotonic, and may be set.
	r := &Recorder{began: s.Now, base: s.Now.Round(0).UTC(), max: max, ended: ended, secrets: map[uint32]bool{}}
	s.Now, s.Apart = r.base, true
	inner, err := code.Start(ctx, s)
	if err != nil {
		return nil, err
	}
	r.rec.Extension, s.Tenant, s.Extension = s.Extension, "", ""
	r.inner, r.rec.Start = inner, s
	return r, nil
}

// Turn implements machine.Machine.
func (r *Recorder) Turn(t *machine.Turn) error {
	now := max(0, t.Now.Sub(r.began))
	in := &r.turn
	in.Now, in.Batch, in.Keep, in.CPU = r.base.Add(now), t.Batch, t.Keep, t.CPU
	err := r.inner.Turn(in)
	t.Frames, t.Said, t.Unsaid, t.Used, t.Wake = in.Frames, in.Said, in.Unsaid, in.Used, time.Time{}
	if !in.Wake.IsZero() {
		t.Wake = r.began.Add(in.Wake.Sub(r.base))
	}
	r.keep(now, in, err)
	return err
}

// keep keeps a turn that was taken.
func (r *Recorder) keep(now time.Duration, t *machine.Turn, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	k := outcome(t, r.base, err)
	k.Now, k.Batch, k.Keep, k.CPU = now, bytes.Clone(t.Batch), t.Keep, t.CPU
	if k.Failure == Stopped && r.killed.Load() {
		k.Failure = Killed
	}
	if r.size += k.size(); r.size > r.max {
		r.over, r.rec.Ended = true, "it is as large as it may be"
		r.ended()
		return
	}
	r.rec.Turns = append(r.rec.Turns, k)
	r.rec.Used.Add(k.Used)
}

// outcome is what came of a turn.
func outcome(t *machine.Turn, base time.Time, err error) (k Turn) {
	frames := t.Frames[:min(len(t.Frames), wire.MaxBatch)]
	k.Frames, k.More = bytes.Clone(frames), len(t.Frames)-len(frames)
	k.Said, k.Unsaid, k.Used = bytes.Clone(t.Said), t.Unsaid, t.Used
	if !t.Wake.IsZero() {
		k.Wakes, k.Wake = true, t.Wake.Sub(base)
	}
	k.Failure, k.Detail = failure(err)
	k.Detail = k.Detail[:min(len(k.Detail), maxDetail)]
	return k
}

// Secret says that a stream carries what must not be kept. Neither the bodies
// that the guest was sent on it are, nor those of all streams that were opened
// on behalf of the same request. It is safe for concurrent use.
func (r *Recorder) Secret(stream uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets[stream] = true
}

// Take ends the recording, if it has not ended, and gives it away. It is safe
// for concurrent use.
func (r *Recorder) Take(why string) *Raw {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.over, r.rec.Ended = true, why
	}
	raw := &Raw{rec: r.rec, secrets: r.secrets}
	r.rec.Turns, r.secrets = nil, map[uint32]bool{}
	return raw
}

// Kill implements machine.Machine.
func (r *Recorder) Kill() {
	r.killed.Store(true)
	r.inner.Kill()
}

// Memory implements machine.Machine.
func (r *Recorder) Memory() uint64 { return r.inner.Memory() }

// Close implements machine.Machine. What was recorded stays.
func (r *Recorder) Close() {
	r.inner.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.over, r.rec.Ended = true, "the instance ended"
		r.ended()
	}
}
