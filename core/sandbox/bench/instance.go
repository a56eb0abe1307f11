// What an instance costs: to start one for its first answer, to keep it, to make
// it pristine again, and to have its module loaded at all.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/recording"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

const (
	// freshInstances is how many instances are started beside each other, so that
	// none is one that was used before.
	freshInstances = 200
	// freshPause is between two of them, so that the next one may be instantiated
	// in advance, as where people come one after the other.
	freshPause = 2 * time.Millisecond
)

// instances measures hello's. It comes before what fills the memory.
func instances(root string, rounds int) ([]figure.Figure, error) {
	wasm, err := sandboxtest.Build(filepath.Join(root, "extensions", "hello"))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-instance-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	engine, err := sandbox.New(ctx, sandbox.Options{Logger: slog.New(slog.DiscardHandler), CacheDir: filepath.Join(dir, "cache"), CompileInChild: true, IdleAfter: -1})
	if err != nil {
		return nil, err
	}
	defer engine.Close(ctx)
	if _, err := engine.Prepare(ctx, wasm); err != nil { // as when it is installed
		return nil, err
	}
	loaded, err := loading(ctx, engine, wasm, rounds)
	if err != nil {
		return nil, err
	}
	fresh, err := starting(ctx, engine, wasm, rounds)
	if err != nil {
		return nil, err
	}
	reset, err := resetting(ctx, engine, wasm, filepath.Join(dir, "cache"))
	return append(append(loaded, fresh...), reset), err
}

// loading gives what a process holds more while hello is loaded and has answered.
func loading(ctx context.Context, engine *sandbox.Engine, wasm []byte, rounds int) ([]figure.Figure, error) {
	var more, back []float64
	for n := range rounds {
		before, err := private()
		if err != nil {
			return nil, err
		}
		g := guest(engine, wasm)
		if err := greet(ctx, g, 0); err != nil {
			return nil, err
		}
		during, err := private()
		if err != nil {
			return nil, err
		}
		if err := g.Close(ctx); err != nil {
			return nil, err
		}
		after, err := private()
		if err != nil {
			return nil, err
		}
		if n > 0 { // what the first one brings stays: pools, and the like
			more, back = append(more, mebibytes(during-before)), append(back, mebibytes(during-after))
		}
	}
	return []figure.Figure{{
		Name: "extension.loaded.memory", Value: figure.Median(more), Unit: "MiB",
		Note: fmt.Sprintf("with one instance that has answered; unloading gives back %.1f MiB", figure.Median(back)),
	}}, nil
}

// starting gives how long an instance of its own takes to its first answer, and
// what it holds then.
func starting(ctx context.Context, engine *sandbox.Engine, wasm []byte, rounds int) ([]figure.Figure, error) {
	peer, done, err := instantiating(ctx, wasm)
	if err != nil {
		return nil, err
	}
	defer done()
	var ours, rush, theirs, memory []float64
	for round := range 2 * rounds {
		g := guest(engine, wasm)
		if err := greet(ctx, g, 0); err != nil { // loaded, and with its snapshot
			return nil, err
		}
		before, err := private()
		if err != nil {
			return nil, err
		}
		for user := 1; user <= freshInstances; user++ {
			began := time.Now()
			if err := greet(ctx, g, user); err != nil {
				return nil, err
			}
			took := float64(time.Since(began)) / 1e6
			if round%2 == 1 { // one right after the other
				rush = append(rush, took)
				continue
			}
			ours = append(ours, took)
			time.Sleep(freshPause)
			if user%10 == 0 {
				took, err := peer()
				if err != nil {
					return nil, err
				}
				theirs = append(theirs, float64(took)/1e6)
			}
		}
		after, err := private()
		if err != nil {
			return nil, err
		}
		if n := g.Stats().Instances; n != freshInstances+1 {
			return nil, fmt.Errorf("there are %d instances", n)
		}
		memory = append(memory, mebibytes(after-before)/freshInstances)
		if err := g.Close(ctx); err != nil {
			return nil, err
		}
	}
	return []figure.Figure{
		{Name: "instance.fresh.time", Value: figure.Median(ours), Unit: "ms", Peer: "wazero InstantiateModule of the same module", PeerValue: new(figure.Median(theirs)),
			Note: fmt.Sprintf("for a user who had none, from the request to its answer, through net/http in the guest, one every %v, with the next one instantiated in advance; "+
				"%.2f ms where they come right after each other; wazero's has answered nothing", freshPause, figure.Median(rush))},
		{Name: "instance.fresh.memory", Value: figure.Median(memory), Unit: "MiB", Note: fmt.Sprintf("of %d at once, with what the host keeps of them", freshInstances)},
	}, nil
}

