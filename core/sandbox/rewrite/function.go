// Writing a function again: its instructions with the indexes moved, charges
// where the points are, and its frame around them.
package rewrite

// writer writes one function after the other.
type writer struct {
	*rewriting
	points points
	sizer  sizer
	in     instr
	out    code  // instructions without charges
	length int64 // the constant that the last instruction was, or -1
}

// function writes the body of a defined function.
func (w *writer) function(b *body) code {
	r := &reader{wasm: w.wasm, at: b.code, end: b.end}
	w.out = w.out[:0]
	w.points.begin()
	for r.more() {
		r.instruction(&w.in)
		w.instruction(r)
	}
	return w.finish(b)
}

func (w *writer) instruction(r *reader) {
	in, p := &w.in, &w.points
	small := w.small()
	p.source = in.at
	p.pay(len(w.out), w.weight(in, small))
	p.source = r.at
	w.length = -1
	switch in.op {
	case opCall:
		p.call()
		w.out.index(opCall, w.moved(in.a))
	case opRefFunc:
		w.out.index(opRefFunc, w.moved(in.a))
	case opReturn:
		p.branch(uint32(len(p.scopes) - 1))
		p.leave()
		// The frame is a block around everything, where the function's own
		// label was.
		w.out.index(opBr, uint32(len(p.scopes)-1))
	case opEnd:
		w.out.op(opEnd)
		p.end(len(w.out))
	case opElse:
		w.out.op(opElse)
		p.otherwise(len(w.out))
	default:
		if isBulk(in.op) && !small {
			w.out.index(opCall, w.helper(in))
			return
		}
		w.out.bytes(r.wasm[in.at:r.at])
		switch in.op {
		case opI32Const:
			w.length = in.value
		case opBlock, opLoop, opIf:
			p.open(in.op, len(w.out))
		case opBr:
			p.branch(in.a)
			p.leave()
		case opBrIf:
			p.branch(in.a)
		case opBrTable:
			for _, depth := range in.labels {
				p.branch(depth)
			}
			p.leave()
		case opUnreachable:
			p.leave()
		case opCallIndirect:
			p.call()
		}
	}
}

// weight is what the instruction at hand costs.
func (w *writer) weight(in *instr, small bool) int {
	weight := int(in.row.weight)
	switch in.op {
	case opCall:
		if int64(in.a) < int64(w.imported.funcs) {
			weight += weightImported
		}
	case opBrTable:
		weight += len(in.labels) / 16
	case opMemoryCopy, opMemoryFill, opMemoryInit:
		if small {
			weight += int(w.length) / bytesPerUnit
		}
	}
	return weight
}

// small tells whether the bulk operation at hand is one of memory and of a small
// constant length, which needs no helper.
func (w *writer) small() bool {
	return uint64(w.length) <= smallConstant && w.in.op >= opMemoryInit && w.in.op <= opMemoryFill
}

// finish puts charges and frame around what was written.
func (w *writer) finish(b *body) code {
	t := w.types[b.typ]
	scratch := uint32(len(t.params) + b.locals)
	frame := 0
	if b.calls {
		frame = w.sizer.size(b, w.points.all) + w.points.owes()/owedPerByte
	}

	var c code
	w.locals(&c, b)
	w.charge(&c, w.points.all[0].weight, scratch)
	if b.calls {
		w.enter(&c, frame, scratch+1)
		w.frameBlock(&c, t.results)
	}
	from := 0
	for n := range w.points.all[1:] {
		p := &w.points.all[n+1]
		if p.weight == 0 {
			continue
		}
		c.bytes(w.out[from:p.at])
		w.charge(&c, p.weight, scratch)
		from = p.at
	}
	c.bytes(w.out[from:])
	if b.calls {
		w.leave(&c, frame)
		c.op(opEnd)
	}
	return c
}

// locals writes a function's locals and two more, to count in.
func (w *writer) locals(c *code, b *body) {
	r := &reader{wasm: w.wasm, at: b.at, end: b.code}
	groups := r.u32()
	c.u32(groups + 2)
	c.bytes(w.wasm[r.at:r.end])
	c.bytes([]byte{1, i64, 1, i32})
}

// charge writes a charge.
func (w *writer) charge(c *code, weight int, scratch uint32) {
	if weight == 0 {
		return
	}
	c.index(opGlobalGet, w.fuel)
	c.i64(int64(weight))
	c.op(opI64Sub)
	w.spend(c, scratch)
}

// spend takes the fuel that is left from the stack, keeps it, and ticks if it
// is negative.
func (w *rewriting) spend(c *code, scratch uint32) {
	c.index(opLocalTee, scratch)
	c.index(opGlobalSet, w.fuel)
	c.index(opLocalGet, scratch)
	c.i64(0)
	c.op(opI64LtS)
	c.block(opIf)
	c.index(opCall, w.ticker)
	c.op(opEnd)
}
