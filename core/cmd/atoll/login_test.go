// Signing in and out: what is kept, for how long, and who may read it.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"go.yaml.in/yaml/v3"
)

func decodeYAML(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// tokens are the names of the tokens of whoever is signed in.
func (w *world) tokens() []string {
	w.t.Helper()
	var list struct{ Items []struct{ ID, Name string } }
	w.call(http.MethodGet, "/api/v1/tokens", nil, &list)
	var names []string
	for _, t := range list.Items {
		names = append(names, t.Name)
	}
	return names
}

func TestSignInIsKeptUntilSignOut(t *testing.T) {
	w := newWorld(t)
	if out := w.fails(exitUsage, "", "whoami"); !strings.Contains(out, "atoll login URL") {
		t.Errorf("nobody is signed in: %s", out)
	}
	out := w.must(adminPassword+"\n", "login", w.url, "-u", "admin", "--password-stdin")
	if !strings.Contains(out, "Signed in to "+w.url+" as admin, until ") {
		t.Errorf("got %s", out)
	}
	if out := w.must("", "whoami"); !strings.Contains(out, "admin") || !strings.Contains(out, w.url) || !strings.Contains(out, "platform-admin") || !strings.Contains(out, "signed in until") {
		t.Errorf("got %s", out)
	}
	info, err := os.Stat(w.file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(w.file)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder: %v %v", info.Mode(), err)
	}
	text, err := os.ReadFile(w.file)
	if err != nil || strings.Contains(string(text), adminPassword) {
		t.Errorf("the file holds the password: %v", err)
	}
	kept, err := readSignIns()
	if err != nil {
		t.Fatal(err)
	}
	s, ok := kept.find("")
	if left := time.Until(s.ExpiresAt); !ok || s.Name != "admin@"+strings.TrimPrefix(w.url, "http://") || s.Token == "" || s.TokenID == "" || left < 719*time.Hour || left > 721*time.Hour {
		t.Errorf("kept %+v", s)
	}
	w.admin() // again: the token before is revoked
	if names := w.tokens(); len(names) != 1 || !strings.HasPrefix(names[0], "atoll login on ") {
		t.Errorf("the tokens are %q", names)
	}
	if err := whoIs(t, s); exitCode(err) != exitSignedOut {
		t.Errorf("the token of the sign-in before: %v", err)
	}
	var sessions struct{ Total int }
	w.call(http.MethodGet, "/api/v1/sessions", nil, &sessions)
	if sessions.Total != 0 {
		t.Errorf("%d sessions are left open", sessions.Total)
	}
	kept, err = readSignIns()
	if err != nil {
		t.Fatal(err)
	}
	s, _ = kept.find("")
	if out := w.must("", "logout"); !strings.Contains(out, "Signed out of "+w.url+" as admin.") {
		t.Errorf("got %s", out)
	}
	if err := whoIs(t, s); exitCode(err) != exitSignedOut {
		t.Errorf("after signing out: %v", err)
	}
	w.fails(exitUsage, "", "logout")
	w.fails(exitUsage, "", "whoami")
}

// whoIs asks who a sign-in is.
func whoIs(t *testing.T, s signIn) error {
	t.Helper()
	api, err := endpoint{server: s.Server, token: s.Token}.client()
	if err != nil {
		t.Fatal(err)
	}
	return api.call(t.Context(), http.MethodGet, "/api/v1/users/me", nil, nil)
}

func TestSigningInFailsClearly(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		code int
		in   string
		args []string
		want string
	}{
		{exitSignedOut, "wrong\n", []string{w.url, "-u", "admin", "--password-stdin"}, "401"},
		{exitUsage, "", []string{w.url, "-u", "admin", "--password-stdin"}, "no line with Password"},
		{exitUsage, "", []string{w.url, "-u", "admin"}, "--password-stdin"},
		{exitUsage, "x\n", []string{w.url, "--password-stdin"}, "--user"},
		{exitUsage, "x\n", []string{"http://atoll.example.com", "-u", "admin", "--password-stdin"}, "not encrypted"},
		{exitUsage, "x\n", []string{"atoll.example.com", "-u", "admin", "--password-stdin"}, "no address"},
		{exitUnavailable, "x\n", []string{"http://127.0.0.1:1", "-u", "admin", "--password-stdin"}, "no Atoll answers"},
		{exitSignedOut, "atoll_x\n", []string{w.url, "--token-stdin"}, "401"},
		{exitUsage, "x\n", []string{w.url, "--token-stdin", "-u", "admin"}, "none of the others can be"},
		{exitUsage, "x\n", nil, "accepts 1 arg"},
		{exitUsage, "x\n", []string{w.url, "--passwd"}, "unknown flag"},
		{exitNotFound, adminPassword + "\n", []string{w.url, "-u", "admin", "--password-stdin", "--provider", "corp"}, "404"},
		{exitConflict, adminPassword + "\n", []string{w.url, "-u", "admin", "--password-stdin", "--expires-in", "99999h"}, "token"},
	} {
		if out := w.fails(test.code, test.in, append([]string{"login"}, test.args...)...); !strings.Contains(out, test.want) {
			t.Errorf("%q: %q, want %q in it", test.args, out, test.want)
		}
	}
	if _, err := os.Stat(w.file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was kept: %v", err)
	}
}

