// Who may call, from which page, and how much: attacks on the front door.

package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestOtherNamesAreMisdirected(t *testing.T) {
	r := start(t, nil)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.url, "http://"))
	for host, want := range map[string]int{
		"127.0.0.1:" + port: 401, "localhost:" + port: 401, "LOCALHOST": 401, "[::1]:" + port: 401, "localhost.:" + port: 401,
		"evil.example": 421, "evil.example:" + port: 421, "127.0.0.1.evil.example": 421, "localhost.evil.example:" + port: 421,
		"127.0.0.2:" + port: 421, "0.0.0.0:" + port: 421, "127.0.0.1:" + port + ".evil.example": 421, "127.1": 421, "2130706433": 421,
	} {
		a := r.do(nil, "GET", "/api/v1/clusters", nil, func(req *http.Request) { req.Host = host })
		if a.status != want {
			t.Errorf("Host %q: %d, want %d", host, a.status, want)
		}
		page := r.do(nil, "GET", "/", nil, func(req *http.Request) { req.Host = host })
		if ok := page.status == 200; ok != (want == 401) {
			t.Errorf("Host %q: the page is %d", host, page.status)
		}
	}
	if a := r.do(nil, "GET", "/healthz", nil, func(req *http.Request) { req.Host = "10.0.0.1" }); a.status != 200 {
		t.Errorf("a probe by an address: %d", a.status)
	}
}

func TestConfiguredNamesAndOriginsAreServed(t *testing.T) {
	r := start(t, func(c *Config) {
		c.Listen.Hosts, c.Listen.Origins = []string{"Atoll.Example.com"}, []string{"http://localhost:5173"}
	})
	if a := r.do(nil, "GET", "/api/v1/info", nil, func(req *http.Request) { req.Host = "atoll.example.com" }); a.status != 200 {
		t.Errorf("a configured name: %d", a.status)
	}
	if a := r.do(nil, "GET", "/api/v1/info", nil, func(req *http.Request) { req.Header.Set("Origin", "http://localhost:5173") }); a.status != 200 {
		t.Errorf("a configured origin: %d", a.status)
	}
	if a := r.do(nil, "GET", "/api/v1/info", nil, func(req *http.Request) { req.Header.Set("Origin", "http://localhost:5174") }); a.status != 403 {
		t.Errorf("another origin: %d", a.status)
	}
}

func TestPagesOfOtherOriginsGetNothing(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	https := "https" + strings.TrimPrefix(r.url, "http")
	for name, change := range map[string]func(http.Header){
		"another origin":               func(h http.Header) { h.Set("Origin", "http://evil.example") },
		"no origin of its own":         func(h http.Header) { h.Set("Origin", "null") },
		"another port of this machine": func(h http.Header) { h.Set("Origin", "http://127.0.0.1:9") },
		"another scheme":               func(h http.Header) { h.Set("Origin", https) },
		"a longer name":                func(h http.Header) { h.Set("Origin", r.url+".evil.example") },
		"two origins":                  func(h http.Header) { h["Origin"] = []string{r.url, "http://evil.example"} },
		"cross-site without an origin": func(h http.Header) { h.Del("Origin"); h.Set("Sec-Fetch-Site", "cross-site") },
		"same-site without an origin":  func(h http.Header) { h.Del("Origin"); h.Set("Sec-Fetch-Site", "same-site") },
	} {
		for _, target := range []string{"GET /api/v1/users/me", "POST /api/v1/workspaces", "POST /api/v1/sessions", "GET /clusters/local/api", "GET /x/logging/y", "GET /api/v1/stream"} {
			method, path, _ := strings.Cut(target, " ")
			a := r.do(admin, method, path, map[string]any{"name": "stolen"}, func(req *http.Request) { change(req.Header) })
			if a.status != 403 {
				t.Errorf("%s, %s: %d %s", name, target, a.status, a.body)
			}
		}
	}
	link := r.do(nil, "GET", "/projects", nil, func(req *http.Request) {
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Sec-Fetch-Mode", "navigate")
		req.Header.Set("Sec-Fetch-Dest", "document")
	})
	if link.status != 200 {
		t.Errorf("a link from elsewhere to the console: %d", link.status)
	}
}

