// Linear memory: bounded per instance, off the Go heap, and it notes when a
// guest wanted more than it may have.
package machine

import (
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory backs the one memory of one instance. The whole limit is
// reserved at once, so that growing copies nothing, and pages cost nothing
// before they are touched. It is freed by the instance's owner alone, after the
// last call into the guest has returned.
type linearMemory struct {
	limit   uint64
	size    atomic.Uint64 // for those who look from outside
	refused atomic.Bool   // a growth past the limit was asked for
	bytes   []byte        // reserved; nil before Allocate and after Free
}

// Allocate implements experimental.MemoryAllocator: once for each instance.
func (m *linearMemory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. Nil means: it may not grow.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.limit {
		m.refused.Store(true)
		return nil
	}
	if m.bytes == nil {
		b, err := reserve(int(m.limit))
		if err != nil {
			m.refused.Store(true)
			return nil
		}
		m.bytes = b
	}
	m.size.Store(size)
	return m.bytes[:size:len(m.bytes)]
}

// Free implements experimental.LinearMemory.
func (m *linearMemory) Free() {
	if m.bytes != nil {
		release(m.bytes)
		m.bytes = nil
	}
	m.size.Store(0)
}
