// Daemons, their ends, and what is not mistaken for them.
package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shell starts a daemon that runs a script.
func shell(t *testing.T, script string) (Spec, <-chan struct{}) {
	t.Helper()
	folder := t.TempDir()
	s := Spec{Name: "daemon", Path: "/bin/sh", Args: []string{"-c", script}, Dir: folder,
		Log: filepath.Join(folder, "log"), PIDFile: filepath.Join(folder, "pid")}
	ended, err := Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Stop(s.PIDFile, time.Second) })
	return s, ended
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	if !waitFor(20*time.Second, done) {
		t.Fatal(what)
	}
}

func TestDaemonIsFoundAndStopped(t *testing.T) {
	s, ended := shell(t, "echo began; exec sleep 1000")
	waitUntil(t, "no word in the log", func() bool { return strings.Contains(Tail(s.Log, 5), "began") })
	if Alive(s.PIDFile) == 0 {
		t.Fatal("it runs, and is not found")
	}
	if err := Stop(s.PIDFile, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	<-ended
	if Alive(s.PIDFile) != 0 || Known(s.PIDFile) {
		t.Fatal("it is found after its end")
	}
}

func TestStubbornDaemonIsKilled(t *testing.T) {
	s, ended := shell(t, "trap '' TERM; echo ready; while :; do sleep 1; done")
	waitUntil(t, "not ready", func() bool { return strings.Contains(Tail(s.Log, 5), "ready") })
	if err := Stop(s.PIDFile, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func TestCrashedDaemonIsKnownButNotAlive(t *testing.T) {
	s, ended := shell(t, "echo last words; exit 3")
	<-ended
	if Alive(s.PIDFile) != 0 || !Known(s.PIDFile) {
		t.Fatal("a daemon that has crashed must be known, and not alive")
	}
	if got := Tail(s.Log, 1); got != "last words" {
		t.Errorf("its last words are %q", got)
	}
}

func TestNumberOfAnotherProcessIsNotMistaken(t *testing.T) {
	other := exec.Command("sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	file := filepath.Join(t.TempDir(), "pid")
	if err := os.WriteFile(file, fmt.Appendf(nil, "%d %s", other.Process.Pid, "12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if pid := Alive(file); pid != 0 {
		t.Fatalf("process %d began at another time", pid)
	}
	if err := Stop(file, time.Second); err != nil {
		t.Fatal(err)
	}
	if !running(other.Process.Pid) {
		t.Fatal("somebody else's process was ended")
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	var all strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&all, "line %d\n", i)
	}
	if err := os.WriteFile(file, []byte(all.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Tail(file, 2); got != "line 4998\nline 4999" {
		t.Errorf("%q", got)
	}
	if got := Tail(file+".none", 2); got != "" {
		t.Errorf("a log that is not there ends with %q", got)
	}
}

func TestSecondCommandWaitsForTheLock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	release, err := Lock(file, func() { t.Error("waits for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := TryLock(file); ok {
		t.Fatal("two have the lock")
	}
	waiting, got := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(got)
		second, err := Lock(file, func() { close(waiting) })
		if err == nil {
			second()
		}
	}()
	<-waiting
	release()
	<-got
}
