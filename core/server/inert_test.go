// What pods and extensions answer is data: nothing of it runs, is shown as a
// page or changes the browser. The upstream here stands in for a hostile pod.

package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostile answers with every header by which a page could gain power.
func hostile(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, value := range map[string]string{
		"Set-Cookie": "atoll_session=stolen; Path=/", "Service-Worker-Allowed": "/", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true",
		"Content-Security-Policy": "default-src *; script-src 'unsafe-inline' *", "Content-Security-Policy-Report-Only": "x", "X-Content-Type-Options": "", "X-Frame-Options": "ALLOWALL",
		"Link": "</evil.js>; rel=preload", "Refresh": "0;url=http://evil.example", "Clear-Site-Data": `"*"`, "Strict-Transport-Security": "max-age=1", "Alt-Svc": `h3=":1"`,
		"Report-To": "{}", "Nel": "{}", "Sourcemap": "/x", "X-Sourcemap": "/x", "Www-Authenticate": "Basic", "Speculation-Rules": `"/x"`, "Set-Login": "logged-out",
		"Cross-Origin-Resource-Policy": "cross-origin", "Cross-Origin-Opener-Policy": "unsafe-none", "Origin-Agent-Cluster": "?0", "Location": "//evil.example/", "X-Evil": "1",
		"Content-Type": "text/html", "Etag": `"1"`, "Trailer": "Set-Cookie",
	} {
		h.Set(name, value)
	}
	fmt.Fprint(w, "<script>alert(document.domain)</script>")
}

func TestAnswersOfClustersAreInert(t *testing.T) {
	u := newUpstream(t, hostile)
	r := startWith(t, u, nil)
	admin := r.admin()
	token := admin.newToken()
	for name, a := range map[string]answer{
		"an object by cookie": admin.do("GET", "/clusters/local/api/v1/namespaces/demo/pods/a", nil),
		"a log":               admin.do("GET", "/clusters/local/api/v1/namespaces/demo/pods/a/log", nil),
		"a service by token":  token.do("GET", "/clusters/local/api/v1/namespaces/demo/services/a/proxy/sw.js", nil),
		"a refusal":           r.do(nil, "GET", "/clusters/local/api", nil, nil),
		"an extension":        admin.do("GET", "/x/none/page", nil),
		"nobody's extension":  r.do(nil, "GET", "/x/none/page", nil, nil),
		"no cluster":          admin.do("GET", "/clusters/none/api", nil),
	} {
		if got := a.header.Get("Content-Security-Policy"); got != "sandbox; default-src 'none'; frame-ancestors 'none'" || len(a.header["Content-Security-Policy"]) != 1 {
			t.Errorf("%s: Content-Security-Policy %q", name, a.header["Content-Security-Policy"])
		}
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"} {
			if got := a.header[header]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s %q", name, header, got)
			}
		}
		for header := range a.header {
			if !untrustedHeaders[header] {
				t.Errorf("%s: the answer has %s", name, header)
			}
		}
		for _, header := range []string{"Location", "Trailer", "Set-Cookie"} {
			if a.header.Get(header) != "" {
				t.Errorf("%s: the answer has %s", name, header)
			}
		}
	}
	for _, req := range u.requests() {
		for header, values := range req.Header {
			line := fmt.Sprint(values)
			if strings.Contains(line, strings.TrimPrefix(admin.cookie, "atoll_session=")) || strings.Contains(line, token.token) || strings.Contains(line, admin.csrf) {
				t.Errorf("%s reached the cluster in %s", req.URL.Path, header)
			}
		}
	}
	if n := len(u.requests()); n < 3 {
		t.Errorf("only %d requests reached the cluster: the test tests nothing", n)
	}
}

