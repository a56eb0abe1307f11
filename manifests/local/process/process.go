// Package process runs the parts of a cluster as daemons of their own: they
// outlive the command that started them, and are found again by files with
// their process ids.
package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Spec says how to start a daemon.
type Spec struct {
	Name    string   // as in messages
	Path    string   // the program, absolute
	Args    []string // without the program's name
	Env     []string // in addition to this process' environment
	Dir     string   // working directory
	Log     string   // file that takes its output
	PIDFile string
	// Within, if not 0, is a process whose mounts the daemon shall see instead of this one's.
	Within int
	// OwnMounts gives the daemon mounts of its own, which vanish with the last process that sees them.
	OwnMounts bool
}

// maxLog is the size in bytes above which a log is set aside when its part starts.
const maxLog = 8 << 20

// Start starts a daemon and writes its PID file. It does not wait for anything:
// a daemon that ends at once is seen by Alive. The channel is closed when the
// daemon ends while this process lives.
func Start(s Spec) (<-chan struct{}, error) {
	if info, err := os.Stat(s.Log); err == nil && info.Size() > maxLog {
		if err := os.Rename(s.Log, s.Log+".1"); err != nil {
			return nil, fmt.Errorf("starting %s: setting its old log aside: %w", s.Name, err)
		}
	}
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: opening its log: %w", s.Name, err)
	}
	defer log.Close()
	fmt.Fprintf(log, "---- started %s\n", time.Now().UTC().Format(time.RFC3339))
	path, args := s.Path, s.Args
	if s.Within != 0 {
		path, args = Within(s.Within, path, args...)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.Dir = s.Dir
	detach(cmd, s.OwnMounts)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.Name, err)
	}
	ended := make(chan struct{})
	pid := cmd.Process.Pid
	text := fmt.Sprintf("%d %s\n", pid, startTime(pid))
	err = os.WriteFile(s.PIDFile, []byte(text), 0o600)
	go func() { _ = cmd.Wait(); close(ended) }()
	if err != nil {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("starting %s: writing its PID file: %w", s.Name, err)
	}
	return ended, nil
}

// Within returns the command that runs a program with the mounts that the
// process with the given id sees.
func Within(pid int, path string, args ...string) (string, []string) {
	return "nsenter", append([]string{fmt.Sprintf("--mount=/proc/%d/ns/mnt", pid), "--", path}, args...)
}

// Alive returns the id of the process that a PID file names, or 0 if that
// process has ended. A number that was given to another process since is not
// mistaken for it.
func Alive(pidFile string) int {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return 0
	}
	number, started, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err := strconv.Atoi(number)
	if err != nil || pid <= 1 || !running(pid) || startTime(pid) != started {
		return 0
	}
	return pid
}

// Known tells whether a PID file is there: the part was started and not stopped.
func Known(pidFile string) bool {
	_, err := os.Stat(pidFile)
	return !errors.Is(err, fs.ErrNotExist)
}

// Stop ends a daemon, gently first, by force after the grace, and removes its
// PID file. A daemon that has ended already is no error.
func Stop(pidFile string, grace time.Duration) error {
	pid := Alive(pidFile)
	if pid != 0 {
		if err := end(pid, grace, func() bool { return Alive(pidFile) == 0 }); err != nil {
			return err
		}
	}
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a PID file: %w", err)
	}
	return nil
}

// end asks, waits and kills.
func end(pid int, grace time.Duration, gone func() bool) error {
	_ = terminate(pid)
	if waitFor(grace, gone) {
		return nil
	}
	_ = kill(pid)
	if waitFor(5*time.Second, gone) {
		return nil
	}
	return fmt.Errorf("process %d does not end", pid)
}

func waitFor(limit time.Duration, done func() bool) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if done() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// Tail returns the last lines of a log, at most n of them and 16 KiB.
func Tail(name string, n int) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 16 << 10
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	from := max(0, info.Size()-most)
	text := make([]byte, info.Size()-from)
	read, _ := f.ReadAt(text, from)
	lines := strings.Split(strings.TrimRight(string(text[:read]), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
