// A poisonous request fails by itself: its neighbours are run again and notice
// nothing, unless something has been seen of them.
package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox/machine"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// crowd is a guest that holds its answers back until somebody says go, or until
// it is alone with its request. "/poison" then ends its instance, and
// everything else is answered with the body it came with.
type crowd struct {
	*Guest
	poison   func() error // what the machine ends with
	starts   atomic.Int64 // of instances
	whole    atomic.Int64 // requests that have come whole to the first
	released atomic.Bool
	held     atomic.Bool  // those after the first hold back too
	finished atomic.Bool  // answers to \"/slow\" come to their end
	alive    atomic.Int64 // of those after the first
	most     atomic.Int64 // that were alive at once
}

// crowded is one instance of it.
type crowded struct {
	*crowd
	first  bool
	open   map[uint32]*asked
	killed atomic.Bool
}

type asked struct {
	target string
	body   []byte
	ended  bool
	headed bool
	child  uint32
}

func crowdOn(e *Engine, spec Spec) *crowd {
	c := &crowd{Guest: e.Load(spec), poison: func() error { return errors.New("unreachable") }}
	c.source = func(context.Context) (machine.Code, error) {
		return starter(func(context.Context, machine.Start) (machine.Machine, error) {
			first := c.starts.Add(1) == 1
			if !first {
				c.most.Store(max(c.most.Load(), c.alive.Add(1))) // one at a time starts
			}
			return &crowded{crowd: c, first: first, open: map[uint32]*asked{}}, nil
		}), nil
	}
	return c
}

func (c *crowded) Kill()          { c.killed.Store(true) }
func (c *crowded) Memory() uint64 { return 0 }
func (c *crowded) Close() {
	if !c.first {
		c.alive.Add(-1)
	}
}

func (c *crowded) Turn(t *machine.Turn) error {
	t.Frames = nil
	for _, f := range frames(t.Batch) {
		switch s := c.open[f.Stream]; f.Type {
		case wire.Hello:
			t.Frames = wire.AppendFrame(t.Frames, wire.Hello, 0, 0, wire.AppendU16(nil, wire.TagMinor, 0))
		case wire.Open:
			c.open[f.Stream] = &asked{target: openTarget(f.Payload)}
			if door, ok := strings.CutPrefix(c.open[f.Stream].target, "/knock/"); ok {
				c.open[f.Stream].child = 2 * f.Stream
				t.Frames = append(t.Frames, append(sayOpen(2*f.Stream, f.Stream, door, ""), sayEnd(2*f.Stream)...)...)
			}
		case wire.Data:
			s.body = append(s.body, f.Payload...)
			t.Frames = wire.AppendWindow(t.Frames, f.Stream, uint32(len(f.Payload)))
			t.Frames = wire.AppendWindow(t.Frames, 0, uint32(len(f.Payload)))
		case wire.End:
			if s == nil {
				break // of a door's answer
			}
			if s.ended = true; c.first {
				c.whole.Add(1)
			}
		case wire.Reset:
			delete(c.open, f.Stream)
			t.Frames = wire.AppendReset(t.Frames, f.Stream, wire.Cancelled, "")
		}
	}
	if c.first && !c.released.Load() || !c.first && c.held.Load() {
		return nil
	}
	for id, s := range c.open {
		switch {
		case !s.ended:
		case s.target == "/poison":
			return c.poison()
		case s.target == "/slow" && !c.finished.Load():
			if !s.headed {
				s.headed, t.Frames = true, append(t.Frames, sayHead(id)...)
			}
		default:
			if !s.headed {
				t.Frames = append(t.Frames, sayHead(id)...)
			}
			t.Frames = append(t.Frames, sayData(id, 0, answerTo(s.target, s.body))...)
			t.Frames = wire.AppendFrame(t.Frames, wire.End, 0, id, nil)
			delete(c.open, id)
		}
	}
	return nil
}

// answerTo is what the crowd answers: the body itself when it is short.
func answerTo(target string, body []byte) string {
	if len(body) > 100 {
		return fmt.Sprintf("%s %d %x", target, len(body), sha256.Sum256(body))
	}
	return target + " " + string(body)
}

func openTarget(fields []byte) string {
	for len(fields) > 0 {
		f, rest, err := wire.NextField(fields)
		if err != nil {
			panic(err)
		}
		if f.Tag == wire.TagTarget {
			return string(f.Value)
		}
		fields = rest
	}
	return ""
}

