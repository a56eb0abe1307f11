// Frames in words: how the golden files write them and how the kit reports them.
package wire

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	codec "github.com/atoll-platform/atoll/sdk/go/wire"
)

// Symbol is one frame in words. Payload is whichever of the others is there; a
// payload that has no other form is hex.
type Symbol struct {
	Frame   string   `json:"frame"`            // its name; unknown: Number says which
	Number  int      `json:"number,omitempty"` // of an unknown frame
	Stream  uint32   `json:"stream"`
	Flags   []string `json:"flags,omitempty"`
	Fields  []Field  `json:"fields,omitempty"`
	Code    string   `json:"code,omitempty"`  // of STOP and RESET
	Text    string   `json:"text,omitempty"`  // of RESET; bytes of DATA that are text
	Value   *uint32  `json:"value,omitempty"` // of WINDOW, SPLICE and WAKE
	Count   int      `json:"count,omitempty"` // so many bytes of DATA: Pattern(First, Count)
	First   int      `json:"first,omitempty"`
	Payload string   `json:"payload,omitempty"`
	Hex     string   `json:"hex,omitempty"` // the whole frame's bytes, where a golden file says them too
}

// Field is one field in words. Value is a string or a number, as its tag wants;
// a value that is neither is hex.
type Field struct {
	Tag      string          `json:"tag,omitempty"`
	Number   int             `json:"number,omitempty"` // of an unknown tag
	Name     string          `json:"name,omitempty"`   // of a pair
	Value    json.RawMessage `json:"value,omitempty"`
	Critical bool            `json:"critical,omitempty"`
	Hex      string          `json:"hex,omitempty"`
}

// Pattern gives count bytes of the body that goldens and kit use where a body
// is long, from its byte first on: byte n is n modulo 251.
func Pattern(first, count int) []byte {
	b := make([]byte, count)
	for n := range b {
		b[n] = byte((first + n) % 251)
	}
	return b
}

var numbers = Load()

func frameNamed(name string) (codec.Type, bool) {
	for _, f := range numbers.Frames {
		if f.Name == name {
			return codec.Type(f.Number), true
		}
	}
	return 0, false
}

func tagNamed(name string) (Tag, bool) {
	for _, t := range numbers.Tags {
		if t.Name == name {
			return t, true
		}
	}
	return Tag{}, false
}

// TagOf gives the specification of a tag.
func (s *Spec) TagOf(tag codec.Tag) (Tag, bool) {
	for _, t := range s.Tags {
		if t.Number == int(tag) {
			return t, true
		}
	}
	return Tag{}, false
}

// FrameOf gives the specification of a type of frame.
func (s *Spec) FrameOf(t codec.Type) (Frame, bool) {
	for _, f := range s.Frames {
		if f.Number == int(t) {
			return f, true
		}
	}
	return Frame{}, false
}

// Encode gives the frame's bytes.
func (s Symbol) Encode() ([]byte, error) {
	t, ok := frameNamed(s.Frame)
	if !ok {
		if s.Frame != "unknown" {
			return nil, fmt.Errorf("no frame is named %q", s.Frame)
		}
		t = codec.Type(s.Number)
	}
	var flags codec.Flags
	for _, name := range s.Flags {
		known := false
		for _, f := range numbers.Flags {
			if f.Name == name {
				flags, known = flags|codec.Flags(f.Number), true
			}
		}
		if !known {
			return nil, fmt.Errorf("no flag is named %q", name)
		}
	}
	var p []byte
	var err error
	switch {
	case s.Payload != "":
		if p, err = hex.DecodeString(s.Payload); err != nil {
			return nil, err
		}
	case s.Code != "":
		code := 0
		for _, c := range numbers.Codes {
			if c.Name == s.Code {
				code = c.Number
			}
		}
		if code == 0 {
			return nil, fmt.Errorf("no code is named %q", s.Code)
		}
		p = append(binary.LittleEndian.AppendUint16(nil, uint16(code)), s.Text...)
	case s.Value != nil:
		p = binary.LittleEndian.AppendUint32(nil, *s.Value)
	case s.Count > 0:
		p = Pattern(s.First, s.Count)
	case s.Text != "":
		p = []byte(s.Text)
	}
	for _, f := range s.Fields {
		if p, err = f.append(p); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Frame, err)
		}
	}
	return codec.AppendFrame(nil, t, flags, s.Stream, p), nil
}

func (f Field) append(b []byte) ([]byte, error) {
	t, ok := tagNamed(f.Tag)
	if !ok {
		if f.Tag != "" {
			return nil, fmt.Errorf("no tag is named %q", f.Tag)
		}
		t = Tag{Number: f.Number, Form: "32 bytes"}
	}
	value, err := hex.DecodeString(f.Hex)
	if err != nil {
		return nil, err
	}
	if f.Value != nil {
		switch t.Form {
		case "text", "pair":
			var text string
			if err := json.Unmarshal(f.Value, &text); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Tag, err)
			}
			if value = []byte(text); t.Form == "pair" {
				value = append(append([]byte(f.Name), 0), text...)
			}
		default:
			var n int64
			if err := json.Unmarshal(f.Value, &n); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Tag, err)
			}
			switch t.Form {
			case "u16":
				value = binary.LittleEndian.AppendUint16(nil, uint16(n))
			case "u32", "i32":
				value = binary.LittleEndian.AppendUint32(nil, uint32(n))
			case "u64":
				value = binary.LittleEndian.AppendUint64(nil, uint64(n))
			default:
				return nil, fmt.Errorf("%s is said in hex", f.Tag)
			}
		}
	}
	var flags uint16
	if f.Critical {
		flags = codec.CriticalField
	}
	return codec.AppendField(b, codec.Tag(t.Number), flags, value), nil
}

