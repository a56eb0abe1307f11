// Weights: what an instruction costs, in tenths of a unit, which is about a
// nanosecond.
package rewrite

// weigh sets the weight of some instructions of a part.
func weigh(rows *part, weight uint16, ops ...int) {
	for _, op := range ops {
		rows[op].weight = weight
	}
}

func weighPlain(p *part) {
	weigh(p, 0, 0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x1a) // no code of their own
	weigh(p, 0, 0x41, 0x42, 0x20)
	weigh(p, weightCall, 0x10)
	weigh(p, weightCall+20, 0x11)
	weigh(p, 20, 0x0e)
	weigh(p, 40, 0x6d, 0x6e, 0x6f, 0x70) // 32-bit divisions
	weigh(p, 60, 0x7f, 0x80, 0x81, 0x82) // 64-bit divisions
	weigh(p, 40, 0x95, 0xa3)             // floating divisions
	weigh(p, 50, 0x91)                   // f32.sqrt
	weigh(p, 70, 0x9f)                   // f64.sqrt
	for op := 0x28; op <= 0x3e; op++ {
		weigh(p, 8, op)
	}
}

func weighPrefixed(p *part) {
	weigh(p, 100, 8, 9, 10, 11, 12, 13, 14, 15, 17)
}

func weighVector(p *part) {
	for op := range p {
		weigh(p, 15, op)
	}
}

const (
	weightPlain = 3
	weightCall  = 25
	// weightImported is what a call of an imported function costs on top.
	weightImported = 300
	// labelsPerTenth is how many labels of a br_table cost a tenth more.
	labelsPerTenth = 2
)
