// Calls: how the host opens a stream in a guest and reads its answer.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Do asks the guest. It returns when the guest has answered the head; the body
// streams. Cancelling ctx, or closing the body early, resets the stream in the
// guest and ends everything that was opened on its behalf; whoever gets a
// Response closes its body. r must not change until then.
//
// A request whose instance ends under it by another's fault is run again if it
// can be, with what was read of its Body and the rest of its time; so the guest
// may see it twice.
//
// Errors are a *Fault (this request ended the instance), a *ResetError (the guest
// or the deadline reset the stream; its code is the wire's), a *BudgetError (a
// budget is used up), a *BrokenError (too many faults before it), ErrInterrupted
// (another's fault, and it cannot be run again), ErrClosed, ErrModule (the module
// cannot run), or ctx's.
func (g *Guest) Do(ctx context.Context, r *Request) (*Response, error) {
	t := g.tenantOf(&r.Caller)
	if err := g.accounts.admitMinute(t); err != nil {
		return nil, err
	}
	probe, err := g.breakers.admit(t)
	if err != nil {
		return nil, err
	}
	body, key, began := g.engine.keep(r), g.key(&r.Caller), time.Now()
	defer body.done()
	var past reruns
	for {
		run := r
		if body != nil {
			again := *r
			again.Body, run = body.reader(), &again
		}
		s, resp, err := g.ask(ctx, run, body, key)
		if err == nil {
			past.answered(g)
			return resp, nil
		}
		deadline := g.until(r, s, began)
		if key, err = past.next(ctx, g, &r.Caller, s, err); err != nil {
			body.close()
			g.breakers.release(t, probe)
			return nil, err
		}
		again := *r
		again.Deadline, r = deadline, &again
	}
}

// ask opens a stream and waits for the head of its answer. The stream is nil
// when it did not come to be.
func (g *Guest) ask(ctx context.Context, r *Request, body *keptBody, key instanceKey) (*stream, *Response, error) {
	s, err := g.open(ctx, r, body, key)
	if err != nil {
		return nil, nil, err
	}
	i := s.inst
	if r.Body != nil {
		go s.sendBody(r.Body, r.Trailer)
	}
	for {
		i.mu.Lock()
		status, header, err := s.status, s.header, s.err
		s.once = s.once || status != 0 && err == nil // from here on it is seen
		i.mu.Unlock()
		if err != nil {
			return s, nil, err
		}
		if status != 0 {
			return s, &Response{Status: status, Header: header, Body: (*responseBody)(s), Trailer: s.trailers}, nil
		}
		<-s.ready
	}
}

// open opens a stream for Do and lets the loop carry it to the guest.
func (g *Guest) open(ctx context.Context, r *Request, body *keptBody, key instanceKey) (*stream, error) {
	if err := ctx.Err(); err != nil {
		key.place.free()
		return nil, err
	}
	for {
		i, err := g.instance(ctx, key, &r.Caller)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		i.mu.Lock()
		s, err := i.open(ctx, r, nil, now)
		if err != nil {
			i.unused()
			i.mu.Unlock()
			if i.elsewhere(err) {
				continue
			}
			return nil, err
		}
		s.kept, s.once = body, s.once || r.Body != nil && body == nil
		if r.Body != nil {
			s.body = r.Body
		} else if r.Trailer != nil {
			s.sendEnd(r.Trailer(), nil)
		} else {
			s.sendEnd(nil, nil)
		}
		if !s.deadline.IsZero() {
			s.timer = time.AfterFunc(s.deadline.Sub(now), func() { i.expire(s) })
		}
		s.unhook = context.AfterFunc(ctx, func() {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.abandon(s, context.Cause(ctx))
		})
		i.kick()
		i.mu.Unlock()
		return s, nil
	}
}

// deadline is when a request ends at latest; zero: never.
func (g *Guest) deadline(r *Request, now time.Time) time.Time {
	if r.Deadline.IsZero() && r.Protocol == "" && g.limits.Deadline > 0 {
		return now.Add(g.limits.Deadline)
	}
	return r.Deadline
}

