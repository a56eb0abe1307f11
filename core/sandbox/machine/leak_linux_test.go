// Nothing is left of what was loaded and unloaded.
package machine

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// holdings are what this process has of the system's: open files, mappings, and
// bytes of memory.
func holdings(t *testing.T) (descriptors, mappings int, resident uint64) {
	t.Helper()
	// Machine code is freed by finalizers, which run after a collection.
	for range 3 {
		debug.FreeOSMemory()
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries), bytes.Count(maps, []byte("\n")), pages * uint64(os.Getpagesize())
}

func TestAThousandLoadsLeaveNothing(t *testing.T) {
	room := local(t)
	modules := [][]byte{puppet(nil), puppet(nil, takesATableEntry...), puppet(code(0x00))}
	rounds := func(n int) {
		for k := range n {
			c, _, err := room.Load(t.Context(), modules[k%3])
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := room.Load(t.Context(), modules[k%3])
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // a copy, one that is used again, one that fails
				m, err := c.Start(t.Context(), testStart(byte(k)))
				if err != nil {
					continue // the third traps in its _initialize
				}
				_, _ = turn(m, command(doStore, 8192, 1), command(byte(k)%doAnswer, 8192, 1))
				m.Close()
			}
			c.Close()
			again.Close()
			again.Close() // is once
		}
		room.mu.Lock()
		defer room.mu.Unlock()
		if len(room.codes) > 0 {
			t.Fatalf("%d codes are still loaded", len(room.codes))
		}
	}
	rounds(100)
	d0, m0, r0 := holdings(t)
	rounds(1000)
	d1, m1, r1 := holdings(t)
	t.Logf("%d descriptors, then %d; %d mappings, then %d; %d KiB, then %d", d0, d1, m0, m1, r0>>10, r1>>10)
	if d1 > d0+2 || m1 > m0+30 || r1 > r0+16<<20 {
		t.Error("that is more than before")
	}
}