func TestServicesAreNotReachedByCookie(t *testing.T) {
	u := newUpstream(t, hostile)
	r := startWith(t, u, nil)
	admin := r.admin()
	for _, path := range []string{"namespaces/demo/services/a/proxy/", "namespaces/demo/pods/a/proxy/", "nodes/a/proxy/", "namespaces/demo/services/http:a:80/proxy/x"} {
		if a := admin.do("GET", "/clusters/local/api/v1/"+path, nil); a.status != 403 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if n := len(u.requests()); n != 0 {
		t.Errorf("%d requests reached a service", n)
	}
}

func TestBrowsersRunNothingOfClustersAndExtensions(t *testing.T) {
	u := newUpstream(t, hostile)
	r := startWith(t, u, nil)
	admin := r.admin()
	for _, path := range []string{"/clusters/local/api/v1/namespaces/demo/pods/a/log", "/x/logging/y", "/x/logging/-/fragments/logs", "/x/logging/-/icon"} {
		for _, dest := range []string{
			"document", "script", "worker", "sharedworker", "serviceworker", "frame", "iframe", "fencedframe", "embed", "object", "style", "xslt", "manifest",
			"audioworklet", "paintworklet", "SCRIPT", " script",
		} {
			a := r.do(admin, "GET", path, nil, func(q *http.Request) { q.Header.Set("Sec-Fetch-Dest", dest) })
			if a.status != 403 || strings.Contains(string(a.body), "alert") {
				t.Errorf("%s as %q: %d", path, dest, a.status)
			}
		}
		if a := r.do(admin, "GET", path, nil, func(q *http.Request) { q.Header["Sec-Fetch-Dest"] = []string{"empty", "script"} }); a.status != 403 {
			t.Errorf("%s as two things: %d", path, a.status)
		}
		if a := r.do(admin, "GET", path, nil, func(q *http.Request) { q.Header.Set("Service-Worker", "script") }); a.status != 403 {
			t.Errorf("%s as a service worker: %d", path, a.status)
		}
	}
	if n := len(u.requests()); n != 0 {
		t.Errorf("%d requests reached the cluster", n)
	}
	if a := r.do(admin, "GET", "/clusters/local/api/v1/namespaces/demo/pods/a/log", nil, func(q *http.Request) { q.Header.Set("Sec-Fetch-Dest", "empty") }); a.status != 200 {
		t.Errorf("fetch: %d", a.status)
	}
}

func TestClientsCannotSayWhoTheyAre(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") })
	r := startWith(t, u, nil)
	r.do(r.admin(), "GET", "/clusters/local/api/v1/namespaces/demo/pods/a", nil, func(q *http.Request) {
		q.Header.Set("Impersonate-User", "system:admin")
		q.Header["Impersonate-Group"] = []string{"system:masters"}
		q.Header["impersonate-group"] = []string{"system:masters"}
		q.Header.Set("Impersonate-Extra-Scopes", "x")
		q.Header.Set("X-Remote-User", "root")
		q.Header.Set("X-Forwarded-For", "10.0.0.1")
	})
	seen := u.requests()
	if len(seen) != 1 {
		t.Fatalf("%d requests", len(seen))
	}
	h := seen[0].Header
	if h.Get("Impersonate-User") != "atoll:admin" || strings.Contains(fmt.Sprint(h), "system:") || h.Get("X-Remote-User") != "" || h.Get("X-Forwarded-For") != "" || h.Get("Impersonate-Extra-Scopes") != "" {
		t.Errorf("%v", h)
	}
}

// endless writes lines until the request is over, and tells when.
func endless(over chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		line := strings.Repeat("x", 1023) + "\n"
		w.Header().Set("Content-Type", "text/plain")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, line); err != nil {
				break
			}
			_ = http.NewResponseController(w).Flush()
		}
		over <- struct{}{}
	}
}

const logPath = "/clusters/local/api/v1/namespaces/demo/pods/a/log?follow=true"

func TestCancelledRequestEndsTheClusters(t *testing.T) {
	over := make(chan struct{}, 1)
	r := startWith(t, newUpstream(t, endless(over)), nil)
	req := r.request(r.admin(), "GET", logPath, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	res, err := plainClient.Do(req.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	cancel()
	waitFor(t, over, "the cluster's request ends")
	eventually(t, "nothing is in flight", func() bool { return r.proxy.InFlight() == 0 && r.live.count() == 0 })
}

func TestSigningOutEndsWhatIsFollowed(t *testing.T) {
	over := make(chan struct{}, 2)
	r := startWith(t, newUpstream(t, endless(over)), nil)
	for _, way := range []struct {
		name  string
		leave func(*browser)
	}{
		{"sign out", func(b *browser) { b.must("DELETE", "/api/v1/sessions/current", nil, 204) }},
		{"a new password", func(*browser) {
			r.admin().must("POST", "/api/v1/users/me:changePassword", map[string]any{"current": adminPassword, "next": "another password"}, 204)
		}},
	} {
		name := way.name
		b := r.admin()
		res, err := plainClient.Do(r.request(b, "GET", logPath, nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		watch, err := plainClient.Do(r.request(b, "GET", "/api/v1/clusters?watch=true", nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		way.leave(b)
		waitFor(t, over, name+" ends the cluster's request")
		if _, err := io.Copy(io.Discard, res.Body); err == nil && res.ContentLength >= 0 {
			t.Errorf("%s: the log ended as if it were whole", name)
		}
		_, _ = io.Copy(io.Discard, watch.Body) // ends
		res.Body.Close()
		watch.Body.Close()
		b.must("GET", "/api/v1/users/me", nil, 401)
	}
}

func waitFor(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(2 * time.Minute):
		t.Fatalf("did not happen: %s", what)
	}
}

func TestStopDrainsWhatIsShortAndEndsWhatIsFollowed(t *testing.T) {
	over, entered, release := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, "/log") {
			endless(over)(w, q)
			return
		}
		close(entered)
		<-release
		fmt.Fprint(w, `{"whole":true}`)
	}), nil)
	admin := r.admin()
	followed, err := plainClient.Do(r.request(admin, "GET", logPath, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer followed.Body.Close()
	short := make(chan answer, 1)
	go func() { short <- admin.do("GET", "/clusters/local/api/v1/namespaces/demo/pods/a", nil) }()
	waitFor(t, entered, "the short request is under way")
	r.cancel()
	waitFor(t, over, "what is followed ends")
	close(release)
	if a := <-short; a.status != 200 || string(a.body) != `{"whole":true}` {
		t.Errorf("the short request: %d %s", a.status, a.body)
	}
	r.stopAndWait()
}
