// Decoding a module's sections.
package rewrite

import (
	"errors"
	"fmt"
	"strings"
)

// hidden begins the names of all exports that a rewrite adds.
const hidden = "\x00atoll."

// Decode reads a whole module, instructions too: every index is checked against
// the module's own spaces, every operand's type, every length against what is
// there, and all sizes against l while they are read. An error says what is
// wrong at which byte. It is meant for untrusted bytes.
func Decode(wasm []byte, l Limits) (*Module, error) {
	return decode(wasm, l.withDefaults(), false)
}

// decode decodes a module; ours tells that it may have hidden names.
func decode(wasm []byte, l Limits, ours bool) (m *Module, err error) {
	if len(wasm) > l.Module {
		return nil, fmt.Errorf("the module has %d bytes; at most %d are taken", len(wasm), l.Module)
	}
	if len(wasm) < 8 || string(wasm[:8]) != "\x00asm\x01\x00\x00\x00" {
		return nil, errors.New("it does not begin as a WebAssembly module of version 1 does (a component is not a module)")
	}
	defer func() {
		if broken := recovered(recover()); broken != nil {
			m, err = nil, broken
		}
	}()
	d := &decoder{Module: &Module{wasm: wasm}, limits: l, ours: ours}
	r := &reader{wasm: wasm, at: 8, end: len(wasm)}
	last := -1
	for r.more() {
		at, id := r.at, r.byte()
		s := r.part(r.u32())
		if id == 0 {
			s.name()
			continue
		}
		place := -1
		if int(id) < len(sectionOrder) {
			place = sectionOrder[id]
		}
		switch {
		case place < 0:
			r.failAt(at, "a section of kind %d; exceptions and whatever came later are not supported", id)
		case place <= last:
			r.failAt(at, "section %d is out of order or there twice", id)
		}
		last = place
		d.section(id, s)
		if s.more() {
			s.fail("section %d has bytes that belong to nothing", id)
		}
	}
	if d.Functions != len(d.bodies) {
		r.fail("%d functions are declared and %d have a body", d.Functions, len(d.bodies))
	}
	if d.counted && d.count != len(d.data) {
		r.fail("%d data segments are announced and %d are there", d.count, len(d.data))
	}
	return d.Module, nil
}

// sectionOrder says where each section stands: the data count (12) comes before
// the code (10).
var sectionOrder = [...]int{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, 12: 10, 10: 11, 11: 12}

// decoder is a module in the making.
type decoder struct {
	*Module
	limits  Limits
	ours    bool
	entries int    // of all element segments together
	tabled  uint64 // entries of all tables together
	checker *checker
}

func (d *decoder) section(id byte, s *reader) {
	switch id {
	case 1:
		for range s.count("types", d.limits.Types) {
			if s.byte() != 0x60 {
				s.failAt(s.at-1, "a type that is not a function's")
			}
			d.types = append(d.types, funcType{params: s.valueTypes(), results: s.valueTypes()})
		}
	case 2:
		for range s.count("imports", d.limits.Imports) {
			d.importOne(s)
		}
		d.imported.funcs, d.imported.tables = len(d.funcs), len(d.tables)
		d.imported.memories, d.imported.globals = len(d.memories), len(d.globals)
	case 3:
		d.Functions = s.count("functions", d.limits.Functions)
		for range d.Functions {
			d.funcs = append(d.funcs, d.typeIndex(s))
		}
	case 4:
		for range s.count("tables", d.limits.Tables) {
			t := d.table(s)
			d.tables = append(d.tables, t)
			d.Tables = append(d.Tables, t.size)
		}
	case 5:
		for range s.count("memories", 1) {
			d.memories = append(d.memories, s.size(maxPages))
		}
		d.Memories = d.memories[d.imported.memories:]
		d.oneMemory(s)
	case 6:
		d.Globals = s.count("globals", d.limits.Globals)
		for range d.Globals {
			g := d.global(s)
			g.value = d.expression(s, g.typ)
			d.globals = append(d.globals, g)
		}
	case 7:
		d.exports(s)
	case 8:
		at := s.at
		d.Start, d.start = true, d.index(s, "function", len(d.funcs))
		if t := d.types[d.funcs[d.start]]; len(t.params)+len(t.results) > 0 {
			s.failAt(at, "the start function takes or gives something")
		}
	case 9:
		d.Elements = s.count("element segments", d.limits.Segments)
		for range d.Elements {
			d.elements = append(d.elements, d.element(s))
		}
	case 12:
		d.counted, d.count = true, s.count("data segments", d.limits.Segments)
	case 10:
		d.code(s)
	case 11:
		d.Segments = s.count("data segments", d.limits.Segments)
		d.data = make([]dataSegment, 0, min(d.Segments, (s.end-s.at)/2))
		for range d.Segments {
			d.data = append(d.data, d.segment(s))
		}
	}
}

