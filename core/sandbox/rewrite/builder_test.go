// Modules that tests build by hand.
package rewrite

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// builder collects the parts of a module. Function 0 is exported as "run",
// the others as "f1" and so on; memory as "memory".
type builder struct {
	types, funcs, tables, memory, globals, exports, elements, codes, data code
	n                                                                     [12]int
	counted                                                               bool
}

// fn adds a function: its type, groups of locals (count and type), and code
// without the last end.
func (b *builder) fn(t funcType, locals []byte, write func(c *code)) {
	b.types.byte(0x60)
	b.types.sized(t.params)
	b.types.sized(t.results)
	b.funcs.u32(uint32(b.n[1]))
	name := "run"
	if n := b.n[3]; n > 0 {
		name = "f" + string(rune('0'+n))
	}
	b.export(name, KindFunction, uint32(b.n[3]))
	var body code
	body.u32(uint32(len(locals) / 2))
	for n := 0; n < len(locals); n += 2 {
		body.u32(uint32(locals[n]))
		body.byte(locals[n+1])
	}
	write(&body)
	body.op(opEnd)
	b.codes.sized(body)
	b.n[1]++
	b.n[3]++
}

func (b *builder) export(name string, kind byte, index uint32) {
	b.exports.name(name)
	b.exports.byte(kind)
	b.exports.u32(index)
	b.n[7]++
}

// pages gives the module a memory.
func (b *builder) pages(min, max uint64) {
	b.memory.size(Size{Min: min, Max: max, Capped: true})
	b.n[5]++
	b.export("memory", KindMemory, 0)
}

func (b *builder) table(s Size) {
	b.tables.byte(funcref)
	b.tables.size(s)
	b.n[4]++
}

// global adds a mutable number.
func (b *builder) global(typ byte) {
	b.globals.byte(typ)
	b.globals.byte(1)
	switch typ {
	case i32:
		b.globals.i32(0)
	case i64:
		b.globals.i64(0)
	case f64:
		b.globals.op(opF64Const)
		b.globals.bytes(make([]byte, 8))
	case v128:
		b.globals.op(opV128Const)
		b.globals.bytes(make([]byte, 16))
	}
	b.globals.op(opEnd)
	b.n[6]++
}

// elems adds a segment of functions: active at 0 of table 0, or passive.
func (b *builder) elems(passive bool, funcs ...uint32) {
	if passive {
		b.elements.bytes([]byte{1, 0})
	} else {
		b.elements.byte(0)
		b.elements.i32(0)
		b.elements.op(opEnd)
	}
	b.elements.u32(uint32(len(funcs)))
	for _, f := range funcs {
		b.elements.u32(f)
	}
	b.n[9]++
}

// segment adds data: active at an offset, or passive if that is negative.
func (b *builder) segment(offset int32, content []byte) {
	if offset < 0 {
		b.data.byte(1)
	} else {
		b.data.byte(0)
		b.data.i32(offset)
		b.data.op(opEnd)
	}
	b.data.sized(content)
	b.n[11]++
}

func (b *builder) wasm() []byte {
	c := code("\x00asm\x01\x00\x00\x00")
	c.section(1, b.n[1], b.types)
	c.section(3, b.n[3], b.funcs)
	c.section(4, b.n[4], b.tables)
	c.section(5, b.n[5], b.memory)
	c.section(6, b.n[6], b.globals)
	c.section(7, b.n[7], b.exports)
	c.section(9, b.n[9], b.elements)
	if b.n[11] > 0 {
		var n code
		n.u32(uint32(b.n[11]))
		c.byte(12)
		c.sized(n)
	}
	c.section(10, b.n[3], b.codes)
	c.section(11, b.n[11], b.data)
	return c
}

// start rewrites a module and makes an instance of it, all exports kept.
func (h *host) start(t testing.TB, wasm []byte, o Options) api.Module {
	t.Helper()
	o.KeepExports = true
	out, err := rewritten(wasm, Limits{}, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.InstantiateWithConfig(context.Background(), out.Wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run calls "run".
func run(m api.Module, args ...uint64) ([]uint64, error) {
	return m.ExportedFunction("run").Call(context.Background(), args...)
}

// branchTable writes a br_table to the innermost n labels, in their order.
func (c *code) branchTable(n uint32) {
	c.op(opBrTable)
	c.u32(n - 1)
	for label := range n {
		c.u32(label)
	}
}
