// Decoding segments of data and of tables, and the constant expressions that
// say where they go.
package rewrite

// expression reads a constant expression of a type.
func (d *decoder) expression(s *reader, want byte) (e expression) {
	e.at = s.at
	e.op = opcode(s.byte())
	got := byte(unknown)
	switch e.op {
	case opI32Const:
		s.signed(32)
		got = i32
	case opI64Const:
		s.signed(64)
		got = i64
	case opF32Const:
		s.bytes(4)
		got = f32
	case opF64Const:
		s.bytes(8)
		got = f64
	case 0xfd:
		if s.u32() != uint32(opV128Const&0xff) {
			s.fail("not a constant")
		}
		e.op = opV128Const
		s.bytes(16)
		got = v128
	case opGlobalGet:
		at := s.at
		e.index = d.index(s, "imported global", d.imported.globals)
		if d.globals[e.index].mutable {
			s.failAt(at, "a constant is taken from the mutable global %d", e.index)
		}
		got = d.globals[e.index].typ
	case opRefNull:
		got = s.referenceType()
	case opRefFunc:
		e.index = d.index(s, "function", len(d.funcs))
		d.declare(e.index)
		got = funcref
	default:
		s.failAt(e.at, "0x%x is not an instruction of a constant", uint16(e.op))
	}
	e.end = s.at
	if opcode(s.byte()) != opEnd {
		s.failAt(s.at-1, "a constant has more than one instruction")
	}
	if got != want {
		s.failAt(e.at, "a constant is of type %s, not %s", typeNames[got], typeNames[want])
	}
	return e
}

func (d *decoder) segment(s *reader) (data dataSegment) {
	at := s.at
	switch kind := s.u32(); kind {
	case 0, 2:
		if kind == 2 {
			data.memory = s.u32()
		}
		if int64(data.memory) >= int64(len(d.memories)) {
			s.failAt(at, "there is no memory %d", data.memory)
		}
		data.offset = d.expression(s, i32)
	case 1:
		data.passive = true
	default:
		s.failAt(at, "a data segment of kind %d", kind)
	}
	data.bytes = s.bytes(s.u32())
	return data
}

func (d *decoder) element(s *reader) (e element) {
	at := s.at
	kind := s.u32()
	if kind > 7 {
		s.failAt(at, "an element segment of kind %d", kind)
	}
	e.typ = funcref
	switch {
	case kind&1 == 0:
		if kind&2 != 0 {
			e.table = s.u32()
		}
		if int64(e.table) >= int64(len(d.tables)) {
			s.failAt(at, "there is no table %d", e.table)
		}
		e.offset = d.expression(s, i32)
	case kind&2 == 0:
		e.mode = passive
	default:
		e.mode = declared
	}
	if kind&3 != 0 { // else the kind is left out
		if kind&4 != 0 {
			e.typ = s.referenceType()
		} else if s.byte() != 0 {
			s.failAt(s.at-1, "elements of an unknown kind")
		}
	}
	if e.mode == active && d.tables[e.table].typ != e.typ {
		s.failAt(at, "elements of type %s in a table of %s", typeNames[e.typ], typeNames[d.tables[e.table].typ])
	}
	n := s.count("elements", d.limits.TableEntries-d.entries)
	d.entries += n
	room := min(n, s.end-s.at) // each takes a byte at least
	if kind&4 != 0 {
		e.values = make([]expression, 0, room)
		for range n {
			e.values = append(e.values, d.expression(s, e.typ))
		}
		return e
	}
	e.funcs = make([]uint32, 0, room)
	for range n {
		f := d.index(s, "function", len(d.funcs))
		d.declare(f)
		e.funcs = append(e.funcs, f)
	}
	return e
}
