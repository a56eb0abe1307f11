// The table of instructions: what follows each opcode, what it takes and gives.
// Where the specification's rules are more than that, check.go has them.
package rewrite

// opcode is an instruction: the byte, or for the two prefixes (0xfc, 0xfd) the
// prefix and the number after it: 0xfc0a, 0xfd0c.
type opcode uint16

const (
	opUnreachable  opcode = 0x00
	opNop          opcode = 0x01
	opBlock        opcode = 0x02
	opLoop         opcode = 0x03
	opIf           opcode = 0x04
	opElse         opcode = 0x05
	opEnd          opcode = 0x0b
	opBr           opcode = 0x0c
	opBrIf         opcode = 0x0d
	opBrTable      opcode = 0x0e
	opReturn       opcode = 0x0f
	opCall         opcode = 0x10
	opCallIndirect opcode = 0x11
	opDrop         opcode = 0x1a
	opSelect       opcode = 0x1b
	opSelectTyped  opcode = 0x1c
	opLocalGet     opcode = 0x20
	opLocalSet     opcode = 0x21
	opLocalTee     opcode = 0x22
	opGlobalGet    opcode = 0x23
	opGlobalSet    opcode = 0x24
	opTableGet     opcode = 0x25
	opTableSet     opcode = 0x26
	opMemorySize   opcode = 0x3f
	opMemoryGrow   opcode = 0x40
	opI32Const     opcode = 0x41
	opI64Const     opcode = 0x42
	opF32Const     opcode = 0x43
	opF64Const     opcode = 0x44
	opI32LtS       opcode = 0x48
	opI32GtU       opcode = 0x4b
	opI32LeU       opcode = 0x4d
	opI64GeS       opcode = 0x59
	opI64GtU       opcode = 0x56
	opI64LeU       opcode = 0x58
	opI32Add       opcode = 0x6a
	opI32Sub       opcode = 0x6b
	opI32DivU      opcode = 0x6e
	opI32Or        opcode = 0x72
	opI32ShrU      opcode = 0x76
	opI64Add       opcode = 0x7c
	opI64Sub       opcode = 0x7d
	opI64Mul       opcode = 0x7e
	opI64Shl       opcode = 0x86
	opI64ShrU      opcode = 0x88
	opI64ExtendU   opcode = 0xad
	opRefNull      opcode = 0xd0
	opRefIsNull    opcode = 0xd1
	opRefFunc      opcode = 0xd2
	opMemoryInit   opcode = 0xfc08
	opDataDrop     opcode = 0xfc09
	opMemoryCopy   opcode = 0xfc0a
	opMemoryFill   opcode = 0xfc0b
	opTableInit    opcode = 0xfc0c
	opElemDrop     opcode = 0xfc0d
	opTableCopy    opcode = 0xfc0e
	opTableGrow    opcode = 0xfc0f
	opTableSize    opcode = 0xfc10
	opTableFill    opcode = 0xfc11
	opV128Const    opcode = 0xfd0c
)

// immediate is what follows an opcode.
type immediate byte

const (
	unassigned    immediate = iota // no such instruction
	immNone                        //
	immBlock                       // the type of a block
	immIndex                       // one index: of a label, function, local, global, table, segment
	immLabels                      // br_table's
	immTypes                       // select's
	immTwo                         // two indexes
	immMemory                      // the index of a memory
	immTwoMemory                   // two of them
	immSegment                     // a data segment and a memory
	immAccess                      // alignment and offset
	immLane                        // a lane
	immAccessLane                  // alignment, offset and a lane
	immI32
	immI64
	imm4  // bytes
	imm8  // bytes
	imm16 // bytes
	immShuffle
	immReference // a type of references
)

// instruction is a row of the table.
type instruction struct {
	imm    immediate
	align  uint8  // of a memory access: the largest exponent
	lanes  uint8  // of an instruction with a lane
	weight uint16 // see weight.go
	// takes and gives list types of operands; empty for those that check.go
	// knows by name.
	takes, gives []byte
}

// The three parts of the table: of one byte; 0xfc; 0xfd.
var plain, prefixed, vector = plainRows(), prefixedRows(), vectorRows()

type part [256]instruction

func (op opcode) instruction() *instruction {
	switch op >> 8 {
	case 0xfc:
		return &prefixed[op&0xff]
	case 0xfd:
		return &vector[op&0xff]
	}
	return &plain[op&0xff]
}

var letters = map[byte]byte{'i': i32, 'l': i64, 'f': f32, 'd': f64, 'v': v128}

// row fills from..to of a part; a signature is "il:f": i32 i64 -> f32.
func row(rows *part, from, to int, imm immediate, signature string, sizes ...uint8) {
	in := instruction{imm: imm, weight: weightPlain}
	gives := false
	for _, c := range []byte(signature) {
		switch {
		case c == ':':
			gives = true
		case gives:
			in.gives = append(in.gives, letters[c])
		default:
			in.takes = append(in.takes, letters[c])
		}
	}
	switch imm {
	case immAccess:
		in.align = sizes[0]
	case immLane:
		in.lanes = sizes[0]
	case immAccessLane:
		in.align, in.lanes = sizes[0], sizes[1]
	}
	for op := from; op <= to; op++ {
		rows[op] = in
	}
}

