// Modules that were made to run long without a tick, or to fill the host's
// stack or memory.
package rewrite

import (
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// work writes code worth about n units, and adds n to global 0, which the host
// looks at whenever it ticks.
func work(c *code, n int) {
	const each = 100
	for range (n + each - 1) / each {
		c.op(opF64Const)
		c.bytes(make([]byte, 8))
		for range each*tenths/int(opcode(0x9f).instruction().weight) + 1 {
			c.op(0x9f) // f64.sqrt
		}
		c.op(opDrop)
		c.index(opGlobalGet, 0)
		c.i64(each)
		c.op(opI64Add)
		c.index(opGlobalSet, 0)
	}
}

// attack is a module whose global 0 is "work".
func attack() *builder {
	b := &builder{}
	b.global(i64)
	b.export("work", KindGlobal, 0)
	return b
}

// ticksOften runs a module until its fuel is used up, and checks that the host
// was never left for more than a slice and an allowance.
func ticksOften(t *testing.T, b *builder, allowance int64, args ...uint64) *host {
	t.Helper()
	h := newHost(t, api.CoreFeaturesV2, 50_000)
	h.budget = 30_000_000
	m := h.start(t, b.wasm(), Options{})
	_, err := run(m, args...)
	if !errors.Is(err, errSpent) {
		t.Errorf("it ended with %v", err)
	}
	if h.ticks < 50 || h.longest > h.slice+allowance {
		t.Errorf("%d ticks; up to %d units lay between two", h.ticks, h.longest)
	}
	t.Logf("%d ticks; up to %d units between two, %d overdrawn", h.ticks, h.longest, h.most)
	return h
}

func forever(c *code, write func()) {
	c.block(opLoop)
	write()
	c.index(opBr, 0)
	c.op(opEnd)
}

func TestLongStraightLineTicks(t *testing.T) {
	b := attack()
	b.fn(funcType{}, nil, func(c *code) {
		forever(c, func() { work(c, 200_000*8) })
	})
	ticksOften(t, b, 2*maxStretch/tenths)
}

func TestEmptyLoopTicks(t *testing.T) {
	b := attack()
	b.fn(funcType{}, nil, func(c *code) { forever(c, func() {}) })
	ticksOften(t, b, 0)
}

// A caller's rest has been paid for before it calls: thousands of rests must
// not run one after the other without a tick.
func TestReturningFromDeepRecursionTicks(t *testing.T) {
	b := attack()
	b.fn(funcType{}, nil, func(c *code) {
		forever(c, func() {
			c.i32(2000)
			c.index(opCall, 1)
		})
	})
	b.fn(funcType{params: []byte{i32}}, nil, func(c *code) {
		c.index(opLocalGet, 0)
		c.block(opIf)
		c.index(opLocalGet, 0)
		c.i32(1)
		c.op(opI32Sub)
		c.index(opCall, 1)
		work(c, 19_000)
		c.op(opEnd)
		work(c, 19_000)
	})
	ticksOften(t, b, 2*maxStretch/tenths)
}

// The same with what follows inner loops.
func TestLeavingDeepLoopsTicks(t *testing.T) {
	b := attack()
	b.fn(funcType{}, []byte{1, i32}, func(c *code) {
		forever(c, func() {
			const deep = 49 // with the one around them as many as may be
			for range deep {
				c.block(opLoop)
			}
			for range deep {
				c.i32(0)
				c.index(opBrIf, 0)
				c.op(opEnd)
				work(c, 5_000)
			}
		})
	})
	ticksOften(t, b, 2*maxStretch/tenths)
}

// Many small arms are one long way when all are taken.
func TestManySmallArmsTick(t *testing.T) {
	b := attack()
	b.fn(funcType{}, nil, func(c *code) {
		forever(c, func() {
			for range 1_500 {
				c.i32(1)
				c.block(opIf)
				c.i32(0)
				c.index(opBrIf, 1)
				c.index(opGlobalGet, 0)
				c.i64(1)
				c.op(opI64Add)
				c.index(opGlobalSet, 0)
				c.op(opEnd)
			}
		})
	})
	ticksOften(t, b, 4*maxStretch/tenths)
}

func TestBulkOperationsTick(t *testing.T) {
	for name, write := range map[string]func(c *code){
		"memory.fill": func(c *code) {
			c.i32(0)
			c.i32(7)
			c.i32(64 << 20)
			c.index(opMemoryFill, 0)
		},
		"memory.copy": func(c *code) {
			c.i32(0)
			c.i32(1)
			c.i32(64<<20 - 1)
			c.index(opMemoryCopy, 0, 0)
		},
		"table.fill": func(c *code) {
			c.i32(0)
			c.index(opRefFunc, 0)
			c.i32(64 << 10)
			c.index(opTableFill, 0)
		},
		"table.grow by nothing": func(c *code) {
			c.index(opRefFunc, 0)
			c.i32(0)
			c.index(opTableGrow, 0)
			c.op(opDrop)
		},
		"small constants": func(c *code) {
			c.i32(0)
			c.i32(7)
			c.i32(4000)
			c.index(opMemoryFill, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := attack()
			b.fn(funcType{}, nil, func(c *code) { forever(c, func() { write(c) }) })
			b.pages(1024, 1024)
			b.table(Size{Min: 64 << 10})
			b.elems(true, 0)
			h := ticksOften(t, b, 0)
			if h.most > memoryPiece {
				t.Errorf("%d units were overdrawn at once", h.most)
			}
		})
	}
}

func TestFatFramesAreCounted(t *testing.T) {
	// 10,000 calls of a function with 1,500 locals that live on while it calls.
	const locals = 1500
	b := attack()
	b.fn(funcType{}, nil, func(c *code) {
		c.i64(10_000)
		c.index(opCall, 1)
	})
	b.fn(funcType{params: []byte{i64}}, []byte{100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64, 100, i64}, func(c *code) {
		for x := range uint32(locals) {
			c.index(opGlobalGet, 0)
			c.i64(int64(x))
			c.op(opI64Add)
			c.index(opLocalSet, x+1)
		}
		c.index(opLocalGet, 0)
		c.op(0x50) // i64.eqz
		c.index(opBrIf, 0)
		c.index(opLocalGet, 0)
		c.i64(1)
		c.op(opI64Sub)
		c.index(opCall, 1)
		for x := range uint32(locals) {
			c.index(opGlobalGet, 0)
			c.index(opLocalGet, x+1)
			c.op(opI64Add)
			c.index(opGlobalSet, 0)
		}
	})
	h := newHost(t, api.CoreFeaturesV2, 1_000_000)
	m := h.start(t, b.wasm(), Options{})
	if _, err := run(m); !errors.Is(err, errDeep) {
		t.Errorf("it ended with %v", err)
	}
}

func TestTablesCannotGrowWithoutEnd(t *testing.T) {
	b := attack()
	b.fn(funcType{params: []byte{i32}, results: []byte{i32}}, nil, func(c *code) {
		c.index(opRefFunc, 0)
		c.index(opLocalGet, 0)
		c.index(opTableGrow, 0)
	})
	b.table(Size{Min: 10})
	b.elems(true, 0)
	h := newHost(t, api.CoreFeaturesV2, 1_000_000)
	m := h.start(t, b.wasm(), Options{TableCap: 1000})
	for _, c := range []struct{ by, want uint64 }{{100_000_000, 0xffffffff}, {990, 10}, {1, 0xffffffff}, {0, 1000}} {
		got, err := run(m, c.by)
		if err != nil || got[0] != c.want {
			t.Errorf("growing by %d gives %v, %v; not %d", c.by, got, err, c.want)
		}
	}
}

// Indexes that only the rewriting would make valid.
func TestIndexesOfTheHostAreRefused(t *testing.T) {
	for name, write := range map[string]func(c *code){
		"there is no global 1": func(c *code) {
			c.i64(1 << 40)
			c.index(opGlobalSet, 1)
		},
		"there is no global 2":   func(c *code) { c.index(opGlobalGet, 2); c.op(opDrop) },
		"there is no function 1": func(c *code) { c.index(opCall, 1) },
		"there is no function 2": func(c *code) { c.index(opRefFunc, 2); c.op(opDrop) },
		"there is no type 1":     func(c *code) { c.op(opBlock); c.byte(1); c.op(opEnd) },
		"there is no local 0":    func(c *code) { c.index(opLocalGet, 0); c.op(opDrop) },
	} {
		b := attack()
		b.fn(funcType{}, nil, write)
		if _, err := Decode(b.wasm(), Limits{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := attack()
	b.fn(funcType{}, nil, func(*code) {})
	b.export(hidden+"fuel", KindGlobal, 0)
	if _, err := Decode(b.wasm(), Limits{}); err == nil || !strings.Contains(err.Error(), "the host's") {
		t.Errorf("an export with a hidden name: %v", err)
	}
}
