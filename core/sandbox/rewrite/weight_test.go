// What instructions cost on the machine at hand: weight.go says what they weigh.
package rewrite

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// weighed are the instructions that BenchmarkWeights times, each as the chain in
// which its result is its next first operand.
var weighed = []struct {
	name  string
	typ   byte // of the local that it goes round in
	op    opcode
	write func(c *code) // from local 1 to a value of typ; nil: op with a constant
}{
	{name: "i32.add", typ: i32, op: opI32Add},
	{name: "i32.mul", typ: i32, op: 0x6c},
	{name: "i32.div_s", typ: i32, op: 0x6d, write: division(i32, 0x6d)},
	{name: "i32.div_u", typ: i32, op: opI32DivU, write: division(i32, opI32DivU)},
	{name: "i32.rem_u", typ: i32, op: 0x70, write: division(i32, 0x70)},
	{name: "i32.rotl", typ: i32, op: 0x77},
	{name: "i32.popcnt", typ: i32, op: 0x69},
	{name: "i32.lt_s", typ: i32, op: opI32LtS},
	{name: "i64.add", typ: i64, op: opI64Add},
	{name: "i64.mul", typ: i64, op: opI64Mul},
	{name: "i64.div_s", typ: i64, op: 0x7f, write: division(i64, 0x7f)},
	{name: "i64.div_u", typ: i64, op: 0x80, write: division(i64, 0x80)},
	{name: "i64.rem_s", typ: i64, op: 0x81, write: division(i64, 0x81)},
	{name: "f32.add", typ: f32, op: 0x92},
	{name: "f32.div", typ: f32, op: 0x95},
	{name: "f32.min", typ: f32, op: 0x96},
	{name: "f32.sqrt", typ: f32, op: 0x91},
	{name: "f64.add", typ: f64, op: 0xa0},
	{name: "f64.mul", typ: f64, op: 0xa2},
	{name: "f64.div", typ: f64, op: 0xa3},
	{name: "f64.min", typ: f64, op: 0xa4},
	{name: "f64.nearest", typ: f64, op: 0x9e},
	{name: "f64.sqrt", typ: f64, op: 0x9f},
	{name: "f64.copysign", typ: f64, op: 0xa6},
	{name: "i64.trunc_f64_s and back", typ: f64, op: 0xb0, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.op(0xb0, 0xb9)
	}},
	{name: "i64.trunc_sat_f64_u and back", typ: f64, op: 0xfc07, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.op(0xfc07, 0xba)
	}},
	{name: "i8x16.add", typ: v128, op: 0xfd6e},
	{name: "i16x8.mul", typ: v128, op: 0xfd95},
	{name: "i32x4.mul", typ: v128, op: 0xfdb5},
	{name: "i64x2.mul", typ: v128, op: 0xfdd5},
	{name: "i8x16.swizzle", typ: v128, op: 0xfd0e},
	{name: "i8x16.popcnt", typ: v128, op: 0xfd62},
	{name: "f32x4.div", typ: v128, op: 0xfde7},
	{name: "f32x4.sqrt", typ: v128, op: 0xfde3},
	{name: "f64x2.add", typ: v128, op: 0xfdf0},
	{name: "f64x2.div", typ: v128, op: 0xfdf3},
	{name: "f64x2.min", typ: v128, op: 0xfdf4},
	{name: "f64x2.sqrt", typ: v128, op: 0xfdef},
	{name: "i32x4.trunc_sat_f32x4_u", typ: v128, op: 0xfdf9},
	{name: "f32x4.convert_i32x4_u", typ: v128, op: 0xfdfb},
	{name: "i8x16.shl", typ: v128, op: 0xfd6b, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.i32(3)
		c.op(0xfd6b)
	}},
	{name: "i8x16.shr_s", typ: v128, op: 0xfd6c, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.i32(3)
		c.op(0xfd6c)
	}},
	{name: "i32.load", typ: i32, op: 0x28, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.bytes([]byte{0x28, 2, 0})
	}},
	{name: "i64.store", typ: i32, op: 0x37, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.i64(7)
		c.bytes([]byte{0x37, 3, 0})
		c.index(opLocalGet, 1)
	}},
	{name: "global.get and set", typ: i32, op: opGlobalGet, write: func(c *code) {
		c.index(opGlobalGet, 0)
		c.i32(1)
		c.op(opI32Add)
		c.index(opGlobalSet, 0)
		c.index(opLocalGet, 1)
	}},
	{name: "select", typ: i32, op: opSelect, write: func(c *code) {
		c.i32(5)
		c.index(opLocalGet, 1)
		c.index(opLocalGet, 1)
		c.op(opSelect)
	}},
	{name: "br_if", typ: i32, op: opBrIf, write: func(c *code) {
		c.block(opBlock)
		c.index(opLocalGet, 1)
		c.index(opBrIf, 0)
		c.op(opEnd)
		c.index(opLocalGet, 1)
	}},
	{name: "br_table of 8", typ: i32, op: opBrTable, write: func(c *code) {
		const labels = 8
		for range labels {
			c.block(opBlock)
		}
		c.index(opLocalGet, 1)
		c.branchTable(labels)
		for range labels {
			c.op(opEnd)
		}
		c.index(opLocalGet, 1)
	}},
	{name: "call", typ: i32, op: opCall, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.index(opCall, 1)
	}},
	{name: "call_indirect", typ: i32, op: opCallIndirect, write: func(c *code) {
		c.index(opLocalGet, 1)
		c.i32(0)
		c.index(opCallIndirect, 1, 0)
	}},
	{name: "table.get and set", typ: i32, op: opTableGet, write: func(c *code) {
		c.i32(1)
		c.i32(1)
		c.index(opTableGet, 0)
		c.index(opTableSet, 0)
		c.index(opLocalGet, 1)
	}},
	{name: "memory.size", typ: i32, op: opMemorySize, write: func(c *code) {
		c.index(opMemorySize, 0)
		c.op(opDrop)
		c.index(opLocalGet, 1)
	}},
	{name: "memory.grow by 0", typ: i32, op: opMemoryGrow, write: func(c *code) {
		c.i32(0)
		c.index(opMemoryGrow, 0)
		c.op(opDrop)
		c.index(opLocalGet, 1)
	}},
	{name: "memory.copy of 16", typ: i32, op: opMemoryCopy, write: bulkOf(16, func(c *code) { c.index(opMemoryCopy, 0, 0) })},
	{name: "memory.copy of 4 KiB", typ: i32, op: opMemoryCopy, write: bulkOf(4<<10, func(c *code) { c.index(opMemoryCopy, 0, 0) })},
	{name: "memory.copy of 1 MiB", typ: i32, op: opMemoryCopy, write: bulkOf(1<<20, func(c *code) { c.index(opMemoryCopy, 0, 0) })},
	{name: "memory.fill of 16", typ: i32, op: opMemoryFill, write: bulkOf(16, func(c *code) { c.index(opMemoryFill, 0) })},
	{name: "memory.fill of 4 KiB", typ: i32, op: opMemoryFill, write: bulkOf(4<<10, func(c *code) { c.index(opMemoryFill, 0) })},
	{name: "memory.fill of 1 MiB", typ: i32, op: opMemoryFill, write: bulkOf(1<<20, func(c *code) { c.index(opMemoryFill, 0) })},
	{name: "table.copy of 64", typ: i32, op: opTableCopy, write: bulkOf(64, func(c *code) { c.index(opTableCopy, 0, 0) })},
	{name: "table.copy of 64 Ki", typ: i32, op: opTableCopy, write: bulkOf(64<<10, func(c *code) { c.index(opTableCopy, 0, 0) })},
}

