// Where a function is charged for what.
//
// A charge point pays for code that it dominates, before that code runs. Points
// are the function's entry, the heads of loops, the arms of branches, and every
// so many units in straight code. What a point pays for runs at most once until
// the point is passed again, so that nothing is ever owed for long:
//
//   - Code in a block belongs to the point that is current there. When a block
//     ends, the point that was current when it began is current again: control
//     cannot have come past without passing that one.
//   - An arm is what follows a `then`, an `else`, or the end of a block out of
//     which branches lead past it: code that may be left out. It has a point of
//     its own if it is worth one; else the point before it pays.
//   - Once control has left a point's code for other points or other functions,
//     the rest of it may run without a charge for a while: a caller's rest, after
//     a deep recursion has returned. That rest is kept small (maxOwed), and the
//     sum of a function's rests counts as depth, which is bounded (depth.go).
package rewrite

const (
	// minArm is the weight from which an arm is worth a point.
	minArm = 40
	// maxStretch is the most that one point pays for, but for a single heavier
	// instruction.
	maxStretch = 20_000
	// maxOwed is the most of it that may run after other points were passed.
	maxOwed = 250
)

// point is a charge point.
type point struct {
	at     int // where its charge goes in the code
	source int // the same, in the original
	weight int
	parent int // the point that pays if this one is not worth it
	// optional tells that the parent may pay, if the point has a small weight.
	optional bool
	// crossed: other points or calls came after it began; owed of its weight
	// came after that. called: some were calls. nested is the most that points
	// below it owe together.
	crossed, called bool
	owed, nested    int
}

// scope is an open block, as far as charging goes.
type scope struct {
	op       opcode
	outer    int  // the point that was current when it was opened
	current  int  // the point that is current in it
	reach    int  // the outermost scope that a branch in it leads to
	targeted bool // a branch leads to its label
	dead     bool // it was opened in dead code
	live     bool // of an if: the end of its `then` is reached
	begin    int  // of a loop: where it is written
	points   int  // of a loop: how many there were before
	calls    int  // of a loop: how many came before
}

// quiet is a loop in which nothing is called, so that its fuel can be counted in
// a local.
type quiet struct {
	at          int // where it is written
	first, last int // its points: from the first to before the last
}

// points finds the charge points of a function while its instructions are
// written one after the other.
type points struct {
	all    []point
	scopes []scope
	quiet  []quiet // the outermost
	calls  int     // so far
	dead   bool    // the instruction at hand is never reached
	source int     // where in the original we are
}

func (p *points) begin() {
	p.dead = false
	p.all = append(p.all[:0], point{})
	p.scopes = append(p.scopes[:0], scope{op: opEnd})
	p.quiet, p.calls = p.quiet[:0], 0
}

func (p *points) top() *scope { return &p.scopes[len(p.scopes)-1] }

// insert makes a new point current in the innermost scope.
func (p *points) insert(at int, optional bool) {
	top := p.top()
	p.all[top.current].crossed = true
	p.all = append(p.all, point{at: at, source: p.source, parent: top.current, optional: optional})
	top.current = len(p.all) - 1
}

// pay charges for an instruction that is about to be written at a place.
func (p *points) pay(at, weight int) {
	if p.dead || weight == 0 {
		return
	}
	now := &p.all[p.top().current]
	if now.weight > 0 && now.full(weight) {
		p.insert(at, false)
		now = &p.all[p.top().current]
	}
	now.add(weight)
}

// full tells whether a point should not pay for so much more.
func (p *point) full(weight int) bool {
	return p.weight+weight > maxStretch || p.crossed && p.owed+weight > maxOwed
}

func (p *point) add(weight int) {
	p.weight += weight
	if p.crossed {
		p.owed += weight
	}
}

// call notes that control goes to another function.
func (p *points) call() {
	p.calls++
	if now := &p.all[p.top().current]; !p.dead {
		now.crossed, now.called = true, true
	}
}

// helper notes that control goes to a function of the rewriter's.
func (p *points) helper() { p.calls++ }

// open notes that a block, loop or if was written from one place to another.
func (p *points) open(op opcode, begin, at int) {
	current := p.top().current
	p.scopes = append(p.scopes, scope{
		op: op, outer: current, current: current, reach: len(p.scopes), dead: p.dead, begin: begin, points: len(p.all), calls: p.calls,
	})
	if op != opBlock && !p.dead {
		p.insert(at, op == opIf)
	}
}

// branch notes a branch to a label.
func (p *points) branch(depth uint32) {
	if p.dead {
		return
	}
	to := len(p.scopes) - 1 - int(depth)
	p.scopes[to].targeted = true
	p.top().reach = min(p.top().reach, to)
}

// leave notes a return, a trap, or that what follows is not reached otherwise.
func (p *points) leave() { p.dead = true }

// settle decides about the points of the innermost scope, the last first.
func (p *points) settle() {
	top := p.top()
	for n := top.current; n != top.outer; n = p.all[n].parent {
		this, parent := &p.all[n], &p.all[p.all[n].parent]
		if this.optional && this.weight < minArm && !parent.full(this.weight) {
			parent.add(this.weight)
			this.weight = 0
		}
		if this.called {
			parent.called = true
			parent.nested = max(parent.nested, this.owed+this.nested)
		}
	}
	top.current = top.outer
}

// otherwise notes that the else of an if was written up to a place.
func (p *points) otherwise(at int) {
	p.settle()
	top := p.top()
	top.live, top.op = !p.dead, opElse
	p.dead = top.dead
	p.insert(at, true)
}

// end notes that the end of a block was written up to a place.
func (p *points) end(at int) {
	top := p.top()
	if top.op == opLoop && !top.targeted { // it runs once
		for n := top.current; n != top.outer; n = p.all[n].parent {
			if p.all[n].parent == top.outer {
				p.all[n].optional = true
			}
		}
	}
	p.settle()
	ended, place := *top, len(p.scopes)-1
	if ended.op == opLoop && ended.targeted && ended.calls == p.calls {
		for n := len(p.quiet) - 1; n >= 0 && p.quiet[n].at > ended.begin; n-- {
			p.quiet = p.quiet[:n]
		}
		p.quiet = append(p.quiet, quiet{at: ended.begin, first: ended.points, last: len(p.all)})
	}
	p.scopes = p.scopes[:place]
	if place == 0 {
		return
	}
	reached := !p.dead || ended.op == opIf || ended.live || ended.targeted && ended.op != opLoop
	p.dead = ended.dead || !reached
	top = p.top()
	top.reach = min(top.reach, ended.reach)
	meets := ended.targeted && ended.op != opLoop || ended.op == opIf || ended.op == opElse
	if ended.reach < place && meets && !p.dead { // an arm
		p.insert(at, true)
	}
}

// owes is the most that a caller's rests add up to.
func (p *points) owes() int {
	if entry := &p.all[0]; entry.called {
		return entry.owed + entry.nested
	}
	return 0
}
