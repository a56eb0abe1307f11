// Many streams and long ones: what an instance carries, and that it costs no
// more than it may. -short scales the numbers down.
package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// scaled is long, or short with -short.
func scaled(long, short int) int {
	if testing.Short() {
		return short
	}
	return long
}

// heap is what the host's heap holds now.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools keep outlives one
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestTenThousandRequestsWaitInOneInstance(t *testing.T) {
	requests := scaled(10_000, 500)
	f := start(t, sandbox.Options{})
	release := make(chan struct{})
	f.setDoor(func(ctx context.Context, _ sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		select {
		case <-release:
			return whole(r.Target), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	g := f.load("kit", func(s *sandbox.Spec) {
		s.Limits = unheld(sandbox.Limits{Memory: 512 << 20, Streams: 25_000, Deadline: -1})
	})
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			if got, err := get(t.Context(), g, "/two"); err != nil || got != "/part/0 /part/1" {
				t.Errorf("it answered %q, %v", got, err)
			}
		})
	}
	eventually(t, "all wait", func() bool { s := g.Stats(); return s.Streams == requests && s.Children == 2*requests })
	// 4 KiB of stack for each request and 2 for each of its two questions, where
	// the SDK is shallow enough; with 4 for those it would be 180 MiB.
	if memory := g.Stats().Memory; requests == 10_000 && memory > 168<<20 {
		t.Errorf("%d requests wait in %d MiB", requests, memory>>20)
	}
	t.Logf("%d requests wait in %d MiB", requests, g.Stats().Memory>>20)
	close(release)
	wg.Wait()
	if s := g.Stats(); s.Instances != 1 || s.Streams != 0 || s.Children != 0 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
	// A collection walks 30,000 stacks; with one each time that the heap doubles it
	// would be 300,000 units.
	used, _ := g.Usage()
	if each := used.Units / uint64(requests); requests == 10_000 && each > 220_000 {
		t.Errorf("a request took %d units", each)
	}
}

// zeros is an endless body that counts.
type zeros struct{ read atomic.Int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.read.Add(int64(len(p)))
	return len(p), nil
}

// bounded reads a body to its end and gives the most that guest and host held.
func bounded(body io.Reader, g *sandbox.Guest) (n int64, guest, host uint64, err error) {
	buf, look := make([]byte, 64<<10), int64(0)
	for {
		k, rerr := body.Read(buf)
		n += int64(k)
		if look -= int64(k); look <= 0 || rerr != nil {
			look = 16 << 20
			guest, host = max(guest, g.Stats().Memory), max(host, heap())
		}
		if rerr == io.EOF {
			return n, guest, host, nil
		}
		if rerr != nil {
			return n, guest, host, rerr
		}
	}
}

func TestGigabyteFlowsThroughAGuestBothWaysInBoundedMemory(t *testing.T) {
	size := int64(scaled(1<<30, 32<<20))
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits = unheld(sandbox.Limits{Memory: 32 << 20, Deadline: -1}) })
	if _, err := get(t.Context(), g, "/count"); err != nil {
		t.Fatal(err)
	}
	before := heap()
	resp, err := g.Do(t.Context(), request("POST", "/echo", io.LimitReader(&zeros{}, size)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, guest, host, err := bounded(resp.Body, g)
	if err != nil || n != size {
		t.Fatalf("%d of %d bytes came back: %v", n, size, err)
	}
	if guest > 24<<20 || host > before+8<<20 {
		t.Errorf("the guest held %d MiB, the host %d MiB more than before", guest>>20, (host-before)>>20)
	}
}

func TestSplicedGigabyteLeavesTheGuestAsleep(t *testing.T) {
	polls := map[int64]uint64{}
	sizes := []int64{1 << 20, int64(scaled(1<<30, 32<<20))}
	for _, size := range sizes {
		f := start(t, sandbox.Options{})
		f.setDoor(func(context.Context, sandbox.Parent, *sandbox.Request) (*sandbox.Response, error) {
			return &sandbox.Response{Status: 200, Body: io.NopCloser(io.LimitReader(&zeros{}, size))}, nil
		})
		g := f.load("raw", func(s *sandbox.Spec) { s.Limits = unheld(sandbox.Limits{Deadline: -1}) })
		before := heap()
		resp, err := g.Do(t.Context(), request("GET", "/splice", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		n, _, host, err := bounded(resp.Body, g)
		if err != nil || n != size || host > before+8<<20 {
			t.Fatalf("%d of %d bytes came, with %d MiB more in the host: %v", n, size, int64(host-before)>>20, err)
		}
		eventually(t, "both streams are gone", func() bool { s := g.Stats(); return s.Streams == 0 && s.Children == 0 })
		polls[size] = g.Stats().Polls
	}
	// OPEN; HEAD and what came with it; WINDOW of that; END.
	if a, b := polls[sizes[0]], polls[sizes[1]]; b > 8 || a > 8 {
		t.Errorf("%d bytes took %d polls, %d bytes %d", sizes[0], a, sizes[1], b)
	}
}

// leaver is a request's body that cancels its request when it is first read: the
// stream is open by then.
type leaver struct{ cancel context.CancelFunc }

func (l leaver) Read([]byte) (int, error) {
	l.cancel()
	return 0, io.EOF
}

func TestHundredThousandOpenedAndResetLeaveNothing(t *testing.T) {
	requests := scaled(100_000, 5000)
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Limits = unheld(sandbox.Limits{Memory: 32 << 20, Streams: 1000}) })
	if got, err := get(t.Context(), g, "/count"); err != nil || got != "1" {
		t.Fatal(got, err)
	}
	flood := func(n int) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for k := 0; k < n/50; {
					ctx, cancel := context.WithCancel(t.Context())
					_, err := g.Do(ctx, request("POST", "/hold", leaver{cancel}))
					switch {
					case errors.Is(err, context.Canceled):
						k++
					case errors.Is(err, sandbox.ErrBusy): // the slots wait for the guest's answers
						eventually(t, "a slot is free", func() bool { return g.Stats().Streams < 500 })
					default:
						t.Errorf("it ended with %v", err)
						return
					}
					cancel()
				}
			})
		}
		wg.Wait()
		eventually(t, "all slots are free", func() bool { return g.Stats().Streams == 0 })
	}
	flood(1000)
	before := heap()
	flood(requests)
	if got, err := get(t.Context(), g, "/count"); err != nil || got != "2" {
		t.Errorf("afterwards it answers %q, %v: a new instance, or none", got, err)
	}
	s, after := g.Stats(), heap()
	if s.Requests < uint64(requests) || s.Faults != 0 || s.Memory > 32<<20 || after > before+4<<20 {
		t.Errorf("%+v; the host holds %d KiB, before %d KiB", s, after>>10, before>>10)
	}
	t.Logf("the guest holds %d MiB", s.Memory>>20)
}

