// Writing the binary format.
package rewrite

// code is a piece of a module in the making.
type code []byte

func (c *code) byte(b byte)    { *c = append(*c, b) }
func (c *code) bytes(b []byte) { *c = append(*c, b...) }

func (c *code) u32(v uint32) {
	for v >= 0x80 {
		*c = append(*c, byte(v)|0x80)
		v >>= 7
	}
	*c = append(*c, byte(v))
}

func (c *code) signed(v int64) {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			*c = append(*c, b)
			return
		}
		*c = append(*c, b|0x80)
	}
}

func (c *code) name(s string) {
	c.u32(uint32(len(s)))
	*c = append(*c, s...)
}

// sized writes a length and then the bytes.
func (c *code) sized(b []byte) {
	c.u32(uint32(len(b)))
	c.bytes(b)
}

// op writes an opcode.
func (c *code) op(ops ...opcode) {
	for _, op := range ops {
		if op > 0xff {
			c.byte(byte(op >> 8))
			c.u32(uint32(op & 0xff))
		} else {
			c.byte(byte(op))
		}
	}
}

// index writes an opcode and indexes.
func (c *code) index(op opcode, indexes ...uint32) {
	c.op(op)
	for _, n := range indexes {
		c.u32(n)
	}
}

func (c *code) i32(v int32) { c.op(opI32Const); c.signed(int64(v)) }
func (c *code) i64(v int64) { c.op(opI64Const); c.signed(v) }

// block opens a block, loop or if without results.
func (c *code) block(op opcode) { c.op(op); c.byte(0x40) }

// size writes the limits of a memory or table.
func (c *code) size(s Size) {
	if !s.Capped {
		c.byte(0)
		c.u32(uint32(s.Min))
		return
	}
	c.byte(1)
	c.u32(uint32(s.Min))
	c.u32(uint32(s.Max))
}

// section writes a section with its header, unless nothing is in it.
func (c *code) section(id byte, count int, content code) {
	if count == 0 {
		return
	}
	var head code
	head.u32(uint32(count))
	c.byte(id)
	c.u32(uint32(len(head) + len(content)))
	c.bytes(head)
	c.bytes(content)
}
