// The command line against a running binary: review, yes and no, list, remove.

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// run executes a command line in this process.
func run(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(in))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}

// hello is the folder of the extension hello, and its module, compiled.
func hello(t *testing.T) (folder, module string) {
	t.Helper()
	folder, module = filepath.Join("..", "..", "..", "extensions", "hello"), filepath.Join(t.TempDir(), "hello.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", module, ".")
	build.Dir, build.Env = folder, append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return folder, module
}

func TestExtensionIsInstalledAfterAYesOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a guest")
	}
	folder, module := hello(t)
	p := launch(t, setUp(t))
	defer p.kill(t)
	t.Setenv("ATOLL_SERVER", p.url)
	t.Setenv("ATOLL_TOKEN", p.newToken(t))

	listed := func() bool {
		t.Helper()
		out, err := run(t, "", "ext", "list")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) > 3 && f[0] == "hello" && f[1] == "0.1.0" && f[2] == "Active" && f[3] == "admin" {
				return true
			}
		}
		return false
	}
	out, err := run(t, "", "ext", "review", folder, "--module", module)
	if err != nil || !strings.Contains(out, "hello 0.1.0, published by atoll") || !strings.Contains(out, "/x/hello/greetings") {
		t.Errorf("review: %v\n%s", err, out)
	}
	for _, answer := range []string{"", "\n", "n\n", "no\n", "maybe\n", "yesterday\n"} {
		if _, err := run(t, answer, "ext", "install", folder, "--module", module); !errors.Is(err, errNo) {
			t.Errorf("the answer %q: %v", answer, err)
		}
	}
	if listed() {
		t.Error("it is installed without a yes")
	}
	if out, err := run(t, "Y\n", "ext", "install", folder, "--module", module); err != nil || !strings.Contains(out, "hello 0.1.0 is installed.") {
		t.Errorf("install: %v\n%s", err, out)
	}
	if !listed() {
		t.Error("it is not listed")
	}
	if _, err := run(t, "n\n", "ext", "remove", "hello"); !errors.Is(err, errNo) {
		t.Errorf("remove without a yes: %v", err)
	}
	if out, err := run(t, "", "ext", "remove", "hello", "--yes"); err != nil || !strings.Contains(out, "hello is removed.") {
		t.Errorf("remove: %v\n%s", err, out)
	}
	if listed() {
		t.Error("it is listed after it was removed")
	}
	if _, err := run(t, "", "ext", "remove", "hello", "--yes"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("removing it again: %v", err)
	}
	if _, err := run(t, "", "ext", "install", folder, "--yes"); err == nil || !strings.Contains(err.Error(), "Compile it first") {
		t.Errorf("a folder without its module: %v", err)
	}
}

func TestNobodyAtTheTerminalIsNoYes(t *testing.T) {
	devNull, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer devNull.Close()
	c := newExt()
	c.SetIn(devNull)
	if err := agree(c, false, "Install?"); !errors.Is(err, errNo) || !strings.Contains(err.Error(), "--yes") {
		t.Error(err)
	}
}

func TestCredentialsGoEncryptedOrStayHere(t *testing.T) {
	for server, want := range map[string]string{
		"http://127.0.0.1:8380": "http://127.0.0.1:8380", "http://localhost:8380/x": "http://localhost:8380", "http://[::1]:1": "http://[::1]:1", "https://atoll.example.com/": "https://atoll.example.com",
		"http://atoll.example.com": "", "http://127.0.0.1.evil.example": "", "http://10.0.0.1:8380": "", "ftp://127.0.0.1": "", "127.0.0.1:8380": "", "": "",
	} {
		if got, err := checkServer(server); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", server, got, err)
		}
	}
}

func TestWordsOfOthersDoNotSteerTheTerminal(t *testing.T) {
	var out bytes.Buffer
	evil := "\x1b[2J\x1b]0;title\x07\r\u202ehidden\u009b1m"
	showReview(&out, reviewed{Title: evil, Name: evil, Version: evil, Publisher: evil, Description: evil, Digest: evil, Installed: evil, Asks: []ask{{Text: evil, Reason: evil, Dangerous: true}}})
	if strings.ContainsAny(out.String(), "\x1b\x07\r\u202e\u009b") {
		t.Errorf("%q", out.String())
	}
	if !strings.Contains(out.String(), "DANGEROUS") {
		t.Error("what is dangerous is not marked")
	}
}

func TestWhichAtollIsAsked(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("ATOLL_SERVER", "")
	t.Setenv("ATOLL_TOKEN", "")
	if _, err := run(t, "", "ext", "list"); err == nil || !strings.Contains(err.Error(), "--run-file") {
		t.Errorf("nothing said: %v", err)
	}
	if _, err := run(t, "", "ext", "list", "--run-file", "none.json"); err == nil || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("a file that is not there: %v", err)
	}
	t.Setenv("ATOLL_TOKEN", "x")
	if _, err := run(t, "", "ext", "list"); err == nil || !strings.Contains(err.Error(), "ATOLL_SERVER") {
		t.Errorf("a token alone: %v", err)
	}
	if _, err := run(t, "", "ext", "list", "--server", "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "no Atoll answers") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestConfigurationIsPrinted(t *testing.T) {
	out, err := run(t, "", "serve", "--print-config")
	if err != nil || !strings.Contains(out, "listen:") || !strings.Contains(out, "passwordFile") {
		t.Errorf("%v\n%s", err, out)
	}
	file := filepath.Join(t.TempDir(), "atoll.yaml")
	if err := os.WriteFile(file, []byte("listen:\n  htpp: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "", "serve", "--config", file); err == nil || !strings.Contains(err.Error(), ":2: /listen/htpp") {
		t.Errorf("%v", err)
	}
	if _, err := run(t, "", "serve", "--http", "0.0.0.0:8380"); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("%v", err)
	}
}
