// Reading the numbers, names and expressions of the binary format. Nothing here
// trusts a length: a reader panics with a decodeError, which Decode returns.
package rewrite

import (
	"fmt"
	"unicode/utf8"
)

// reader reads wasm[at:end]. Offsets in errors are those of the whole module.
type reader struct {
	wasm    []byte
	at, end int
}

// decodeError is what a reader panics with.
type decodeError struct{ error }

func (r *reader) fail(format string, args ...any) {
	r.failAt(r.at, format, args...)
}

func (r *reader) failAt(at int, format string, args ...any) {
	panic(decodeError{fmt.Errorf("at byte %d: %w", at, fmt.Errorf(format, args...))})
}

// recovered gives a decodeError that was panicked with, and panics with
// anything else again.
func recovered(v any) error {
	if v == nil {
		return nil
	}
	broken, ok := v.(decodeError)
	if !ok {
		panic(v)
	}
	return broken.error
}

func (r *reader) more() bool { return r.at < r.end }

func (r *reader) byte() byte {
	if r.at >= r.end {
		r.fail("it ends in the middle of something")
	}
	b := r.wasm[r.at]
	r.at++
	return b
}

func (r *reader) bytes(n uint32) []byte {
	if int64(n) > int64(r.end-r.at) {
		r.fail("it ends in the middle of something")
	}
	b := r.wasm[r.at : r.at+int(n) : r.at+int(n)]
	r.at += int(n)
	return b
}

// part gives a reader of the next n bytes.
func (r *reader) part(n uint32) *reader {
	start := r.at
	r.bytes(n)
	return &reader{wasm: r.wasm, at: start, end: r.at}
}

func (r *reader) u32() uint32 {
	if r.at < r.end && r.wasm[r.at] < 0x80 { // nearly all are small
		r.at++
		return uint32(r.wasm[r.at-1])
	}
	return uint32(r.unsigned(32))
}

// unsigned reads a LEB128 number of at most so many bits.
func (r *reader) unsigned(bits uint) (v uint64) {
	start := r.at
	for shift := uint(0); ; shift += 7 {
		b := r.byte()
		if shift+7 >= bits && b>>(bits-shift) != 0 {
			r.failAt(start, "a number is too long or too large")
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

// signed reads a signed LEB128 number of at most so many bits.
func (r *reader) signed(bits uint) (v int64) {
	start := r.at
	for shift := uint(0); ; shift += 7 {
		b := r.byte()
		if rest := bits - shift; rest <= 7 {
			// The bits above the number's must repeat its sign.
			if above := b >> (rest - 1); above != 0 && above != 0x7f>>(rest-1) {
				r.failAt(start, "a number is too long or too large")
			}
		}
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if shift+7 < 64 && b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
}

// count reads how many of something follow.
func (r *reader) count(what string, most int) int {
	start := r.at
	n := r.u32()
	if int64(n) > int64(most) {
		r.failAt(start, "%d %s; at most %d", n, what, most)
	}
	return int(n)
}

func (r *reader) name() string {
	start := r.at
	b := r.bytes(r.u32())
	if !utf8.Valid(b) {
		r.failAt(start, "a name is not UTF-8")
	}
	return string(b)
}

func (r *reader) valueType() byte {
	t := r.byte()
	if !isValueType(t) {
		r.failAt(r.at-1, "0x%x is not a type of values", t)
	}
	return t
}

func (r *reader) referenceType() byte {
	t := r.byte()
	if !isReference(t) {
		r.failAt(r.at-1, "0x%x is not a type of references", t)
	}
	return t
}

// valueTypes reads a list of types; the result is a part of the module.
func (r *reader) valueTypes() []byte {
	n := r.count("parameters or results", maxArity)
	b := r.bytes(uint32(n))
	for _, t := range b {
		if !isValueType(t) {
			r.fail("0x%x is not a type of values", t)
		}
	}
	return b
}

// size reads the limits of a memory or table.
func (r *reader) size(most uint64) (s Size) {
	start := r.at
	switch flags := r.byte(); flags {
	case 0:
	case 1:
		s.Capped = true
	default:
		r.failAt(start, "limits of kind 0x%x: shared and 64-bit memories are not supported", flags)
	}
	s.Min = uint64(r.u32())
	if s.Capped {
		s.Max = uint64(r.u32())
	}
	if s.Min > most || s.Max > most {
		r.failAt(start, "a size of %d to %d; at most %d", s.Min, s.Max, most)
	}
	if s.Capped && s.Max < s.Min {
		r.failAt(start, "the largest size %d is less than the smallest %d", s.Max, s.Min)
	}
	return s
}
