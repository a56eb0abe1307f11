//go:build linux

// The sandbox's process in a running Atoll: its death, as people, probes and
// operators see it.

package server

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// killSandbox ends the sandbox's process if there is one.
func (r *running) killSandbox() {
	r.t.Helper()
	if p, _ := r.sandbox.Process(); p.Up {
		if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			r.t.Fatal(err)
		}
	}
}

func TestDeadSandboxIsSaidAndComesBack(t *testing.T) {
	r := start(t, func(c *Config) { c.Metrics.OpenOnLoopback = true })
	ready := func() string {
		t.Helper()
		a := r.do(nil, "GET", "/readyz", nil, nil)
		if a.status != 200 {
			t.Errorf("it is not ready without extensions: %d", a.status)
		}
		return string(a.body)
	}
	if got := ready(); got != "ok\n" {
		t.Fatalf("at first it says %q", got)
	}
	eventually(t, "it says that the sandbox is down", func() bool {
		r.killSandbox() // each time it is left alone a little longer
		return strings.HasPrefix(ready(), "degraded: ")
	})
	r.admin().must("GET", "/api/v1/workspaces", nil, 200)
	eventually(t, "all is well again", func() bool { return ready() == "ok\n" })
	figures := string(r.do(nil, "GET", "/metrics", nil, nil).body)
	if !strings.Contains(figures, "\natoll_sandbox_up 1\n") || !strings.Contains(figures, "\natoll_sandbox_restarts_total ") || !strings.Contains(figures, "\natoll_sandbox_running ") ||
		strings.Contains(figures, "\natoll_sandbox_restarts_total 0\n") || strings.Contains(figures, "\natoll_sandbox_resident_memory_bytes 0\n") {
		t.Errorf("the figures say\n%s", figures)
	}
	if log := r.log.String(); !strings.Contains(log, "the sandbox's process has ended") || !strings.Contains(log, "signal: killed") || !strings.Contains(log, "was started again") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestOneProcessHasNoFiguresOfAnother(t *testing.T) {
	r := start(t, func(c *Config) { c.Metrics.OpenOnLoopback, c.Sandbox.InProcess = true, true })
	if figures := string(r.do(nil, "GET", "/metrics", nil, nil).body); strings.Contains(figures, "atoll_sandbox_") {
		t.Errorf("the figures say\n%s", figures)
	}
	if a := r.do(nil, "GET", "/readyz", nil, nil); a.status != 200 || string(a.body) != "ok\n" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestPeopleDoNotNoticeADeadSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a guest")
	}
	tar, err := helloPackage()
	if err != nil {
		t.Fatal(err)
	}
	r := startWith(t, newUpstream(t, func(http.ResponseWriter, *http.Request) {}), nil)
	admin := r.admin()
	var review struct{ Consent string }
	admin.send("/api/v1/extensions:review", tar).json(&review)
	if a := admin.send("/api/v1/extensions?consent="+review.Consent, tar); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	const route = "/x/hello/greetings/English"
	admin.must("GET", route, nil, 200)
	for range 5 {
		var all sync.WaitGroup
		over, asked := make(chan struct{}), atomic.Int64{}
		for range 8 {
			all.Go(func() {
				for {
					if a := admin.do("GET", route, nil); a.status != 200 {
						t.Errorf("%d %s", a.status, a.body)
					}
					asked.Add(1)
					select {
					case <-over:
						return
					default:
					}
				}
			})
		}
		eventually(t, "all ask", func() bool { return asked.Load() > 50 })
		before, _ := r.sandbox.Process()
		r.killSandbox()
		eventually(t, "it is back", func() bool { p, _ := r.sandbox.Process(); return p.Up && p.Restarts > before.Restarts })
		then := asked.Load()
		eventually(t, "it answers", func() bool { return asked.Load() > then+50 })
		close(over)
		all.Wait()
	}
}
