//go:build wasip1

// The session's lock, in a guest. Go's WebAssembly has one thread and switches
// goroutines only where one waits, allocates or yields: looking at a flag and
// setting it is one step. sync.Mutex would be right too, and five calls a time.
package atoll

import "runtime"

type lock struct{ held bool }

// Lock waits by letting the others run. Who holds it never waits for anything,
// but may be put aside for the garbage collector.
func (l *lock) Lock() {
	for l.held {
		runtime.Gosched()
	}
	l.held = true
}

func (l *lock) Unlock() { l.held = false }
