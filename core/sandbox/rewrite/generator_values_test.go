// The generator of modules, continued: values, calls and bulk operations.
package rewrite

import "slices"

// value writes code that leaves one value of a type.
func (g *generator) value(typ byte, depth int) {
	g.size++
	kind := g.pick(10)
	if depth <= 0 || g.size > 300 {
		kind %= 4
	}
	switch kind {
	case 0, 1:
		g.constant(typ)
	case 2, 3:
		for k := range g.locals {
			if x := (k + g.pick(8)) % len(g.locals); g.locals[x] == typ {
				g.c.index(opLocalGet, uint32(x))
				return
			}
		}
		if x := slices.Index([]byte{0, i32, i64, f64, v128}, typ); x > 0 {
			g.c.index(opGlobalGet, uint32(x))
			return
		}
		g.constant(typ)
	case 4:
		g.call(depth-1, typ)
	case 5:
		if x := slices.Index(g.locals, typ); x >= 0 {
			g.value(typ, depth-1)
			g.c.index(opLocalTee, uint32(x))
			return
		}
		g.value(typ, depth-1)
		g.value(typ, depth-1)
		g.value(i32, depth-1)
		g.c.op(opSelect)
	case 6:
		if typ == i32 {
			switch g.pick(4) {
			case 0:
				g.c.index(opMemorySize, 0)
			case 1:
				g.value(i32, 1)
				g.c.index(opMemoryGrow, 0)
			case 2:
				g.c.index(opTableSize, 0)
			case 3:
				g.c.index(opRefFunc, uint32(g.pick(len(g.types))))
				g.value(i32, 1)
				g.c.index(opTableGrow, 0)
			}
			return
		}
		fallthrough
	default:
		g.plainOf(func(in *instruction) bool { return len(in.gives) == 1 && in.gives[0] == typ && len(in.takes) > 0 }, depth)
	}
}

func (g *generator) constant(typ byte) {
	switch typ {
	case i32:
		g.c.i32(int32(g.number()))
	case i64:
		g.c.i64(g.number())
	case f32:
		g.c.op(opF32Const)
		g.bytes(4)
	case f64:
		g.c.op(opF64Const)
		g.bytes(8)
	case v128:
		g.c.op(opV128Const)
		g.bytes(16)
	}
}

func (g *generator) bytes(n int) {
	for range n {
		g.c.byte(byte(g.pick(256)))
	}
}

// rowsOf are the instructions of each part of the table that generators may use
// without more ado.
var rowsOf = func() (ops []opcode) {
	for prefix, rows := range map[opcode]*part{0: plain, 0xfc00: prefixed, 0xfd00: vector} {
		for n := range rows {
			switch in := &rows[n]; in.imm {
			case immNone, immAccess, immLane, immAccessLane, immShuffle:
				if len(in.takes) > 0 {
					ops = append(ops, prefix|opcode(n))
				}
			}
		}
	}
	slices.Sort(ops)
	return ops
}()

// plainOf writes some instruction that the table of instructions knows all
// about.
func (g *generator) plainOf(want func(*instruction) bool, depth int) {
	at := g.pick(256) | g.pick(4)<<8
	for n := range rowsOf {
		op := rowsOf[(at+n)%len(rowsOf)]
		in := op.instruction()
		if !want(in) {
			continue
		}
		for n, typ := range in.takes {
			if n == 0 && (in.imm == immAccess || in.imm == immAccessLane) && g.pick(16) > 0 {
				g.c.i32(int32(g.pick(256) * 17)) // mostly in bounds
				continue
			}
			g.value(typ, depth-1)
		}
		g.c.op(op)
		switch in.imm {
		case immAccess, immAccessLane:
			g.c.u32(uint32(g.pick(int(in.align) + 1)))
			g.c.u32(uint32(g.pick(256)))
			if in.imm == immAccessLane {
				g.c.byte(byte(g.pick(int(in.lanes))))
			}
		case immLane:
			g.c.byte(byte(g.pick(int(in.lanes))))
		case immShuffle:
			for range 16 {
				g.c.byte(byte(g.pick(32)))
			}
		}
		return
	}
	panic("no instruction is like that")
}

// call writes a call, of a function that gives one value of a type or, without
// one, of any; the results are dropped then.
func (g *generator) call(depth int, typ byte) {
	f := g.pick(len(g.types))
	if typ != 0 {
		found := false
		for n := range g.types {
			if k := (f + n) % len(g.types); string(g.types[k].results) == string(typ) {
				f, found = k, true
				break
			}
		}
		if !found {
			g.constant(typ)
			return
		}
	}
	for _, p := range g.types[f].params {
		g.value(p, depth-1)
	}
	if g.pick(3) == 0 {
		if g.pick(8) == 0 {
			g.value(i32, 1)
		} else {
			g.c.i32(int32(f + len(g.types)*g.pick(6))) // as the table is at first
		}
		g.c.index(opCallIndirect, uint32(f), 0)
	} else {
		g.c.index(opCall, uint32(f))
	}
	if typ == 0 {
		g.drop(len(g.types[f].results))
	}
}

// bulk writes a bulk operation, mostly in bounds.
func (g *generator) bulk() {
	small := func(n int) {
		if g.pick(12) == 0 {
			g.value(i32, 1)
		} else {
			g.c.i32(int32(g.pick(n)))
		}
	}
	length := func(n int) { small(n) }
	switch g.pick(10) {
	case 0:
		small(256)
		g.value(i32, 1)
		length(256)
		g.c.index(opMemoryFill, 0)
	case 1:
		small(256)
		small(256)
		length(256)
		g.c.index(opMemoryCopy, 0, 0)
	case 2:
		small(256)
		small(5)
		length(10)
		g.c.index(opMemoryInit, uint32(g.pick(genData)), 0)
	case 3:
		g.c.index(opDataDrop, uint32(g.pick(genData)))
	case 4:
		small(40)
		small(40)
		length(30)
		g.c.index(opTableCopy, 0, 0)
	case 5:
		small(40)
		small(4)
		length(4)
		g.c.index(opTableInit, 1, 0)
	case 6:
		g.c.index(opElemDrop, uint32(g.pick(2)))
	case 7:
		small(40)
		g.c.index(opRefFunc, uint32(g.pick(len(g.types))))
		length(40)
		g.c.index(opTableFill, 0)
	case 8:
		small(40)
		small(40)
		g.c.index(opTableGet, 0)
		g.c.index(opTableSet, 0)
	case 9:
		g.value(i32, 1)
		g.c.index(opMemoryGrow, 0)
		g.c.op(opDrop)
	}
}
