// Images of memories.
package machine

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// scattered is a memory with something here and there.
func scattered(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	memory := make([]byte, (1+r.IntN(40))*wasmPage)
	for range r.IntN(60) {
		at := r.IntN(len(memory))
		for n := range min(r.IntN(9000), len(memory)-at) {
			memory[at+n] = byte(r.Uint32())
		}
	}
	return memory
}

// TestImagesAreWhatTheyWereMadeOf lays images, mapped and copied, writes all
// over the memory, and restores it.
func TestImagesAreWhatTheyWereMadeOf(t *testing.T) {
	for seed := range uint64(40) {
		memory := scattered(seed)
		mapped, err := newImage(uint64(len(memory)), extentsOf(memory))
		if err != nil {
			t.Fatal(err)
		}
		copied := &image{size: mapped.size}
		for _, e := range mapped.extents {
			copied.extents = append(copied.extents, extent{e.at, e.size, memory[e.at:e.end()]})
		}
		if n := len(mapped.extents); n > mostExtents {
			t.Errorf("%d extents", n)
		}
		for name, i := range map[string]*image{"mapped": mapped, "copied": copied} {
			b, err := mapMemory(len(memory) + 5*wasmPage)
			if err != nil {
				t.Fatal(err)
			}
			if err := i.lay(b); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if !bytes.Equal(b[:len(memory)], memory) {
					t.Fatalf("seed %d, %s: the memory is another", seed, name)
				}
				if n := bytes.Count(b[len(memory):], []byte{0}); n != 5*wasmPage {
					t.Fatalf("seed %d, %s: behind the image is something", seed, name)
				}
				for at := range len(memory) {
					b[at] ^= byte(at)
				}
				if err := i.restore(b); err != nil {
					t.Fatal(err)
				}
			}
			unmapMemory(b)
		}
		mapped.close()
	}
}

func TestImagesOfZerosTakeNothing(t *testing.T) {
	i, err := newImage(10*wasmPage, extentsOf(make([]byte, 10*wasmPage)))
	if err != nil {
		t.Fatal(err)
	}
	defer i.close()
	if len(i.extents) != 0 {
		t.Errorf("%d extents of zeros", len(i.extents))
	}
}
