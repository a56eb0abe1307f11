// The sections of a rewritten module.
package rewrite

import (
	"fmt"
	"slices"
)

// module writes everything. The code comes first, for it finds out which types
// and helpers are needed.
func (w *rewriting) module(out *Rewritten) []byte {
	bodies, count := w.code()
	wasm := code(slices.Clone(w.wasm[:8]))

	var types code
	for _, t := range w.types {
		types.byte(0x60)
		types.sized(t.params)
		types.sized(t.results)
	}
	wasm.section(1, len(w.types), types)

	var imports code
	for _, i := range w.Imports {
		imports.bytes(w.wasm[i.at:i.end])
	}
	for name, typ := range w.newImports() {
		imports.name(w.o.Module)
		imports.name(name)
		imports.byte(KindFunction)
		imports.u32(typ)
	}
	wasm.section(2, len(w.Imports)+added, imports)

	var funcs code
	for _, typ := range w.funcs[w.imported.funcs:] {
		funcs.u32(typ)
	}
	funcs.u32(w.typeOf(nil, []byte{i64})) // the ticker
	for _, h := range w.helpers.all {
		funcs.u32(h.typ)
	}
	wasm.section(3, count, funcs)

	var tables code
	for _, t := range w.tables[w.imported.tables:] {
		tables.byte(t.typ)
		tables.size(w.capped(t.size))
	}
	wasm.section(4, len(w.Tables), tables)

	var memories code
	for _, m := range w.Memories {
		memories.size(m)
	}
	wasm.section(5, len(w.Memories), memories)

	w.globalSection(&wasm)
	w.exportSection(&wasm, out)
	if w.Start {
		var start code
		start.u32(w.moved(w.start))
		wasm.byte(8)
		wasm.sized(start)
	}
	w.elementSection(&wasm)
	keep := out.Image == nil || w.uses.segments
	if keep && w.counted {
		var n code
		n.u32(uint32(len(w.data)))
		wasm.byte(12)
		wasm.sized(n)
	}
	wasm.section(10, count, bodies)
	if keep {
		w.dataSection(&wasm, out.Image != nil)
	}
	return wasm
}

// newImports gives the two functions that are imported, with their types.
func (w *rewriting) newImports() func(yield func(string, uint32) bool) {
	return func(yield func(string, uint32) bool) {
		_ = yield(w.o.Tick, w.typeOf([]byte{i64}, []byte{i64})) && yield(w.o.Deep, w.typeOf(nil, nil))
	}
}

// code writes all functions, and says how many there are.
func (w *rewriting) code() (bodies code, count int) {
	w.typeOf([]byte{i64}, []byte{i64})
	w.typeOf(nil, nil)
	w.typeOf(nil, []byte{i64})
	bodies = make(code, 0, len(w.wasm)+len(w.wasm)/4)
	one := &writer{rewriting: w}
	one.sizer.Module, one.sizer.types = w.Module, w.Module.types
	one.findLeaves()
	for n := range w.bodies {
		bodies.sized(one.function(n))
	}
	var ticker code
	ticker.u32(0)
	ticker.index(opGlobalGet, w.fuel)
	ticker.index(opCall, w.tick)
	ticker.index(opGlobalSet, w.fuel)
	ticker.index(opGlobalGet, w.fuel)
	ticker.op(opEnd)
	bodies.sized(ticker)
	for _, h := range w.helpers.all {
		bodies.sized(h.body)
	}
	return bodies, len(w.bodies) + 1 + len(w.helpers.all)
}

// capped gives the size of a table that cannot grow without end: all tables
// together not beyond the cap.
func (w *rewriting) capped(s Size) Size {
	if w.o.TableCap == 0 || len(w.Tables) == 0 {
		return s
	}
	spare := uint64(w.o.TableCap)
	for _, t := range w.Tables {
		spare -= min(spare, t.Min)
	}
	if most := s.Min + spare/uint64(len(w.Tables)); !s.Capped || s.Max > most {
		s.Max, s.Capped = most, true
	}
	return s
}

func (w *rewriting) globalSection(wasm *code) {
	var c code
	for _, g := range w.globals[w.imported.globals:] {
		c.byte(g.typ)
		if g.mutable {
			c.byte(1)
		} else {
			c.byte(0)
		}
		w.expression(&c, g.value)
	}
	c.bytes([]byte{i64, 1})
	c.i64(0)
	c.op(opEnd)
	c.bytes([]byte{i32, 1})
	c.i32(int32(w.o.Depth))
	c.op(opEnd)
	wasm.section(6, w.Globals+2, c)
}

// expression writes a constant expression, its function moved.
func (w *rewriting) expression(c *code, e expression) {
	if e.op == opRefFunc {
		c.index(opRefFunc, w.moved(e.index))
	} else {
		c.bytes(w.wasm[e.at:e.end])
	}
	c.op(opEnd)
}

func (w *rewriting) exportSection(wasm *code, out *Rewritten) {
	var c code
	count := 0
	add := func(name string, kind byte, index uint32) {
		count++
		c.name(name)
		c.byte(kind)
		c.u32(index)
	}
	for _, e := range w.Exports {
		if !w.o.KeepExports && !slices.Contains(w.o.Keep, e.Name) {
			continue
		}
		index := e.Index
		if e.Kind == KindFunction {
			index = w.moved(index)
		}
		add(e.Name, e.Kind, index)
	}
	for n, g := range w.globals {
		if g.mutable && settable(g.typ) {
			name := fmt.Sprintf("%sglobal.%d", hidden, n)
			out.Globals = append(out.Globals, name)
			add(name, KindGlobal, uint32(n))
		}
	}
	add(out.Fuel, KindGlobal, w.fuel)
	add(out.Depth, KindGlobal, w.depth)
	wasm.section(7, count, c)
}

func (w *rewriting) elementSection(wasm *code) {
	var c code
	for _, e := range w.elements {
		kind := uint32(2) // active, with a table and the elements' type
		switch {
		case e.mode == passive:
			kind = 1
		case e.mode == declared:
			kind = 3
		case e.table == 0 && e.values == nil:
			kind = 0 // as version 1 has it
		}
		if e.values != nil {
			kind |= 4
		}
		c.u32(kind)
		if e.mode == active {
			if kind != 0 {
				c.u32(e.table)
			}
			w.expression(&c, e.offset)
		}
		if e.values != nil {
			c.byte(e.typ)
			c.u32(uint32(len(e.values)))
			for _, v := range e.values {
				w.expression(&c, v)
			}
			continue
		}
		if kind != 0 {
			c.byte(0)
		}
		c.u32(uint32(len(e.funcs)))
		for _, f := range e.funcs {
			c.u32(w.moved(f))
		}
	}
	wasm.section(9, len(w.elements), c)
}

// dataSection writes the data segments; those of an image are empty, as they
// are after they have been written to memory.
func (w *rewriting) dataSection(wasm *code, image bool) {
	var c code
	for _, d := range w.data {
		switch {
		case d.passive:
			c.byte(1)
			c.sized(d.bytes)
		case image:
			c.byte(1)
			c.sized(nil)
		default:
			c.byte(0)
			w.expression(&c, d.offset)
			c.sized(d.bytes)
		}
	}
	wasm.section(11, len(w.data), c)
}
