// Command bench measures what a call into a guest costs, each figure with its
// peer in the same run, interleaved, medians of several rounds. Run it from this
// folder:
//
//	go run . -out figures.jsonl
//
// It is a module of its own so that the peer stays out of Atoll's.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
	extism "github.com/extism/go-sdk"
)

func main() {
	sandbox.RunChild()
	out := flag.String("out", "", "file to write figures to; standard output when empty")
	rounds := flag.Int("rounds", 9, "rounds, of which the medians are given")
	flag.Parse()
	figures, err := measure(*rounds)
	if err == nil {
		err = figure.Write(*out, figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// subject is something that is called again and again.
type subject struct {
	call  func() error
	times []float64 // nanoseconds a call, one for each round
}

// round calls it for about a tenth of a second.
func (s *subject) round() error {
	n, began := 0, time.Now()
	for batch := 1; ; batch = min(2*batch, 1024) {
		for range batch {
			if err := s.call(); err != nil {
				return err
			}
		}
		n += batch
		if d := time.Since(began); d > 100*time.Millisecond {
			s.times = append(s.times, float64(d.Nanoseconds())/float64(n))
			return nil
		}
	}
}

func (s *subject) median() float64 { return figure.Median(s.times) }

// allocs counts what one call allocates on the whole heap, the lowest of some
// rounds: the runtime's own goroutines allocate now and then too.
func (s *subject) allocs() (float64, error) {
	best := -1.0
	for range 5 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		const n = 2000
		for range n {
			if err := s.call(); err != nil {
				return 0, err
			}
		}
		runtime.ReadMemStats(&after)
		if a := float64(after.Mallocs-before.Mallocs) / n; best < 0 || a < best {
			best = a
		}
	}
	return float64(int(best*100)) / 100, nil
}

func measure(rounds int) ([]figure.Figure, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	frame, httpCall, done, err := hello(filepath.Join(root, "extensions", "hello"), false)
	if err != nil {
		return nil, err
	}
	defer done()
	farFrame, farHTTP, farDone, err := hello(filepath.Join(root, "extensions", "hello"), true)
	if err != nil {
		return nil, err
	}
	defer farDone()
	peer, peerDone, err := extismFrame(filepath.Join(root, "core", "sandbox", "bench", "guests", "extism"))
	if err != nil {
		return nil, err
	}
	defer peerDone()
	native := nativeHTTP()
	all := []*subject{frame, farFrame, peer, httpCall, farHTTP, native}
	for n := range rounds + 1 {
		for _, s := range all {
			if err := s.round(); err != nil {
				return nil, err
			}
			if n == 0 {
				s.times = nil // warm
			}
		}
	}
	allocs, err := frame.allocs()
	if err != nil {
		return nil, err
	}
	of, err := instances(root, rounds)
	if err != nil {
		return nil, err
	}
	meters, err := metering(root, rounds)
	if err != nil {
		return nil, err
	}
	waits, err := waiting(root, rounds)
	if err != nil {
		return nil, err
	}
	attacked, err := attacks(root, rounds)
	if err != nil {
		return nil, err
	}
	return append([]figure.Figure{
		{Name: "wire.call.frame", Value: frame.median(), Unit: "ns", Peer: "Extism Go SDK, same bytes", PeerValue: new(peer.median()), Note: "metered; Extism runs without a limit on time"},
		{Name: "wire.call.frame.allocs", Value: allocs, Unit: "count"},
		{Name: "wire.call.http", Value: httpCall.median(), Unit: "ns", Peer: "the same handler run natively under net/http/httptest", PeerValue: new(native.median())},
		{Name: "wire.call.frame.process", Value: farFrame.median(), Unit: "ns", Peer: "the guest in this process", PeerValue: new(frame.median()), Note: "the guest in a process of the sandbox's own"},
		{Name: "wire.call.http.process", Value: farHTTP.median(), Unit: "ns", Peer: "the guest in this process", PeerValue: new(httpCall.median()), Note: "the guest in a process of the sandbox's own"},
	}, slices.Concat(of, meters, waits, attacked)...), nil
}

// findRoot finds the project's folder from the one that this is run in.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "extensions", "hello", "extension.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("run it inside the project: extensions/hello is nowhere above")
		}
		dir = parent
	}
}

