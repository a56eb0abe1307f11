// Rewriting a decoded module, section by section.
package rewrite

import (
	"errors"
	"fmt"
	"slices"
)

// Options says how a module is rewritten.
type Options struct {
	// Module, Tick and Deep name the two functions that are imported:
	// tick (i64) -> (i64) takes the fuel that is left, which is negative, and
	// gives the fuel to go on with; deep () -> () is told that the stack is used
	// up, and must not return. "atoll", "tick" and "deep" if empty.
	Module, Tick, Deep string
	// Depth is how many bytes of frames may be open at once. Zero: 512 KiB.
	Depth int
	// TableCap is the most entries that table.grow reaches in all tables that the
	// module defines together, unless they begin with more. Zero: as the module
	// says.
	TableCap uint32
	// KeepExports keeps all exports; else those that Keep names stay, so far as
	// the module has them. With KeepExports data stays in the module too.
	KeepExports bool
	Keep        []string
}

// Rewritten is a module that can be run.
type Rewritten struct {
	// Wasm is the module.
	Wasm []byte
	// Image is what memory holds at the start, to be written in this order (later
	// ones win) before anything runs; Wasm has these segments no more. The bytes
	// may belong to the original. Nil: Wasm writes its data itself.
	Image []Segment
	// Pages is the size of memory at the start, in pages of 64 KiB.
	Pages uint32
	// Globals are export names, in index order, of all mutable globals of the
	// original that a host can set: numbers.
	Globals []string
	// Fuel (i64) and Depth (i32) are export names of the hidden globals. Fuel
	// begins with none, so that the first charge ticks.
	Fuel, Depth string
	// Pristine tells that memory and Globals (and Fuel and Depth) are all that a
	// run can change, so that setting them back makes the instance new.
	Pristine bool
}

// Segment is a piece of memory.
type Segment struct {
	Offset uint32
	Bytes  []byte
}

// rewriting is a module that is being rewritten.
type rewriting struct {
	*Module
	o     Options
	types []funcType // the module's and new ones
	known map[string]uint32

	// Indexes of what is added.
	tick, deep  uint32 // imported functions
	ticker      uint32 // the function that calls tick
	fuel, depth uint32 // globals
	helpers     helpers

	leaves     []int    // by body: what callers pay for it, in tenths; 0: it charges itself
	leafOfType []int    // by type, the first of those alike: the most of any leaf of it
	canonical  []uint32 // by type: the first of those alike
}

// added is how many functions are imported on top.
const added = 2

// Rewrite writes the module again. The module itself is not changed. The same
// module and options always give the same bytes.
func (m *Module) Rewrite(o Options) (out *Rewritten, err error) {
	defer func() {
		if broken := recovered(recover()); broken != nil {
			out, err = nil, broken
		}
	}()
	if o.Module == "" {
		o.Module = "atoll"
	}
	if o.Tick == "" {
		o.Tick = "tick"
	}
	if o.Deep == "" {
		o.Deep = "deep"
	}
	if o.Depth == 0 {
		o.Depth = 512 << 10
	}
	if o.Depth < 0 || o.Depth > 1<<30 {
		return nil, fmt.Errorf("a depth of %d bytes", o.Depth)
	}
	w := &rewriting{Module: m, o: o, types: slices.Clone(m.types), known: map[string]uint32{}}
	for n, t := range slices.Backward(w.types) {
		w.known[t.key()] = uint32(n)
	}
	w.tick, w.deep = uint32(m.imported.funcs), uint32(m.imported.funcs)+1
	w.ticker = uint32(len(m.funcs) + added)
	w.fuel, w.depth = uint32(len(m.globals)), uint32(len(m.globals))+1
	w.helpers.first = w.ticker + 1
	out = &Rewritten{Fuel: hidden + "fuel", Depth: hidden + "depth"}
	if len(m.memories) > 0 {
		out.Pages = uint32(m.memories[0].Min)
	}
	if out.Image, err = w.image(); err != nil {
		return nil, err
	}
	out.Wasm = w.module(out)
	out.Pristine = w.pristine()
	return out, nil
}

// moved gives the new index of a function.
func (w *rewriting) moved(function uint32) uint32 {
	if int64(function) < int64(w.imported.funcs) {
		return function
	}
	return function + added
}

// key tells types apart.
func (t funcType) key() string { return string(t.params) + ">" + string(t.results) }

// typeOf gives the index of a type, a new one if the module has none like it.
func (w *rewriting) typeOf(params, results []byte) uint32 {
	t := funcType{params, results}
	key := t.key()
	if n, ok := w.known[key]; ok {
		return n
	}
	n := uint32(len(w.types))
	w.types = append(w.types, t)
	w.known[key] = n
	return n
}

// pristine tells whether a run changes memory and numeric globals only.
func (w *rewriting) pristine() bool {
	if w.uses.tables || w.uses.drops {
		return false
	}
	for _, g := range w.globals {
		if g.mutable && !settable(g.typ) {
			return false
		}
	}
	return true
}

// settable tells whether a host can set globals of a type.
func settable(t byte) bool { return t != v128 && !isReference(t) }

var errOutside = errors.New("a data segment lies outside of memory")

// image takes the data segments out, if all are where only the module decides.
func (w *rewriting) image() ([]Segment, error) {
	if w.o.KeepExports || w.Start || w.imported.memories > 0 || len(w.memories) == 0 {
		return nil, nil
	}
	segments := []Segment{}
	end := uint64(0) // of all that is there so far
	for _, d := range w.data {
		if d.passive {
			continue
		}
		if d.offset.op != opI32Const {
			return nil, nil
		}
		r := &reader{wasm: w.wasm, at: d.offset.at + 1, end: d.offset.end}
		offset := uint32(r.signed(32))
		if uint64(offset)+uint64(len(d.bytes)) > w.memories[0].Min<<16 {
			return nil, errOutside
		}
		if len(d.bytes) == 0 {
			continue
		}
		segments = merge(segments, offset, d.bytes, end)
		end = max(end, uint64(offset)+uint64(len(d.bytes)))
	}
	return segments, nil
}

// gap is how many bytes of zeros between two segments are written rather than
// beginning a new one: Go's linker makes tens of thousands.
const gap = 32

// merge appends a segment, to the last one if it is close behind it. end is
// where all that was written so far ends.
func merge(segments []Segment, offset uint32, b []byte, end uint64) []Segment {
	if n := len(segments) - 1; n >= 0 {
		last := &segments[n]
		if till := uint64(last.Offset) + uint64(len(last.Bytes)); till == end && uint64(offset) >= till && uint64(offset)-till <= gap {
			last.Bytes = append(append(last.Bytes, make([]byte, uint64(offset)-till)...), b...)
			return segments
		}
	}
	return append(segments, Segment{Offset: offset, Bytes: b})
}
