//go:build unix

// The same guests in a process of the sandbox's own: every test again, and what
// there is beside that when the process dies.
package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// unmoved are the tests that say nothing about where a guest runs: scripts take
// its place, or nothing is loaded.
const unmoved = "TestEveryTestInAProcessOfItsOwn|TestHostKeepsTheWire|TestEveryStateTakesEveryFrameAsTheTableSays|TestCompiledModulesAreKeptPrivately"

func TestEveryTestInAProcessOfItsOwn(t *testing.T) {
	if ownProcess {
		t.Skip("this is it")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.v", "-test.count=1", "-test.skip=^(" + unmoved + ")$"}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), ownProcessVariable+"="+cacheDir)
	out, err := cmd.CombinedOutput()
	passed := 0
	for line := range strings.Lines(string(out)) {
		switch {
		case strings.HasPrefix(line, "--- PASS: "):
			passed++
		case err != nil && !strings.HasPrefix(line, "=== ") && !strings.Contains(line, "--- PASS: "):
			t.Log(strings.TrimRight(line, "\n"))
		}
	}
	if err != nil || passed < 50 {
		t.Errorf("%d tests have passed; %v", passed, err)
	}
}

// TestRequestsOutliveTheProcess kills the sandbox's process again and again under
// requests that are in the middle of their work.
func TestRequestsOutliveTheProcess(t *testing.T) {
	f := start(t, sandbox.Options{OwnProcess: true})
	var mu sync.Mutex
	release, knocked := make(chan struct{}), atomic.Int64{}
	f.setDoor(func(ctx context.Context, _ sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		mu.Lock()
		released := release
		mu.Unlock()
		knocked.Add(1)
		select {
		case <-released:
			return whole(r.Target), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	g := f.load("kit", nil)
	if _, err := get(t.Context(), g, "/count"); err != nil {
		t.Fatal(err)
	}
	const rounds, clean, unclean = 5, 20, 5
	files, goroutines := 0, 0
	for round := range rounds {
		before, _ := f.engine.Process()
		knocked.Store(0)
		mu.Lock()
		release = make(chan struct{})
		mu.Unlock()
		var all sync.WaitGroup
		for n := range clean {
			all.Go(func() {
				target := fmt.Sprintf("/sleep/%d", 500+n) // asleep when the process dies, so not to blame
				if _, err := get(t.Context(), g, target); err != nil {
					t.Errorf("round %d: a clean request: %v", round, err)
				}
			})
		}
		for range unclean { // which have asked a door that does not say that it is safe
			all.Go(func() {
				if got, err := get(t.Context(), g, "/two"); !errors.Is(err, sandbox.ErrInterrupted) {
					t.Errorf("round %d: an unclean request: %q, %v", round, got, err)
				}
			})
		}
		eventually(t, "all are in", func() bool { return g.Stats().Streams == clean+unclean && knocked.Load() == 2*unclean })
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		close(release)
		after, own := f.engine.Process()
		if !own || !after.Up || after.PID == before.PID || after.Restarts != uint64(round+1) || !strings.Contains(after.Failure, "killed") {
			t.Errorf("round %d: %+v", round, after)
		}
		if got, err := get(t.Context(), g, "/count"); err != nil {
			t.Errorf("round %d: afterwards: %q, %v", round, got, err)
		}
		if round == 0 {
			files, goroutines = openFiles(t), runtime.NumGoroutine()
		}
	}
	if faults := f.faultsSeen(); len(faults) > 0 {
		t.Errorf("somebody is to blame: %+v", faults)
	}
	if h := g.Health(); len(h) > 0 {
		t.Errorf("somebody is to blame: %+v", h)
	}
	if s := g.Stats(); s.Streams != 0 || s.Children != 0 || s.Instances != 1 || s.Buffered != 0 {
		t.Errorf("%+v", s)
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	if now := openFiles(t); now > files+2 {
		t.Errorf("%d files are open, and %d were", now, files)
	}
	if logged := f.logs.String(); strings.Count(logged, "the sandbox's process was started again") != rounds {
		t.Errorf("the log does not tell of %d restarts", rounds)
	}
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestWhoLeavesDoesNotUndoTheLoading cancels requests as they come, until one
// finds the guest loaded.
func TestWhoLeavesDoesNotUndoTheLoading(t *testing.T) {
	f := start(t, sandbox.Options{OwnProcess: true})
	reads := atomic.Int64{}
	g := f.load("kit", func(s *sandbox.Spec) {
		read := s.Wasm
		s.Wasm = func() ([]byte, error) { reads.Add(1); return read() }
	})
	for !g.Stats().Loaded {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if _, err := get(ctx, g, "/count"); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if got, err := get(t.Context(), g, "/count"); err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if n := reads.Load(); n != 1 {
		t.Errorf("its module was loaded %d times", n)
	}
}

func TestClosedTwiceItIsClosedOnce(t *testing.T) {
	for _, own := range []bool{false, true} {
		f := start(t, sandbox.Options{OwnProcess: own})
		for range 3 {
			if err := f.engine.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if p, there := f.engine.Process(); there != (own || ownProcess) || p.Up {
			t.Errorf("%+v, %v", p, there)
		}
		if _, err := f.load("raw", nil).Do(t.Context(), request("GET", "/", nil)); !errors.Is(err, sandbox.ErrClosed) {
			t.Error(err)
		}
	}
}
