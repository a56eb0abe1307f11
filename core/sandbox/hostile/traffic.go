// Traffic: the good extension under steady load.
package hostile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// workspaces that ask the good extension; one of them is attacked.
var workspaces = []string{"attacked", "north", "south"}

// Traffic is an open loop of requests: each begins when it is due, whatever has
// become of those before it.
type Traffic struct {
	guest *sandbox.Guest
	stop  chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	took   []time.Duration
	failed []error
}

// Serve loads the extension hello and asks it so often each second until Stop.
// It returns when each workspace has been answered once.
func (h *House) Serve(ctx context.Context, hello []byte, perSecond int) (*Traffic, error) {
	t := &Traffic{stop: make(chan struct{}), ended: make(chan struct{})}
	t.guest = h.Load(sandbox.Spec{
		Name: "hello", Version: "1.0.0", Limits: sandbox.Limits{Memory: 32 << 20},
		Wasm: func() ([]byte, error) { return hello, nil },
	})
	for n := range workspaces {
		if err := t.ask(ctx, n); err != nil {
			return nil, fmt.Errorf("the good extension, alone: %w", err)
		}
	}
	go t.run(ctx, time.Second/time.Duration(perSecond))
	return t, nil
}

func (t *Traffic) run(ctx context.Context, every time.Duration) {
	defer close(t.ended)
	var flying sync.WaitGroup
	defer flying.Wait()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n, due := 0, time.Now(); ; {
		select {
		case <-t.stop:
			return
		case now := <-ticker.C:
			for ; !due.After(now); due = due.Add(every) {
				began, k := due, n
				flying.Go(func() {
					err := t.ask(ctx, k)
					t.mu.Lock()
					defer t.mu.Unlock()
					t.took = append(t.took, time.Since(began))
					if err != nil {
						t.failed = append(t.failed, err)
					}
				})
				n++
			}
		}
	}
}

// ask makes the nth request and looks at its answer.
func (t *Traffic) ask(ctx context.Context, n int) error {
	w := workspaces[n%len(workspaces)]
	x := sandbox.Exchange{Request: sandbox.Request{
		Authority: "route", Method: "GET", Target: "/greetings/English",
		Caller: sandbox.Caller{User: "alice", UserUID: "u-alice", Workspace: w, WorkspaceUID: "w-" + w},
	}}
	if err := t.guest.Exchange(ctx, &x); err != nil {
		return fmt.Errorf("a good request of workspace %s: %w", w, err)
	}
	if want := `{"language":"English","text":"Hello, alice!"}` + "\n"; x.Status != 200 || string(x.Body) != want {
		return fmt.Errorf("a good request of workspace %s was answered %d %q", w, x.Status, x.Body)
	}
	return nil
}

// Stop ends the load, waits for the last answers, and gives how long each
// request took from when it was due, sorted, and the errors of those that failed.
func (t *Traffic) Stop() (took []time.Duration, failed []error) {
	close(t.stop)
	<-t.ended
	slices.Sort(t.took)
	return t.took, t.failed
}

// Guest is the good extension.
func (t *Traffic) Guest() *sandbox.Guest { return t.guest }
