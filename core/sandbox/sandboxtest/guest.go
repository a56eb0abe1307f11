// Package sandboxtest compiles guests for tests and benchmarks: a folder of Go
// becomes a module, once a process, and as fast as the Go build cache is.
package sandboxtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	mu    sync.Mutex
	built = map[string][]byte{}
)

// Guest compiles the guest in a folder and gives its module.
func Guest(t testing.TB, dir string) []byte {
	t.Helper()
	wasm, err := Build(dir)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// Build compiles the guest in a folder and gives its module.
func Build(dir string) ([]byte, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	if wasm := built[dir]; wasm != nil {
		return wasm, nil
	}
	out, err := os.CreateTemp("", "guest-*.wasm")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out.Name(), ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the guest in %s: %w\n%s", dir, err, said)
	}
	wasm, err := os.ReadFile(out.Name())
	if err == nil && len(wasm) == 0 {
		err = errors.New("the compiler wrote nothing")
	}
	if err != nil {
		return nil, fmt.Errorf("compiling the guest in %s: %w", dir, err)
	}
	built[dir] = wasm
	return wasm, nil
}
