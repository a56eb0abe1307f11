// Checking function bodies, continued: tables, memory, and the plain
// instructions whose types the table of instructions knows.
package rewrite

func (c *checker) others() {
	in := &c.in
	switch in.op {
	case opTableGet:
		c.pop(i32)
		c.push(c.tableType(in.a))
	case opTableSet:
		c.uses.tables = true
		c.pop(c.tableType(in.a))
		c.pop(i32)
	case opTableGrow:
		c.uses.tables = true
		c.pop(i32)
		c.pop(c.tableType(in.a))
		c.push(i32)
	case opTableFill:
		c.uses.tables = true
		c.pop(i32)
		c.pop(c.tableType(in.a))
		c.pop(i32)
	case opTableCopy:
		c.uses.tables = true
		c.tableType(in.b)
		if to := c.tableType(in.a); to != c.tableType(in.b) {
			c.fail("a table is copied into one of another type")
		}
	case opTableInit:
		c.uses.tables = true
		c.index("element segment", in.a, len(c.elements))
		if c.elements[in.a].typ != c.tableType(in.b) {
			c.fail("a table is filled from elements of another type")
		}
	case opTableSize:
		c.tableType(in.a)
	case opElemDrop:
		c.uses.drops = true
		c.index("element segment", in.a, len(c.elements))
	case opDataDrop, opMemoryInit:
		c.uses.segments = true
		c.uses.drops = c.uses.drops || in.op == opDataDrop
		if !c.counted {
			c.fail("a data segment is named in a module that does not count them")
		}
		c.index("data segment", in.a, c.count)
	}
	switch in.row.imm {
	case immAccess, immAccessLane, immMemory, immTwoMemory, immSegment:
		if len(c.memories) == 0 {
			c.fail("there is no memory")
		}
	}
	c.popAll(in.row.takes)
	c.pushAll(in.row.gives)
}

func (c *checker) tableType(n uint32) byte {
	c.index("table", n, len(c.tables))
	return c.tables[n].typ
}
