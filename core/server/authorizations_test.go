// Tokens that a person confirms in a browser, from outside: who may, what of it is
// kept, and what other people's pages can do about it.

package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	loopback      = "http://127.0.0.1:43211/"
	loopbackState = "jfkr0u1UuKiXEAtVxSnIJQ"
	codeVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// asked is what a program asks for, with changes.
func asked(changes map[string]any) map[string]any {
	hash := sha256.Sum256([]byte(codeVerifier))
	body := map[string]any{
		"name": "atoll login on laptop", "redirectURI": loopback, "state": loopbackState, "codeChallenge": base64.RawURLEncoding.EncodeToString(hash[:]),
	}
	for key, value := range changes {
		body[key] = value
	}
	return body
}

// authorize confirms, and gives the code that the program gets.
func (b *browser) authorize(changes map[string]any) string {
	b.r.t.Helper()
	var to struct{ RedirectURL string }
	b.must(http.MethodPost, "/api/v1/tokens:authorize", asked(changes), http.StatusOK).json(&to)
	u, err := url.Parse(to.RedirectURL)
	if err != nil || !strings.HasPrefix(to.RedirectURL, loopback+"?") || len(u.Query()) != 2 || u.Query().Get("state") != loopbackState {
		b.r.t.Fatalf("the browser goes to %q", to.RedirectURL)
	}
	return u.Query().Get("code")
}

// exchange is the program's.
func (r *running) exchange(code string, changes map[string]any) answer {
	r.t.Helper()
	body := map[string]any{"code": code, "codeVerifier": codeVerifier, "redirectURI": loopback}
	for key, value := range changes {
		body[key] = value
	}
	return r.do(nil, http.MethodPost, "/api/v1/tokens:exchange", body, nil)
}

func TestProgramIsSignedInByABrowser(t *testing.T) {
	r := start(t, nil)
	jane := r.admin().user("jane")
	code := jane.authorize(map[string]any{"readOnly": true, "expiresIn": "2h"})
	a := r.exchange(code, nil)
	var made struct {
		ID, Name, Token, User string
		ReadOnly              bool
	}
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a.json(&made); made.User != "jane" || made.Name != "atoll login on laptop" || !made.ReadOnly {
		t.Errorf("got %s", a.body)
	}
	(&browser{r: r, token: made.Token}).must(http.MethodGet, "/api/v1/users/me", nil, http.StatusOK)
	if a := r.exchange(code, nil); a.status != http.StatusUnauthorized {
		t.Errorf("the same again: %d %s", a.status, a.body)
	}
	var declined struct{ RedirectURL string }
	jane.must(http.MethodPost, "/api/v1/tokens:decline", map[string]any{"redirectURI": loopback, "state": loopbackState}, http.StatusOK).json(&declined)
	if declined.RedirectURL != loopback+"?error=access_denied&state="+loopbackState {
		t.Errorf("declined: %+v", declined)
	}
	r.stopAndWait()
	log := readAll(t, r.dir+"/audit")
	for _, want := range []string{`"verb":"authorize","target":"/api/v1/tokens:authorize/atoll login on laptop"`, `"verb":"exchange","target":"/api/v1/tokens:exchange/atoll login on laptop"`, `"verb":"decline"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit lacks %s: %s", want, log)
		}
	}
	if strings.Count(log, `"user":"jane"`) < 4 {
		t.Errorf("the audit does not say who: %s", log)
	}
	_, secret, _ := strings.Cut(strings.TrimPrefix(made.Token, "atoll_"), "_")
	for _, hidden := range []string{code, codeVerifier, loopbackState, secret} {
		if len(hidden) < 20 || strings.Contains(log+r.log.String(), hidden) {
			t.Errorf("the log or the audit holds %q", hidden)
		}
	}
}

func TestCodeOfATokenIsRefused(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	jane := admin.user("jane")
	for name, changes := range map[string]map[string]any{
		"another verifier": {"codeVerifier": strings.Repeat("a", 43)},
		"another address":  {"redirectURI": "http://127.0.0.1:43212/"},
		"another code":     {"code": strings.Repeat("A", 43)},
	} {
		code := jane.authorize(nil)
		if a := r.exchange(code, changes); a.status != http.StatusUnauthorized || strings.Contains(string(a.body), "atoll_") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if a := r.exchange(code, nil); name != "another code" && a.status != http.StatusUnauthorized {
			t.Errorf("after %s: %d %s", name, a.status, a.body)
		}
	}
	code := jane.authorize(nil)
	jane.must(http.MethodDelete, "/api/v1/sessions/current", nil, http.StatusNoContent)
	if a := r.exchange(code, nil); a.status != http.StatusUnauthorized {
		t.Errorf("the session is over: %d %s", a.status, a.body)
	}
	if a := r.exchange(admin.authorize(nil), map[string]any{"codeVerifier": "short"}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a short verifier: %d %s", a.status, a.body)
	}
}

func TestTokenIsConfirmedByItsPersonOnly(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	jane := admin.user("jane")
	admin.must(http.MethodPost, "/api/v1/users", map[string]any{"name": "new", "password": "first password"}, http.StatusCreated)
	for _, path := range []string{"/api/v1/tokens:authorize", "/api/v1/tokens:decline"} {
		body := asked(nil)
		if path == "/api/v1/tokens:decline" {
			body = map[string]any{"redirectURI": loopback, "state": loopbackState}
		}
		for name, who := range map[string]*browser{
			"a token":                       jane.newToken(),
			"another session's CSRF token":  {r: r, cookie: jane.cookie, csrf: admin.csrf},
			"no CSRF token":                 {r: r, cookie: jane.cookie},
			"who has not chosen a password": r.signIn("new", "first password"),
		} {
			if a := who.do(http.MethodPost, path, body); a.status != http.StatusForbidden || strings.Contains(string(a.body), "redirectURL") {
				t.Errorf("%s by %s: %d %s", path, name, a.status, a.body)
			}
		}
		if a := r.do(&browser{r: r}, http.MethodPost, path, body, nil); a.status != http.StatusUnauthorized {
			t.Errorf("%s by nobody: %d %s", path, a.status, a.body)
		}
		for name, change := range map[string]func(*http.Request){
			"another origin's page": func(q *http.Request) { q.Header.Set("Origin", "http://evil.example") },
			"a page without origin": func(q *http.Request) { q.Header.Del("Origin") },
			"the program's page":    func(q *http.Request) { q.Header.Set("Origin", "http://127.0.0.1:43211") },
			"a form":                func(q *http.Request) { q.Header.Set("Sec-Fetch-Site", "cross-site"); q.Header.Del("Origin") },
		} {
			if a := r.do(jane, http.MethodPost, path, body, change); a.status != http.StatusForbidden {
				t.Errorf("%s by %s: %d %s", path, name, a.status, a.body)
			}
		}
		if a := jane.do(http.MethodGet, path, nil); a.status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, a.status)
		}
		body["redirectURI"] = "http://evil.example/"
		if a := jane.do(http.MethodPost, path, body); a.status != http.StatusUnprocessableEntity || strings.Contains(string(a.body), "evil.example") {
			t.Errorf("%s elsewhere: %d %s", path, a.status, a.body)
		}
	}
}
