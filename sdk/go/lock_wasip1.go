//go:build wasip1

// The session's lock, in a guest. Go's WebAssembly has one thread and switches
// goroutines only where one waits, allocates or yields: looking at a flag and
// setting it is one step. sync.Mutex would be right too, and five calls a time.
package atoll

import "runtime"

type mutex struct{ held bool }

// lock waits by letting the others run. Who holds it never waits for anything,
// but may be put aside for the garbage collector.
func (s *session) lock() {
	for s.mu.held {
		runtime.Gosched()
	}
	s.mu.held = true
}

func (s *session) unlock() { s.mu.held = false }

// left is said when a handler has returned.
func (s *session) left() {}

// now gives the session of the functions that have no context: a guest is one.
func now() *session { return root }
