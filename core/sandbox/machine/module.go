// Decoding a module as far as its outside goes: what it imports, exports and
// declares. Instructions are the compiler's; nothing here trusts a length.
package machine

import (
	"errors"
	"fmt"
)

// Kinds of imports and exports.
const (
	kindFunction = 0
	kindTable    = 1
	kindMemory   = 2
	kindGlobal   = 3
)

var kindNames = [...]string{"function", "table", "memory", "global"}

// module is the outside of a WebAssembly module.
type module struct {
	types    []string // signatures as "i32 i64 -> i32"
	imports  []moduleImport
	defined  []uint32 // type of each function that the module defines
	tables   []limits
	memories []limits
	globals  int
	exports  []moduleExport
	start    bool
	elements int
	segments int
	locals   int // the most that one function declares
}

type moduleImport struct {
	module, name string
	kind         byte
	typ          uint32 // of a function
}

type moduleExport struct {
	name  string
	kind  byte
	index uint32
}

type limits struct {
	min, max uint64
	capped   bool
	flags    byte
}

// function gives the signature of a function by its index.
func (m *module) function(index uint32) (string, bool) {
	for _, i := range m.imports {
		if i.kind != kindFunction {
			continue
		}
		if index == 0 {
			return m.signature(i.typ)
		}
		index--
	}
	if int64(index) >= int64(len(m.defined)) {
		return "", false
	}
	return m.signature(m.defined[index])
}

func (m *module) signature(typ uint32) (string, bool) {
	if int64(typ) >= int64(len(m.types)) {
		return "", false
	}
	return m.types[typ], true
}

// errTruncated is what every reading past the end of a section panics with;
// decodeModule catches it.
var errTruncated = errors.New("it ends in the middle of something")

// decodeModule reads a module's sections.
func decodeModule(wasm []byte) (m *module, err error) {
	if len(wasm) < 8 || string(wasm[:8]) != "\x00asm\x01\x00\x00\x00" {
		return nil, errors.New("it does not begin as a WebAssembly module of version 1 does (a component is not a module)")
	}
	defer func() {
		if v := recover(); v != nil {
			broken, ok := v.(decodeError)
			if !ok {
				panic(v)
			}
			m, err = nil, broken.error
		}
	}()
	m = &module{}
	r := &moduleReader{b: wasm[8:]}
	for len(r.b) > 0 {
		id := r.byte()
		s := &moduleReader{b: r.bytes(int(r.u32()))}
		m.section(id, s)
	}
	return m, nil
}

// Limits of what is held in memory while decoding, all far above what
// compilers make.
const (
	maxTypes     = 20_000
	maxImports   = 1_000
	maxFunctions = 200_000
	maxExports   = 1_000
	maxSegments  = 500_000
	maxGlobals   = 10_000
	maxLocals    = 10_000
)

func (m *module) section(id byte, s *moduleReader) {
	switch id {
	case 1:
		for range s.count("types", maxTypes) {
			if s.byte() != 0x60 {
				s.fail("a type that is not a function's")
			}
			params := s.valueTypes()
			m.types = append(m.types, params+"-> "+s.valueTypes())
		}
	case 2:
		for range s.count("imports", maxImports) {
			i := moduleImport{module: s.name(), name: s.name(), kind: s.byte()}
			switch i.kind {
			case kindFunction:
				i.typ = s.u32()
			case kindTable:
				s.byte()
				s.limits()
			case kindMemory:
				s.limits()
			case kindGlobal:
				s.bytes(2)
			default:
				s.fail("an import of kind %d", i.kind)
			}
			m.imports = append(m.imports, i)
		}
	case 3:
		for range s.count("functions", maxFunctions) {
			m.defined = append(m.defined, s.u32())
		}
	case 4:
		for range s.count("tables", 100) {
			s.byte()
			m.tables = append(m.tables, s.limits())
		}
	case 5:
		for range s.count("memories", 100) {
			m.memories = append(m.memories, s.limits())
		}
	case 6:
		m.globals = s.count("globals", maxGlobals)
	case 7:
		for range s.count("exports", maxExports) {
			m.exports = append(m.exports, moduleExport{name: s.name(), kind: s.byte(), index: s.u32()})
		}
	case 8:
		m.start = true
	case 9:
		m.elements = s.count("element segments", maxSegments)
	case 10:
		for range s.count("function bodies", maxFunctions) {
			body := &moduleReader{b: s.bytes(int(s.u32()))}
			locals := uint64(0)
			for range body.count("groups of locals", maxLocals) {
				locals += uint64(body.u32())
				body.byte()
			}
			if locals > maxLocals {
				s.fail("a function has %d locals; at most %d", locals, maxLocals)
			}
			m.locals = max(m.locals, int(locals))
		}
	case 11:
		m.segments = s.count("data segments", maxSegments)
	case 0, 12: // custom, the count of data segments
	default:
		s.fail("a section of kind %d; exceptions and whatever came later are not supported", id)
	}
}

// moduleReader reads the numbers and names of the binary format. It panics with
// a decodeError.
type moduleReader struct{ b []byte }

type decodeError struct{ error }

func (r *moduleReader) fail(format string, args ...any) {
	panic(decodeError{fmt.Errorf(format, args...)})
}

func (r *moduleReader) byte() byte { return r.bytes(1)[0] }

func (r *moduleReader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		panic(decodeError{errTruncated})
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *moduleReader) u64() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail("a number is too long")
	return 0
}

func (r *moduleReader) u32() uint32 {
	v := r.u64()
	if v > 1<<32-1 {
		r.fail("a number is too large")
	}
	return uint32(v)
}

// count reads how many of something follow.
func (r *moduleReader) count(what string, most int) int {
	n := r.u32()
	if int64(n) > int64(most) {
		r.fail("%d %s; at most %d", n, what, most)
	}
	return int(n)
}

func (r *moduleReader) name() string { return string(r.bytes(int(r.u32()))) }

func (r *moduleReader) valueTypes() (s string) {
	for range r.count("parameters or results", 1000) {
		switch c := r.byte(); c {
		case 0x7f:
			s += "i32 "
		case 0x7e:
			s += "i64 "
		case 0x7d:
			s += "f32 "
		case 0x7c:
			s += "f64 "
		default:
			s += fmt.Sprintf("0x%x ", c)
		}
	}
	return s
}

func (r *moduleReader) limits() (l limits) {
	l.flags = r.byte()
	l.min = r.u64()
	if l.flags&1 != 0 {
		l.max, l.capped = r.u64(), true
	}
	return l
}
