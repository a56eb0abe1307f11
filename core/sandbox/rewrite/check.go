// Checking function bodies: the specification's validation algorithm, so that
// no index and no operand is taken on trust.
package rewrite

import (
	"bytes"
	"math"
)

// control is a block that is open.
type control struct {
	op              opcode // opBlock, opLoop, opIf, opElse; opEnd for the function itself
	params, results []byte
	height          int  // of the operands when it was opened
	dead            bool // the rest of it is never reached
}

// maxSlow bounds checker.slow.
const maxSlow = 1 << 24

// checker checks one function after the other.
type checker struct {
	*decoder
	r        *reader
	in       instr
	locals   []byte // types, parameters first
	operands []byte
	controls []control
	single   [128][1]byte // results of blocks that have one
	vectors  bool         // some type or global is a vector
	slow     int          // steps that only strange modules need
	branches int          // of the function at hand
	loops    int          // that are open
	carried  int          // the most operands that a branch takes along
}

func newChecker(d *decoder) *checker {
	c := &checker{decoder: d}
	for i := range c.single {
		c.single[i][0] = byte(i)
	}
	for _, t := range d.types {
		c.vectors = c.vectors || bytes.IndexByte(t.params, v128) >= 0 || bytes.IndexByte(t.results, v128) >= 0
	}
	for _, g := range d.globals {
		c.vectors = c.vectors || g.typ == v128
	}
	return c
}

// function checks a body.
func (c *checker) function(r *reader, typ uint32) body {
	c.r = r
	b := body{typ: typ, at: r.at, end: r.end, simple: true}
	t := c.types[typ]
	c.locals = append(c.locals[:0], t.params...)
	for range r.count("groups of locals", c.limits.Locals) {
		n := r.count("locals of a function", c.limits.Locals-b.locals)
		l := r.valueType()
		for range n {
			c.locals = append(c.locals, l)
		}
		b.locals += n
	}
	b.code = r.at
	b.vectors = bytes.IndexByte(c.locals, v128) >= 0
	c.operands = c.operands[:0]
	c.controls = append(c.controls[:0], control{op: opEnd, results: t.results})
	deepest := 0
	c.branches, c.loops, c.carried = 0, 0, 0
	for len(c.controls) > 0 {
		r.instruction(&c.in)
		c.check()
		deepest = max(deepest, len(c.operands))
		if deepest > c.limits.Stack {
			r.failAt(c.in.at, "a function has more than %d operands", c.limits.Stack)
		}
		calls := c.in.op == opCall || c.in.op == opCallIndirect
		b.calls = b.calls || calls
		b.simple = b.simple && !calls && c.in.op != opLoop && !isBulk(c.in.op)
		b.vectors = b.vectors || c.in.op>>8 == 0xfd || c.vectors
	}
	if r.more() {
		r.fail("a function goes on after its end")
	}
	values := len(c.locals) + c.carried + 8
	if most := c.limits.Meetings / values; c.branches*c.branches > most {
		r.failAt(b.at, "a function has %d branches with %d locals and operands to take along; at most %d", c.branches, values-8, int(math.Sqrt(float64(most))))
	}
	return b
}

func (c *checker) fail(format string, args ...any) { c.r.failAt(c.in.at, format, args...) }

func (c *checker) push(t byte) { c.operands = append(c.operands, t) }

func (c *checker) pushAll(types []byte) { c.operands = append(c.operands, types...) }

// popAny takes an operand of whatever type, unknown in dead code.
func (c *checker) popAny() byte {
	top := &c.controls[len(c.controls)-1]
	if len(c.operands) == top.height {
		if !top.dead {
			c.fail("an operand is missing")
		}
		return unknown
	}
	t := c.operands[len(c.operands)-1]
	c.operands = c.operands[:len(c.operands)-1]
	return t
}

func (c *checker) pop(want byte) byte {
	got := c.popAny()
	if got != want && got != unknown && want != unknown {
		c.fail("an operand is of type %s, not %s", typeNames[got], typeNames[want])
	}
	return got
}

// popAll takes operands of a list of types. It is written so that long lists
// cost little: they are what untrusted modules have most of for their size.
func (c *checker) popAll(types []byte) {
	if c.topIs(types) {
		c.operands = c.operands[:len(c.operands)-len(types)]
		return
	}
	top := &c.controls[len(c.controls)-1]
	for i := len(types) - 1; i >= 0; i-- {
		if top.dead && len(c.operands) == top.height {
			return
		}
		c.pop(types[i])
	}
}

// topIs tells whether the block's last operands are known to be of these types.
func (c *checker) topIs(types []byte) bool {
	from := len(c.operands) - len(types)
	return from >= c.controls[len(c.controls)-1].height && string(c.operands[from:]) == string(types)
}

// unreachable says that the rest of the block is dead.
func (c *checker) unreachable() {
	top := &c.controls[len(c.controls)-1]
	c.operands = c.operands[:top.height]
	top.dead = true
}

func (c *checker) open(op opcode, params, results []byte) {
	if len(c.controls) > c.limits.Nesting {
		c.fail("blocks are nested more than %d deep", c.limits.Nesting)
	}
	c.controls = append(c.controls, control{op: op, params: params, results: results, height: len(c.operands)})
	c.pushAll(params)
	if op == opLoop {
		if c.loops++; c.loops > c.limits.Loops {
			c.fail("loops are nested more than %d deep", c.limits.Loops)
		}
		c.branch(c.loops)
	} else {
		c.branch(1)
	}
}

