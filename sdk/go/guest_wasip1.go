//go:build wasip1

// The exports of a guest, and how it runs until it is idle.
package atoll

import (
	"os"
	"unsafe"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

var (
	inbox = make([]byte, 64<<10) // where the host writes
	idle  = os.NewFile(3, "idle")
	one   [1]byte
)

// wireVersion is the marker of ABI v1. It is never called.
//
//go:wasmexport atoll_wire_1
func wireVersion() {}

//go:wasmexport atoll_buffer
func buffer(size uint32) uint32 {
	if uint32(len(inbox)) < size {
		inbox = make([]byte, size)
	}
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(inbox))))
}

//go:wasmexport atoll_poll
func poll(size uint32) uint64 {
	s := current
	s.mu.Lock()
	s.begin()
	s.mu.Unlock()
	s.receive(inbox[:size])
	if s.stirred || size == 0 {
		settle()
	}
	s.mu.Lock()
	out := s.finish()
	s.mu.Unlock()
	if len(out) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(out))))<<32 | uint64(len(out))
}

// settle runs every goroutine until all of them wait. This one waits in Go's
// network poller for descriptor 3, which the host says is readable only when
// the runtime asks for it: when nothing else is left to run. The time of the
// next timer goes along with the question.
func settle() {
	if _, err := idle.Read(one[:]); err != nil {
		panic("atoll: the idle descriptor does not answer: " + err.Error())
	}
}

func emitLog(payload []byte) {
	current.mu.Lock()
	defer current.mu.Unlock()
	current.append(wire.Log, 0, payload)
}
