// Writing a function again: its instructions with the indexes moved, charges
// where the points are, and its frame around them.
package rewrite

// writer writes one function after the other.
type writer struct {
	*rewriting
	flow   flow
	sizer  sizer
	in     instr
	out    code  // instructions without charges
	length int64 // the constant that the last instruction was, or -1

	scratch uint32 // the first of the locals that are added: ownLocals, i64 and i32
	inlined bool   // there are three more, i32, for operands
}

const ownLocals = 2

// function writes the body of a defined function.
func (w *writer) function(n int) code {
	b := &w.bodies[n]
	w.walk(b)
	return w.finish(b, w.leaves[n] > 0)
}

// walk writes a function's instructions and notes its flow.
func (w *writer) walk(b *body) {
	r := &reader{wasm: w.wasm, at: b.code, end: b.end}
	w.out, w.length = w.out[:0], -1
	w.scratch, w.inlined = uint32(len(w.types[b.typ].params)+b.locals), false
	w.flow.source = r.at
	w.flow.begin()
	for r.more() {
		r.instruction(&w.in)
		w.instruction(r)
	}
}

func (w *writer) instruction(r *reader) {
	in, f := &w.in, &w.flow
	small := w.small()
	f.source = in.at
	f.pay(len(w.out), w.weight(in, small))
	f.source = r.at
	w.length = -1
	switch in.op {
	case opCall:
		w.out.index(opCall, w.moved(in.a))
		switch defined := int(in.a) - w.imported.funcs; {
		case defined < 0:
			f.call(callHost, len(w.out))
		case w.leaves[defined] == 0:
			f.call(callCharged, len(w.out))
		}
	case opRefFunc:
		w.out.index(opRefFunc, w.moved(in.a))
	case opReturn:
		f.branch(uint32(len(f.scopes) - 1))
		f.leave()
		// The frame is a block around everything, where the function's own
		// label was.
		w.out.index(opBr, uint32(len(f.scopes)-1))
	case opEnd:
		w.out.op(opEnd)
		f.end(len(w.out))
	case opElse:
		w.out.op(opElse)
		f.otherwise(len(w.out))
	default:
		if isBulk(in.op) && !small {
			f.calls++ // a helper charges
			if in.op == opMemoryCopy || in.op == opMemoryFill {
				w.inlined = true
				w.inline(in, w.scratch+ownLocals)
			} else {
				w.out.index(opCall, w.helper(in))
			}
			return
		}
		begin := len(w.out)
		w.out.bytes(r.wasm[in.at:r.at])
		switch in.op {
		case opI32Const:
			w.length = in.value
		case opBlock, opLoop, opIf:
			f.open(in.op, begin, len(w.out))
		case opBr:
			f.branch(in.a)
			f.leave()
		case opBrIf:
			f.branchIf(in.a, len(w.out))
		case opBrTable:
			for _, depth := range in.labels {
				f.branch(depth)
			}
			f.leave()
		case opUnreachable:
			f.trap()
		case opCallIndirect:
			f.call(callAny, len(w.out))
		}
	}
}

// weight is what the instruction at hand costs, in tenths of a unit.
func (w *writer) weight(in *instr, small bool) int {
	weight := int(in.row.weight)
	switch in.op {
	case opCall:
		if defined := int(in.a) - w.imported.funcs; defined < 0 {
			weight += weightImported
		} else {
			weight += w.leaves[defined]
		}
	case opCallIndirect:
		weight += w.leafOfType[w.canonical[in.a]]
	case opBrTable:
		weight += len(in.labels) / labelsPerTenth
	case opMemoryCopy, opMemoryFill, opMemoryInit:
		if small {
			weight += int(w.length) * tenths / bytesPerUnit
		} else if in.op != opMemoryInit {
			weight += smallWeight
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
func (w *writer) finish(b *body, leaf bool) code {
	scratch := w.scratch
	rest := w.flow.place(leaf)
	frame := 0
	if b.calls {
		frame = w.sizer.size(b, w.flow.blocks) + rest/tenths/unitsPerByte
	}

	var c code
	w.locals(&c, b)
	// In a function that calls nothing its fuel stays in the local.
	kept := w.flow.calls == 0 && !leaf
	w.charge(&c, &w.flow.blocks[0], scratch, false)
	if b.calls {
		w.enter(&c, frame, scratch+1)
		w.frameBlock(&c, w.types[b.typ].results)
	}
	w.charged(&c, scratch, kept)
	if b.calls {
		w.leave(&c, frame)
		c.op(opEnd)
	}
	return c
}

// charged writes the instructions with their charges. kept tells that the
// fuel is in the local.
func (w *writer) charged(c *code, scratch uint32, kept bool) {
	from, loops := 0, w.flow.quiet
	if kept {
		loops = nil
	}
	until := func(at int) {
		c.bytes(w.out[from:at])
		from = at
	}
	for n := 1; n < len(w.flow.blocks); n++ {
		if len(loops) > 0 && n >= loops[0].last {
			loops = loops[1:]
		}
		quiet := len(loops) > 0 && n >= loops[0].first
		if quiet && n == loops[0].first {
			until(loops[0].at)
			c.index(opGlobalGet, w.fuel)
			c.index(opLocalSet, scratch)
		}
		if b := &w.flow.blocks[n]; b.charge() > 0 {
			until(b.at)
			w.charge(c, b, scratch, kept || quiet)
		}
	}
	until(len(w.out))
}

// locals writes a function's locals and those that are added.
func (w *writer) locals(c *code, b *body) {
	r := &reader{wasm: w.wasm, at: b.at, end: b.code}
	groups := r.u32()
	c.u32(groups + 2)
	c.bytes(w.wasm[r.at:r.end])
	c.bytes([]byte{1, i64, 1, i32})
	if w.inlined {
		(*c)[len(*c)-2] += 3
	}
}

// charge writes a block's charge. The fuel is taken from the local if it is kept
// there, and is there afterwards.
func (w *writer) charge(c *code, b *basicBlock, scratch uint32, kept bool) {
	units := b.charge()
	if units == 0 {
		return
	}
	if kept {
		c.index(opLocalGet, scratch)
	} else {
		c.index(opGlobalGet, w.fuel)
	}
	c.i64(int64(units))
	c.op(opI64Sub)
	switch {
	case b.check:
		w.spend(c, scratch)
	case kept:
		c.index(opLocalTee, scratch)
		fallthrough
	default:
		c.index(opGlobalSet, w.fuel)
	}
}

// spend takes the fuel that is left from the stack, keeps it in the global and
// the local, and ticks if it is negative.
func (w *rewriting) spend(c *code, scratch uint32) {
	c.index(opLocalTee, scratch)
	c.index(opGlobalSet, w.fuel)
	// wazero's compiler goes on with what was in registers at the end of a
	// block's first predecessor: let that be the one without a call.
	// The call stands in the else: where branches meet, wazero's compiler goes
	// on with the registers of the first of them.
	c.index(opLocalGet, scratch)
	c.i64(0)
	c.op(opI64GeS)
	c.block(opIf)
	c.op(opElse)
	c.index(opCall, w.ticker)
	c.index(opLocalSet, scratch)
	c.op(opEnd)
}