func TestWritesInASessionNeedOriginAndToken(t *testing.T) {
	r := start(t, nil)
	admin, other := r.admin(), r.admin()
	for name, test := range map[string]struct {
		change func(http.Header)
		want   int
	}{
		"both":                     {func(http.Header) {}, 201},
		"no origin":                {func(h http.Header) { h.Del("Origin") }, 403},
		"no token":                 {func(h http.Header) { h.Del("X-Atoll-CSRF") }, 403},
		"an empty token":           {func(h http.Header) { h.Set("X-Atoll-CSRF", "") }, 403},
		"another session's token":  {func(h http.Header) { h.Set("X-Atoll-CSRF", other.csrf) }, 403},
		"no cookie":                {func(h http.Header) { h.Del("Cookie") }, 401},
		"a wrong bearer beside it": {func(h http.Header) { h.Set("Authorization", "Bearer x"); h.Del("X-Atoll-CSRF") }, 401},
		"a basic login beside it":  {func(h http.Header) { h.Set("Authorization", "Basic eDp4"); h.Del("X-Atoll-CSRF") }, 401},
	} {
		a := r.do(admin, "POST", "/api/v1/workspaces", map[string]any{"name": "w" + strings.ReplaceAll(strings.ToLower(name[:2]), " ", "")}, func(req *http.Request) { test.change(req.Header) })
		if a.status != test.want {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, test.want)
		}
	}
	for _, target := range []string{"POST /clusters/local/api/v1/namespaces", "DELETE /x/logging/y", "DELETE /api/v1/sessions/current"} {
		method, path, _ := strings.Cut(target, " ")
		if a := r.do(admin, method, path, nil, func(req *http.Request) { req.Header.Del("X-Atoll-CSRF") }); a.status != 403 {
			t.Errorf("%s without a token: %d", target, a.status)
		}
	}
	token := admin.newToken()
	if a := token.do("POST", "/api/v1/workspaces", map[string]any{"name": "bytoken"}); a.status != 201 {
		t.Errorf("a bearer token needs neither: %d %s", a.status, a.body)
	}
}

func TestEveryRefusalIsAProblem(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	big := strings.Repeat("x", 100<<10)
	for name, test := range map[string]struct {
		method, path string
		body         any
		change       func(*http.Request)
		want         int
		says         string
	}{
		"not found":               {"GET", "/api/v1/nothing", nil, nil, 404, ""},
		"another method":          {"PATCH", "/api/v1/users", nil, nil, 405, ""},
		"a page that is posted":   {"POST", "/", nil, func(q *http.Request) { q.Header.Set("Accept", "text/html") }, 405, ""},
		"a large body":            {"POST", "/api/v1/workspaces", map[string]string{"name": big}, nil, 413, ""},
		"a large body, chunked":   {"POST", "/api/v1/workspaces", io.MultiReader(strings.NewReader(`{"name":"` + big + `"}`)), nil, 413, ""},
		"no JSON":                 {"POST", "/api/v1/workspaces", "name=a", func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") }, 415, "application/json"},
		"a form":                  {"POST", "/api/v1/workspaces", "name=a", func(q *http.Request) { q.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415, ""},
		"broken JSON":             {"POST", "/api/v1/workspaces", `{"name":`, nil, 400, ""},
		"an unknown field":        {"POST", "/api/v1/workspaces", `{"name":"a","admin":true}`, nil, 422, `"/admin"`},
		"a bad value":             {"POST", "/api/v1/workspaces", `{"name":"../a"}`, nil, 422, `"/name"`},
		"a missing body":          {"POST", "/api/v1/workspaces", nil, nil, 400, ""},
		"a bad parameter":         {"GET", "/api/v1/users?limit=0", nil, nil, 422, `"query.limit"`},
		"an unknown parameter":    {"GET", "/api/v1/users?limt=1", nil, nil, 422, `"query.limt"`},
		"a bad sort":              {"GET", "/api/v1/users?sort=password", nil, nil, 422, "createdAt, displayName, name"},
		"a bad continue":          {"GET", "/api/v1/users?continue=%20", nil, nil, 422, `"query.continue"`},
		"a long address":          {"GET", "/api/v1/users?filter=" + strings.Repeat("x", 17<<10), nil, nil, 414, ""},
		"a package that is none":  {"POST", "/api/v1/extensions:review", "hello", func(q *http.Request) { q.Header.Set("Content-Type", "application/x-tar") }, 422, ""},
		"a package as JSON":       {"POST", "/api/v1/extensions:review", "{}", nil, 415, "application/x-tar"},
		"nobody's project":        {"GET", "/api/v1/clusters/local/projects/none", nil, nil, 404, ""},
		"a stream that is none":   {"GET", "/api/v1/stream", nil, nil, 426, ""},
		"an extension not there":  {"GET", "/x/none/y", nil, nil, 404, ""},
		"a workspace not there":   {"GET", "/api/v1/workspaces/none", nil, nil, 404, ""},
		"a wrong user's password": {"POST", "/api/v1/sessions", `{"username":"admin","password":"wrong"}`, nil, 401, ""},
		"a duplicate":             {"POST", "/api/v1/users", `{"name":"admin","password":"long enough"}`, nil, 409, ""},
		"the last administrator":  {"DELETE", "/api/v1/users/admin", nil, nil, 409, ""},
	} {
		a := r.do(admin, test.method, test.path, test.body, test.change)
		if a.status != test.want {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, test.want)
			continue
		}
		var p struct {
			Type, Title, Instance string
			Status                int
		}
		a.json(&p)
		if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", name, kind)
		}
		if p.Status != test.want || p.Type == "" || p.Title == "" || !strings.Contains(p.Instance, a.header.Get("X-Request-Id")) {
			t.Errorf("%s: %s", name, a.body)
		}
		if !strings.Contains(string(a.body), test.says) {
			t.Errorf("%s: %s does not say %s", name, a.body, test.says)
		}
	}
}

