// A recording from a running Atoll, replayed on builds of the module.

package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRecordingIsMadeAndReplayed(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a guest")
	}
	folder, module := hello(t)
	p := launch(t, setUp(t))
	defer p.kill(t)
	token := p.newToken(t)
	t.Setenv("ATOLL_SERVER", p.url)
	t.Setenv("ATOLL_TOKEN", token)
	if out, err := run(t, "", "ext", "install", folder, "--module", module, "--yes"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(t.TempDir(), "hello.atollrec")
	for _, args := range [][]string{{"--user", "admin"}, {"-o", file}, {"-o", file, "--user", "admin", "--for", "1h"}} {
		if out, err := run(t, "", append([]string{"ext", "record", "hello"}, args...)...); err == nil || !strings.Contains(err.Error(), "-") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if _, err := run(t, "", "ext", "record", "hello", "--user", "nobody", "-o", file); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("of nobody: %v", err)
	}
	done := make(chan struct{})
	var said string
	var failed error
	go func() {
		defer close(done)
		said, failed = run(t, "", "ext", "record", "hello", "--user", "admin", "--for", "6s", "-o", file)
	}()
	for asking := true; asking; { // until the recording's time is over
		select {
		case <-done:
			asking = false
		default:
			r, _ := http.NewRequest(http.MethodGet, p.url+"/x/hello/greetings", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			res, err := http.DefaultClient.Do(r)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v", res, err)
			}
			res.Body.Close()
		}
	}
	if failed != nil {
		t.Fatalf("%v\n%s", failed, said)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if out, err := run(t, "", "ext", "replay", file, module); err != nil || !strings.Contains(out, " 0 differ.") {
		t.Errorf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.wasm")
	if err := os.WriteFile(other, bytes.ReplaceAll(wasm, []byte("Bonjour"), []byte("Bonsoir")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "", "ext", "replay", file, other); !errors.Is(err, errDiffers) || !strings.Contains(out, "DATA on stream 1") {
		t.Errorf("another build: %v\n%s", err, out)
	}
}
