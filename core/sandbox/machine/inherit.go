//go:build unix

// What children inherit: nothing that is not given to them.
package machine

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// keepDescriptors sees to it that no child inherits an open file of this process.
// Go has all that it opens closed by itself; but whoever started this process may
// have left it some, and what is not Go may have opened others.
func keepDescriptors() error {
	if keepAll() == nil {
		return nil
	}
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return fmt.Errorf("looking for open files that a child must not have: %w", err)
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