// branch counts blocks and branches; a loop for each loop that it is in.
func (c *checker) branch(n int) {
	if c.branches += n; c.branches > c.limits.Branches {
		c.fail("a function has more than %d blocks and branches", c.limits.Branches)
	}
}

// close ends the innermost block; its results are popped.
func (c *checker) close() control {
	top := c.controls[len(c.controls)-1]
	c.popAll(top.results)
	if len(c.operands) != top.height {
		c.fail("a block leaves %d operands too many", len(c.operands)-top.height)
	}
	c.controls = c.controls[:len(c.controls)-1]
	if top.op == opLoop {
		c.loops--
	}
	return top
}

// label gives the types that a branch takes along.
func (c *checker) label(depth uint32) []byte {
	if int64(depth) >= int64(len(c.controls)) {
		c.fail("there is no label %d", depth)
	}
	f := &c.controls[len(c.controls)-1-int(depth)]
	types := f.results
	if f.op == opLoop {
		types = f.params
	}
	c.carried = max(c.carried, len(types))
	return types
}

// blockType gives what the block at hand takes and leaves.
func (c *checker) blockType() (params, results []byte) {
	if c.in.block >= 0 {
		if c.in.block >= int64(len(c.types)) {
			c.fail("there is no type %d", c.in.block)
		}
		t := c.types[c.in.block]
		return t.params, t.results
	}
	if c.in.a != 0 {
		return nil, c.single[c.in.a][:]
	}
	return nil, nil
}

// check checks the instruction at hand.
func (c *checker) check() {
	in := &c.in
	switch in.op {
	case opNop:
	case opUnreachable:
		c.unreachable()
	case opIf:
		c.pop(i32)
		fallthrough
	case opBlock, opLoop:
		params, results := c.blockType()
		c.popAll(params)
		c.open(in.op, params, results)
	case opElse:
		if top := c.controls[len(c.controls)-1]; top.op != opIf {
			c.fail("else without if")
		}
		f := c.close()
		c.open(opElse, f.params, f.results)
	case opEnd:
		f := c.close()
		if f.op == opIf && string(f.params) != string(f.results) {
			c.fail("an if without else leaves what it does not take")
		}
		c.pushAll(f.results)
	case opBr:
		c.branch(1)
		c.popAll(c.label(in.a))
		c.unreachable()
	case opBrIf:
		c.branch(1)
		c.pop(i32)
		types := c.label(in.a)
		c.popAll(types)
		c.pushAll(types)
	case opBrTable:
		c.brTable()
	case opReturn:
		c.popAll(c.controls[0].results)
		c.unreachable()
	case opCall:
		c.index("function", in.a, len(c.funcs))
		c.call(c.types[c.funcs[in.a]])
	case opCallIndirect:
		c.index("type", in.a, len(c.types))
		c.index("table", in.b, len(c.tables))
		if c.tables[in.b].typ != funcref {
			c.fail("table %d holds no functions", in.b)
		}
		c.pop(i32)
		c.call(c.types[in.a])
	case opDrop:
		c.popAny()
	case opSelect:
		c.pop(i32)
		a, b := c.popAny(), c.popAny()
		if isReference(a) || isReference(b) || a != b && a != unknown && b != unknown {
			c.fail("select chooses between %s and %s", typeNames[b], typeNames[a])
		}
		c.push(max(a, b)) // the one that is known
	case opSelectTyped:
		c.pop(i32)
		c.pop(byte(in.a))
		c.pop(byte(in.a))
		c.push(byte(in.a))
	case opLocalGet, opLocalSet, opLocalTee:
		c.index("local", in.a, len(c.locals))
		if in.op != opLocalGet {
			c.pop(c.locals[in.a])
		}
		if in.op != opLocalSet {
			c.push(c.locals[in.a])
		}
	case opGlobalGet:
		c.index("global", in.a, len(c.globals))
		c.push(c.globals[in.a].typ)
	case opGlobalSet:
		c.index("global", in.a, len(c.globals))
		if !c.globals[in.a].mutable {
			c.fail("global %d cannot be set", in.a)
		}
		c.pop(c.globals[in.a].typ)
	case opRefNull:
		c.push(byte(in.a))
	case opRefIsNull:
		if t := c.popAny(); t != unknown && !isReference(t) {
			c.fail("%s is not a reference", typeNames[t])
		}
		c.push(i32)
	case opRefFunc:
		c.index("function", in.a, len(c.funcs))
		if c.declared == nil || !c.declared.has(in.a) {
			c.fail("function %d is named and nowhere declared", in.a)
		}
		c.push(funcref)
	default:
		c.others()
	}
}

// index checks an index that an instruction names.
func (c *checker) index(what string, n uint32, space int) {
	if int64(n) >= int64(space) {
		c.fail("there is no %s %d", what, n)
	}
}

func (c *checker) call(t funcType) {
	c.popAll(t.params)
	c.pushAll(t.results)
}

func (c *checker) brTable() {
	labels := c.in.labels
	c.branch(len(labels))
	c.pop(i32)
	last := c.label(labels[len(labels)-1])
	for _, depth := range labels[:len(labels)-1] {
		types := c.label(depth)
		switch {
		case len(types) != len(last):
			c.fail("br_table leads to places that take %d and %d operands", len(types), len(last))
		case string(types) != string(last): // legal in dead code only
			if c.slow += len(types); c.slow > maxSlow {
				c.fail("too much of br_table in code that is never reached")
			}
			before := len(c.operands)
			c.popAll(types)
			c.operands = c.operands[:before] // what was popped is still there
		}
	}
	c.popAll(last)
	c.unreachable()
}
