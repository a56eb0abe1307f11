// Rewritten modules do what the originals do; and no bytes make the decoder
// panic or take what the runtime refuses afterwards.
package rewrite

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// FuzzRewrite compares generated modules with what they are rewritten to.
func FuzzRewrite(f *testing.F) {
	for n := range uint64(40) {
		random := rand.New(rand.NewPCG(n, 6))
		seed := make([]byte, 200+random.IntN(1500))
		for i := range seed {
			seed[i] = byte(random.Uint32())
		}
		f.Add(seed)
	}
	h := newHost(f, api.CoreFeaturesV2, 5_000)
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4000 {
			return
		}
		wasm := generate(in)
		ctx := context.Background()
		config := wazero.NewModuleConfig().WithName("")
		code, err := h.CompileModule(ctx, wasm)
		if err != nil {
			t.Fatalf("the generator made an invalid module: %v", err)
		}
		defer code.Close(ctx)
		before, err := h.InstantiateModule(ctx, code, config)
		if err != nil {
			t.Fatal(err)
		}
		defer before.Close(ctx)
		out, err := rewritten(wasm, Limits{}, Options{KeepExports: true, Depth: 64 << 20})
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.CompileModule(ctx, out.Wasm)
		if err != nil {
			t.Fatalf("the rewritten module is not valid: %v", err)
		}
		defer again.Close(ctx)
		after, err := h.InstantiateModule(ctx, again, config)
		if err != nil {
			t.Fatal(err)
		}
		defer after.Close(ctx)
		for call := range 3 {
			want, got := outcome(before, call), outcome(after, call)
			if want != got {
				t.Fatalf("call %d: %s\nbefore: %s", call, got, want)
			}
			if depth := after.ExportedGlobal(out.Depth).(api.MutableGlobal); depth.Get() != 64<<20 && !strings.HasPrefix(want, "wasm error") {
				t.Fatalf("call %d leaves a depth of %d", call, depth.Get())
			} else {
				depth.Set(64 << 20)
			}
		}
		if h.most > maxStretch/tenths+maxPages*unitsPerPage {
			t.Fatalf("%d units were overdrawn", h.most)
		}
	})
}

// outcome calls a function of a generated module and says all that came of it.
func outcome(m api.Module, call int) string {
	m.ExportedGlobal("steps").(api.MutableGlobal).Set(500)
	f := m.ExportedFunction([]string{"run", "f1", "run"}[call])
	var args []uint64
	for n, typ := range f.Definition().ParamTypes() {
		args = append(args, uint64(n+call)*0x123456789)
		if typ == 0x7b {
			args = append(args, 7)
		}
	}
	results, err := f.Call(context.Background(), args...)
	how := fmt.Sprintf("%x", results)
	if err != nil {
		how, _, _ = strings.Cut(err.Error(), "\n")
	}
	b, _ := m.Memory().Read(0, m.Memory().Size())
	sum := uint64(len(b))
	for n, v := range b {
		sum = sum*31 + uint64(v) + uint64(n)
	}
	return fmt.Sprintf("%s, memory %x, globals %x %x %x %x", how, sum, m.ExportedGlobal("steps").Get(), m.ExportedGlobal("g1").Get(), m.ExportedGlobal("g2").Get(), m.ExportedGlobal("g3").Get())
}

// FuzzModule decodes bytes as they come. What Decode takes is rewritten, and if
// wazero takes the original, it takes the rewritten one.
func FuzzModule(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(wazeroDir(f), "internal", "integration_test", "spectest", "v2", "testdata", "*.0.wasm"))
	if err != nil || len(files) < 10 {
		f.Fatal(len(files), err)
	}
	for _, file := range files {
		if wasm, err := os.ReadFile(file); err == nil && len(wasm) < 4000 {
			f.Add(wasm)
		}
	}
	f.Add(generate(bytes.Repeat([]byte("atoll"), 100)))
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	f.Cleanup(func() { _ = r.Close(ctx) })
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if len(wasm) > 8000 {
			return
		}
		l := Limits{Locals: 1000, TableEntries: 10_000}
		m, err := Decode(wasm, l)
		if err != nil {
			return
		}
		code, err := r.CompileModule(ctx, Bare(wasm))
		if err != nil {
			return
		}
		code.Close(ctx)
		out, err := m.Rewrite(Options{KeepExports: true, TableCap: 20_000})
		if err != nil {
			return
		}
		code, err = r.CompileModule(ctx, out.Wasm)
		if err != nil {
			t.Fatalf("the rewritten module is not valid: %v", err)
		}
		code.Close(ctx)
		again, err := decodeAgain(out.Wasm)
		if err != nil {
			t.Fatalf("the rewritten module: %v", err)
		}
		if err := uncharged(again); err != nil {
			t.Fatal(err)
		}
	})
}
