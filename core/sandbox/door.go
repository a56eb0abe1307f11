// Doors: streams that a guest opens, on behalf of one of the host's, to ask the
// host something.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

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
	case i.opened+1 >= 2*i.guest.limits.Streams:
		return i.fault(FaultWire, "it opens streams faster than it lets go of refused ones")
	}
	i.lastID = f.Stream
	r, parent, refusal, err := readOpen(f.Payload)
	if err != nil {
		return i.broken(f, err.Error())
	}
	s := i.newStream(f.Stream, false)
	if i.lastID >= lastIDs {
		i.retire()
	}
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
	by := Parent{Request: on, Extension: i.guest.spec.Name, Version: i.guest.spec.Version}
	after, err := p.bill.account.call(time.Now())
	if err != nil {
		return refuse(wire.RateLimited, "too many calls of the host")
	}
	p.once = p.once || !safe(door, by, r)
	i.knocks(s, door, by, r)
	s.parent, s.protocol = p, r.Protocol
	s.bill.account, s.bill.counted = p.bill.account, true
	i.takesPart(p).calls++
	p.children = append(p.children, s)
	// The parent's deadline ends the parent, and that ends this: a timer of its
	// own would let the guest answer for a time that is up.
	s.ctx, s.cancel = context.WithCancel(p.ctx)
	i.starts = append(i.starts, func() {
		if wait(s.ctx, after) {
			i.serve(s, door, by, r)
		}
	})
	return nil
}

// wait waits; false: the context ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// serve lets a door answer a guest's stream.
func (i *instance) serve(s *stream, door Door, by Parent, r *Request) {
	defer s.cancel()
	i.mu.Lock()
	if s.err != nil || s.gone || i.dead != nil {
		i.mu.Unlock()
		return
	}
	s.serving = true
	defer i.served(s)
	if !s.ended || s.queue.cost > 0 || s.close != nil || len(s.trailer) > 0 || s.protocol != "" {
		r.Body, r.Trailer = (*requestBody)(s), s.trailers
	}
	i.mu.Unlock()
	resp, err := open(s.ctx, door, by, r)
	if err != nil {
		var panicked *doorPanic
		if errors.As(err, &panicked) {
			i.guest.logger.Error("a door panicked", "authority", r.Authority, "panic", panicked.value, "stack", panicked.stack)
		}
		i.fail(s, err)
		return
	}
	i.answer(s, resp)
}

// served lets go of a stream that a door has held.
func (i *instance) served(s *stream) {
	i.mu.Lock()
	defer i.mu.Unlock()
	s.serving = false
	if s.answered {
		i.answerReset(s)
	}
}

// fail resets a stream by an error of its door.
func (i *instance) fail(s *stream, err error) {
	if ended := s.ctx.Err(); ended != nil {
		err = ended // which is why its body broke off
	}
	code, text := resetCode(err)
	i.mu.Lock()
	defer i.mu.Unlock()
	if !s.sentEnd { // nobody wanted the rest
		i.resetStream(s, code, text, err)
	}
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
	if !i.sendHead(s, resp) {
		i.mu.Unlock()
		return
	}
	sends := resp.Body != nil && !s.stopped
	switch {
	case !sends:
		s.sendEnd(nil, nil)
	case s.accepted: // closed when both directions have ended
		defer context.AfterFunc(s.ctx, func() { resp.Body.Close() })()
	default:
		s.body = resp.Body
	}
	i.kick()
	i.mu.Unlock()

	if sends {
		end, err := s.pump(resp.Body)
		if err != nil {
			i.fail(s, err)
			return
		}
		var trailer []wire.Header
		if resp.Trailer != nil {
			trailer = resp.Trailer()
		}
		i.mu.Lock()
		s.sendEnd(trailer, end)
		i.mu.Unlock()
	}
	if s.accepted {
		<-s.ctx.Done() // its other direction ends by itself
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopReceiving(s) // nobody will read it, for its answer is complete
}

// sendHead sends a response's head; false: the stream is no more. i.mu is held.
func (i *instance) sendHead(s *stream, resp *Response) bool {
	if s.err != nil || s.gone || i.dead != nil {
		return false
	}
	if resp.Status < 200 || resp.Status > 599 {
		i.resetStream(s, wire.Internal, "", fmt.Errorf("a door answered the status %d", resp.Status))
		return false
	}
	at := len(i.in)
	i.in = wire.BeginFrame(i.in, wire.Head, 0, s.id)
	i.in = wire.AppendU16(i.in, wire.TagStatus, uint16(resp.Status))
	i.in = appendHeaders(i.in, resp.Header)
	if len(i.in)-at-wire.FrameHead > wire.MaxFields {
		i.in = i.in[:at]
		i.resetStream(s, wire.TooLarge, "the answer's head", &ResetError{Code: wire.TooLarge})
		return false
	}
	i.in = wire.EndFrame(i.in, at)
	s.sentHead = true
	s.accepted = s.protocol != "" && resp.Status < 300
	return true
}

// resetCode is what the guest is told of an error of the host's.
func resetCode(err error) (wire.Code, string) {
	var reset *ResetError
	var budget *BudgetError
	switch {
	case errors.As(err, &budget):
		return budget.code(), string(budget.Budget)
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
