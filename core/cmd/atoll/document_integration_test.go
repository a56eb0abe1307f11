//go:build integration

// The binary held to its own OpenAPI document by schemathesis, which makes
// requests of it by the thousand: no failure of Atoll's, and no answer that the
// document does not have. Its configuration says what is checked.

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// schemathesis is where the Makefile installs it, and its configuration.
const (
	schemathesis         = "../../../build/backends/schemathesis"
	schemathesisSettings = "../../../manifests/backends/schemathesis"
)

func TestIntegrationTheAPIIsWhatItsDocumentSays(t *testing.T) {
	program, err := filepath.Abs(filepath.Join(schemathesis, "bin", "schemathesis"))
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("schemathesis is not installed (make test-integration does it): %v", err)
	}
	settings, err := filepath.Abs(schemathesisSettings)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ who, role string }{{"an administrator", "platform-admin"}, {"a tenant", "workspace-admin"}} {
		t.Run(c.who, func(t *testing.T) {
			dir := setUp(t)
			withCluster(t, dir)
			p := launch(t, dir, "--log-level", "error")
			defer func() { p.kill(t) }()
			token := p.someone(t, c.role)
			cmd := exec.Command(program, "--config-file", filepath.Join(settings, "schemathesis.toml"), "run", p.url+"/openapi.json", "--no-color", "-H", "Authorization: Bearer "+token)
			cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "PYTHONPATH="+settings, "SCHEMATHESIS_HOOKS=hooks", "PYTHONDONTWRITEBYTECODE=1")
			out, err := cmd.CombinedOutput()
			report := string(out)
			if i := strings.Index(report, "= SUMMARY ="); err == nil && i >= 0 {
				report = report[i:]
			}
			t.Logf("as %s: %s", c.who, report)
			if err != nil {
				t.Errorf("%v; the server said:\n%s", err, p.log)
			}
			// Else what was asked last was asked as nobody.
			if status := p.ask(t, token, "GET", "/api/v1/users/me", nil, nil); status != http.StatusOK {
				t.Errorf("the run has ended its own token: it answers %d; what does so is to be named in schemathesis.toml", status)
			}
		})
	}
}

// withCluster adds a cluster whose API server has nothing.
func withCluster(t *testing.T, dir string) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/readyz":
			_, _ = io.WriteString(w, "ok")
		case "/version":
			_, _ = io.WriteString(w, `{"gitVersion":"v1.36.3"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
		}
	}))
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	kubeconfig := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"a","cluster":{"server":%q,"certificate-authority-data":%q}}],
		"users":[{"name":"a","user":{"token":"a"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}]}`, s.URL, base64.StdEncoding.EncodeToString(ca))
	if err := os.WriteFile(filepath.Join(dir, "kubeconfig"), []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "atoll.yaml"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("clusters: [{name: local, title: Local, kubeconfig: kubeconfig}]\n"); err != nil {
		t.Fatal(err)
	}
}

// someone is a token of a person with a role: on the platform, or in the
// workspace that the document's examples name, where there are a project, a robot
// and a group.
func (p *process) someone(t *testing.T, role string) string {
	t.Helper()
	const first, own = "a first password", "a second password"
	admin := p.newToken(t)
	must := func(method, path string, body, out any) {
		t.Helper()
		if status := p.ask(t, admin, method, path, body, out); status >= 300 {
			t.Fatalf("%s %s: %d", method, path, status)
		}
	}
	must("POST", "/api/v1/workspaces", map[string]any{"name": "demo"}, nil)
	must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "demo", "workspace": "demo"}, nil)
	must("POST", "/api/v1/workspaces/demo/robots", map[string]any{"name": "ci"}, nil)
	must("POST", "/api/v1/workspaces/demo/groups", map[string]any{"name": "developers"}, nil)
	user := map[string]any{"name": "sam", "password": first}
	if role == "platform-admin" {
		user["platformRoles"] = []string{role}
	}
	must("POST", "/api/v1/users", user, nil)
	if role != "platform-admin" {
		must("PUT", "/api/v1/workspaces/demo/members/sam", map[string]any{"role": role}, nil)
	}
	file := filepath.Join(t.TempDir(), "atoll.json")
	text, err := json.Marshal(map[string]string{"url": p.url, "username": "sam", "password": first})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := (&target{runFile: file}).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var made struct{ Token string }
	err = c.call(t.Context(), http.MethodPost, "/api/v1/users/me:changePassword", map[string]string{"current": first, "next": own}, nil)
	if err == nil {
		err = c.call(t.Context(), http.MethodPost, "/api/v1/tokens", map[string]string{"name": "schemathesis"}, &made)
	}
	if err != nil {
		t.Fatal(err)
	}
	return made.Token
}

// ask makes a request with a token.
func (p *process) ask(t *testing.T, token, method, path string, body, out any) (status int) {
	t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, in)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if out != nil {
		if err := json.NewDecoder(a.Body).Decode(out); err != nil {
			t.Fatal(err)
		}
	}
	return a.StatusCode
}
