// What the tests share: an engine whose compiled guests outlive a run, doors
// that a test controls, and waiting for a condition.
package sandbox_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

// cacheDir keeps compiled guests for all tests of one run.
var cacheDir string

// ownProcessVariable is set where the engines of a run have a process of their
// own; it names the cache of the run that this one belongs to.
const ownProcessVariable = "SANDBOX_TESTS_IN_A_PROCESS"

var ownProcess bool

func TestMain(m *testing.M) {
	sandbox.RunChild()
	dir, err := os.MkdirTemp("", "sandbox-cache-")
	if err != nil {
		panic(err)
	}
	cacheDir = filepath.Join(dir, "cache")
	if shared := os.Getenv(ownProcessVariable); shared != "" {
		ownProcess, cacheDir = true, shared
	}
	sandbox.CacheDir = cacheDir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// fixture is one engine and what it was seen to do.
type fixture struct {
	*testing.T
	engine *sandbox.Engine
	logs   *lines

	mu     sync.Mutex
	faults []sandbox.Fault
	door   sandbox.Door
}

// lines is a log that tests read.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start makes an engine. The door `kubernetes` is whatever setDoor says.
func start(t *testing.T, o sandbox.Options) *fixture {
	t.Helper()
	f := &fixture{T: t, logs: &lines{}}
	if o.CacheDir == "" {
		o.CacheDir = cacheDir
	}
	o.OwnProcess = o.OwnProcess || ownProcess
	o.Logger = slog.New(slog.NewTextHandler(f.logs, nil))
	o.OnFault = func(fault sandbox.Fault) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.faults = append(f.faults, fault)
	}
	o.Doors = func(authority string) sandbox.Door {
		f.mu.Lock()
		defer f.mu.Unlock()
		if authority != "kubernetes" || f.door == nil {
			return nil
		}
		return f.door
	}
	engine, err := sandbox.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	f.engine = engine
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(f.logs)
		}
	})
	return f
}

func (f *fixture) setDoor(d sandbox.DoorFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.door = d
}

func (f *fixture) faultsSeen() []sandbox.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sandbox.Fault(nil), f.faults...)
}

// load loads the guest of a folder under testdata/guests.
func (f *fixture) load(name string, change func(*sandbox.Spec)) *sandbox.Guest {
	f.Helper()
	wasm := sandboxtest.Guest(f, "testdata/guests/"+name)
	spec := sandbox.Spec{Name: name, Version: "1.0.0", Wasm: func() ([]byte, error) { return wasm, nil }}
	if change != nil {
		change(&spec)
	}
	return f.engine.Load(spec)
}

// unheld are limits without the budgets that load uses up, for one instance.
func unheld(l sandbox.Limits) sandbox.Limits {
	l.Instances = 1
	l.CPUPerPoll, l.CPUPerRequest, l.CPUPerMinute = time.Hour, -1, -1
	l.RequestSize, l.ResponseSize, l.HostCallsPerSecond = -1, -1, -1
	return l
}

// request asks on behalf of somebody in workspace w.
func request(method, target string, body io.Reader) *sandbox.Request {
	return &sandbox.Request{
		Authority: "route", Method: method, Target: target, Body: body,
		Caller: sandbox.Caller{User: "alice", UserUID: "u-1", Workspace: "w", WorkspaceUID: "w-1"},
	}
}

// get asks with GET and reads the whole answer.
func get(ctx context.Context, g *sandbox.Guest, target string) (string, error) {
	resp, err := g.Do(ctx, request("GET", target, nil))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes, not yet: %s", what)
		}
		time.Sleep(time.Millisecond) // the pause between two looks
	}
}

// whole is an answer with this body.
func whole(body string) *sandbox.Response {
	return &sandbox.Response{Status: 200, Body: io.NopCloser(strings.NewReader(body))}
}
