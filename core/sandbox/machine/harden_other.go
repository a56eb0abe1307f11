//go:build unix && !linux

// Where there is no Linux, the sandbox's process has what every system gives: a
// session of its own, no environment and no files of the core's.
package machine

import (
	"errors"
	"os/exec"
	"syscall"
)

func hardenChild(cmd *exec.Cmd, _ string) []string {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return []string{"everything but Linux's own: Landlock, no_new_privs, a parent's death"}
}

func keepAll() error { return errors.ErrUnsupported }

func isMainThread() bool { return false } // nothing is taken from it

func hardenSelf() []string { return nil }

func resident(int) uint64 { return 0 }
