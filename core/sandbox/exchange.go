// Exchanges: whole requests and whole answers, for callers that count
// allocations. This is the frame-level path.
package sandbox

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Exchange is a request and its answer for callers that count allocations: both
// are whole, everything is reused from call to call, and a warm call allocates
// nothing in the host. The zero value is ready.
type Exchange struct {
	// Request is what is asked. Its Body is not used.
	Request Request
	// Send is the request's body, at most one stream window (32 KiB).
	Send []byte
	// MaxBody is the largest answer; 1 MiB when zero.
	MaxBody int

	// Status and Body are the answer; they stand until the next call.
	Status int
	Body   []byte

	head  []byte
	timer *time.Timer
}

// Header looks for a header of the answer; it compares names without regard to
// case.
func (x *Exchange) Header(name string) (string, bool) {
	for rest := x.head; len(rest) > 0; {
		f, more, err := wire.NextField(rest)
		if err != nil {
			break
		}
		rest = more
		if n, v, ok := f.Pair(); ok && f.Tag == wire.TagHeader && equalFold(n, name) {
			return string(v), true
		}
	}
	return "", false
}

func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		x, y := a[n], b[n]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// Exchange is Do for whole answers. Where the instance is idle, the guest runs
// on the caller's goroutine; that must not be locked to its thread. Errors and
// what is run again are as with Do. An Exchange is for one call at a time.
func (g *Guest) Exchange(ctx context.Context, x *Exchange) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(x.Send) > wire.StreamWindow {
		return &ResetError{Code: wire.TooLarge, Text: "the request's body"}
	}
	if x.MaxBody <= 0 {
		x.MaxBody = 1 << 20
	}
	t := g.tenantOf(&x.Request.Caller)
	if size := g.limits.RequestSize; size > 0 && int64(len(x.Send)) > size {
		g.accounts.of(t, &x.Request.Caller, time.Now()).refuse(BudgetRequestSize)
		return &BudgetError{Budget: BudgetRequestSize}
	}
	if err := g.accounts.admitMinute(t); err != nil {
		return err
	}
	probe, err := g.breakers.admit(t)
	if err != nil {
		return err
	}
	key := g.key(&x.Request.Caller)
	s, err := g.exchange(ctx, x, key)
	if err != nil && s != nil || errors.Is(err, machine.ErrLost) {
		err = g.exchangeAgain(ctx, x, s, err)
	}
	if err != nil {
		g.breakers.release(t, probe)
	}
	return err
}

// exchangeAgain runs an exchange again that ended with err, if it can be.
func (g *Guest) exchangeAgain(ctx context.Context, x *Exchange, s *stream, err error) error {
	deadline, began := x.Request.Deadline, time.Now()
	defer func() { x.Request.Deadline = deadline }()
	var past reruns
	for err != nil {
		until := g.until(&x.Request, s, began)
		var key instanceKey
		if key, err = past.next(ctx, g, &x.Request.Caller, s, err); err != nil {
			return err
		}
		x.Request.Deadline = until
		s, err = g.exchange(ctx, x, key)
	}
	past.answered(g)
	return nil
}

// exchange runs an exchange once. The stream is given when its instance has
// ended too.
func (g *Guest) exchange(ctx context.Context, x *Exchange, key instanceKey) (*stream, error) {
	x.Status, x.Body, x.head = 0, x.Body[:0], x.head[:0]
	for {
		i, err := g.instance(ctx, key, &x.Request.Caller)
		if err != nil {
			return nil, err
		}
		if s, err := i.exchange(ctx, x); !i.elsewhere(err) {
			return s, err
		}
	}
}

func (i *instance) exchange(ctx context.Context, x *Exchange) (*stream, error) {
	now := time.Now()
	i.mu.Lock()
	s, err := i.open(ctx, &x.Request, x, now)
	if err != nil {
		i.unused()
		i.mu.Unlock()
		return nil, err
	}
	own := !i.owned // and from here on nobody wakes the loop for what we do
	i.owned = true
	if n := len(x.Send); n > 0 && n <= i.room {
		i.in = wire.AppendFrame(i.in, wire.Data, 0, s.id, x.Send)
		i.takesPart(s).in += n
		s.room -= n
		i.room -= n
		s.sendEnd(nil, nil)
	} else if n > 0 { // the instance's window is full
		s.pooled = false
		go s.sendBody(bytes.NewReader(bytes.Clone(x.Send)), nil)
	} else {
		s.sendEnd(nil, nil)
	}
	if own {
		i.mu.Unlock()
		i.turn(now)
		i.mu.Lock()
	} else {
		i.kick()
	}
	if s.err == nil && !s.ended {
		i.await(ctx, s, x)
	}
	err = s.err
	s.exchange = nil
	if i.dead != nil {
		i.mu.Unlock()
		return s, err
	}
	if s.gone {
		i.recycle(s)
	} else {
		s.orphan = true
	}
	i.mu.Unlock()
	return nil, err
}

// await waits for the end of an exchange whose guest did not answer at once.
// i.mu is held before and after, not meanwhile.
func (i *instance) await(ctx context.Context, s *stream, x *Exchange) {
	var late <-chan time.Time
	if !s.deadline.IsZero() {
		limit := max(1, time.Until(s.deadline))
		if x.timer == nil {
			x.timer = time.NewTimer(limit)
		} else {
			x.timer.Reset(limit)
		}
		defer x.timer.Stop()
		late = x.timer.C
	}
	for s.err == nil && !s.ended {
		i.mu.Unlock()
		select {
		case <-s.ready:
			i.mu.Lock()
		case <-ctx.Done():
			i.mu.Lock()
			i.abandon(s, context.Cause(ctx))
		case <-late:
			i.mu.Lock()
			i.overDeadline(s)
		}
	}
}
