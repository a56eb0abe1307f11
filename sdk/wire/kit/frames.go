// Frames of a guest, made.
package kit

import "github.com/atoll-platform/atoll/sdk/go/wire"

func encode(f wire.Frame) []byte {
	return wire.AppendFrame(nil, f.Type, f.Flags, f.Stream, f.Payload)
}

func openFrame(id, parent uint32, more ...wire.Field) wire.Frame {
	b := wire.AppendText(nil, wire.TagMethod, "POST")
	b = wire.AppendText(b, wire.TagAuthority, "door")
	b = wire.AppendText(b, wire.TagTarget, "/")
	if parent != 0 {
		b = wire.AppendU32(b, wire.TagParent, parent)
	}
	for _, f := range more {
		b = wire.AppendField(b, f.Tag, f.Flags, f.Value)
	}
	return wire.Frame{Type: wire.Open, Stream: id, Payload: b}
}

func headFrame(id uint32, status int) wire.Frame {
	return wire.Frame{Type: wire.Head, Stream: id, Payload: wire.AppendU16(nil, wire.TagStatus, uint16(status))}
}

func dataFrame(id uint32, p []byte, flags ...wire.Flags) wire.Frame {
	f := wire.Frame{Type: wire.Data, Stream: id, Payload: p}
	for _, flag := range flags {
		f.Flags |= flag
	}
	return f
}

func endFrame(id uint32) wire.Frame { return wire.Frame{Type: wire.End, Stream: id} }

func resetFrame(id uint32, code wire.Code) wire.Frame {
	return wire.Frame{Type: wire.Reset, Stream: id, Payload: codePayload(code)}
}

func stopFrame(id uint32) wire.Frame {
	return wire.Frame{Type: wire.Stop, Stream: id, Payload: codePayload(wire.Cancelled)}
}

func windowFrame(id, n uint32) wire.Frame {
	return wire.Frame{Type: wire.Window, Stream: id, Payload: u32Payload(n)}
}

func spliceFrame(id, from uint32) wire.Frame {
	return wire.Frame{Type: wire.Splice, Stream: id, Payload: u32Payload(from)}
}
