//go:build wasip1

// The exports of a guest, and how it runs until it is idle.
package atoll

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

var (
	inbox = make([]byte, 64<<10) // where the host writes
	idle  = idleDescriptor()
	idled bool // the idle descriptor has been waited for
)

func idleDescriptor() syscall.RawConn {
	conn, err := os.NewFile(3, "idle").SyscallConn()
	if err != nil {
		panic("atoll: no idle descriptor: " + err.Error())
	}
	return conn
}

func init() {
	root.settle = settle
	if runtimeGenerator = findGenerator(); runtimeGenerator == nil {
		fmt.Fprintln(os.Stderr, "atoll: this version of Go keeps its generator where the SDK does not find it: "+
			"what math/rand's own functions draw is the same in every instance; atoll.Rand and crypto/rand are not concerned")
	}
	warm()
}

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
	out := root.poll(inbox[:size])
	if len(out) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(out))))<<32 | uint64(len(out))
}

// settle runs every goroutine until all of them wait. This one waits in Go's
// network poller for descriptor 3, which the host says is readable only when
// the runtime asks for it: when nothing else is left to run. The time of the
// next timer goes along with the question. There is nothing to read: that it is
// readable is all.
func settle() {
	idled = false
	if err := idle.Read(waited); err != nil {
		panic("atoll: the idle descriptor does not answer: " + err.Error())
	}
}

// waited makes settle wait once.
func waited(uintptr) bool {
	was := idled
	idled = true
	return was
}

func (s *session) emitLog(payload []byte) { s.appendLog(payload) }
