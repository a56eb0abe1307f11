// Depth: how much of the host's stack a function takes, and the code that
// counts it.
package rewrite

// unitsPerByte says how many units that run after a call without a check
// (points.go) count as one byte of a frame.
const unitsPerByte = 8

// enter writes what a function that calls others begins with.
func (w *writer) enter(c *code, frame int, scratch uint32) {
	c.index(opGlobalGet, w.depth)
	c.i32(int32(frame))
	c.op(opI32Sub)
	c.index(opLocalTee, scratch)
	c.index(opGlobalSet, w.depth)
	c.index(opLocalGet, scratch)
	c.i32(0)
	c.op(opI32LtS)
	c.block(opIf)
	c.index(opCall, w.deep)
	c.op(opUnreachable, opEnd)
}

// frameBlock opens the block that every way out of a function leads to.
func (w *writer) frameBlock(c *code, results []byte) {
	c.op(opBlock)
	switch len(results) {
	case 0:
		c.byte(0x40)
	case 1:
		c.byte(results[0])
	default:
		c.signed(int64(w.typeOf(nil, results)))
	}
}

// leave writes what it ends with; its results stay where they are.
func (w *writer) leave(c *code, frame int) {
	c.index(opGlobalGet, w.depth)
	c.i32(int32(frame))
	c.op(opI32Add)
	c.index(opGlobalSet, w.depth)
}
