// How splices end before their source does, and which ones cannot be.
package sandbox

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestResetOfEitherResetsBothSplicedStreams(t *testing.T) {
	code := func(f []wire.Frame) wire.Code { c, _, _ := f[0].Code(); return c }
	for name, c := range map[string]struct {
		do       func(s *splicing)
		hears    []uint32
		with     wire.Code
		sink     wire.Code // what the sink's reader is told; 0: it left
		answered uint32    // a RESET of the guest's, which is answered
	}{
		"the sink's reader leaves":   {func(s *splicing) { s.cancel[3]() }, []uint32{3, 2}, wire.Cancelled, 0, 0},
		"the source's parent leaves": {func(s *splicing) { s.cancel[1]() }, []uint32{1, 2, 3}, wire.Cancelled, wire.Cancelled, 0},
		"the sink's time is up": {func(s *splicing) {
			i := s.instance()
			i.mu.Lock()
			sink := i.streams[3]
			i.mu.Unlock()
			i.expire(sink)
		}, []uint32{3, 2}, wire.Deadline, wire.Deadline, 0},
		"the source breaks off":     {func(s *splicing) { close(s.source.c) }, []uint32{2, 3}, wire.NotFound, wire.NotFound, 0},
		"the guest resets the sink": {func(s *splicing) { s.say(wire.AppendReset(nil, 3, wire.Conflict, "x")) }, []uint32{3, 2}, wire.Conflict, wire.Conflict, 3},
		"the guest resets the source": {func(s *splicing) { s.say(wire.AppendReset(nil, 2, wire.TooLarge, "x")) },
			[]uint32{2, 3}, wire.TooLarge, wire.TooLarge, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSplicing(t, 2, &ResetError{Code: wire.NotFound})
			s.say(saySplice(3, 2))
			a := <-s.answers[3]
			c.do(s)
			for _, id := range c.hears {
				if got := code(s.hears(wire.Reset, id)); got != c.with {
					t.Errorf("stream %d is reset with %v, want %v", id, got, c.with)
				}
				if id != c.answered {
					s.say(wire.AppendReset(nil, id, wire.Cancelled, ""))
				}
			}
			_, err := io.ReadAll(a.Body)
			var reset *ResetError
			if c.sink != 0 && (!errors.As(err, &reset) || reset.Code != c.sink) || c.sink == 0 && !errors.Is(err, context.Canceled) {
				t.Errorf("the reader is told %v", err)
			}
			i := s.instance()
			i.mu.Lock()
			defer i.mu.Unlock()
			if i.streams[2] != nil || i.streams[3] != nil {
				t.Errorf("streams are left: %v", i.streams)
			}
			if s.faults.Load() != 0 {
				t.Error("a fault")
			}
		})
	}
}

func TestSpliceThatCrossesAResetResetsItsSource(t *testing.T) {
	s := newSplicing(t, 2, nil)
	a := <-s.answers[3]
	s.cancel[3]()
	s.hears(wire.Reset, 3)
	s.say(saySplice(3, 2))
	if c, _, _ := s.hears(wire.Reset, 2)[0].Code(); c != wire.Cancelled {
		t.Errorf("the source is reset with %v", c)
	}
	if _, err := io.ReadAll(a.Body); !errors.Is(err, context.Canceled) || s.faults.Load() != 0 {
		t.Errorf("the reader is told %v", err)
	}
}

func TestStopByTheReaderEndsASplice(t *testing.T) {
	for _, late := range []bool{false, true} { // STOP before the SPLICE comes, or after
		s := newSplicing(t, 2, nil)
		r := <-s.doors
		if late {
			s.say(saySplice(4, 2))
		}
		r.Body.(io.Closer).Close()
		if !late {
			s.hears(wire.Stop, 4)
			s.say(saySplice(4, 2))
		}
		s.hears(wire.Stop, 4)
		s.hears(wire.End, 2)
		s.say(sayEnd(2))
		eventuallyTrue(t, "the source is closed", s.source.closed.Load)
		close(s.release)
		s.hears(wire.End, 4)
		i := s.instance()
		i.mu.Lock()
		if i.streams[2] != nil || i.streams[4] != nil || i.opened != 0 {
			t.Errorf("late %v: streams are left: %v", late, i.streams)
		}
		i.mu.Unlock()
		if s.faults.Load() != 0 {
			t.Error("a fault")
		}
	}
}

func TestStopByTheGuestEndsWhatItHasSpliced(t *testing.T) {
	s := newSplicing(t, 2, nil)
	s.say(saySplice(3, 2))
	s.source.c <- message{"x", 0}
	a := <-s.answers[3]
	s.say(wire.AppendStop(nil, 2, wire.Cancelled))
	if b, err := io.ReadAll(a.Body); err != nil || len(b) > 1 {
		t.Errorf("%q, %v", b, err)
	}
	s.hears(wire.End, 2)
}

func TestSplicesThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		says  []byte
		fault bool
		code  wire.Code
	}{
		"of itself without an answer": {saySplice(5, 1), true, 0},
		"of nothing":                  {saySplice(3, 0), true, 0},
		"of one never opened":         {saySplice(3, 6), true, 0},
		"of one never opened here":    {saySplice(3, 7), true, 0},
		"without a name":              {wire.AppendFrame(nil, wire.Splice, 0, 3, []byte{2, 0}), true, 0},
		"twice of one":                {join(saySplice(3, 2), saySplice(1, 2)), true, 0},
		"twice into one":              {join(saySplice(3, 2), saySplice(3, 1)), true, 0},
		"after STOP":                  {join(wire.AppendStop(nil, 2, wire.Cancelled), saySplice(3, 2)), true, 0},
		"after END":                   {join(sayEnd(3), saySplice(3, 2)), true, 0},
		"and DATA then":               {join(saySplice(3, 2), sayData(3, 0, "x")), true, 0},
		"and END then":                {join(saySplice(3, 2), sayEnd(3)), true, 0},
		"of one that was reset":       {join(wire.AppendReset(nil, 2, wire.NotFound, ""), saySplice(3, 2)), false, wire.NotFound},
		"of one that the host resets": {join(wire.AppendFrame(nil, 99, wire.Critical, 2, nil), saySplice(3, 2)), false, wire.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSplicing(t, 2, nil)
			s.say(c.says)
			a := <-s.answers[3]
			err := a.err
			if err == nil {
				_, err = io.ReadAll(a.Body)
			}
			var fault *Fault
			var reset *ResetError
			if c.fault {
				if errors.As(err, &fault) && fault.Class != FaultWire {
					t.Errorf("it ends with %v", err)
				}
				eventuallyTrue(t, "the fault is told", func() bool { return s.faults.Load() == 1 })
			}
			if !c.fault && (!errors.As(err, &reset) || reset.Code != c.code || s.faults.Load() != 0) {
				t.Errorf("it ends with %v, %d faults", err, s.faults.Load())
			}
		})
	}
}

func TestSpliceOfAnEndedStreamEndsAtOnce(t *testing.T) {
	s := newSplicing(t, 2, io.EOF)
	close(s.source.c)
	s.hears(wire.End, 2)
	s.say(join(sayEnd(2), sayData(3, 0, "all"), saySplice(3, 2)))
	a := <-s.answers[3]
	if b, err := io.ReadAll(a.Body); err != nil || string(b) != "all" {
		t.Errorf("%q, %v", b, err)
	}
	if s.faults.Load() != 0 {
		t.Error("a fault")
	}
}
