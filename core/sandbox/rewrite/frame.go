// How many bytes of the host's stack a function takes: an estimate of what
// wazero's compiler makes of it on amd64.
//
// The compiler gives each value that it cannot keep in a register a slot of its
// own, and never uses a slot twice. It cannot keep what lives on while another
// function is called, and a tick is a call too; nor what waits for long while
// many others are made. So the estimate goes through a function once and counts
// the operands and the versions of locals that are used after such an event.
// Where branches meet, a local that was set on the way is one more value, if it
// is read later.
package rewrite

const (
	// frameBase is what each function takes: return address, frame pointer,
	// registers that it keeps for its caller, and what the check for overflow
	// wants.
	frameBase = 128
	// registers is how many values wait in registers while others are made.
	registers = 13
)

// sizer estimates frames, one after the other.
type sizer struct {
	*Module
	types    []funcType
	in       instr
	locals   []version
	controls []sizedBlock
	checks   []basicBlock // those to come are among them
	dead     bool

	height  int     // of the operands
	waiting int     // how many of them, from below, have a slot
	slots   int     // so far
	passed  int     // the most that a call passes on the stack, in slots
	wide    bool    // there are vectors: slots are of 16 bytes
	events  []int32 // when each was
	now     int32   // counts instructions
	made    int32   // counts values
	branch  int32   // when the last branch was
}

// version is what a local holds.
type version struct {
	set     int32 // when
	met     int32 // the values that it is since, where branches met, if it is read
	depth   int32 // in how many blocks the last of these places was
	since   int32 // which event is the first after it was set
	made    int32 // how many values had been made before
	counted bool  // it has a slot
	exposed bool  // the local is read somewhere without being set before on the way there
}

// sizedBlock is an open block.
type sizedBlock struct {
	op              opcode
	height          int
	params, results int
	began           int32
	targeted, dead  bool
}

// size estimates the frame of a function of these blocks.
func (s *sizer) size(b *body, blocks []basicBlock) int {
	t := s.types[b.typ]
	*s = sizer{
		Module: s.Module, types: s.types, in: s.in, events: s.events[:0],
		locals:   append(s.locals[:0], make([]version, len(t.params)+b.locals)...),
		controls: append(s.controls[:0], sizedBlock{op: opEnd, results: len(t.results)}),
		checks:   blocks, wide: b.vectors,
	}
	s.expose(b)
	r := &reader{wasm: s.wasm, at: b.code, end: b.end}
	for r.more() {
		for len(s.checks) > 0 && s.checks[0].source <= r.at {
			if s.checks[0].check {
				s.event()
			}
			s.checks = s.checks[1:]
		}
		r.instruction(&s.in)
		s.now++
		s.step()
	}
	for x := range s.locals {
		s.forget(&s.locals[x])
	}
	slot := 8
	if s.wide {
		slot = 16
	}
	return frameBase + slot*(s.slots+s.passed)
}

// expose finds the locals that are read where branches may have brought them.
func (s *sizer) expose(b *body) {
	r := &reader{wasm: s.wasm, at: b.code, end: b.end}
	began, now := int32(1), int32(1) // the straight code at hand
	for r.more() {
		r.instruction(&s.in)
		now++
		switch s.in.op {
		case opLocalGet:
			if v := &s.locals[s.in.a]; v.made < began && !v.exposed { // made: when it was set last, for now
				v.exposed = true
			}
		case opLocalSet, opLocalTee:
			s.locals[s.in.a].made = now
		case opLoop, opElse, opEnd:
			began = now
		}
	}
	for x := range s.locals {
		s.locals[x].made = 0
	}
}

// event says that another function is called: what waits needs slots.
func (s *sizer) event() {
	s.events = append(s.events, s.now)
	s.wait(s.height)
}

// wait gives slots to the operands below a height.
func (s *sizer) wait(height int) {
	if height > s.waiting {
		s.slots += height - s.waiting
		s.waiting = height
	}
}

func (s *sizer) pop(n int) {
	s.height = max(s.height-n, s.controls[len(s.controls)-1].height)
	s.waiting = min(s.waiting, s.height)
}

func (s *sizer) push(n int) {
	s.height += n
	s.made += int32(n)
	s.wait(s.height - registers)
}

// read uses a local.
func (s *sizer) read(x uint32) {
	v := &s.locals[x]
	crowded := int(s.made-v.made) > registers && s.height+len(s.locals) > registers
	if !v.counted && (int(v.since) < len(s.events) || crowded) {
		v.counted = true
		s.slots++
	}
	s.slots += int(v.met)
	v.met = 0
}

// meet notes that branches meet at the end of a block: locals that were set in it
// are new values from here on, if they are read. The value that was set has to
// wait for that too, when many are.
func (s *sizer) meet(began int32) {
	for x := range s.locals {
		v := &s.locals[x]
		if v.set <= began {
			continue
		}
		v.met++
		if !v.counted && int(s.made-v.made) > registers {
			v.met++
		}
		v.depth = int32(len(s.controls))
	}
}

// write sets a local.
func (s *sizer) write(x uint32) {
	v := &s.locals[x]
	s.forget(v)
	next := version{set: s.now, since: int32(len(s.events)), made: s.made, exposed: v.exposed}
	if len(s.controls) > int(v.depth) { // there is a way past this
		next.met, next.depth = v.met, v.depth
	}
	*v = next
}

// forget ends a version. It was not used after an event here, but a branch may
// have taken it to where it is.
func (s *sizer) forget(v *version) {
	if !v.counted && v.exposed && int(v.since) < len(s.events) && s.branch > s.events[v.since] {
		s.slots++
	}
}
