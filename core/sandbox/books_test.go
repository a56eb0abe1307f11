// The books of an instance balance after whatever a guest says: what its windows
// gave is held, given back or free, and every stream is where it belongs.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// checkBooks looks at an instance; ended are streams that may be gone and still
// be read. i.mu is held.
func checkBooks(t testing.TB, i *instance, ended ...*stream) {
	t.Helper()
	if i.dead != nil {
		if i.buffered != 0 && len(ended) > 0 {
			t.Errorf("a dead instance holds %d bytes", i.buffered)
		}
		return
	}
	guests, unanswered, held := 0, 0, 0
	for _, s := range ended {
		if s.gone {
			held += s.held
		}
	}
	for id, s := range i.streams {
		held += s.held
		if s.guestOpened() {
			guests++
		}
		if s.reset {
			unanswered++
		}
		live := !s.reset && !s.discard && !s.spliced && s.exchange == nil
		switch {
		case s.id != id || s.gone:
			t.Errorf("stream %d is kept as %d, gone %v", s.id, id, s.gone)
		case s.ended && s.sentEnd && !s.reset:
			t.Errorf("stream %d has ended on both sides and keeps its slot", id)
		case s.window < 0 || s.held < 0 || s.credit < 0 || live && s.window+s.credit+s.held != wire.StreamWindow:
			t.Errorf("stream %d: window %d, credit %d, held %d", id, s.window, s.credit, s.held)
		case s.room < 0 || s.room >= wire.MaxWindow:
			t.Errorf("stream %d may be sent %d", id, s.room)
		case s.queue.cost < s.held || s.discard && s.queue.cost > 0:
			t.Errorf("stream %d holds %d, of which %d count", id, s.queue.cost, s.held)
		case s.source != nil && (s.source.sink != s || s.source.gone || s.ended), s.sink != nil && (s.sink.source != s || s.sink.gone || s.sentEnd):
			t.Errorf("stream %d is spliced on one side alone", id)
		case s.parent != nil && i.streams[s.parent.id] != s.parent && !s.reset:
			t.Errorf("stream %d has lost its parent", id)
		}
	}
	if guests != i.opened || unanswered != i.unanswered {
		t.Errorf("%d of the guest's streams and %d counted; %d unanswered resets and %d counted", guests, i.opened, unanswered, i.unanswered)
	}
	if i.window < 0 || i.credit < 0 || i.buffered < held || i.window+i.credit+i.buffered != i.windowSize {
		t.Errorf("of a window of %d, %d are left, %d to give back, %d held (%d by streams)", i.windowSize, i.window, i.credit, i.buffered, held)
	}
	if i.room < 0 || i.room >= wire.MaxWindow {
		t.Errorf("the instance may be sent %d", i.room)
	}
	for rest := i.in; len(rest) > 0; {
		_, after, err := wire.NextFrame(rest)
		if err != nil {
			t.Fatalf("the host's own frames are broken: %v", err)
		}
		rest = after
	}
}

// FuzzHostReceive lets a guest say what the bytes make of it, three a frame,
// while doors answer, bodies flow and readers come and go.
func FuzzHostReceive(f *testing.F) {
	const poll, ask, read, leave, raw = 13, 14, 15, 16, 17
	head, data, end, open, splice, reset, stop := byte(1), byte(2), byte(3), byte(0), byte(7), byte(5), byte(4)
	f.Add([]byte{ask, 0, 1, poll, 0, 0, head, 1, 0, data, 1, 200, end, 1, 0, poll, 0, 0, read, 1, 0})
	f.Add([]byte{ask, 0, 1, poll, 0, 0, head, 1, 0, open, 2, 0x11, end, 2, 0, poll, 0, 0, splice, 1, 2, poll, 0, 0, read, 1, 0, poll, 0, 0})
	f.Add([]byte{ask, 0, 1, poll, 0, 0, head, 1, 0, open, 2, 0x21, splice, 2, 1, poll, 0, 0, reset, 2, 3, poll, 0, 0})
	f.Add([]byte{ask, 0, 1, poll, 0, 0, open, 2, 0x31, stop, 2, 0, data, 2, 9, poll, 0, 0, leave, 1, 0, reset, 1, 1, reset, 2, 1, poll, 0, 0})
	f.Add([]byte{ask, 0, 1, ask, 0, 0, poll, 0, 0, head, 1, 0, head, 3, 0, splice, 1, 1, splice, 3, 1, raw, 3, 77, poll, 0, 0})
	var mu sync.Mutex
	var engine *Engine
	f.Cleanup(func() {
		if engine != nil {
			_ = engine.Close(context.Background())
		}
	})
	f.Fuzz(func(t *testing.T, does []byte) {
		mu.Lock()
		if engine == nil {
			var err error
			if engine, err = New(context.Background(), Options{Logger: discard, Doors: fuzzDoors}); err != nil {
				t.Fatal(err)
			}
		}
		mu.Unlock()
		p := playOn(t, engine, Limits{Memory: 1 << 20, Streams: 6, RequestSize: 100_000, ResponseSize: 20_000})
		var wg sync.WaitGroup
		defer wg.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer func() {
			cancel()
			_ = p.g.Close(ctx)
		}()
		var asked []*fuzzAsk
		for does = does[:min(len(does), 3*200)]; len(does) >= 3; does = does[3:] {
			op, id, arg := does[0], uint32(does[1]&15), does[2]
			switch flags := wire.Flags(op >> 5); op & 31 {
			case poll:
				p.settle(t)
			case ask:
				asked = append(asked, p.fuzzAsk(ctx, &wg, arg))
				p.settle(t)
			case read:
				if n := int(id / 2); n < len(asked) {
					close(asked[n].reads)
					asked[n].reads = make(chan struct{})
				}
			case leave:
				if n := int(id / 2); n < len(asked) {
					asked[n].cancel()
				}
			default:
				p.mu.Lock()
				p.says = append(p.says, fuzzFrame(op&31, flags, id, arg)...)
				p.mu.Unlock()
			}
		}
		p.settle(t)
	})
}

