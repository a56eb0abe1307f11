// atoll.yaml: what is refused, and where it says so.

package server

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestExampleIsTheDefaults(t *testing.T) {
	c := DefaultConfig()
	if err := decodeConfig("atoll.example.yaml", []byte(ExampleConfig), &c); err != nil {
		t.Fatal(err)
	}
	if want := DefaultConfig(); !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant\n%+v", c, want)
	}
	// What is commented out is right too, once it is not.
	var lines []string
	for line := range strings.Lines(ExampleConfig) {
		if trimmed := strings.TrimPrefix(line, "# "); trimmed != line && (strings.Contains(trimmed, ":") && !strings.HasPrefix(trimmed, "atoll.yaml")) {
			line = "  " + trimmed
		}
		lines = append(lines, line)
	}
	text := strings.NewReplacer("clusters: []", "clusters:", "upstreams: []", "upstreams:", "providers: []", "providers:", "limits: {}", "limits:").Replace(strings.Join(lines, ""))
	if err := decodeConfig("uncommented", []byte(text), &c); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if c.Listen.TLS == nil || len(c.Clusters) != 1 || len(c.Upstreams) != 1 || len(c.Identity.Providers) != 2 || c.Identity.Providers[1].OIDC == nil || len(c.Identity.Providers[1].OIDC.EmailDomains) != 1 || c.Administrator.PasswordFile == "" || c.Sandbox.Limits.Sandbox().Memory != 256<<20 {
		t.Errorf("not all was read: %+v", c)
	}
}

func TestMistakesAreNamedWithLineAndPlace(t *testing.T) {
	for text, wants := range map[string][]string{
		"listen:\n  http: 127.0.0.1:1\n  htps: x\n":                           {":3:", "/listen/htps", "http, https"},
		"dataDir: a\nadministrators: {}\n":                                    {":2:", "/administrators", "administrator"},
		"clusters:\n- name: a\n  kubeconfig: a\n- name: B\n  kubeconfig: b\n": {":4:", "/clusters/1/name"},
		"clusters:\n- name: a\n":                                              {":2:", "/clusters/0", "kubeconfig"},
		"log:\n  level: loud\n":                                               {":2:", "/log/level", "debug"},
		"metrics:\n  openOnLoopback: yes please\n":                            {":2:", "/metrics/openOnLoopback", "boolean"},
		"sandbox:\n  limits: { memory: 5 }\n":                                 {":2:", "/sandbox/limits/memory", "string"},
		"sandbox:\n  inproces: true\n":                                        {":2:", "/sandbox/inproces", "inProcess"},
		"tenancy:\n  ingressNamespaces: [Ingress]\n":                          {":2:", "/tenancy/ingressNamespaces/0"},
		"tenancy:\n  ingressNamespaces: [a, a]\n":                             {":2:", "/tenancy/ingressNamespaces", "equal"},
		"listen:\n  https: 8343\n":                                            {":2:", "/listen/https", "string"},
		"listen:\n  http: a\n  http: b\n":                                     {":3:", "/listen/http", "twice"},
		"listen: &a\n  http: 127.0.0.1:1\nlog: *a\n":                          {":3:", "/log", "anchors"},
		"listen:\n\thttp: x\n":                                                {"line 2"},
		"- a\n":                                                               {":1:", "object"},
	} {
		c := DefaultConfig()
		err := decodeConfig("atoll.yaml", []byte(text), &c)
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%q was taken: %v", text, err)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v does not say %q", text, err, want)
			}
		}
	}
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:8380", ":8380", "[::]:8380", "192.0.2.1:8380", "example.com:80", "127.0.0.1"} {
		_, err := LoadConfig("", func(c *Config) { c.Listen.HTTP = address })
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "[::1]:8380", "localhost:8380", "127.1.2.3:80"} {
		if _, err := LoadConfig("", func(c *Config) { c.Listen.HTTP = address }); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"0.0.0.0:8343", ":8343", "[::]:1"} {
		if _, err := LoadConfig("", func(c *Config) { c.Listen.HTTPS = address }); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "listen.hosts") {
			t.Errorf("every address without a name, %s: %v", address, err)
		}
		if _, err := LoadConfig("", func(c *Config) { c.Listen.HTTPS, c.Listen.Hosts = address, []string{"atoll.example.com"} }); err != nil {
			t.Errorf("every address with a name, %s: %v", address, err)
		}
	}
}

func TestPathsBeginAtTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "atoll.yaml")
	if err := os.WriteFile(file, []byte("dataDir: data\nclusters: [{name: a, kubeconfig: k, statusFile: /s}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.DataDir != filepath.Join(dir, "data") || c.Clusters[0].Kubeconfig != filepath.Join(dir, "k") || c.Clusters[0].StatusFile != "/s" {
		t.Errorf("%+v", c)
	}
}

func TestPasswordFileIsItsOwnersAlone(t *testing.T) {
	c := testConfig(t, t.TempDir())
	if err := os.Chmod(c.Administrator.PasswordFile, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), c, Build{Shipped: fstest.MapFS{}}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a password that others may read: %v", err)
	}
	if err := os.Chmod(c.Administrator.PasswordFile, 0o600); err != nil {
		t.Fatal(err)
	}
	r := startConfig(t, c) // what the failed start had open is closed
	r.admin()
}

func TestFirstPasswordIsMadeOnce(t *testing.T) {
	c := testConfig(t, t.TempDir())
	c.Administrator.PasswordFile = ""
	r := startConfig(t, c)
	first := r.First()
	if first == nil || first.Name != "admin" || len(first.Password) < 16 {
		t.Fatalf("%+v", first)
	}
	b := r.signIn(first.Name, first.Password)
	b.must("GET", "/api/v1/users", nil, 403) // it has to be changed first
	r.stopAndWait()
	if strings.Contains(r.log.String(), first.Password) {
		t.Error("the log holds the first password")
	}
	if again := startConfig(t, c).First(); again != nil {
		t.Errorf("the second start made %+v", again)
	}
}

func TestTwoServersNeverShareAStore(t *testing.T) {
	dir := t.TempDir()
	c := testConfig(t, dir)
	startConfig(t, c)
	if _, err := New(t.Context(), c, Build{Shipped: fstest.MapFS{}}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
}
