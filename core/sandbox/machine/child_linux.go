// What a child that compiles may take, on Linux.
package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// canLimit tells whether children can be held to limits here.
const canLimit = true

// limitSelf holds this process to limits, for ever.
func limitSelf(l compileLimits) error {
	begun, err := dataSize()
	if err != nil { // behind the wall of the sandbox's process nobody may look
		begun = 256 << 20
	}
	debug.SetMemoryLimit(int64(l.Memory - l.Memory/4)) // collects sooner as it comes near
	for _, r := range []struct {
		what  int
		most  uint64
		about string
	}{
		{unix.RLIMIT_DATA, begun + l.Memory, "memory"},
		{unix.RLIMIT_CPU, uint64(l.CPU / time.Second), "processor time"},
		{unix.RLIMIT_CORE, 0, "core dumps"},
		{unix.RLIMIT_NOFILE, 64, "open files"},
		{unix.RLIMIT_FSIZE, maxArtifact, "files"},
	} {
		if err := unix.Setrlimit(r.what, &unix.Rlimit{Cur: r.most, Max: r.most}); err != nil {
			return fmt.Errorf("limiting %s: %w", r.about, err)
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// dataSize is what RLIMIT_DATA counts, of this process.
func dataSize() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		var kib uint64
		if n, _ := fmt.Sscanf(line, "VmData: %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("the system does not say how much memory this process has")
}

// runChild runs a child that dies with this process, and when ctx ends.
func runChild(ctx context.Context, cmd *exec.Cmd) error {
	if err := keepDescriptors(); err != nil {
		return err
	}
	// The child is told of the death of the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	return runAndKill(ctx, cmd)
}
