package machine

import (
	"os/exec"
	"syscall"
)

func hardenChild(cmd *exec.Cmd, _ string) []string {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	return nil
}

func hardenSelf() []string { return nil }

func resident(int) uint64 { return 0 }