func (d *decoder) importOne(s *reader) {
	at := s.at
	i := Import{at: at, Module: s.name(), Name: s.name(), Kind: s.byte()}
	switch i.Kind {
	case KindFunction:
		i.Type = d.typeIndex(s)
		d.funcs = append(d.funcs, i.Type)
	case KindTable:
		d.tables = append(d.tables, d.table(s))
	case KindMemory:
		d.memories = append(d.memories, s.size(maxPages))
		d.oneMemory(s)
	case KindGlobal:
		d.globals = append(d.globals, d.global(s))
	default:
		s.failAt(s.at-1, "an import of kind %d", i.Kind)
	}
	i.end = s.at
	d.Imports = append(d.Imports, i)
}

func (d *decoder) oneMemory(s *reader) {
	if len(d.memories) > 1 {
		s.fail("there are %d memories; at most one is supported", len(d.memories))
	}
}

func (d *decoder) table(s *reader) table {
	t := table{typ: s.referenceType(), size: s.size(1<<32 - 1)}
	if d.tabled += t.size.Min; d.tabled > uint64(d.limits.TableEntries) {
		s.fail("tables of %d entries; at most %d", d.tabled, d.limits.TableEntries)
	}
	return t
}

func (d *decoder) global(s *reader) global {
	g := global{typ: s.valueType()}
	switch s.byte() {
	case 0:
	case 1:
		g.mutable = true
	default:
		s.failAt(s.at-1, "a global is mutable or not: 0x%x", s.wasm[s.at-1])
	}
	return g
}

// index reads an index into a space of so many.
func (d *decoder) index(s *reader, what string, space int) uint32 {
	at := s.at
	n := s.u32()
	if int64(n) >= int64(space) {
		s.failAt(at, "there is no %s %d", what, n)
	}
	return n
}

func (d *decoder) typeIndex(s *reader) uint32 { return d.index(s, "type", len(d.types)) }

func (d *decoder) exports(s *reader) {
	names := map[string]bool{}
	for range s.count("exports", d.limits.Exports) {
		at := s.at
		e := Export{Name: s.name(), Kind: s.byte()}
		switch e.Kind {
		case KindFunction:
			e.Index = d.index(s, "function", len(d.funcs))
			d.declare(e.Index)
		case KindTable:
			e.Index = d.index(s, "table", len(d.tables))
		case KindMemory:
			e.Index = d.index(s, "memory", len(d.memories))
		case KindGlobal:
			e.Index = d.index(s, "global", len(d.globals))
		default:
			s.failAt(s.at-1, "an export of kind %d", e.Kind)
		}
		if names[e.Name] {
			s.failAt(at, "two exports are called %q", e.Name)
		}
		if strings.HasPrefix(e.Name, hidden) && !d.ours {
			s.failAt(at, "an export is called %q; such names are the host's", e.Name)
		}
		names[e.Name] = true
		d.Exports = append(d.Exports, e)
	}
}

// declare notes that ref.func may name a function.
func (d *decoder) declare(function uint32) {
	if d.declared == nil {
		d.declared = newBitset(len(d.funcs))
	}
	d.declared.add(function)
}

// code reads and checks all function bodies.
func (d *decoder) code(s *reader) {
	if n := s.count("function bodies", d.limits.Functions); n != d.Functions {
		s.fail("%d functions are declared and %d have a body", d.Functions, n)
	}
	d.bodies = make([]body, 0, d.Functions)
	d.checker = newChecker(d)
	for n := range d.Functions {
		at := s.at
		size := s.u32()
		if int64(size) > int64(d.limits.Body) {
			s.failAt(at, "a function of %d bytes; at most %d", size, d.limits.Body)
		}
		b := d.checker.function(s.part(size), d.funcs[d.imported.funcs+n])
		d.Locals = max(d.Locals, b.locals)
		d.bodies = append(d.bodies, b)
	}
}
