// Whatever bytes a client sends: what reaches the API server is in the client's
// own name, and has the groups of the project that the API server reads.

package kube

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// guard is an API server that looks at each request for what must not come. It
// reads paths by itself, and shares no code with the proxy.
type guard struct {
	mu    sync.Mutex
	wrong string
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	wrong := g.look(r, string(body))
	g.mu.Lock()
	if g.wrong == "" && wrong != "" {
		g.wrong = fmt.Sprintf("%s: %s %s %q %q", wrong, r.Method, r.RequestURI, r.Header, body)
	}
	g.mu.Unlock()
	switch r.URL.Path {
	case "/version":
		io.WriteString(w, `{"gitVersion":"v1.36.3"}`)
	case "/api/v1":
		io.WriteString(w, `{"kind":"APIResourceList","resources":[{"name":"pods","kind":"Pod","namespaced":true},{"name":"nodes","kind":"Node"},{"name":"namespaces","kind":"Namespace"}]}`)
	default:
		io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[]}`)
	}
}

// look says what is wrong with a request; "" when nothing is.
func (g *guard) look(r *http.Request, body string) string {
	if got := r.Header["Authorization"]; len(got) != 1 || got[0] != "Bearer platform-token" {
		return "not the platform's credentials"
	}
	if _, named := r.Header["Impersonate-User"]; !named {
		// The platform's own questions, which nobody can make it ask otherwise.
		own := r.URL.Path == "/readyz" || r.URL.Path == "/version" || strings.HasPrefix(r.URL.Path, "/api") && strings.Count(r.URL.Path, "/") <= 3
		if !own || r.Method != http.MethodGet || body != "" || r.Header.Get("User-Agent") != "atoll" {
			return "in the platform's own name"
		}
		return ""
	}
	if user := r.Header["Impersonate-User"]; len(user) != 1 || user[0] != "atoll:jane" {
		return "in another's name"
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		switch {
		case name == "Impersonate-User", name == "Impersonate-Group", name == "Impersonate-Extra-Atoll.dev%2fuid":
		case strings.HasPrefix(lower, "impersonate-"), strings.HasPrefix(lower, "x-remote-"), strings.HasPrefix(lower, "x-forwarded"), lower == "cookie", lower == "forwarded":
			return "with the header " + name
		}
	}
	if p := r.URL.Path; path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" {
		return "by a path with two readings"
	}
	namespace := namespaceOf(r.URL.Path)
	for _, group := range r.Header["Impersonate-Group"] {
		switch {
		case group == "atoll:platform:member":
		case namespace == "alpha" && group == "atoll:project:uid-alpha:admin", namespace == "beta" && group == "atoll:project:uid-beta:viewer":
		case group == GroupNamespaces && r.URL.Path == "/api/v1/namespaces" && r.Method == http.MethodGet:
		default:
			// Questions about oneself have the namespace in their body.
			if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/apis/authorization.k8s.io/") && strings.Contains(r.URL.Path, "/selfsubject") && ours(group) {
				continue
			}
			return "with the group " + group + " in " + namespace
		}
	}
	return ""
}

// namespaceOf reads the namespace from a decoded path as an API server does.
func namespaceOf(decoded string) string {
	segments := strings.Split(strings.Trim(decoded, "/"), "/")
	switch {
	case segments[0] == "api" && len(segments) > 2:
		segments = segments[2:]
	case segments[0] == "apis" && len(segments) > 3:
		segments = segments[3:]
	default:
		return ""
	}
	if len(segments) > 1 && (segments[0] == "watch" || segments[0] == "proxy") {
		segments = segments[1:]
	}
	if len(segments) > 1 && segments[0] == "namespaces" {
		return segments[1]
	}
	return ""
}

// FuzzProxyPath sends what it is given, byte for byte, as jane.
func FuzzProxyPath(f *testing.F) {
	for _, p := range []string{
		"/api/v1/namespaces/alpha/pods", "/api/v1/namespaces/gamma/pods", "/api/v1/namespaces/alpha/../gamma/pods", "/api/v1/namespaces/alpha%2f..%2fgamma/pods",
		"/api/v1/namespaces/alpha/%2e%2e/gamma/pods", "/api/v1/namespaces/alpha/..;/gamma/pods", "/api/v1/namespaces//gamma/pods", "/api/v1/namespaces/ALPHA/pods",
		"/api/v1/namespaces/%61lpha/pods", "/api/v1/namespaces/alpha%00/pods", "/api/v1/namespaces/\u0251lpha/pods", "/api/v1/namespaces/alpha\\..\\gamma/pods",
		"/api/v1/watch/namespaces/gamma/pods", "/api/v1/proxy/namespaces/gamma/services/x/", "/api/v1/namespaces/alpha/pods/namespaces/gamma/x", "/api/v1/pods?watch=1",
		"/api/v1/namespaces?limit=1", "/api/v1/pods?limit=1&continue=" + (&cursor{Version: "7", Mark: strings.Repeat("1", markDigits), Project: "gamma"}).token(),
		"/%61pi/v1/namespaces/gamma/pods", "/API/v1/pods", "/api/V1/namespaces?limit=1", "/api/v2/namespaces", "/" + strings.Repeat("a/", 3000), "/../../readyz", "/apis/x/v1/namespaces/alpha/namespaces/gamma",
		"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "/api/v1/namespaces/gamma/status", "/api/v1/namespaces/alpha/finalize/pods",
	} {
		f.Add("GET", p, "Accept: application/json", "")
	}
	for _, head := range []string{
		"Impersonate-User: system:admin", "impersonate-GROUP: system:masters", "Impersonate-Extra-a: b", "Impersonate-Uid: 0", "Connection: Impersonate-User, Authorization",
		"X-Remote-User: root", "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Prefix: /api", "X-HTTP-Method-Override: DELETE", "Authorization: Bearer mine", "Cookie: a=b",
		"Host: other", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: \tchunked", "Content-Length: 0\r\nContent-Length: 40", "Connection: Upgrade\r\nUpgrade: websocket",
		"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA", "Expect: 100-continue", "Impersonate-User : system:admin", "X: a\r\n Impersonate-User: system:admin", "Te: trailers\r\nTrailer: Impersonate-User",
	} {
		f.Add("POST", "/api/v1/namespaces/alpha/pods", head, "0\r\n\r\nGET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for _, method := range []string{"get", "CONNECT", "TRACE", "PROPFIND", "DELETE", "OPTIONS", "HEAD"} {
		f.Add(method, "/api/v1/namespaces/gamma/pods/x/exec", "X-Method-Override: POST", "")
	}
	g := &guard{}
	up := httptest.NewTLSServer(g)
	f.Cleanup(up.Close)
	name := filepath.Join(f.TempDir(), "kubeconfig")
	writeKubeconfig(f, name, up)
	registry := NewRegistry(f.Context(), []Config{{Name: "local", Kubeconfig: name}}, Options{})
	f.Cleanup(registry.Close)
	proxy := NewProxy(registry, newPeople(), ProxyOptions{})
	f.Cleanup(proxy.Close)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/clusters/local"); ok {
			proxy.ServeHTTP(w, r, jane, "local", rest)
		}
	}))
	f.Cleanup(door.Close)
	await(f, "the cluster is ready", func() bool { return registry.List()[0].Phase == PhaseReady })

	f.Fuzz(func(t *testing.T, method, target, head, body string) {
		conn, err := net.Dial("tcp", door.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// Some inputs promise more than they send; nobody waits for the rest.
		_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		length := ""
		if lower := strings.ToLower(head); !strings.Contains(lower, "length") && !strings.Contains(lower, "encoding") {
			length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
		}
		fmt.Fprintf(conn, "%s /clusters/local%s HTTP/1.1\r\nHost: x\r\n%s%s\r\n\r\n%s", method, target, length, head, body)
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.wrong != "" {
			t.Fatal(g.wrong)
		}
	})
}

// TestTheGuardSeesEscapes holds that FuzzProxyPath could fail.
func TestTheGuardSeesEscapes(t *testing.T) {
	good := func() *http.Request {
		r := httptest.NewRequest("GET", "/api/v1/namespaces/alpha/pods", nil)
		r.Header = http.Header{"Authorization": {"Bearer platform-token"}, "Impersonate-User": {"atoll:jane"}, "Impersonate-Group": {"atoll:project:uid-alpha:admin"}}
		return r
	}
	g := &guard{}
	if wrong := g.look(good(), ""); wrong != "" {
		t.Fatal(wrong)
	}
	for what, spoil := range map[string]func(*http.Request){
		"another project":  func(r *http.Request) { r.URL.Path = "/api/v1/namespaces/gamma/pods" },
		"the old watch":    func(r *http.Request) { r.URL.Path = "/api/v1/watch/namespaces/gamma/pods" },
		"dots":             func(r *http.Request) { r.URL.Path = "/api/v1/namespaces/alpha/../gamma/pods" },
		"another user":     func(r *http.Request) { r.Header.Set("Impersonate-User", "system:admin") },
		"a second user":    func(r *http.Request) { r.Header.Add("Impersonate-User", "atoll:joe") },
		"no user":          func(r *http.Request) { r.Header.Del("Impersonate-User") },
		"a foreign group":  func(r *http.Request) { r.Header.Add("Impersonate-Group", "system:masters") },
		"all namespaces":   func(r *http.Request) { r.Header.Add("Impersonate-Group", GroupNamespaces) },
		"a second bearer":  func(r *http.Request) { r.Header.Add("Authorization", "Bearer mine") },
		"an extra":         func(r *http.Request) { r.Header.Set("Impersonate-Extra-Scopes", "all") },
		"a proxy's header": func(r *http.Request) { r.Header.Set("X-Remote-User", "root") },
	} {
		r := good()
		spoil(r)
		if g.look(r, "") == "" {
			t.Errorf("%s is not seen", what)
		}
	}
}