// payload is what goes in and comes back at the frame level.
var payload = bytes.Repeat([]byte("x"), 64)

// hello gives the two routes of the shipped guest, in this process or in the
// sandbox's own.
func hello(dir string, own bool) (frame, httpCall *subject, done func(), err error) {
	wasm, err := sandboxtest.Build(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx := context.Background()
	engine, err := sandbox.New(ctx, sandbox.Options{Logger: slog.New(slog.DiscardHandler), OwnProcess: own})
	if err != nil {
		return nil, nil, nil, err
	}
	g := engine.Load(sandbox.Spec{Name: "hello", Wasm: func() ([]byte, error) { return wasm, nil }, Limits: sandbox.Limits{Memory: 32 << 20, CPUPerMinute: -1}})
	alice := sandbox.Caller{User: "alice", UserUID: "u-1", Workspace: "demo", WorkspaceUID: "w-1"}
	f := &sandbox.Exchange{Request: sandbox.Request{Authority: "route", Method: "POST", Target: "/frame", Caller: alice}, Send: payload}
	h := &sandbox.Exchange{Request: sandbox.Request{Authority: "route", Method: "GET", Target: "/greetings/English", Caller: alice}}
	call := func(x *sandbox.Exchange, want string) *subject {
		return &subject{call: func() error {
			if err := g.Exchange(ctx, x); err != nil {
				return err
			}
			if x.Status != 200 || string(x.Body) != want {
				return fmt.Errorf("%s answered %d %q", x.Request.Target, x.Status, x.Body)
			}
			return nil
		}}
	}
	return call(f, string(payload)), call(h, `{"language":"English","text":"Hello, alice!"}`+"\n"), func() { _ = engine.Close(ctx) }, nil
}

// extismFrame is the same bytes through Extism.
func extismFrame(dir string) (*subject, func(), error) {
	wasm, err := sandboxtest.Build(dir)
	if err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: wasm}}}
	plugin, err := extism.NewPlugin(ctx, manifest, extism.PluginConfig{EnableWasi: true}, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("extism: %w", err)
	}
	s := &subject{call: func() error {
		_, out, err := plugin.Call("frame", payload)
		if err == nil && !bytes.Equal(out, payload) {
			err = fmt.Errorf("extism answered %q", out)
		}
		return err
	}}
	return s, func() { _ = plugin.Close(ctx) }, nil
}

// nativeHTTP is hello's JSON route, run natively: the handlers of
// extensions/hello/main.go, with the caller in a header instead of the context.
func nativeHTTP() *subject {
	type greeting struct {
		Language string `json:"language"`
		Text     string `json:"text"`
	}
	hellos := []greeting{
		{"Deutsch", "Hallo"}, {"English", "Hello"}, {"Español", "Hola"}, {"Français", "Bonjour"},
		{"Türkçe", "Merhaba"}, {"Tiếng Việt", "Xin chào"}, {"中文", "你好"}, {"日本語", "こんにちは"},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /greetings", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/greetings", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /fragments/greetings", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /greetings/{language}", func(w http.ResponseWriter, r *http.Request) {
		name := cmp.Or(r.URL.Query().Get("name"), r.Header.Get("User"), "world")
		for _, g := range hellos {
			if g.Language == r.PathValue("language") {
				w.Header().Set("Content-Type", "application/json")
				json.NewEncoder(w).Encode(greeting{g.Language, g.Text + ", " + name + "!"})
				return
			}
		}
		http.Error(w, "a language that it does not speak", http.StatusNotFound)
	})
	return &subject{call: func() error {
		r := httptest.NewRequest("GET", "/greetings/English", nil)
		r.Header.Set("User", "alice")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		body, err := io.ReadAll(w.Result().Body)
		if err == nil && (w.Code != 200 || len(body) == 0) {
			err = fmt.Errorf("the native handler answered %d %q", w.Code, body)
		}
		return err
	}}
}
