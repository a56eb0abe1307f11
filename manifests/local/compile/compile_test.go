// Building a small module as the cluster's programs are built.
package compile

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with two programs.
func module(t *testing.T) Target {
	t.Helper()
	folder := t.TempDir()
	files := map[string]string{
		"go.mod":         "module example.org/m\n\ngo 1.26\n",
		"one/main.go":    "package main\n\nfunc main() { println(version) }\n",
		"one/version.go": "package main\n\nvar version = \"none\"\n",
		"two/main.go":    "package main\n\nfunc main() {}\n",
	}
	for name, text := range files {
		write(t, filepath.Join(folder, name), text)
	}
	return Target{Name: "m", Module: folder, Packages: []string{"./one", "./two"}, Programs: []string{"one", "second"}, LDFlags: "-X main.version=stamped"}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, target Target, bin string) {
	t.Helper()
	if err := target.Build(context.Background(), bin, func(string, int, int) {}); err != nil {
		t.Fatal(err)
	}
}

func TestProgramsAreBuiltOnceAndAgainWhenSourcesChange(t *testing.T) {
	target, bin := module(t), t.TempDir()
	if target.Fresh(bin) {
		t.Fatal("what was never built is fresh")
	}
	build(t, target, bin)
	if !target.Fresh(bin) {
		t.Fatal("what was just built is not fresh")
	}
	out, err := exec.Command(filepath.Join(bin, "one")).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "stamped" {
		t.Fatalf("%v %s", err, out)
	}
	write(t, filepath.Join(target.Module, "two/main.go"), "package main\n\nfunc main() { println() }\n")
	if target.Fresh(bin) {
		t.Fatal("changed sources were not seen")
	}
	build(t, target, bin)
	if err := os.Remove(filepath.Join(bin, "second")); err != nil {
		t.Fatal(err)
	}
	if target.Fresh(bin) {
		t.Fatal("a missing program was not seen")
	}
}

func TestBrokenSourcesAreReportedAndLeaveWhatWasBuilt(t *testing.T) {
	target, bin := module(t), t.TempDir()
	build(t, target, bin)
	write(t, filepath.Join(target.Module, "one/main.go"), "package main\n\nfunc main() { undefined() }\n")
	err := target.Build(context.Background(), bin, func(string, int, int) {})
	if err == nil || !strings.Contains(err.Error(), "undefined") {
		t.Fatalf("want the compiler's words, have %v", err)
	}
	if _, err := os.Stat(filepath.Join(bin, "one")); err != nil {
		t.Error("the program of before is gone")
	}
	entries, _ := os.ReadDir(bin)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".new") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestMissingSourcesAreNamed(t *testing.T) {
	target := Target{Name: "m", Module: filepath.Join(t.TempDir(), "nowhere"), Packages: []string{"."}, Programs: []string{"x"}}
	if err := target.Build(context.Background(), t.TempDir(), func(string, int, int) {}); !errors.Is(err, ErrNoSources) {
		t.Fatal(err)
	}
}
