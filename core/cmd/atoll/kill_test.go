// The whole binary under SIGKILL: what was acknowledged is there afterwards,
// and it starts each time.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	kills   = 100
	writers = 8
)

// built is the folder of the binary that the tests run; "" before one was made.
var built string

// buildAtoll compiles it.
var buildAtoll = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "atoll-binary-")
	if err != nil {
		return "", err
	}
	built = dir
	name := filepath.Join(dir, "atoll")
	if out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return name, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// process is one running binary.
type process struct {
	cmd *exec.Cmd
	url string
	log *bytes.Buffer
}

// launch starts the binary and waits until it says where it answers.
func launch(t *testing.T, dir string, more ...string) *process {
	t.Helper()
	name, err := buildAtoll()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"serve", "--http", "127.0.0.1:0", "--https", "", "--data-dir", filepath.Join(dir, "data"), "--config", filepath.Join(dir, "atoll.yaml"), "--log-level", "warn"}, more...)
	p := &process{cmd: exec.Command(name, args...), log: &bytes.Buffer{}}
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "Atoll answers at "); ok {
			p.url = url
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return p
		}
	}
	_ = p.cmd.Wait()
	t.Fatalf("it did not start: %s", p.log)
	return nil
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // "signal: killed"
}

// setUp writes a configuration and the administrator's password.
func setUp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"atoll.yaml": "administrator: {name: admin, passwordFile: password}\n", "password": "correct horse battery\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newToken signs in by the run file's way and makes a token.
func (p *process) newToken(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "atoll.json")
	text, _ := json.Marshal(map[string]string{"url": p.url, "username": "admin", "password": "correct horse battery"})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := (&target{runFile: file}).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var made struct{ Token string }
	if err := c.call(t.Context(), http.MethodPost, "/api/v1/tokens", map[string]string{"name": "writers"}, &made); err != nil {
		t.Fatal(err)
	}
	return made.Token
}

// written is what the server has acknowledged.
type written struct {
	mu    sync.Mutex
	names map[string]bool
}

// write makes workspaces until the server is gone.
func write(ctx context.Context, url, token, prefix string, w *written) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("%s-%d", prefix, i)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v1/workspaces", strings.NewReader(`{"name":"`+name+`"}`))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusCreated {
			w.mu.Lock()
			w.names[name] = true
			w.mu.Unlock()
		}
	}
}

// workspaces reads all of them, page by page.
func workspaces(t *testing.T, url, token string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	c, err := (&target{server: url, token: token}).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for next := ""; ; {
		var list struct {
			Items    []struct{ Name string }
			Total    int
			Continue string
		}
		if err := c.call(t.Context(), http.MethodGet, "/api/v1/workspaces?limit=1000&continue="+next, nil, &list); err != nil {
			t.Fatal(err)
		}
		for _, w := range list.Items {
			all[w.Name] = true
		}
		if next = list.Continue; next == "" {
			if len(all) != list.Total {
				t.Fatalf("%d of %d were listed", len(all), list.Total)
			}
			return all
		}
	}
}

func TestKilledAtAnyTimeItKeepsWhatItAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the binary a hundred times")
	}
	dir := setUp(t)
	p := launch(t, dir)
	token := p.newToken(t)
	acknowledged := &written{names: map[string]bool{}}
	productive := 0
	for kill := range kills {
		before := len(acknowledged.names)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for writer := range writers {
			all.Go(func() { write(ctx, p.url, token, fmt.Sprintf("k%d-w%d", kill, writer), acknowledged) })
		}
		// Not waiting for anything: the moment of the kill is what is tested.
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond)
		p.kill(t)
		all.Wait()
		cancel()
		if len(acknowledged.names) > before {
			productive++
		}
		p = launch(t, dir)
		if kill%10 == 9 {
			there := workspaces(t, p.url, token)
			for name := range acknowledged.names {
				if !there[name] {
					t.Fatalf("kill %d: %s was acknowledged and is gone", kill+1, name)
				}
			}
		}
	}
	t.Logf("%d workspaces were acknowledged in %d kills", len(acknowledged.names), kills)
	if productive < kills/2 {
		t.Errorf("something was written before %d of %d kills only: the test tests little", productive, kills)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("a clean stop: %v\n%s", err, p.log)
	}
}

func TestSecondSignalEndsItAtOnce(t *testing.T) {
	p := launch(t, setUp(t))
	token := p.newToken(t)
	address := strings.TrimPrefix(p.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A request whose body never comes, so that the stop has to wait for it. The
	// server says 100 when it begins to read.
	fmt.Fprintf(conn, "POST /api/v1/workspaces HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n", address, token)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q %v", line, err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; { // until it takes no new connections
		probe, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		probe.Close()
		if time.Now().After(deadline) {
			t.Fatal("the first signal does nothing")
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended as %v, and not by the second signal", p.cmd.ProcessState)
	}
}
