//go:build !unix

// Where there is no mmap, linear memory is a slice, and so is a file.
package machine

import "os"

func mapMemory(size int) ([]byte, error) { return make([]byte, size), nil }

func unmapMemory([]byte) {}

func mapFile(f *os.File, size int) ([]byte, error) {
	b := make([]byte, size)
	_, err := f.ReadAt(b, 0)
	return b, err
}

func unused([]byte) {}
