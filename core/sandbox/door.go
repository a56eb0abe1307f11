// Doors: streams that a guest opens, on behalf of one of the host's, to ask the
// host something.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// receiveOpen opens a guest's stream. i.mu is held.
func (i *instance) receiveOpen(f wire.Frame) error {
	switch {
	case f.Stream&1 != 0:
		return i.broken(f, "odd ids are the host's")
	case f.Stream <= i.lastID:
		return i.broken(f, "ids only grow")
	case f.Stream >= wire.MaxStream:
		return i.broken(f, "its id is too large")
	case len(f.Payload) > wire.MaxFields:
		return i.broken(f, "its fields are too large")
	case i.opened >= 2*i.guest.limits.Streams:
		return i.fault(FaultWire, "it opens streams faster than it lets go of refused ones")
	}
	i.lastID = f.Stream
	r, parent, refusal, err := readOpen(f.Payload)
	if err != nil {
		return i.broken(f, err.Error())
	}
	s := i.newStream(f.Stream, false)
	refuse := func(code wire.Code, text string) error {
		i.resetStream(s, code, text, &ResetError{Code: code})
		return nil
	}
	p := i.streams[parent]
	switch {
	case refusal != 0:
		return refuse(refusal, "the request's head")
	case parent == 0:
		return refuse(wire.Denied, "a stream needs a parent")
	case parent&1 == 0 || parent >= i.nextID:
		return refuse(wire.Denied, "the parent is not a stream of the host's")
	case p == nil || p.err != nil || p.ended:
		return refuse(wire.Cancelled, "the parent has ended")
	case i.opened > i.guest.limits.Streams:
		return refuse(wire.RateLimited, "too many streams")
	}
	var door Door
	if doors := i.guest.engine.doors; doors != nil {
		door = doors(r.Authority)
	}
	if door == nil {
		return refuse(wire.Denied, "no such door")
	}
	if p.exchange != nil { // its caller may use the request again while the door still looks at it
		request := *p.request
		p.request = &request
	}
	on := p.request
	r.Caller, r.Deadline = on.Caller, on.Deadline
	r.RequestID, r.Traceparent, r.Locale = on.RequestID, on.Traceparent, on.Locale
	s.parent = p
	p.children = append(p.children, s)
	// The parent's deadline ends the parent, and that ends this: a timer of its
	// own would let the guest answer for a time that is up.
	s.ctx, s.cancel = context.WithCancel(p.ctx)
	i.starts = append(i.starts, func() { i.serve(s, door, on, r) })
	return nil
}

// serve lets a door answer a guest's stream.
func (i *instance) serve(s *stream, door Door, on *Request, r *Request) {
	defer s.cancel()
	i.mu.Lock()
	if !s.ended || len(s.buf) > 0 {
		r.Body = (*childBody)(s)
	}
	i.mu.Unlock()
	resp, err := open(s.ctx, door, Parent{Request: on, Extension: i.guest.spec.Name, Version: i.guest.spec.Version}, r)
	if err != nil {
		var panicked *doorPanic
		if errors.As(err, &panicked) {
			i.guest.logger.Error("a door panicked", "authority", r.Authority, "panic", panicked.value, "stack", panicked.stack)
		}
		code, text := resetCode(err)
		i.mu.Lock()
		i.resetStream(s, code, text, err)
		i.mu.Unlock()
		return
	}
	i.answer(s, resp)
}

// open calls the door and turns its panic into an error: what makes a door
// panic came from a guest, and must not end the process.
func open(ctx context.Context, door Door, p Parent, r *Request) (resp *Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			resp, err = nil, &doorPanic{value: v, stack: string(debug.Stack())}
		}
	}()
	resp, err = door.Open(ctx, p, r)
	if err == nil && resp == nil {
		err = errors.New("the door answered nothing")
	}
	return resp, err
}

type doorPanic struct {
	value any
	stack string
}

func (p *doorPanic) Error() string { return fmt.Sprintf("the door panicked: %v", p.value) }

