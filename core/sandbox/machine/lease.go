// Leases: who starts a machine holds a runner until they close it. Where nothing
// can be left of what its guest did, the runner is used again.
package machine

import (
	"context"
	"sync"
)

// lease is the Machine of one Start.
type lease struct {
	code     *loaded
	seat     *seat
	snapshot *snapshot // what the runner is a copy of; nil: it cannot be used again
	runner   *runner   // the holder's until Close; then nil
	turns    int       // that it has had, as far as its pages are to be looked at

	mu      sync.Mutex // between Close and those who come from elsewhere
	spoiled bool       // it has failed or was killed
}

// Turn implements Machine.
func (l *lease) Turn(t *Turn) error {
	err := l.runner.Turn(t)
	if err != nil {
		l.mu.Lock()
		l.spoiled = true
		l.mu.Unlock()
	}
	if l.turns++; l.turns == hotTurns && err == nil && l.snapshot != nil {
		l.settled()
	}
	return err
}

// settled does for those who start next what this one's first answer need not
// wait for.
func (l *lease) settled() {
	if l.snapshot.memory.hot.wanted() {
		l.snapshot.memory.learn(l.runner.linear.bytes)
	}
	code, snapshot, limit := l.code, l.snapshot, l.runner.linear.limit
	code.blanks.advance(func() (*runner, error) { return code.copy(context.Background(), snapshot, limit) })
}

// Kill implements Machine. A runner that has gone on to somebody else hears
// nothing of it.
func (l *lease) Kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runner != nil {
		l.spoiled = true
		l.runner.Kill()
	}
}

// Memory implements Machine.
func (l *lease) Memory() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runner == nil {
		return 0
	}
	return l.runner.Memory()
}

// Close implements Machine.
func (l *lease) Close() {
	l.mu.Lock()
	l.seat.leave()
	r := l.runner
	l.runner = nil
	again := l.snapshot != nil && !l.spoiled
	l.mu.Unlock()
	if again && l.snapshot.reset(r) && l.code.blanks.give(r) {
		return
	}
	r.Close()
}
