// Bodies with messages, trailers and closes, and streams whose directions end by
// themselves.
package sandbox

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestMessagesAndClosesPassBothWays(t *testing.T) {
	in := newMessages(&CloseError{Code: 4005, Text: strings.Repeat("é", 100)})
	p := play(t, Limits{}, nil)
	c := p.ask(t.Context(), &Request{Protocol: websocket, Body: in, Trailer: func() []wire.Header { return []wire.Header{{Name: "X-In", Value: "1"}} }})
	if b := p.hears(wire.Open, 1)[0].Payload; !strings.Contains(string(b), "websocket") {
		t.Errorf("OPEN says %q", b)
	}
	for _, m := range []message{{"", wire.Message}, {"text", wire.Text | wire.Message}, {"part", 0}, {"", wire.Message}} {
		in.c <- m
	}
	close(in.c)
	end := p.hears(wire.End, 1)[0]
	b, err := readEnd(end.Payload)
	if err != nil || b.close == nil || b.close.Code != 4005 || b.close.Text != strings.Repeat("é", 61) || len(b.header) != 1 {
		t.Errorf("its END says %+v, %v", b, err)
	}
	var got []message
	for _, f := range p.has(wire.Data, 1) {
		got = append(got, message{string(f.Payload), f.Flags})
	}
	if want := []message{{"", wire.Message}, {"text", wire.Text | wire.Message}, {"part", 0}, {"", wire.Message}}; !slices.Equal(got, want) {
		t.Errorf("the guest is handed %v, want %v", got, want)
	}
	closing := wire.AppendText(wire.AppendU16(nil, wire.TagCloseCode, 1001), wire.TagCloseText, "bye")
	closing = wire.AppendPair(closing, wire.TagHeader, "X-Out", "2")
	p.say(join(sayHead(1), sayData(1, wire.Text|wire.Message, ""), sayData(1, wire.Message, "a"), sayData(1, 0, "b"),
		wire.AppendFrame(nil, wire.End, 0, 1, closing)))
	a := <-c
	got, err = collectFrames(a.Body)
	var ended *CloseError
	if want := []message{{"", wire.Text | wire.Message}, {"a", wire.Message}, {"b", 0}}; !slices.Equal(got, want) {
		t.Errorf("the reader is given %v, want %v", got, want)
	}
	if !errors.As(err, &ended) || *ended != (CloseError{Code: 1001, Text: "bye"}) || !errors.Is(err, io.EOF) {
		t.Errorf("it ends with %v", err)
	}
	if _, err := a.Body.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a plain Read ends with %v", err)
	}
	if tr := a.Trailer(); len(tr) != 1 || tr[0].Name != "X-Out" {
		t.Errorf("the trailers are %v", tr)
	}
}

func TestOnlyWebsocketsClose(t *testing.T) {
	in := newMessages(&CloseError{Code: 1000})
	p := play(t, Limits{}, nil)
	c := p.ask(t.Context(), &Request{Body: in})
	p.hears(wire.Open, 1)
	close(in.c)
	if b := p.hears(wire.End, 1)[0].Payload; len(b) != 0 {
		t.Errorf("its END says %q", b)
	}
	p.say(join(sayHead(1), wire.AppendFrame(nil, wire.End, 0, 1, wire.AppendU16(nil, wire.TagCloseCode, 1000))))
	if _, err := collectFrames((<-c).Body); err != io.EOF {
		t.Errorf("it ends with %v", err)
	}
}

