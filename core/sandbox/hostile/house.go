// The house: an engine in which hostile guests are let loose, with doors, a log
// and an ear for faults, so that afterwards one can say who was blamed.
package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// version of every hostile guest.
const version = "6.6.6"

// attacker asks the hostile guests. Its workspace is one of those that the good
// extension serves.
var attacker = sandbox.Caller{User: "mallory", UserUID: "u-mallory", Workspace: "attacked", WorkspaceUID: "w-attacked"}

// House is an engine and what was seen in it. It is safe for concurrent use.
type House struct {
	*sandbox.Engine

	mu     sync.Mutex
	log    strings.Builder
	faults []sandbox.Fault
	told   chan struct{} // closed and made anew at each fault
	strays []string      // what a door was asked that it must not be
}

// Open makes an engine with open and fills in what the house wants to hear.
func Open(open func(sandbox.Options) (*sandbox.Engine, error)) (*House, error) {
	h := &House{told: make(chan struct{})}
	engine, err := open(sandbox.Options{
		Logger:  slog.New(slog.NewTextHandler(writer{h}, nil)),
		OnFault: h.fault, Doors: h.door,
	})
	h.Engine = engine
	return h, err
}

// writer writes into a house's log.
type writer struct{ *House }

func (w writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// Log is what the engine has logged.
func (h *House) Log() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

// Strays are requests at doors that no door should have seen.
func (h *House) Strays() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.strays
}

func (h *House) fault(f sandbox.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, f)
	close(h.told)
	h.told = make(chan struct{})
}

// faultsOf waits until an extension has been blamed n times, and gives its faults.
func (h *House) faultsOf(ctx context.Context, extension string, n int) ([]sandbox.Fault, error) {
	for {
		var found []sandbox.Fault
		h.mu.Lock()
		for _, f := range h.faults {
			if f.Extension == extension {
				found = append(found, f)
			}
		}
		told := h.told
		h.mu.Unlock()
		if len(found) >= n {
			return found, nil
		}
		select {
		case <-told:
		case <-ctx.Done():
			return found, fmt.Errorf("it was blamed %d times, not %d: %w", len(found), n, ctx.Err())
		}
	}
}

