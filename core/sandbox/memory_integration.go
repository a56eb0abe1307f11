//go:build integration

// Linear memory seen from outside, for tests that look for what must not be in it.
// What is shipped is built without it.
package sandbox

import (
	"runtime"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
)

// MemoryForTests copies the linear memory of every instance, each while it is at
// rest.
func (g *Guest) MemoryForTests() (all [][]byte) {
	for _, i := range g.alive() {
		i.mu.Lock()
		for i.owned {
			i.mu.Unlock()
			runtime.Gosched()
			i.mu.Lock()
		}
		// Nobody enters the guest, nor frees its memory, while mu is held.
		if i.dead == nil {
			all = append(all, machine.MemoryForTests(i.run))
		}
		i.mu.Unlock()
	}
	return all
}
