// A spliced body goes from its source to its reader in the host: whole, in
// order, at the reader's pace, and the guest sleeps.
package sandbox

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// splicing is two streams of a player, in which the body of one will go to the
// other's reader. Stream 1 is the host's with a body, 2 the guest's on behalf
// of 1 with an answer, 3 the host's whose answer is read, 4 the guest's on
// behalf of 3 whose body a door reads.
type splicing struct {
	*player
	source  *messages
	trailer []wire.Header
	front   *messages // the body of 1
	behind  *messages // the answer of 2
	answers [4]<-chan answered
	cancel  [4]context.CancelFunc
	doors   chan *Request // what the door of 4 got
	release chan struct{} // lets the door of 4 answer
}

func newSplicing(t *testing.T, from uint32, end error) *splicing {
	s := &splicing{source: newMessages(end), doors: make(chan *Request, 1), release: make(chan struct{})}
	trailer := func() []wire.Header { return s.trailer }
	s.player = play(t, Limits{Memory: 4 << 20}, func(authority string) Door {
		return DoorFunc(func(ctx context.Context, _ Parent, r *Request) (*Response, error) {
			if authority == "source" {
				return &Response{Status: 200, Body: s.behind, Trailer: trailer}, nil
			}
			s.doors <- r
			select {
			case <-s.release:
				return &Response{Status: 201}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
	})
	s.front, s.behind = s.source, newMessages(nil)
	if from != 1 {
		s.front, s.behind = s.behind, s.front
	}
	t.Cleanup(func() { s.front.Close(); s.behind.Close() })
	var ctx context.Context
	ctx, s.cancel[1] = context.WithCancel(t.Context())
	s.answers[1] = s.ask(ctx, &Request{Body: s.front, Trailer: trailer, Protocol: websocket})
	s.hears(wire.Open, 1)
	ctx, s.cancel[3] = context.WithCancel(t.Context())
	s.answers[3] = s.ask(ctx, &Request{Protocol: websocket})
	s.hears(wire.Open, 3)
	s.say(join(sayHead(1), sayHead(3), sayOpen(2, 1, "source", websocket), sayOpen(4, 3, "sink", websocket)))
	s.hears(wire.Head, 2)
	return s
}

// reader is the body that comes out of a sink.
func (s *splicing) reader(sink uint32) (body io.ReadCloser, trailer func() []wire.Header) {
	if sink == 4 {
		r := <-s.doors
		return r.Body.(io.ReadCloser), r.Trailer
	}
	a := <-s.answers[sink]
	if a.err != nil {
		s.Fatal(a.err)
	}
	return a.Body, a.Trailer
}

func TestSplicedBodiesGoPastTheGuest(t *testing.T) {
	for _, c := range []struct {
		name       string
		from, sink uint32
	}{
		{"request into answer", 1, 3}, {"request into request", 1, 4}, {"answer into answer", 2, 3},
		{"answer into request", 2, 4}, {"answer into the answer of its parent", 2, 1}, {"echo", 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSplicing(t, c.from, &CloseError{Code: 4001, Text: "enough"})
			s.trailer = []wire.Header{{Name: "X-Sum", Value: "7"}}
			s.source.c <- message{"first", wire.Text | wire.Message}
			heard := s.hears(wire.Data, c.from)
			// The first message is the guest's to send, for it was handed over.
			s.say(join(sayData(c.sink, heard[0].Flags, string(heard[0].Payload)), saySplice(c.sink, c.from)))
			body, trailer := s.reader(c.sink)
			polls := s.g.Stats().Polls
			want := []message{{"first", wire.Text | wire.Message}}
			go func() {
				for range 1000 {
					s.source.c <- message{"", wire.Message}
					s.source.c <- message{"part", 0}
					s.source.c <- message{"end", wire.Message}
				}
				close(s.source.c)
			}()
			for range 1000 {
				want = append(want, message{"", wire.Message}, message{"partend", wire.Message})
			}
			got, err := collectFrames(body)
			var end *CloseError
			if !errors.As(err, &end) || end.Code != 4001 || end.Text != "enough" || !errors.Is(err, io.EOF) {
				t.Errorf("it ends with %v", err)
			}
			// A reader may be faster than a message is whole.
			if whole := wholeMessages(got); !slices.Equal(whole, want) {
				n := 0
				for n < min(len(whole), len(want)) && whole[n] == want[n] {
					n++
				}
				t.Errorf("%d messages came, want %d; they differ from %d on: %v", len(whole), len(want), n, whole[n:min(n+3, len(whole))])
			}
			if tr := trailer(); len(tr) != 1 || tr[0].Name != "X-Sum" {
				t.Errorf("the trailers are %v", tr)
			}
			if ends := s.hears(wire.End, c.from); len(ends) != 1 || len(ends[0].Payload) != 0 {
				t.Errorf("the guest hears %v", ends)
			}
			if n := len(s.has(wire.Data, c.from)); n != 1 {
				t.Errorf("the guest was handed %d DATA, want the first alone", n)
			}
			if more := s.g.Stats().Polls - polls; more > 3 {
				t.Errorf("it was polled %d times meanwhile", more)
			}
			if s.faults.Load() != 0 {
				t.Error("a fault")
			}
		})
	}
}

// wholeMessages joins the frames of each message.
func wholeMessages(frames []message) (all []message) {
	part := message{}
	for _, f := range frames {
		part.text += f.text
		part.flags = f.flags
		if f.flags&wire.Message != 0 {
			all, part = append(all, part), message{}
		}
	}
	if part.text != "" {
		all = append(all, part)
	}
	return all
}

// TestSplicePullsBackWhatWaits splices a stream whose body, end and trailers
// already wait for the guest's next poll.
func TestSplicePullsBackWhatWaits(t *testing.T) {
	for _, ended := range []bool{false, true} {
		s := newSplicing(t, 2, &CloseError{Code: 4002})
		s.trailer = []wire.Header{{Name: "X-Sum", Value: "8"}}
		i := s.instance()
		i.mu.Lock()
		src := i.streams[2]
		room, roomOf := i.room, src.room
		// As its pump does, but within what the guest's answer was made of.
		src.sendSome([]byte("queued"), wire.Message)
		if ended {
			src.sendEnd(s.trailer, &CloseError{Code: 4002})
		}
		i.in = wire.AppendWindow(i.in, 3, 5) // something else waits too
		if err := i.receive(saySplice(3, 2)); err != nil {
			t.Fatal(err)
		}
		if i.room != room || src.room != roomOf {
			t.Errorf("the windows are %d and %d, were %d and %d", i.room, src.room, room, roomOf)
		}
		i.kick()
		i.mu.Unlock()
		if !ended {
			close(s.source.c)
		}
		body, trailer := s.reader(3)
		got, err := collectFrames(body)
		var end *CloseError
		if len(got) != 1 || got[0] != (message{"queued", wire.Message}) || !errors.As(err, &end) || end.Code != 4002 || len(trailer()) != 1 {
			t.Errorf("ended %v: %v, %v, %v", ended, got, err, trailer())
		}
		s.hears(wire.End, 2)
		if n := len(s.has(wire.Data, 2)); n != 0 {
			t.Errorf("the guest was handed %d DATA", n)
		}
		if n := len(s.has(wire.Window, 3)); n != 1 {
			t.Errorf("what else waited was lost")
		}
	}
}

func TestSplicedSourceWaitsForItsReader(t *testing.T) {
	s := newSplicing(t, 2, nil)
	s.say(saySplice(3, 2))
	sent := 0
	chunk := message{string(make([]byte, 4096)), 0}
	for full := false; !full; {
		select {
		case s.source.c <- chunk:
			sent += len(chunk.text)
		default:
			i := s.instance()
			i.mu.Lock()
			full = i.streams[2].starving
			i.mu.Unlock()
		}
	}
	if sent > wire.StreamWindow+2*len(chunk.text) {
		t.Errorf("%d bytes were taken for a reader that reads nothing", sent)
	}
	go close(s.source.c)
	a := <-s.answers[3]
	if b, err := io.ReadAll(a.Body); err != nil || len(b) != sent {
		t.Errorf("%d of %d bytes came: %v", len(b), sent, err)
	}
}

func TestSpliceIntoAWholeAnswer(t *testing.T) {
	for most, code := range map[int]wire.Code{100: 0, 5: wire.TooLarge} {
		s := newSplicing(t, 2, nil)
		x := Exchange{Request: Request{Authority: "route"}, MaxBody: most}
		done := make(chan error, 1)
		go func() { done <- s.g.Exchange(t.Context(), &x) }()
		s.hears(wire.Open, 5)
		s.say(join(sayHead(5), sayData(5, 0, "abc"), saySplice(5, 2)))
		s.source.c <- message{"def", 0}
		if code == 0 {
			close(s.source.c)
		}
		err := <-done
		var reset *ResetError
		if code == 0 && (err != nil || string(x.Body) != "abcdef") || code != 0 && (!errors.As(err, &reset) || reset.Code != code) {
			t.Errorf("at most %d: %q, %v", most, x.Body, err)
		}
		if code != 0 {
			s.hears(wire.Reset, 2)
		}
	}
}