// open opens a stream: its OPEN is queued, and nothing else. i.mu is held.
func (i *instance) open(ctx context.Context, r *Request, x *Exchange, now time.Time) (*stream, error) {
	i.wanted.Add(-1)
	switch {
	case i.dead == ErrClosed:
		return nil, ErrClosed
	case i.dead != nil:
		return nil, errUnloaded // by another's fault or a loss, or for idleness
	case i.leaving != nil:
		return nil, i.leaving
	case i.full():
		return nil, errFull
	case i.carried() >= i.guest.limits.Streams:
		return nil, i.guest.refuseStream(&r.Caller, now)
	}
	at, deadline := len(i.in), i.guest.deadline(r, now)
	i.in = wire.BeginFrame(i.in, wire.Open, 0, i.nextID)
	i.in = appendOpen(i.in, r, deadline, now)
	if len(i.in)-at-wire.FrameHead > wire.MaxFields {
		i.in = i.in[:at]
		return nil, &ResetError{Code: wire.TooLarge, Text: "the request's head"}
	}
	i.in = wire.EndFrame(i.in, at)
	s := i.newStream(i.nextID, x != nil)
	i.nextID += 2
	i.requests++
	i.active = now
	s.ctx, s.request, s.exchange, s.protocol = ctx, r, x, r.Protocol
	s.tenant, s.deadline, s.once = i.guest.tenantOf(&r.Caller), deadline, r.Protocol != ""
	i.ledger.open(i, s, now)
	i.asks(s, r)
	i.grow(&r.Caller, now)
	if i.nextID >= lastIDs {
		i.retire()
	}
	return s, nil
}

// appendOpen appends the fields of a request's head.
func appendOpen(b []byte, r *Request, deadline, now time.Time) []byte {
	text := func(tag wire.Tag, value string) {
		if value != "" {
			b = wire.AppendText(b, tag, value)
		}
	}
	text(wire.TagAuthority, r.Authority)
	text(wire.TagMethod, r.Method)
	text(wire.TagTarget, r.Target)
	text(wire.TagProtocol, r.Protocol)
	b = appendHeaders(b, r.Header)
	c := &r.Caller
	text(wire.TagUser, c.User)
	text(wire.TagUserUID, c.UserUID)
	for _, group := range c.Groups {
		text(wire.TagGroup, group)
	}
	text(wire.TagWorkspace, c.Workspace)
	text(wire.TagWorkspaceUID, c.WorkspaceUID)
	text(wire.TagProject, c.Project)
	text(wire.TagProjectUID, c.ProjectUID)
	text(wire.TagCluster, c.Cluster)
	if !deadline.IsZero() {
		b = wire.AppendU64(b, wire.TagDeadline, uint64(max(0, deadline.Sub(now).Milliseconds())))
	}
	text(wire.TagRequestID, r.RequestID)
	text(wire.TagTraceparent, r.Traceparent)
	text(wire.TagLocale, r.Locale)
	return b
}

// sendBody sends a request's body.
func (s *stream) sendBody(body io.Reader, trailer func() []wire.Header) {
	end, err := s.pump(body)
	var fields []wire.Header
	if err == nil && trailer != nil {
		fields = trailer()
	}
	i := s.inst
	i.mu.Lock()
	defer i.mu.Unlock()
	if err == nil {
		s.sendEnd(fields, end)
	} else if budget, over := err.(*BudgetError); over && !s.sentEnd {
		i.exceed(s, budget.Budget)
	} else if !s.sentEnd { // else nobody wanted the rest
		code, _ := resetCode(err)
		i.resetStream(s, code, "the request's body broke off", fmt.Errorf("reading the request's body: %w", err))
	}
}

// expire resets a stream whose time is up.
func (i *instance) expire(s *stream) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.overDeadline(s)
}

// overDeadline resets a stream whose time is up. i.mu is held.
func (i *instance) overDeadline(s *stream) {
	if s.err == nil && !s.gone {
		s.bill.account.refuse(BudgetDeadline)
	}
	i.resetStream(s, wire.Deadline, "", &ResetError{Code: wire.Deadline})
}

// abandon resets a stream whose caller has left. i.mu is held.
func (i *instance) abandon(s *stream, why error) {
	code := wire.Cancelled
	if errors.Is(why, context.DeadlineExceeded) {
		code = wire.Deadline
	}
	if s.gone { // it had ended; what of it is unread is not wanted
		if s.err == nil && s.queue.cost > 0 {
			s.err = why
		}
		i.drop(s)
		notify(s.ready)
		return
	}
	i.resetStream(s, code, "", why)
}
