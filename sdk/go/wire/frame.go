// Frames: the outer layer of the wire, twelve bytes of head and a payload.
package wire

import (
	"encoding/binary"
	"errors"
)

// Type says what a frame is.
type Type uint8

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
	text = text[:min(len(text), MaxText)]
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

// AppendSplice appends a SPLICE frame: forward the rest of from's body into
// stream.
func AppendSplice(b []byte, stream, from uint32) []byte {
	b = appendHead(b, Splice, 0, stream, 4)
	return binary.LittleEndian.AppendUint32(b, from)
}

// Cost is what a DATA frame counts against both windows.
func (f Frame) Cost() int {
	if f.Flags&Message != 0 {
		return len(f.Payload) + MessageCost
	}
	return len(f.Payload)
}

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
	if len(f.Payload) < 2 || len(f.Payload) > 2+MaxText {
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
