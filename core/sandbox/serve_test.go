// A well-behaved guest is served as net/http programs are: streams both ways,
// many at once, cancelled when nobody listens any more.
package sandbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestHandlerAnswersThroughNetHTTP(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	resp, err := g.Do(t.Context(), request("GET", "/json/bob", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.Status != 200 || strings.TrimSpace(string(b)) != `{"hello":"bob","user":"alice"}` {
		t.Errorf("it answered %d %s, %v", resp.Status, b, err)
	}
	if len(resp.Header) != 1 || resp.Header[0] != (wire.Header{Name: "Content-Type", Value: "application/json"}) {
		t.Errorf("its header is %v", resp.Header)
	}
	if text, err := get(t.Context(), g, "/nowhere"); err != nil || !strings.Contains(text, "404") {
		t.Errorf("an unknown path answered %q, %v", text, err)
	}
}

func TestHandlerKnowsForWhomItAnswers(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Settings = map[string]string{"color": "blue"} })
	r := request("GET", "/caller", nil)
	r.Authority, r.RequestID, r.Locale = "fragment", "req-1", "zh"
	r.Caller.Groups = []string{"a", "b"}
	r.Caller.Project, r.Caller.ProjectUID, r.Caller.Cluster = "p", "p-1", "local"
	resp, err := g.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct {
		Caller struct {
			User, UserUID, Workspace, WorkspaceUID, Project, ProjectUID, Cluster, RequestID, Locale string
			Groups                                                                                  []string
		}
		Authority string
		Deadline  bool
		Args, Env int
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	c := got.Caller
	if c.User != "alice" || c.UserUID != "u-1" || c.Workspace != "w" || c.WorkspaceUID != "w-1" || c.Project != "p" || c.ProjectUID != "p-1" ||
		c.Cluster != "local" || c.RequestID != "req-1" || c.Locale != "zh" || fmt.Sprint(c.Groups) != "[a b]" {
		t.Errorf("the caller is %+v", c)
	}
	if got.Authority != "fragment" || !got.Deadline || got.Env != 0 {
		t.Errorf("it knows %+v", got)
	}
	if v, err := get(t.Context(), g, "/setting/color"); err != nil || v != "bluetrue" {
		t.Errorf("the setting is %q, %v", v, err)
	}
}

func TestBodiesStreamBothWaysWithTrailers(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	const size = 5 << 20 // many windows
	in := &meter{r: io.LimitReader(rand.NewChaCha8([32]byte{1}), size)}
	want := sha256.New()
	resp, err := g.Do(t.Context(), request("POST", "/echo", io.TeeReader(in, want)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := sha256.New()
	n, err := io.Copy(got, resp.Body)
	if err != nil || n != size {
		t.Fatalf("%d of %d bytes came back: %v", n, size, err)
	}
	if !bytes.Equal(want.Sum(nil), got.Sum(nil)) {
		t.Error("the bytes changed on the way")
	}
	if tr := resp.Trailer(); len(tr) != 1 || tr[0].Name != "X-Sum" || tr[0].Value != fmt.Sprint(size, " <nil>") {
		t.Errorf("the trailers are %v", tr)
	}
}

type meter struct {
	r    io.Reader
	read atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.read.Add(int64(n))
	return n, err
}

func TestSlowReaderHoldsAtMostItsWindow(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits.Deadline = -1 })
	resp, err := g.Do(t.Context(), request("GET", "/forever", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the window is full", func() bool { return g.Stats().Buffered > wire.StreamWindow*3/4 })
	// Whatever else happens in the instance, nothing more of it arrives.
	polls := g.Stats().Polls
	for range 20 {
		if _, err := get(t.Context(), g, "/count"); err != nil {
			t.Fatal(err)
		}
	}
	s := g.Stats()
	if s.Buffered > wire.StreamWindow {
		t.Errorf("%d bytes wait for the slow reader; its window is %d", s.Buffered, wire.StreamWindow)
	}
	if s.Polls == polls {
		t.Error("the instance did not run meanwhile: the test sees nothing")
	}
	// It goes on where it stopped when the reader reads.
	got := make([]byte, 4*wire.StreamWindow)
	if _, err := io.ReadFull(resp.Body, got); err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(string(got), "\n") {
		if want := fmt.Sprintf("line %d ", n); n < 100 && !strings.HasPrefix(line, want) {
			t.Fatalf("line %d is %q", n, line)
		}
	}
}

func TestSlowReaderHoldsBackTheDoorBehindIt(t *testing.T) {
	f := start(t, sandbox.Options{})
	source := &meter{r: endless{}}
	f.setDoor(func(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		return &sandbox.Response{Status: 200, Body: io.NopCloser(source)}, nil
	})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits.Deadline = -1 })
	resp, err := g.Do(t.Context(), request("GET", "/follow", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the window is full", func() bool { return g.Stats().Buffered >= wire.StreamWindow*3/4 })
	for range 20 {
		if _, err := get(t.Context(), g, "/count"); err != nil {
			t.Fatal(err)
		}
	}
	// The reader's window, the guest's window of the door's answer, what the
	// guest's copy holds between them, and what the door's sender holds.
	const most = 2*wire.StreamWindow + 32<<10 + 2*16<<10
	if n := source.read.Load(); n > most {
		t.Errorf("%d bytes were read from behind the door for a reader that reads nothing; at most %d are on the way", n, most)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = 'x'
	}
	return len(p), nil
}

func TestTwoCallsOfOneRequestRunAtOnce(t *testing.T) {
	f := start(t, sandbox.Options{})
	var both sync.WaitGroup
	both.Add(2)
	f.setDoor(func(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		both.Done()
		met := make(chan struct{})
		go func() { both.Wait(); close(met) }()
		select {
		case <-met: // each answers only when the other is there too
			return whole(r.Target), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	g := f.load("kit", nil)
	got, err := get(t.Context(), g, "/two")
	if err != nil || got != "/part/0 /part/1" {
		t.Errorf("it answered %q, %v", got, err)
	}
}

func TestDoorActsForTheParentsCaller(t *testing.T) {
	f := start(t, sandbox.Options{})
	type seen struct {
		parent sandbox.Parent
		r      *sandbox.Request
		body   string
	}
	saw := make(chan seen, 1)
	f.setDoor(func(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		saw <- seen{p, r, string(body)}
		return &sandbox.Response{Status: 201, Header: []wire.Header{{Name: "X-Answer", Value: "1"}}}, nil
	})
	g := f.load("kit", nil)
	r := request("POST", "/send", strings.NewReader("a body"))
	r.Value, r.RequestID = "for doors only", "req-7"
	resp, err := g.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Status != 201 {
		t.Errorf("the status is %d", resp.Status)
	}
	s := <-saw
	if s.r.Authority != "kubernetes" || s.r.Method != "POST" || s.r.Target != "/sink" || s.body != "a body" {
		t.Errorf("the door saw %+v with body %q", s.r, s.body)
	}
	if s.r.Caller.UserUID != "u-1" || s.r.RequestID != "req-7" || s.parent.Request.Value != "for doors only" || s.parent.Extension != "kit" || s.parent.Version != "1.0.0" {
		t.Errorf("the door acts for %+v, parent %+v", s.r, s.parent)
	}
}

func TestRefusedDoorsAnswerTheirCodes(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	for name, c := range map[string]struct {
		door   sandbox.DoorFunc
		target string
		want   string
	}{
		"no such door": {nil, "/ask/nothing", "reset denied"},
		"a typed refusal": {func(context.Context, sandbox.Parent, *sandbox.Request) (*sandbox.Response, error) {
			return nil, &sandbox.ResetError{Code: wire.NotFound}
		}, "/ask/kubernetes", "reset not_found"},
		"an error": {func(context.Context, sandbox.Parent, *sandbox.Request) (*sandbox.Response, error) {
			return nil, errors.New("password is secret")
		}, "/ask/kubernetes", "reset internal"},
		"a panic": {func(context.Context, sandbox.Parent, *sandbox.Request) (*sandbox.Response, error) {
			panic("on purpose")
		}, "/ask/kubernetes", "reset internal"},
		"nothing": {func(context.Context, sandbox.Parent, *sandbox.Request) (*sandbox.Response, error) { return nil, nil }, "/ask/kubernetes", "reset internal"},
		"a broken body": {func(context.Context, sandbox.Parent, *sandbox.Request) (*sandbox.Response, error) {
			return &sandbox.Response{Status: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader("half"), broken{}))}, nil
		}, "/ask/kubernetes", "200 half the stream was reset: internal"},
	} {
		t.Run(name, func(t *testing.T) {
			f.setDoor(c.door)
			got, err := get(t.Context(), g, c.target)
			// A body that breaks off may have been reset before its first part was read.
			if err != nil || got != c.want && got != strings.Replace(c.want, "half", "", 1) && !(name == "a broken body" && got == "reset internal") {
				t.Errorf("it answered %q, %v; want %q", got, err, c.want)
			}
			if strings.Contains(got, "secret") {
				t.Error("the guest was told what the host's error says")
			}
		})
	}
	if got, err := get(t.Context(), g, "/orphan"); err != nil || got != "true" {
		t.Errorf("a request without a parent: %q, %v", got, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broke off") }

// TestCancelledFollowersCancelTheirDoors opens 200 log streams in one workspace,
// sees one instance carry them, and cancels them in three ways.
func TestCancelledFollowersCancelTheirDoors(t *testing.T) {
	f := start(t, sandbox.Options{})
	var open, ended atomic.Int64
	f.setDoor(func(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		open.Add(1)
		pr, pw := io.Pipe()
		go func() {
			fmt.Fprintln(pw, "first line of", r.Target)
			<-ctx.Done()
			ended.Add(1)
			pw.CloseWithError(ctx.Err())
		}()
		return &sandbox.Response{Status: 200, Body: pr}, nil
	})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits.Deadline = -1 })
	const followers = 200
	type follower struct {
		resp   *sandbox.Response
		cancel context.CancelFunc
	}
	all := make([]follower, followers)
	var wg sync.WaitGroup
	for n := range all {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			resp, err := g.Do(ctx, request("GET", fmt.Sprintf("/follow?n=%d", n), nil))
			if err != nil {
				t.Error(err)
				cancel()
				return
			}
			line := make([]byte, 14)
			if _, err := io.ReadFull(resp.Body, line); err != nil || string(line) != "first line of " {
				t.Errorf("follower %d read %q, %v", n, line, err)
			}
			all[n] = follower{resp, cancel}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	if s := g.Stats(); s.Instances != 1 || s.Streams != followers || s.Children != followers {
		t.Errorf("%d instances carry %d streams and %d children", s.Instances, s.Streams, s.Children)
	}
	for n, one := range all[:150] {
		if n%2 == 0 {
			one.cancel()
		} else {
			one.resp.Body.Close()
		}
	}
	eventually(t, "the doors of the cancelled have ended", func() bool { return ended.Load() == 150 })
	if _, err := all[0].resp.Body.Read(make([]byte, 100)); !errors.Is(err, context.Canceled) {
		// What had arrived before may still be read, but not more than that.
		if _, err = io.ReadAll(all[0].resp.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled body reads %v", err)
		}
	}
	eventually(t, "their slots are free, and the others run", func() bool {
		s := g.Stats()
		return s.Streams == 50 && s.Children == 50
	})
	for _, one := range all[150:] {
		one.resp.Body.Close()
		one.cancel()
	}
	eventually(t, "all are gone", func() bool { s := g.Stats(); return s.Streams == 0 && s.Children == 0 && s.Buffered == 0 })
	if len(f.faultsSeen()) > 0 {
		t.Errorf("faults: %v", f.faultsSeen())
	}
}

func TestThousandOpenedAndResetFreeTheirSlots(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits.Streams = 100 })
	for range 1000 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if _, err := get(ctx, g, "/sleep/60000"); !errors.Is(err, context.Canceled) && !errors.Is(err, sandbox.ErrBusy) {
			t.Fatal(err)
		}
	}
	eventually(t, "all slots are free", func() bool { return g.Stats().Streams == 0 })
	if got, err := get(t.Context(), g, "/count"); err != nil || got != "1" {
		t.Errorf("afterwards it answers %q, %v: a new instance, or none", got, err)
	}
}

func TestMoreStreamsThanTheLimitAreRefused(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits.Streams = 5 })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 5 {
		wg.Go(func() { get(ctx, g, "/sleep/60000") })
	}
	eventually(t, "five are open", func() bool { return g.Stats().Streams == 5 })
	if _, err := get(t.Context(), g, "/count"); !errors.Is(err, sandbox.ErrBusy) {
		t.Errorf("the sixth: %v", err)
	}
	cancel()
}

func TestDeadlineEndsTheStreamAndItsDoors(t *testing.T) {
	f := start(t, sandbox.Options{})
	ended := make(chan error, 1)
	f.setDoor(func(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	})
	g := f.load("kit", nil)
	if _, err := get(t.Context(), g, "/count"); err != nil { // loaded
		t.Fatal(err)
	}
	r := request("GET", "/follow", nil)
	r.Deadline = time.Now().Add(50 * time.Millisecond)
	_, err := g.Do(t.Context(), r)
	var reset *sandbox.ResetError
	if !errors.As(err, &reset) || reset.Code != wire.Deadline {
		t.Errorf("the stream ended with %v", err)
	}
	<-ended
	eventually(t, "its slot is free", func() bool { return g.Stats().Streams == 0 })
}

func TestTimersFireByThemselves(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	got, err := get(t.Context(), g, "/sleep/30")
	var ms int
	if _, serr := fmt.Sscan(got, &ms); err != nil || serr != nil || ms < 30 {
		t.Errorf("it slept %q ms, %v", got, err)
	}
	// An instance that waits is not polled meanwhile.
	before := g.Stats().Polls
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { get(ctx, g, "/sleep/60000"); close(done) }()
	eventually(t, "it sleeps", func() bool { return g.Stats().Streams == 1 && g.Stats().Polls > before })
	polls := g.Stats().Polls
	if _, err := get(t.Context(), g, "/sleep/20"); err != nil {
		t.Fatal(err)
	}
	if n := g.Stats().Polls - polls; n > 6 {
		t.Errorf("%d polls for one request of 20 ms beside a sleeping one", n)
	}
	cancel()
	<-done
}

func TestClockStandsStillDuringAPoll(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	if got, err := get(t.Context(), g, "/clock"); err != nil || got != "0s" {
		t.Errorf("a hundred thousand rounds took %q, %v", got, err)
	}
}

func TestPanicEndsItsRequestAlone(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	if _, err := get(t.Context(), g, "/count"); err != nil {
		t.Fatal(err)
	}
	var reset *sandbox.ResetError
	if _, err := get(t.Context(), g, "/panic"); !errors.As(err, &reset) || reset.Code != wire.Internal {
		t.Errorf("the request ended with %v", err)
	}
	if got, err := get(t.Context(), g, "/count"); err != nil || got != "2" {
		t.Errorf("the instance went too: %q, %v", got, err)
	}
	eventually(t, "the log names the extension and the panic", func() bool {
		text := f.logs.String()
		return strings.Contains(text, "on purpose") && strings.Contains(text, "extension=kit")
	})
}

func TestUnreadBodyIsStopped(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	resp, err := g.Do(t.Context(), request("POST", "/ignore", endless{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil || resp.Status != 413 {
		t.Errorf("it answered %d, %v", resp.Status, err)
	}
	resp.Body.Close()
	eventually(t, "its slot is free", func() bool { return g.Stats().Streams == 0 })
}

func TestGuestsLogsAreTheHosts(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	if _, err := get(t.Context(), g, "/log"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both lines are there", func() bool {
		text := f.logs.String()
		return strings.Contains(text, `says.text="from the guest"`) && strings.Contains(text, "says.n=1") &&
			strings.Contains(text, "level=WARN") && strings.Contains(text, `says.text="to stderr"`)
	})
}

func TestExchangeAnswersWholeAndReuses(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	var x sandbox.Exchange
	x.Request = *request("POST", "/frame", nil)
	for n := range 100 {
		x.Send = fmt.Appendf(x.Send[:0], "body %d", n)
		if err := g.Exchange(t.Context(), &x); err != nil || x.Status != 200 || string(x.Body) != string(x.Send) {
			t.Fatalf("call %d: %d %q, %v", n, x.Status, x.Body, err)
		}
	}
	x.Request.Method, x.Request.Target, x.Send = "GET", "/json/eve", nil
	if err := g.Exchange(t.Context(), &x); err != nil || !strings.Contains(string(x.Body), "eve") {
		t.Errorf("through net/http: %q, %v", x.Body, err)
	}
	if v, ok := x.Header("content-type"); !ok || v != "application/json" {
		t.Errorf("its content type is %q", v)
	}
	x.Request.Target = "/big" // longer than a window
	if err := g.Exchange(t.Context(), &x); err != nil || len(x.Body) != 300<<10 {
		t.Errorf("a long answer: %d bytes, %v", len(x.Body), err)
	}
	x.MaxBody = 1000
	var reset *sandbox.ResetError
	if err := g.Exchange(t.Context(), &x); !errors.As(err, &reset) || reset.Code != wire.TooLarge {
		t.Errorf("an answer that is too long: %v", err)
	}
	x.MaxBody, x.Request.Target = 0, "/sleep/60000"
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := g.Exchange(ctx, &x); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled exchange: %v", err)
	}
	eventually(t, "the slots are free", func() bool { return g.Stats().Streams == 0 })
	if n := testing.AllocsPerRun(1000, func() {
		x.Request.Method, x.Request.Target, x.Send = "POST", "/frame", x.Send[:0]
		if err := g.Exchange(t.Context(), &x); err != nil {
			t.Fatal(err)
		}
	}); n > 0.5 {
		t.Errorf("a warm call allocates %v times in the host", n)
	}
}

func TestManyCallersShareAnInstance(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			var x sandbox.Exchange
			for k := range 50 {
				if n%2 == 0 {
					if got, err := get(t.Context(), g, fmt.Sprintf("/json/%d-%d", n, k)); err != nil || !strings.Contains(got, fmt.Sprintf("%d-%d", n, k)) {
						t.Errorf("%q, %v", got, err)
					}
					continue
				}
				x.Request = *request("POST", "/frame", nil)
				x.Send = fmt.Appendf(nil, "%d-%d", n, k)
				if err := g.Exchange(t.Context(), &x); err != nil || string(x.Body) != string(x.Send) {
					t.Errorf("%q, %v", x.Body, err)
				}
			}
		})
	}
	wg.Wait()
	if s := g.Stats(); s.Instances != 1 || s.Streams != 0 || s.Requests != 800 {
		t.Errorf("%+v", s)
	}
}