func plainRows() *part {
	p := new(part)
	row(p, 0x00, 0x01, immNone, "") // unreachable, nop
	row(p, 0x02, 0x04, immBlock, "")
	row(p, 0x05, 0x05, immNone, "") // else
	row(p, 0x0b, 0x0b, immNone, "") // end
	row(p, 0x0c, 0x0d, immIndex, "")
	row(p, 0x0e, 0x0e, immLabels, "")
	row(p, 0x0f, 0x0f, immNone, "")
	row(p, 0x10, 0x10, immIndex, "")
	row(p, 0x11, 0x11, immTwo, "")
	row(p, 0x1a, 0x1b, immNone, "")
	row(p, 0x1c, 0x1c, immTypes, "")
	row(p, 0x20, 0x26, immIndex, "")
	// Loads and stores.
	row(p, 0x28, 0x28, immAccess, "i:i", 2)
	row(p, 0x29, 0x29, immAccess, "i:l", 3)
	row(p, 0x2a, 0x2a, immAccess, "i:f", 2)
	row(p, 0x2b, 0x2b, immAccess, "i:d", 3)
	row(p, 0x2c, 0x2d, immAccess, "i:i", 0)
	row(p, 0x2e, 0x2f, immAccess, "i:i", 1)
	row(p, 0x30, 0x31, immAccess, "i:l", 0)
	row(p, 0x32, 0x33, immAccess, "i:l", 1)
	row(p, 0x34, 0x35, immAccess, "i:l", 2)
	row(p, 0x36, 0x36, immAccess, "ii:", 2)
	row(p, 0x37, 0x37, immAccess, "il:", 3)
	row(p, 0x38, 0x38, immAccess, "if:", 2)
	row(p, 0x39, 0x39, immAccess, "id:", 3)
	row(p, 0x3a, 0x3a, immAccess, "ii:", 0)
	row(p, 0x3b, 0x3b, immAccess, "ii:", 1)
	row(p, 0x3c, 0x3c, immAccess, "il:", 0)
	row(p, 0x3d, 0x3d, immAccess, "il:", 1)
	row(p, 0x3e, 0x3e, immAccess, "il:", 2)
	row(p, 0x3f, 0x3f, immMemory, ":i")
	row(p, 0x40, 0x40, immMemory, "i:i")
	row(p, 0x41, 0x41, immI32, ":i")
	row(p, 0x42, 0x42, immI64, ":l")
	row(p, 0x43, 0x43, imm4, ":f")
	row(p, 0x44, 0x44, imm8, ":d")
	// Comparisons.
	row(p, 0x45, 0x45, immNone, "i:i")
	row(p, 0x46, 0x4f, immNone, "ii:i")
	row(p, 0x50, 0x50, immNone, "l:i")
	row(p, 0x51, 0x5a, immNone, "ll:i")
	row(p, 0x5b, 0x60, immNone, "ff:i")
	row(p, 0x61, 0x66, immNone, "dd:i")
	// Arithmetic.
	row(p, 0x67, 0x69, immNone, "i:i")
	row(p, 0x6a, 0x78, immNone, "ii:i")
	row(p, 0x79, 0x7b, immNone, "l:l")
	row(p, 0x7c, 0x8a, immNone, "ll:l")
	row(p, 0x8b, 0x91, immNone, "f:f")
	row(p, 0x92, 0x98, immNone, "ff:f")
	row(p, 0x99, 0x9f, immNone, "d:d")
	row(p, 0xa0, 0xa6, immNone, "dd:d")
	// Conversions.
	row(p, 0xa7, 0xa7, immNone, "l:i")
	row(p, 0xa8, 0xa9, immNone, "f:i")
	row(p, 0xaa, 0xab, immNone, "d:i")
	row(p, 0xac, 0xad, immNone, "i:l")
	row(p, 0xae, 0xaf, immNone, "f:l")
	row(p, 0xb0, 0xb1, immNone, "d:l")
	row(p, 0xb2, 0xb3, immNone, "i:f")
	row(p, 0xb4, 0xb5, immNone, "l:f")
	row(p, 0xb6, 0xb6, immNone, "d:f")
	row(p, 0xb7, 0xb8, immNone, "i:d")
	row(p, 0xb9, 0xba, immNone, "l:d")
	row(p, 0xbb, 0xbb, immNone, "f:d")
	row(p, 0xbc, 0xbc, immNone, "f:i")
	row(p, 0xbd, 0xbd, immNone, "d:l")
	row(p, 0xbe, 0xbe, immNone, "i:f")
	row(p, 0xbf, 0xbf, immNone, "l:d")
	row(p, 0xc0, 0xc1, immNone, "i:i")
	row(p, 0xc2, 0xc4, immNone, "l:l")
	row(p, 0xd0, 0xd0, immReference, "")
	row(p, 0xd1, 0xd1, immNone, "")
	row(p, 0xd2, 0xd2, immIndex, "")
	weighPlain(p)
	return p
}

func prefixedRows() *part {
	p := new(part)
	row(p, 0, 1, immNone, "f:i")
	row(p, 2, 3, immNone, "d:i")
	row(p, 4, 5, immNone, "f:l")
	row(p, 6, 7, immNone, "d:l")
	row(p, 8, 8, immSegment, "iii:")
	row(p, 9, 9, immIndex, "")
	row(p, 10, 10, immTwoMemory, "iii:")
	row(p, 11, 11, immMemory, "iii:")
	row(p, 12, 12, immTwo, "iii:") // the segment, then the table
	row(p, 13, 13, immIndex, "")
	row(p, 14, 14, immTwo, "iii:")
	row(p, 15, 15, immIndex, "")
	row(p, 16, 16, immIndex, ":i")
	row(p, 17, 17, immIndex, "")
	weighPrefixed(p)
	return p
}
