// The processor time of a thread, where the system tells it.
package machine

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the time that this thread has spent on a processor.
func threadTime() (time.Duration, bool) {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}