// instantiating instantiates a module with wazero alone, and ends it again.
func instantiating(ctx context.Context, wasm []byte) (once func() (time.Duration, error), done func(), err error) {
	rt := wazero.NewRuntime(ctx)
	done = func() { _ = rt.Close(ctx) }
	if _, err = wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		return nil, done, err
	}
	code, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		return nil, done, err
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize")
	return func() (time.Duration, error) {
		began := time.Now()
		m, err := rt.InstantiateModule(ctx, code, config)
		took := time.Since(began)
		if err != nil {
			return 0, err
		}
		return took, m.Close(ctx)
	}, done, nil
}

// resetting gives how long it takes to make a machine pristine again that has
// answered one request: what an instance was told, told to machines without one.
func resetting(ctx context.Context, engine *sandbox.Engine, wasm []byte, cache string) (figure.Figure, error) {
	const times = 2000
	rec, err := recorded(ctx, engine, wasm)
	if err != nil {
		return figure.Figure{}, err
	}
	room, err := machine.NewLocal(ctx, machine.Options{Logger: slog.New(slog.DiscardHandler), CacheDir: cache})
	if err != nil {
		return figure.Figure{}, err
	}
	defer room.Close(ctx)
	code, _, err := room.Load(ctx, wasm)
	if err != nil {
		return figure.Figure{}, err
	}
	defer code.Close()
	var took []float64
	for range times {
		start := rec.Start
		start.Apart = false
		m, err := code.Start(ctx, start)
		if err != nil {
			return figure.Figure{}, err
		}
		size, answered := m.Memory(), false
		for _, t := range rec.Turns {
			turn := machine.Turn{Now: start.Now.Add(t.Now), Batch: t.Batch, Keep: t.Keep, CPU: time.Second}
			if err := m.Turn(&turn); err != nil {
				return figure.Figure{}, err
			}
			answered = answered || bytes.Contains(turn.Frames, []byte("Hello"))
		}
		if !answered || m.Memory() != size {
			return figure.Figure{}, fmt.Errorf("it answered: %v; of %d bytes it has come to %d, and cannot be used again", answered, size, m.Memory())
		}
		began := time.Now()
		m.Close()
		took = append(took, float64(time.Since(began))/1e3)
	}
	return figure.Figure{Name: "instance.reset.time", Value: figure.Median(took), Unit: "us", Note: "after one request through net/http in the guest"}, nil
}

// recorded is what an instance is told for one request.
func recorded(ctx context.Context, engine *sandbox.Engine, wasm []byte) (*recording.Recording, error) {
	g := guest(engine, wasm)
	defer g.Close(ctx)
	stop := make(chan struct{})
	asked := make(chan error, 1)
	go func() { // until the recording has begun and its time is over
		for {
			select {
			case <-stop:
				asked <- nil
				return
			default:
			}
			if err := greet(ctx, g, 1); err != nil {
				asked <- err
				return
			}
		}
	}()
	rec, err := g.Record(ctx, sandbox.RecordOptions{Caller: caller(1), For: time.Second})
	close(stop)
	if err = errors.Join(err, <-asked); err != nil {
		return nil, err
	}
	for n, t := range rec.Turns {
		if bytes.Contains(t.Frames, []byte("Hello")) {
			rec.Turns = rec.Turns[:n+1]
			return rec, nil
		}
	}
	return nil, errors.New("no greeting was recorded")
}

// guest is hello with an instance for each user.
func guest(engine *sandbox.Engine, wasm []byte) *sandbox.Guest {
	return engine.Load(sandbox.Spec{
		Name: "hello", Isolation: sandbox.IsolateUser, Wasm: func() ([]byte, error) { return wasm, nil },
		Limits: sandbox.Limits{Memory: 32 << 20, MemoryTotal: 32 << 30, CPUPerMinute: -1},
	})
}

func caller(n int) sandbox.Caller {
	return sandbox.Caller{User: fmt.Sprint("user-", n), UserUID: fmt.Sprint("u-", n)}
}

// greet has hello greet one of many users.
func greet(ctx context.Context, g *sandbox.Guest, user int) error {
	x := sandbox.Exchange{Request: sandbox.Request{Authority: "route", Method: "GET", Target: "/greetings/English", Caller: caller(user)}}
	if err := g.Exchange(ctx, &x); err != nil {
		return err
	}
	if want := fmt.Sprintf(`{"language":"English","text":"Hello, user-%d!"}`+"\n", user); x.Status != 200 || string(x.Body) != want {
		return fmt.Errorf("%s answered %d %q", x.Request.Target, x.Status, x.Body)
	}
	return nil
}

// private is how many bytes of memory are this process's alone, after it has let go
// of what it does not need.
func private() (int64, error) {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return 0, fmt.Errorf("private memory is read from /proc, which only Linux has: %w", err)
	}
	var sum int64
	for line := range bytes.Lines(text) {
		var kind string
		var kibibytes int64
		if n, _ := fmt.Sscan(string(line), &kind, &kibibytes); n == 2 && (kind == "Private_Clean:" || kind == "Private_Dirty:") {
			sum += kibibytes << 10
		}
	}
	return sum, nil
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
