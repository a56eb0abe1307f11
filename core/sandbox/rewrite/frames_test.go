// How large the frames are that wazero's compiler makes, read from the code that
// it writes into its cache: the estimate of depth.go is held against them.
package rewrite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// nativeFrames compiles a module and gives the bytes of stack that each of its
// functions takes on amd64.
func nativeFrames(t testing.TB, wasm []byte) []int {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("it reads the code of amd64")
	}
	ctx, dir := context.Background(), t.TempDir()
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close(ctx)
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false).WithCompilationCache(cache))
	defer r.Close(ctx)
	if _, err := r.CompileModule(ctx, wasm); err != nil {
		t.Fatal(err)
	}
	var compiled []byte
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			compiled, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := framesOf(compiled)
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// framesOf reads a file of wazero's cache: a head, the offsets of functions,
// their code.
func framesOf(b []byte) ([]int, error) {
	if !strings.HasPrefix(string(b), "WAZEVO") {
		return nil, errors.New("wazero's cache has another form now")
	}
	b = b[7+int(b[6]):]
	n := int(binary.LittleEndian.Uint32(b))
	offsets := b[4:]
	code := offsets[8*n+8:]
	frames := make([]int, n)
	for f := range frames {
		var ok bool
		if frames[f], ok = frameOf(code[binary.LittleEndian.Uint64(offsets[8*f:]):]); !ok {
			return nil, errors.New("wazero's prologues have another form now")
		}
	}
	return frames, nil
}

// frameOf reads the beginning of a function's code: push %rbp; mov %rsp, %rbp;
// sub $n, %rsp; cmp 0x28(%rax), %rsp, where n is what the function takes.
func frameOf(code []byte) (size int, ok bool) {
	rest, ok := bytes.CutPrefix(code, []byte("\x55\x48\x89\xe5"))
	if !ok {
		return 0, false
	}
	check := []byte("\x48\x3b\x60\x28")
	switch {
	case bytes.HasPrefix(rest, []byte("\x48\x83\xec")) && bytes.HasPrefix(rest[4:], check):
		return int(rest[3]), true
	case bytes.HasPrefix(rest, []byte("\x48\x81\xec")) && bytes.HasPrefix(rest[7:], check):
		return int(binary.LittleEndian.Uint32(rest[3:])), true
	}
	return 0, false
}

