package sandbox_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

func TestSmoke(t *testing.T) {
	wasm := sandboxtest.Guest(t, "testdata/guests/kit")
	t.Log(len(wasm))
	ctx := context.Background()
	e, err := sandbox.New(ctx, sandbox.Options{CacheDir: "/tmp/SANDBOX/cache"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	g := e.Load(sandbox.Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	began := time.Now()
	resp, err := g.Do(ctx, &sandbox.Request{Authority: "route", Method: "GET", Target: "/json/bob", Caller: sandbox.Caller{User: "alice"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	t.Log(resp.Status, resp.Header, string(b), err, time.Since(began))
	var x sandbox.Exchange
	x.Request = sandbox.Request{Authority: "route", Method: "POST", Target: "/frame"}
	x.Send = []byte("hello frames")
	if err := g.Exchange(ctx, &x); err != nil {
		t.Fatal(err)
	}
	t.Log(x.Status, string(x.Body))
	t.Logf("%+v", g.Stats())
}

func BenchmarkFrame(b *testing.B) {
	wasm := sandboxtest.Guest(b, "testdata/guests/kit")
	ctx := context.Background()
	e, _ := sandbox.New(ctx, sandbox.Options{CacheDir: "/tmp/SANDBOX/cache"})
	defer e.Close(ctx)
	g := e.Load(sandbox.Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	var x sandbox.Exchange
	x.Request = sandbox.Request{Authority: "route", Method: "POST", Target: "/frame"}
	x.Send = make([]byte, 64)
	g.Exchange(ctx, &x)
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Exchange(ctx, &x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHTTP(b *testing.B) {
	wasm := sandboxtest.Guest(b, "testdata/guests/kit")
	ctx := context.Background()
	e, _ := sandbox.New(ctx, sandbox.Options{CacheDir: "/tmp/SANDBOX/cache"})
	defer e.Close(ctx)
	g := e.Load(sandbox.Spec{Name: "kit", Wasm: func() ([]byte, error) { return wasm, nil }})
	var x sandbox.Exchange
	x.Request = sandbox.Request{Authority: "route", Method: "GET", Target: "/json/bob"}
	g.Exchange(ctx, &x)
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Exchange(ctx, &x); err != nil {
			b.Fatal(err)
		}
	}
}
