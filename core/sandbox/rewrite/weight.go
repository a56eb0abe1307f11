// Weights: what an instruction costs, in units of about a nanosecond.
package rewrite

func weigh() {
	set := func(part *[256]instruction, weight uint16, ops ...int) {
		for _, op := range ops {
			part[op].weight = weight
		}
	}
	set(&plain, 0, 0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x1a) // no code of their own
	set(&plain, 0, 0x41, 0x42, 0x20)
	set(&plain, weightCall, 0x10)
	set(&plain, weightCall+3, 0x11)
	set(&plain, 4, 0x0e)
	set(&plain, 8, 0x6d, 0x6e, 0x6f, 0x70)  // 32-bit divisions
	set(&plain, 12, 0x7f, 0x80, 0x81, 0x82) // 64-bit divisions
	set(&plain, 5, 0x95, 0xa3)              // floating divisions
	set(&plain, 6, 0x91)                    // f32.sqrt
	set(&plain, 8, 0x9f)                    // f64.sqrt
	set(&prefixed, 10, 8, 9, 10, 11, 12, 13, 14, 15, 17)
	for op := range vector {
		set(&vector, 2, op)
	}
}

const (
	weightCall = 4
	// weightImported is what a call of an imported function costs on top.
	weightImported = 30
)
