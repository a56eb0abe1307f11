// What was written to a memory, as Linux tells since 6.7: of a private mapping
// those pages that are neither its file's nor the page of zeros. To put these back
// by hand costs less than to forget everything, which takes along the pages that
// were only read, and all of them come back one fault after the other.
package machine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pageScan is the kernel's struct pm_scan_arg, and pageRegion its struct page_region
// (linux/fs.h).
type pageScan struct {
	size, flags              uint64
	start, end, stopped      uint64
	regions, room, most      uint64
	inverted, all, any, told uint64
}

type pageRegion struct{ start, end, categories uint64 }

// pagemapScan is PAGEMAP_SCAN, and the others are categories of pages.
const (
	pagemapScan   = 0xc0606610
	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
	pageIsZero    = 1 << 5
)

// scan is one look at a memory. It is not on a stack, which may move.
type scan struct {
	asked   pageScan
	regions [256]pageRegion
}

var scans = sync.Pool{New: func() any { return new(scan) }}

// written gives what was written to a memory, in order; false: it is more than mostHot
// bytes, or in more pieces than there is room for. They stand until the next call.
func (s *scan) written(pagemap *os.File, memory []byte) (pieces []pageRegion, ok bool, err error) {
	base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(memory))))
	s.asked = pageScan{
		size: uint64(unsafe.Sizeof(s.asked)), start: base, end: base + uint64(len(memory)),
		regions: uint64(uintptr(unsafe.Pointer(&s.regions))), room: uint64(len(s.regions)),
		inverted: pageIsFile | pageIsZero, all: pageIsFile | pageIsZero, any: pageIsPresent | pageIsSwapped,
	}
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, pagemap.Fd(), pagemapScan, uintptr(unsafe.Pointer(&s.asked)))
	runtime.KeepAlive(memory)
	if errno != 0 {
		return nil, false, errno
	}
	if s.asked.stopped != s.asked.end || n >= uintptr(len(s.regions)) {
		return nil, false, nil
	}
	pieces, sum := s.regions[:n], uint64(0)
	for k := range pieces {
		p := &pieces[k]
		sum += p.end - p.start
		p.start, p.end = p.start-base, p.end-base
	}
	return pieces, sum <= mostHot, nil
}

// rewind puts back by hand what was written to a memory on which the image was
// laid; false: it has not, and may have put back some of it.
func (i *image) rewind(memory []byte) bool {
	pagemap := pagemap()
	if pagemap == nil || i.view == nil {
		return false
	}
	s := scans.Get().(*scan)
	defer scans.Put(s)
	pieces, ok, err := s.written(pagemap, memory[:i.size])
	if err != nil || !ok {
		return false
	}
	for _, p := range pieces {
		i.put(memory, int(p.start), int(p.end))
	}
	return true
}

// pagemap looks at this process's memory; nil: it cannot. The sandbox's process is
// given it (givenPagemap) before anybody asks: it may open no such file.
var pagemap = sync.OnceValue(func() *os.File {
	f := givenPagemap
	if f == nil {
		var err error
		if f, err = os.Open("/proc/self/pagemap"); err != nil {
			return nil
		}
	}
	if err := trySeeing(f); err != nil {
		_ = f.Close()
		return nil
	}
	return f
})

var givenPagemap *os.File

// trySeeing makes sure that a system which says what was written says it as it
// should: what is not put back would be the next one's to read.
func trySeeing(pagemap *os.File) error {
	page := os.Getpagesize()
	memory, err := mapMemory(8 * page)
	if err != nil {
		return err
	}
	defer unmapMemory(memory)
	text := make([]byte, page)
	for n := range text {
		text[n] = 1
	}
	i, err := newImage(uint64(len(memory)), []extent{{at: 0, size: page, bytes: text}, {at: page, size: page, bytes: text}, {at: 2 * page, size: page, bytes: text}})
	if err != nil {
		return err
	}
	defer i.close()
	if err := i.lay(memory); err != nil {
		return err
	}
	if sum := memory[0] + memory[4*page]; sum != 1 { // both are read, and so there
		return errors.New("an image that is none")
	}
	memory[page]++
	memory[6*page]++
	memory[7*page] = 0 // which changes nothing, and yet is the memory's own
	var s scan
	pieces, ok, err := s.written(pagemap, memory)
	if err != nil {
		return err
	}
	if want := []pageRegion{{start: uint64(page), end: uint64(2 * page)}, {start: uint64(6 * page), end: uint64(8 * page)}}; !ok || !slices.Equal(pieces, want) {
		return fmt.Errorf("the system says that %v were written, and not %v", pieces, want)
	}
	return nil
}

// pagemapOf opens the view of another process's memory. It is opened with no
// capability: with one it would tell where in the machine's memory pages are.
func pagemapOf(pid int) (f *os.File, err error) {
	opened := make(chan struct{})
	onThreadOfItsOwn(func() {
		defer close(opened)
		var none [2]unix.CapUserData
		if err = unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err == nil {
			f, err = os.Open(fmt.Sprintf("/proc/%d/pagemap", pid))
		}
	})
	<-opened
	return f, err
}
