// Reading blocks of fields, strictly: what the host may not say ends the session.
package atoll

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// block walks the fields of a frame. Its session's mu is held; a broken block is
// a fault.
type block struct {
	s        *session
	rest     []byte
	seen     [2]uint64 // tags below 128 that were said
	tag      wire.Tag
	critical bool
	value    []byte
}

// repeated are the tags that may be said more than once.
func repeated(tag wire.Tag) bool {
	return tag == wire.TagHeader || tag == wire.TagGroup || tag == wire.TagAttribute || tag == wire.TagSetting
}

// known tells whether this version gives the tag a meaning.
func known(tag wire.Tag) bool {
	switch {
	case tag >= wire.TagMethod && tag <= wire.TagProtocol, tag >= wire.TagUser && tag <= wire.TagLocale, tag == wire.TagParent,
		tag >= wire.TagStatus && tag <= wire.TagCloseText, tag >= wire.TagLevel && tag <= wire.TagStream,
		tag >= wire.TagMinor && tag <= wire.TagStreams:
		return true
	}
	return false
}

func (s *session) block(f wire.Frame) block {
	if len(f.Payload) > wire.MaxFields {
		s.fault("the fields of " + f.Type.String() + " are too large")
	}
	return block{s: s, rest: f.Payload}
}

func (b *block) next() bool {
	if len(b.rest) == 0 {
		return false
	}
	f, rest, err := wire.NextField(b.rest)
	if err != nil {
		b.s.fault(err.Error())
	}
	b.rest, b.tag, b.critical, b.value = rest, f.Tag, f.Critical(), f.Value
	if f.Tag < 128 && known(f.Tag) && !repeated(f.Tag) {
		if bit := uint64(1) << (f.Tag % 64); b.seen[f.Tag/64]&bit != 0 {
			b.s.fault("a field is said twice")
		} else {
			b.seen[f.Tag/64] |= bit
		}
	}
	return true
}

func (b *block) size(n int) {
	if len(b.value) != n {
		b.s.fault("a number of another size than its own")
	}
}

func (b *block) u16() uint16 { b.size(2); return binary.LittleEndian.Uint16(b.value) }
func (b *block) u32() uint32 { b.size(4); return binary.LittleEndian.Uint32(b.value) }
func (b *block) u64() uint64 { b.size(8); return binary.LittleEndian.Uint64(b.value) }

// pair reads name and value; a value without a zero byte is cut short.
func (b *block) pair() (name, value []byte) {
	name, value, ok := bytes.Cut(b.value, []byte{0})
	if !ok {
		b.s.fault("a pair without its value")
	}
	return name, value
}

// nextText decodes the first field of a block that is known to be whole.
func nextText(fields string) (tag wire.Tag, value, rest string) {
	n := uint32(fields[4]) | uint32(fields[5])<<8 | uint32(fields[6])<<16 | uint32(fields[7])<<24
	end := wire.FieldHead + int(n)
	return wire.Tag(fields[0]) | wire.Tag(fields[1])<<8, fields[wire.FieldHead:end], fields[end:]
}

// readHeaders gives the headers of a block that is known to be whole. Every
// string is a part of it.
func readHeaders(fields string, count int) http.Header {
	h := make(http.Header, count)
	values := make([]string, count) // one allocation for all
	for n := 0; n < count; {
		tag, value, rest := nextText(fields)
		fields = rest
		if tag != wire.TagHeader {
			continue
		}
		name, v, _ := strings.Cut(value, "\x00")
		name = textproto.CanonicalMIMEHeaderKey(name)
		if had := h[name]; had != nil {
			h[name] = append(had, v)
		} else {
			values[n] = v
			h[name] = values[n : n+1 : n+1]
		}
		n++
	}
	return h
}

// plain holds what a byte may stand for: in the name of a header, in a path that
// needs no escaping, in a query that does not.
var plain = func() (table [256]byte) {
	for c := range table {
		if c > ' ' && c < 0x7f {
			if c != ':' {
				table[c] |= inName
			}
			if c != '#' {
				table[c] |= inQuery
			}
		} else if c >= 0x80 {
			table[c] |= inQuery
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/' || c == '-' || c == '_' || c == '.' {
			table[c] |= inPath
		}
		if c != 0 && c != '\r' && c != '\n' {
			table[c] |= inValue
		}
	}
	return table
}()

const (
	inName = 1 << iota
	inValue
	inPath
	inQuery
)

// all tells whether every byte may stand where it does. It takes four at a time:
// in WebAssembly the host looks in at every turn of a loop.
func all[T string | []byte](s T, where byte) bool {
	n := 0
	for ; n+4 <= len(s); n += 4 {
		if plain[s[n]]&plain[s[n+1]]&plain[s[n+2]]&plain[s[n+3]]&where == 0 {
			return false
		}
	}
	for ; n < len(s); n++ {
		if plain[s[n]]&where == 0 {
			return false
		}
	}
	return true
}

// validName and validValue refuse what would break out of a header line, or of a
// pair.
func validName[T string | []byte](name T) bool { return len(name) > 0 && all(name, inName) }

func validValue[T string | []byte](value T) bool { return all(value, inValue) }

// validPair tells whether a header field can be sent on.
func validPair(field []byte) bool {
	n := bytes.IndexByte(field, 0)
	return n > 0 && validName(field[:n]) && validValue(field[n+1:])
}

// appendHeaders appends header fields, but none that could not be sent on, as
// net/http's server does.
func appendHeaders(b []byte, h http.Header) []byte {
	for name, values := range h {
		if !validName(name) { // those of http.TrailerPrefix have a colon
			continue
		}
		for _, v := range values {
			if validValue(v) {
				b = wire.AppendPair(b, wire.TagHeader, name, v)
			}
		}
	}
	return b
}
