// One command at a time works on a cluster.
package process

import (
	"fmt"
	"os"
	"syscall"
)

// Lock takes a lock file and returns how to let go of it; the lock is also
// gone when this process ends. waiting is called once if somebody else has it.
func Lock(name string, waiting func()) (release func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("taking the lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		waiting()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			f.Close()
			return nil, fmt.Errorf("taking the lock: %w", err)
		}
	}
	return func() { f.Close() }, nil
}

// TryLock takes a lock file if nobody has it; ok tells whether it did.
func TryLock(name string) (release func(), ok bool) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}