// estimates gives, for each function of a rewritten module, the bytes that it
// counts as its depth; 0: none.
func estimates(t testing.TB, out *Rewritten) (all []int) {
	t.Helper()
	m, err := decodeAgain(out.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	depth := uint32(len(m.globals) - 1)
	for _, b := range m.bodies {
		r := &reader{wasm: m.wasm, at: b.code, end: b.end}
		var in instr
		found := int64(0)
		for n := 0; n < 20 && r.more() && found == 0; n++ {
			r.instruction(&in)
			if in.op == opGlobalGet && in.a == depth {
				r.instruction(&in)
				found = in.value
			}
		}
		all = append(all, int(found))
	}
	return all
}

// holdFrames compares estimates with what wazero makes, and gives the worst
// ratio of functions that call.
func holdFrames(t testing.TB, wasm []byte, most float64) {
	t.Helper()
	out, err := rewritten(wasm, Limits{}, Options{KeepExports: true})
	if err != nil {
		t.Fatal(err)
	}
	native := nativeFrames(t, out.Wasm)
	worst, over, n := 0.0, 0.0, 0
	for f, estimate := range estimates(t, out) {
		if estimate == 0 {
			continue
		}
		ratio := float64(native[f]) / float64(estimate)
		worst, over, n = max(worst, ratio), over+1/ratio, n+1
		if ratio > most {
			t.Errorf("function %d takes %d bytes and counts %d", f, native[f], estimate)
		}
	}
	t.Logf("at worst %.2f of the estimate, the estimate %.2f times on average of %d", worst, over/float64(n), n)
}

// callNothing calls function 1, which does nothing.
func callNothing(c *code) { c.index(opCall, 1) }

// shaped is a module with one function of a shape, and one that does nothing
// but has a call of its own, so that it is not a leaf.
func shaped(locals []byte, write func(c *code)) []byte {
	b := attack()
	b.fn(funcType{}, locals, write)
	b.fn(funcType{}, nil, func(c *code) {})
	b.fn(funcType{params: bytes.Repeat([]byte{i64}, 60), results: bytes.Repeat([]byte{i64}, 40)}, nil, func(c *code) {
		for x := range uint32(40) {
			c.index(opLocalGet, x)
		}
	})
	return b.wasm()
}

func get(c *code) { c.index(opGlobalGet, 0) }
func set(c *code) { c.index(opGlobalSet, 0) }

// across is a function that keeps a hundred locals of a type across a call. From
// makes one of an i64, and to makes it an i64 again.
func across(typ byte, from, to func(c *code)) []byte {
	return shaped([]byte{100, typ}, func(c *code) {
		for x := range uint32(100) {
			get(c)
			from(c)
			c.index(opLocalSet, x)
		}
		callNothing(c)
		for x := range uint32(100) {
			c.index(opLocalGet, x)
			to(c)
			set(c)
		}
	})
}

func TestFramesAreNotMuchLargerThanCounted(t *testing.T) {
	for name, test := range map[string]struct {
		wasm []byte
		most float64
	}{
		"locals across a call": {across(i64, func(c *code) {}, func(c *code) {}), 2},
		"vectors across a call": {across(v128, func(c *code) {
			c.op(0xfd12) // i64x2.splat
		}, func(c *code) {
			c.op(0xfd1d) // i64x2.extract_lane
			c.byte(0)
		}), 2},
		"operands across a call": {shaped(nil, func(c *code) {
			for range 200 {
				get(c)
			}
			callNothing(c)
			for range 200 {
				set(c)
			}
		}), 2},
		"versions across calls": {shaped([]byte{1, i64}, func(c *code) {
			for range 300 {
				get(c)
				c.index(opLocalSet, 0)
				callNothing(c)
				c.index(opLocalGet, 0)
				set(c)
			}
		}), 2},
		"a ring of locals": {shaped([]byte{40, i64}, func(c *code) {
			callNothing(c)
			for n := range uint32(2000) {
				c.index(opLocalGet, n%40)
				c.index(opLocalGet, (n+17)%40)
				c.op(opI64Mul)
				c.index(opLocalGet, (n+1)%40)
				c.op(opI64Add)
				c.index(opLocalSet, n%40)
			}
			for x := range uint32(40) {
				c.index(opLocalGet, x)
				set(c)
			}
		}), 2},
		"a ring in a loop": {shaped([]byte{60, i64}, func(c *code) {
			c.block(opLoop)
			for n := range uint32(600) {
				c.index(opLocalGet, n%60)
				c.index(opLocalGet, (n+17)%60)
				c.op(opI64Sub)
				c.index(opLocalSet, n%60)
			}
			callNothing(c)
			get(c)
			c.op(0x50)
			c.index(opBrIf, 0)
			c.op(opEnd)
			for x := range uint32(60) {
				c.index(opLocalGet, x)
				set(c)
			}
		}), 2},
		"arms that each set a local and call": {shaped([]byte{4, i64}, func(c *code) {
			const arms = 150
			for range arms + 1 {
				c.block(opBlock)
			}
			get(c)
			c.op(0xa7) // i32.wrap
			c.branchTable(arms)
			for n := range uint32(arms) {
				c.op(opEnd)
				for x := range uint32(4) {
					get(c)
					c.index(opLocalSet, x)
				}
				callNothing(c)
				c.index(opBr, arms-n-1)
			}
			c.op(opEnd)
			for x := range uint32(4) {
				c.index(opLocalGet, x)
				set(c)
			}
		}), 2},
		"a meeting after a meeting": {shaped([]byte{20, i64}, func(c *code) {
			const labels = 100
			for range labels {
				c.block(opBlock)
			}
			get(c)
			c.op(0xa7)
			c.branchTable(labels)
			for n := range uint32(labels) {
				c.op(opEnd)
				get(c)
				c.index(opLocalSet, n%20)
				callNothing(c)
				for x := range uint32(20) {
					c.index(opLocalGet, x)
					set(c)
				}
			}
		}), 2},
		"wide merges": {shaped([]byte{60, i64}, func(c *code) {
			for range 40 {
				get(c)
				c.op(0x50)
				c.block(opIf)
				for x := range uint32(60) {
					get(c)
					c.i64(int64(x))
					c.op(opI64Add)
					c.index(opLocalSet, x)
				}
				c.op(opEnd)
				callNothing(c)
			}
			for x := range uint32(60) {
				c.index(opLocalGet, x)
				set(c)
			}
		}), 2},
		"wide merges that are used": {shaped([]byte{60, i64}, func(c *code) {
			for range 40 {
				get(c)
				c.op(0x50)
				c.block(opIf)
				for x := range uint32(60) {
					get(c)
					c.i64(int64(x))
					c.op(opI64Add)
					c.index(opLocalSet, x)
				}
				c.op(opEnd)
				callNothing(c)
				for x := range uint32(60) {
					c.index(opLocalGet, x)
					set(c)
				}
			}
		}), 2},
		"wide merges without calls": {shaped([]byte{60, i64}, func(c *code) {
			for range 40 {
				get(c)
				c.op(0x50)
				c.block(opIf)
				for x := range uint32(60) {
					get(c)
					c.i64(int64(x))
					c.op(opI64Add)
					c.index(opLocalSet, x)
				}
				c.op(opEnd)
			}
			callNothing(c)
			for x := range uint32(60) {
				c.index(opLocalGet, x)
				set(c)
			}
		}), 2},
		"a wide loop": {shaped([]byte{60, i64}, func(c *code) {
			for range 20 {
				c.block(opLoop)
				for x := range uint32(60) {
					c.index(opLocalGet, x)
					c.i64(int64(x))
					c.op(opI64Add)
					c.index(opLocalSet, x)
				}
				get(c)
				c.op(0x50)
				c.index(opBrIf, 0)
				c.op(opEnd)
			}
			callNothing(c)
			for x := range uint32(60) {
				c.index(opLocalGet, x)
				set(c)
			}
		}), 2},
		"wide loops with calls": {shaped([]byte{60, i64}, func(c *code) {
			for range 20 {
				c.block(opLoop)
				for x := range uint32(60) {
					c.index(opLocalGet, x)
					c.i64(int64(x))
					c.op(opI64Add)
					c.index(opLocalSet, x)
				}
				callNothing(c)
				get(c)
				c.op(0x50)
				c.index(opBrIf, 0)
				c.op(opEnd)
			}
			for x := range uint32(60) {
				c.index(opLocalGet, x)
				set(c)
			}
		}), 2},
		"results of blocks": {shaped([]byte{60, i64}, func(c *code) {
			for range 300 {
				get(c)
				c.op(0x50)
				c.op(opIf)
				c.byte(i64)
				get(c)
				c.op(opElse)
				get(c)
				get(c)
				c.op(opI64Add)
				c.op(opEnd)
			}
			callNothing(c)
			for range 300 {
				set(c)
			}
		}), 2},
		"many arguments and results": {shaped(nil, func(c *code) {
			for range 60 {
				get(c)
			}
			c.index(opCall, 2)
			for range 40 {
				set(c)
			}
		}), 2},
		"floats": {across(f64, func(c *code) {
			c.op(0xbf) // f64.reinterpret
		}, func(c *code) {
			c.op(0xbd)
		}), 2},
	} {
		t.Run(name, func(t *testing.T) { holdFrames(t, test.wasm, test.most) })
	}
	t.Run("generated", func(t *testing.T) {
		for n := range uint64(100) {
			random := rand.New(rand.NewPCG(n, 7))
			seed := make([]byte, 1500)
			for i := range seed {
				seed[i] = byte(random.Uint32())
			}
			holdFrames(t, generate(seed), 2)
		}
	})
	t.Run("Go", func(t *testing.T) {
		if testing.Short() {
			t.Skip("compiling a guest takes too long for -short")
		}
		holdFrames(t, sandboxtest.Guest(t, "../testdata/guests/raw"), 2)
	})
}
