//go:build unix

// Where there is mmap, linear memory is an anonymous mapping.
package machine

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapMemory reserves zeros.
func mapMemory(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func unmapMemory(b []byte) { _ = unix.Munmap(b) }

// mapFile maps a whole file to be read. Its pages are the file cache's.
func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
}

// unused says that nobody will look at a file's pages soon.
func unused(file []byte) { _ = unix.Madvise(file, unix.MADV_DONTNEED) }
