// What the guest says.
package atolltest

import (
	"context"
	"net/http"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// receive takes a batch of the guest's frames. h.mu is held.
func (h *Host) receive(out []byte) {
	if len(out) > wire.MaxBatch {
		h.fault("a batch of %d bytes", len(out))
	}
	for len(out) > 0 && !h.closed {
		f, rest, err := wire.NextFrame(out)
		if err != nil {
			h.fault("%v", err)
			return
		}
		out = rest
		s := h.streams[f.Stream]
		switch {
		case f.Stream == 0:
			h.receiveControl(f)
		case f.Type == wire.Open:
			h.receiveOpen(f)
		case s == nil:
			if f.Stream&1 != 0 && f.Stream >= h.nextID || f.Stream&1 == 0 && f.Stream > h.lastID {
				h.fault("%v on stream %d, which was never opened", f.Type, f.Stream)
			}
			switch f.Type {
			case wire.Reset:
				h.in = wire.AppendReset(h.in, f.Stream, wire.Cancelled, "")
				h.look()
			case wire.Window, wire.Stop:
			default:
				h.fault("%v on stream %d, which has ended", f.Type, f.Stream)
			}
		case s.reset:
			switch f.Type {
			case wire.Reset:
				h.remove(s)
			case wire.Data:
				h.window -= f.Cost()
				h.giveBack(f.Cost())
			}
		default:
			h.receiveFrame(s, f)
		}
	}
}

func (h *Host) receiveControl(f wire.Frame) {
	switch f.Type {
	case wire.Window:
		more, _ := f.U32()
		h.room += int(more)
	case wire.Wake:
		h.look()
	case wire.Log:
		fields := readFields(f.Payload)
		line := fields.text[wire.TagText]
		for _, a := range fields.pairs[wire.TagAttribute] {
			line += " " + a[0] + "=" + a[1]
		}
		h.t.Log(line)
	default:
		h.fault("%v outside a stream", f.Type)
	}
}

func (h *Host) receiveFrame(s *stream, f wire.Frame) {
	answered := s.guestOpened() || s.head != nil
	switch f.Type {
	case wire.Head:
		fields := readFields(f.Payload)
		if answered || fields.status < 200 || fields.status > 599 {
			h.fault("HEAD %d on stream %d", fields.status, s.id)
			return
		}
		s.head = &http.Response{StatusCode: fields.status, Header: fields.header(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	case wire.Data:
		if n := f.Cost(); !answered || s.ended || s.spliced || n > s.window || n > h.window {
			h.fault("DATA of %d bytes on stream %d", n, s.id)
			return
		}
		s.window -= f.Cost()
		h.window -= f.Cost()
		h.deliver(s, chunk{f.Payload, f.Flags})
	case wire.End:
		if !answered || s.ended || s.spliced {
			h.fault("END on stream %d", s.id)
			return
		}
		fields := readFields(f.Payload)
		s.trailer, s.code, s.text = fields.header(), fields.code, fields.text[wire.TagCloseText]
		h.hearEnd(s)
	case wire.Window:
		more, _ := f.U32()
		s.room += int(more)
	case wire.Stop:
		s.stopped = true
		s.sendEnd(nil, 0, "")
	case wire.Reset:
		code, text, _ := f.Code()
		h.in = wire.AppendReset(h.in, s.id, code, "")
		h.die(s, &atoll.ResetError{Code: code, Text: string(text)})
		h.resetSpliced(s, code)
		h.remove(s)
		h.look()
	case wire.Splice:
		h.receiveSplice(s, f)
	default:
		h.fault("%v on stream %d", f.Type, s.id)
	}
}

// receiveSplice forwards what another stream brings. What the host has said of
// it and not handed over goes the same way.
func (h *Host) receiveSplice(to *stream, f wire.Frame) {
	id, _ := f.U32()
	from := h.streams[id]
	switch {
	case to.ended || to.spliced || to.head == nil && !to.guestOpened():
		h.fault("SPLICE into stream %d, which it may not send on", to.id)
		return
	case from == nil && (id&1 != 0 && id >= h.nextID || id&1 == 0 && id > h.lastID) || from != nil && (from.into != nil || from.stopped):
		h.fault("SPLICE of stream %d", id)
		return
	case from == nil:
		h.hearEnd(to)
		return
	case from.reset || from.err != nil:
		h.resetStream(to, wire.Cancelled, "")
		return
	}
	to.spliced, from.into = true, to
	kept, ends := h.in[:0:0], from.sentEnd
	for rest := h.in; len(rest) > 0; {
		q, after, _ := wire.NextFrame(rest)
		switch {
		case q.Stream == id && q.Type == wire.Data:
			h.room += q.Cost()
			h.deliver(to, chunk{q.Payload, q.Flags})
		case q.Stream == id && q.Type == wire.End:
			fields := readFields(q.Payload)
			to.trailer, to.code, to.text = fields.header(), fields.code, fields.text[wire.TagCloseText]
			kept = wire.AppendFrame(kept, wire.End, 0, id, nil)
		default:
			kept = append(kept, rest[:len(rest)-len(after)]...)
		}
		rest = after
	}
	h.in = kept
	if ends {
		h.hearEnd(to)
	}
}

func (h *Host) receiveOpen(f wire.Frame) {
	switch {
	case f.Stream&1 != 0, f.Stream <= h.lastID, f.Stream >= wire.MaxStream:
		h.fault("OPEN with id %d", f.Stream)
		return
	case h.opened >= 2*h.limit:
		h.fault("more streams than it may have")
		return
	}
	h.lastID = f.Stream
	fields := readFields(f.Payload)
	p := h.streams[fields.parent]
	ctx := context.Background()
	if p != nil {
		ctx = p.ctx
	}
	s := h.add(ctx, f.Stream, fields.text[wire.TagProtocol])
	authority := fields.text[wire.TagAuthority]
	door := h.doors[authority]
	switch {
	case fields.parent&1 == 0 || fields.parent >= h.nextID:
		h.resetStream(s, wire.Denied, "a stream needs a parent")
	case p == nil || p.err != nil || p.ended:
		h.resetStream(s, wire.Cancelled, "the parent has ended")
	case h.opened > h.limit:
		h.resetStream(s, wire.RateLimited, "too many streams")
	case door == nil:
		h.resetStream(s, wire.Denied, "the test has no door "+authority)
	default:
		s.parent = p
		go h.knock(s, door, authority, fields)
	}
}

// fields are those of a block.
type fields struct {
	text         map[wire.Tag]string
	pairs        map[wire.Tag][][2]string
	status, code int
	parent       uint32
}

func readFields(b []byte) fields {
	f := fields{text: map[wire.Tag]string{}, pairs: map[wire.Tag][][2]string{}}
	for len(b) > 0 {
		field, rest, err := wire.NextField(b)
		if err != nil {
			break
		}
		b = rest
		switch field.Tag {
		case wire.TagStatus:
			v, _ := field.U16()
			f.status = int(v)
		case wire.TagCloseCode:
			v, _ := field.U16()
			f.code = int(v)
		case wire.TagParent:
			f.parent, _ = field.U32()
		case wire.TagHeader, wire.TagAttribute:
			name, value, _ := strings.Cut(string(field.Value), "\x00")
			f.pairs[field.Tag] = append(f.pairs[field.Tag], [2]string{name, value})
		default:
			f.text[field.Tag] = string(field.Value)
		}
	}
	return f
}

func (f fields) header() http.Header {
	header := http.Header{}
	for _, p := range f.pairs[wire.TagHeader] {
		header.Add(p[0], p[1])
	}
	return header
}
