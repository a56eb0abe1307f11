// How many bytes of stack a function takes, continued: what each instruction
// does to the operands, in a function that has been checked.
package rewrite

func (s *sizer) step() {
	in := &s.in
	switch in.op {
	case opBlock, opLoop, opIf:
		if in.op == opIf && !s.dead {
			s.pop(1)
		}
		s.open()
		return
	case opElse, opEnd:
		s.close()
		return
	}
	if s.dead {
		return
	}
	switch in.op {
	case opUnreachable, opReturn:
		s.dead = true
	case opBr:
		s.target(in.a)
		s.dead = true
	case opBrIf:
		s.pop(1)
		s.target(in.a)
	case opBrTable:
		for _, depth := range in.labels {
			s.target(depth)
		}
		s.dead = true
	case opCall:
		s.call(s.types[s.funcs[in.a]])
	case opCallIndirect:
		s.pop(1)
		s.call(s.types[in.a])
	case opDrop, opGlobalSet:
		s.pop(1)
	case opSelect, opSelectTyped:
		s.pop(3)
		s.push(1)
	case opLocalGet:
		s.read(in.a)
		s.push(1)
	case opLocalSet:
		s.pop(1)
		s.write(in.a)
	case opLocalTee:
		s.write(in.a)
	case opGlobalGet, opRefNull, opRefFunc:
		s.push(1)
	case opTableGet, opRefIsNull:
		s.pop(1)
		s.push(1)
	case opTableSet:
		s.pop(2)
	case opTableGrow:
		s.pop(2)
		s.event()
		s.push(1)
	case opTableFill:
		s.pop(3)
		s.event()
	default:
		s.pop(len(in.row.takes))
		if isBulk(in.op) {
			s.event()
		}
		s.push(len(in.row.gives))
	}
}

func (s *sizer) call(t funcType) {
	s.pop(len(t.params))
	s.event()
	s.push(len(t.results))
	s.passed = max(s.passed, len(t.params)+len(t.results)-8)
}

func (s *sizer) target(depth uint32) {
	s.branch = s.now
	s.controls[len(s.controls)-1-int(depth)].targeted = true
}

func (s *sizer) open() {
	b := sizedBlock{op: s.in.op, began: s.now, dead: s.dead}
	switch {
	case s.in.block >= 0:
		t := s.types[s.in.block]
		b.params, b.results = len(t.params), len(t.results)
	case s.in.a != 0:
		b.results = 1
	}
	b.height = max(s.height-b.params, s.controls[len(s.controls)-1].height)
	s.controls = append(s.controls, b)
}

// close ends a block, or the first half of an if.
func (s *sizer) close() {
	top := &s.controls[len(s.controls)-1]
	s.height, s.dead = top.height, top.dead
	s.waiting = min(s.waiting, s.height)
	if s.in.op == opElse {
		s.branch, top.targeted = s.now, true
		s.push(top.params)
		return
	}
	ended := *top
	s.controls = s.controls[:len(s.controls)-1]
	if len(s.controls) == 0 {
		return
	}
	s.push(ended.results)
	if ended.targeted || ended.op == opIf {
		s.meet(ended.began)
	}
}
