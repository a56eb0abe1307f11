// Weights: what an instruction costs, in tenths of a unit, which is about a
// nanosecond.
//
// They are what BenchmarkWeights measures (an AMD EPYC of 3.7 GHz, wazero 1.12),
// rounded: what takes its time is weighed as in a chain in which each waits for
// the one before; the processor does several of the rest at a time. No weight
// sees branches that are guessed wrongly and memory that is not in a cache.
package rewrite

// weigh sets the weight of some instructions of a part.
func weigh(rows *part, weight uint16, ops ...int) {
	for _, op := range ops {
		rows[op].weight = weight
	}
}

func weighPlain(p *part) {
	// no code of their own
	weigh(p, 0, 0x00, 0x01, 0x02, 0x03, 0x05, 0x0b, 0x1a)
	weigh(p, 0, 0x41, 0x42, 0x20)
	// br_if
	weigh(p, 6, 0x0d)
	// br_table
	weigh(p, 30, 0x0e)
	weigh(p, weightCall, 0x10)
	weigh(p, weightCall+5, 0x11)
	// select
	weigh(p, 5, 0x1b, 0x1c)
	// table.get, table.set
	weigh(p, 8, 0x25, 0x26)
	// loads
	weigh(p, 10, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35)
	// stores
	weigh(p, 4, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e)
	// memory.grow by nothing
	weigh(p, 250, 0x40)
	// multiplications, sums of floats
	weigh(p, 5, 0x6c, 0x7e, 0x92, 0x93, 0x94, 0xa0, 0xa1, 0xa2)
	// divisions of i32
	weigh(p, 40, 0x6d, 0x6e, 0x6f, 0x70)
	// of i64
	weigh(p, 50, 0x7f, 0x80, 0x81, 0x82)
	// of f32
	weigh(p, 28, 0x95)
	// of f64
	weigh(p, 37, 0xa3)
	// rounding, min, max
	weigh(p, 6, 0x8d, 0x8e, 0x8f, 0x90, 0x96, 0x97, 0x9b, 0x9c, 0x9d, 0x9e, 0xa4, 0xa5)
	// copysign
	weigh(p, 12, 0x98, 0xa6)
	// f32.sqrt
	weigh(p, 41, 0x91)
	// f64.sqrt
	weigh(p, 57, 0x9f)
	// floats to integers
	weigh(p, 25, 0xa8, 0xa9, 0xaa, 0xab, 0xae, 0xaf, 0xb0, 0xb1)
	// and back
	weigh(p, 8, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb)
}

func weighPrefixed(p *part) {
	// floats to integers
	weigh(p, 25, 0, 1, 2, 3, 4, 5, 6, 7)
	// memory.init, data.drop, memory.copy
	weigh(p, 40, 8, 9, 10)
	// memory.fill
	weigh(p, 140, 11)
	// of tables
	weigh(p, 110, 12, 13, 14, 15, 17)
}

func weighVector(p *part) {
	for op := range p {
		weigh(p, 6, op)
	}
	// loads
	weigh(p, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 84, 85, 86, 87, 92, 93)
	// i8x16.popcnt and shifts
	weigh(p, 14, 98, 107, 108, 109)
	// i64x2.mul
	weigh(p, 19, 213)
	// f32x4.div
	weigh(p, 28, 231)
	// f64x2.div
	weigh(p, 37, 243)
	// f32x4.sqrt
	weigh(p, 41, 227)
	// f64x2.sqrt
	weigh(p, 57, 239)
	// min, max
	weigh(p, 17, 232, 233, 244, 245)
	// conversions
	weigh(p, 33, 248, 249, 250, 251, 252, 253, 254, 255)
}

const (
	weightPlain = 3
	weightCall  = 25
	// weightImported is what a call of an imported function costs on top.
	weightImported = 300
	// labelsPerTenth is how many labels of a br_table cost a tenth more.
	labelsPerTenth = 2
)
