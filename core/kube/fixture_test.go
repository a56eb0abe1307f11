// What the tests of this package stand on: an upstream that says what it was
// asked, a registry with one cluster, and a law in a few lines.

package kube

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
)

// people is a law: who is in which project of the cluster "local", and who
// runs the platform.
type people struct {
	mu      sync.Mutex
	admins  []string
	roles   map[string]map[string]string // person, project, role
	changed chan struct{}
}

func newPeople() *people {
	return &people{changed: make(chan struct{}, 1), admins: []string{"root"}, roles: map[string]map[string]string{
		"jane": {"alpha": "admin", "beta": "viewer"},
		"joe":  {"gamma": "developer"},
	}}
}

func (l *people) Can(s access.Subject, _ access.Permission, _ access.Scope) access.Decision {
	return access.Decision{Allowed: slices.Contains(l.admins, s.Name)}
}

func (l *people) Groups(s access.Subject, sc access.Scope) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.admins, s.Name) {
		return []string{"atoll:platform:admin", "atoll:platform:member"}
	}
	mine, ok := l.roles[s.Name]
	if !ok {
		return nil
	}
	groups := []string{"atoll:platform:member"}
	if role := mine[sc.Project]; role != "" {
		groups = append(groups, "atoll:project:uid-"+sc.Project+":"+role)
	}
	return groups
}

func (l *people) Projects(s access.Subject, cluster string) []access.Project {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []access.Project
	for name := range l.roles[s.Name] {
		all = append(all, access.Project{Name: name, UID: "uid-" + name, Cluster: cluster})
	}
	slices.SortFunc(all, func(a, b access.Project) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (l *people) Project(cluster, name string) (access.Project, bool) {
	return access.Project{Name: name, UID: "uid-" + name, Cluster: cluster}, slices.Contains([]string{"alpha", "beta", "gamma"}, name)
}

func (l *people) Changed(context.Context) <-chan struct{} { return l.changed }

func (l *people) add(person, project, role string) {
	l.mu.Lock()
	l.roles[person][project] = role
	l.mu.Unlock()
	l.changed <- struct{}{}
}

func (l *people) remove(person, project string) {
	l.mu.Lock()
	delete(l.roles[person], project)
	l.mu.Unlock()
	l.changed <- struct{}{}
}

// seen is one request that reached the upstream.
type seen struct {
	method, uri string
	header      http.Header
	body        string
}

// upstream is an API server of a few lines.
type upstream struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
	mux  *http.ServeMux
	held chan struct{} // closed when questions about its health are answered again; nil while they are
	told chan struct{} // receives for each that is not
}

// hold lets questions about its health wait; each is told when it was given up.
func (u *upstream) hold() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.held, u.told = make(chan struct{}), make(chan struct{}, 1)
	return u.told
}

func (u *upstream) release() {
	u.mu.Lock()
	defer u.mu.Unlock()
	close(u.held)
	u.held = nil
}

func (u *upstream) readyz(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	held, told := u.held, u.told
	u.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			select {
			case told <- struct{}{}:
			default:
			}
		}
	}
	io.WriteString(w, "ok")
}

func newUpstream(t testing.TB) *upstream {
	u := &upstream{mux: http.NewServeMux()}
	u.mux.HandleFunc("/readyz", u.readyz)
	u.mux.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"gitVersion":"v1.36.3"}`) })
	u.mux.HandleFunc("/api/v1", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","kind":"Pod","namespaced":true},{"name":"secrets","kind":"Secret","namespaced":true},{"name":"nodes","kind":"Node"},{"name":"namespaces","kind":"Namespace"}]}`)
	})
	u.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "atoll" || r.Header.Get("Impersonate-User") != "" { // not the platform's own questions
			var body string
			if r.Header.Get("Upgrade") == "" {
				text, _ := io.ReadAll(r.Body)
				body = string(text)
				r.Body = io.NopCloser(strings.NewReader(body))
			}
			u.mu.Lock()
			u.seen = append(u.seen, seen{r.Method, r.RequestURI, r.Header.Clone(), body})
			u.mu.Unlock()
		}
		u.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

// says answers a path with a line for each that is sent, at once, until the
// channel is closed.
func (u *upstream) says(path string) chan<- string {
	lines := make(chan string)
	u.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for line := range lines {
			io.WriteString(w, line+"\n")
			w.(http.Flusher).Flush()
		}
	})
	return lines
}

func (u *upstream) last(t *testing.T) seen {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.seen) == 0 {
		t.Fatal("nothing reached the upstream")
	}
	return u.seen[len(u.seen)-1]
}

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.seen)
}

func writeKubeconfig(t testing.TB, name string, server *httptest.Server) {
	t.Helper()
	writeKubeconfigAt(t, name, server, server.URL)
}

// writeKubeconfigAt is writeKubeconfig for a server that is reached elsewhere.
func writeKubeconfigAt(t testing.TB, name string, server *httptest.Server, url string) {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: u, user: {token: platform-token}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
`, url, base64.StdEncoding.EncodeToString(ca))
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// house is an Atoll of this package alone: a person is who X-Test-Person says.
type house struct {
	*httptest.Server
	proxy    *Proxy
	registry *Registry
	law      *people
	up       *upstream
}

func newHouse(t testing.TB) *house {
	up := newUpstream(t)
	name := filepath.Join(t.TempDir(), "kubeconfig")
	writeKubeconfig(t, name, up.Server)
	h := newHouseAt(t, name, hasty)
	h.up = up
	await(t, "the cluster is ready", func() bool { return h.registry.List()[0].Phase == PhaseReady })
	return h
}

func accessOf(person string) access.Subject {
	return access.Subject{Name: person, UID: "uid-" + person, Via: access.ViaToken}
}

// hasty is for upstreams in this process.
var hasty = Options{Poll: 5 * time.Millisecond, Probe: 20 * time.Millisecond, ProbeTimeout: 500 * time.Millisecond, Patience: 600 * time.Millisecond}

// newHouseAt is a house whose cluster a kubeconfig leads to.
func newHouseAt(t testing.TB, kubeconfig string, o Options) *house {
	h := &house{law: newPeople()}
	h.registry = NewRegistry(t.Context(), []Config{{Name: "local", Kubeconfig: kubeconfig}}, o)
	t.Cleanup(h.registry.Close)
	h.proxy = NewProxy(h.registry, h.law, ProxyOptions{})
	t.Cleanup(h.proxy.Close)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		person := r.Header.Get("X-Test-Person")
		subject := accessOf(person)
		if r.Header.Get("X-Test-Via") != "" {
			subject.Via = r.Header.Get("X-Test-Via")
		}
		subject.ReadOnly = r.Header.Get("X-Test-Read-Only") != ""
		r.Header.Del("X-Test-Person")
		r.Header.Del("X-Test-Via")
		r.Header.Del("X-Test-Read-Only")
		h.proxy.ServeHTTP(w, r, subject, "local", strings.TrimPrefix(r.URL.EscapedPath(), "/clusters/local"))
	}))
	t.Cleanup(h.Close)
	return h
}

// ask does a request as a person and reads the whole answer.
func (h *house) ask(t *testing.T, person, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, h.URL+"/clusters/local"+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Test-Person", person)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// await waits for a condition.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long until %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
