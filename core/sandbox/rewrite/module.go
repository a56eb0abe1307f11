// What a decoded module is.
package rewrite

import (
	"strings"
)

// Kinds of imports and exports.
const (
	KindFunction = 0
	KindTable    = 1
	KindMemory   = 2
	KindGlobal   = 3
)

// Types of values, as the binary format writes them.
const (
	i32       = 0x7f
	i64       = 0x7e
	f32       = 0x7d
	f64       = 0x7c
	v128      = 0x7b
	funcref   = 0x70
	externref = 0x6f
	// unknown stands for the operands of code that is never reached.
	unknown = 0
)

var typeNames = map[byte]string{
	i32: "i32", i64: "i64", f32: "f32", f64: "f64", v128: "v128", funcref: "funcref", externref: "externref",
}

func isValueType(t byte) bool { return t >= v128 && t <= i32 || isReference(t) }
func isReference(t byte) bool { return t == funcref || t == externref }

// Module is a decoded module. It holds on to the bytes that it was decoded
// from; neither may be changed. It is safe for concurrent use.
type Module struct {
	Imports []Import
	Exports []Export
	// Tables and Memories that the module defines itself; sizes in entries and
	// in pages of 64 KiB.
	Tables, Memories []Size
	// Functions and Globals count what the module defines itself.
	Functions, Globals int
	// Elements and Segments count the segments of tables and of data.
	Elements, Segments int
	// Locals is the most that one function declares.
	Locals int
	// Start tells whether a function runs while the module is instantiated.
	Start bool

	wasm  []byte
	types []funcType

	// The spaces that indexes point into: imports first.
	funcs    []uint32 // the type of each function
	tables   []table
	memories []Size
	globals  []global
	imported struct{ funcs, tables, memories, globals int }

	start    uint32
	elements []element
	data     []dataSegment
	bodies   []body
	declared bitset // functions that ref.func may name
	counted  bool   // there is a data count section, of
	count    int
	uses     uses
}

// Import is one thing that a module asks for.
type Import struct {
	Module, Name string
	Kind         byte
	// Type is a function's, for Signature.
	Type uint32

	at, end int // its bytes in the module
}

// Export is one thing that a module offers.
type Export struct {
	Name  string
	Kind  byte
	Index uint32
}

// Size bounds a memory (pages of 64 KiB) or a table (entries).
type Size struct {
	Min, Max uint64
	// Capped tells whether Max was given.
	Capped bool
}

type funcType struct{ params, results []byte }

// String is "i32 i64 -> i32 ".
func (t funcType) String() string {
	var s strings.Builder
	for _, p := range t.params {
		s.WriteString(typeNames[p] + " ")
	}
	s.WriteString("-> ")
	for _, r := range t.results {
		s.WriteString(typeNames[r] + " ")
	}
	return s.String()
}

type table struct {
	typ  byte
	size Size
}

type global struct {
	typ     byte
	mutable bool
	value   expression // unless imported
}

// expression is a constant one: a single instruction.
type expression struct {
	op      opcode
	index   uint32 // of the function or global
	at, end int    // its bytes, without the end
}

// element is a segment of a table.
type element struct {
	mode   byte // active, passive, declared
	table  uint32
	offset expression // of an active one
	typ    byte
	funcs  []uint32     // either functions
	values []expression // or expressions
}

// dataSegment is a segment of memory.
type dataSegment struct {
	passive bool
	memory  uint32
	offset  expression // unless passive
	bytes   []byte
}

const (
	active = iota
	passive
	declared
)

// body is a function's code.
type body struct {
	typ     uint32
	at, end int  // its bytes: locals and instructions
	code    int  // where the instructions begin
	locals  int  // how many it declares
	calls   bool // it calls others, or itself
	simple  bool // it has neither calls, loops nor bulk operations
	vectors bool // some values of it may be vectors
}

// uses says which instructions occur anywhere in a module.
type uses struct {
	tables   bool // table.set, grow, fill, copy, init
	drops    bool // data.drop, elem.drop
	segments bool // memory.init, data.drop
}

// Function gives the signature of a function by its index: "i32 i64 -> i32 ".
func (m *Module) Function(index uint32) (string, bool) {
	if int64(index) >= int64(len(m.funcs)) {
		return "", false
	}
	return m.Signature(m.funcs[index])
}

// Signature gives a type by its index: "i32 i64 -> i32 ".
func (m *Module) Signature(typ uint32) (string, bool) {
	if int64(typ) >= int64(len(m.types)) {
		return "", false
	}
	return m.types[typ].String(), true
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset       { return make(bitset, (n+63)/64) }
func (b bitset) has(n uint32) bool { return b[n/64]&(1<<(n%64)) != 0 }
func (b bitset) add(n uint32)      { b[n/64] |= 1 << (n % 64) }
