// The order of things: Atoll, then the cluster, then the demo workspace; and
// the way back. `start` runs the same in the background.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// up starts everything and stays until ctx ends, then stops what it started.
func up(ctx context.Context, p places, log *printer) error {
	if pid, ok := running(p); ok && pid != os.Getpid() {
		return fmt.Errorf("it runs already (process %d); `make stop` ends it", pid)
	}
	if err := os.WriteFile(p.supervisor(), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return fmt.Errorf("noting the process: %w", err)
	}
	defer os.Remove(p.supervisor())
	defer os.Remove(p.facts())

	a, err := startAtoll(ctx, p)
	if err != nil {
		return err
	}
	defer a.stop(log)
	if err := a.facts.write(p.facts()); err != nil {
		return err
	}
	log.block(fmt.Sprintf("\n   Atoll   %s\n   user    %s\n   password %s\n   (also in %s)\n\n", a.facts.URL, a.facts.Username, a.facts.Password, p.facts()))

	c := cluster(p)
	defer c.down(log)
	failed := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		if err := bringUp(ctx, p, a, c, log); err != nil {
			failed <- err
			return
		}
		close(ready)
	}()
	for {
		select {
		case <-ready:
			ready = nil
			log.say("ready: %s  (Ctrl-C stops all)", a.facts.URL)
		case err := <-failed:
			return err
		case <-a.ended:
			return fmt.Errorf("atoll ended by itself; the end of its log (%s):\n%s", p.log(), tail(p.log(), 15))
		case <-ctx.Done():
			log.say("stopping")
			return nil
		}
	}
}

// bringUp makes the cluster and what is in it.
func bringUp(ctx context.Context, p places, a *atoll, c *localCluster, log *printer) error {
	if err := c.up(ctx, log); err != nil {
		return err
	}
	if err := a.waitForCluster(ctx, a.clusterName, log); err != nil {
		return err
	}
	a.facts.Kubeconfig = c.kubeconfig()
	a.facts.Node = a.nodeKind
	if c.ours() {
		if err := a.makeDemo(ctx, p, log); err != nil {
			return fmt.Errorf("making the demo workspace: %w", err)
		}
	}
	if err := a.writeKubeconfig(ctx, p.run("kubeconfig")); err != nil {
		return err
	}
	a.facts.AtollKubeconfig = p.run("kubeconfig")
	a.facts.Ready = true
	return a.facts.write(p.facts())
}

// start runs `up` in the background and returns when all is ready.
func start(ctx context.Context, p places, log *printer) error {
	if _, ok := running(p); ok {
		if f, err := readFacts(p.facts()); err == nil && f.Ready {
			log.say("it runs already: %s", f.URL)
			return nil
		}
		log.say("it is starting already")
		return follow(ctx, p, nil, log)
	}
	os.Remove(p.facts())
	out, err := os.OpenFile(p.supervisorLog(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer out.Close()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self, "-build", p.build, "up")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting in the background: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return follow(ctx, p, ended, log)
}

// follow prints the background process's log until everything is ready.
func follow(ctx context.Context, p places, ended <-chan error, log *printer) error {
	in, err := os.Open(p.supervisorLog())
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	defer in.Close()
	lines := bufio.NewReader(in)
	copyLines := func() {
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				log.block(line)
			}
			if err != nil {
				return
			}
		}
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			copyLines()
			if err == nil {
				err = errors.New("it ended before it was ready")
			}
			return fmt.Errorf("starting in the background: %w", err)
		case <-tick.C:
			copyLines()
			if f, err := readFacts(p.facts()); err == nil && f.Ready {
				copyLines()
				return nil
			}
			if _, ok := running(p); !ok && ended == nil {
				return errors.New("it ended before it was ready")
			}
		}
	}
}

// stop ends the supervisor and waits until it is gone. Where the supervisor was
// killed, it ends what that left behind.
func stop(ctx context.Context, p places, log *printer) error {
	if pid, ok := running(p); ok {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("asking process %d to stop: %w", pid, err)
		}
		if err := until(ctx, 2*time.Minute, func() bool { return syscall.Kill(pid, 0) != nil }); err != nil {
			return fmt.Errorf("process %d did not stop: %w", pid, err)
		}
		log.say("stopped")
		return nil
	}
	left := false
	if f, err := readFacts(p.facts()); err == nil && f.PID > 0 && isProgram(f.PID, p.atoll()) {
		left = true
		_ = syscall.Kill(f.PID, syscall.SIGTERM)
		if err := until(ctx, 30*time.Second, func() bool { return syscall.Kill(f.PID, 0) != nil }); err != nil {
			return fmt.Errorf("atoll (process %d) did not stop: %w", f.PID, err)
		}
	}
	os.Remove(p.facts())
	os.Remove(p.supervisor())
	if cluster(p).down(log) {
		left = true
	}
	if !left {
		log.say("nothing runs")
	}
	return nil
}

// status says what runs.
func status(p places, log *printer) error {
	f, err := readFacts(p.facts())
	if _, ok := running(p); !ok || err != nil {
		log.say("not running")
		return nil
	}
	state := "starting"
	if f.Ready {
		state = "ready"
	}
	log.say("%s, %s, node %s", f.URL, state, f.Node)
	return nil
}

// running tells the supervisor's process, if it is alive and really ours.
func running(p places) (int, bool) {
	text, err := os.ReadFile(p.supervisor())
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0, false
	}
	self, err := os.Executable()
	if err != nil {
		return 0, false
	}
	return pid, isProgram(pid, self)
}

// isProgram tells whether the process runs the program: a process number alone
// may belong to somebody else by now. A program rebuilt meanwhile counts.
func isProgram(pid int, program string) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil { // not Linux: the process is alive, and that must do
		return os.IsNotExist(err)
	}
	return strings.TrimSuffix(target, " (deleted)") == program
}

// until waits for a condition.
func until(ctx context.Context, limit time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// tail is the end of a file, for a person who must know why.
func tail(name string, lines int) string {
	f, err := os.Open(name)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > 16<<10 {
		_, _ = f.Seek(-16<<10, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "  " + strings.Join(all, "\n  ")
}
