// A generator of valid modules: bytes decide what they are made of. All end:
// every loop and every function counts a global of steps down.
package rewrite

// generator makes a module out of bytes.
type generator struct {
	in      []byte
	b       *builder
	types   []funcType // of the functions
	locals  []byte     // types, of the function at hand
	labels  [][]byte   // what a branch to each open block takes along
	results []byte
	size    int // instructions so far
	c       *code
}

const (
	genGlobals = 5 // steps, i32, i64, f64, v128
	genPages   = 2
	genEntries = 80
	genData    = 3 // segments: active, passive, passive
)

// generate makes a module with 2 to 5 functions, a memory and a table.
func generate(in []byte) []byte {
	g := &generator{in: in, b: &builder{}}
	for range 2 + g.pick(4) {
		g.types = append(g.types, funcType{params: g.someTypes(4), results: g.someTypes(3)})
	}
	for n, t := range g.types {
		var locals []byte
		for range g.pick(4) {
			locals = append(locals, byte(1+g.pick(1+n*20)), g.numeric())
		}
		g.b.fn(t, locals, func(c *code) { g.function(c, t, locals) })
	}
	g.b.pages(genPages, genPages+2)
	g.b.table(Size{Min: genEntries, Max: genEntries + 20, Capped: true})
	for _, typ := range []byte{i32, i32, i64, f64, v128} {
		g.b.global(typ)
	}
	for n, name := range []string{"steps", "g1", "g2", "g3"} {
		g.b.export(name, KindGlobal, uint32(n))
	}
	g.b.export("table", KindTable, 0)
	var funcs []uint32
	for n := range 40 {
		funcs = append(funcs, uint32(n%len(g.types)))
	}
	g.b.elems(false, funcs...)
	g.b.elems(true, funcs[:7]...)
	g.b.segment(int32(g.pick(5)*1000), []byte("an active segment of data"))
	g.b.segment(-1, []byte("a passive segment of data that is somewhat longer"))
	g.b.segment(-1, make([]byte, 9))
	return g.b.wasm()
}

// pick chooses a number below n.
func (g *generator) pick(n int) int {
	if len(g.in) == 0 || n <= 1 {
		return 0
	}
	v := int(g.in[0])
	g.in = g.in[1:]
	return v % n
}

func (g *generator) number() (v int64) {
	for range 1 + g.pick(8) {
		v = v<<8 | int64(g.pick(256))
	}
	return v
}

func (g *generator) numeric() byte { return []byte{i32, i64, f32, f64, v128, i32, i32, i64}[g.pick(8)] }

func (g *generator) someTypes(most int) (types []byte) {
	for range g.pick(most) {
		types = append(types, g.numeric())
	}
	return types
}

func (g *generator) function(c *code, t funcType, locals []byte) {
	g.c, g.results, g.labels, g.size = c, t.results, [][]byte{t.results}, 0
	g.locals = append([]byte(nil), t.params...)
	for n := 0; n < len(locals); n += 2 {
		for range locals[n] {
			g.locals = append(g.locals, locals[n+1])
		}
	}
	g.step(true)
	g.statements(6, 1+g.pick(12))
	for _, typ := range t.results {
		g.value(typ, 4)
	}
}

// step counts down, and leaves a function or a loop when nothing is left.
func (g *generator) step(function bool) {
	g.c.index(opGlobalGet, 0)
	g.c.i32(1)
	g.c.op(opI32Sub)
	g.c.index(opGlobalSet, 0)
	g.c.index(opGlobalGet, 0)
	g.c.i32(0)
	g.c.op(opI32LtS)
	g.c.block(opIf)
	if function {
		for _, typ := range g.results {
			g.constant(typ)
		}
		g.c.op(opReturn)
	} else {
		g.c.index(opBr, 2) // out of the block around the loop
	}
	g.c.op(opEnd)
}

func (g *generator) statements(depth, n int) {
	for range n {
		if g.size > 300 {
			return
		}
		g.statement(depth)
	}
}

