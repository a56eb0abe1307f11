// Hot pages: those of an image that its machines write as soon as they work. A
// page that is met for the first time costs microseconds, most of them for the way
// into the system and back. So these are made for a new machine all at once. Where
// the system does not say what was written, they are put back by hand in one that is
// used again, and all others are forgotten.
package machine

import (
	"bytes"
	"os"
	"sync"
	"sync/atomic"
)

const (
	// hotTurns is after how many turns of a machine its pages are looked at: it
	// has been greeted then, and has answered something.
	hotTurns = 2
	// hotMachines is how many machines are looked at.
	hotMachines = 3
	// mostHot is how many bytes of an image may be hot. They are private to each
	// machine, whether it needs them or not.
	mostHot = 1 << 20
	// hotGap is how many pages between two hot ones of a region are hot with
	// them: fewer pieces take fewer calls.
	hotGap = 2
)

// hot is what of an image is hot, as learned from its first machines.
type hot struct {
	pieces  atomic.Pointer[[]extent] // without bytes; sorted
	looking atomic.Int32             // machines that are looked at or have been

	mu      sync.Mutex
	written []bool // by page
}

// known are the hot pieces.
func (h *hot) known() []extent {
	if p := h.pieces.Load(); p != nil {
		return *p
	}
	return nil
}

// wanted tells whether one more machine is to be looked at.
func (h *hot) wanted() bool { return h.looking.Load() < hotMachines }

// learn looks at what a machine has written of the memory that the image was laid
// on. Its guest does not run meanwhile.
func (i *image) learn(memory []byte) {
	h := &i.hot
	if i.view == nil || h.looking.Add(1) > hotMachines {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	page := os.Getpagesize()
	if h.written == nil {
		h.written = make([]bool, i.size/uint64(page))
	}
	zeros := make([]byte, page)
	for n := range h.written {
		at := n * page
		was := zeros
		if holds(i.region(at)) {
			was = i.view[at : at+page]
		}
		if !bytes.Equal(memory[at:at+page], was) {
			h.written[n] = true
		}
	}
	pieces, sum := []extent(nil), 0
	for n, written := range h.written {
		at := n * page
		switch last := len(pieces) - 1; {
		case !written:
		case last >= 0 && at-pieces[last].end() <= hotGap*page && i.region(at) == i.region(pieces[last].at):
			sum += at + page - pieces[last].end()
			pieces[last].size = at + page - pieces[last].at
		default:
			sum += page
			pieces = append(pieces, extent{at: at, size: page})
		}
	}
	if sum > mostHot {
		pieces = nil
	}
	h.pieces.Store(&pieces)
}

// region numbers what the image says and what is zero, in turns: an even number is
// zeros, before the extent that the next number is.
func (i *image) region(at int) int {
	for n, e := range i.extents {
		if at < e.at {
			return 2 * n
		}
		if at < e.end() {
			return 2*n + 1
		}
	}
	return 2 * len(i.extents)
}

// holds tells whether a region is one that the image says.
func holds(region int) bool { return region%2 == 1 }

// heat makes the hot pages of a memory that begins with the image its own.
func (i *image) heat(memory []byte) {
	for _, e := range i.hot.known() {
		populate(memory[e.at:e.end()]) // where it cannot, they come one by one
	}
}

// cool makes the memory what the image is, from its file: hot pages by hand,
// what is between them by forgetting it.
func (i *image) cool(memory []byte) error {
	at := 0
	for _, e := range i.hot.known() {
		if e.at > at {
			if err := forget(memory[at:e.at]); err != nil {
				return err
			}
		}
		at = e.end()
		i.put(memory, e.at, at)
	}
	if uint64(at) == i.size {
		return nil
	}
	return forget(memory[at:i.size])
}