// answer sends a door's response to the guest.
func (i *instance) answer(s *stream, resp *Response) {
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	i.mu.Lock()
	if s.err != nil || s.gone || i.dead != nil {
		i.mu.Unlock()
		return
	}
	at := len(i.in)
	i.in = wire.BeginFrame(i.in, wire.Head, 0, s.id)
	i.in = wire.AppendU16(i.in, wire.TagStatus, uint16(resp.Status))
	i.in = appendHeaders(i.in, resp.Header)
	if len(i.in)-at-wire.FrameHead > wire.MaxFields {
		i.in = i.in[:at]
		i.resetStream(s, wire.TooLarge, "the answer's head", &ResetError{Code: wire.TooLarge})
		i.mu.Unlock()
		return
	}
	i.in = wire.EndFrame(i.in, at)
	if resp.Body == nil {
		s.sendEnd(nil)
		i.finish(s)
		i.mu.Unlock()
		return
	}
	i.kick()
	i.mu.Unlock()

	err := s.pump(resp.Body)
	var trailer []wire.Header
	if err == nil && resp.Trailer != nil {
		trailer = resp.Trailer()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		code, text := resetCode(err)
		i.resetStream(s, code, text, err)
		return
	}
	s.sendEnd(trailer)
	i.finish(s)
}

// finish stops a guest that still sends a body which nobody will read, because
// its answer is complete. i.mu is held.
func (i *instance) finish(s *stream) {
	if s.gone || s.reset || i.dead != nil {
		return
	}
	i.drop(s)
	if !s.ended {
		i.in = wire.AppendStop(i.in, s.id, wire.Cancelled)
		i.kick()
	}
}

// buffers are what pumps read into.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// pump sends what a body gives, until its end. Nil: it came to its end, or
// nobody wants more.
func (s *stream) pump(body io.Reader) error {
	buf := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := body.Read(buf[:])
		if n > 0 && !s.send(buf[:n]) {
			return nil
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// resetCode is what the guest is told of an error of the host's.
func resetCode(err error) (wire.Code, string) {
	var reset *ResetError
	switch {
	case errors.As(err, &reset):
		return reset.Code, reset.Text
	case errors.Is(err, context.DeadlineExceeded):
		return wire.Deadline, ""
	case errors.Is(err, context.Canceled):
		return wire.Cancelled, ""
	default:
		return wire.Internal, ""
	}
}

// childBody is the body of a guest's request, for its door.
type childBody stream

// Read reads what the guest sends.
func (b *childBody) Read(p []byte) (int, error) { return (*stream)(b).read(p) }

// Close says that the door wants no more of it.
func (b *childBody) Close() error {
	s := (*stream)(b)
	i := s.inst
	i.mu.Lock()
	defer i.mu.Unlock()
	if s.gone || s.reset || s.discard || i.dead != nil {
		return nil
	}
	i.drop(s)
	if !s.ended {
		i.in = wire.AppendStop(i.in, s.id, wire.Cancelled)
		i.kick()
	}
	notify(s.ready)
	return nil
}

// readOpen reads the fields of a guest's OPEN. What only the host may say is
// skipped: for whom a stream is, its parent decides. A refusal other than 0 is
// the code to reset the stream with.
func readOpen(payload []byte) (r *Request, parent uint32, refusal wire.Code, err error) {
	r = &Request{}
	for len(payload) > 0 {
		f, rest, err := wire.NextField(payload)
		if err != nil {
			return nil, 0, 0, err
		}
		payload = rest
		switch f.Tag {
		case wire.TagAuthority:
			r.Authority = string(f.Value)
		case wire.TagMethod:
			r.Method = string(f.Value)
		case wire.TagTarget:
			r.Target = string(f.Value)
		case wire.TagParent:
			parent, _ = f.U32()
		case wire.TagHeader:
			name, value, ok := f.Pair()
			if !ok || !validHeader(name, value) {
				refusal = wire.Invalid
				continue
			}
			r.Header = append(r.Header, wire.Header{Name: string(name), Value: string(value)})
		default:
			if f.Critical() {
				refusal = wire.Unsupported
			}
		}
	}
	return r, parent, refusal, nil
}
