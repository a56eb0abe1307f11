// A browser's way through an OpenID provider's page, with a provider that the
// test is.

package server

import (
	"crypto/tls"
	"encoding/pem"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/identity/providers/oidc/oidctest"
)

// ssoConfig is a provider of ours that asks one of the tests'.
func ssoConfig(t *testing.T, name string, fake *oidctest.Provider) Provider {
	t.Helper()
	dir := t.TempDir()
	secret, ca := filepath.Join(dir, "secret"), filepath.Join(dir, "ca.crt")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: fake.Certificate.Raw})
	for file, text := range map[string][]byte{secret: []byte(oidctest.ClientSecret), ca: certificate} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Provider{Name: name, Title: "Single sign-on", Create: true, OIDC: &OIDC{Issuer: fake.URL, ClientID: oidctest.ClientID, ClientSecretFile: secret, CAFile: ca, GroupsClaim: "groups"}}
}

// follow asks as a browser does that was sent from elsewhere.
func (r *running) follow(path, cookie string) answer {
	r.t.Helper()
	return r.do(&browser{r: r}, "GET", path, nil, func(q *http.Request) {
		q.Header.Del("Origin")
		q.Header.Set("Sec-Fetch-Site", "cross-site")
		q.Header.Set("Sec-Fetch-Mode", "navigate")
		q.Header.Set("Sec-Fetch-Dest", "document")
		q.Header.Set("Accept", "text/html,application/xhtml+xml")
		if cookie != "" {
			q.Header.Set("Cookie", cookie)
		}
	})
}

// away begins a sign-in and visits the provider's page: what the browser comes
// back with, and the cookie it has.
func (r *running) away(fake *oidctest.Provider, provider, next string, more ...string) (path, cookie string) {
	r.t.Helper()
	a := r.follow("/auth/oidc/"+provider+"/start?next="+url.QueryEscape(next)+"&"+strings.Join(more, "&"), "")
	if a.status != http.StatusSeeOther {
		r.t.Fatalf("%d %s", a.status, a.body)
	}
	set := a.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/auth/oidc/" + provider + "/callback"} {
		if !strings.Contains(set, want) {
			r.t.Errorf("the cookie %q lacks %s", set, want)
		}
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: fake.Roots}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, CheckRedirect: plainClient.CheckRedirect}).Get(a.header.Get("Location"))
	if err != nil {
		r.t.Fatal(err)
	}
	res.Body.Close()
	path, ok := strings.CutPrefix(res.Header.Get("Location"), r.url)
	if !ok {
		r.t.Fatalf("%d, back to %q", res.StatusCode, res.Header.Get("Location"))
	}
	cookie, _, _ = strings.Cut(set, ";")
	return path, cookie
}

