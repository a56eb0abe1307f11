// Whatever runs has been charged, and whatever goes round, by a loop or by
// calls, passes a check: a look at rewritten modules that knows nothing of how
// the charges were placed.
package rewrite

import (
	"fmt"
	"slices"
)

// uncharged looks for a way through a rewritten module on which something runs
// that was not charged, for a way back to a loop's head or to a call that passes
// no check, and for one that is too long without a check.
func uncharged(m *Module) error {
	c := &chargeCheck{Module: m, leaves: map[uint32]int{}, indirect: map[string]int{}}
	c.fuel, c.ticker = uint32(len(m.globals)-2), uint32(m.imported.funcs)
	for c.ticker < uint32(len(m.funcs)) && !c.isTicker(int(c.ticker)-m.imported.funcs) {
		c.ticker++
	}
	defined := m.bodies[:int(c.ticker)-m.imported.funcs] // the ticker and what follows it are the rewriter's
	for n := range defined {
		if c.read(&m.bodies[n]); c.isLeaf() {
			function := uint32(m.imported.funcs + n)
			if err := c.walk(); err != nil {
				return fmt.Errorf("function %d, which is not charged: %w", n, err)
			}
			c.leaves[function] = -c.least
			if key := m.types[m.bodies[n].typ].key(); m.declared != nil && m.declared.has(function) {
				c.indirect[key] = max(c.indirect[key], -c.least)
			}
		}
	}
	for n := range defined {
		if c.read(&m.bodies[n]); c.leaves[uint32(m.imported.funcs+n)] == 0 {
			if err := c.walk(); err != nil {
				return fmt.Errorf("function %d: %w", n, err)
			}
		}
	}
	return nil
}

// chargeCheck follows one function after the other.
type chargeCheck struct {
	*Module
	fuel, ticker uint32
	leaves       map[uint32]int // what callers pay for, in tenths
	indirect     map[string]int // by type: the most of them

	code   []chargeStep
	at     int // in code
	leaf   bool
	least  int // credit at worst
	length int64
	frames []chargeFrame
	loops  int
	chargeState
}

// chargeStep is an instruction with its constant.
type chargeStep struct {
	instr
	value int64
}

// chargeState is what is known at some place, at worst of all ways there. The
// function and the loops that are open are numbered from the outside; passed
// says how many of them have been checked since they were entered. credit is
// what has been charged and has not run yet, since what ran after the last
// check, in tenths.
type chargeState struct {
	passed, credit, since int
	dead                  bool
}

func (s chargeState) meet(other chargeState) chargeState {
	switch {
	case s.dead:
		return other
	case other.dead:
		return s
	}
	return chargeState{passed: min(s.passed, other.passed), credit: min(s.credit, other.credit), since: max(s.since, other.since)}
}

type chargeFrame struct {
	loop    int // its number; 0: none
	op      opcode
	at, end chargeState // when it began, and at worst at its end
}

// read reads a function's instructions.
func (c *chargeCheck) read(b *body) {
	r := &reader{wasm: c.wasm, at: b.code, end: b.end}
	c.code = c.code[:0]
	for r.more() {
		var s chargeStep
		r.instruction(&s.instr)
		s.labels, s.value = slices.Clone(s.labels), s.instr.value
		if s.op == opI64Const {
			s.value = (&reader{wasm: c.wasm, at: s.at + 1, end: r.at}).signed(64)
		}
		c.code = append(c.code, s)
	}
}

// isTicker tells whether a function is the rewriter's that calls tick.
func (c *chargeCheck) isTicker(body int) bool {
	c.read(&c.bodies[body])
	return c.is(0, opGlobalGet, opCall, opGlobalSet, opGlobalGet, opEnd) && c.code[0].a == c.fuel && int(c.code[1].a) == c.imported.funcs-added
}

// isLeaf tells whether nothing in a function goes round or calls.
func (c *chargeCheck) isLeaf() bool {
	return !slices.ContainsFunc(c.code, func(s chargeStep) bool {
		return s.op == opLoop || s.op == opCall || s.op == opCallIndirect || s.op == opGlobalSet && s.a == c.fuel
	})
}

// is tells whether these instructions stand at a place.
func (c *chargeCheck) is(at int, ops ...opcode) bool {
	for n, op := range ops {
		if at+n >= len(c.code) || c.code[at+n].op != op {
			return false
		}
	}
	return true
}

