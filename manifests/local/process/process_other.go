//go:build !linux

// Elsewhere than on Linux a process is known by its number alone.
package process

import (
	"os"
	"os/exec"
	"syscall"
)

func detach(cmd *exec.Cmd, _ bool) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }
func kill(pid int) error      { return syscall.Kill(pid, syscall.SIGKILL) }

func running(pid int) bool { return pid != os.Getpid() && syscall.Kill(pid, 0) == nil }

func startTime(int) string { return "" }

// Outdated is not known here.
func Outdated(int) bool { return false }

// RunningFrom finds nothing here: processes do not tell their program.
func RunningFrom(string) []int { return nil }

// RunningProgram finds nothing here either.
func RunningProgram(string) []int { return nil }
