// Bulk operations: functions that stand in for instructions whose cost depends
// on an operand. They charge by length, and cut what is long into pieces.
//
// A helper takes the operands of its instruction. What is out of bounds goes to
// the instruction itself, which traps without having written anything, as the
// whole must.
package rewrite

import "bytes"

const (
	memoryPiece = 256 << 10 // bytes, of which each page may be met for the first time
	tablePiece  = 64 << 10  // entries
	// maxHelpers bounds the functions that are added: table and segment
	// operations need one for each table and segment.
	maxHelpers = 1_000
	// smallConstant is up to how many bytes an operation of memory whose length
	// is a constant stays as it is: compilers copy and clear structures so.
	smallConstant = 4 << 10
	// smallLength is up to how many bytes memory.copy and memory.fill do without
	// the helper if their length turns out to be that, and smallWeight what those
	// cost, in tenths.
	smallLength = 128
	smallWeight = 25

	bytesPerUnit   = 16   // of memory that is written
	entriesPerUnit = 2    // of a table
	unitsPerPage   = 4096 // of memory that is added: it is cleared when it is first used
)

// helpers are the functions that were needed so far.
type helpers struct {
	first uint32 // index of the first
	index map[helperKey]uint32
	all   []helper
}

type helperKey struct {
	op   opcode
	a, b uint32
}

type helper struct {
	typ  uint32
	body code
}

// isBulk tells whether a helper stands in for an instruction.
func isBulk(op opcode) bool {
	switch op {
	case opMemoryGrow, opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableGrow, opTableFill:
		return true
	}
	return false
}

// helper gives the function that stands in for an instruction.
func (w *rewriting) helper(in *instr) uint32 {
	key := helperKey{in.op, in.a, in.b}
	if n, ok := w.helpers.index[key]; ok {
		return n
	}
	if len(w.helpers.all) == maxHelpers {
		panic(decodeError{errHelpers})
	}
	if w.helpers.index == nil {
		w.helpers.index = map[helperKey]uint32{}
	}
	n := w.helpers.first + uint32(len(w.helpers.all))
	w.helpers.index[key] = n
	w.helpers.all = append(w.helpers.all, w.makeHelper(key))
	return n
}

// inline writes memory.copy or memory.fill: if it is short, as it is, and with
// the helper else. The operands go through three locals.
func (w *writer) inline(in *instr, first uint32) {
	c := &w.out
	helper := w.helper(in)
	operands := func() {
		for x := range uint32(3) {
			c.index(opLocalGet, first+x)
		}
	}
	for x := range uint32(3) {
		c.index(opLocalSet, first+2-x)
	}
	c.index(opLocalGet, first+2)
	c.i32(smallLength)
	c.op(opI32LeU)
	c.block(opIf)
	operands()
	if in.op == opMemoryFill {
		c.index(opMemoryFill, 0)
	} else {
		c.index(opMemoryCopy, 0, 0)
	}
	c.op(opElse)
	operands()
	c.index(opCall, helper)
	c.op(opEnd)
}

// bulk is a helper in the making. Its parameters are locals 0 to 2, or 0 and 1.
type bulk struct {
	*rewriting
	helperKey
	code
	count   uint32 // the parameter that is the length
	scratch uint32 // a local of type i64
}

func (w *rewriting) makeHelper(key helperKey) helper {
	b := &bulk{rewriting: w, helperKey: key, count: 2, scratch: 3}
	params, results := []byte{i32, i32, i32}, []byte(nil)
	switch key.op {
	case opMemoryGrow:
		params, results = []byte{i32}, []byte{i32}
		b.count, b.scratch = 0, 1
	case opTableGrow:
		params, results = []byte{w.tables[key.a].typ, i32}, []byte{i32}
		b.count, b.scratch = 1, 2
	case opTableFill:
		params = []byte{i32, w.tables[key.a].typ, i32}
	}
	b.code.bytes([]byte{1, 1, i64})
	switch key.op {
	case opMemoryGrow, opTableGrow:
		b.grow(len(params))
	default:
		b.cut()
	}
	b.code.op(opEnd)
	return helper{typ: w.typeOf(params, results), body: bytes.Clone(b.code)}
}

// table tells whether the operation is one of tables, not of memory.
func (b *bulk) table() bool { return b.helperKey.op >= opTableInit }

// original writes the instruction itself.
func (b *bulk) original() {
	c := &b.code
	switch b.helperKey.op {
	case opMemoryFill, opMemoryGrow:
		c.index(b.helperKey.op, 0)
	case opMemoryCopy:
		c.index(opMemoryCopy, 0, 0)
	case opMemoryInit:
		c.index(opMemoryInit, b.a, 0)
	case opTableGrow, opTableFill:
		c.index(b.helperKey.op, b.a)
	default:
		c.index(b.helperKey.op, b.a, b.b)
	}
}

// size writes the size of the memory or of a table, in bytes or entries, as an
// i64.
func (b *bulk) size(table uint32) {
	c := &b.code
	if b.table() {
		c.index(opTableSize, table)
		c.op(opI64ExtendU)
		return
	}
	c.index(opMemorySize, 0)
	c.op(opI64ExtendU)
	c.i64(16)
	c.op(opI64Shl)
}

// pay charges for the length, or for a whole piece.
func (b *bulk) pay(piece bool) {
	c := &b.code
	each, most := bytesPerUnit, memoryPiece
	if b.table() {
		each, most = entriesPerUnit, tablePiece
	}
	c.index(opGlobalGet, b.fuel)
	if piece {
		c.i64(int64(most / each))
	} else {
		c.index(opLocalGet, b.count)
		c.i32(int32(log2(each)))
		c.op(opI32ShrU, opI64ExtendU)
	}
	c.op(opI64Sub)
	b.spend(c, b.scratch)
}

func log2(n int) (bits int) {
	for n > 1 {
		n, bits = n>>1, bits+1
	}
	return bits
}

// operands writes local.get of all three.
func (b *bulk) operands() {
	for x := range uint32(3) {
		b.code.index(opLocalGet, x)
	}
}
