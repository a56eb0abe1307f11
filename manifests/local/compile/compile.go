// Package compile builds the programs of a cluster from their Go modules, once:
// what is built and fits its sources is left as it is.
package compile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// ErrNoSources says that the Go module to build is not where it was looked for.
var ErrNoSources = errors.New("the sources are not there")

// Target is one `go build` for several programs of one module: what they share
// is loaded and compiled once.
type Target struct {
	Name     string
	Module   string   // folder of the module
	Packages []string // main packages
	Programs []string // files that come out, in the order of Packages
	LDFlags  string
	Tags     string
	Linux    bool // for containers: built for Linux wherever this runs
}

// Progress is told how far a build is: what it does ("fetching", "compiling",
// "linking"), and the packages done and wanted where they are known.
type Progress func(doing string, done, total int)

// Fresh tells whether all programs of a target are there and fit their sources.
func (t Target) Fresh(bin string) bool {
	for _, program := range t.Programs {
		if _, err := os.Stat(filepath.Join(bin, program)); err != nil {
			return false
		}
	}
	want, err := t.stamp()
	if err != nil {
		return false
	}
	have, err := os.ReadFile(t.stampFile(bin))
	return err == nil && string(have) == want
}

func (t Target) stampFile(bin string) string { return filepath.Join(bin, "."+t.Name+".stamp") }

// stamp sums up all that decides what comes out.
func (t Target) stamp() (string, error) {
	h := sha256.New()
	version, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("asking for the version of Go: %w", err)
	}
	fmt.Fprintln(h, string(version), runtime.GOOS, runtime.GOARCH, t.Packages, t.LDFlags, t.Tags, t.Linux)
	files := []string{filepath.Join(t.Module, "go.mod"), filepath.Join(t.Module, "go.sum")}
	for _, p := range t.Packages {
		if strings.HasPrefix(p, ".") {
			more, _ := filepath.Glob(filepath.Join(t.Module, p, "*"))
			files = append(files, more...)
		}
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(filepath.Base(name), "go.") {
			continue // a folder of a module, whose other programs have their own needs
		}
		if err != nil {
			if info, statErr := os.Stat(name); statErr == nil && info.IsDir() {
				continue
			}
			return "", fmt.Errorf("reading the sources of %s: %w", t.Name, err)
		}
		fmt.Fprintln(h, filepath.Base(name), len(text))
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Build builds a target into a folder. Nothing there is touched before all of it is compiled.
func (t Target) Build(ctx context.Context, bin string, progress Progress) error {
	if _, err := os.Stat(t.Module); err != nil {
		return fmt.Errorf("building %s: %w: %s", t.Name, ErrNoSources, t.Module)
	}
	stamp, err := t.stamp()
	if err != nil {
		return err
	}
	progress("fetching its modules", 0, 0)
	stale, err := t.stale(ctx, progress)
	if err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(bin, ".new-")
	if err != nil {
		return fmt.Errorf("building %s: %w", t.Name, err)
	}
	defer os.RemoveAll(fresh)
	// -v names each package when its compilation begins; what -p says begins at once.
	args := append([]string{"build", "-v", "-o", fresh + string(filepath.Separator)}, t.flags()...)
	cmd := t.command(ctx, append(args, t.Packages...)...)
	doing := func(done int) string {
		if done+len(t.Packages) >= len(stale) {
			return "linking"
		}
		return "compiling"
	}
	done := 0
	progress(doing(done), done, len(stale))
	output, err := run(cmd, func(line string) {
		if i, wanted := slices.BinarySearch(stale, line); wanted && stale[i] == line {
			done++
		}
		progress(doing(done), done, len(stale))
	})
	if err != nil {
		return fmt.Errorf("building %s: %w\n%s", t.Name, err, output)
	}
	for i, p := range t.Packages {
		if err := os.Rename(filepath.Join(fresh, filepath.Base(t.binary(p))), filepath.Join(bin, t.Programs[i])); err != nil {
			return fmt.Errorf("building %s: %w", t.Name, err)
		}
	}
	if err := os.WriteFile(t.stampFile(bin), []byte(stamp), 0o644); err != nil {
		return fmt.Errorf("building %s: %w", t.Name, err)
	}
	return nil
}

// binary is the name that the go command gives a program.
func (t Target) binary(pkg string) string {
	if pkg == "." {
		return filepath.Base(t.Module)
	}
	return pkg
}

func (t Target) flags() []string {
	flags := []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w " + t.LDFlags}
	if t.Tags != "" {
		flags = append(flags, "-tags="+t.Tags)
	}
	return flags
}

func (t Target) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = t.Module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "PWD="+t.Module)
	if t.Linux {
		cmd.Env = append(cmd.Env, "GOOS=linux")
	}
	// The go command ends its compilers when it is interrupted, not when it is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// stale lists the packages that have to be compiled, sorted, fetching modules on the way.
func (t Target) stale(ctx context.Context, progress Progress) ([]string, error) {
	args := append([]string{"list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"}, t.flags()...)
	cmd := t.command(ctx, append(args, t.Packages...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	fetched := 0
	output, err := run(cmd, func(line string) {
		if strings.HasPrefix(line, "go: downloading") {
			fetched++
			progress("fetching its modules", fetched, 0)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the packages of %s: %w\n%s", t.Name, err, output)
	}
	packages := strings.Fields(out.String())
	slices.Sort(packages)
	return packages, nil
}

// run runs a command and hands over each line of its standard error; the last
// of these lines are returned for an error's message.
func run(cmd *exec.Cmd, each func(line string)) (last string, err error) {
	r, w := io.Pipe()
	cmd.Stderr = w
	lines := make(chan []string)
	go func() {
		var kept []string
		s := bufio.NewScanner(r)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			each(s.Text())
			if kept = append(kept, s.Text()); len(kept) > 30 {
				kept = kept[1:]
			}
		}
		_, _ = io.Copy(io.Discard, r)
		lines <- kept
	}()
	err = cmd.Run()
	w.Close()
	return strings.Join(<-lines, "\n"), err
}
