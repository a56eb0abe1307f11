// Bulk operations, continued: how a long one is cut, and how something grows.
package rewrite

import "errors"

var errHelpers = errors.New("the module has too many different operations of tables and data segments")

// cut writes a helper that does its work in pieces.
//
//	if n > piece:
//	    if out of bounds: the instruction, which traps
//	    while n > piece: a piece
//	the rest
func (b *bulk) cut() {
	c := &b.code
	piece := int32(memoryPiece)
	if b.table() {
		piece = tablePiece
	}
	long := func() {
		c.index(opLocalGet, b.count)
		c.i32(piece)
		c.op(opI32GtU)
	}
	long()
	c.block(opIf)
	b.outside()
	c.block(opIf)
	b.operands()
	b.original()
	c.op(opUnreachable, opEnd)
	c.block(opLoop)
	b.pay(true)
	b.piece(piece)
	long()
	c.index(opBrIf, 0)
	c.op(opEnd, opEnd)
	b.pay(false)
	b.operands()
	b.original()
}

// outside writes whether the whole reaches out of what it writes or reads.
func (b *bulk) outside() {
	c := &b.code
	end := func(x uint32) {
		c.index(opLocalGet, x)
		c.op(opI64ExtendU)
		c.index(opLocalGet, b.count)
		c.op(opI64ExtendU, opI64Add)
	}
	into := b.a
	if b.helperKey.op == opTableInit {
		into = b.b // the segment comes first
	}
	end(0)
	b.size(into)
	c.op(opI64GtU)
	switch b.helperKey.op {
	case opMemoryCopy, opTableCopy:
		end(1)
		b.size(b.b)
	case opMemoryInit:
		// A segment that was dropped is empty: the first piece traps.
		end(1)
		c.i64(int64(b.segmentBytes(b.a)))
	case opTableInit:
		end(1)
		c.i64(int64(max(len(b.elements[b.a].funcs), len(b.elements[b.a].values))))
	default:
		return
	}
	c.op(opI64GtU, opI32Or)
}

// segmentBytes is how long a data segment is once the module runs.
func (b *bulk) segmentBytes(n uint32) int {
	if d := b.data[n]; d.passive {
		return len(d.bytes)
	}
	return 0
}

// piece writes one piece of a long operation, and leaves the locals as those of
// the rest. What is copied upwards begins at its end, since it may overlap.
func (b *bulk) piece(n int32) {
	c := &b.code
	shorter := func() {
		c.index(opLocalGet, b.count)
		c.i32(n)
		c.op(opI32Sub)
		c.index(opLocalSet, b.count)
	}
	further := func(x uint32) {
		c.index(opLocalGet, x)
		c.i32(n)
		c.op(opI32Add)
		c.index(opLocalSet, x)
	}
	upwards := b.helperKey.op == opMemoryCopy || b.helperKey.op == opTableCopy
	if upwards {
		c.index(opLocalGet, 0)
		c.index(opLocalGet, 1)
		c.op(opI32GtU)
		c.block(opIf)
		shorter()
		for x := range uint32(2) {
			c.index(opLocalGet, x)
			c.index(opLocalGet, b.count)
			c.op(opI32Add)
		}
		c.i32(n)
		b.original()
		c.op(opElse)
	}
	c.index(opLocalGet, 0)
	c.index(opLocalGet, 1)
	c.i32(n)
	b.original()
	further(0)
	if b.helperKey.op != opMemoryFill && b.helperKey.op != opTableFill {
		further(1)
	}
	shorter()
	if upwards {
		c.op(opEnd)
	}
}

// grow writes a helper of memory.grow or table.grow. They are not cut, for they
// grow by all or nothing: what they can reach is bounded. What cannot succeed
// costs nothing.
func (b *bulk) grow(params int) {
	c := &b.code
	most := uint64(maxPages)
	if b.table() {
		most = 1<<32 - 1
		if s := b.capped(b.tables[b.a].size); s.Capped {
			most = s.Max
		}
	} else if s := b.memories[0]; s.Capped {
		most = s.Max
	}
	// How large it would be.
	c.index(opLocalGet, b.count)
	c.op(opI64ExtendU)
	if b.table() {
		c.index(opTableSize, b.a)
	} else {
		c.index(opMemorySize, 0)
	}
	c.op(opI64ExtendU, opI64Add)
	c.index(opLocalTee, b.scratch)
	c.i64(int64(most))
	c.op(opI64LeU)
	c.block(opIf)
	c.index(opGlobalGet, b.fuel)
	if b.table() { // all of it is copied
		c.index(opLocalGet, b.scratch)
		c.i64(int64(log2(entriesPerUnit)))
		c.op(opI64ShrU)
	} else {
		c.index(opLocalGet, b.count)
		c.op(opI64ExtendU)
		c.i64(unitsPerPage)
		c.op(opI64Mul)
	}
	c.op(opI64Sub)
	b.spend(c, b.scratch)
	c.op(opEnd)
	for x := range uint32(params) {
		c.index(opLocalGet, x)
	}
	b.original()
}