func TestWhatWasSentIsNotRepeatedInProblems(t *testing.T) {
	r := start(t, nil)
	a := r.do(nil, "POST", "/api/v1/sessions", `{"username":"admin","password":["hunter2"]}`, nil)
	if a.status != 422 || strings.Contains(string(a.body), "hunter2") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestDenialsSayWhatIsMissing(t *testing.T) {
	r := start(t, nil)
	jane := r.admin().user("jane", "platform-member")
	for target, missing := range map[string]string{
		"GET /api/v1/users":                                  "users.view platform",
		"DELETE /api/v1/users/admin":                         "users.manage platform",
		"GET /api/v1/extensions":                             "extensions.view platform",
		"DELETE /api/v1/extensions/logging":                  "extensions.manage platform",
		"GET /api/v1/extensions/logging/usage":               "extensions.view platform",
		"GET /api/v1/workspaces/w/usage":                     "workspaces.view workspaces/w",
		"GET /api/v1/extensions/logging/health":              "extensions.view platform",
		"GET /api/v1/extensions/logging/health?workspace=w":  "workspaces.view workspaces/w",
		"GET /api/v1/workspaces/none":                        "workspaces.view workspaces/none",
		"GET /api/v1/clusters/local/projects/none":           "projects.view clusters/local/projects/none",
		"DELETE /api/v1/clusters/c/projects/p":               "projects.manage clusters/c/projects/p",
		"GET /api/v1/workspaces/w/members":                   "members.view workspaces/w",
		"DELETE /api/v1/clusters/c/projects/p/members/admin": "members.manage clusters/c/projects/p",
		"GET /metrics":                                       "audit.view platform",
	} {
		method, path, _ := strings.Cut(target, " ")
		a := jane.must(method, path, nil, 403)
		var p struct {
			Missing struct{ Permission, Scope string }
		}
		a.json(&p)
		if got := p.Missing.Permission + " " + p.Missing.Scope; got != missing {
			t.Errorf("%s: missing %q, want %q", target, got, missing)
		}
	}
}

func TestFirstPasswordIsGoodForChangingItOnly(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	admin.must("POST", "/api/v1/users", map[string]any{"name": "jane", "password": "first password", "platformRoles": []string{"platform-admin"}}, 201)
	jane := r.signIn("jane", "first password")
	for _, target := range []string{"GET /api/v1/users", "POST /api/v1/tokens", "GET /clusters/local/api", "GET /x/logging/y", "GET /api/v1/stream", "GET /metrics"} {
		method, path, _ := strings.Cut(target, " ")
		if a := jane.do(method, path, nil); a.status != 403 {
			t.Errorf("%s before the password was changed: %d", target, a.status)
		}
	}
	jane.must("GET", "/api/v1/users/me", nil, 200)
	jane.must("POST", "/api/v1/users/me:changePassword", map[string]any{"current": "wrong password", "next": "second password"}, 422)
	jane.must("POST", "/api/v1/users/me:changePassword", map[string]any{"current": "first password", "next": "second password"}, 204)
	jane.must("GET", "/api/v1/users", nil, 200)
}

// TestPathsCannotBeReadInTwoWays sends request lines as they are, which no
// client library would.
func TestPathsCannotBeReadInTwoWays(t *testing.T) {
	reached := make(chan string, 100)
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		reached <- r.URL.EscapedPath()
		fmt.Fprint(w, "reached")
	})
	r := startWith(t, u, nil)
	token := r.admin().newToken()
	for _, path := range []string{
		"/clusters/local/../other/api/v1/pods", "/clusters/local/./api/v1/pods", "/clusters/local//api/v1/pods", "/clusters//local/api/v1/pods",
		"//clusters/local/api/v1/pods", "/clusters%2Flocal/api/v1/pods", "/clusters/local%2Fapi/v1/pods", "/clusters/local/%2e%2e/api/v1/pods",
		"/clusters/local/api/v1/namespaces/a%2f..%2fb/pods", "/clusters/LOCAL/api/v1/pods", "/CLUSTERS/local/api/v1/pods",
		"/clusters/local;a=b/api/v1/pods", "/clusters/local/api/v1/pods;a=b", "/clusters/loc%61l/api/v1/pods", "/%63lusters/local/api/v1/pods",
		"/x/../clusters/local/api/v1/pods", "/assets/../clusters/local/api/v1/pods", "/clusters/local/api/v1/pods%00", "/clusters/local\\api",
		"/clusters/local/api/v1/%ff/pods", "/clusters/-/api", "/clusters/", "/clusters", "/x", "/x/", "/x//y", "/x/%2e%2e/y", "/x/a%2fb/y",
		"/api/v1/../../clusters/local/api/v1/pods", "/" + strings.Repeat("a/", 3000) + "clusters",
	} {
		status, body := rawGet(t, r, path, "Authorization: Bearer "+token.token+"\r\nAccept: text/html\r\n")
		if strings.Contains(body, "reached") {
			t.Errorf("%q reached the cluster", path)
		}
		if status == 200 && (strings.HasPrefix(path, "/clusters/") || strings.HasPrefix(path, "/x/") || strings.HasPrefix(path, "/api/")) {
			t.Errorf("%q: 200 %.100s", path, body)
		}
		if status >= 500 {
			t.Errorf("%q: %d", path, status)
		}
	}
	if status, body := rawGet(t, r, "/clusters/local/api/v1/namespaces/demo/pods/a", "Authorization: Bearer "+token.token+"\r\n"); status != 200 || !strings.Contains(body, "reached") {
		t.Errorf("an honest path: %d %s", status, body)
	}
	if got := <-reached; got != "/api/v1/namespaces/demo/pods/a" {
		t.Errorf("reached %q", got)
	}
}