func TestUpgradesOfAGuestLiveUntilBothDirectionsEnd(t *testing.T) {
	type seen struct {
		ctx  context.Context
		body io.ReadCloser
		r    *Request
	}
	doors := make(chan seen, 1)
	answer := newMessages(nil)
	p := play(t, Limits{}, func(string) Door {
		return DoorFunc(func(ctx context.Context, _ Parent, r *Request) (*Response, error) {
			doors <- seen{ctx, r.Body.(io.ReadCloser), r}
			return &Response{Status: 200, Body: answer}, nil
		})
	})
	p.ask(t.Context(), &Request{})
	p.hears(wire.Open, 1)
	p.say(sayOpen(2, 1, "back.upstream", "tcp"))
	s := <-doors
	if s.r.Protocol != "tcp" {
		t.Errorf("the door sees protocol %q", s.r.Protocol)
	}
	p.hears(wire.Head, 2)
	close(answer.c) // its direction ends first
	p.hears(wire.End, 2)
	p.say(sayData(2, 0, "still"))
	b := make([]byte, 10)
	if n, err := s.body.Read(b); err != nil || string(b[:n]) != "still" || s.ctx.Err() != nil || answer.closed.Load() {
		t.Errorf("after the end of the answer: %q, %v, %v", b[:n], err, s.ctx.Err())
	}
	p.say(sayEnd(2))
	if _, err := s.body.Read(b); err != io.EOF {
		t.Errorf("it ends with %v", err)
	}
	<-s.ctx.Done()
	eventuallyTrue(t, "the answer's body is closed", answer.closed.Load)
	if n := len(p.has(wire.Stop, 2)); n != 0 {
		t.Error("an upgrade was stopped")
	}
}

func TestRefusedUpgradeIsAnOrdinaryAnswer(t *testing.T) {
	p := play(t, Limits{}, func(string) Door {
		return DoorFunc(func(ctx context.Context, _ Parent, r *Request) (*Response, error) {
			return &Response{Status: 403, Body: io.NopCloser(strings.NewReader("no"))}, nil
		})
	})
	c := p.ask(t.Context(), &Request{Protocol: websocket, Body: newMessages(nil)})
	p.hears(wire.Open, 1)
	p.say(sayOpen(2, 1, "door", websocket))
	p.hears(wire.End, 2)
	p.hears(wire.Stop, 2) // nobody reads what the guest would send
	head := wire.AppendFrame(nil, wire.Head, 0, 1, wire.AppendU16(nil, wire.TagStatus, 426))
	p.say(join(sayEnd(2), head, sayData(1, 0, "use another"), sayEnd(1), wire.AppendStop(nil, 1, wire.Cancelled)))
	a := <-c
	if b, err := io.ReadAll(a.Body); a.Status != 426 || string(b) != "use another" || err != nil {
		t.Errorf("%d %q, %v", a.Status, b, err)
	}
	eventuallyTrue(t, "both are gone", func() bool { s := p.g.Stats(); return s.Streams == 0 && s.Children == 0 })
}

func TestUpgradesHaveNoDefaultDeadline(t *testing.T) {
	p := play(t, Limits{}, nil)
	p.g.limits.Deadline = time.Hour
	p.ask(t.Context(), &Request{})
	p.ask(t.Context(), &Request{Protocol: websocket})
	later := time.Now().Add(time.Minute)
	p.ask(t.Context(), &Request{Protocol: websocket, Deadline: later})
	for _, id := range []uint32{1, 3, 5} {
		p.hears(wire.Open, id)
	}
	i := p.instance()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, s := range i.streams {
		if has, want := s.timer != nil, s.protocol == "" || !s.request.Deadline.IsZero(); has != want {
			t.Errorf("stream %d (%q, %v) has a timer: %v", s.id, s.protocol, s.request.Deadline, has)
		}
	}
}

// TestStopBeforeTheAnswerStillGetsIt stops a body whose head has not come.
func TestStopBeforeTheAnswerStillGetsIt(t *testing.T) {
	answer := make(chan struct{})
	body := newMessages(nil)
	p := play(t, Limits{}, func(string) Door {
		return DoorFunc(func(ctx context.Context, _ Parent, r *Request) (*Response, error) {
			<-answer
			return &Response{Status: 200, Body: body}, nil
		})
	})
	p.ask(t.Context(), &Request{})
	p.hears(wire.Open, 1)
	p.say(join(sayOpen(2, 1, "door", ""), sayEnd(2), wire.AppendStop(nil, 2, wire.Cancelled)))
	if len(p.has(wire.End, 2)) != 0 {
		t.Error("END comes before HEAD")
	}
	close(answer)
	p.hears(wire.End, 2)
	if p.has(wire.Head, 2) == nil || len(p.has(wire.Data, 2)) != 0 {
		t.Error("the head is missing, or a body came")
	}
	eventuallyTrue(t, "its body is closed", body.closed.Load)
}

