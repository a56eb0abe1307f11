// One installation of Atoll in a folder of its own, how it is started, stopped
// and asked, and what its processes take.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const password = "correct horse battery"

// site is an installation that is measured, and how it is reached.
type site struct {
	dir     string
	command []string // that serves; the configuration's name is put behind
	token   string
	cluster string // what it is connected to, for the notes
}

// newSite makes an installation, and starts it once: that makes the store and
// compiles what is shipped, which a clean stop waits for.
func newSite(dir, facts string, command ...string) (*site, error) {
	b := &site{dir: dir, command: command, cluster: "no cluster"}
	if err := errors.Join(os.MkdirAll(dir, 0o700), b.configure(facts)); err != nil {
		return nil, err
	}
	p, _, err := b.start()
	if err != nil {
		return nil, err
	}
	return b, errors.Join(b.signIn(p), p.stop())
}

// configure writes what the measured Atoll is told.
func (b *site) configure(facts string) error {
	config := map[string]any{
		"listen":        map[string]any{"http": "127.0.0.1:0", "https": "127.0.0.1:0"},
		"dataDir":       "data",
		"administrator": map[string]any{"name": "admin", "passwordFile": "password"},
		"log":           map[string]any{"level": "warn"},
	}
	var running struct{ Kubeconfig, Node string }
	if text, err := os.ReadFile(facts); err == nil && json.Unmarshal(text, &running) == nil && running.Kubeconfig != "" {
		config["clusters"] = []any{map[string]any{"name": "local", "kubeconfig": running.Kubeconfig}}
		b.cluster = "connected to a cluster with a " + running.Node + " node"
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(b.dir, "atoll.yaml"), text, 0o600), os.WriteFile(filepath.Join(b.dir, "password"), []byte(password), 0o600))
}

// process is one running Atoll.
type process struct {
	cmd *exec.Cmd
	url string
	log string // name of the file that it writes its log to
}

// logs is what it has logged.
func (p *process) logs() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// start runs the binary until it answers /healthz and, signed in, the list of
// clusters; the time is from just before the process is made.
func (b *site) start(more ...string) (*process, time.Duration, error) {
	arguments := slices.Concat(b.command[1:], []string{filepath.Join(b.dir, "atoll.yaml")}, more)
	p := &process{cmd: exec.Command(b.command[0], arguments...), log: filepath.Join(b.dir, "log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, 0, err
	}
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, 0, err
	}
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "Atoll answers at "); ok {
			p.url = url
		}
	}
	if p.url == "" {
		_ = p.cmd.Wait()
		return nil, 0, fmt.Errorf("%s did not start: %s", b.command[0], p.logs())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	paths := []string{"/healthz"}
	if b.token != "" {
		paths = append(paths, "/api/v1/clusters")
	}
	for _, path := range paths {
		for {
			if err := b.call(p, http.MethodGet, path, nil, nil); err == nil {
				break
			}
			if time.Since(begin) > 30*time.Second {
				return nil, 0, errors.Join(fmt.Errorf("%s does not answer %s: %s", b.command[0], path, p.logs()), p.stop())
			}
			time.Sleep(time.Millisecond)
		}
	}
	return p, time.Since(begin), nil
}

// stop asks the process to end and waits until it has.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("stopping: %w: %s", err, p.logs())
	}
	return nil
}

// call asks the API with the token, or with the session's headers in extra.
func (b *site) call(p *process, method, path string, body any, into any, extra ...string) error {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, in)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	for i := 0; i+1 < len(extra); i += 2 {
		r.Header.Set(extra[i], extra[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	if into == nil {
		return nil
	}
	if cookie := res.Header.Get("Set-Cookie"); cookie != "" {
		value, _, _ := strings.Cut(cookie, ";")
		text = append([]byte(`{"cookie":`+strconv.Quote(value)+`,`), bytes.TrimPrefix(bytes.TrimSpace(text), []byte("{"))...)
	}
	return json.Unmarshal(text, into)
}

// signIn makes the token that the later starts are asked with.
func (b *site) signIn(p *process) error {
	var session struct{ CSRFToken, Cookie string }
	if err := b.call(p, http.MethodPost, "/api/v1/sessions", map[string]string{"username": "admin", "password": password}, &session); err != nil {
		return err
	}
	var made struct{ Token string }
	err := b.call(p, http.MethodPost, "/api/v1/tokens", map[string]string{"name": "bench"}, &made, "Cookie", session.Cookie, "Origin", p.url, "X-Atoll-CSRF", session.CSRFToken)
	b.token = made.Token
	return err
}

// family is a process and all that it made.
func family(pid int) ([]int, error) {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		if err != nil || len(tasks) == 0 {
			return nil, errors.Join(fmt.Errorf("the processes under %d are not known on this system", pid), err)
		}
		for _, task := range tasks {
			text, err := os.ReadFile(task)
			if err != nil {
				continue // the thread is gone
			}
			for _, field := range strings.Fields(string(text)) {
				if child, err := strconv.Atoi(field); err == nil && !slices.Contains(all, child) {
					all = append(all, child)
				}
			}
		}
	}
	return all, nil
}

// resident is a process's resident memory in KiB.
func resident(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("process %d has no memory", pid)
}

// tick is the unit of /proc/PID/stat: the kernel's USER_HZ, a hundredth of a
// second on everything that Go runs on.
const tick = 10 * time.Millisecond

// clocks is the CPU time that each of the processes has taken, by process id.
func (p *process) clocks() (map[int]time.Duration, error) {
	pids, err := family(p.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	all := map[int]time.Duration{}
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return nil, err
		}
		// The name in parentheses may hold anything; user and system time are
		// the 12th and 13th field behind it.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) < 13 {
			return nil, fmt.Errorf("process %d says %q of itself", pid, text)
		}
		for _, field := range fields[11:13] {
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("reading the clock of process %d: %w", pid, err)
			}
			all[pid] += time.Duration(ticks) * tick
		}
	}
	return all, nil
}
