// A process whose first thread has ended.
package process

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// firstThreadEnds makes this program one whose first thread ends at once, and that
// goes on until its standard input does.
const firstThreadEnds = "ATOLL_TEST_FIRST_THREAD_ENDS"

func init() {
	if os.Getenv(firstThreadEnds) == "" {
		return
	}
	runtime.LockOSThread() // the first one, as all of init is
	reading := make(chan struct{})
	go func() {
		close(reading)
		_, _ = io.Copy(io.Discard, os.Stdin)
		syscall.Exit(0)
	}()
	<-reading
	_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
}

func TestAProcessIsThereAsLongAsOneOfItsThreads(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), firstThreadEnds+"=1", "GOMAXPROCS=2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if !waitFor(time.Minute, func() bool { f := stat(pid); return len(f) > 0 && f[0] == "Z" }) {
		t.Fatalf("its first thread is still there: %s", strings.Join(stat(pid), " "))
	}
	if !running(pid) {
		t.Errorf("it counts as gone, with threads that go on: %s", strings.Join(stat(pid), " "))
	}
	in.Close()
	if !waitFor(time.Minute, func() bool { return !running(pid) }) {
		t.Errorf("it has ended and counts as there: %s", strings.Join(stat(pid), " "))
	}
}
