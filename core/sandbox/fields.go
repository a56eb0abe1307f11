// Blocks of fields that a guest sends, read strictly: what is cut short, of
// another size than its own, or said twice breaks the wire.
package sandbox

import (
	"errors"
	"unicode/utf8"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// websocket is the one protocol whose framing the host ends, and which can say
// how it closes.
const websocket = "websocket"

// maxCloseText is the longest text of a close, in bytes.
const maxCloseText = 123

var (
	errNumber = errors.New("a number of another size than its own")
	errTwice  = errors.New("a field is said twice")
	errLong   = errors.New("a text is longer than it may be")
)

// once remembers which of the tags below 128 were said.
type once [2]uint64

// twice notes a tag and tells whether it had been said.
func (o *once) twice(t wire.Tag) bool {
	bit := uint64(1) << (t & 63)
	was := o[t>>6]&bit != 0
	o[t>>6] |= bit
	return was
}

// block is what HEAD or END says.
type block struct {
	status  int // 0: none that could be sent on
	header  []wire.Header
	close   *CloseError
	invalid bool // a header is none
	unknown bool // a critical field that this version does not know
}

// readHead reads the fields of a HEAD. Its headers are read only when they are
// wanted.
func readHead(payload []byte, headers bool) (b block, err error) {
	var said once
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return b, err
		}
		payload = rest
		switch f.Tag {
		case wire.TagStatus:
			status, ok := f.U16()
			if !ok {
				return b, errNumber
			}
			if said.twice(f.Tag) {
				return b, errTwice
			}
			b.status = int(status)
		case wire.TagHeader:
			b.addHeader(f, headers)
		default:
			b.unknown = b.unknown || f.Critical()
		}
	}
	if b.invalid || b.status < 200 || b.status > 599 {
		b.status = 0
	}
	return b, nil
}

// readEnd reads the fields of an END.
func readEnd(payload []byte) (b block, err error) {
	var said once
	var end CloseError
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return b, err
		}
		payload = rest
		switch f.Tag {
		case wire.TagCloseCode, wire.TagCloseText:
			if said.twice(f.Tag) {
				return b, errTwice
			}
			b.close = &end
			if f.Tag == wire.TagCloseText {
				if len(f.Value) > maxCloseText {
					return b, errLong
				}
				end.Text = string(f.Value)
			} else if v, ok := f.U16(); ok {
				end.Code = v
			} else {
				return b, errNumber
			}
		case wire.TagHeader:
			b.addHeader(f, true)
		default:
			b.unknown = b.unknown || f.Critical()
		}
	}
	return b, nil
}

// addHeader takes a header field, or notes that it is none.
func (b *block) addHeader(f wire.Field, wanted bool) {
	name, value, ok := f.Pair()
	if !ok || !validHeader(name, value) {
		b.invalid = true
	} else if wanted {
		b.header = append(b.header, wire.Header{Name: string(name), Value: string(value)})
	}
}

// readOpen reads the fields of a guest's OPEN. What only the host may say is
// skipped: for whom a stream is, its parent decides. A refusal other than 0 is
// the code to reset the stream with.
func readOpen(payload []byte) (r *Request, parent uint32, refusal wire.Code, err error) {
	r = &Request{}
	var said once
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return nil, 0, 0, err
		}
		payload = rest
		var text *string
		switch f.Tag {
		case wire.TagAuthority:
			text = &r.Authority
		case wire.TagMethod:
			text = &r.Method
		case wire.TagTarget:
			text = &r.Target
		case wire.TagProtocol:
			text = &r.Protocol
		case wire.TagParent:
			var ok bool
			if parent, ok = f.U32(); !ok {
				return nil, 0, 0, errNumber
			}
			if said.twice(f.Tag) {
				return nil, 0, 0, errTwice
			}
		case wire.TagHeader:
			name, value, ok := f.Pair()
			if !ok || !validHeader(name, value) {
				refusal = wire.Invalid
				continue
			}
			r.Header = append(r.Header, wire.Header{Name: string(name), Value: string(value)})
		case wire.TagUser, wire.TagUserUID, wire.TagGroup, wire.TagWorkspace, wire.TagWorkspaceUID, wire.TagProject, wire.TagProjectUID,
			wire.TagCluster, wire.TagDeadline, wire.TagRequestID, wire.TagTraceparent, wire.TagLocale:
		default:
			if f.Critical() {
				refusal = wire.Unsupported
			}
		}
		if text != nil {
			if said.twice(f.Tag) {
				return nil, 0, 0, errTwice
			}
			*text = string(f.Value)
		}
	}
	return r, parent, refusal, nil
}

// appendHeaders appends header fields, but none that could not be told apart
// again on the other side.
func appendHeaders(b []byte, headers []wire.Header) []byte {
	for _, h := range headers {
		if validHeader(h.Name, h.Value) {
			b = wire.AppendPair(b, wire.TagHeader, h.Name, h.Value)
		}
	}
	return b
}

// validHeader refuses what would break out of a header line, or of a pair.
func validHeader[T string | []byte](name, value T) bool {
	if len(name) == 0 {
		return false
	}
	for n := range len(name) {
		if c := name[n]; c <= ' ' || c == ':' || c >= 0x7f {
			return false
		}
	}
	for n := range len(value) {
		if c := value[n]; c == 0 || c == '\r' || c == '\n' {
			return false
		}
	}
	return true
}

// cutText cuts a text to at most n bytes, between characters.
func cutText(s string, n int) string {
	for s = s[:n]; len(s) > 0; s = s[:len(s)-1] {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
	}
	return s
}