func TestTokenFromStandardInputIsNotRevoked(t *testing.T) {
	w := newWorld(t)
	w.admin()
	var made struct{ Token string }
	w.call(http.MethodPost, "/api/v1/tokens", map[string]any{"name": "mine", "readOnly": true}, &made)
	if out := w.must(made.Token+"\n", "login", w.url, "--token-stdin", "--context", "reader"); !strings.Contains(out, "as admin.") {
		t.Errorf("got %s", out)
	}
	if out := w.must("", "context"); !strings.Contains(out, "*         reader") || strings.Contains(out, made.Token) {
		t.Errorf("got %s", out)
	}
	if out := w.must("", "logout"); !strings.Contains(out, "stays good") {
		t.Errorf("got %s", out)
	}
	if err := whoIs(t, signIn{Server: w.url, Token: made.Token}); err != nil {
		t.Error(err)
	}
	out := w.fails(exitUsage, "", "whoami")
	if !strings.Contains(out, "not signed in") {
		t.Errorf("the current context is gone, and another one counts instead: %s", out)
	}
	w.must("", "context", "admin@"+strings.TrimPrefix(w.url, "http://"))
	w.must("", "whoami")
	if out := w.fails(exitUsage, "", "context", "nobody"); !strings.Contains(out, "there are: admin@") {
		t.Errorf("got %s", out)
	}
}

func TestCodeOfTheSecondFactorIsAskedFor(t *testing.T) {
	w := newWorld(t)
	api, err := endpoint{server: w.url}.client()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.begin(t.Context(), signInBody{Username: "admin", Password: adminPassword}); err != nil {
		t.Fatal(err)
	}
	var e struct{ Secret string }
	if err := api.call(t.Context(), http.MethodPost, "/api/v1/users/me/second-factor", map[string]any{"password": adminPassword}, &e); err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(e.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ RecoveryCodes []string }
	if err := api.call(t.Context(), http.MethodPost, "/api/v1/users/me/second-factor:confirm", map[string]any{"code": code}, &made); err != nil {
		t.Fatal(err)
	}
	login := []string{"login", w.url, "-u", "admin", "--password-stdin"}
	if out := w.fails(exitUsage, adminPassword+"\n", login...); !strings.Contains(out, "no line with Code") {
		t.Errorf("got %s", out)
	}
	w.fails(exitSignedOut, adminPassword+"\n000000\n", login...)
	w.must(adminPassword+"\n"+made.RecoveryCodes[0]+"\n", login...)
	w.must("", "whoami")
}

func TestPasswordOfTheFirstSignInIsNotKept(t *testing.T) {
	w := newWorld(t)
	w.admin()
	w.call(http.MethodPost, "/api/v1/users", map[string]any{"name": "jane", "password": adminPassword}, nil)
	if out := w.fails(exitDenied, adminPassword+"\n", "login", w.url, "-u", "jane", "--password-stdin"); !strings.Contains(out, "has to be changed") {
		t.Errorf("got %s", out)
	}
}

