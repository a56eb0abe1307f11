// Hosts under test: what an adapter of one does, and the model guest that plays
// over it.
package kit

import (
	"context"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Host is a host under test.
type Host interface {
	// Start starts one instance.
	Start(o Options) Instance
	// Settle returns when everything in the host waits: synctest.Wait, in a
	// bubble.
	Settle()
	// Pass lets time pass.
	Pass(d time.Duration)
}

// Options of an instance.
type Options struct {
	Memory  uint64 // in bytes
	Streams int    // open at once, each way
	// Guest is the guest's atoll_poll. The first batch is HELLO. It may be
	// called on any goroutine, never on two at once.
	Guest func(batch []byte) []byte
	// Door is told what the guest opens; it does not wait. Authorities other
	// than "door" have no door.
	Door func(x *Exchange)
	// FirstID is the id of the host's first stream; 0: as ever.
	FirstID uint32
}

// Instance is one instance of the host under test.
type Instance interface {
	// Ask opens a stream into the guest, on behalf of the user alice (uid u-1) in
	// the workspace w (uid w-1), and returns at once. The end of the exchange's
	// context cancels it.
	Ask(x *Exchange)
	// Poll lets the guest be polled, whether or not there is something to say.
	// It returns when the answer has been taken in.
	Poll()
	// Drain closes the instance for new streams.
	Drain()
	// Fault is what ended the instance for breaking the wire; nil while it has
	// not been.
	Fault() error
	// Ended tells whether the instance is no more.
	Ended() bool
}

// Exchange is one stream between the host's side (a user, or a door) and the
// guest.
type Exchange struct {
	Context                             context.Context // its end cancels the stream
	Method, Authority, Target, Protocol string
	Header                              []wire.Header
	Body                                *Source // what the user asks with, or nil; into the guest
	In                                  *Sink   // what the guest sends

	doorID uint32 // of the stream that is opened on its behalf
	cancel context.CancelCauseFunc
	answer chan struct{} // closed when the door answers
	freed  chan struct{} // closed when a door that was told to end may return
	// Of a door's: its answer. Reset is 0, or what the door refuses with, and
	// ResetMsg its text.
	Status   int
	Answer   []wire.Header
	Out      *Source // its body, or nil
	Reset    wire.Code
	ResetMsg string
}

// NewExchange makes the Exchange of a stream that the guest has opened: an
// adapter fills in what was asked, hands it to Options.Door, reads the body into
// In and waits for Answered.
func NewExchange(ctx context.Context) *Exchange {
	return &Exchange{Context: ctx, In: newSink(everything), answer: make(chan struct{}), freed: make(chan struct{})}
}

// Freed is closed when a door may return whose context has ended: the adapter
// waits for it, as for a door that needs its time to let go.
func (x *Exchange) Freed() <-chan struct{} { return x.freed }

// Answered is closed when the door's answer stands in Status, Answer, Out and
// Reset.
func (x *Exchange) Answered() <-chan struct{} { return x.answer }

// WithHost makes a host, hands it to play and ends it.
type WithHost func(t *testing.T, play func(h Host))

// overHost plays over a host and reports the rule that the host broke.
func overHost(t *testing.T, with WithHost, o Options, play func(k *talk)) {
	t.Helper()
	with(t, func(h Host) {
		k := newTalk(h, o)
		defer k.close()
		defer func() {
			switch v := recover().(type) {
			case nil:
			case *Violation:
				t.Error(v)
			default:
				panic(v)
			}
		}()
		play(k)
	})
}
