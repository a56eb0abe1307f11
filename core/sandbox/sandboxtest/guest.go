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
	if err := see(dir); err != nil {
		return nil, err
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

// see opens what a guest is made of. `go test` keeps results until a file that
// the test opened changes; the compiler's reading is hidden from it.
func see(dir string) error {
	folders := []string{dir}
	for up := dir; up != filepath.Dir(up); up = filepath.Dir(up) {
		if sdk := filepath.Join(up, "sdk", "go"); exists(filepath.Join(sdk, "go.mod")) {
			folders = append(folders, sdk)
			break
		}
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			return f.Close()
		})
		if err != nil {
			return fmt.Errorf("looking at the guest's sources: %w", err)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
