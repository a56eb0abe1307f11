// How large a module may be.
package rewrite

// Limits bounds what Decode takes. Zero fields mean the defaults, which are far
// above what compilers make: the largest seen in Go's guests of 13 MB are in
// brackets.
type Limits struct {
	// Module and Body are bytes of the module and of one function. 64 MiB, 1 MiB
	// [50,000].
	Module, Body int
	// Types, Imports and Exports. 20,000, 1,000 and 1,000.
	Types, Imports, Exports int
	// Functions, Globals, Tables and Segments that a module defines; Segments
	// holds for data and for elements. 200,000, 10,000, 100 and 500,000.
	Functions, Globals, Tables, Segments int
	// TableEntries is how many entries all tables begin with together, and how
	// many all element segments hold together. 1,048,576 [11,000].
	TableEntries int
	// Locals of one function. 10,000.
	Locals int
	// Stack is how many operands one function may have open. 10,000.
	Stack int
	// Nesting of blocks in one function, and of loops. 10,000 [750]: Go makes one
	// block for each place that a function can be resumed at. 50 [4].
	Nesting, Loops int
	// Branches of one function: its blocks, the branches, and each label of a
	// br_table; a loop counts for each loop that it is in too. 10,000 [2,700].
	Branches int
	// Meetings bounds the square of a function's branches, times its locals, the
	// most operands that a branch takes along, and 8 more. Where branches meet,
	// wazero's compiler looks for the values of all of them on all ways there: it
	// takes up to so many times 7 ns. 1,000,000,000 [200,000,000].
	Meetings int
}

// maxArity bounds the parameters or results of one type; it is the JavaScript
// interface's limit.
const maxArity = 1000

// maxPages is what a 32-bit memory can have.
const maxPages = 1 << 16

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field   *int
		without int
	}{
		{&l.Module, 64 << 20}, {&l.Body, 1 << 20},
		{&l.Types, 20_000}, {&l.Imports, 1_000}, {&l.Exports, 1_000},
		{&l.Functions, 200_000}, {&l.Globals, 10_000}, {&l.Tables, 100}, {&l.Segments, 500_000},
		{&l.TableEntries, 1 << 20}, {&l.Locals, 10_000}, {&l.Stack, 10_000}, {&l.Nesting, 10_000},
		{&l.Loops, 50}, {&l.Branches, 10_000}, {&l.Meetings, 1_000_000_000},
	} {
		if *f.field == 0 {
			*f.field = f.without
		}
	}
	return l
}
