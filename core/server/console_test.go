// The console's files: under which policy, how long kept, and never instead of
// what is missing.

package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func testPages(t *testing.T) http.Handler {
	t.Helper()
	p, err := newPages(fstest.MapFS{
		"index.html": {Data: []byte("<!doctype html>the page")}, "mark.svg": {Data: []byte("<svg/>")},
		"assets/a-1.js": {Data: []byte("plain script")}, "assets/a-1.js.br": {Data: []byte("brotli")}, "assets/a.css": {Data: []byte("css")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return securityHeaders(p)
}

func get(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://atoll.example:8380"+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageHasItsPolicy(t *testing.T) {
	w := get(testPages(t), "GET", "/projects/local/demo", "Sec-Fetch-Mode", "navigate")
	want := "default-src 'none'; script-src http://atoll.example:8380/assets/; style-src http://atoll.example:8380/assets/; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; frame-src 'self'; worker-src http://atoll.example:8380/assets/; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("Content-Security-Policy\n%s\nwant\n%s", got, want)
	}
	if w.Code != 200 || !strings.Contains(w.Body.String(), "the page") || w.Header().Get("Cache-Control") != "no-cache" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestPageIsForPeopleWhoFollowALink(t *testing.T) {
	h := testPages(t)
	for path, headers := range map[string][]string{
		"/anything":              {"Sec-Fetch-Mode", "cors", "Accept", "text/html"},
		"/other":                 {"Accept", "application/json"},
		"/script.js":             {"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"},
		"/assets/missing.js":     {"Sec-Fetch-Mode", "navigate"},
		"/api/v2/users":          {"Sec-Fetch-Mode", "navigate"},
		"/x":                     {"Sec-Fetch-Mode", "navigate"},
		"/clusters":              {"Sec-Fetch-Mode", "navigate"},
		"/assets/a-1.js.br":      {"Sec-Fetch-Mode", "no-cors"},
		"/index.html":            {"Sec-Fetch-Mode", "no-cors"},
		"/assets/../index.html/": {},
	} {
		if w := get(h, "GET", path, headers...); w.Code != 404 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	for _, path := range []string{"/", "/workspaces", "/users/a.b"} {
		if w := get(h, "GET", path, "Accept", "text/html,*/*"); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(h, "POST", "/", "Accept", "text/html"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAssetsAreKeptAndComeInTheFormThatIsTaken(t *testing.T) {
	h := testPages(t)
	plain := get(h, "GET", "/assets/a-1.js", "Accept-Encoding", "gzip, br;q=0")
	small := get(h, "GET", "/assets/a-1.js", "Accept-Encoding", "gzip, deflate, br")
	if plain.Body.String() != "plain script" || plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("without Brotli: %s %v", plain.Body, plain.Header())
	}
	if small.Body.String() != "brotli" || small.Header().Get("Content-Encoding") != "br" || !strings.Contains(small.Header().Get("Content-Type"), "javascript") {
		t.Errorf("with Brotli: %s %v", small.Body, small.Header())
	}
	if plain.Header().Get("Etag") == small.Header().Get("Etag") || small.Header().Get("Vary") != "Accept-Encoding" {
		t.Error("caches cannot tell the two forms apart")
	}
	if got := small.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("Cache-Control %q", got)
	}
	if w := get(h, "GET", "/assets/a-1.js", "Accept-Encoding", "br", "If-None-Match", small.Header().Get("Etag")); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("known already: %d", w.Code)
	}
	if w := get(h, "HEAD", "/assets/a-1.js"); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "12" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
}
