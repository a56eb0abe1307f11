// The host's reading of what a guest says, fuzzed without a guest: whatever the
// bytes are, the books balance.
package sandbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// bare is an instance without a module, with three streams open: one for a
// reader, one whole answer, one that the host has reset.
func bare(t testing.TB) *instance {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	// Doors are given, but the batch's end, where they start, never comes.
	e := &Engine{logger: logger, doors: func(a string) Door {
		if a == "shut" {
			return nil
		}
		return DoorFunc(func(context.Context, Parent, *Request) (*Response, error) { return nil, errors.New("not here") })
	}}
	g := newGuest(e, Spec{Name: "bare", Limits: Limits{Memory: 1 << 20, Streams: 10, ResponseSize: 20_000}})
	e.maxMemory = 1 << 30
	g.limits = e.Limits(g.spec.Limits)
	now := time.Now()
	i := &instance{
		guest: g, aboard: g.aboard(nil), signal: make(chan struct{}, 1), done: make(chan struct{}), streams: map[uint32]*stream{}, nextID: 1,
		windowSize: 256 << 10, window: 256 << 10, room: 256 << 10, owned: true,
		log: newGuestLog(logger, 1, now),
	}
	i.run, i.turned.Now = &native{}, now
	var x Exchange
	x.MaxBody = 1000
	for n := range 3 {
		var whole *Exchange
		if n == 1 {
			whole = &x
		}
		s, err := i.open(context.Background(), &Request{Authority: "route", Method: "GET", Target: "/"}, whole, now)
		if err != nil {
			t.Fatal(err)
		}
		if n == 2 {
			i.resetStream(s, wire.Cancelled, "", context.Canceled)
		} else {
			s.sendEnd(nil, nil)
		}
	}
	i.in = i.in[:0]
	return i
}

func FuzzGuestOutput(f *testing.F) {
	head := wire.AppendFrame(nil, wire.Head, 0, 1, wire.AppendPair(wire.AppendU16(nil, wire.TagStatus, 200), wire.TagHeader, "A", "b"))
	child := wire.AppendU32(wire.AppendText(nil, wire.TagAuthority, "kubernetes"), wire.TagParent, 1)
	f.Add(wire.AppendFrame(wire.AppendFrame(head, wire.Data, 0, 1, []byte("x")), wire.End, 0, 1, nil))
	f.Add(wire.AppendFrame(wire.AppendFrame(nil, wire.Head, 0, 3, wire.AppendU16(nil, wire.TagStatus, 200)), wire.Data, 0, 3, make([]byte, 1001)))
	f.Add(wire.AppendReset(wire.AppendReset(nil, 5, wire.Cancelled, ""), 5, wire.Cancelled, ""))
	f.Add(wire.AppendFrame(nil, wire.Data, 0, 5, make([]byte, 70)))
	f.Add(wire.AppendFrame(wire.AppendFrame(nil, wire.Open, 0, 2, child), wire.Data, 0, 2, []byte("y")))
	f.Add(wire.AppendReset(wire.AppendFrame(head, wire.Open, 0, 2, child), 1, wire.Internal, "no"))
	f.Add(wire.AppendStop(wire.AppendWake(wire.AppendWindow(nil, 0, 5), 1), 1, wire.Cancelled))
	f.Add(wire.AppendFrame(nil, wire.Log, 0, 0, wire.AppendText(wire.AppendU32(nil, wire.TagLevel, 8), wire.TagText, "x")))
	f.Fuzz(func(t *testing.T, said []byte) {
		i := bare(t)
		opened := []*stream{i.streams[1], i.streams[3], i.streams[5]}
		err := i.receive(said)
		var fault *Fault
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("an error that is no fault: %v", err)
		}
		if err != nil {
			i.end(err)
		}
		checkBooks(t, i, opened...)
	})
}
