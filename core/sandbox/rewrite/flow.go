// A function's control flow: its basic blocks in the order in which they are
// written, and where each of them leads. Only loops lead back.
package rewrite

// maxBlock is the weight from which a basic block is divided, in tenths.
const maxBlock = 1000 * tenths

// basicBlock is code that is entered at its beginning and left at its end.
type basicBlock struct {
	at     int  // where it begins in the code
	source int  // the same, in the original
	weight int  // in tenths of a unit
	edges  int  // where its edges begin; they end where the next block's begin
	next   bool // it leads to the next block too
	head   bool // a loop's beginning, to which branches lead
	call   callKind
	trap   bool // it ends in a trap

	// What place finds out.
	check, point bool // it begins with a check; with a charge
	cold         bool // all ways from here end in a trap
	returns      bool // the function ends after it
	owed         int  // the most that runs from here to the next points
	missing      int  // of it, what has not been paid on some way there
	rest         int  // the most that runs from here to the next checks
	since        int  // the most that ran since the last checks
}

// callKind says which call a basic block ends with.
type callKind byte

const (
	callNone    callKind = iota
	callAny              // of a function that may check or not
	callHost             // of an imported function: it calls nothing back
	callCharged          // of a function that checks at its entry
)

// scope is an open block, loop or if.
type scope struct {
	op        opcode
	label     int32 // what a branch to it leads to
	otherwise int32 // of an if: the label of its else
	targeted  bool  // a branch leads to its label
	dead      bool  // it was opened in dead code
	begin     int   // of a loop: where it is written
	first     int   // of a loop: its first block
	calls     int   // of a loop: how many came before
}

// quiet is a loop in which nothing is called that counts, so that its fuel can
// be kept in a local.
type quiet struct {
	at          int // where it is written
	first, last int // its blocks: from the first to before the last
}

// flow is the control flow of one function, noted while its instructions are
// written one after the other.
type flow struct {
	blocks []basicBlock
	edges  []int32 // labels
	labels []int32 // the block that a label stands for; theEnd: the function's end
	scopes []scope
	quiet  []quiet // the outermost
	calls  int     // of functions that count, so far
	dead   bool    // the instruction at hand is never reached
	source int     // where in the original we are
}

const theEnd = -1

func (f *flow) begin() {
	f.blocks, f.edges, f.labels = f.blocks[:0], f.edges[:0], append(f.labels[:0], theEnd)
	f.scopes, f.quiet = append(f.scopes[:0], scope{op: opEnd}), f.quiet[:0]
	f.calls, f.dead = 0, false
	f.start(0)
}

func (f *flow) start(at int) *basicBlock {
	f.blocks = append(f.blocks, basicBlock{at: at, source: f.source, edges: len(f.edges)})
	return f.now()
}

func (f *flow) now() *basicBlock { return &f.blocks[len(f.blocks)-1] }

// on ends the block at hand, and begins the one that follows.
func (f *flow) on(at int) *basicBlock {
	if !f.dead {
		f.now().next = true
	}
	f.dead = false
	return f.start(at)
}

func (f *flow) label() int32 {
	f.labels = append(f.labels, theEnd)
	return int32(len(f.labels) - 1)
}

func (f *flow) edge(label int32) {
	if n := len(f.edges); n == f.now().edges || f.edges[n-1] != label {
		f.edges = append(f.edges, label)
	}
}

// pay adds the weight of an instruction that is about to be written at a place.
func (f *flow) pay(at, weight int) {
	if f.dead || weight == 0 {
		return
	}
	if now := f.now(); now.weight > 0 && now.weight+weight > maxBlock {
		f.on(at)
	}
	f.now().weight += weight
}

// call notes that a call was written up to a place.
func (f *flow) call(kind callKind, at int) {
	if kind != callHost {
		f.calls++
	}
	if !f.dead {
		f.now().call = kind
		f.on(at)
	}
}

// open notes that a block, loop or if was written from one place to another.
func (f *flow) open(op opcode, begin, at int) {
	s := scope{op: op, label: f.label(), dead: f.dead, begin: begin, calls: f.calls}
	switch {
	case f.dead || op == opBlock:
	case op == opLoop:
		f.on(at)
		s.first = len(f.blocks) - 1
		f.labels[s.label] = int32(s.first)
	default:
		s.otherwise = f.label()
		f.edge(s.otherwise)
		f.on(at)
	}
	f.scopes = append(f.scopes, s)
}

// branch notes a branch to a label.
func (f *flow) branch(depth uint32) {
	if f.dead {
		return
	}
	to := &f.scopes[len(f.scopes)-1-int(depth)]
	to.targeted = true
	f.edge(to.label)
}

// branchIf notes a br_if that was written up to a place.
func (f *flow) branchIf(depth uint32, at int) {
	if !f.dead {
		f.branch(depth)
		f.on(at)
	}
}

// leave notes that what follows is not reached from here.
func (f *flow) leave() { f.dead = true }

// trap notes a trap.
func (f *flow) trap() {
	if !f.dead {
		f.now().trap = true
	}
	f.dead = true
}

// otherwise notes that the else of an if was written up to a place.
func (f *flow) otherwise(at int) {
	f.branch(0)
	top := &f.scopes[len(f.scopes)-1]
	top.op, f.dead = opElse, top.dead
	if !f.dead {
		f.labels[top.otherwise] = int32(len(f.blocks))
		f.start(at)
	}
}

// end notes that the end of a block was written up to a place.
func (f *flow) end(at int) {
	place := len(f.scopes) - 1
	if place == 0 {
		f.branch(0)
		return
	}
	ended := f.scopes[place]
	f.scopes = f.scopes[:place]
	switch {
	case ended.dead:
		f.dead = true
	case ended.op == opLoop:
		f.endLoop(&ended)
	case ended.targeted || ended.op == opIf:
		f.on(at)
		f.labels[ended.label] = int32(len(f.blocks) - 1)
		if ended.op == opIf {
			f.labels[ended.otherwise] = int32(len(f.blocks) - 1)
		}
	}
}

func (f *flow) endLoop(ended *scope) {
	f.blocks[ended.first].head = ended.targeted
	if !ended.targeted || ended.calls != f.calls {
		return
	}
	for n := len(f.quiet) - 1; n >= 0 && f.quiet[n].at > ended.begin; n-- {
		f.quiet = f.quiet[:n]
	}
	f.quiet = append(f.quiet, quiet{at: ended.begin, first: ended.first, last: len(f.blocks)})
}

// leads calls a function with each block that a block leads to, nil for the
// function's end.
func (f *flow) leads(n int, to func(*basicBlock)) {
	b := &f.blocks[n]
	end := len(f.edges)
	if n+1 < len(f.blocks) {
		end = f.blocks[n+1].edges
	}
	for _, label := range f.edges[b.edges:end] {
		if block := f.labels[label]; block == theEnd {
			to(nil)
		} else {
			to(&f.blocks[block])
		}
	}
	if b.next {
		to(&f.blocks[n+1])
	}
}