func (g *generator) statement(depth int) {
	g.size++
	kind := g.pick(20)
	if depth <= 0 {
		kind %= 8
	}
	switch kind {
	case 0, 1:
		if len(g.locals) > 0 {
			x := g.pick(len(g.locals))
			g.value(g.locals[x], depth)
			g.c.index(opLocalSet, uint32(x))
		}
	case 2:
		x := 1 + g.pick(genGlobals-1)
		g.value([]byte{i32, i32, i64, f64, v128}[x], depth)
		g.c.index(opGlobalSet, uint32(x))
	case 3:
		g.plainOf(func(in *instruction) bool { return len(in.gives) == 0 && len(in.takes) == 2 }, depth)
	case 4:
		g.bulk()
	case 5:
		g.drop(g.branch(opBrIf))
	case 6:
		g.call(depth, 0)
	case 7:
		g.value(g.numeric(), depth)
		g.c.op(opDrop)
	case 8, 9, 10:
		g.block(opBlock, depth)
	case 11, 12:
		g.value(i32, depth)
		g.block(opIf, depth)
	case 13, 14, 15:
		g.loop(depth)
	case 16:
		g.block(opBlock, depth)
	case 17:
		g.inBlock(func() { // dead code behind it stays in the block
			g.branch(opBr)
			g.statements(depth-1, g.pick(3))
		})
	case 18:
		g.inBlock(func() { g.brTable(depth) })
	case 19:
		g.value(i32, depth)
		g.c.block(opIf)
		g.labels = append(g.labels, nil)
		for _, typ := range g.results {
			g.value(typ, 1)
		}
		g.c.op([]opcode{opReturn, opReturn, opReturn, opUnreachable}[g.pick(4)])
		g.labels = g.labels[:len(g.labels)-1]
		g.c.op(opEnd)
	}
}

// label gives what a branch takes along.
func (g *generator) label(depth int) []byte { return g.labels[len(g.labels)-1-depth] }

// inBlock writes something in a block without results.
func (g *generator) inBlock(write func()) {
	g.c.block(opBlock)
	g.labels = append(g.labels, nil)
	write()
	g.labels = g.labels[:len(g.labels)-1]
	g.c.op(opEnd)
}

// branch writes br or br_if to any label, and says how many values it took
// along.
func (g *generator) branch(op opcode) int {
	to := g.pick(len(g.labels))
	for _, typ := range g.label(to) {
		g.value(typ, 1)
	}
	if op == opBrIf {
		g.value(i32, 2)
	}
	g.c.index(op, uint32(to))
	return len(g.label(to))
}

func (g *generator) drop(n int) {
	for range n {
		g.c.op(opDrop)
	}
}

// brTable writes a br_table to labels that take nothing.
func (g *generator) brTable(depth int) {
	var to []uint32
	for k := range g.labels {
		if len(g.label(k)) == 0 {
			to = append(to, uint32(k))
		}
	}
	n := g.pick(40)
	g.value(i32, depth)
	g.c.op(opBrTable)
	g.c.u32(uint32(n))
	for range n + 1 {
		g.c.u32(to[g.pick(len(to))])
	}
}

func (g *generator) block(op opcode, depth int) {
	var results []byte
	if g.pick(3) == 0 {
		results = []byte{g.numeric()}
	}
	g.c.op(op)
	if results != nil {
		g.c.byte(results[0])
	} else {
		g.c.byte(0x40)
	}
	g.labels = append(g.labels, results)
	body := func() {
		g.statements(depth-1, 1+g.pick(5))
		for _, typ := range results {
			g.value(typ, depth-1)
		}
	}
	body()
	if op == opIf && (results != nil || g.pick(2) == 0) {
		g.c.op(opElse)
		body()
	}
	g.labels = g.labels[:len(g.labels)-1]
	g.c.op(opEnd)
	g.drop(len(results))
}

// loop writes a loop that may go round, in a block to leave it by.
func (g *generator) loop(depth int) {
	g.inBlock(func() {
		g.c.block(opLoop)
		g.labels = append(g.labels, nil)
		g.step(false)
		g.statements(depth-1, 1+g.pick(5))
		if g.pick(3) > 0 {
			g.value(i32, 2)
			g.c.index(opBrIf, 0)
		}
		g.labels = g.labels[:len(g.labels)-1]
		g.c.op(opEnd)
	})
}
