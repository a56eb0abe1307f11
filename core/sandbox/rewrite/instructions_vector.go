// The table of instructions, continued: vectors (0xfd).
package rewrite

func vectorRows() *part {
	p := new(part)
	row(p, 0, 0, immAccess, "i:v", 4)
	row(p, 1, 6, immAccess, "i:v", 3)
	for n := range 4 { // load and splat
		row(p, 7+n, 7+n, immAccess, "i:v", uint8(n))
	}
	row(p, 11, 11, immAccess, "iv:", 4)
	row(p, 12, 12, imm16, ":v")
	row(p, 13, 13, immShuffle, "vv:v")
	row(p, 14, 14, immNone, "vv:v")
	row(p, 15, 17, immNone, "i:v")
	row(p, 18, 18, immNone, "l:v")
	row(p, 19, 19, immNone, "f:v")
	row(p, 20, 20, immNone, "d:v")
	// Lanes.
	row(p, 21, 22, immLane, "v:i", 16)
	row(p, 23, 23, immLane, "vi:v", 16)
	row(p, 24, 25, immLane, "v:i", 8)
	row(p, 26, 26, immLane, "vi:v", 8)
	row(p, 27, 27, immLane, "v:i", 4)
	row(p, 28, 28, immLane, "vi:v", 4)
	row(p, 29, 29, immLane, "v:l", 2)
	row(p, 30, 30, immLane, "vl:v", 2)
	row(p, 31, 31, immLane, "v:f", 4)
	row(p, 32, 32, immLane, "vf:v", 4)
	row(p, 33, 33, immLane, "v:d", 2)
	row(p, 34, 34, immLane, "vd:v", 2)
	// Comparisons, bits.
	row(p, 35, 76, immNone, "vv:v")
	row(p, 77, 77, immNone, "v:v")
	row(p, 78, 81, immNone, "vv:v")
	row(p, 82, 82, immNone, "vvv:v")
	row(p, 83, 83, immNone, "v:i")
	for n := range 4 { // one lane from and to memory
		row(p, 84+n, 84+n, immAccessLane, "iv:v", uint8(n), 16>>n)
		row(p, 88+n, 88+n, immAccessLane, "iv:", uint8(n), 16>>n)
	}
	row(p, 92, 92, immAccess, "i:v", 2)
	row(p, 93, 93, immAccess, "i:v", 3)
	// Arithmetic: first as if all took two vectors, then the others.
	row(p, 94, 255, immNone, "vv:v")
	one := []int{
		94, 95, 96, 97, 98, 103, 104, 105, 106, 116, 117, 122, 124, 125, 126, 127,
		128, 129, 135, 136, 137, 138, 148, 160, 161, 167, 168, 169, 170, 192, 193, 199, 200, 201, 202,
		224, 225, 227, 236, 237, 239, 248, 249, 250, 251, 252, 253, 254, 255,
	}
	for _, op := range one {
		row(p, op, op, immNone, "v:v")
	}
	for _, op := range []int{99, 100, 131, 132, 163, 164, 195, 196} { // all_true, bitmask
		row(p, op, op, immNone, "v:i")
	}
	for _, op := range []int{107, 139, 171, 203} { // shl, shr_s, shr_u
		row(p, op, op+2, immNone, "vi:v")
	}
	for _, op := range []int{154, 162, 165, 166, 175, 176, 178, 179, 180, 187, 194, 197, 198, 207, 208, 210, 211, 212, 226, 238} {
		p[op] = instruction{}
	}
	weighVector(p)
	return p
}