func TestTwoThousandUnreadBodiesStayWithinTheLimit(t *testing.T) {
	const unread = 2000 // half of them the guest's, half of them ours
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) {
		s.Limits = unheld(sandbox.Limits{Memory: 64 << 20, Streams: unread + 10, Deadline: -1})
	})
	if _, err := get(t.Context(), g, "/count"); err != nil {
		t.Fatal(err)
	}
	before := heap()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	bodies := make(chan io.Closer, unread)
	sent := &zeros{}
	for n := range unread {
		wg.Go(func() {
			if n%2 == 0 {
				if _, err := g.Do(ctx, request("POST", "/hold", sent)); !errors.Is(err, context.Canceled) {
					t.Errorf("an unread request ended with %v", err)
				}
			} else if resp, err := g.Do(ctx, request("GET", "/forever", nil)); err != nil {
				t.Errorf("an unread answer: %v", err)
			} else {
				bodies <- resp.Body
			}
		})
	}
	// Both windows of the instance are a quarter of its memory.
	eventually(t, "the windows are full", func() bool {
		return g.Stats().Buffered > 15<<20 && sent.read.Load() > 14<<20
	})
	s := g.Stats()
	if s.Streams > unread || s.Buffered > 16<<20 || s.Memory > 64<<20 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
	t.Logf("the guest holds %d MiB, the host %d MiB more than before", s.Memory>>20, (heap()-before)>>20)
	cancel()
	wg.Wait()
	close(bodies)
	for b := range bodies {
		b.Close()
	}
	eventually(t, "all slots are free", func() bool { s := g.Stats(); return s.Streams == 0 && s.Buffered == 0 })
	if got, err := get(t.Context(), g, "/count"); err != nil || got != "2" {
		t.Errorf("afterwards it answers %q, %v: a new instance, or none", got, err)
	}
	if after := heap(); after > before+8<<20 {
		t.Errorf("the host holds %d KiB, before %d KiB", after>>10, before>>10)
	}
}

func TestIdleWatchesArePolledNever(t *testing.T) {
	watches := scaled(1000, 200)
	f := start(t, sandbox.Options{})
	f.setDoor(func(ctx context.Context, _ sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
		pr, pw := io.Pipe()
		context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
		go fmt.Fprintln(pw, "first")
		return &sandbox.Response{Status: 200, Body: pr}, nil
	})
	g := f.load("kit", func(s *sandbox.Spec) {
		s.Limits = unheld(sandbox.Limits{Memory: 128 << 20, Streams: watches + 10, Deadline: -1})
	})
	other := f.load("raw", nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for range watches {
		wg.Go(func() {
			resp, err := g.Do(ctx, request("GET", "/follow", nil))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, len("first\n"))); err != nil {
				t.Error(err)
			}
			context.AfterFunc(ctx, func() { resp.Body.Close() })
		})
	}
	wg.Wait()
	polls := uint64(0)
	eventually(t, "nothing is left to say", func() bool {
		was := polls
		polls = g.Stats().Polls
		return polls == was
	})
	for range 300 { // time passes, as another guest's polls
		if _, err := get(t.Context(), other, "/wake"); err != nil {
			t.Fatal(err)
		}
	}
	if s := g.Stats(); s.Polls != polls || s.Streams != watches || s.Children != watches {
		t.Errorf("it was polled %d times: %+v", s.Polls-polls, s)
	}
}