// ours gives how many instructions at a place are the rewriter's.
func (c *chargeCheck) ours(at int) int {
	if at >= len(c.code) {
		return 0
	}
	s := c.code[at:]
	depth := s[0].op == opGlobalGet && s[0].a == c.fuel+1
	switch {
	case depth && c.is(at, opGlobalGet, opI32Const, opI32Sub, opLocalTee, opGlobalSet, opLocalGet, opI32Const, opI32LtS, opIf, opCall, opUnreachable, opEnd):
		return 12
	case depth && c.is(at, opGlobalGet, opI32Const, opI32Add, opGlobalSet):
		return 4
	case s[0].op == opGlobalGet && s[0].a == c.fuel && c.is(at, opGlobalGet, opLocalSet):
		return 2
	case s[0].op != opGlobalGet && s[0].op != opLocalGet || !c.is(at+1, opI64Const, opI64Sub):
		return 0
	}
	n := 3
	if c.is(at+n, opLocalTee) {
		n++
	}
	if !c.is(at+n, opGlobalSet) || s[n].a != c.fuel {
		return 0
	}
	n++
	if c.is(at+n, opLocalGet, opI64Const, opI64GeS, opIf, opElse, opCall, opLocalSet, opEnd) && s[n+5].a == c.ticker {
		n += 8
	}
	return n
}

// charge does what so many instructions of the rewriter's do.
func (c *chargeCheck) charge(n int) {
	s := c.code[c.at:][:n]
	if c.dead || n < 4 || s[2].op != opI64Sub {
		return
	}
	c.credit += int(s[1].value)*tenths + tenths/2
	if n > 8 { // it checks
		c.passed, c.since = c.loops, 0
	}
}

func (c *chargeCheck) walk() error {
	c.frames = []chargeFrame{{op: opEnd, end: chargeState{dead: true}}}
	c.leaf, c.least, c.loops = c.isLeaf(), 0, 1 // the function
	c.chargeState = chargeState{}
	for c.at = 0; c.at < len(c.code); {
		if n := c.ours(c.at); n > 0 {
			c.charge(n)
			c.at += n
			continue
		}
		if err := c.step(&c.code[c.at]); err != nil {
			return fmt.Errorf("at byte %d: %w", c.code[c.at].at, err)
		}
		c.at++
	}
	return nil
}

// run pays for an instruction.
func (c *chargeCheck) run(s *chargeStep) error {
	weight := int(s.row.weight)
	switch {
	case s.op == opCall && int(s.a) < c.imported.funcs:
		weight += weightImported
	case s.op == opCall && s.a > c.ticker: // a helper
		weight = 0
	case s.op == opCall:
		weight += c.leaves[s.a]
	case s.op == opCallIndirect:
		weight += c.indirect[c.types[s.a].key()]
	case s.op == opBrTable:
		weight += len(s.labels) / labelsPerTenth
	case isBulk(s.op):
		weight += int(c.length) * tenths / bytesPerUnit
	}
	c.length = s.value
	c.credit -= weight
	c.since += weight
	c.least = min(c.least, c.credit)
	if !c.leaf && c.credit < 0 {
		return fmt.Errorf("%d tenths more run than was charged", -c.credit)
	}
	if most := maxStretch + max(weight, maxBlock); c.since > most {
		return fmt.Errorf("%d tenths run without a check; at most %d", c.since, most)
	}
	return nil
}

func (c *chargeCheck) branch(depth uint32) error {
	f := &c.frames[len(c.frames)-1-int(depth)]
	if f.loop > 0 {
		if c.passed < f.loop {
			return fmt.Errorf("the loop goes on without a check")
		}
		return nil
	}
	f.end = f.end.meet(c.chargeState)
	return nil
}

func (c *chargeCheck) step(in *chargeStep) error {
	if !c.dead {
		if err := c.run(in); err != nil {
			return err
		}
	}
	switch in.op {
	case opBlock, opLoop, opIf:
		f := chargeFrame{op: in.op, at: c.chargeState, end: chargeState{dead: true}}
		if in.op == opLoop {
			c.loops++
			f.loop = c.loops
			if c.ours(c.at+1) > 0 {
				c.credit = 0 // on the ways back there may be none
			}
		}
		c.frames = append(c.frames, f)
	case opElse, opEnd:
		f := &c.frames[len(c.frames)-1]
		f.end = f.end.meet(c.chargeState)
		if in.op == opElse {
			f.op, c.chargeState = opElse, f.at
			return nil
		}
		if f.op == opIf {
			f.end = f.end.meet(f.at)
		}
		if f.loop > 0 {
			c.loops--
		}
		c.chargeState = f.end
		c.passed = min(c.passed, c.loops)
		c.frames = c.frames[:len(c.frames)-1]
	}
	if c.dead {
		return nil
	}
	switch in.op {
	case opBr, opBrIf:
		if err := c.branch(in.a); err != nil {
			return err
		}
		c.dead = in.op == opBr
	case opBrTable:
		for _, depth := range in.labels {
			if err := c.branch(depth); err != nil {
				return err
			}
		}
		c.dead = true
	case opReturn, opUnreachable:
		c.dead = true
	case opCall, opCallIndirect:
		if in.op == opCall && int(in.a) >= c.imported.funcs && in.a < c.ticker && c.leaves[in.a] == 0 {
			c.since = 0 // the callee checks
		}
		if c.passed == 0 && (in.op == opCallIndirect || in.a < c.ticker) {
			return fmt.Errorf("a call without a check before")
		}
	}
	return nil
}