// bulkOf writes a bulk operation of a length, from 4 MiB or 64 Ki entries on.
func bulkOf(n int32, op func(c *code)) func(c *code) {
	return func(c *code) {
		c.i32(0)
		c.i32(64 << 10)
		c.i32(n)
		op(c)
		c.index(opLocalGet, 1)
	}
}

// division divides a large number by three, which comes from the local.
func division(typ byte, op opcode) func(c *code) {
	return func(c *code) {
		if typ == i32 {
			c.i32(0x7654_3210)
			c.index(opLocalGet, 1)
			c.i32(31)
			c.op(opI32ShrU)
			c.i32(3)
			c.op(opI32Or, op)
			return
		}
		c.i64(0x7654_3210_7654_3210)
		c.index(opLocalGet, 1)
		c.i64(63)
		c.op(opI64ShrU)
		c.i64(3)
		c.op(0x84, op) // i64.or
	}
}

// BenchmarkWeights times each instruction in a loop of many of it, as it is (not
// metered), and prints the nanoseconds of one beside its weight:
//
//	go test -run '^$' -bench Weights -benchtime 2000x ./core/sandbox/rewrite
func BenchmarkWeights(b *testing.B) {
	const many = 50
	for _, in := range weighed {
		b.Run(in.name, func(b *testing.B) {
			m := &builder{}
			m.global(i32)
			m.fn(funcType{params: []byte{i32}}, []byte{1, in.typ}, func(c *code) {
				startValue(c, in.typ)
				c.index(opLocalSet, 1)
				c.block(opLoop)
				for range many {
					if in.write != nil {
						in.write(c)
					} else {
						c.index(opLocalGet, 1)
						if len(in.op.instruction().takes) > 1 {
							startValue(c, in.typ)
						}
						c.op(in.op)
					}
					c.index(opLocalSet, 1)
				}
				c.index(opLocalGet, 0)
				c.i32(1)
				c.op(opI32Sub)
				c.index(opLocalTee, 0)
				c.index(opBrIf, 0)
				c.op(opEnd)
				// What came of it is used, or the compiler leaves it out.
				switch in.typ {
				case i64:
					c.index(opLocalGet, 1)
					c.op(0xa7)
				case f32:
					c.index(opLocalGet, 1)
					c.op(0xbc)
				case f64:
					c.index(opLocalGet, 1)
					c.op(0xbd, 0xa7)
				case v128:
					c.index(opLocalGet, 1)
					c.op(0xfd1b)
					c.byte(0)
				default:
					c.index(opLocalGet, 1)
				}
				c.index(opGlobalSet, 0)
			})
			m.fn(funcType{params: []byte{i32}, results: []byte{i32}}, nil, func(c *code) { c.index(opLocalGet, 0) })
			m.pages(64, 64)
			m.table(Size{Min: 200 << 10})
			m.elems(false, 1)
			ctx := context.Background()
			rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2))
			defer rt.Close(ctx)
			i, err := rt.InstantiateWithConfig(ctx, m.wasm(), wazero.NewModuleConfig())
			if err != nil {
				b.Fatal(err)
			}
			run, stack := i.ExportedFunction("run"), make([]uint64, 1)
			b.ResetTimer()
			least := time.Duration(math.MaxInt64) // of several rounds: the machine does other things too
			for range 9 {
				began := time.Now()
				stack[0] = uint64(b.N)
				if err := run.CallWithStack(ctx, stack); err != nil {
					b.Fatal(err)
				}
				least = min(least, time.Since(began))
			}
			b.ReportMetric(float64(least.Nanoseconds())/float64(b.N)/many, "ns/instruction")
			b.ReportMetric(float64(in.op.instruction().weight)/tenths, "weight")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// startValue writes a constant: a number that goes on being one.
func startValue(c *code, typ byte) {
	switch typ {
	case i32:
		c.i32(0)
	case i64:
		c.i64(3)
	case f32:
		c.op(opF32Const)
		c.bytes([]byte{0, 0, 0x80, 0x3f})
	case f64:
		c.op(opF64Const)
		c.bytes([]byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f})
	case v128:
		c.op(opV128Const)
		c.bytes(make([]byte, 16))
	default:
		panic(fmt.Sprintf("a value of type 0x%x", typ))
	}
}
