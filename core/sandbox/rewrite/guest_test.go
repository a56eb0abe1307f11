// A real guest, compiled by Go: rewritten it answers as it did before.
package rewrite

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// guestExports are what the wire needs of a guest.
var guestExports = []string{"memory", "_initialize", "atoll_wire_1", "atoll_buffer", "atoll_poll"}

// guestFrames are what a guest hears first: HELLO, and a request for a target.
func guestFrames(target string) [][]byte {
	hello := wire.BeginFrame(nil, wire.Hello, 0, 0)
	hello = wire.AppendU16(hello, wire.TagMinor, 0)
	hello = wire.AppendU64(hello, wire.TagFeatures, wire.FeatureBuffer)
	hello = wire.AppendField(hello, wire.TagSeed, 0, make([]byte, 32))
	hello = wire.AppendU64(hello, wire.TagMemory, 64<<20)
	hello = wire.EndFrame(wire.AppendU32(hello, wire.TagStreams, 100), 0)
	open := wire.BeginFrame(nil, wire.Open, 0, 1)
	open = wire.AppendText(open, wire.TagAuthority, "x")
	open = wire.AppendText(open, wire.TagMethod, "GET")
	open = wire.EndFrame(wire.AppendText(open, wire.TagTarget, target), 0)
	return [][]byte{hello, wire.AppendFrame(open, wire.End, 0, 1, nil), nil}
}

// poll gives frames to a guest and takes its answer.
func poll(t testing.TB, m api.Module, frames []byte) []byte {
	t.Helper()
	ctx := context.Background()
	at, err := m.ExportedFunction("atoll_buffer").Call(ctx, uint64(len(frames)))
	if err != nil {
		t.Fatal(err)
	}
	if !m.Memory().Write(uint32(at[0]), frames) {
		t.Fatal("the guest's buffer lies outside of its memory")
	}
	answer, err := m.ExportedFunction("atoll_poll").Call(ctx, uint64(len(frames)))
	if err != nil {
		t.Fatal(err)
	}
	b, ok := m.Memory().Read(uint32(answer[0]>>32), uint32(answer[0]))
	if !ok {
		t.Fatal("the guest's answer lies outside of its memory")
	}
	return bytes.Clone(b)
}

// instantiateWASI gives a host wazero's WASI, and descriptor 3, which can be
// read whenever a guest has nothing else to do.
func instantiateWASI(t testing.TB, h *host) {
	i32 := func(n int) []api.ValueType { return slices.Repeat([]api.ValueType{api.ValueTypeI32}, n) }
	b := h.NewHostModuleBuilder("wasi_snapshot_preview1")
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, m api.Module, p []uint64) {
		stat, _ := m.Memory().Read(uint32(p[1]), 24)
		clear(stat)
		stat[0] = 2 // a character device
		if uint32(p[0]) == 3 {
			stat[0], stat[2] = 6, 4 // a socket that does not block
		}
		p[0] = 0
	}), i32(2), i32(1)).Export("fd_fdstat_get")
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, m api.Module, p []uint64) {
		ready := uint32(0)
		for n := range uint32(p[2]) {
			asked, _ := m.Memory().Read(uint32(p[0])+48*n, 48)
			if asked[8] == 1 {
				event, _ := m.Memory().Read(uint32(p[1])+32*ready, 32)
				clear(event)
				copy(event, asked[:8])
				event[10], event[16] = 1, 1
				ready++
			}
		}
		m.Memory().WriteUint32Le(uint32(p[3]), ready)
		p[0] = 0
	}), i32(4), i32(1)).Export("poll_oneoff")
	if _, err := b.Instantiate(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestGoGuestsAnswerAsBefore(t *testing.T) {
	if testing.Short() {
		t.Skip("compiling a guest takes too long for -short")
	}
	for dir, target := range map[string]string{
		"../testdata/guests/raw":    "/ok/you",
		"../testdata/guests/kit":    "/json/gopher",
		"../../../extensions/hello": "/greetings",
	} {
		t.Run(filepath.Base(dir), func(t *testing.T) { answersAsBefore(t, dir, target) })
	}
}

func answersAsBefore(t *testing.T, dir, target string) {
	ctx := context.Background()
	wasm := sandboxtest.Guest(t, dir)
	out, err := rewritten(wasm, Limits{}, Options{Keep: guestExports})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Image) == 0 || !out.Pristine || len(out.Globals) == 0 {
		t.Errorf("%d segments, pristine %v, %d globals", len(out.Image), out.Pristine, len(out.Globals))
	}
	t.Logf("%d bytes became %d; %d segments of memory, %d globals", len(wasm), len(out.Wasm), len(out.Image), len(out.Globals))
	h := newHost(t, api.CoreFeaturesV2, 100_000)
	instantiateWASI(t, h)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithStderr(t.Output())
	before, err := h.InstantiateWithConfig(ctx, wasm, config)
	if err != nil {
		t.Fatal(err)
	}
	after, err := h.InstantiateWithConfig(ctx, out.Wasm, config)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Image {
		if !after.Memory().Write(s.Offset, s.Bytes) {
			t.Fatal("the image does not fit into memory")
		}
	}
	for _, m := range []api.Module{before, after} {
		if _, err := m.ExportedFunction("_initialize").Call(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for n, frames := range guestFrames(target) {
		want, got := poll(t, before, frames), poll(t, after, frames)
		if !bytes.Equal(want, got) || n == 1 && !bytes.Contains(got, wire.AppendFrame(nil, wire.End, 0, 1, nil)) {
			t.Errorf("poll %d: %q, before %q", n, got, want)
		}
	}
	if h.ticks == 0 || h.spent(after) < 10_000 {
		t.Errorf("%d ticks, %d units spent", h.ticks, h.spent(after))
	}
	if left := after.ExportedGlobal(out.Depth).Get(); left != 512<<10 {
		t.Errorf("between calls the depth is %d", left)
	}
	t.Logf("%d ticks, %d units, at most %d overdrawn", h.ticks, h.spent(after), h.most)
}