// TestStopClosesAnIdleBody stops a body that has nothing to give for hours.
func TestStopClosesAnIdleBody(t *testing.T) {
	body := newMessages(nil)
	p := play(t, Limits{}, nil)
	c := p.ask(t.Context(), &Request{Body: body})
	p.hears(wire.Open, 1)
	p.say(join(sayHead(1), wire.AppendStop(nil, 1, wire.Cancelled), sayData(1, 0, "early"), sayEnd(1)))
	if b, err := io.ReadAll((<-c).Body); err != nil || string(b) != "early" {
		t.Errorf("%q, %v", b, err)
	}
	eventuallyTrue(t, "it is closed", body.closed.Load)
	p.hears(wire.End, 1)
	if s := p.g.Stats(); s.Streams != 0 {
		t.Errorf("%+v", s)
	}
}

// TestLargeWindowsDoNotFillTheHost gives windows of a gigabyte and reads
// nothing.
func TestLargeWindowsDoNotFillTheHost(t *testing.T) {
	p := play(t, Limits{Memory: 64 << 20}, nil)
	p.ask(t.Context(), &Request{Body: newZeroes()})
	p.hears(wire.Open, 1)
	i := p.instance()
	i.mu.Lock()
	i.owned = true // it runs, for long
	if err := i.receive(join(wire.AppendWindow(nil, 0, 1<<30), wire.AppendWindow(nil, 1, 1<<30))); err != nil {
		t.Fatal(err)
	}
	i.mu.Unlock()
	eventuallyTrue(t, "the queue is full", func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		return len(i.waiting) == 1
	})
	i.mu.Lock()
	if n := len(i.in); n > wire.MaxBatch+64<<10 {
		t.Errorf("%d bytes wait for the guest", n)
	}
	i.owned = false
	i.kick()
	i.mu.Unlock()
	eventuallyTrue(t, "it goes on", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.heard) > 200
	})
}

// zeroes is an endless body.
type zeroes struct{ closed chan struct{} }

func newZeroes() *zeroes { return &zeroes{make(chan struct{})} }

func (z *zeroes) Read(p []byte) (int, error) {
	select {
	case <-z.closed:
		return 0, io.ErrClosedPipe
	default:
		clear(p)
		return len(p), nil
	}
}

func (z *zeroes) Close() error { close(z.closed); return nil }

// TestResetIsAnsweredWhenTheDoorHasReturned lets a guest open and reset, while
// its door takes its time.
func TestResetIsAnsweredWhenTheDoorHasReturned(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	p := play(t, Limits{}, func(string) Door {
		return DoorFunc(func(ctx context.Context, _ Parent, r *Request) (*Response, error) {
			close(entered)
			<-ctx.Done()
			<-leave // whatever has to be put in order first
			return nil, ctx.Err()
		})
	})
	p.ask(t.Context(), &Request{})
	p.hears(wire.Open, 1)
	p.say(sayOpen(2, 1, "door", ""))
	<-entered
	p.say(wire.AppendReset(nil, 2, wire.Cancelled, ""))
	p.say(nil)
	if s := p.g.Stats(); s.Children != 1 || p.has(wire.Reset, 2) != nil {
		t.Errorf("while the door works: %+v, %v", s, p.has(wire.Reset, 2))
	}
	close(leave)
	p.hears(wire.Reset, 2)
	if s := p.g.Stats(); s.Children != 0 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
}
