// recover-admin and a running binary: refused while it runs, and afterwards the
// printed password is the one that counts.

package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAdministratorIsRecoveredWhileAtollIsStopped(t *testing.T) {
	dir := setUp(t)
	args := []string{"recover-admin", "--config", filepath.Join(dir, "atoll.yaml"), "--data-dir", filepath.Join(dir, "data")}
	if _, err := run(t, "", args...); err == nil || !strings.Contains(err.Error(), "no store") {
		t.Errorf("before there is a store: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("it has made a store")
	}
	p := launch(t, dir)
	token := p.newToken(t)
	if out, err := run(t, "", args...); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while it runs: %v %s", err, out)
	}
	p.newToken(t) // the password is the old one still
	p.kill(t)
	if _, err := run(t, "", append(args, "--user", "jane")...); err == nil || !strings.Contains(err.Error(), "here are admin") {
		t.Errorf("nobody: %v", err)
	}
	out, err := run(t, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`user +admin\n +password +(\S{20,})\n`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("it says %s", out)
	}
	p = launch(t, dir)
	defer p.kill(t)
	try := func(token, method, path string, in, into any) int {
		t.Helper()
		c, err := (&target{server: p.url, token: token}).connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = c.call(t.Context(), method, path, in, into)
		if refused := (*problem)(nil); errors.As(err, &refused) {
			return refused.Status
		}
		if err != nil {
			t.Fatal(err)
		}
		return http.StatusOK
	}
	if got := try(token, http.MethodGet, "/api/v1/users/me", nil, nil); got != http.StatusUnauthorized {
		t.Errorf("the token from before: %d", got)
	}
	var session struct {
		User struct{ MustChangePassword bool }
	}
	for password, want := range map[string]int{"correct horse battery": http.StatusUnauthorized, found[1]: http.StatusOK} {
		if got := try(token, http.MethodPost, "/api/v1/sessions", map[string]string{"username": "admin", "password": password}, &session); got != want {
			t.Errorf("signing in by %s: %d, want %d", password, got, want)
		}
	}
	if !session.User.MustChangePassword {
		t.Error("the password need not be changed")
	}
	segments, err := filepath.Glob(filepath.Join(dir, "data", "audit", "*"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	log := ""
	for _, name := range segments {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		log += string(text)
	}
	if !strings.Contains(log, `"verb":"recover","target":"/api/v1/users/admin"`) || strings.Contains(log, found[1]) {
		t.Errorf("the audit log: %s", log)
	}
}