// Describe puts a frame into words. It takes what is broken too: a payload that
// has not its frame's form is hex.
func Describe(f codec.Frame) Symbol {
	s := Symbol{Frame: f.Type.String(), Stream: f.Stream}
	known, ok := numbers.FrameOf(f.Type)
	if !ok {
		s.Frame, s.Number = "unknown", int(f.Type)
	}
	for _, flag := range numbers.Flags {
		if f.Flags&codec.Flags(flag.Number) != 0 {
			s.Flags = append(s.Flags, flag.Name)
		}
	}
	raw := func() { s.Payload = hex.EncodeToString(f.Payload) }
	switch known.Payload {
	case "fields", "fields or none":
		if !s.fields(f.Payload) {
			s.Fields = nil
			raw()
		}
	case "code", "code and text":
		if len(f.Payload) < 2 || !codec.Code(binary.LittleEndian.Uint16(f.Payload)).Valid() || known.Payload == "code" && len(f.Payload) != 2 {
			raw()
			break
		}
		s.Code, s.Text = codec.Code(binary.LittleEndian.Uint16(f.Payload)).String(), string(f.Payload[2:])
	case "u32":
		if v, ok := f.U32(); ok {
			s.Value = &v
		} else {
			raw()
		}
	case "bytes":
		if printable(f.Payload) {
			s.Text = string(f.Payload)
		} else {
			raw()
		}
	default:
		raw()
	}
	return s
}

func printable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' || c == 0x7f {
			return false
		}
	}
	return true
}

func (s *Symbol) fields(b []byte) bool {
	for len(b) > 0 {
		f, rest, err := codec.NextField(b)
		if err != nil {
			return false
		}
		b = rest
		out := Field{Critical: f.Critical()}
		t, ok := numbers.TagOf(f.Tag)
		if out.Tag = t.Name; !ok {
			out.Number = int(f.Tag)
		}
		switch n, sized := integer(t.Form, f); {
		case sized:
			out.Value = json.RawMessage(fmt.Sprint(n))
		case t.Form == "text" && utf8.Valid(f.Value):
			out.Value, _ = json.Marshal(string(f.Value))
		case t.Form == "pair" && utf8.Valid(f.Value):
			if name, value, ok := f.Pair(); ok && !strings.Contains(string(value), "\x00") {
				out.Name = string(name)
				out.Value, _ = json.Marshal(string(value))
				break
			}
			fallthrough
		default:
			out.Hex = hex.EncodeToString(f.Value)
		}
		s.Fields = append(s.Fields, out)
	}
	return true
}

// integer reads a number of a tag's form.
func integer(form string, f codec.Field) (int64, bool) {
	switch form {
	case "u16":
		v, ok := f.U16()
		return int64(v), ok
	case "u32":
		v, ok := f.U32()
		return int64(v), ok
	case "i32":
		v, ok := f.U32()
		return int64(int32(v)), ok
	case "u64":
		v, ok := f.U64()
		return int64(v), ok
	}
	return 0, false
}

// String is the frame on one line: DATA 3 message+text "lo".
func (s Symbol) String() string {
	var b strings.Builder
	b.WriteString(s.Frame)
	if s.Frame == "unknown" {
		fmt.Fprintf(&b, " %d", s.Number)
	}
	fmt.Fprintf(&b, " on %d", s.Stream)
	if len(s.Flags) > 0 {
		b.WriteString(" " + strings.Join(s.Flags, "+"))
	}
	if s.Code != "" {
		b.WriteString(" " + s.Code)
	}
	if s.Value != nil {
		fmt.Fprintf(&b, " %d", *s.Value)
	}
	if s.Text != "" {
		fmt.Fprintf(&b, " %s", short(fmt.Sprintf("%q", s.Text)))
	}
	for _, f := range s.Fields {
		name := f.Tag
		if name == "" {
			name = fmt.Sprintf("tag %d", f.Number)
		}
		if f.Name != "" {
			name += " " + f.Name
		}
		if f.Critical {
			name += "!"
		}
		fmt.Fprintf(&b, ", %s=%s%s", name, short(string(f.Value)), short(f.Hex))
	}
	if s.Payload != "" {
		fmt.Fprintf(&b, " %s (%d bytes)", short(s.Payload), len(s.Payload)/2)
	}
	return b.String()
}

// short cuts what would fill a page.
func short(s string) string {
	if len(s) > 60 {
		return s[:40] + "..." + s[len(s)-10:]
	}
	return s
}
