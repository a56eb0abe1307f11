// What hostile guests cost everybody else: the corpus let loose while the
// extension hello serves, how late its loops are stopped, and how long that holds
// up who has nothing to do with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/hostile"
	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// attacks measures with the whole corpus.
func attacks(root string, rounds int) ([]figure.Figure, error) {
	corpus, err := hostile.Corpus(root)
	if err != nil {
		return nil, err
	}
	good, err := goodRequests(root, corpus)
	if err != nil {
		return nil, err
	}
	late, err := loops(corpus, rounds)
	return append(good, late...), err
}

// goodRequests serves 100 requests a second, first alone, then while every guest
// of the corpus is let loose.
func goodRequests(root string, corpus []hostile.Guest) ([]figure.Figure, error) {
	const perSecond, alone = 100, 15 * time.Second
	hello, err := sandboxtest.Build(filepath.Join(root, "extensions", "hello"))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-hostile-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	h, err := hostile.Open(func(o sandbox.Options) (*sandbox.Engine, error) {
		o.CacheDir, o.CompileInChild, o.OwnProcess = filepath.Join(dir, "cache"), true, true // as atoll serve does
		return sandbox.New(ctx, o)
	})
	if err != nil {
		return nil, err
	}
	defer h.Close(ctx)
	// Modules are compiled when they are installed, and not when they are asked.
	for _, g := range corpus {
		wasm, err := g.Wasm()
		if err != nil {
			return nil, err
		}
		if _, err := h.Prepare(ctx, wasm); err != nil && !errors.Is(err, sandbox.ErrModule) {
			return nil, fmt.Errorf("%s: %w", g.Name, err)
		}
	}
	traffic, err := h.Serve(ctx, hello, perSecond)
	if err != nil {
		return nil, err
	}
	time.Sleep(alone)
	before, failed := traffic.Stop()
	if len(failed) > 0 {
		return nil, fmt.Errorf("alone: %w", errors.Join(failed...))
	}
	if traffic, err = h.Serve(ctx, hello, perSecond); err != nil {
		return nil, err
	}
	for _, g := range corpus {
		if err := h.Attack(ctx, g); err != nil {
			return nil, fmt.Errorf("the hostile guest %s: it %w", g.Name, err)
		}
	}
	during, failed := traffic.Stop()
	for _, err := range failed[:min(len(failed), 5)] {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	note := fmt.Sprintf("%d guests; p99 of %d requests %.2f ms, alone %.2f ms; the slowest %.1f ms, alone %.1f ms", len(corpus),
		len(during), millis(p99(during)), millis(p99(before)), millis(during[len(during)-1]), millis(before[len(before)-1]))
	return []figure.Figure{
		{Name: "hostile.good.p99", Value: millis(p99(during)) / millis(p99(before)), Unit: "x", Note: note},
		{Name: "hostile.good.failed", Value: float64(len(failed)), Unit: "count"},
	}, nil
}

// p99 is what 99 of 100 do not exceed, of sorted times.
func p99(sorted []time.Duration) time.Duration { return sorted[(len(sorted)*99+99)/100-1] }

func millis(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// loops runs every guest of the corpus that is stopped for its time, each in a
// machine of its own, and then once more while the host collects garbage without
// a pause.
func loops(corpus []hostile.Guest, rounds int) ([]figure.Figure, error) {
	ctx := context.Background()
	room, err := machine.NewLocal(ctx, machine.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer room.Close(ctx)
	type loop struct {
		name string
		code machine.Code
	}
	var all []loop
	for _, g := range corpus {
		if g.Answer.Fault != sandbox.FaultTime || strings.HasPrefix(g.Name, "initialize") {
			continue // nobody is told what a start took
		}
		wasm, err := g.Wasm()
		if err != nil {
			return nil, err
		}
		code, _, err := room.Load(ctx, wasm)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.Name, err)
		}
		defer code.Close()
		all = append(all, loop{g.Name, code})
	}
	var late []time.Duration
	worst, latest := "", time.Duration(0)
	run := func() error {
		for range rounds {
			for _, l := range all {
				d, err := overrun(ctx, l.code)
				if err != nil {
					return fmt.Errorf("%s: %w", l.name, err)
				}
				late = append(late, d)
				if d > latest {
					worst, latest = l.name, d
				}
			}
		}
		return nil
	}
	if err := run(); err != nil {
		return nil, err
	}
	slices.Sort(late)
	killed := figure.Figure{Name: "meter.kill.late", Value: millis(p99(late)), Unit: "ms",
		Note: fmt.Sprintf("processor time past the budget; %d loops, %d times each; the latest %.2f ms (%s)", len(all), rounds, millis(latest), worst)}

	quiet := watchStalls()
	time.Sleep(time.Second)
	resting := quiet()
	stop := make(chan struct{})
	var collector sync.WaitGroup
	collections := 0
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
				collections++
			}
		}
	})
	stalls := watchStalls()
	err = run()
	longest := stalls()
	close(stop)
	collector.Wait()
	return []figure.Figure{killed, {Name: "meter.gc.stall", Value: millis(longest), Unit: "ms",
		Note: fmt.Sprintf("a goroutine that sleeps 0.2 ms at a time, while %d collections came to their end; %.2f ms with nothing else running", collections, millis(resting))}}, err
}

// overrun starts a machine, asks it once, and gives how much processor time past
// its budget it took to be stopped.
func overrun(ctx context.Context, code machine.Code) (time.Duration, error) {
	const budget = 20 * time.Millisecond
	m, err := code.Start(ctx, machine.Start{Memory: 64 << 20, Now: time.Now(), CPU: budget, Tenant: "loop", Extension: "loop"})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	batches := [][]byte{
		wire.AppendFrame(nil, wire.Hello, 0, 0, nil),
		wire.AppendFrame(nil, wire.Open, 0, 1, wire.AppendText(nil, wire.TagTarget, "/")),
	}
	for _, batch := range batches {
		t := machine.Turn{Now: time.Now(), Batch: batch, CPU: budget}
		err := m.Turn(&t)
		if errors.Is(err, machine.ErrStopped) {
			return t.Used.CPU - budget, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, errors.New("it does not run without end")
}

// watchStalls has a goroutine sleep a little again and again, until the function
// that it gives is called, which says how much longer than that it once took.
func watchStalls() (longest func() time.Duration) {
	const nap = 200 * time.Microsecond
	stop, most := make(chan struct{}), make(chan time.Duration)
	go func() {
		worst := time.Duration(0)
		for last := time.Now(); ; {
			time.Sleep(nap)
			now := time.Now()
			worst, last = max(worst, now.Sub(last)-nap), now
			select {
			case <-stop:
				most <- worst
				return
			default:
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-most
	}
}
