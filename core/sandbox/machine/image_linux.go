// Images on Linux: files in memory that nobody can change any more.
package machine

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sealedFile keeps pieces of a memory at their own offsets in a file of its size
// that has no name and can never be written again. Nil without an error: this system keeps
// none, and pieces are to be copied.
func sealedFile(name string, size uint64, pieces []extent) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	err = f.Truncate(int64(size))
	for _, p := range pieces {
		if err == nil {
			_, err = f.WriteAt(p.bytes, int64(p.at))
		}
	}
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// mapExtent maps a piece of a file copy on write, in the place of what a mapping
// of ours has there.
func mapExtent(f *os.File, memory []byte, e extent) error {
	at := unsafe.Pointer(&memory[e.at])
	_, err := unix.MmapPtr(int(f.Fd()), int64(e.at), at, uintptr(e.size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	return err
}

// forget drops what was written to a private mapping: what it maps shows again.
func forget(memory []byte) error { return unix.Madvise(memory, unix.MADV_DONTNEED) }

// populate makes a private mapping's pages its own at once, from Linux 5.14 on.
func populate(memory []byte) { _ = unix.Madvise(memory, unix.MADV_POPULATE_WRITE) }
