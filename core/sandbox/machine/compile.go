// Compiling: from a module's bytes to what a cache keeps of it, in this process
// or, held to limits, in a child. A compiler that is given a stranger's module
// may take minutes and gigabytes, or fall over: in a child that is the module's
// fault, and nobody else's trouble.
package machine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// compileLimits is what one child may take.
type compileLimits struct {
	CPU    time.Duration // whole seconds
	Wall   time.Duration
	Memory uint64 // bytes, on top of what it begins with
}

// usualLimits are ten times what a large guest takes on a slow machine.
var usualLimits = compileLimits{CPU: 2 * time.Minute, Wall: 5 * time.Minute, Memory: 2 << 30}

// compileWork is the child's work by name.
const compileWork = "compile"

func init() { children[compileWork] = compileInChild }

// compileOrder is the first line that the child reads; the module follows.
type compileOrder struct {
	Folder    string
	MaxModule int
	MaxMemory uint64
	Limits    compileLimits
}

// compileAnswer is what the child writes.
type compileAnswer struct {
	Report Report
	Error  string // what failed that is not the module's fault
}

// make prepares and compiles a module, and leaves the result in the cache.
func (l *Local) make(wasm []byte, digest string) (Report, error) {
	began := time.Now()
	log := l.options.Logger.With(slog.String("digest", digest), slog.Int("bytes", len(wasm)))
	log.Info("compiling a module")
	folder, err := l.cache.begin()
	if err != nil {
		return Report{}, err
	}
	defer os.RemoveAll(folder)
	order := compileOrder{Folder: folder, MaxModule: l.options.MaxModule, MaxMemory: l.options.MaxMemory, Limits: l.limits}
	var report Report
	if l.options.CompileInChild && canLimit {
		report, err = l.compileElsewhere(order, wasm, digest)
	} else {
		report, err = compileHere(l.life, order, wasm)
	}
	if err == nil {
		err = l.cache.adopt(folder, digest)
	}
	if err != nil {
		log.Warn("a module was not compiled", slog.Duration("took", time.Since(began)), slog.Any("why", err))
		return report, err
	}
	log.Info("a module was compiled", slog.Duration("took", time.Since(began)))
	return report, nil
}

// compileHere leaves an artifact and its machine code in a folder.
func compileHere(ctx context.Context, o compileOrder, wasm []byte) (Report, error) {
	p, report, err := prepare(ctx, wasm, o.MaxModule, o.MaxMemory)
	if err != nil {
		return report, err
	}
	defer p.close()
	cache, err := wazero.NewCompilationCacheWithDir(o.Folder)
	if err != nil {
		return report, err
	}
	defer cache.Close(ctx)
	config, _ := runtimeConfig()
	rt := wazero.NewRuntimeWithConfig(ctx, config.WithCompilationCache(cache))
	defer rt.Close(ctx)
	if _, err := rt.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), p.wasm); err != nil {
		report.fault("It cannot be compiled: %v.", err)
		return report, report.err()
	}
	code, err := codeIn(o.Folder)
	if err != nil {
		return report, err
	}
	return report, writeArtifact(filepath.Join(o.Folder, artifactName), p, code)
}

// codeIn finds the file of machine code in the folder that it was compiled into;
// nil: there is none, modules are interpreted.
func codeIn(folder string) (*compiledFile, error) {
	files, err := filepath.Glob(filepath.Join(folder, wazeroPrefix+"*", "*"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	if len(files) > 1 {
		return nil, fmt.Errorf("one module was compiled to %d files", len(files))
	}
	sum, err := sumFile(files[0])
	return &compiledFile{Name: filepath.Base(files[0]), Sum: sum}, err
}

// compileInChild is the child's work.
func compileInChild() int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// The order is ours; the module behind it is not, and is not read before
	// the limits stand.
	in := bufio.NewReaderSize(os.Stdin, 64<<10)
	line, err := in.ReadBytes('\n')
	var o compileOrder
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err == nil {
		err = limitSelf(o.Limits)
	}
	if err != nil {
		return fail(err)
	}
	wasm, err := io.ReadAll(io.LimitReader(in, int64(o.MaxModule)+1))
	if err != nil {
		return fail(err)
	}
	var a compileAnswer
	if a.Report, err = compileHere(context.Background(), o, wasm); err != nil && !errors.Is(err, ErrModule) {
		a.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		return fail(err)
	}
	return 0
}

// compileElsewhere lets a child do it, and tells what became of that.
func (l *Local) compileElsewhere(o compileOrder, wasm []byte, digest string) (Report, error) {
	// Found here, so that a module that the child dies of has a report.
	report := Report{Digest: digest, Size: len(wasm)}
	ctx, cancel := context.WithTimeout(l.life, o.Limits.Wall)
	defer cancel()
	cmd, err := child(compileWork)
	if err != nil {
		return report, err
	}
	order, err := json.Marshal(o)
	if err != nil {
		return report, err
	}
	out, said := &bounded{most: 8 << 20}, &bounded{most: 16 << 10}
	cmd.Stdin = io.MultiReader(bytes.NewReader(append(order, '\n')), bytes.NewReader(wasm))
	cmd.Stdout, cmd.Stderr = out, said
	cmd.WaitDelay = time.Second
	err = runChild(ctx, cmd)
	var a compileAnswer
	if err == nil {
		if err := json.Unmarshal(out.Bytes(), &a); err != nil {
			return report, fmt.Errorf("the answer of the process that compiles: %w", err)
		}
		if a.Report.Digest == digest {
			report = a.Report
		}
	}
	switch {
	case l.life.Err() != nil:
		return report, l.life.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		report.fault("Compiling it took more than %v.", o.Limits.Wall)
	case outOfMemory(said.String()) || outOfMemory(a.Error):
		report.fault("Compiling it took more than %d MiB of memory.", o.Limits.Memory>>20)
	case a.Error != "":
		return report, fmt.Errorf("compiling in a process of its own: %s", a.Error)
	case err == nil && a.Report.Digest != digest:
		return report, errors.New("the process that compiles answers about another module")
	case err != nil && cmd.ProcessState == nil:
		return report, fmt.Errorf("starting a process to compile in: %w", err)
	case err != nil && strings.Contains(err.Error(), "killed") && used(cmd) > o.Limits.CPU/2: // the system's count is rough
		report.fault("Compiling it took more than %v of processor time.", o.Limits.CPU)
	case err != nil:
		l.options.Logger.Error("the process that compiles a module has died", slog.String("digest", digest), slog.Any("how", err), slog.String("said", said.String()))
		report.fault("The compiler did not survive it (%v).", err)
	}
	if len(report.Faults) > 0 {
		return report, report.err()
	}
	return report, nil
}

// used is the processor time of a command that has ended.
func used(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// outOfMemory tells whether this is what the system or Go's runtime says when
// there is no more.
func outOfMemory(said string) bool {
	for _, words := range []string{
		"out of memory", "cannot allocate memory", "pthread_create failed", "failed to create new OS thread",
		"ThreadSanitizer failed to allocate", // of a build that looks for races
	} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// runAndKill runs a command, and kills it when ctx ends.
func runAndKill(ctx context.Context, cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	return cmd.Wait()
}

// bounded is a buffer that keeps the beginning of what is written to it.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), b.most-b.Len())])
	return len(p), nil
}
