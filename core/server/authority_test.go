// HTTPS by Atoll's own authority, and kubectl's way in.

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func TestAuthorityStaysAndItsKeyIsItsOwners(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "authority")
	made, err := openAuthority(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := openAuthority(dir)
	if err != nil || !again.cert.Equal(made.cert) {
		t.Fatalf("the second start has another authority: %v", err)
	}
	file := filepath.Join(dir, "authority.pem")
	for name, want := range map[string]os.FileMode{file: 0o600, dir: 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openAuthority(dir); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key that others may read: %v", err)
	}
	if err := os.WriteFile(file, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAuthority(dir); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a broken file: %v", err)
	}
}

func TestCertificateIsRenewedBeforeItEnds(t *testing.T) {
	a, err := openAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now, issued := time.Now(), 0
	var fail error
	c := &certificates{now: func() time.Time { return now }, issue: func() (*tls.Certificate, error) {
		if fail != nil {
			return nil, fail
		}
		issued++
		return a.issue([]string{"localhost", "127.0.0.1"})
	}}
	for _, step := range []struct {
		after time.Duration
		fail  error
		want  int
		ok    bool
	}{
		{0, nil, 1, true}, {time.Hour, nil, 1, true}, {leafLife - leafRenew - time.Hour, nil, 1, true},
		{leafLife - leafRenew + time.Hour, errors.New("no entropy"), 1, true}, // the old one is good yet
		{leafLife + time.Hour, errors.New("no entropy"), 1, false},
		{leafLife - leafRenew + time.Hour, nil, 2, true},
	} {
		start := time.Now()
		now, fail = start.Add(step.after), step.fail
		_, err := c.get(nil)
		if issued != step.want || (err == nil) != step.ok {
			t.Errorf("after %s: %d issued, %v", step.after, issued, err)
		}
	}
}

func TestKubeconfigLeadsThroughAtoll(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}`)
	})
	r := startWith(t, u, nil)
	admin := r.admin()
	var made struct{ Kubeconfig, TokenID string }
	admin.must("POST", "/api/v1/clusters/local/kubeconfigs", map[string]any{"expiresIn": "1h"}, 201).json(&made)
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(made.Kubeconfig))
	if err != nil {
		t.Fatalf("%v in\n%s", err, made.Kubeconfig)
	}
	if !strings.HasPrefix(config.Host, "https://127.0.0.1:") || !strings.HasSuffix(config.Host, "/clusters/local") {
		t.Errorf("server %s", config.Host)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() int {
		req, _ := http.NewRequestWithContext(context.Background(), "GET", config.Host+"/api/v1/namespaces/demo/pods/a", nil)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	if got := ask(); got != 200 {
		t.Fatalf("by the kubeconfig: %d", got)
	}
	if seen := u.requests(); seen[0].Header.Get("Impersonate-User") != "atoll:admin" {
		t.Errorf("the cluster saw %v", seen[0].Header)
	}
	admin.must("DELETE", "/api/v1/tokens/"+made.TokenID, nil, 204)
	if got := ask(); got != 401 {
		t.Errorf("after revoking: %d", got)
	}
	admin.must("POST", "/api/v1/clusters/none/kubeconfigs", map[string]any{}, 404)
}

func TestShortTokensAreForOneClustersKubernetesOnly(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") })
	r := startWith(t, u, nil)
	admin := r.admin()
	var at struct{ Server, CertificateAuthority string }
	admin.must("GET", "/api/v1/clusters/local/address", nil, 200).json(&at)
	if at.Server != r.KubeURL()+"/clusters/local" || at.CertificateAuthority != string(r.doors.authority) {
		t.Errorf("%+v", at)
	}
	var made struct {
		ID, Token, Kubernetes string
		ExpiresAt             time.Time
	}
	admin.must("POST", "/api/v1/clusters/local/tokens", map[string]any{}, 201).json(&made)
	if left := time.Until(made.ExpiresAt); made.Kubernetes != "local" || left <= 0 || left > time.Hour {
		t.Errorf("%+v", made)
	}
	short := &browser{r: r, token: made.Token}
	short.must("GET", "/clusters/local/api/v1/namespaces/demo/pods/a", nil, 200)
	for _, request := range []string{
		"GET /api/v1/users/me", "GET /api/v1/clusters/local", "POST /api/v1/tokens", "POST /api/v1/clusters/local/tokens", "POST /api/v1/clusters/local/kubeconfigs",
		"GET /x/none/y", "GET /clusters/other/api", "GET /clusters/local2/api", "GET /clusters/", "GET /clusters/local", "GET /metrics", "GET /api/v1/stream",
		"GET /clusters/loc%61l/api", "GET /api/v1/projects",
	} {
		method, path, _ := strings.Cut(request, " ")
		if a := short.do(method, path, nil); a.status != 403 || !strings.Contains(string(a.body), "nothing else") {
			t.Errorf("%s: %d %s", request, a.status, a.body)
		}
	}
	for _, path := range []string{"/clusters/local/../../api/v1/users", "/clusters/local/%2e%2e/other/api", "/clusters/local//../other/api"} {
		if status, body := rawGet(t, r, path, "Authorization: Bearer "+made.Token+"\r\n"); status < 400 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for expires, want := range map[string]int{"1h1s": 422, "24h": 422, "30m": 201} {
		admin.must("POST", "/api/v1/clusters/local/tokens", map[string]any{"expiresIn": expires}, want)
	}
	admin.must("POST", "/api/v1/clusters/none/tokens", map[string]any{}, 404)
	admin.must("GET", "/api/v1/clusters/none/address", nil, 404)
	admin.must("DELETE", "/api/v1/tokens/"+made.ID, nil, 204)
	short.must("GET", "/clusters/local/api", nil, 401)
}

func TestCookieIsSecureOverHTTPS(t *testing.T) {
	r := start(t, nil)
	req, _ := http.NewRequestWithContext(t.Context(), "POST", r.KubeURL()+"/api/v1/sessions", strings.NewReader(`{"username":"admin","password":"`+adminPassword+`"}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", r.KubeURL())
	res, err := r.secureClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	cookie := res.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie lacks %s: %s", want, cookie[strings.Index(cookie, ";"):])
		}
	}
}