var refresh = regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=([^"]+)">`)

func TestBrowserSignsInAtAProvidersPage(t *testing.T) {
	fake := oidctest.New(t)
	fake.Document = func(d map[string]any) { d["end_session_endpoint"] = fake.URL + "/out" }
	fake.Claims = map[string]any{"sub": "1", "preferred_username": "jane", "name": "Jane Doe", "groups": []string{"their developers", "system:masters"}}
	r := start(t, func(c *Config) {
		c.Identity.RequireSecondFactor = "all"
		c.Identity.Providers = []Provider{directoryConfig(t), ssoConfig(t, "sso", fake)}
	})
	if a := r.do(nil, "GET", "/api/v1/providers", nil, nil); !strings.Contains(string(a.body), `{"name":"sso","title":"Single sign-on","kind":"oidc","startPath":"/auth/oidc/sso/start"}`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	path, cookie := r.away(fake, "sso", "/workspaces?sort=name&x='1'")
	a := r.follow(path, cookie)
	if a.status != 200 || !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") || a.header.Get("Cache-Control") != "no-store" || strings.Contains(string(a.body), "<script") {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	if on := refresh.FindSubmatch(a.body); on == nil || html.UnescapeString(string(on[1])) != "/workspaces?sort=name&x='1'" {
		t.Errorf("it goes on by %s", a.body)
	}
	session, gone := "", false
	for _, set := range a.header.Values("Set-Cookie") {
		if strings.HasPrefix(set, "atoll_session=") && strings.Contains(set, "SameSite=Strict") && strings.Contains(set, "HttpOnly") {
			session, _, _ = strings.Cut(set, ";")
		}
		gone = gone || strings.HasPrefix(set, "atoll_signin=;") && strings.Contains(set, "Max-Age=0")
	}
	if session == "" || !gone {
		t.Fatalf("cookies %q", a.header.Values("Set-Cookie"))
	}
	jane := &browser{r: r, cookie: session}
	var me struct {
		Name, DisplayName, Provider string
		Groups, PlatformRoles       []string
	}
	jane.must("GET", "/api/v1/users/me", nil, 200).json(&me)
	if me.Name != "jane" || me.DisplayName != "Jane Doe" || me.Provider != "sso" || len(me.Groups)+len(me.PlatformRoles) != 0 {
		t.Errorf("got %+v", me)
	}
	var current struct{ ProviderSignOutURL string }
	jane.must("GET", "/api/v1/sessions/current", nil, 200).json(&current)
	if current.ProviderSignOutURL != fake.URL+"/out?client_id=atoll" {
		t.Errorf("one signs out there at %q", current.ProviderSignOutURL)
	}
	if a := r.follow(path, cookie); a.status != 409 || !strings.Contains(string(a.body), "Not signed in") || a.header.Get("Set-Cookie") != "" {
		t.Errorf("the same again: %d %s", a.status, a.body)
	}
	r.stopAndWait()
	log := readAll(t, r.dir+"/audit")
	if !strings.Contains(log, `"user":"jane"`) || !strings.Contains(log, `"verb":"create","target":"/auth/oidc/sso/callback"`) {
		t.Errorf("the audit log: %s", log)
	}
	back, _ := url.Parse(path)
	for _, secret := range []string{back.Query().Get("code"), back.Query().Get("state"), strings.TrimPrefix(cookie, "atoll_signin="), strings.TrimPrefix(session, "atoll_session="), oidctest.ClientSecret} {
		if len(secret) < 20 || strings.Contains(log+r.log.String(), secret) {
			t.Errorf("the log or the audit holds %q", secret)
		}
	}
}

func TestGroupsOfAProviderCountWhereAtollHasOne(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = map[string]any{"sub": "1", "preferred_username": "jane", "groups": []string{"their developers", "admins"}}
	r := start(t, func(c *Config) { c.Identity.Providers = []Provider{directoryConfig(t), ssoConfig(t, "sso", fake)} })
	admin := r.admin()
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "developers", "origin": "sso", "externalID": "their developers"}, 201)
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "admins"}, 201)
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "corp-admins", "origin": "corp", "externalID": "admins"}, 201)
	if a := r.follow(r.away(fake, "sso", "/")); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var jane struct{ Groups []string }
	admin.must("GET", "/api/v1/users/jane", nil, 200).json(&jane)
	if len(jane.Groups) != 1 || jane.Groups[0] != "developers" {
		t.Errorf("got %v", jane.Groups)
	}
}

func TestBrowserComesBackToItsOwnSignInOnly(t *testing.T) {
	fake, other := oidctest.New(t), oidctest.New(t)
	fake.Claims = map[string]any{"sub": "1", "preferred_username": "jane"}
	other.Claims = fake.Claims
	r := start(t, func(c *Config) {
		c.Identity.Providers = []Provider{ssoConfig(t, "sso", fake), ssoConfig(t, "other", other)}
	})
	path, cookie := r.away(fake, "sso", "/")
	theirs, theirCookie := r.away(fake, "sso", "/")
	mixed, mixedCookie := r.away(other, "other", "/")
	for name, a := range map[string]answer{
		"without a cookie":         r.follow(path, ""),
		"another's cookie":         r.follow(path, theirCookie),
		"two cookies":              r.follow(path, theirCookie+"; "+cookie),
		"another provider's path":  r.follow(strings.Replace(mixed, "/other/", "/sso/", 1), mixedCookie),
		"a provider there is not":  r.follow(strings.Replace(path, "/sso/", "/none/", 1), cookie),
		"nothing":                  r.follow("/auth/oidc/sso/callback", cookie),
		"an error with a text":     r.follow("/auth/oidc/sso/callback?error=access_denied&error_description=%3Cscript%3Ecall%20555%3C%2Fscript%3E", cookie),
		"a code of another way in": r.follow(strings.Replace(path, "code=", "code=x", 1), theirCookie),
	} {
		if a.status < 400 || a.status >= 500 || a.header.Get("Set-Cookie") != "" || strings.Contains(string(a.body), "call 555") || !strings.Contains(string(a.body), "Back to signing in") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := r.follow(path, cookie); a.status != 200 {
		t.Errorf("its own: %d %s", a.status, a.body)
	}
	// A script of another page cannot come back for somebody.
	a := r.do(&browser{r: r}, "GET", theirs, nil, func(q *http.Request) {
		q.Header.Del("Origin")
		q.Header.Set("Cookie", theirCookie)
		q.Header.Set("Sec-Fetch-Site", "cross-site")
		q.Header.Set("Sec-Fetch-Mode", "cors")
	})
	if a.status != 403 {
		t.Errorf("a script: %d", a.status)
	}
	if a := r.do(&browser{r: r}, "POST", theirs, map[string]any{}, nil); a.status != 405 {
		t.Errorf("by POST: %d", a.status)
	}
}

func TestNamesThatAreNobodysAreToldToThePerson(t *testing.T) {
	for name, status := range map[string]int{"system:masters": 422, "system:kube-controller-manager": 422, adminName: 409} {
		fake := oidctest.New(t)
		fake.Claims = map[string]any{"sub": "1", "preferred_username": name}
		r := start(t, func(c *Config) { c.Identity.Providers = []Provider{ssoConfig(t, "sso", fake)} })
		if a := r.follow(r.away(fake, "sso", "/")); a.status != status || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		r.admin()
		r.stopAndWait()
	}
}

func TestSignInGoesOnWithinTheConsoleOnly(t *testing.T) {
	for next, want := range map[string]bool{
		"/": true, "/workspaces/red?x=1#y": true, "/a%20b": true, "/clustersx": true,
		"": false, "workspaces": false, "//evil.example.com": false, "///evil.example.com": false, "/\\evil.example.com": false, "\\\\evil": false, "/a\\b": false,
		"https://evil.example.com": false, "http:/evil": false, "javascript:alert(1)": false, "/\tevil": false, "/\n/evil": false, " /": false, "/ /evil": false,
		"/%2f/evil.example.com": false, "/%5cevil.example.com": false, "/%zz": false, "/\x00": false, "/" + strings.Repeat("a", 3000): false,
		"/api/v1/users": false, "/x/hello": false, "/clusters/local": false, "/metrics": false, "/auth/oidc/sso/start": false,
	} {
		if got := ownPlace(next); got != want {
			t.Errorf("%q: %t", next, got)
		}
	}
	fake := oidctest.New(t)
	r := start(t, func(c *Config) { c.Identity.Providers = []Provider{ssoConfig(t, "sso", fake)} })
	if a := r.follow("/auth/oidc/sso/start?next=//evil.example.com", ""); a.status != 400 || a.header.Get("Set-Cookie")+a.header.Get("Location") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

func TestProviderThatIsDownIsToldAndAskedAgain(t *testing.T) {
	fake := oidctest.New(t)
	fake.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "a secret of the provider's", http.StatusInternalServerError)
		return true
	}
	r := start(t, func(c *Config) { c.Identity.Providers = []Provider{ssoConfig(t, "sso", fake)} })
	a := r.do(nil, "GET", "/auth/oidc/sso/start", nil, nil)
	if a.status != 503 || a.header.Get("Content-Type") != "application/problem+json" || a.header.Get("Retry-After") == "" || strings.Contains(string(a.body), "secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.do(nil, "GET", "/readyz", nil, nil); a.status != 200 {
		t.Errorf("readyz: %d", a.status)
	}
	r.admin()
	if !strings.Contains(r.log.String(), "an identity provider failed") {
		t.Error("nobody is told why")
	}
}

func TestOriginOfTheConfigurationIsWhatProvidersAreTold(t *testing.T) {
	fake := oidctest.New(t)
	r := start(t, func(c *Config) {
		c.Identity.Origin, c.Identity.Providers = "https://atoll.example.com", []Provider{ssoConfig(t, "sso", fake)}
	})
	a := r.follow("/auth/oidc/sso/start", "")
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || u.Query().Get("redirect_uri") != "https://atoll.example.com/auth/oidc/sso/callback" || !strings.Contains(a.header.Get("Set-Cookie"), "Secure") {
		t.Errorf("%d %v", a.status, a.header)
	}
	for _, origin := range []string{"atoll.example.com", "https://atoll.example.com/", "ftp://atoll.example.com", "https://", "https://a b"} {
		if _, err := (Identity{Origin: origin}).options(); err == nil {
			t.Errorf("%q is taken", origin)
		}
	}
}

func TestCookieBehindAProxyThatEndsTLSIsForTLS(t *testing.T) {
	r := start(t, func(c *Config) { c.Listen.Origins = []string{"https://atoll.example.com"} })
	for origin, secure := range map[string]bool{"https://atoll.example.com": true, r.url: false} {
		a := r.do(&browser{r: r}, "POST", "/api/v1/sessions", map[string]any{"username": adminName, "password": adminPassword}, func(q *http.Request) { q.Header.Set("Origin", origin) })
		if a.status != 201 || strings.Contains(a.header.Get("Set-Cookie"), "Secure") != secure {
			t.Errorf("%s: %d %q", origin, a.status, a.header.Get("Set-Cookie"))
		}
	}
}
