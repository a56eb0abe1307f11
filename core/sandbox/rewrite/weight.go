// Weights: what an instruction costs, in units of about a nanosecond.
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
	weigh(p, weightCall+3, 0x11)
	weigh(p, 4, 0x0e)
	weigh(p, 8, 0x6d, 0x6e, 0x6f, 0x70)  // 32-bit divisions
	weigh(p, 12, 0x7f, 0x80, 0x81, 0x82) // 64-bit divisions
	weigh(p, 5, 0x95, 0xa3)              // floating divisions
	weigh(p, 6, 0x91)                    // f32.sqrt
	weigh(p, 8, 0x9f)                    // f64.sqrt
}

func weighPrefixed(p *part) {
	weigh(p, 10, 8, 9, 10, 11, 12, 13, 14, 15, 17)
}

func weighVector(p *part) {
	for op := range p {
		weigh(p, 2, op)
	}
}

const (
	weightCall = 4
	// weightImported is what a call of an imported function costs on top.
	weightImported = 30
)
