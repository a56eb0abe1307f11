// upstreams of atoll.yaml: what is read, and what is refused before anything starts.

package server

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestUpstreamsAreReadWithTheirSecrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("password", "a secret\n", 0o600)
	write("open", "a secret\n", 0o644)
	write("empty", "", 0o600)
	write("ca.crt", "no certificate", 0o644)
	load := func(upstream string) (Config, error) {
		write("atoll.yaml", "listen: {http: \"127.0.0.1:0\", https: \"\"}\ndataDir: data\nupstreams:\n- {extension: logging, name: store, url: \"https://store.example\""+upstream+"}\n", 0o600)
		return LoadConfig(filepath.Join(dir, "atoll.yaml"), nil)
	}
	c, err := load(", username: atoll, passwordFile: password, workspace: w1, allowAddresses: [10.0.0.0/8, \"127.0.0.1\", \"fd00::/8\"]")
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.bindings()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	b := all[0]
	if b.Extension != "logging" || b.Name != "store" || b.WorkspaceUID != "w1" || b.Username != "atoll" || b.Password != "a secret" || b.RootCAs != nil {
		t.Errorf("%s of %s for %s as %s", b.Name, b.Extension, b.WorkspaceUID, b.Username)
	}
	if len(b.AllowAddresses) != 3 || b.AllowAddresses[1].String() != "127.0.0.1/32" {
		t.Errorf("%v", b.AllowAddresses)
	}
	for upstream, want := range map[string]string{
		", username: atoll, passwordFile: open":  "/upstreams/0/passwordFile: others may read",
		", username: atoll, passwordFile: empty": "is empty",
		", tokenFile: none":                      "/upstreams/0/tokenFile",
		", caFile: ca.crt":                       "/upstreams/0/caFile",
		", allowAddresses: [store.example]":      "/upstreams/0/allowAddresses/0",
		", allowAddresses: [0.0.0.0/0]":          "too many to be meant",
		", username: atoll":                      "belong together",
		"}\n- {extension: logging, name: store, url: \"https://other.example\"": "bound twice",
	} {
		c, err := load(upstream)
		if err != nil {
			t.Fatalf("%s: %v", upstream, err)
		}
		_, err = New(t.Context(), c, Build{Shipped: fstest.MapFS{}}, slog.New(slog.DiscardHandler))
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "a secret") {
			t.Errorf("%s: %v", upstream, err)
		}
	}
	if _, err := load(", password: x"); err == nil || !strings.Contains(err.Error(), "atoll.yaml:4: /upstreams/0/password: it is not a key") {
		t.Errorf("a password in the file itself: %v", err)
	}
}
