//go:build !unix

// Where there is no mmap, linear memory is a slice.
package machine

func reserve(size int) ([]byte, error) { return make([]byte, size), nil }

func release([]byte) {}
