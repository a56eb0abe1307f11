// What was written is put back, all of it.
package machine

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// seeing skips a test where this system does not say what was written.
func seeing(t *testing.T) {
	t.Helper()
	if pagemap() == nil {
		t.Skip("this system does not say what was written to a memory")
	}
}

// TestRewoundMemoryIsItsImage does to a memory what guests and the system do to it,
// over and over, and compares all of it with its image each time.
func TestRewoundMemoryIsItsImage(t *testing.T) {
	seeing(t)
	read := byte(0)
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		memory := scattered(seed)
		i, b := mapped(t, memory)
		rewound := 0
		for round := range 12 {
			for range r.IntN(200) {
				switch at := r.IntN(len(memory)); r.IntN(6) {
				case 0: // read, and what is around
					for _, c := range b[at:min(at+r.IntN(100_000), len(memory))] {
						read += c
					}
				case 1: // write what is there already
					b[at] = memory[at]
				case 2:
					clear(b[at:min(at+r.IntN(9000), len(memory))])
				case 3: // the system wants the pages for something else
					page := at &^ (os.Getpagesize() - 1)
					_ = unix.Madvise(b[page:min(page+wasmPage, len(memory))], unix.MADV_PAGEOUT)
				default:
					b[at] = byte(round + 1)
				}
			}
			if i.rewind(b) {
				rewound++
			} else if err := i.cool(b); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b[:len(memory)], memory) {
				t.Fatalf("seed %d, round %d: the memory is another", seed, round)
			}
		}
		if rewound == 0 && len(memory) <= mostHot {
			t.Errorf("seed %d: it was never rewound", seed)
		}
	}
	t.Log(read) // so that it is read indeed
}

func TestMemoryThatIsWrittenAllOverIsForgotten(t *testing.T) {
	seeing(t)
	page := os.Getpagesize()
	for name, step := range map[string]int{"more than is put back by hand": page, "more pieces than there is room for": 3 * page} {
		memory := bytes.Repeat([]byte{1}, 3*mostHot)
		i, b := mapped(t, memory)
		if b[page]++; !i.rewind(b) || b[page] != 1 {
			t.Errorf("%s: one page is not put back", name)
		}
		for at := 0; at < len(memory); at += step {
			b[at]++
		}
		if i.rewind(b) {
			t.Errorf("%s: it was all put back by hand", name)
		}
		if err := i.restore(b); err != nil || !bytes.Equal(b[:len(memory)], memory) {
			t.Errorf("%s: the memory is another: %v", name, err)
		}
		if b[0]++; !i.rewind(b) || b[0] != 1 {
			t.Errorf("%s: it is never put back by hand again", name)
		}
	}
}

func TestSystemThatSaysNothingIsNotBelieved(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := trySeeing(f); err == nil {
		t.Error("any file tells what was written")
	}
}

// TestViewTellsNoAddresses looks at what the sandbox's process is given as the core
// would read it: no page has a place in the machine's memory.
func TestViewTellsNoAddresses(t *testing.T) {
	f, err := pagemapOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := mapMemory(os.Getpagesize())
	if err != nil {
		t.Fatal(err)
	}
	defer unmapMemory(b)
	b[0] = 1
	entry := pagemapEntry(t, f, b)
	const present, frame = 1 << 63, 1<<55 - 1
	if entry&present == 0 || entry&frame != 0 {
		t.Errorf("the entry of a page is %#x", entry)
	}
}

// pagemapEntry is what a pagemap says of a memory's first page.
func pagemapEntry(t *testing.T, f *os.File, memory []byte) uint64 {
	t.Helper()
	var b [8]byte
	at := int64(uintptr(unsafe.Pointer(&memory[0]))) / int64(os.Getpagesize()) * 8
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(b[:])
}
