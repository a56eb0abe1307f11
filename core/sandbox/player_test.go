// A player: a native guest that says what its test tells it to, frame by frame,
// and keeps what it hears.
package sandbox

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

type player struct {
	testing.TB
	g      *Guest
	faults atomic.Int64

	mu    sync.Mutex
	says  []byte
	heard []wire.Frame
}

// play starts a player under an engine with these doors. Everybody shares its
// one instance, and nothing has a deadline.
func play(t testing.TB, limits Limits, doors func(authority string) Door) *player {
	e := engineFor(t, doors)
	p := playOn(t, e, limits)
	e.onFault = func(Fault) { p.faults.Add(1) }
	return p
}

// playOn is play on an engine that is there.
func playOn(t testing.TB, e *Engine, limits Limits) *player {
	p := &player{TB: t}
	limits.Deadline, limits.Instances = -1, 1
	p.g = loadNative(e, Spec{Name: "player", Isolation: IsolateShared, Limits: limits}, func() script {
		hello := false
		return func(in []byte) (out []byte) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if !hello {
				hello = true
				return wire.AppendFrame(nil, wire.Hello, 0, 0, wire.AppendU16(nil, wire.TagMinor, 0))
			}
			p.heard = append(p.heard, frames(in)...)
			out, p.says = p.says, nil
			return out
		}
	})
	return p
}

// say lets the guest say frames now.
func (p *player) say(b []byte) {
	p.Helper()
	p.mu.Lock()
	p.says = append(p.says, b...)
	p.mu.Unlock()
	pollNow(p, p.g)
}

// hears waits until the guest has heard a frame of a type on a stream, and gives
// all that it has heard of them.
func (p *player) hears(typ wire.Type, id uint32) (found []wire.Frame) {
	p.Helper()
	eventuallyTrue(p, "the guest hears "+typ.String(), func() bool {
		found = p.has(typ, id)
		return len(found) > 0
	})
	return found
}

// has gives the frames of a type that the guest has heard on a stream.
func (p *player) has(typ wire.Type, id uint32) (found []wire.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.heard {
		if f.Type == typ && f.Stream == id {
			found = append(found, f)
		}
	}
	return found
}

// instance is the player's one instance.
func (p *player) instance() *instance {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	for _, i := range p.g.instances {
		return i
	}
	return nil
}

// ask opens a stream of the host's and does not wait for its answer.
func (p *player) ask(ctx context.Context, r *Request) <-chan answered {
	c := make(chan answered, 1)
	r.Authority, r.Method, r.Target = "route", "GET", "/"
	go func() {
		resp, err := p.g.Do(ctx, r)
		c <- answered{resp, err}
	}()
	return c
}

type answered struct {
	*Response
	err error
}

// What a guest says.

func sayHead(id uint32) []byte {
	return wire.AppendFrame(nil, wire.Head, 0, id, wire.AppendU16(nil, wire.TagStatus, 200))
}

func sayData(id uint32, flags wire.Flags, s string) []byte {
	return wire.AppendFrame(nil, wire.Data, flags, id, []byte(s))
}

func sayEnd(id uint32) []byte { return wire.AppendFrame(nil, wire.End, 0, id, nil) }

func sayOpen(id, parent uint32, authority, protocol string) []byte {
	b := wire.AppendU32(wire.AppendText(nil, wire.TagAuthority, authority), wire.TagParent, parent)
	if protocol != "" {
		b = wire.AppendText(b, wire.TagProtocol, protocol)
	}
	return wire.AppendFrame(nil, wire.Open, 0, id, b)
}

func saySplice(id, from uint32) []byte {
	b := wire.AppendWindow(nil, id, from)
	b[4] = byte(wire.Splice)
	return b
}

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// message is one frame of a body.
type message struct {
	text  string
	flags wire.Flags
}

// messages is a body of frames that come when its test sends them.
type messages struct {
	c      chan message
	end    error
	closed atomic.Bool
	once   sync.Once
	gone   chan struct{}
}

func newMessages(end error) *messages {
	if end == nil {
		end = io.EOF
	}
	return &messages{c: make(chan message), end: end, gone: make(chan struct{})}
}

func (m *messages) ReadFrame(p []byte) (int, wire.Flags, error) {
	select {
	case one, ok := <-m.c:
		if !ok {
			return 0, 0, m.end
		}
		return copy(p, one.text), one.flags, nil
	case <-m.gone:
		return 0, 0, io.ErrClosedPipe
	}
}

func (m *messages) Read(p []byte) (int, error) {
	n, _, err := m.ReadFrame(p)
	return n, err
}

func (m *messages) Close() error {
	m.once.Do(func() { close(m.gone) })
	m.closed.Store(true)
	return nil
}

// collectFrames reads a body to its end.
func collectFrames(body any) (all []message, err error) {
	buf := make([]byte, 4096)
	for {
		n, flags, err := body.(FrameReader).ReadFrame(buf)
		if err != nil {
			return all, err
		}
		all = append(all, message{string(buf[:n]), flags})
	}
}
