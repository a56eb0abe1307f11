// Fields: the inner layer of the wire, a flat list without nesting.
package wire

import (
	"bytes"
	"encoding/binary"
)

// Tag says what a field is. Numbers are never given twice.
type Tag uint16

// Field is one field. Value of a decoded one is a view.
type Field struct {
	Tag   Tag
	Flags uint16
	Value []byte
}

// Header is one header or trailer value. Names compare without regard to case.
// A repeated name is a repeated Header.
type Header struct{ Name, Value string }

// NextField decodes the first field of b and gives what follows it. b must not
// be empty. The value is a view into b.
func NextField(b []byte) (f Field, rest []byte, err error) {
	if len(b) < FieldHead {
		return Field{}, nil, ErrTruncated
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if uint64(n) > uint64(len(b)-FieldHead) {
		return Field{}, nil, ErrTruncated
	}
	end := FieldHead + int(n)
	f.Tag = Tag(binary.LittleEndian.Uint16(b))
	f.Flags = binary.LittleEndian.Uint16(b[2:])
	f.Value = b[FieldHead:end:end]
	return f, b[end:], nil
}

// Critical tells whether a receiver that does not know the tag must refuse.
func (f Field) Critical() bool { return f.Flags&CriticalField != 0 }

// U16 reads a 16-bit integer. Like its brothers it wants exactly that size.
func (f Field) U16() (uint16, bool) {
	if len(f.Value) != 2 {
		return 0, false
	}
	return binary.LittleEndian.Uint16(f.Value), true
}

// U32 reads a 32-bit integer.
func (f Field) U32() (uint32, bool) {
	if len(f.Value) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(f.Value), true
}

// U64 reads a 64-bit integer.
func (f Field) U64() (uint64, bool) {
	if len(f.Value) != 8 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(f.Value), true
}

// Pair reads a value of the form name \0 value; both are views.
func (f Field) Pair() (name, value []byte, ok bool) { return bytes.Cut(f.Value, []byte{0}) }

// AppendField appends a field.
func AppendField(b []byte, tag Tag, flags uint16, value []byte) []byte {
	return append(appendFieldHead(b, tag, flags, len(value)), value...)
}

// AppendText appends a text field.
func AppendText(b []byte, tag Tag, value string) []byte {
	return append(appendFieldHead(b, tag, 0, len(value)), value...)
}

// AppendU16 appends a 16-bit integer field.
func AppendU16(b []byte, tag Tag, value uint16) []byte {
	return binary.LittleEndian.AppendUint16(appendFieldHead(b, tag, 0, 2), value)
}

// AppendU32 appends a 32-bit integer field.
func AppendU32(b []byte, tag Tag, value uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendFieldHead(b, tag, 0, 4), value)
}

// AppendU64 appends a 64-bit integer field.
func AppendU64(b []byte, tag Tag, value uint64) []byte {
	return binary.LittleEndian.AppendUint64(appendFieldHead(b, tag, 0, 8), value)
}

// AppendPair appends a field of the form name \0 value: headers, attributes,
// settings. A name with a zero byte in it cannot be told from its value; who
// takes names from others checks them first.
func AppendPair(b []byte, tag Tag, name, value string) []byte {
	b = appendFieldHead(b, tag, 0, len(name)+1+len(value))
	b = append(b, name...)
	b = append(b, 0)
	return append(b, value...)
}

func appendFieldHead(b []byte, tag Tag, flags uint16, n int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(tag))
	b = binary.LittleEndian.AppendUint16(b, flags)
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}
