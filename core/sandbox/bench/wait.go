// What waiting costs: requests in flight by the thousand, and a timer.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/manifests/bench/figure"
)

// inFlight is how many requests wait at once.
const inFlight = 10_000

// waiting measures 10,000 requests in flight in one instance, each waiting for
// two calls at once of an upstream that takes 100 ms; and a timer of 30 ms.
func waiting(root string, rounds int) ([]figure.Figure, error) {
	wasm, err := sandboxtest.Build(filepath.Join(root, "core", "sandbox", "testdata", "guests", "wait"))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	upstream := sandbox.DoorFunc(func(ctx context.Context, _ sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		select {
		case <-time.After(100 * time.Millisecond):
			return &sandbox.Response{Status: 200, Body: io.NopCloser(strings.NewReader("0123456789"))}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	engine, err := sandbox.New(ctx, sandbox.Options{Logger: slog.New(slog.DiscardHandler), Doors: func(string) sandbox.Door { return upstream }})
	if err != nil {
		return nil, err
	}
	defer engine.Close(ctx)
	var seconds, mebibytes []float64
	for range (rounds + 2) / 3 {
		// An instance each: linear memory never shrinks.
		g := load(engine, wasm)
		took, err := flight(ctx, g)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, took.Seconds())
		mebibytes = append(mebibytes, float64(g.Stats().Memory)/(1<<20))
		if err := g.Close(ctx); err != nil {
			return nil, err
		}
	}
	timer, late, err := timers(ctx, load(engine, wasm), 10*rounds)
	if err != nil {
		return nil, err
	}
	return []figure.Figure{
		{Name: "inflight.10k.time", Value: figure.Median(seconds), Unit: "s"},
		{Name: "inflight.10k.memory", Value: figure.Median(mebibytes), Unit: "MiB"},
		{Name: "timer.30ms", Value: timer, Unit: "ms", Note: fmt.Sprintf("time.Sleep in the guest, from the request to its answer; the longest of %d took %.1f ms", 10*rounds, late)},
	}, nil
}

func load(engine *sandbox.Engine, wasm []byte) *sandbox.Guest {
	return engine.Load(sandbox.Spec{
		Name: "wait", Isolation: sandbox.IsolateShared, Wasm: func() ([]byte, error) { return wasm, nil },
		Limits: sandbox.Limits{Memory: 512 << 20, Streams: 2*inFlight + 100, Instances: 1, CPUPerRequest: -1, CPUPerMinute: -1, HostCallsPerSecond: -1},
	})
}

// ask makes one request and wants this answer.
func ask(ctx context.Context, g *sandbox.Guest, target, want string) error {
	x := sandbox.Exchange{Request: sandbox.Request{Authority: "route", Method: "GET", Target: target}}
	if err := g.Exchange(ctx, &x); err != nil {
		return err
	}
	if x.Status != 200 || string(x.Body) != want {
		return fmt.Errorf("%s answered %d %q", target, x.Status, x.Body)
	}
	return nil
}

// flight makes all requests at once and gives the time until the last answer.
func flight(ctx context.Context, g *sandbox.Guest) (time.Duration, error) {
	if err := ask(ctx, g, "/two", "20"); err != nil { // loaded
		return 0, err
	}
	var wg sync.WaitGroup
	failed := make(chan error, inFlight)
	began := time.Now()
	for range inFlight {
		wg.Go(func() {
			if err := ask(ctx, g, "/two", "20"); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
		return took, nil
	}
}

// timers gives the median and the longest of n sleeps of 30 ms, in ms.
func timers(ctx context.Context, g *sandbox.Guest, n int) (median, longest float64, err error) {
	var all []float64
	for k := range n + 1 {
		began := time.Now()
		if err := ask(ctx, g, "/sleep/30", ""); err != nil {
			return 0, 0, err
		}
		if k > 0 { // loaded
			all = append(all, float64(time.Since(began).Microseconds())/1000)
		}
	}
	return figure.Median(all), slices.Max(all), nil
}
