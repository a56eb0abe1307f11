//go:build unix

// A guest under which the sandbox's process ends again and again: the process is
// killed whenever one of its turns runs, as by the kernel when memory runs out.
package sandbox_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// askAs asks a guest on behalf of a workspace.
func askAs(ctx context.Context, g *sandbox.Guest, workspace, target string) error {
	r := request("GET", target, nil)
	r.Caller.Workspace, r.Caller.WorkspaceUID = workspace, workspace+"-uid"
	resp, err := g.Do(ctx, r)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// TestWhoEndsTheProcessAgainAndAgainIsBlamed has one tenant of a guest end the
// process, while others ask without a pause.
func TestWhoEndsTheProcessAgainAndAgainIsBlamed(t *testing.T) {
	for _, isolation := range []sandbox.Isolation{sandbox.IsolateWorkspace, sandbox.IsolateShared, sandbox.IsolateRequest} {
		t.Run(string(isolation), func(t *testing.T) {
			f := start(t, sandbox.Options{OwnProcess: true})
			bad := f.load("kit", func(s *sandbox.Spec) {
				s.Name, s.Isolation, s.Limits = "bad", isolation, unheld(s.Limits)
			})
			loops := sandbox.WatchTurns(bad, "/loop")
			good := f.load("kit", func(s *sandbox.Spec) { s.Name = "good" })
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var others sync.WaitGroup
			answers := map[*sandbox.Guest]*atomic.Int64{good: {}, bad: {}}
			for g, n := range answers {
				others.Go(func() {
					for ctx.Err() == nil {
						err := askAs(ctx, g, "innocent", "/count")
						if err == nil {
							n.Add(1)
						} else if !errors.Is(err, sandbox.ErrInterrupted) && !errors.Is(err, context.Canceled) {
							t.Errorf("an innocent request: %v", err)
						}
					}
				})
			}

			// A request that never ends: whenever it runs, the process is killed. A
			// kill may come just before its turn is asked for, and blames nobody then.
			deaths, killed := 0, 0
			var fault *sandbox.Fault
			for asked := 0; fault == nil && asked < 30; asked++ {
				ended := make(chan error, 1)
				go func() { ended <- askAs(ctx, bad, "culprit", "/loop") }()
				var err error
				for over := false; !over; {
					p, _ := f.engine.Process()
					switch {
					case len(ended) > 0:
						err, over = <-ended, true
					case p.Running > 0 && p.PID != killed && loops.Load() > 0:
						if killed = p.PID; syscall.Kill(p.PID, syscall.SIGKILL) == nil {
							deaths++
						}
					}
				}
				if !errors.As(err, &fault) && !errors.Is(err, sandbox.ErrInterrupted) {
					t.Fatalf("after %d deaths it ended with %v", deaths, err)
				}
			}
			if fault == nil || fault.Class != sandbox.FaultCrash || fault.Extension != "bad" || deaths < 3 {
				t.Fatalf("after %d deaths: %+v", deaths, fault)
			}
			for line := range strings.Lines(f.logs.String()) { // its breaker may be half open by now
				if strings.Contains(line, "is not asked for a while") && !strings.Contains(line, "extension=bad version=1.0.0 workspace=culprit") {
					t.Errorf("another breaker has opened: %s", line)
				}
			}
			if text := f.logs.String(); !strings.Contains(text, "is not asked for a while") {
				t.Error("its breaker has not opened")
			}
			if h := good.Health(); len(h) != 0 {
				t.Errorf("an innocent one is to blame: %+v", h)
			}
			for g, n := range answers {
				before := n.Load()
				eventually(t, "innocents are answered", func() bool { return n.Load() > before+5 })
				all, _ := g.Usage()
				if want := map[*sandbox.Guest]uint64{good: 0, bad: 1}[g]; all.Faults[sandbox.FaultCrash] != want {
					t.Errorf("faults: %v", all.Faults)
				}
			}
			// The breaker lets one through after a second, which is well.
			eventually(t, "it is asked again", func() bool { return askAs(t.Context(), bad, "culprit", "/count") == nil })
			eventually(t, "it is well", func() bool { return len(bad.Health()) == 0 })
			stop()
			others.Wait()
			if n := strings.Count(f.logs.String(), "an extension was running when the sandbox's process ended"); n < deaths {
				t.Errorf("%d times the log names who was running, in %d deaths", n, deaths)
			}
			eventually(t, "it is told", func() bool { return len(f.faultsSeen()) == 1 })
			if faults := f.faultsSeen(); faults[0].Class != sandbox.FaultCrash || !strings.Contains(faults[0].Detail, "process ended") {
				t.Errorf("%+v", faults)
			}
			t.Logf("%d deaths", deaths)
		})
	}
}
