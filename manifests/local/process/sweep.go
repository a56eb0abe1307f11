// Ending processes that no PID file names: shims of containers, and what was
// left by a cluster whose folder has been deleted.
package process

import (
	"fmt"
	"time"
)

// Sweep ends the processes that a function finds, gently first, and tells how
// many there were.
func Sweep(grace time.Duration, find func() []int) (int, error) {
	found := find()
	for _, pid := range found {
		_ = terminate(pid)
	}
	if waitFor(grace, func() bool { return len(find()) == 0 }) {
		return len(found), nil
	}
	for _, pid := range find() {
		_ = kill(pid)
	}
	if !waitFor(5*time.Second, func() bool { return len(find()) == 0 }) {
		return len(found), errStill(find())
	}
	return len(found), nil
}

func errStill(pids []int) error { return fmt.Errorf("processes %v do not end", pids) }