// rawGet sends a request line as it is.
func rawGet(t *testing.T, r *running, path, headers string) (int, string) {
	t.Helper()
	address := strings.TrimPrefix(r.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", path, address, headers)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func TestHeadersAreBounded(t *testing.T) {
	r := start(t, nil)
	if status, _ := rawGet(t, r, "/healthz", "X-Large: "+strings.Repeat("x", 80<<10)+"\r\n"); status != 431 {
		t.Errorf("a head of 80 KiB: %d", status)
	}
}

func TestLogHoldsNoSecret(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	token := admin.newToken()
	token.must("GET", "/api/v1/users/me", nil, 200)
	admin.must("GET", "/api/v1/users?filter=secretfilter", nil, 200)
	r.do(nil, "POST", "/api/v1/sessions", `{"username":"admin","password":"wrong but secret"}`, nil)
	r.do(nil, "GET", "/api/v1/users/me", nil, func(q *http.Request) { q.Header.Set("Authorization", "Bearer atoll_aaaaaaaaaaaaaaaa_nearly") })
	r.stopAndWait()
	log := r.log.String()
	if !strings.Contains(log, "path=/api/v1/users/me") {
		t.Fatalf("the log says nothing:\n%s", log)
	}
	_, session, _ := strings.Cut(admin.cookie, "=")
	for name, secret := range map[string]string{
		"the password": adminPassword, "a wrong password": "wrong but secret", "the session": session, "the CSRF token": admin.csrf,
		"the token": token.token, "a wrong token": "nearly", "a query": "secretfilter",
	} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s", name)
		}
	}
}

func TestFiguresAreForOperators(t *testing.T) {
	r := start(t, nil)
	if a := r.do(nil, "GET", "/metrics", nil, nil); a.status != 401 {
		t.Errorf("anybody: %d", a.status)
	}
	if a := r.admin().newToken().must("GET", "/metrics", nil, 200); !strings.Contains(string(a.body), "atoll_http_requests_total") {
		t.Errorf("%.300s", a.body)
	}
	open := start(t, func(c *Config) { c.Metrics.OpenOnLoopback = true })
	if a := open.do(nil, "GET", "/metrics", nil, nil); a.status != 200 {
		t.Errorf("opened on loopback: %d", a.status)
	}
	if a := open.do(nil, "GET", "/metrics", nil, func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "same-origin") }); a.status != 401 {
		t.Errorf("opened on loopback, asked by a page: %d", a.status)
	}
}
