// A real server on loopback ports, with a real store, for the tests here. The
// clusters of these tests are stand-ins: an HTTPS server that answers a few of
// Kubernetes' paths, and is as hostile as a pod could be where that matters.

package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/atoll-platform/atoll/core/kube"
)

const (
	adminName     = "admin"
	adminPassword = "correct horse battery staple"
)

// running is one server under test.
type running struct {
	*Server
	t      *testing.T
	url    string
	log    *lockedBuffer
	cancel context.CancelFunc
	ended  chan error
	dir    string
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testConfig listens on free ports and keeps its data in dir.
func testConfig(t *testing.T, dir string) Config {
	t.Helper()
	c := DefaultConfig()
	c.Listen.HTTP, c.Listen.HTTPS = "127.0.0.1:0", "127.0.0.1:0"
	c.DataDir = filepath.Join(dir, "data")
	c.Administrator.PasswordFile = filepath.Join(dir, "password")
	if err := os.WriteFile(c.Administrator.PasswordFile, []byte(adminPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a server until the test ends.
func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	dir := t.TempDir()
	c := testConfig(t, dir)
	if change != nil {
		change(&c)
	}
	return startConfig(t, c)
}

func startConfig(t *testing.T, c Config) *running {
	t.Helper()
	return startShipped(t, c, fstest.MapFS{})
}

// startShipped is startConfig with packages that come with the binary.
func startShipped(t *testing.T, c Config, shipped fs.FS) *running {
	t.Helper()
	log := &lockedBuffer{}
	s, err := New(t.Context(), c, Build{Version: "0.1.0-test", Commit: "abc", Shipped: shipped}, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: s, t: t, url: s.URL(), log: log, cancel: cancel, ended: make(chan error, 1), dir: c.DataDir}
	go func() { r.ended <- s.Run(ctx) }()
	t.Cleanup(r.stopAndWait)
	return r
}

// stopAndWait ends the server; a second call does nothing.
func (r *running) stopAndWait() {
	r.cancel()
	select {
	case err, ok := <-r.ended:
		if ok {
			close(r.ended)
			if err != nil {
				r.t.Errorf("the server failed: %v", err)
			}
		}
	case <-time.After(2 * time.Minute):
		r.t.Error("the server does not stop")
	}
}

// browser is somebody signed in, as a browser sends it.
type browser struct {
	r            *running
	cookie, csrf string
	token        string // instead of cookie and csrf
}

func (r *running) signIn(name, password string) *browser {
	r.t.Helper()
	res := r.do(&browser{r: r}, http.MethodPost, "/api/v1/sessions", map[string]string{"username": name, "password": password}, nil)
	if res.status != http.StatusCreated {
		r.t.Fatalf("signing in: %d %s", res.status, res.body)
	}
	var session struct{ CSRFToken string }
	res.json(&session)
	cookie, _, _ := strings.Cut(res.header.Get("Set-Cookie"), ";")
	return &browser{r: r, cookie: cookie, csrf: session.CSRFToken}
}

func (r *running) admin() *browser { return r.signIn(adminName, adminPassword) }

// newToken makes a token of the browser's person.
func (b *browser) newToken() *browser {
	b.r.t.Helper()
	var made struct{ Token string }
	b.must(http.MethodPost, "/api/v1/tokens", map[string]any{"name": "test"}, http.StatusCreated).json(&made)
	return &browser{r: b.r, token: made.Token}
}

// user adds a person and signs them in with a password of their own.
func (b *browser) user(name string, roles ...string) *browser {
	b.r.t.Helper()
	b.must(http.MethodPost, "/api/v1/users", map[string]any{"name": name, "password": "first password", "platformRoles": roles}, http.StatusCreated)
	u := b.r.signIn(name, "first password")
	u.must(http.MethodPost, "/api/v1/users/me:changePassword", map[string]any{"current": "first password", "next": "second password"}, http.StatusNoContent)
	return u
}

// answer is a response read to its end.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (a answer) json(into any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		a.t.Fatalf("%v in %q", err, a.body)
	}
}

var plainClient = &http.Client{
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       3 * time.Minute,
}

// request makes a request of somebody.
func (r *running) request(b *browser, method, path string, body any, change func(*http.Request)) *http.Request {
	r.t.Helper()
	var in io.Reader
	switch v := body.(type) {
	case nil:
	case io.Reader:
		in = v
	case string:
		in = strings.NewReader(v)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			r.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, in)
	if err != nil {
		r.t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if b != nil {
		req.Header.Set("Origin", r.url)
		if b.cookie != "" {
			req.Header.Set("Cookie", b.cookie)
			req.Header.Set("X-Atoll-CSRF", b.csrf)
		}
		if b.token != "" {
			req.Header.Set("Authorization", "Bearer "+b.token)
			req.Header.Del("Origin")
		}
	}
	if change != nil {
		change(req)
	}
	return req
}

func (r *running) do(b *browser, method, path string, body any, change func(*http.Request)) answer {
	r.t.Helper()
	res, err := plainClient.Do(r.request(b, method, path, body, change))
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{r.t, res.StatusCode, res.Header, text}
}

func (b *browser) do(method, path string, body any) answer {
	b.r.t.Helper()
	return b.r.do(b, method, path, body, nil)
}

// must is do whose status has to be this.
func (b *browser) must(method, path string, body any, status int) answer {
	b.r.t.Helper()
	a := b.do(method, path, body)
	if a.status != status {
		b.r.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// upstream is a stand-in for a Kubernetes API server.
type upstream struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request // to other paths than probes
	// serve answers what is no probe.
	serve http.HandlerFunc
	own   http.HandlerFunc // answers the platform itself; nil: nothing is there
}

func newUpstream(t *testing.T, serve http.HandlerFunc) *upstream {
	u := &upstream{serve: serve}
	u.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/readyz":
			fmt.Fprint(w, "ok")
		case r.URL.Path == "/version":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"gitVersion":"v1.36.3"}`)
		case r.Header.Get("Impersonate-User") == "" && u.own != nil:
			u.own(w, r)
		case r.Header.Get("Impersonate-User") == "":
			http.NotFound(w, r) // the platform itself, looking after things
		default:
			u.mu.Lock()
			u.seen = append(u.seen, r)
			u.mu.Unlock()
			u.serve(w, r)
		}
	}))
	t.Cleanup(func() { u.CloseClientConnections(); u.Close() })
	return u
}

// requests are those that came as a person.
func (u *upstream) requests() []*http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]*http.Request(nil), u.seen...)
}

// startWith runs a server whose cluster "local" is the upstream, and waits until
// it is ready.
func startWith(t *testing.T, u *upstream, change func(*Config)) *running {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.Certificate().Raw})
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"a","cluster":{"server":%q,"certificate-authority-data":%q}}],
		"users":[{"name":"a","user":{"token":"the platform's own"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}]}`, u.URL, base64.StdEncoding.EncodeToString(ca))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *Config) {
		c.Clusters = []ClusterFile{{Name: "local", Title: "Local", Kubeconfig: file}}
		if change != nil {
			change(c)
		}
	})
	eventually(t, "the cluster is ready", func() bool { return r.clusters.List()[0].Phase == kube.PhaseReady })
	return r
}

// secureClient trusts the server's own authority and nobody else.
func (r *running) secureClient() *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.doors.authority)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 3 * time.Minute}
}

// readAll reads every file of a folder.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
