// When garbage is collected in a guest: before its memory is used up, and in a
// rush of requests later than Go would.
package atoll

import (
	"runtime/debug"
	"runtime/metrics"
)

// A rush has this many streams open; with so few it is over.
const (
	rushBegins = 1 << 10
	rushEnds   = 1 << 9
)

// leastHeap is what the runtime takes a smaller heap for, in bytes.
const leastHeap = 4 << 20

var (
	granted uint64 // the memory that the instance may have, in bytes
	rushing bool
	usual   int // what the heap may grow by when there is no rush, in percent
	percent int // and what it may grow by now
)

// marked is what the last collection left, and walked.
var marked = []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}

// tune tells the garbage collector what the instance may have: it collects
// sooner as its heap comes near, instead of letting it double past the limit.
func tune(memory uint64) {
	granted = memory
	debug.SetMemoryLimit(int64(memory - memory/8))
}

// pace lets the heap grow to half of the instance's memory in a rush, when it
// would be collected each time that it has doubled: what fills it then is needed
// until the requests are answered, and to find that, the stacks of all of them are
// walked. It is told how many streams are open, before what they brought runs.
func pace(open int) {
	switch {
	case open >= rushBegins:
		if !rushing {
			rushing, usual = true, debug.SetGCPercent(100)
			percent = 100
		}
		if usual < 0 { // the extension wants none but the limit
			allow(usual)
		} else {
			allow(max(usual, growth(granted/2)))
		}
	case rushing && open < rushEnds:
		rushing = false
		allow(usual)
	}
}

// growth is by how much the heap may grow until it has so many bytes, in percent
// of what the runtime takes for the whole.
func growth(until uint64) int {
	metrics.Read(marked)
	live, whole := marked[0].Value.Uint64(), uint64(0)
	for _, part := range marked {
		whole += part.Value.Uint64()
	}
	if live >= until {
		return 0
	}
	return int((until - live) * 100 / max(whole, leastHeap))
}

func allow(growth int) {
	if growth != percent {
		percent = growth
		debug.SetGCPercent(growth)
	}
}
