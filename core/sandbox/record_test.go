// A recorded instance does the same again, and its recording tells no secret.
package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/recording"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

// loadModule loads a module under a name.
func (f *fixture) loadModule(name string, wasm []byte, change func(*sandbox.Spec)) *sandbox.Guest {
	spec := sandbox.Spec{Name: name, Version: "1.0.0", Wasm: func() ([]byte, error) { return wasm, nil }}
	if change != nil {
		change(&spec)
	}
	return f.engine.Load(spec)
}

// recorded records what a guest does while it is asked, until it is closed.
func recorded(t *testing.T, g *sandbox.Guest, o sandbox.RecordOptions, ask func()) *recording.Recording {
	t.Helper()
	o.Caller, o.For = request("", "", nil).Caller, time.Minute
	type result struct {
		*recording.Recording
		err error
	}
	done := make(chan result, 1)
	go func() {
		rec, err := g.Record(t.Context(), o)
		done <- result{rec, err}
	}()
	eventually(t, "it is to be recorded", func() bool { return sandbox.ToBeRecorded(g) })
	ask()
	sandbox.EndInstances(g) // the recording's time is over with its instance
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.Recording
}

// written is a recording that was written and read.
func written(t *testing.T, rec *recording.Recording) (*recording.Recording, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := rec.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := recording.Read(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return again, b.Bytes()
}

// askAll asks for many targets at once, again and again, and posts to some.
func askAll(t *testing.T, g *sandbox.Guest, rounds int, targets ...string) {
	var wg sync.WaitGroup
	for _, target := range targets {
		wg.Go(func() {
			for n := range rounds {
				method, body := "GET", io.Reader(nil)
				if strings.HasPrefix(target, "POST ") {
					method, body = "POST", strings.NewReader(strings.Repeat(fmt.Sprint(n), 20_000))
				}
				resp, err := g.Do(t.Context(), request(method, strings.TrimPrefix(target, "POST "), body))
				if err != nil {
					t.Error(target, err)
					return
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Error(target, err)
				}
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

func TestRecordedGuestsDoTheSameAgain(t *testing.T) {
	for name, c := range map[string]struct {
		folder  string
		targets []string
	}{
		"kit": {"testdata/guests/kit", []string{
			"/map?a", "/map?b", "/random", "/clock", "/json/x", "/count", "/two", "/sleep/3", "/log", "/build", "POST /echo"}},
		"hello": {"../../extensions/hello", []string{"/greetings", "/greetings?name=you", "/greetings/English", "/greetings/none", "/frame?name=you"}},
	} {
		t.Run(name, func(t *testing.T) {
			wasm := sandboxtest.Guest(t, c.folder)
			f := start(t, sandbox.Options{})
			f.setDoor(func(_ context.Context, _ sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
				return whole(r.Target), nil
			})
			g := f.loadModule(name, wasm, nil)
			askAll(t, g, 1, c.targets...) // there is a snapshot, and an instance that is not recorded
			rounds := scaled(40, 8)
			rec := recorded(t, g, sandbox.RecordOptions{}, func() { askAll(t, g, rounds, c.targets...) })
			rec, _ = written(t, rec)
			if len(rec.Turns) <= rounds || rec.Extension != name || rec.Version != "1.0.0" || rec.Used.CPU == 0 || !strings.HasPrefix(rec.Digest, "sha256:") {
				t.Fatalf("%d turns of %s %s %s: %+v", len(rec.Turns), rec.Extension, rec.Version, rec.Digest, rec.Used)
			}
			for where, e := range map[string]*sandbox.Engine{"where it was recorded": f.engine, "elsewhere": start(t, sandbox.Options{}).engine} {
				r, err := e.Replay(t.Context(), wasm, rec)
				if err != nil {
					t.Fatal(err)
				}
				if r.Differing > 0 || r.Ended != "" || len(r.Turns) != len(rec.Turns) || r.Now.Units != r.Before.Units {
					t.Errorf("%s: %d of %d turns differ, %q, %+v and then %+v: %v", where, r.Differing, len(rec.Turns), r.Ended, r.Before, r.Now, r.Differences)
				}
				t.Logf("%s: %d turns used %v, and now %v", where, len(r.Turns), r.Before.CPU, r.Now.CPU)
			}
			if name == "hello" {
				return // nothing of it depends on its seed
			}
			rec.Start.Seed[0]++
			if r, err := f.engine.Replay(t.Context(), wasm, rec); err != nil || r.Differing == 0 {
				t.Errorf("with another seed it does the same: %+v, %v", r, err)
			}
		})
	}
}

func TestReplayNamesWhatAnotherBuildDoes(t *testing.T) {
	wasm := sandboxtest.Guest(t, "testdata/guests/kit")
	other := bytes.ReplaceAll(wasm, []byte("kit-build:1;"), []byte("kit-build:2;"))
	if bytes.Equal(wasm, other) {
		t.Fatal("both builds are the same")
	}
	f := start(t, sandbox.Options{})
	g := f.loadModule("kit", wasm, nil)
	rec := recorded(t, g, sandbox.RecordOptions{}, func() {
		for _, target := range []string{"/map", "/build", "/count"} {
			if _, err := get(t.Context(), g, target); err != nil {
				t.Fatal(err)
			}
		}
	})
	r, err := f.engine.Replay(t.Context(), other, rec)
	if err != nil {
		t.Fatal(err)
	}
	if r.Differing != 1 || !strings.HasSuffix(r.Differences[0].String(), `(DATA on stream 3): payload, from byte 10 of 12 on: "1;", now "2;"`) {
		t.Errorf("%d differ: %v", r.Differing, r.Differences)
	}
}

// secretly is a door that says what of it is secret.
type secretly struct{ sandbox.DoorFunc }

func (secretly) Secret(_ sandbox.Parent, r *sandbox.Request) bool {
	return strings.Contains(r.Target, "secret")
}

func TestRecordingTellsNoSecret(t *testing.T) {
	const public, private, setting = "hunter-public", "hunter-private", "hunter-setting"
	f := start(t, sandbox.Options{})
	door := sandbox.DoorFunc(func(_ context.Context, _ sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		return whole(private + "\n"), nil
	})
	for name, c := range map[string]struct {
		door   sandbox.Door
		ask    *sandbox.Request
		cut    bool
		answer string
	}{
		"a door that says nothing of it": {door, request("GET", "/follow?x", nil), true, private},
		"what a door says is secret":     {secretly{door}, request("GET", "/follow?secret", nil), true, private},
		"what a door says is none":       {secretly{door}, request("GET", "/follow?x", nil), false, private},
		"what a client sends":            {door, request("POST", "/echo", strings.NewReader(private)), true, private},
		"a setting":                      {door, request("GET", "/setting/key", nil), true, setting},
		"a plain answer":                 {door, request("GET", "/json/"+public, nil), false, public},
	} {
		t.Run(name, func(t *testing.T) {
			f.door = c.door
			g := f.load("kit", func(s *sandbox.Spec) { s.Settings = map[string]string{"key": setting} })
			rec := recorded(t, g, sandbox.RecordOptions{}, func() {
				resp, err := g.Do(t.Context(), c.ask)
				if err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), c.answer) {
					t.Fatalf("it answered %q, %v", b, err)
				}
			})
			rec, b := written(t, rec)
			if found := bytes.Contains(b, []byte(c.answer)); found == c.cut {
				t.Errorf("%q is in the recording: %v", c.answer, found)
			}
			if bytes.Contains(b, []byte("alice")) {
				t.Error("it names who asked")
			}
			if r, err := f.engine.Replay(t.Context(), sandboxtest.Guest(t, "testdata/guests/kit"), rec); err != nil || r.Differing > 0 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func TestOneInstanceOfOneTenantIsRecorded(t *testing.T) {
	for _, isolation := range []sandbox.Isolation{sandbox.IsolateRequest, sandbox.IsolateUser, sandbox.IsolateWorkspace, sandbox.IsolateShared} {
		t.Run(string(isolation), func(t *testing.T) {
			f := start(t, sandbox.Options{})
			g := f.load("kit", func(s *sandbox.Spec) { s.Isolation = isolation })
			rec := recorded(t, g, sandbox.RecordOptions{Users: true}, func() {
				if _, err := g.Record(t.Context(), sandbox.RecordOptions{}); !errors.Is(err, sandbox.ErrRecording) {
					t.Errorf("a second recording: %v", err)
				}
				other := request("GET", "/json/other", nil)
				other.Caller = sandbox.Caller{User: "bob", UserUID: "u-2", Workspace: "v", WorkspaceUID: "w-2"}
				if isolation != sandbox.IsolateShared {
					resp, err := g.Do(t.Context(), other)
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
				}
				for range 2 {
					if _, err := get(t.Context(), g, "/json/mine"); err != nil {
						t.Fatal(err)
					}
				}
			})
			_, b := written(t, rec)
			requests := 2
			if isolation == sandbox.IsolateRequest {
				requests = 1
			}
			if bytes.Contains(b, []byte("bob")) || bytes.Count(b, []byte("/json/mine")) != requests {
				t.Errorf("it holds %d requests, and the other's: %v", bytes.Count(b, []byte("/json/mine")), bytes.Contains(b, []byte("bob")))
			}
		})
	}
}

func TestRecordingIsBounded(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	if _, err := g.Record(t.Context(), sandbox.RecordOptions{For: time.Nanosecond}); !errors.Is(err, sandbox.ErrNotAsked) {
		t.Errorf("a recording of nothing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Record(ctx, sandbox.RecordOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a recording for nobody: %v", err)
	}
	rec := recorded(t, g, sandbox.RecordOptions{Size: 20_000}, func() { askAll(t, g, 50, "/map") })
	if _, b := written(t, rec); len(b) > 40_000 || rec.Ended != "it is as large as it may be" {
		t.Errorf("%d bytes, and it ended because %s", len(b), rec.Ended)
	}
}
