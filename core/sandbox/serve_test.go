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

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = 'x'
	}
	return len(p), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broke off") }

// TestCancelledFollowersCancelTheirDoors opens 200 log streams in one workspace,
// sees one instance carry them, and cancels them in three ways.
func TestThousandOpenedAndResetFreeTheirSlots(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits.Streams, s.Limits.Instances = 100, 1 })
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
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits.Streams, s.Limits.Instances = 5, 1 })
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
