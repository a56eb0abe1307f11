// Modules written by hand: instructions and sections as bytes and numbers.
package machine

import (
	"bytes"
	"encoding/binary"
)

// preamble begins a module.
const preamble = "\x00asm\x01\x00\x00\x00"

// code writes bytes, byte strings, and texts with their lengths.
func code(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case []byte:
			b = append(b, p...)
		case string:
			b = append(append(b, uleb(len(p))...), p...)
		}
	}
	return b
}

func uleb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// sleb is an i32.const of a number.
func sleb(n int32) []byte {
	b := []byte{0x41}
	for {
		c := byte(n & 0x7f)
		if n >>= 7; n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// section is a section of a module.
func section(id int, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return code(id, uleb(len(content)), content)
}

// function is a body with its locals, in the section of code.
func function(parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return code(uleb(len(content)), content)
}