func TestAuthorityIsKeptWithTheSignIn(t *testing.T) {
	w := newWorld(t)
	w.admin()
	url, caFile := w.secure()
	if out := w.fails(exitUnavailable, adminPassword+"\n", "login", url, "-u", "admin", "--password-stdin"); !strings.Contains(out, "--ca-file") {
		t.Errorf("an authority that nobody knows: %s", out)
	}
	w.must(adminPassword+"\n", "login", url, "-u", "admin", "--password-stdin", "--ca-file", caFile)
	if err := os.Remove(caFile); err != nil {
		t.Fatal(err)
	}
	if out := w.must("", "whoami"); !strings.Contains(out, url) {
		t.Errorf("got %s", out)
	}
	other := filepath.Join(t.TempDir(), "none.pem")
	if err := os.WriteFile(other, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := w.fails(exitFailed, "", "whoami", "--ca-file", other); !strings.Contains(out, "holds no certificate") {
		t.Errorf("got %s", out)
	}
	w.must("", "logout")
}

func TestSignInsAreForTheirServerAlone(t *testing.T) {
	w := newWorld(t)
	w.admin()
	var asked []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.Header.Get("Authorization")) }))
	defer other.Close()
	name := "admin@" + strings.TrimPrefix(w.url, "http://")
	if out := w.fails(exitUsage, "", "whoami", "--server", other.URL); !strings.Contains(out, "as whom?") {
		t.Errorf("got %s", out)
	}
	if out := w.fails(exitUsage, "", "whoami", "--server", other.URL, "--context", name); !strings.Contains(out, "goes nowhere else") {
		t.Errorf("got %s", out)
	}
	if len(asked) > 0 {
		t.Errorf("another server was sent %q", asked)
	}
	w.must("", "whoami", "--server", w.url)
	w.must("", "whoami", "--context", name)
	t.Setenv("ATOLL_TOKEN", "atoll_wrong")
	w.fails(exitUsage, "", "whoami")                        // a token without its server
	w.fails(exitSignedOut, "", "whoami", "--server", w.url) // and it wins over the sign-in
}

func TestPasswordOfARunFileIsForItsServerAlone(t *testing.T) {
	w := newWorld(t)
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer other.Close()
	file := w.document(fmt.Sprintf(`{"url": %q, "username": "admin", "password": %q}`, w.url, adminPassword))
	t.Setenv("ATOLL_SERVER", other.URL)
	if out := w.must("", "whoami", "--run-file", file); !strings.Contains(out, w.url) || asked > 0 {
		t.Errorf("another server was asked %d times: %s", asked, out)
	}
}

func TestFileOfSignInsThatIsNotRight(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	atHome(t, file)
	good := "apiVersion: atoll.dev/v1\nkind: Config\ncurrentContext: a\ncontexts:\n- {name: a, server: 'http://127.0.0.1:1', user: jane, token: t, expiresAt: 2001-01-01T00:00:00Z}\n"
	for _, test := range []struct {
		text string
		mode fs.FileMode
		code int
		want string
	}{
		{good, 0o600, exitSignedOut, "ended at 2001"},
		{good, 0o644, exitFailed, "chmod 600"},
		{good, 0o620, exitFailed, "chmod 600"},
		{strings.Replace(good, "v1", "v2", 1), 0o600, exitFailed, `"atoll.dev/v2"`},
		{strings.Replace(good, "currentContext", "current-context", 1), 0o600, exitFailed, "line 3"},
		{good + "contexts: []\n", 0o600, exitFailed, "already defined"},
		{"\x00", 0o600, exitFailed, "control characters"},
		{strings.Replace(good, "currentContext: a", "currentContext: b", 1), 0o600, exitUsage, "not signed in"},
		{strings.Replace(good, "http://127.0.0.1:1", "http://atoll.example.com", 1), 0o600, exitSignedOut, "ended"},
		{"# " + strings.Repeat("x", maxSignIns), 0o600, exitFailed, fmt.Sprint(maxSignIns)},
	} {
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, test.mode); err != nil {
			t.Fatal(err)
		}
		out, err := run(t, "", "whoami")
		if err == nil || exitCode(err) != test.code || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.80q: %d %v %s; want %d %q", test.text, exitCode(err), err, out, test.code, test.want)
		}
	}
}
