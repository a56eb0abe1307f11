// Hot pages: whatever is learned of them, a memory comes back as its image.
package machine

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
)

// mapped is an image of a memory, and a memory that begins with it.
func mapped(t *testing.T, memory []byte) (*image, []byte) {
	t.Helper()
	i, err := newImage(uint64(len(memory)), extentsOf(memory))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.close)
	b, err := mapMemory(len(memory) + wasmPage)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unmapMemory(b) })
	if err := i.lay(b); err != nil {
		t.Fatal(err)
	}
	return i, b
}

func TestMemoriesComeBackWhateverIsHot(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		memory := scattered(seed)
		i, b := mapped(t, memory)
		if i.view == nil {
			t.Skip("this system keeps no files in memory")
		}
		for round := range 6 {
			for range r.IntN(100) {
				at := r.IntN(len(memory))
				clear(b[at:min(at+r.IntN(9000), len(memory))])
				b[at] = byte(round + 1)
			}
			i.learn(b)
			if r.IntN(2) == 0 {
				i.heat(b)
			}
			back := i.restore
			if r.IntN(2) == 0 { // as where the system does not say what was written
				back = i.cool
			}
			if err := back(b); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b[:len(memory)], memory) {
				t.Fatalf("seed %d, round %d: the memory is another", seed, round)
			}
			last := 0
			for _, e := range i.hot.known() {
				if e.at < last || e.end() > len(memory) || e.size <= 0 {
					t.Fatalf("seed %d: a piece from %d to %d after one to %d, of %d bytes", seed, e.at, e.end(), last, len(memory))
				}
				last = e.end()
			}
		}
		if i.hot.wanted() {
			t.Error("it learns for ever")
		}
	}
}

func TestHotPagesAreThoseThatWereWritten(t *testing.T) {
	page := os.Getpagesize()
	memory := make([]byte, 64*wasmPage)
	for n := range 10 * wasmPage {
		memory[n] = 1
	}
	i, b := mapped(t, memory)
	if i.view == nil {
		t.Skip("this system keeps no files in memory")
	}
	b[3*page]++           // of what the image says
	b[20*wasmPage+page]++ // of what is zero
	i.learn(b)
	if hot := i.hot.known(); len(hot) != 2 || hot[0].at != 3*page || hot[0].size != page || hot[1].at != 20*wasmPage+page || hot[1].size != page {
		t.Errorf("%v", hot)
	}
	for at := 0; at < len(memory); at += page {
		b[at]++
	}
	i.learn(b)
	if hot := i.hot.known(); len(hot) != 0 {
		t.Errorf("%d pieces of a memory that is written all over", len(hot))
	}
}
