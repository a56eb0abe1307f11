// What Linux knows of processes: when they began, which program they run, and
// how they get mounts of their own.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func detach(cmd *exec.Cmd, ownMounts bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if ownMounts {
		// The runtime makes the new mounts private, so that none is seen outside.
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
}

func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }
func kill(pid int) error      { return syscall.Kill(pid, syscall.SIGKILL) }

// stat returns the fields of /proc/PID/stat after the program's name.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

// running tells whether a process is there and not just waiting to be reaped. One
// whose first thread has ended is there as long as others are: they hold its ports.
func running(pid int) bool {
	const state, threads = 3 - 3, 20 - 3 // proc(5) counts from 1, and two fields were cut off
	fields := stat(pid)
	return len(fields) > threads && (fields[state] != "Z" && fields[state] != "X" || fields[threads] != "1" && fields[threads] != "0")
}

// startTime is when a process began, in ticks since the machine started.
func startTime(pid int) string {
	const field = 22 - 3 // as above
	if fields := stat(pid); len(fields) > field {
		return fields[field]
	}
	return ""
}

// Outdated tells whether the program of a process was replaced since it began.
func Outdated(pid int) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && strings.HasSuffix(exe, " (deleted)")
}

// RunningFrom returns the processes whose program lies below a folder, also when
// the program has been deleted or replaced since.
func RunningFrom(folder string) []int {
	folder = strings.TrimRight(folder, "/") + "/"
	return runningWhere(func(exe string) bool { return strings.HasPrefix(exe, folder) })
}

// RunningProgram returns the processes of one program.
func RunningProgram(path string) []int {
	return runningWhere(func(exe string) bool { return strings.TrimSuffix(exe, " (deleted)") == path })
}

func runningWhere(match func(exe string) bool) []int {
	names, _ := filepath.Glob("/proc/[0-9]*/exe")
	var pids []int
	for _, name := range names {
		exe, err := os.Readlink(name)
		if err != nil || !match(exe) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && pid != os.Getpid() && running(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}