// settle polls the guest and checks the books.
func (p *player) settle(t testing.TB) {
	pollNow(t, p.g)
	if i := p.instance(); i != nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		checkBooks(t, i)
	}
}

// fuzzAsk is a request of the host's in a fuzzed conversation.
type fuzzAsk struct {
	cancel context.CancelFunc
	reads  chan struct{}
}

func (p *player) fuzzAsk(ctx context.Context, wg *sync.WaitGroup, arg byte) *fuzzAsk {
	a := &fuzzAsk{reads: make(chan struct{})}
	reads := a.reads
	ctx, a.cancel = context.WithCancel(ctx)
	r := &Request{Authority: "route", Method: "GET", Target: "/"}
	if arg&1 != 0 {
		r.Body = strings.NewReader(strings.Repeat("x", int(arg)*500))
	}
	if arg&2 != 0 {
		r.Protocol = websocket
	}
	wg.Go(func() {
		resp, err := p.g.Do(ctx, r)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		select {
		case <-reads:
			_, _ = io.Copy(io.Discard, resp.Body)
		case <-ctx.Done():
		}
	})
	return a
}

// fuzzFrame makes one frame of a fuzzed conversation.
func fuzzFrame(op byte, flags wire.Flags, id uint32, arg byte) []byte {
	switch op {
	case 0:
		return sayOpen(id, uint32(arg&15), fmt.Sprint(arg>>4), "")
	case 1:
		return sayHead(id)
	case 2:
		return sayData(id, flags, strings.Repeat("y", int(arg)*40))
	case 3:
		return sayEnd(id)
	case 4:
		return wire.AppendStop(nil, id, wire.Code(arg))
	case 5:
		return wire.AppendReset(nil, id, wire.Code(arg), "text")
	case 6:
		return wire.AppendWindow(nil, id, uint32(arg)<<12)
	case 7:
		return saySplice(id, uint32(arg))
	case 8:
		return wire.AppendWake(nil, uint32(arg))
	case 9:
		return wire.AppendFrame(nil, wire.Log, 0, 0, wire.AppendText(nil, wire.TagText, "text"))
	case 10:
		return wire.AppendFrame(nil, 13, 0, id, nil)
	case 11:
		return wire.AppendFrame(nil, 14, wire.Critical, id, nil)
	case 12:
		return wire.AppendFrame(nil, wire.End, 0, id, wire.AppendPair(wire.AppendU16(nil, wire.TagCloseCode, 1000), wire.TagHeader, "A", "b"))
	default:
		return wire.AppendFrame(nil, wire.Type(arg), flags, id, []byte{1, 2, 3, arg})
	}
}

// fuzzDoors are what a fuzzed guest knocks on.
func fuzzDoors(authority string) Door {
	return DoorFunc(func(ctx context.Context, _ Parent, r *Request) (*Response, error) {
		switch authority {
		case "0": // takes the body, answers nothing
			if r.Body != nil {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			return &Response{Status: 204}, nil
		case "1": // a long answer
			return &Response{Status: 200, Body: io.NopCloser(strings.NewReader(strings.Repeat("z", 100_000)))}, nil
		case "2": // waits
			<-ctx.Done()
			return nil, ctx.Err()
		case "3": // wants no body
			if c, ok := r.Body.(io.Closer); ok {
				c.Close()
			}
			return &Response{Status: 413}, nil
		default:
			return nil, errors.New("not here")
		}
	})
}
