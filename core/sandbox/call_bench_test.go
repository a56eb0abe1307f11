// What a warm call costs. The figures with their peers are made by ./bench; here
// the processor's time is reported too, which a busy machine does not stretch.
package sandbox_test

import (
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

func benchmark(b *testing.B, x *sandbox.Exchange) {
	wasm := sandboxtest.Guest(b, "testdata/guests/kit")
	engine, err := sandbox.New(b.Context(), sandbox.Options{CacheDir: cacheDir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close(b.Context())
	g := engine.Load(sandbox.Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	for range 100 {
		if err := g.Exchange(b.Context(), x); err != nil || x.Status != 200 {
			b.Fatal(x.Status, err)
		}
	}
	b.ReportAllocs()
	before := processorTime()
	for b.Loop() {
		if err := g.Exchange(b.Context(), x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkFrameCall(b *testing.B) {
	x := &sandbox.Exchange{Request: *request("POST", "/frame", nil), Send: make([]byte, 64)}
	benchmark(b, x)
}

func BenchmarkHTTPCall(b *testing.B) {
	benchmark(b, &sandbox.Exchange{Request: *request("GET", "/json/bob", nil)})
}