// door finds the doors that exist: `echo` answers, `endless` does not stop to,
// and `stuck` waits until nobody waits for it.
func (h *House) door(authority string) sandbox.Door {
	var answer func(context.Context) (io.Reader, error)
	switch authority {
	case "echo":
		answer = func(context.Context) (io.Reader, error) { return strings.NewReader("echo"), nil }
	case "endless":
		answer = func(context.Context) (io.Reader, error) { return zeros{}, nil }
	case "stuck":
		answer = func(ctx context.Context) (io.Reader, error) { <-ctx.Done(); return nil, ctx.Err() }
	default:
		return nil
	}
	return sandbox.DoorFunc(func(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		if c := r.Caller; c.User != attacker.User || c.WorkspaceUID != attacker.WorkspaceUID || len(c.Groups) > 0 || p.Version != version {
			h.mu.Lock()
			h.strays = append(h.strays, fmt.Sprintf("%s %s asks %s as %+v", p.Extension, p.Version, authority, c))
			h.mu.Unlock()
		}
		body, err := answer(ctx)
		if err != nil {
			return nil, err
		}
		return &sandbox.Response{Status: 200, Body: io.NopCloser(body)}, nil
	})
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Attack lets a guest loose: it is loaded, asked, and closed. The error says
// what was answered in the place of what its file promises, or who was not blamed.
func (h *House) Attack(ctx context.Context, guest Guest) error {
	if err := h.loose(ctx, guest); err != nil {
		return err
	}
	if guest.Log != "" && !strings.Contains(h.Log(), guest.Log) {
		return fmt.Errorf("left no %q in the log", guest.Log)
	}
	return nil
}

// loose is Attack but for what is logged last.
func (h *House) loose(ctx context.Context, guest Guest) (err error) {
	wasm, err := guest.Wasm()
	if err != nil {
		return err
	}
	g := h.Load(sandbox.Spec{
		Name: guest.Name, Version: version, Limits: guest.Limits,
		Wasm: func() ([]byte, error) { return wasm, nil },
	})
	defer func() {
		now, cancel := context.WithCancel(ctx)
		cancel() // what still runs has nobody who waits for it
		if closed := g.Close(now); closed != nil && !errors.Is(closed, context.Canceled) {
			err = errors.Join(err, fmt.Errorf("closing it: %w", closed))
		}
	}()
	for n := range guest.Asks {
		got, err := h.ask(ctx, g, guest)
		if !guest.Answer.is(got) {
			return fmt.Errorf("request %d was answered %q (%v), and not %q", n+1, got, err, guest.Answer)
		}
	}
	return h.judge(ctx, g, guest)
}

// ask makes one request and says what came of it.
func (h *House) ask(ctx context.Context, g *sandbox.Guest, guest Guest) (Answer, error) {
	r := &sandbox.Request{Authority: "route", Method: "POST", Target: "/", Caller: attacker, RequestID: "r-" + guest.Name}
	if guest.Body > 0 {
		r.Body = io.LimitReader(zeros{}, guest.Body)
	}
	resp, err := g.Do(ctx, r)
	if err != nil {
		return h.failed(ctx, guest, err), err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return h.failed(ctx, guest, err), err
	}
	return Answer{Status: resp.Status, Text: string(body)}, nil
}

// failed says what an error of Do stands for; of a fault, only if it names the
// culprit.
func (h *House) failed(ctx context.Context, guest Guest, err error) (a Answer) {
	var fault *sandbox.Fault
	var reset *sandbox.ResetError
	var budget *sandbox.BudgetError
	switch {
	case errors.As(err, &fault) && fault.Extension == guest.Name && fault.Version == version:
		a.Fault = fault.Class
	case errors.As(err, &reset):
		a.Reset = reset.Code
	case errors.As(err, &budget):
		a.Budget = budget.Budget
	case errors.Is(err, sandbox.ErrModule):
		a.Refused, a.Text = true, err.Error()
		if wasm, err := guest.Wasm(); err == nil {
			if report, err := h.Prepare(ctx, wasm); err != nil {
				a.Text += "\n" + report.String()
			}
		}
	}
	return a
}

// is tells whether an answer is the one that was promised.
func (a Answer) is(got Answer) bool {
	if a.Refused {
		return got.Refused && strings.Contains(got.Text, a.Text)
	}
	return a == got
}

// judge looks at who was blamed: by who is told of faults, in the log, in the
// guest's numbers and in its health.
func (h *House) judge(ctx context.Context, g *sandbox.Guest, guest Guest) error {
	class, times := guest.Answer.Fault, guest.Asks
	if guest.Then != "" {
		class, times = guest.Then, 1
	} else if class == "" {
		times = 0
	}
	faults, err := h.faultsOf(ctx, guest.Name, times)
	if err != nil {
		return err
	}
	log := h.Log()
	for _, f := range faults {
		if f.Class != class || f.Version != version {
			return fmt.Errorf("it was blamed for %q of version %s, and not for %q", f.Class, f.Version, class)
		}
	}
	stats := g.Stats()
	if len(faults) != times || stats.Faults != uint64(times) {
		return fmt.Errorf("it was blamed %d times and counted %d faults, not %d", len(faults), stats.Faults, times)
	}
	named := fmt.Sprintf("extension=%s version=%s class=%s", guest.Name, version, class)
	if got := strings.Count(log, named); got != times {
		return fmt.Errorf("the log names it %d times, not %d: %s", got, times, named)
	}
	if guest.Answer.Fault == "" && !guest.Answer.Refused {
		return nil
	}
	return healthy(ctx, h, g, guest)
}

// healthy looks whether a guest that has failed is said to have, and is not
// asked any more when it has failed too often.
func healthy(ctx context.Context, h *House, g *sandbox.Guest, guest Guest) error {
	class := guest.Answer.Fault
	if guest.Answer.Refused {
		class = sandbox.FaultStart
	}
	all := g.Health()
	if len(all) != 1 || all[0].Workspace != attacker.Workspace || all[0].Class != class || all[0].Faults != guest.Asks {
		return fmt.Errorf("its health is %+v", all)
	}
	if guest.Asks < breakAfter {
		return nil
	}
	var broken *sandbox.BrokenError
	if got, err := h.ask(ctx, g, guest); !errors.As(err, &broken) || broken.Class != class {
		return fmt.Errorf("after %d faults it was asked again, and answered %q (%v)", guest.Asks, got, err)
	}
	return nil
}
