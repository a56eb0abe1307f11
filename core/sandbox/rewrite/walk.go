// Reading one instruction after the other.
package rewrite

// instr is an instruction as it stands in a body.
type instr struct {
	op   opcode
	row  *instruction
	at   int    // its first byte; the reader stands behind its last
	a, b uint32 // the indexes that it names, or the lane
	// block is a block's type: an index, or -1 with one of types in a, 0 for none.
	block int64
	// value of an i32.const.
	value int64
	// labels of a br_table, the default last; good until the next one is read.
	labels []uint32
}

// instruction reads the next instruction into in, whose labels it uses again.
func (r *reader) instruction(in *instr) {
	in.at, in.a, in.b = r.at, 0, 0
	in.op = opcode(r.byte())
	if in.op == 0xfc || in.op == 0xfd {
		sub := r.u32()
		if sub > 0xff {
			r.failAt(in.at, "there is no instruction 0x%x %d", in.op, sub)
		}
		in.op = in.op<<8 | opcode(sub)
	}
	in.row = in.op.instruction()
	switch in.row.imm {
	case immNone:
	case immIndex:
		in.a = r.u32()
	case immI32:
		in.value = r.signed(32)
	case immI64:
		r.signed(64)
	case immAccess:
		r.access(in)
	case unassigned:
		r.failAt(in.at, "there is no instruction 0x%x", uint16(in.op))
	default:
		r.rare(in)
	}
}

func (r *reader) rare(in *instr) {
	switch in.row.imm {
	case immBlock:
		r.blockType(in)
	case immLabels:
		n := r.u32()
		if int64(n) >= int64(r.end-r.at) { // each takes a byte at least
			r.fail("it ends in the middle of something")
		}
		in.labels = in.labels[:0]
		for range int(n) + 1 {
			in.labels = append(in.labels, r.u32())
		}
	case immTypes:
		if n := r.u32(); n != 1 {
			r.fail("select gives %d values; it gives one", n)
		}
		in.a = uint32(r.valueType())
	case immTwo:
		in.a = r.u32()
		in.b = r.u32()
	case immMemory:
		r.zero()
	case immTwoMemory:
		r.zero()
		r.zero()
	case immSegment:
		in.a = r.u32()
		r.zero()
	case immLane:
		r.lane(in)
	case immAccessLane:
		r.access(in)
		r.lane(in)
	case imm4:
		r.bytes(4)
	case imm8:
		r.bytes(8)
	case imm16:
		r.bytes(16)
	case immShuffle:
		for _, lane := range r.bytes(16) {
			if lane >= 32 {
				r.fail("there is no lane %d", lane)
			}
		}
	case immReference:
		in.a = uint32(r.referenceType())
	}
}

// zero reads the index of the one memory, which must be one byte.
func (r *reader) zero() {
	if r.byte() != 0 {
		r.failAt(r.at-1, "a memory is named; there is at most one")
	}
}

func (r *reader) access(in *instr) {
	if align := r.u32(); align > uint32(in.row.align) {
		r.failAt(in.at, "an alignment of 2^%d; at most 2^%d", align, in.row.align)
	}
	r.u32()
}

func (r *reader) lane(in *instr) {
	if in.a = uint32(r.byte()); in.a >= uint32(in.row.lanes) {
		r.failAt(in.at, "there is no lane %d", in.a)
	}
}

func (r *reader) blockType(in *instr) {
	in.block, in.a = -1, 0
	if r.at < r.end && r.wasm[r.at]&0xc0 == 0x40 { // a negative number of one byte
		if t := r.byte(); t != 0x40 {
			r.at--
			in.a = uint32(r.valueType())
		}
		return
	}
	in.block = r.signed(33)
	if in.block < 0 {
		r.failAt(in.at, "there is no type %d", in.block)
	}
}
