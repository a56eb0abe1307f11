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
	bytes   []byte        // reserved; nil before reserve and after Free
}

// reserve takes the address space, and lays an image at its beginning.
func (m *linearMemory) reserve(begin *image) error {
	if begin.size > m.limit {
		m.refused.Store(true)
		return ErrMemory
	}
	b, err := mapMemory(int(m.limit))
	if err != nil {
		return err
	}
	m.bytes = b
	if err := begin.lay(b); err != nil {
		m.Free()
		return err
	}
	return nil
}

// restore makes the memory what it was when it began with this image: what was
// written to it since is gone. It must have the image's size.
func (m *linearMemory) restore(begin *image) error {
	return begin.restore(m.bytes)
}

// Allocate implements experimental.MemoryAllocator: once for each instance,
// whose memory has been reserved.
func (m *linearMemory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. Nil means: it may not grow.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.limit {
		m.refused.Store(true)
		return nil
	}
	m.size.Store(size)
	return m.bytes[:size:len(m.bytes)]
}

// Free implements experimental.LinearMemory.
func (m *linearMemory) Free() {
	if m.bytes != nil {
		unmapMemory(m.bytes)
		m.bytes = nil
	}
	m.size.Store(0)
}
