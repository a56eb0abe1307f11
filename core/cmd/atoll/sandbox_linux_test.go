// The sandbox's process of the whole binary: what it has, and that it never
// outlives Atoll.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// children are the processes that p has started and that have not ended.
func (p *process) children(t *testing.T) (all []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("its threads cannot be seen: %v", err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile(task) // none: the thread has ended
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil && strings.HasSuffix(inProc(pid, "cmdline"), "-sandbox\x00") {
				all = append(all, pid)
			}
		}
	}
	return all
}

// inProc is what the kernel says of a process; "" where it is gone.
func inProc(pid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text)
}

// gone tells whether a process has ended; one that nobody has waited for has.
func gone(pid int) bool {
	status := inProc(pid, "status")
	return status == "" || strings.Contains(status, "State:\tZ")
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes, not yet: %s", what)
		}
	}
}

func TestSandboxHasNothingOfAtolls(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of the core")
	t.Setenv("KUBECONFIG", "/root/.kube/config")
	p := launch(t, setUp(t))
	all := p.children(t)
	if len(all) != 1 {
		t.Fatalf("it has %d processes of the sandbox: %s", len(all), p.log)
	}
	pid := all[0]
	for variable := range strings.SplitSeq(strings.TrimRight(inProc(pid, "environ"), "\x00"), "\x00") {
		if name, _, _ := strings.Cut(variable, "="); !slices.Contains([]string{"ATOLL_SANDBOX_CHILD", "GOMAXPROCS"}, name) {
			t.Errorf("its environment has %q", variable)
		}
	}
	if args := strings.Count(inProc(pid, "cmdline"), "\x00"); args != 1 {
		t.Errorf("it is called %q", inProc(pid, "cmdline"))
	}
	compiled, ours := filepath.Join("data", "compiled"), 0
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(files) < 4 {
		t.Fatalf("it has %d files open, %v", len(files), err)
	}
	for _, name := range files {
		file, err := os.Readlink(name)
		if err != nil {
			continue // closed meanwhile
		}
		kind, _, _ := strings.Cut(file, ":")
		switch {
		case kind == "socket":
			ours++
			if inNetwork(t, strings.Trim(strings.TrimPrefix(file, "socket:"), "[]")) {
				t.Errorf("%s is a socket of the network", file)
			}
		case file == os.DevNull, strings.HasPrefix(file, "/memfd:"), strings.Contains(file, compiled), kind == "pipe", kind == "anon_inode":
		case file == fmt.Sprintf("/proc/%d/pagemap", pid): // a view of its own memory, which says what was written
		default:
			t.Errorf("it has %s open", file)
		}
	}
	if ours == 0 {
		t.Error("it has no line to the core: the test looks at the wrong process")
	}
	// What it may do itself is asked inside of it, in core/sandbox/machine; here:
	// that the wall stands.
	status := inProc(pid, "status")
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapInh:\t0000000000000000"} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("its status lacks %q:\n%s", want, status)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("a clean stop: %v\n%s", err, p.log)
	}
	if !gone(pid) {
		t.Error("the sandbox's process outlives a clean stop")
	}
	if log := p.log.String(); strings.Contains(log, "sandbox's process") {
		t.Errorf("a clean run says\n%s", log)
	}
}

// inNetwork tells whether the kernel has a socket in a table of the network's.
func inNetwork(t *testing.T, inode string) bool {
	t.Helper()
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "netlink"} {
		text, err := os.ReadFile("/proc/net/" + table)
		if err != nil {
			continue // a kernel without that
		}
		for line := range strings.Lines(string(text)) {
			if slices.Contains(strings.Fields(line), inode) {
				return true
			}
		}
	}
	return false
}

func TestSandboxDiesWithAtollAndComesBackAlone(t *testing.T) {
	dir := setUp(t)
	p := launch(t, dir)
	first := p.children(t)
	if len(first) != 1 {
		t.Fatalf("it has %d processes of the sandbox: %s", len(first), p.log)
	}
	if err := syscall.Kill(first[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var second []int
	eventually(t, "the sandbox is back", func() bool {
		second = p.children(t)
		return len(second) == 1 && second[0] != first[0]
	})
	p.kill(t)
	eventually(t, "nothing is left of a killed Atoll", func() bool { return gone(first[0]) && gone(second[0]) })
}

func TestSandboxInOneProcess(t *testing.T) {
	p := launch(t, setUp(t), "--sandbox-in-process")
	if all := p.children(t); len(all) > 0 {
		t.Errorf("it has %d processes of the sandbox", len(all))
	}
	p.kill(t)
}
