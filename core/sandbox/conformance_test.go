// The host keeps the wire: the conformance kit's model guest plays over it.
package sandbox

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	"github.com/atoll-platform/atoll/sdk/wire/kit"
)

// conformer is this host as a kit.Host.
type conformer struct {
	*testing.T
	engine *Engine
	door   func(*kit.Exchange)
}

func TestHostKeepsTheWire(t *testing.T) {
	kit.TestHost(t, 40, func(t *testing.T, play func(kit.Host)) {
		synctest.Test(t, func(t *testing.T) {
			h := &conformer{T: t}
			h.engine = engineFor(t, func(authority string) Door {
				if authority != "door" {
					return nil
				}
				return DoorFunc(h.open)
			})
			play(h)
		})
	})
}

// Settle implements kit.Host.
func (h *conformer) Settle() { synctest.Wait() }

// Pass implements kit.Host.
func (h *conformer) Pass(d time.Duration) { time.Sleep(d) }

// Start implements kit.Host.
func (h *conformer) Start(o kit.Options) kit.Instance {
	h.door = o.Door
	i := &conforming{host: h}
	i.guest = loadNative(h.engine, Spec{Name: "kit", Isolation: IsolateShared, Limits: Limits{
		Memory: o.Memory, Streams: o.Streams, Instances: 1, Deadline: -1,
		CPUPerRequest: -1, CPUPerMinute: -1, RequestSize: -1, ResponseSize: -1, HostCallsPerSecond: -1,
	}}, func() script { return o.Guest })
	if o.FirstID != 0 {
		i.guest.firstID = o.FirstID
	}
	return i
}

// conforming is one instance.
type conforming struct {
	host  *conformer
	guest *Guest
	inst  *instance
	fault atomic.Pointer[Fault] // of a request, where the instance did not come to live
}

// Ask implements kit.Instance.
func (c *conforming) Ask(x *kit.Exchange) {
	r := &Request{Authority: x.Authority, Method: x.Method, Target: x.Target, Protocol: x.Protocol, Header: x.Header,
		Caller: Caller{User: "alice", UserUID: "u-1", Workspace: "w", WorkspaceUID: "w-1"}}
	if x.Body != nil {
		r.Body = body{x.Body}
		r.Trailer = x.Body.Trailer
	}
	go func() {
		// Once, and not as Do does: the kit sees the first run end.
		_, resp, err := c.guest.ask(x.Context, r, nil, c.guest.key(&r.Caller))
		if err != nil {
			if f := (*Fault)(nil); errors.As(err, &f) {
				c.fault.Store(f)
			}
			lost(x.In, err)
			return
		}
		x.In.Head(resp.Status, resp.Header)
		drink(x.In, resp.Body.(frameBody), resp.Trailer)
	}()
	synctest.Wait()
	if c.inst == nil {
		c.guest.mu.Lock()
		for _, i := range c.guest.instances {
			c.inst = i
		}
		c.guest.mu.Unlock()
	}
}

// body is a source as this host reads it.
type body struct{ *kit.Source }

// ReadFrame implements FrameReader.
func (b body) ReadFrame(p []byte) (int, wire.Flags, error) {
	n, flags, err := b.Source.ReadFrame(p)
	var broken *kit.Broken
	if c := b.Closing(); err == io.EOF && c != nil {
		err = &CloseError{Code: uint16(c.Code), Text: c.Text}
	} else if errors.As(err, &broken) {
		err = &ResetError{Code: broken.Code}
	}
	return n, flags, err
}

// Read implements io.Reader.
func (b body) Read(p []byte) (int, error) {
	n, _, err := b.ReadFrame(p)
	return n, err
}

// frameBody is what this host gives to readers.
type frameBody interface {
	io.ReadCloser
	FrameReader
}

// drink reads a body as its sink wants it.
func drink(in *kit.Sink, b frameBody, trailer func() []wire.Header) {
	go func() {
		<-in.Left()
		b.Close()
	}()
	buf := make([]byte, 8<<10)
	for {
		n := in.Want(len(buf))
		if n == 0 {
			return
		}
		n, flags, err := b.ReadFrame(buf[:n])
		if n > 0 || flags&wire.Message != 0 {
			in.Data(buf[:n], flags)
		}
		var closed *CloseError
		switch {
		case err == nil:
			continue
		case errors.As(err, &closed):
			in.End(trailer(), &kit.Close{Code: int(closed.Code), Text: closed.Text})
		case err == io.EOF:
			in.End(trailer(), nil)
		default:
			lost(in, err)
		}
		return // and not closed: what is sent the other way goes on
	}
}

func lost(in *kit.Sink, err error) {
	var reset *ResetError
	if errors.As(err, &reset) {
		in.Reset(reset.Code, reset.Text)
		return
	}
	in.Lost(err)
}

// open is the door.
func (h *conformer) open(ctx context.Context, _ Parent, r *Request) (*Response, error) {
	x := kit.NewExchange(ctx)
	x.Method, x.Authority, x.Target, x.Protocol, x.Header = r.Method, r.Authority, r.Target, r.Protocol, r.Header
	h.door(x)
	if r.Body != nil {
		go drink(x.In, r.Body.(frameBody), r.Trailer)
	} else {
		x.In.End(nil, nil)
	}
	select {
	case <-x.Answered():
	case <-ctx.Done():
		<-x.Freed()
		return nil, ctx.Err()
	}
	if x.Reset != 0 {
		return nil, &ResetError{Code: x.Reset, Text: x.ResetMsg}
	}
	resp := &Response{Status: x.Status, Header: x.Answer}
	if x.Out != nil {
		resp.Body = body{x.Out}
		resp.Trailer = x.Out.Trailer
	}
	return resp, nil
}

// Poll implements kit.Instance.
func (c *conforming) Poll() {
	if i := c.inst; i != nil {
		i.mu.Lock()
		i.wake = time.Now()
		i.kick()
		i.mu.Unlock()
	}
	synctest.Wait()
}

// Drain implements kit.Instance.
func (c *conforming) Drain() { c.inst.drain() }

// Fault implements kit.Instance.
func (c *conforming) Fault() error {
	if i := c.inst; i != nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		if f := (*Fault)(nil); errors.As(i.dead, &f) {
			return f
		}
	}
	if f := c.fault.Load(); f != nil {
		return f
	}
	return nil
}

// Ended implements kit.Instance.
func (c *conforming) Ended() bool {
	i := c.inst
	if i == nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.dead != nil
}
