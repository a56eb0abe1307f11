// A real server in this process, for the tests of the commands: a real store and
// real passwords; its cluster is one that nobody answers at.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/atoll-platform/atoll/core/server"
)

const (
	adminPassword = "correct horse battery"
	userPassword  = "another horse battery"
)

// world is a server, and a person at a command line who has signed in nowhere.
type world struct {
	t    *testing.T
	url  string
	file string // of sign-ins
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"password": adminPassword + "\n",
		"kubeconfig": `{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1"}}],` +
			`"users":[{"name":"a","user":{"token":"a"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := server.DefaultConfig()
	c.Listen.HTTP, c.Listen.HTTPS = "127.0.0.1:0", "127.0.0.1:0"
	c.DataDir = filepath.Join(dir, "data")
	c.Administrator.PasswordFile = filepath.Join(dir, "password")
	c.Clusters = []server.ClusterFile{{Name: "local", Title: "Local", Kubeconfig: filepath.Join(dir, "kubeconfig")}}
	c.Sandbox.InProcess = true
	s, err := server.New(t.Context(), c, server.Build{Version: version, Shipped: fstest.MapFS{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	w := &world{t: t, url: s.URL(), file: filepath.Join(dir, "home", "config")}
	atHome(t, w.file)
	return w
}

// atHome has no Atoll named in the environment, and a file of sign-ins.
func atHome(t *testing.T, file string) {
	t.Helper()
	t.Chdir(t.TempDir()) // where there is no run file
	for _, name := range []string{"ATOLL_SERVER", "ATOLL_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("ATOLL_CONFIG", file)
}

// must runs a command line that succeeds, and gives what it printed.
func (w *world) must(in string, args ...string) string {
	w.t.Helper()
	out, err := run(w.t, in, args...)
	if err != nil {
		w.t.Fatalf("atoll %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// fails runs a command line that ends with a code, and gives what it said.
func (w *world) fails(code int, in string, args ...string) string {
	w.t.Helper()
	out, err := run(w.t, in, args...)
	if exitCode(err) != code {
		w.t.Errorf("atoll %s: it ended with %d, want %d: %v\n%s", strings.Join(args, " "), exitCode(err), code, err, out)
	}
	if err != nil {
		out += err.Error()
	}
	return out
}

// admin signs the administrator in.
func (w *world) admin() {
	w.t.Helper()
	w.must(adminPassword+"\n", "login", w.url, "--user", "admin", "--password-stdin")
}

// call asks the API as whoever is signed in, for what has no command.
func (w *world) call(method, path string, in, out any) {
	w.t.Helper()
	api, err := (&target{}).connect(w.t.Context())
	if err == nil {
		err = api.call(w.t.Context(), method, path, in, out)
	}
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// user makes somebody with a password of their own, as the administrator.
func (w *world) user(name string) {
	w.t.Helper()
	w.call(http.MethodPost, "/api/v1/users", map[string]any{"name": name, "password": adminPassword}, nil)
	api, err := endpoint{server: w.url}.client()
	if err == nil {
		_, err = api.begin(w.t.Context(), signInBody{Username: name, Password: adminPassword})
	}
	if err == nil {
		err = api.call(w.t.Context(), http.MethodPost, "/api/v1/users/me:changePassword", map[string]string{"current": adminPassword, "next": userPassword}, nil)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	api.close()
}

// signIn signs somebody in whom user has made.
func (w *world) signIn(name string) {
	w.t.Helper()
	w.must(userPassword+"\n", "login", w.url, "--user", name, "--password-stdin")
}

// secure is the HTTPS address and a file with its authority.
func (w *world) secure() (url, caFile string) {
	w.t.Helper()
	var made struct{ Kubeconfig string }
	w.call(http.MethodPost, "/api/v1/clusters/local/kubeconfigs", map[string]any{}, &made)
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `yaml:"server"`
				Authority string `yaml:"certificate-authority-data"`
			}
		}
	}
	decodeYAML(w.t, made.Kubeconfig, &config)
	cluster := config.Clusters[0].Cluster
	var authority []byte
	if err := json.Unmarshal(fmt.Appendf(nil, "%q", cluster.Authority), &authority); err != nil { // base64
		w.t.Fatal(err)
	}
	caFile = filepath.Join(w.t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, bytes.TrimSpace(authority), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSuffix(cluster.Server, "/clusters/local"), caFile
}
