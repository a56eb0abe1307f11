// The mutation test: bugs planted in the host and in the Go SDK, one at a time,
// each of which the kit has to find.
package kit_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mutant is one planted bug: in the file the old text, which stands there once,
// becomes the new one.
type mutant struct {
	name, file, old, new string
}

// target is what is mutated, and the test that has to fail then.
type target struct {
	folder, pkg, test string
	mutants           []mutant
}

var targets = []target{
	{"core/sandbox", "./core/sandbox", "^TestHostKeepsTheWire$", hostMutants},
	{"sdk/go", "./sdk/wire/kit", "^TestGoSDKKeepsTheWire$", sdkMutants},
}

// reportedRule finds the rule in a report.
var reportedRule = regexp.MustCompile(`rule ([a-z]+\.[a-z-]+):`)

// The texts that bugs replace stand in the sources: told at once, and not after
// minutes.
func TestPlantedBugsHaveTheirPlace(t *testing.T) {
	for _, on := range targets {
		for _, m := range on.mutants {
			source, err := os.ReadFile(filepath.Join("../../..", on.folder, m.file))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), m.old); n != 1 {
				t.Errorf("%s: %s/%s has the text %d times, and should once: %q", m.name, on.folder, m.file, n, m.old)
			}
		}
	}
}

func TestPlantedBugsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("dozens of builds: not with -short")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(hostMutants) + len(sdkMutants); n < 30 {
		t.Errorf("only %d bugs are planted", n)
	}
	for _, on := range targets {
		for _, m := range on.mutants {
			t.Run(on.folder+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				out, err := runMutant(t, root, on, m)
				if err == nil {
					t.Fatalf("the kit does not find it:\n%s: %q becomes %q", m.file, m.old, m.new)
				}
				rule := reportedRule.FindStringSubmatch(out)
				if rule == nil && strings.Contains(out, "blocked goroutines remain") {
					rule = []string{"", "reset.ends-work"} // the bubble cannot end: work is left over
				}
				if rule == nil {
					t.Fatalf("it fails without the name of a rule: %v\n%s", err, tail(out, 60))
				}
				t.Logf("found by rule %s", rule[1])
			})
		}
	}
}

// runMutant runs the kit with one bug planted; no error: the kit has passed.
func runMutant(t *testing.T, root string, on target, m mutant) (out string, err error) {
	t.Helper()
	path := filepath.Join(root, on.folder, m.file)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		t.Fatalf("%s has the text %d times, and should once: %q", m.file, n, m.old)
	}
	dir := t.TempDir()
	mutated := filepath.Join(dir, m.file)
	if err := os.WriteFile(mutated, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	binary := filepath.Join(dir, "kit.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", file, "-ldflags=-s -w", "-o", binary, on.pkg)
	build.Dir = root
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, said)
	}
	run := exec.CommandContext(ctx, binary, "-test.run", on.test, "-test.v", "-test.failfast", "-test.short", "-test.timeout=60s")
	run.Dir = filepath.Join(root, on.pkg)
	said, err := run.CombinedOutput()
	return string(said), err
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