// do asks and reads the whole answer.
func (c *crowd) do(ctx context.Context, target string, body io.Reader) (string, error) {
	resp, err := c.Do(ctx, &Request{Authority: "route", Method: "POST", Target: target, Body: body, Caller: Caller{Workspace: "w", User: "alice"}})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// exchange does the same at the frame level.
func (c *crowd) exchange(ctx context.Context, target, body string) (string, error) {
	x := Exchange{Request: Request{Authority: "route", Method: "POST", Target: target, Caller: Caller{Workspace: "w", User: "alice"}}, Send: []byte(body)}
	err := c.Exchange(ctx, &x)
	return string(x.Body), err
}

// release lets the first instance answer once it carries n requests, of which
// some have come whole.
func (c *crowd) release(t *testing.T, n, whole int) {
	t.Helper()
	eventuallyTrue(t, "all are in", func() bool { return c.Stats().Streams == n && c.whole.Load() == int64(whole) })
	c.released.Store(true)
	pollNow(t, c.Guest)
}

// safeDoor answers and says what it is asked for changes nothing.
type safeDoor struct{ DoorFunc }

func (safeDoor) Safe(p Parent, r *Request) bool {
	return p.Extension == "crowd" && r.Authority == "safe"
}

func doorsOfCrowd(authority string) Door {
	answers := DoorFunc(func(context.Context, Parent, *Request) (*Response, error) { return &Response{Status: 204}, nil })
	switch authority {
	case "safe":
		return safeDoor{answers}
	case "other":
		return answers
	}
	return nil
}

func TestPoisonFailsAloneAndItsNeighboursAreAnswered(t *testing.T) {
	for name, body := range map[string]func(n int) io.Reader{
		"without bodies": func(int) io.Reader { return nil },
		"with bodies":    func(n int) io.Reader { return strings.NewReader(strings.Repeat(fmt.Sprint(n%10), 50_000)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := crowdOn(engineFor(t, doorsOfCrowd), Spec{Name: "crowd", Version: "1.0.0"})
			var wg sync.WaitGroup
			poisoned := make(chan error, 1)
			go func() {
				_, err := c.do(t.Context(), "/poison", body(0))
				poisoned <- err
			}()
			targets := []string{"/plain", "/knock/safe", "/knock/none"} // what is refused changes nothing either
			for n := range 49 {
				wg.Go(func() {
					target := targets[n%len(targets)]
					var raw []byte
					if b := body(n); b != nil {
						raw, _ = io.ReadAll(b)
					}
					want, got, err := answerTo(target, raw), "", error(nil)
					if n%4 == 0 && body(n) == nil {
						got, err = c.exchange(t.Context(), target, "")
					} else {
						got, err = c.do(t.Context(), target, body(n))
					}
					if err != nil || got != want {
						t.Errorf("%s: %q, %v", target, got, err)
					}
				})
			}
			c.release(t, 50, 50)
			wg.Wait()
			var f *Fault
			if err := <-poisoned; !errors.As(err, &f) || f.Class != FaultTrap {
				t.Errorf("the poisonous request ended with %v", err)
			}
			eventuallyTrue(t, "no instance is left", func() bool { return c.Stats().Instances == 0 })
			if s := c.Stats(); s.Faults != 2 || c.starts.Load() != 51 {
				t.Errorf("%d instances were started: %+v", c.starts.Load(), s)
			}
			if n := c.engine.kept.Load(); n != 0 {
				t.Errorf("%d bytes are still kept", n)
			}
		})
	}
}

func TestAsManyRunAgainAtATimeAsThereAreCores(t *testing.T) {
	c := crowdOn(engineFor(t, nil), Spec{Name: "crowd"})
	c.held.Store(true)
	go c.do(t.Context(), "/poison", nil)
	var wg sync.WaitGroup
	for range 19 {
		wg.Go(func() {
			if _, err := c.do(t.Context(), "/plain", nil); err != nil {
				t.Error(err)
			}
		})
	}
	c.release(t, 20, 20)
	eventuallyTrue(t, "every place is taken", func() bool { return c.Stats().Streams == runtime.GOMAXPROCS(0) })
	if n := c.starts.Load(); n != int64(1+runtime.GOMAXPROCS(0)) {
		t.Errorf("%d instances were started", n)
	}
	c.held.Store(false)
	eventuallyTrue(t, "all have ended", func() bool { pollNow(t, c.Guest); return c.starts.Load() == 21 && c.Stats().Instances == 0 })
	wg.Wait()
}

// TestPlaceIsHeldToTheAnswersEnd runs requests again whose heads come at once and
// whose bodies do not end.
func TestPlaceIsHeldToTheAnswersEnd(t *testing.T) {
	c := crowdOn(engineFor(t, nil), Spec{Name: "crowd", Limits: Limits{Deadline: -1}})
	cores := runtime.GOMAXPROCS(0)
	go c.do(t.Context(), "/poison", nil)
	heads := make(chan struct{}, 3*cores)
	var wg sync.WaitGroup
	for range 3 * cores {
		wg.Go(func() {
			resp, err := c.Do(t.Context(), &Request{Authority: "route", Method: "GET", Target: "/slow", Caller: Caller{Workspace: "w", User: "alice"}})
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			heads <- struct{}{}
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "/slow " {
				t.Errorf("it answered %q, %v", b, err)
			}
		})
	}
	eventuallyTrue(t, "all are in", func() bool { return c.Stats().Streams == 3*cores+1 })
	c.released.Store(true)
	pollNow(t, c.Guest)
	for range cores {
		<-heads
	}
	eventuallyTrue(t, "the poisonous request has ended", func() bool { return c.Stats().Streams == cores })
	if n := len(heads); n > 0 || c.alive.Load() != int64(cores) {
		t.Errorf("%d more were answered, %d instances run", n, c.alive.Load())
	}
	c.finished.Store(true)
	eventuallyTrue(t, "all have ended", func() bool {
		pollNow(t, c.Guest)
		return c.Stats().Instances == 0 && c.starts.Load() == int64(3*cores+2)
	})
	wg.Wait()
	if n := c.most.Load(); n != int64(cores) {
		t.Errorf("%d ran at once", n)
	}
}

// TestPlaceIsNotWaitedForLong has every place held for good.
func TestPlaceIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Guest{}
		s := &stream{inst: &instance{reruns: make(chan struct{}, 1)}, again: true}
		s.inst.reruns <- struct{}{}
		began := time.Now()
		var past reruns
		_, err := past.next(t.Context(), g, &Caller{}, s, ErrInterrupted)
		if !errors.Is(err, ErrInterrupted) || time.Since(began) != placeWait {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// TestPlaceOfWhatDoesNotStartIsFree has lone instances fail to start.
func TestPlaceOfWhatDoesNotStartIsFree(t *testing.T) {
	c := crowdOn(engineFor(t, nil), Spec{Name: "crowd"})
	start := c.source
	c.source = func(ctx context.Context) (machine.Code, error) {
		code, err := start(ctx)
		return starter(func(ctx context.Context, s machine.Start) (machine.Machine, error) {
			m, err := code.Start(ctx, s)
			if err == nil && !m.(*crowded).first {
				return nil, errors.New("unreachable")
			}
			return m, err
		}), err
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			var f *Fault
			if _, err := c.do(t.Context(), "/poison", nil); !errors.As(err, &f) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
	c.release(t, 20, 20)
	wg.Wait()
}

func TestWhatWasSeenIsNotRunAgain(t *testing.T) {
	c := crowdOn(engineFor(t, doorsOfCrowd), Spec{Name: "crowd"})
	go c.do(t.Context(), "/poison", nil)
	ended := map[string]chan error{}
	for what, ask := range map[string]func() error{
		"what another door was asked for":  func() error { _, err := c.do(t.Context(), "/knock/other", nil); return err },
		"a whole exchange that did so too": func() error { _, err := c.exchange(t.Context(), "/knock/other", ""); return err },
		"a body that is too long to keep": func() error {
			_, err := c.do(t.Context(), "/long", bytes.NewReader(make([]byte, maxKept+1)))
			return err
		},
	} {
		end := make(chan error, 1)
		ended[what] = end
		go func() { end <- ask() }()
	}
	c.release(t, 4, 4)
	for what, err := range ended {
		if err := <-err; !errors.Is(err, ErrInterrupted) || strings.Contains(err.Error(), "unreachable") {
			t.Errorf("%s ended with %v", what, err)
		}
	}
}

func TestLostMachineIsNobodysFault(t *testing.T) {
	c := crowdOn(engineFor(t, doorsOfCrowd), Spec{Name: "crowd"})
	var once atomic.Bool
	c.poison = func() error {
		if once.Swap(true) {
			return errors.New("unreachable")
		}
		return fmt.Errorf("the process: %w", machine.ErrLost)
	}
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			got, err := c.exchange(t.Context(), "/plain", fmt.Sprint(n))
			if want := fmt.Sprint("/plain ", n); err != nil || got != want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	unclean := make(chan error, 1)
	go func() {
		_, err := c.do(t.Context(), "/knock/other", nil)
		unclean <- err
	}()
	eventuallyTrue(t, "all are in", func() bool { return c.Stats().Streams == 21 })
	go c.do(t.Context(), "/poison", nil)
	c.release(t, 22, 22)
	wg.Wait()
	if err := <-unclean; !errors.Is(err, ErrInterrupted) || !errors.Is(err, machine.ErrLost) {
		t.Errorf("what cannot be run again ended with %v", err)
	}
	// The second time the poison is a fault, which stands until somebody is
	// answered after it.
	if h := c.Health(); len(h) > 1 || len(h) == 1 && h[0].Faults > 1 {
		t.Errorf("somebody is to blame: %+v", h)
	}
}

func TestAloneAndLostIsRunAgain(t *testing.T) {
	c := crowdOn(engineFor(t, nil), Spec{Name: "crowd"})
	c.released.Store(true)
	var losses atomic.Int64
	c.poison = func() error { losses.Add(1); return machine.ErrLost }
	if _, err := c.do(t.Context(), "/poison", nil); !errors.Is(err, ErrInterrupted) || losses.Load() != 2 {
		t.Errorf("after %d losses: %v", losses.Load(), err)
	}
	if s := c.Stats(); s.Faults != 0 {
		t.Errorf("%+v", s)
	}
}

// TestBodyIsReadOnWhereItStopped runs a request again while its client is still
// sending: what was read is said anew, and what comes then goes on.
func TestBodyIsReadOnWhereItStopped(t *testing.T) {
	c := crowdOn(engineFor(t, nil), Spec{Name: "crowd"})
	from, to := io.Pipe()
	answer := make(chan string, 1)
	go func() {
		got, err := c.do(t.Context(), "/plain", from)
		answer <- fmt.Sprint(got, err)
	}()
	if _, err := io.WriteString(to, "one "); err != nil {
		t.Fatal(err)
	}
	go c.do(t.Context(), "/poison", nil)
	c.release(t, 2, 1) // the pump waits in Read for what comes next
	eventuallyTrue(t, "it is running again", func() bool { return c.starts.Load() >= 3 && c.Stats().Streams == 1 })
	for _, s := range []string{"two ", "three"} {
		if _, err := io.WriteString(to, s); err != nil {
			t.Fatal(err)
		}
	}
	to.Close()
	if got := <-answer; got != "/plain one two three<nil>" {
		t.Errorf("it answered %q", got)
	}
}

func TestRunAgainKeepsItsDeadline(t *testing.T) {
	c := crowdOn(engineFor(t, nil), Spec{Name: "crowd"})
	deadline := time.Now().Add(time.Hour)
	r := &Request{Authority: "route", Method: "GET", Target: "/plain", Deadline: deadline}
	s := &stream{deadline: deadline.Add(-time.Minute)}
	if got := c.until(r, s, time.Now()); !got.Equal(s.deadline) {
		t.Errorf("until %v", got)
	}
	// A place that does not come within it is not waited for.
	full := &instance{reruns: make(chan struct{})}
	late := &stream{inst: full, again: true, deadline: time.Now().Add(-time.Second)}
	var past reruns
	if _, err := past.next(t.Context(), c.Guest, &r.Caller, late, ErrInterrupted); !errors.Is(err, ErrInterrupted) {
		t.Errorf("it waited, and ended with %v", err)
	}
}

func FuzzKeptBody(f *testing.F) {
	f.Add(uint16(3), uint16(70), uint16(200), []byte{5, 0, 9, 1})
	f.Fuzz(func(t *testing.T, chunk, seen, size uint16, again []byte) {
		text := make([]byte, 1+int(size)*3)
		for n := range text {
			text[n] = byte(n * 7)
		}
		e := &Engine{}
		body := e.keep(&Request{Body: bytes.NewReader(text)})
		r := body.reader()
		buf := make([]byte, 1+int(chunk)%4096)
		for _, n := range again {
			for range n {
				if _, err := r.Read(buf); err != nil {
					break
				}
			}
			if !body.whole() {
				break
			}
			if e.kept.Load() > maxKept {
				t.Fatalf("%d bytes are kept", e.kept.Load())
			}
			late := r
			r = body.reader()
			late.Read(buf) // what it had begun to read
		}
		if !body.whole() {
			return
		}
		body.done()
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(text), err)
		}
		if e.kept.Load() != 0 || len(body.kept) != 0 {
			t.Errorf("%d bytes are kept, %d of the body", e.kept.Load(), len(body.kept))
		}
	})
}
