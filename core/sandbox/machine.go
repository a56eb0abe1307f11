// The machine: what an instance needs of whatever runs its guest. A runner, which
// holds a WebAssembly module, is the one there is; tests put a Go function in its
// place, so that they can say any frame at any moment.
package sandbox

import "context"

// machine runs one instance's guest. Everything but kill and memory is for the
// instance's owner alone; kill may come from anywhere while the guest runs.
type machine interface {
	// initialize runs what comes before the first poll.
	initialize() error
	// buffer asks where size bytes may be written, and write puts bytes there;
	// false: that lies outside of the guest's memory.
	buffer(size int) (uint32, error)
	write(at uint32, b []byte) bool
	// poll lets the guest consume size bytes of its buffer and gives the frames
	// that it answers, a view until the guest is entered again.
	poll(size int) ([]byte, error)
	// kill makes the entry that runs, or the next one, end with errStopped.
	kill()
	// close frees everything. It comes last, once.
	close()
	// world is the guest's clock, randomness, log and next wake.
	world() *wasi
	// memory is what the guest takes now, in bytes, and whether it has asked
	// for more than its limit.
	memory() (size uint64, refused bool)
}

// code is what a guest's instances are made of.
type code struct {
	// start makes a machine with a memory limit in bytes, and leaves it before
	// its first instruction.
	start func(ctx context.Context, limit uint64, w wasi) (machine, error)
	// close frees the code; no machine runs any more.
	close func()
}
