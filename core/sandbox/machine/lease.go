// Leases: who starts a machine holds a runner until they close it. Where nothing
// can be left of what its guest did, the runner is used again.
package machine

import "sync"

// lease is the Machine of one Start.
type lease struct {
	code     *loaded
	seat     *seat
	snapshot *snapshot // what the runner is a copy of; nil: it cannot be used again
	runner   *runner   // the holder's until Close

	mu      sync.Mutex // between Close and those who come from elsewhere
	closed  bool
	spoiled bool // it has failed or was killed
}

// Turn implements Machine.
func (l *lease) Turn(t *Turn) error {
	err := l.runner.Turn(t)
	if err != nil {
		l.mu.Lock()
		l.spoiled = true
		l.mu.Unlock()
	}
	return err
}

// Kill implements Machine. A runner that has gone on to somebody else hears
// nothing of it.
func (l *lease) Kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.spoiled = true
		l.runner.Kill()
	}
}

// Memory implements Machine.
func (l *lease) Memory() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0
	}
	return l.runner.Memory()
}

// Close implements Machine.
func (l *lease) Close() {
	l.mu.Lock()
	l.closed = true
	l.seat.leave()
	again := l.snapshot != nil && !l.spoiled
	l.mu.Unlock()
	if again && l.snapshot.reset(l.runner) && l.code.blanks.give(l.runner) {
		return
	}
	l.runner.Close()
}
