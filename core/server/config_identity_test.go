// Providers of atoll.yaml: what is refused, and what somebody without a
// directory learns.

package server

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// directoryConfig is a directory that nobody answers for.
func directoryConfig(t *testing.T) Provider {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Provider{Name: "corp", Create: true, LDAP: &LDAP{URL: "ldaps://127.0.0.1:1", BindDN: "cn=reader,dc=a", BindPasswordFile: file, UserBase: "dc=a"}}
}

func TestProvidersThatCannotBeAreNamed(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Provider){
		"/identity/providers/1/name":                  func(*Provider) {},
		"/identity/providers/1/ldap: ":                func(p *Provider) { p.Name, p.LDAP = "b", nil },
		"/identity/providers/1/ldap: url":             func(p *Provider) { p.Name, p.LDAP.URL = "b", "ldap://127.0.0.1" },
		"/identity/providers/1/ldap/bindPasswordFile": func(p *Provider) { p.Name, p.LDAP.BindPasswordFile = "b", open },
		"/identity/providers/1/ldap/caFile":           func(p *Provider) { p.Name, p.LDAP.CAFile = "b", open },
		"/identity/providers/1/oidc: there is ldap":   func(p *Provider) { p.Name, p.OIDC = "b", &OIDC{} },
		"/identity/providers/1/oidc: issuer": func(p *Provider) {
			p.Name, p.LDAP, p.OIDC = "b", nil, &OIDC{Issuer: "http://id.example.com", ClientID: "a"}
		},
		"/identity/providers/1/oidc/clientSecretFile": func(p *Provider) {
			p.Name, p.LDAP, p.OIDC = "b", nil, &OIDC{Issuer: "https://id.example.com", ClientID: "a", ClientSecretFile: open}
		},
		"/identity/providers/1/oidc/caFile": func(p *Provider) {
			p.Name, p.LDAP, p.OIDC = "b", nil, &OIDC{Issuer: "https://id.example.com", ClientID: "a", CAFile: open}
		},
	} {
		second := directoryConfig(t)
		change(&second)
		_, err := Identity{RequireSecondFactor: "none", Providers: []Provider{directoryConfig(t), second}}.options()
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestDirectoryThatDoesNotAnswerIsNoSecret(t *testing.T) {
	r := start(t, func(c *Config) { c.Identity.Providers = []Provider{directoryConfig(t)} })
	if a := r.do(nil, "GET", "/api/v1/providers", nil, nil); a.status != 200 || !strings.Contains(string(a.body), `{"name":"corp","title":"corp","kind":"ldap"}`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	try := func(provider string) answer {
		return r.do(&browser{r: r}, "POST", "/api/v1/sessions", map[string]any{"username": adminName, "password": adminPassword, "provider": provider}, nil)
	}
	if a := try("corp"); a.status != 503 || strings.Contains(string(a.body), "127.0.0.1") || strings.Contains(string(a.body), "refused") || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := try("none"); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.admin() // Atoll's own are not kept out by it
	if log := r.log.String(); !strings.Contains(log, "an identity provider failed") || strings.Contains(log, adminPassword) {
		t.Errorf("the log:\n%s", log)
	}
}
