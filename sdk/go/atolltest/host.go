// The host: it carries frames between a native guest and the doors of a test, by
// the rules of the wire, and tells the test when the guest breaks one.
package atolltest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/internal/native"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Doors are what a handler may ask, by authority: "kubernetes", "kv",
// "logs.upstream". A request's path, query, header and body are what the handler
// sent; Caller tells for whom. A door that panics with http.ErrAbortHandler breaks
// off its answer.
type Doors map[string]http.Handler

// Option changes what Serve makes.
type Option func(*Host)

// WithSetting gives the extension a setting.
func WithSetting(name, value string) Option {
	return func(h *Host) { h.settings = wire.AppendPair(h.settings, wire.TagSetting, name, value) }
}

// WithMemory sets the instance's memory limit in bytes, of which a quarter is
// the window of all streams together; 128 MiB otherwise. Nothing holds the
// handler itself to it.
func WithMemory(bytes uint64) Option { return func(h *Host) { h.memory = bytes } }

// WithStreams sets how many streams may be open at once, each way; 1,000
// otherwise.
func WithStreams(n int) Option { return func(h *Host) { h.limit = n } }

// Host asks a handler as the platform does. It is an http.RoundTripper, safe for
// concurrent use.
type Host struct {
	// Caller is on whose behalf requests are made, unless their context says
	// another (As). It is set before the first request.
	Caller atoll.Identity

	t        testing.TB
	guest    native.Session
	doors    Doors
	settings []byte
	memory   uint64
	limit    int
	signal   chan struct{} // the loop looks

	mu      sync.Mutex
	changed sync.Cond // something that somebody may wait for
	in      []byte    // frames for the guest
	closed  bool
	streams map[uint32]*stream
	nextID  uint32 // of the next stream that the host opens
	lastID  uint32 // of the last stream that the guest opened
	opened  int    // how many of streams the guest opened
	window  int    // what the guest may still send
	room    int    // what the host may still send
	credit  int    // taken from the guest, and not yet given back
}

// Serve runs a handler as an extension's, until the test ends. Nil is what was
// given to atoll.Serve.
func Serve(t testing.TB, handler http.Handler, doors Doors, options ...Option) *Host {
	h := &Host{
		t: t, doors: doors, memory: 128 << 20, limit: 1000, signal: make(chan struct{}, 1),
		streams: map[uint32]*stream{}, nextID: 1,
	}
	h.changed.L = &h.mu
	for _, o := range options {
		o(h)
	}
	h.window, h.room = int(h.memory/4), int(h.memory/4)
	h.guest = native.New(native.Options{Handler: handler, Ready: h.look})
	h.greet()
	left := make(chan struct{})
	go func() {
		defer close(left)
		h.loop()
	}()
	t.Cleanup(func() {
		h.finish()
		h.look()
		<-left
		h.guest.Close()
	})
	h.look()
	return h
}

// Client is an http.Client that asks the handler: http://route/path, or
// http://fragment/path. The host of a URL is the authority that is asked.
func (h *Host) Client() *http.Client { return &http.Client{Transport: h} }

// Get asks for a route's path with GET. Whoever gets the answer closes its body.
func (h *Host) Get(path string) (*http.Response, error) {
	return h.Client().Get("http://route" + path)
}

type callerKey struct{}

// As makes a request with this context one on behalf of somebody else.
func As(ctx context.Context, who atoll.Identity) context.Context {
	return context.WithValue(ctx, callerKey{}, who)
}

// Caller tells a door for whom it is asked.
func Caller(ctx context.Context) atoll.Identity {
	who, _ := ctx.Value(callerKey{}).(atoll.Identity)
	return who
}

// hello is the host's HELLO.
func (h *Host) hello() []byte {
	b := wire.BeginFrame(nil, wire.Hello, 0, 0)
	b = wire.AppendU16(b, wire.TagMinor, 0)
	b = wire.AppendU64(b, wire.TagFeatures, 0)
	b = wire.AppendField(b, wire.TagSeed, 0, make([]byte, 32))
	b = wire.AppendU64(b, wire.TagMemory, h.memory)
	b = wire.AppendU32(b, wire.TagStreams, uint32(h.limit))
	return wire.EndFrame(append(b, h.settings...), 0)
}

// grace is how long a handler may go on when its request has ended.
const grace = 10 * time.Second

// finish resets what is open and waits until every handler has returned.
func (h *Host) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.streams {
		if !s.guestOpened() {
			h.resetStream(s, wire.Cancelled, "")
		}
	}
	late := false
	timer := time.AfterFunc(grace, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		late = true
		h.changed.Broadcast()
	})
	defer timer.Stop()
	for !h.closed && !late && (len(h.in) > 0 || h.guest.Running() > 0) {
		h.changed.Wait()
	}
	if n := h.guest.Running(); n > 0 && !h.closed {
		h.t.Errorf("%v after its request has ended, a handler has not returned (of %d)", grace, n)
	}
	h.closed = true
	for _, s := range h.streams {
		h.die(s, errClosed)
	}
}

// greet polls once with HELLO alone, and takes the guest's.
func (h *Host) greet() {
	out := h.guest.Poll(h.hello())
	if len(out) > 0 {
		if f, rest, err := wire.NextFrame(out); err == nil && f.Type == wire.Hello {
			h.receive(rest)
			return
		}
	}
	h.t.Fatal("the guest does not begin with HELLO")
}

// look lets the loop look.
func (h *Host) look() {
	select {
	case h.signal <- struct{}{}:
	default:
	}
}

// loop polls the guest when there is something to say, or when it has something.
func (h *Host) loop() {
	for range h.signal {
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			return
		}
		batch := h.takeBatch()
		h.mu.Unlock()
		out := h.guest.Poll(batch)
		h.mu.Lock()
		h.receive(out)
		h.changed.Broadcast()
		h.mu.Unlock()
	}
}

// takeBatch takes whole frames, at most a batch. h.mu is held.
func (h *Host) takeBatch() []byte {
	n := 0
	for n < len(h.in) {
		f, _, _ := wire.NextFrame(h.in[n:])
		if n+wire.FrameHead+len(f.Payload) > wire.MaxBatch {
			h.look()
			break
		}
		n += wire.FrameHead + len(f.Payload)
	}
	batch := h.in[:n:n]
	h.in = append([]byte(nil), h.in[n:]...)
	return batch
}

// fault says that the guest has broken the wire. h.mu is held.
func (h *Host) fault(format string, args ...any) {
	if !h.closed {
		h.t.Errorf("the guest breaks the wire: "+format, args...)
	}
	h.closed = true
	for _, s := range h.streams {
		h.die(s, errFault)
	}
	h.look()
}
