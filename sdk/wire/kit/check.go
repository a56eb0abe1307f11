// Single frames: what can be wrong with one, whatever was said before.
package kit

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// side is one end of the wire.
type side int

const (
	host side = iota
	guest
)

// String is the side's name in the specification.
func (s side) String() string {
	if s == host {
		return "host"
	}
	return "guest"
}

func (s side) other() side { return 1 - s }

var rules = spec.Load()

// Outcomes of a broken frame, beside RESETs: "resets" and a code.
const fault = "fault"

// broken is what is wrong with a frame: the rule, and what a receiver does.
type broken struct {
	rule, outcome string
}

var fine broken

// decodeRule names the rule that a codec's error breaks.
func decodeRule(err error) string {
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return "frame.size"
	case errors.Is(err, wire.ErrReserved):
		return "frame.reserved"
	default:
		return "frame.whole"
	}
}

// check looks at one frame alone.
func check(from side, f wire.Frame) broken {
	known, ok := rules.FrameOf(f.Type)
	switch {
	case !ok && f.Flags&wire.Critical == 0:
		return fine
	case !ok && f.Stream == 0:
		return broken{"unknown.critical-zero", fault}
	case !ok:
		return broken{"unknown.critical", "resets unsupported"}
	case !slices.Contains(known.From, from.String()):
		return broken{"frame.side", fault}
	case known.On == "zero" && f.Stream != 0, known.On == "stream" && f.Stream == 0:
		return broken{"frame.stream", fault}
	}
	n := len(f.Payload)
	switch known.Payload {
	case "none":
		if n != 0 {
			return broken{"frame.form", fault}
		}
	case "code":
		if n != 2 {
			return broken{"frame.form", fault}
		}
	case "code and text":
		if n < 2 || n > 2+wire.MaxText {
			return broken{"frame.form", fault}
		}
	case "u32":
		v, ok := f.U32()
		switch {
		case !ok:
			return broken{"frame.form", fault}
		case f.Type == wire.Window && (v == 0 || v >= wire.MaxWindow):
			return broken{"window.range", fault}
		case f.Type == wire.Wake && v == 0:
			return broken{"wake.range", fault}
		}
	case "fields", "fields or none":
		if n > wire.MaxFields {
			return broken{"frame.size", fault}
		}
		if f.Type == wire.Open && (f.Stream&1 == 1) != (from == host) || f.Stream >= wire.MaxStream {
			return broken{"open.id", fault}
		}
		return checkFields(from, f, known.Name)
	}
	return fine
}

// checkFields looks at a block of fields. A fault is worse than a RESET, and is
// told first.
func checkFields(from side, f wire.Frame, frame string) broken {
	said := map[wire.Tag]bool{}
	worst := fine
	worse := func(b broken) {
		if worst == fine || b.outcome == fault && worst.outcome != fault {
			worst = b
		}
	}
	status := 0
	for p := f.Payload; len(p) > 0; {
		field, rest, err := wire.NextField(p)
		if err != nil {
			return broken{"field.whole", fault}
		}
		p = rest
		tag, known := rules.TagOf(field.Tag)
		switch {
		case !known || !slices.Contains(tag.In, frame):
			if field.Critical() {
				if frame == "HELLO" || frame == "LOG" {
					worse(broken{"field.critical", fault})
				} else {
					worse(broken{"field.critical", "resets unsupported"})
				}
			}
			continue
		case !slices.Contains(tag.By, from.String()):
			continue // what only the other may say is skipped
		}
		if said[field.Tag] && !tag.Repeated {
			worse(broken{"field.once", fault})
		}
		said[field.Tag] = true
		if !sized(tag.Form, field) || field.Tag == wire.TagCloseText && len(field.Value) > wire.MaxCloseText {
			worse(broken{"field.size", fault})
		}
		switch field.Tag {
		case wire.TagHeader:
			if name, value, ok := field.Pair(); !ok || !validHeader(name, value) {
				worse(broken{"header.valid", "resets invalid"})
			}
		case wire.TagStatus:
			v, _ := field.U16()
			status = int(v)
		}
	}
	switch {
	case worst.outcome == fault:
	case f.Type == wire.Head && (status < 200 || status > 599):
		worse(broken{"head.status", "resets invalid"})
	case f.Type == wire.Open && from == guest && !said[wire.TagParent]:
		worse(broken{"open.parent-missing", "resets denied"})
	}
	return worst
}

func sized(form string, f wire.Field) bool {
	size := map[string]int{"u16": 2, "u32": 4, "i32": 4, "u64": 8, "32 bytes": 32}[form]
	return size == 0 || len(f.Value) == size
}

func validHeader(name, value []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' || c == ':' {
			return false
		}
	}
	for _, c := range value {
		if c == 0 || c == '\r' || c == '\n' {
			return false
		}
	}
	return len(name) > 0
}

// checkSender looks for what a receiver lets pass and a sender should not say.
func checkSender(f wire.Frame) broken {
	allowed := wire.Critical
	if f.Type == wire.Data {
		allowed |= wire.Message | wire.Text
	}
	if f.Type.Known() && f.Flags&^allowed != 0 {
		return broken{"frame.flags", fault}
	}
	if (f.Type == wire.Stop || f.Type == wire.Reset) && !wire.Code(binary.LittleEndian.Uint16(f.Payload)).Valid() {
		return broken{"code.closed", fault}
	}
	if known, ok := rules.FrameOf(f.Type); ok && (known.Payload == "fields" || known.Payload == "fields or none") {
		for p := f.Payload; len(p) > 0; {
			field, rest, err := wire.NextField(p)
			if err != nil {
				break
			}
			if p = rest; field.Flags&^wire.CriticalField != 0 {
				return broken{"field.flags", fault}
			}
		}
	}
	return fine
}

// cost is what DATA counts against the windows.
func cost(f wire.Frame) int64 {
	n := int64(len(f.Payload))
	if f.Flags&wire.Message != 0 {
		n += wire.MessageCost
	}
	return n
}
