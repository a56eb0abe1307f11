// What metering costs: kernels as they are and rewritten, side by side.
package rewrite

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// kernels are small programs; each takes a count and runs so many rounds.
func kernels() map[string][]byte {
	load := func(c *code, op opcode, align byte) { c.op(op); c.bytes([]byte{align, 0}) }
	// count ends a loop over a local that counts up to another.
	count := func(c *code, x, to uint32, label uint32) {
		c.index(opLocalGet, x)
		c.i32(1)
		c.op(opI32Add)
		c.index(opLocalTee, x)
		c.index(opLocalGet, to)
		c.op(opI32LtS)
		c.index(opBrIf, label)
		c.op(opEnd)
	}
	one := funcType{params: []byte{i32}, results: []byte{i32}}
	build := func(locals []byte, write func(c *code)) []byte {
		b := &builder{}
		b.fn(one, locals, write)
		b.pages(4, 4)
		return b.wasm()
	}
	sum := build([]byte{2, i32}, func(c *code) { // sums bytes
		c.block(opLoop)
		c.index(opLocalGet, 1)
		c.i32(0xffff)
		c.op(0x71)
		load(c, 0x2d, 0)
		c.index(opLocalGet, 2)
		c.op(opI32Add)
		c.index(opLocalSet, 2)
		count(c, 1, 0, 0)
		c.index(opLocalGet, 2)
	})
	matrix := build([]byte{5, i32, 1, f64}, func(c *code) { // multiplies 16 by 16
		c.i32(16)
		c.index(opLocalSet, 4)
		c.block(opLoop)
		for x := range uint32(2) {
			c.i32(0)
			c.index(opLocalSet, 2+x)
			c.block(opLoop)
		}
		c.i32(0)
		c.index(opLocalSet, 5)
		c.block(opLoop)
		c.index(opLocalGet, 6)
		for _, row := range []uint32{2, 3} {
			c.index(opLocalGet, row)
			c.i32(128)
			c.op(0x6c)
			c.index(opLocalGet, 5)
			c.i32(8)
			c.op(0x6c)
			c.op(opI32Add)
			load(c, 0x2b, 3)
		}
		c.op(0xa2, 0xa0)
		c.index(opLocalSet, 6)
		count(c, 5, 4, 0)
		c.index(opLocalGet, 2)
		c.i32(8)
		c.op(0x6c)
		c.index(opLocalGet, 6)
		load(c, 0x39, 3)
		count(c, 3, 4, 0)
		count(c, 2, 4, 0)
		count(c, 1, 0, 0)
		c.i32(0)
	})
	fib := build(nil, func(c *code) {
		c.index(opLocalGet, 0)
		c.i32(2)
		c.op(opI32LtS)
		c.block(opIf)
		c.index(opLocalGet, 0)
		c.op(opReturn, opEnd)
		for n := range int32(2) {
			c.index(opLocalGet, 0)
			c.i32(n + 1)
			c.op(opI32Sub)
			c.index(opCall, 0)
		}
		c.op(opI32Add)
	})
	switches := build([]byte{2, i32}, func(c *code) { // a loop over a br_table of 8 arms
		const arms = 8
		c.block(opLoop)
		for range arms {
			c.block(opBlock)
		}
		c.index(opLocalGet, 1)
		c.i32(arms - 1)
		c.op(0x71)
		c.branchTable(arms)
		for n := range uint32(arms) {
			c.op(opEnd)
			for k := range int32(6) {
				c.index(opLocalGet, 2)
				c.i32(k*7 + int32(n))
				c.op(opI32Add)
				c.i32(k + 3)
				c.op(0x78) // i32.rotr
				c.index(opLocalSet, 2)
			}
			if n < arms-1 {
				c.index(opLocalGet, 1)
				c.i32(1)
				c.op(opI32Add)
				c.index(opLocalTee, 1)
				c.index(opLocalGet, 0)
				c.op(opI32LtS)
				c.index(opBrIf, arms-1-n)
			}
		}
		count(c, 1, 0, 0)
		c.index(opLocalGet, 2)
	})
	copies := build([]byte{2, i32}, func(c *code) { // copies 0 to 255 bytes
		c.block(opLoop)
		c.i32(0)
		c.i32(4096)
		c.index(opLocalGet, 1)
		c.i32(255)
		c.op(0x71)
		c.index(opMemoryCopy, 0, 0)
		count(c, 1, 0, 0)
		c.i32(0)
	})
	hash := build([]byte{2, i32}, func(c *code) { // a loop with an inner loop of 16 and much in registers
		c.block(opLoop)
		for k := range int32(12) {
			c.index(opLocalGet, 2)
			c.i32(k*0x1234567 + 1)
			c.op(0x73) // i32.xor
			c.i32(0x01000193)
			c.op(0x6c)
			c.i32(13)
			c.op(0x77) // i32.rotl
			c.index(opLocalSet, 2)
		}
		count(c, 1, 0, 0)
		c.index(opLocalGet, 2)
	})
	b := &builder{}
	b.fn(one, []byte{2, i32}, func(c *code) { // calls a small function through the table
		c.block(opLoop)
		c.index(opLocalGet, 2)
		c.i32(0)
		c.index(opCallIndirect, 1, 0)
		c.index(opLocalSet, 2)
		count(c, 1, 0, 0)
		c.index(opLocalGet, 2)
	})
	b.fn(one, nil, func(c *code) {
		c.index(opLocalGet, 0)
		c.i32(3)
		c.op(0x6c)
		c.i32(1)
		c.op(opI32Add)
	})
	b.table(Size{Min: 1})
	b.elems(false, 1)
	return map[string][]byte{
		"sum": sum, "matrix": matrix, "fib": fib, "switch": switches, "copy": copies, "hash": hash, "calls": b.wasm(),
	}
}

// rounds is what each kernel is called with.
var rounds = map[string]uint64{"sum": 10_000, "matrix": 10, "fib": 18, "switch": 10_000, "copy": 1_000, "hash": 2_000, "calls": 5_000}

func BenchmarkOverhead(b *testing.B) {
	for name, wasm := range kernels() {
		h := newHost(b, api.CoreFeaturesV2, 100_000)
		before, err := h.InstantiateWithConfig(context.Background(), wasm, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			b.Fatal(err)
		}
		after := h.start(b, wasm, Options{})
		bench := func(m api.Module) func(b *testing.B) {
			return func(b *testing.B) {
				f, stack := m.ExportedFunction("run"), make([]uint64, 1)
				given, left := h.given, uint64(0)
				if m == after {
					left = m.ExportedGlobal(hidden + "fuel").Get()
				}
				for range b.N {
					stack[0] = rounds[name]
					if err := f.CallWithStack(context.Background(), stack); err != nil {
						b.Fatal(err)
					}
				}
				if m == after {
					units := h.given - given + int64(left) - int64(m.ExportedGlobal(hidden+"fuel").Get())
					b.ReportMetric(float64(units)/float64(b.Elapsed().Nanoseconds()), "units/ns")
				}
			}
		}
		b.Run(name+"/before", bench(before))
		b.Run(name+"/after", bench(after))
	}
}
