// Images: what a linear memory begins with. Where the system can, a memory maps
// its image copy on write: what no machine writes exists once for all of them,
// and to forget what one has written is one system call.
package machine

import (
	"bytes"
	"fmt"
	"os"
	"slices"
)

// image is the beginning of linear memories. It never changes.
type image struct {
	size    uint64
	extents []extent // where it is not all zeros; the rest costs nothing
	file    *os.File // holds the extents at their own offsets; nil: they are copied
	view    []byte   // of the file, to be read
	hot     hot      // of what has a view
}

// extent is a piece of an image, whole pages of the machine.
type extent struct {
	at, size int
	bytes    []byte // nil when a file holds them
}

func (e extent) end() int { return e.at + e.size }

const (
	// mostExtents is how many mappings an image may take in each machine. A
	// process may have 65,530 of them.
	mostExtents = 8
	// leastGap is how many zero bytes between two extents keep them apart.
	leastGap = 64 << 10
)

// newImage makes an image of so many bytes which are zero but for some extents.
// Their bytes stay the caller's.
func newImage(size uint64, extents []extent) (*image, error) {
	file, err := sealedFile("atoll-memory", size, extents)
	if err != nil {
		return nil, fmt.Errorf("keeping an image of %d bytes: %w", size, err)
	}
	i := &image{size: size, extents: slices.Clone(extents), file: file}
	for n := range i.extents {
		if file != nil {
			i.extents[n].bytes = nil
		} else {
			i.extents[n].bytes = bytes.Clone(extents[n].bytes)
		}
	}
	if file != nil && size > 0 {
		if i.view, err = mapFile(file, int(size)); err != nil {
			i.close()
			return nil, fmt.Errorf("reading an image of %d bytes: %w", size, err)
		}
	}
	return i, nil
}

// extentsOf finds what is not zero in a memory, as views into it.
func extentsOf(memory []byte) (all []extent) {
	page := os.Getpagesize()
	zeros := make([]byte, page)
	for at := 0; at < len(memory); at += page {
		size := min(page, len(memory)-at)
		if bytes.Equal(memory[at:at+size], zeros[:size]) {
			continue
		}
		if last := len(all) - 1; last >= 0 && at-all[last].end() < leastGap {
			all[last].size = at + size - all[last].at
		} else {
			all = append(all, extent{at: at, size: size})
		}
	}
	for len(all) > mostExtents {
		least := 1
		for n := range all[1:] {
			if all[n+1].at-all[n].end() < all[least].at-all[least-1].end() {
				least = n + 1
			}
		}
		all[least-1].size = all[least].end() - all[least-1].at
		all = slices.Delete(all, least, least+1)
	}
	for n, e := range all {
		all[n].bytes = memory[e.at:e.end()]
	}
	return all
}

// lay puts the image at the beginning of a memory of zeros, which is as large
// as the image or larger.
func (i *image) lay(memory []byte) error {
	for _, e := range i.extents {
		if i.file == nil {
			copy(memory[e.at:], e.bytes)
		} else if err := mapExtent(i.file, memory, e); err != nil {
			return fmt.Errorf("mapping a memory's image: %w", err)
		}
	}
	return nil
}

// restore makes the beginning of a memory on which the image was laid what it
// was then.
func (i *image) restore(memory []byte) error {
	switch {
	case i.file == nil:
		i.put(memory, 0, int(i.size))
		return nil
	case i.rewind(memory):
		return nil
	}
	return i.cool(memory)
}

// put makes a piece of a memory what the image says, by hand.
func (i *image) put(memory []byte, from, to int) {
	at := from
	for _, e := range i.extents {
		first, end := max(from, e.at), min(to, e.end())
		if first >= end {
			continue
		}
		clear(memory[at:first])
		if at = end; i.file == nil {
			copy(memory[first:end], e.bytes[first-e.at:])
		} else {
			copy(memory[first:end], i.view[first:end])
		}
	}
	clear(memory[at:to])
}

// close lets the image go. Memories that it was laid on keep what they have.
func (i *image) close() {
	if i.view != nil {
		unmapMemory(i.view)
		i.view = nil
	}
	if i.file != nil {
		_ = i.file.Close()
	}
}
