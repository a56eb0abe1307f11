// Bulk operations: functions that stand in for instructions whose cost depends
// on an operand.
package rewrite

// helpers are the functions that were needed so far.
type helpers struct {
	first uint32 // index of the first
	index map[helperKey]uint32
	all   []helper
}

type helperKey struct {
	op   opcode
	a, b uint32
}

type helper struct {
	typ  uint32
	body code
}

// helper gives the function that stands in for an instruction, if one does.
func (w *writer) helper(in *instr) (uint32, bool) { return 0, false }
