// Tricks with headers, methods and upgrades against the real binary: whatever
// is sent, nobody becomes somebody else, and nothing is done but what the
// request line says. Requests are written byte by byte, as no library would.

package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is an API server that says yes to everything and remembers who came.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("User-Agent") != "atoll" || q.Header.Get("Impersonate-User") != "" { // not the platform's own
			r.mu.Lock()
			r.seen = append(r.seen, q)
			r.mu.Unlock()
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*http.Request(nil), r.seen...)
}

// replied is one answer, of perhaps several that came.
type replied struct {
	status int
	header http.Header
	body   string
}

// raw sends bytes and reads answers until the server closes the connection.
func (p *process) raw(t *testing.T, request string) []replied {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		return nil // it has closed already: a refusal too
	}
	var all []replied
	for in := bufio.NewReader(conn); ; {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			return append(all, replied{status: res.StatusCode, header: res.Header})
		}
		text, _ := io.ReadAll(res.Body)
		all = append(all, replied{res.StatusCode, res.Header, string(text)})
	}
}

// tricked is an Atoll with a cluster, an extension, an administrator and jane,
// who is nobody in particular.
type tricked struct {
	*process
	up          *recorder
	admin, jane string // tokens
	host        string
}

func newTricked(t *testing.T) *tricked {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles a guest")
	}
	dir := setUp(t)
	k := &tricked{up: newRecorder(t)}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.up.Certificate().Raw})
	for name, text := range map[string]string{
		"kubeconfig": fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"a","cluster":{"server":%q,"certificate-authority-data":%q}}],`+
			`"users":[{"name":"a","user":{"token":"platform"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}]}`, k.up.URL, base64.StdEncoding.EncodeToString(authority)),
		"atoll.yaml": "administrator: {name: admin, passwordFile: password}\nclusters:\n- {name: local, kubeconfig: kubeconfig}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, module := hello(t)
	k.process = launch(t, dir)
	t.Cleanup(func() { k.kill(t) })
	k.host, k.admin = strings.TrimPrefix(k.url, "http://"), k.newToken(t)
	t.Setenv("ATOLL_SERVER", k.url)
	t.Setenv("ATOLL_TOKEN", k.admin)
	if out, err := run(t, "", "ext", "install", folder, "--module", module, "--yes"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	api, err := endpoint{server: k.url, token: k.admin}.client()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(api *client, method, path string, in, out any) {
		t.Helper()
		if err := api.call(t.Context(), method, path, in, out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	ask(api, "POST", "/api/v1/workspaces", map[string]any{"name": "keep"}, nil)
	ask(api, "POST", "/api/v1/users", map[string]any{"name": "jane", "password": "first horse battery", "platformRoles": []string{"platform-member"}}, nil)
	person, err := endpoint{server: k.url}.client()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := person.begin(t.Context(), signInBody{Username: "jane", Password: "first horse battery"}); err != nil {
		t.Fatal(err)
	}
	ask(person, "POST", "/api/v1/users/me:changePassword", map[string]string{"current": "first horse battery", "next": "second horse battery"}, nil)
	var made struct{ Token string }
	ask(person, "POST", "/api/v1/tokens", map[string]string{"name": "tricks"}, &made)
	k.jane = made.Token
	for deadline := time.Now().Add(time.Minute); ; {
		var c struct{ Phase string }
		if ask(api, "GET", "/api/v1/clusters/local", nil, &c); c.Phase == "Ready" {
			return k
		}
		if time.Now().After(deadline) {
			t.Fatal("the cluster is not ready")
		}
	}
}

// Lines of a head that claim what is not so; none announces a body, which would
// be waited for.
var tricks = []string{
	"Impersonate-User: admin", "Impersonate-User: system:admin\r\nImpersonate-Group: system:masters", "impersonate-group: system:masters", "Impersonate-Uid: 0",
	"Impersonate-Extra-Scopes: all", "Impersonate-Extra-Atoll.dev%2fuid: 0", "X-Remote-User: admin", "X-Remote-Group: system:masters", "Remote-User: admin",
	"X-Forwarded-User: admin", "X-Forwarded-Email: admin", "X-Auth-Request-User: admin", "X-Webauth-User: admin", "X-User: admin", "X-Atoll-User: admin",
	"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /api/v1/users", "Forwarded: for=127.0.0.1;host=evil.example",
	"X-Original-Url: /api/v1/users", "X-Rewrite-Url: /api/v1/users", "X-Original-Method: DELETE", "X-Real-Ip: 127.0.0.1", "True-Client-Ip: 127.0.0.1",
	"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "X-Http-Method-Override: PATCH",
	"Connection: Authorization", "Connection: Host, Origin, X-Request-Id", "Connection: Impersonate-User\r\nImpersonate-User: system:admin", "Proxy-Connection: Authorization",
	"Authorization: Bearer other", "Authorization: Basic YWRtaW46YWRtaW4=", "Proxy-Authorization: Bearer other", "Cookie: atoll_session=x", "Cookie: atoll_session=x; atoll_session=y",
	"Host: evil.example", "Te: trailers", "Trailer: Authorization", "Expect: 100-continue", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
	"Transfer-Encoding : chunked", "Content-Length: 0\r\nContent-Length: 5",
	" Impersonate-User: admin", "Impersonate-User : admin", "Impersonate-User\t: admin", "X: a\r\n Impersonate-User: admin", "X: a\nImpersonate-User: admin", "X: a\rImpersonate-User: admin",
	"Impersonate_User: admin", "\x00Impersonate-User: admin", "X-Long: " + strings.Repeat("x", 60<<10),
}

func (k *tricked) ask(t *testing.T, token, line string, head ...string) []replied {
	t.Helper()
	return k.raw(t, line+" HTTP/1.1\r\nHost: "+k.host+"\r\nAuthorization: Bearer "+token+"\r\nConnection: close\r\n"+strings.Join(append(head, ""), "\r\n")+"\r\n")
}

func TestNoHeaderMakesSomebodyElse(t *testing.T) {
	k := newTricked(t)
	answered := 0
	for _, trick := range tricks {
		for line, expected := range map[string]string{ // what an answer of 200 says; "" where jane may not
			"GET /api/v1/users":                                 "",
			"GET /api/v1/workspaces":                            `"total":0`,
			"GET /api/v1/users/me":                              `"name":"jane"`,
			"GET /x/hello/greetings/en":                         "jane",
			"GET /clusters/local/api/v1/namespaces/demo/pods/a": "{}",
		} {
			for _, a := range k.ask(t, k.jane, line, trick) {
				switch {
				case a.status == http.StatusContinue:
				case a.status >= 500 || a.status < 200:
					t.Errorf("%s with %.80q: %d %s", line, trick, a.status, a.body)
				case a.status < 300 && (expected == "" || !strings.Contains(a.body, expected) || strings.Contains(a.body, "admin")):
					t.Errorf("%s with %.80q: %d %.300s", line, trick, a.status, a.body)
				case a.status < 300:
					answered++
				}
			}
		}
		// What the administrator could do, had the method been another.
		for _, line := range []string{"GET /api/v1/workspaces/keep", "GET /api/v1/users/jane?_method=DELETE", "GET /clusters/local/api/v1/namespaces/demo/pods/a?_method=DELETE", "POST /x/hello/greetings"} {
			k.ask(t, k.admin, line, trick)
		}
	}
	if answered < len(tricks)*2 {
		t.Errorf("only %d requests were answered: the test tests little", answered)
	}
	for _, thing := range []string{"/api/v1/workspaces/keep", "/api/v1/users/jane"} {
		if a := k.ask(t, k.admin, "GET "+thing); len(a) != 1 || a[0].status != http.StatusOK {
			t.Errorf("%s is gone: %+v", thing, a)
		}
	}
	if n := len(k.up.requests()); n < len(tricks) {
		t.Errorf("only %d requests reached the cluster: the test tests little", n)
	}
	k.honest(t)
}

// honest looks at all that reached the cluster.
func (k *tricked) honest(t *testing.T) {
	t.Helper()
	for _, q := range k.up.requests() {
		if q.Method != http.MethodGet || q.URL.Path != "/api/v1/namespaces/demo/pods/a" || q.Header.Get("Authorization") != "Bearer platform" {
			t.Errorf("%s %s arrived, by %q", q.Method, q.URL, q.Header.Get("Authorization"))
		}
		for name, values := range q.Header {
			line, lower := name+": "+strings.Join(values, ", "), strings.ToLower(name)
			switch {
			case line == "Impersonate-User: atoll:jane", line == "Impersonate-User: atoll:admin", name == "Impersonate-Extra-Atoll.dev%2fuid" && values[0] != "0":
			case name == "Impersonate-Group":
				for _, g := range values {
					if !strings.HasPrefix(g, "atoll:") {
						t.Errorf("%s arrived", line)
					}
				}
			case strings.HasPrefix(lower, "impersonate-"), strings.HasPrefix(lower, "x-remote-"), strings.HasPrefix(lower, "x-forwarded-"), strings.Contains(lower, "method-override"),
				strings.Contains(line, "system:"), strings.Contains(line, k.jane), strings.Contains(line, k.admin), name == "Cookie":
				t.Errorf("%s arrived", line)
			}
		}
	}
}

// TestNoRequestHidesInAnother sends one request whose end can be read in two
// ways: what hides behind it must not be answered, or as nobody's.
func TestNoRequestHidesInAnother(t *testing.T) {
	k := newTricked(t)
	hidden := "GET /api/v1/users/me HTTP/1.1\r\nHost: " + k.host + "\r\nX-Hidden: yes\r\n\r\n"
	answers := 0
	for _, framing := range []string{
		"Content-Length: 0\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
		"Transfer-Encoding:\x0bchunked\r\nContent-Length: 5", "Content-Length: +5", "Content-Length: 5, 5", "Content-Length: 0x5", "Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: xchunked",
		"Transfer-Encoding: chunked, chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: Chunked\r\nContent-Length: 5", "Content-Length : 5",
	} {
		for _, target := range []string{"/clusters/local/api/v1/namespaces/demo/pods/a", "/x/hello/greetings", "/api/v1/workspaces"} {
			for _, method := range []string{"GET", "POST"} {
				head := method + " " + target + " HTTP/1.1\r\nHost: " + k.host + "\r\nAuthorization: Bearer " + k.jane + "\r\n" + framing + "\r\n\r\n"
				for _, body := range []string{"0\r\n\r\n" + hidden, hidden, "5\r\nGET /\r\n0\r\n\r\n" + hidden} {
					// The last request ends the connection.
					all := k.raw(t, head+body+"GET /healthz HTTP/1.1\r\nHost: "+k.host+"\r\nConnection: close\r\n\r\n")
					answers += len(all)
					for _, a := range all {
						if strings.Contains(a.body, `"name":"jane"`) || a.status == http.StatusInternalServerError {
							t.Errorf("%s %s with %q: %d %.300s", method, target, framing, a.status, a.body)
						}
					}
				}
			}
		}
	}
	if answers < 100 {
		t.Errorf("only %d answers came: the test tests little", answers)
	}
	for _, q := range k.up.requests() {
		if q.Header.Get("X-Hidden") != "" || q.URL.Path != "/api/v1/namespaces/demo/pods/a" {
			t.Errorf("%s %s arrived", q.Method, q.URL)
		}
	}
}

func TestPagesOfOthersUpgradeNothing(t *testing.T) {
	k := newTricked(t)
	body, _ := json.Marshal(signInBody{Username: "admin", Password: "correct horse battery"})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url+"/api/v1/sessions", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", k.url)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	upgrade := func(target, protocol string, head ...string) replied {
		t.Helper()
		all := k.raw(t, "GET "+target+" HTTP/1.1\r\nHost: "+k.host+"\r\nCookie: "+cookie+"\r\nConnection: Upgrade\r\nUpgrade: "+protocol+
			"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+strings.Join(append(head, ""), "\r\n")+"\r\n"+
			"GET /healthz HTTP/1.1\r\nHost: "+k.host+"\r\nConnection: close\r\n\r\n")
		if len(all) == 0 {
			return replied{}
		}
		return all[0]
	}
	const stream = "/api/v1/stream"
	if a := upgrade(stream, "websocket", "Origin: "+k.url); a.status != http.StatusSwitchingProtocols {
		t.Fatalf("its own page: %d %s", a.status, a.body)
	}
	before := len(k.up.requests())
	for _, target := range []string{stream, "/clusters/local/api/v1/namespaces/demo/pods/a/exec?command=id", "/clusters/local/api/v1/namespaces/demo/pods/a/portforward", "/x/hello/greetings", "/api/v1/users/me"} {
		for _, origin := range []string{
			"Origin: http://evil.example", "Origin: null", "Origin: http://127.0.0.1:1", "Origin: https://" + k.host, "Origin: http://" + k.host + ".evil.example", "Origin: http://evil.example@" + k.host,
			"Origin: http://evil.example\r\nOrigin: " + k.url, "Origin: " + k.url + "\r\nOrigin: http://evil.example", "Origin: http://evil.example\r\nX-Forwarded-Host: evil.example",
			"Origin: http://evil.example\r\nX-HTTP-Method-Override: GET", "Origin:", "X-No-Origin: yes", "Sec-Fetch-Site: cross-site",
			"Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io." + base64.RawURLEncoding.EncodeToString([]byte(k.admin)),
		} {
			for _, protocol := range []string{"websocket", "WebSocket", "SPDY/3.1", "h2c", "websocket, h2c"} {
				if a := upgrade(target, protocol, origin); a.status != http.StatusForbidden && a.status != http.StatusBadRequest {
					t.Errorf("%s to %s from %q: %d %.200s", target, protocol, origin, a.status, a.body)
				}
			}
		}
	}
	if n := len(k.up.requests()); n != before {
		t.Errorf("%d requests reached the cluster", n-before)
	}
}
