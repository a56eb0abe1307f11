// Whatever goes round, by a loop or by calls, passes a charge: a check of
// rewritten modules that knows nothing of how the charges were placed.
package rewrite

import "fmt"

// uncharged looks for a way back to a loop's head, or to a call, that passes no
// charge.
func uncharged(m *Module, fuel uint32) error {
	// The ticker and what follows it are the rewriter's.
	for n := range m.bodies {
		c := &chargeCheck{Module: m, fuel: fuel}
		if err := c.body(&m.bodies[n]); err != nil {
			return fmt.Errorf("function %d: %w", n, err)
		}
	}
	return nil
}

// chargeCheck follows one function. The function and the loops that are open
// are numbered from the outside; passed says how many of them have been charged
// since they were entered, on every way here.
type chargeCheck struct {
	*Module
	fuel   uint32
	in     instr
	frames []chargeFrame
	loops  int
	passed int
	dead   bool
}

type chargeFrame struct {
	loop    int // its number; 0: none
	op      opcode
	at, end int // passed when it began, and at best at its end
	dead    bool
}

const notReached = 1 << 30

func (c *chargeCheck) body(b *body) error {
	r := &reader{wasm: c.wasm, at: b.code, end: b.end}
	c.frames = []chargeFrame{{op: opEnd, end: notReached}}
	c.loops = 1 // the function
	for r.more() {
		r.instruction(&c.in)
		if err := c.step(); err != nil {
			return fmt.Errorf("at byte %d: %w", c.in.at, err)
		}
	}
	return nil
}

func (c *chargeCheck) branch(depth uint32) error {
	f := &c.frames[len(c.frames)-1-int(depth)]
	if c.dead {
		return nil
	}
	if f.loop > 0 {
		if c.passed < f.loop {
			return fmt.Errorf("the loop goes on without a charge")
		}
		return nil
	}
	f.end = min(f.end, c.passed)
	return nil
}

func (c *chargeCheck) step() error {
	in := &c.in
	switch in.op {
	case opBlock, opLoop, opIf:
		f := chargeFrame{op: in.op, at: c.passed, end: notReached, dead: c.dead}
		if in.op == opLoop {
			c.loops++
			f.loop = c.loops
		}
		c.frames = append(c.frames, f)
	case opElse, opEnd:
		f := &c.frames[len(c.frames)-1]
		if !c.dead {
			f.end = min(f.end, c.passed)
		}
		if in.op == opElse {
			f.op, c.passed, c.dead = opElse, f.at, f.dead
			return nil
		}
		if f.op == opIf {
			f.end = min(f.end, f.at)
		}
		c.dead = f.dead || f.end == notReached
		if f.loop > 0 {
			c.loops--
		}
		c.passed = min(f.end, c.loops)
		c.frames = c.frames[:len(c.frames)-1]
	case opGlobalSet:
		if in.a == c.fuel {
			c.passed = c.loops
		}
	case opBr, opBrIf:
		if err := c.branch(in.a); err != nil {
			return err
		}
		c.dead = c.dead || in.op == opBr
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
		ours := in.op == opCall && int(in.a) >= c.imported.funcs-added && int(in.a) < c.imported.funcs
		if !c.dead && c.passed == 0 && !ours && !c.helper(in) {
			return fmt.Errorf("a call without a charge before")
		}
	}
	return nil
}

// helper tells whether the callee is one that only the rewriter makes: those
// call none but tick.
func (c *chargeCheck) helper(in *instr) bool {
	return in.op == opCall && int(in.a) >= c.imported.funcs && !c.bodies[int(in.a)-c.imported.funcs].calls
}
