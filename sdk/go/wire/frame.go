// Frames: the outer layer of the wire, twelve bytes of head and a payload.
package wire

import (
	"encoding/binary"
	"errors"
)

// Limits that hold in every version of ABI v1, in bytes.
const (
	FrameHead    = 12       // length, type, flags, two zero bytes, stream
	MaxPayload   = 64 << 10 // of one frame
	MaxFields    = 32 << 10 // of one field block
	MaxBatch     = 1 << 20  // of all frames handed over in one poll, either way
	StreamWindow = 32 << 10 // what a side may send on a new stream before it is given more
	MaxStream    = 1 << 30  // ids stay below it; an instance is drained before
	MaxWindow    = 1 << 31  // no window grows to it
)

// Type says what a frame is.
type Type uint8

// The frames of ABI v1.
const (
	Hello  Type = 1  // both, once, first: versions, features, limits, settings
	Open   Type = 2  // both: a request head; host odd ids, guest even ones
	Head   Type = 3  // both: the response head, exactly once a stream
	Data   Type = 4  // both: body
	End    Type = 5  // both: this side has said all; trailers
	Stop   Type = 6  // both: send no more body, the answer stands
	Reset  Type = 7  // both: the stream is dead; answered with Reset once
	Window Type = 8  // both: so many more bytes of Data may be sent
	Splice Type = 9  // guest: forward another stream's body in the host
	Wake   Type = 10 // guest: poll me by then
	Log    Type = 11 // guest: a line for the log
	Drain  Type = 12 // host: finish what is open
)

var typeNames = [...]string{
	Hello: "HELLO", Open: "OPEN", Head: "HEAD", Data: "DATA", End: "END", Stop: "STOP", Reset: "RESET",
	Window: "WINDOW", Splice: "SPLICE", Wake: "WAKE", Log: "LOG", Drain: "DRAIN",
}

// Known tells whether t is a frame of this version.
func (t Type) Known() bool { return t >= Hello && t <= Drain }

// String is the frame's name in the specification.
func (t Type) String() string {
	if t.Known() {
		return typeNames[t]
	}
	return "unknown frame"
}

// Flags of a frame.
type Flags uint8

const (
	// Critical: who does not know this type resets the stream (`unsupported`)
	// instead of skipping the frame.
	Critical Flags = 0x80
	// Message: this DATA ends a message.
	Message Flags = 0x01
	// Text: this DATA is text.
	Text Flags = 0x02
)

// Frame is one frame. Payload of a decoded one is a view.
type Frame struct {
	Type    Type
	Flags   Flags
	Stream  uint32
	Payload []byte
}

// What can be wrong with a frame or a field.
var (
	ErrTruncated = errors.New("wire: the bytes end inside a frame or field")
	ErrTooLarge  = errors.New("wire: a frame or field block is over its limit")
	ErrReserved  = errors.New("wire: reserved bytes are not zero")
)

// NextFrame decodes the first frame of b and gives what follows it. b must not
// be empty. The payload is a view into b.
func NextFrame(b []byte) (f Frame, rest []byte, err error) {
	if len(b) < FrameHead {
		return Frame{}, nil, ErrTruncated
	}
	n := binary.LittleEndian.Uint32(b)
	switch {
	case n > MaxPayload:
		return Frame{}, nil, ErrTooLarge
	case b[6]|b[7] != 0:
		return Frame{}, nil, ErrReserved
	case int(n) > len(b)-FrameHead:
		return Frame{}, nil, ErrTruncated
	}
	end := FrameHead + int(n)
	f.Type, f.Flags = Type(b[4]), Flags(b[5])
	f.Stream = binary.LittleEndian.Uint32(b[8:])
	f.Payload = b[FrameHead:end:end]
	return f, b[end:], nil
}

// AppendFrame appends a whole frame. The payload must not be over MaxPayload.
func AppendFrame(b []byte, t Type, flags Flags, stream uint32, payload []byte) []byte {
	b = appendHead(b, t, flags, stream, len(payload))
	return append(b, payload...)
}

// BeginFrame appends the head of a frame whose payload is appended next and
// whose length EndFrame then fills in.
func BeginFrame(b []byte, t Type, flags Flags, stream uint32) []byte {
	return appendHead(b, t, flags, stream, 0)
}

// EndFrame fills in the length of the frame that begins at b[at:], the last one
// of b, and returns b.
func EndFrame(b []byte, at int) []byte {
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-FrameHead))
	return b
}

// AppendWindow appends a WINDOW frame: so many more bytes, on a stream or (0)
// for the instance.
func AppendWindow(b []byte, stream uint32, more uint32) []byte {
	b = appendHead(b, Window, 0, stream, 4)
	return binary.LittleEndian.AppendUint32(b, more)
}

// AppendReset appends a RESET frame.
func AppendReset(b []byte, stream uint32, code Code, text string) []byte {
	text = text[:min(len(text), maxText)]
	b = appendHead(b, Reset, 0, stream, 2+len(text))
	b = binary.LittleEndian.AppendUint16(b, uint16(code))
	return append(b, text...)
}

// AppendStop appends a STOP frame.
func AppendStop(b []byte, stream uint32, code Code) []byte {
	b = appendHead(b, Stop, 0, stream, 2)
	return binary.LittleEndian.AppendUint16(b, uint16(code))
}

// AppendWake appends a WAKE frame: poll me within so many milliseconds.
func AppendWake(b []byte, milliseconds uint32) []byte {
	b = appendHead(b, Wake, 0, 0, 4)
	return binary.LittleEndian.AppendUint32(b, milliseconds)
}

// maxText bounds the text of a RESET, in bytes.
const maxText = 1 << 10

// U32 reads the payload of WINDOW, SPLICE and WAKE.
func (f Frame) U32() (uint32, bool) {
	if len(f.Payload) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(f.Payload), true
}

// Code reads the payload of RESET and STOP; the text is a view. An unknown code
// is read as Internal: the list is closed.
func (f Frame) Code() (c Code, text []byte, ok bool) {
	if len(f.Payload) < 2 || len(f.Payload) > 2+maxText {
		return 0, nil, false
	}
	c = Code(binary.LittleEndian.Uint16(f.Payload))
	if !c.Valid() {
		c = Internal
	}
	return c, f.Payload[2:], true
}

func appendHead(b []byte, t Type, flags Flags, stream uint32, n int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = append(b, byte(t), byte(flags), 0, 0)
	return binary.LittleEndian.AppendUint32(b, stream)
}
