// Command bench runs the measuring programs that stand beside what they
// measure, one after the other, and gathers their figures in one file:
//
//	{"machine": "...", "commit": "...", "figures": [...]}
//
// each figure as package figure has it.
//
// A program that fails costs its own figures, not those of the others; the
// exit code says that one failed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

// program is one measuring program: where it is run and how. It writes its
// figures to the file that -out names.
type program struct {
	name string
	dir  string
	args []string
}

var programs = []program{
	{"server", ".", []string{"go", "run", "./core/server/bench"}},
	{"access", ".", []string{"go", "run", "./core/access/bench"}},
	{"proxy", ".", []string{"go", "run", "./core/kube/bench"}},
	{"wire", "core/sandbox/bench", []string{"go", "run", "."}},
	// Last: the cluster is busy for minutes with removing its namespaces.
	{"tenancy", ".", []string{"go", "run", "./core/tenancy/bench"}},
}

func main() {
	out := flag.String("out", "build/bench.json", "file to write")
	only := flag.String("only", "", "run only programs whose name contains this")
	flag.Parse()
	failed, err := measure(*out, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if failed > 0 {
		fmt.Fprintf(os.Stderr, "bench: %d of the measuring programs failed\n", failed)
		os.Exit(1)
	}
}

// measure runs the programs and writes what they found.
func measure(out, only string) (failed int, err error) {
	dir, err := os.MkdirTemp("", "atoll-bench-")
	if err != nil {
		return 0, fmt.Errorf("making room for figures: %w", err)
	}
	defer os.RemoveAll(dir)
	figures := map[string]figure.Figure{}
	var order []string
	if only != "" {
		if previous, err := readBench(out); err == nil { // keep what is not measured anew
			for _, f := range previous {
				figures[f.Name] = f
				order = append(order, f.Name)
			}
		}
	}
	for i, p := range programs {
		if !strings.Contains(p.name, only) {
			continue
		}
		fmt.Printf("== %s\n", p.name)
		lines := filepath.Join(dir, fmt.Sprintf("%d.jsonl", i))
		cmd := exec.Command(p.args[0], append(p.args[1:], "-out", lines)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", p.name, err)
			failed++
		}
		found, err := figure.Read(lines)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", p.name, err)
		}
		for _, f := range found {
			fmt.Printf("%s %.3f %s\n", f.Name, f.Value, f.Unit)
			if _, known := figures[f.Name]; !known {
				order = append(order, f.Name)
			}
			figures[f.Name] = f
		}
	}
	all := make([]figure.Figure, 0, len(order))
	for _, name := range order {
		all = append(all, figures[name])
	}
	text, err := json.MarshalIndent(map[string]any{"machine": machine(), "commit": commit(), "figures": all}, "", " ")
	if err != nil {
		return failed, err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return failed, err
	}
	return failed, os.WriteFile(out, append(text, '\n'), 0o644)
}

func readBench(name string) ([]figure.Figure, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var b struct{ Figures []figure.Figure }
	return b.Figures, json.Unmarshal(text, &b)
}

// machine says what the figures were measured on.
func machine() string {
	memory := "memory not known"
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib); err == nil {
			memory = fmt.Sprintf("%d GiB", (kib+(1<<19))>>20)
		}
	}
	node := "no cluster"
	if text, err := os.ReadFile("build/run/atoll.json"); err == nil {
		var f struct{ Node string }
		if json.Unmarshal(text, &f) == nil && f.Node != "" {
			node = "node " + f.Node
		}
	}
	return fmt.Sprintf("%d cores, %s, %s/%s, %s", runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH, node)
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "not known"
	}
	return strings.TrimSpace(string(out))
}
