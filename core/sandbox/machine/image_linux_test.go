// The file behind an image: nobody can change it or make it larger or smaller.
package machine

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestImagesCannotBeWritten(t *testing.T) {
	memory := scattered(1)
	i, err := newImage(uint64(len(memory)), extentsOf(memory))
	if err != nil {
		t.Fatal(err)
	}
	defer i.close()
	if i.file == nil {
		t.Skip("this system keeps no files in memory")
	}
	if _, err := i.file.WriteAt([]byte{1}, 0); err == nil {
		t.Error("it can be written")
	}
	if err := i.file.Truncate(1); err == nil {
		t.Error("it can be cut")
	}
	if _, err := unix.Mmap(int(i.file.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("it can be mapped to be written")
	}
	flags, err := unix.FcntlInt(i.file.Fd(), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("children inherit it: %v", err)
	}
}
