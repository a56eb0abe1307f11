// Command bench measures the built binary as a whole: how long it takes to
// start, and how much memory it holds when nobody asks for anything. It prints
// one JSON object a line: {"name", "value", "unit", "note"}.
//
// With a running cluster (build/run/atoll.json names its kubeconfig) the
// measured Atoll is connected to it, as it is in use.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
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

// figure is one measured value.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Note  string  `json:"note,omitempty"`
}

func main() {
	out := flag.String("out", "", "file to write figures to; standard output when empty")
	atoll := flag.String("atoll", "build/atoll", "the binary to measure")
	facts := flag.String("facts", "build/run/atoll.json", "where a running cluster is named; need not exist")
	starts := flag.Int("starts", 11, "how many starts to take the median of")
	idle := flag.Duration("idle", time.Minute, "how long nobody asks before memory is read")
	flag.Parse()
	figures, err := measure(*atoll, *facts, *starts, *idle)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if err := write(*out, figures); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func write(name string, figures []figure) error {
	var b bytes.Buffer
	for _, f := range figures {
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	if name == "" {
		_, err := os.Stdout.Write(b.Bytes())
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

// bench is what is measured and how it is reached.
type bench struct {
	atoll, dir, token string
	cluster           string // what it is connected to, for the notes
}

func measure(atoll, facts string, starts int, idle time.Duration) ([]figure, error) {
	dir, err := os.MkdirTemp("", "atoll-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if atoll, err = filepath.Abs(atoll); err != nil {
		return nil, err
	}
	b := &bench{atoll: atoll, dir: dir, cluster: "no cluster"}
	if err := b.configure(facts); err != nil {
		return nil, err
	}
	// The first start makes the store and compiles what is shipped; a clean
	// stop waits for that.
	p, _, err := b.start()
	if err != nil {
		return nil, err
	}
	if err = errors.Join(b.signIn(p), p.stop()); err != nil {
		return nil, err
	}
	var took []float64
	for range starts {
		p, d, err := b.start()
		if err != nil {
			return nil, err
		}
		took = append(took, d.Seconds())
		if err := p.stop(); err != nil {
			return nil, err
		}
	}
	slices.Sort(took)
	figures := []figure{{Name: "start.time", Value: round(took[len(took)/2]), Unit: "s",
		Note: fmt.Sprintf("median of %d starts, slowest %.3f s; to /healthz and /api/v1/clusters by a token; %s", starts, took[len(took)-1], b.cluster)}}
	memory, note, err := b.memory(idle)
	if err != nil {
		return nil, err
	}
	return append(figures, figure{Name: "idle.memory", Value: round(memory), Unit: "MiB", Note: note}), nil
}

func round(v float64) float64 {
	f, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 4, 64), 64)
	return f
}

// configure writes what the measured Atoll is told.
func (b *bench) configure(facts string) error {
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
	cmd  *exec.Cmd
	url  string
	logs *bytes.Buffer
}

// start runs the binary until it answers /healthz and, signed in, the list of
// clusters; the time is from just before the process is made.
func (b *bench) start() (*process, time.Duration, error) {
	p := &process{cmd: exec.Command(b.atoll, "serve", "--config", filepath.Join(b.dir, "atoll.yaml")), logs: &bytes.Buffer{}}
	p.cmd.Stderr = p.logs
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
		return nil, 0, fmt.Errorf("%s did not start: %s", b.atoll, p.logs)
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
				return nil, 0, errors.Join(fmt.Errorf("%s does not answer %s: %s", b.atoll, path, p.logs), p.stop())
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
		return fmt.Errorf("stopping: %w: %s", err, p.logs)
	}
	return nil
}

// call asks the API with the token, or with the session's headers in extra.
func (b *bench) call(p *process, method, path string, body any, into any, extra ...string) error {
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
func (b *bench) signIn(p *process) error {
	var session struct{ CSRFToken, Cookie string }
	if err := b.call(p, http.MethodPost, "/api/v1/sessions", map[string]string{"username": "admin", "password": password}, &session); err != nil {
		return err
	}
	var made struct{ Token string }
	err := b.call(p, http.MethodPost, "/api/v1/tokens", map[string]string{"name": "bench"}, &made, "Cookie", session.Cookie, "Origin", p.url, "X-Atoll-CSRF", session.CSRFToken)
	b.token = made.Token
	return err
}

// memory is what all processes of an Atoll hold after nobody has asked for a
// while, with every shipped extension active.
func (b *bench) memory(idle time.Duration) (mib float64, note string, err error) {
	p, _, err := b.start()
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var list struct {
		Items []struct {
			Name, Phase string
			Builtin     bool
		}
	}
	if err := b.call(p, http.MethodGet, "/api/v1/extensions", nil, &list); err != nil {
		return 0, "", err
	}
	var shipped []string
	for _, e := range list.Items {
		if e.Phase != "Active" {
			return 0, "", fmt.Errorf("extension %s is %s, and it has to be Active", e.Name, e.Phase)
		}
		if e.Builtin {
			shipped = append(shipped, e.Name)
		}
	}
	if len(shipped) == 0 {
		return 0, "", errors.New("the binary carries no extension, so that there is nothing to measure: build it with make")
	}
	time.Sleep(idle)
	pids, err := family(p.cmd.Process.Pid)
	if err != nil {
		return 0, "", err
	}
	for _, pid := range pids {
		kib, err := resident(pid)
		if err != nil {
			return 0, "", err
		}
		mib += float64(kib) / 1024
	}
	return mib, fmt.Sprintf("%d process(es), idle for %s, active: %s; %s", len(pids), idle, strings.Join(shipped, ", "), b.cluster), nil
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
