// Requests of the host: net/http in, with streams, windows, trailers, and every
// way to end early.
package atoll_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/atolltest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func TestTrailersGoBothWays(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, declared := r.Trailer["X-In"]
		b, err := io.ReadAll(r.Body)
		fmt.Fprint(w, declared, string(b), err)
		w.Header().Set("X-Sum", r.Trailer.Get("X-In"))
		w.Header().Set(http.TrailerPrefix+"X-Late", "late")
	}), func(c *talk) {
		c.expect(c.say(open(1, "POST", "/", "Trailer", "X-In"), data(1, "body")))
		c.expect(c.say(end(1, "X-In", "7")),
			"HEAD 1 200 Content-Type: text/plain; charset=utf-8 Trailer: X-Sum", "DATA 1 truebody<nil>", "END 1 X-Late: late X-Sum: 7")
	})
}

func TestBadHeadersResetTheirStream(t *testing.T) {
	for _, h := range [][2]string{{"", "x"}, {"A B", "x"}, {"A:", "x"}, {"A", "x\r\nB: c"}, {"A", "x\x00y"}, {"Ä", "x"}} {
		converse(t, patient, func(c *talk) {
			c.expect(c.say(open(1, "GET", "/", h[0], h[1])), "RESET 1 invalid a header")
			c.expect(c.say(open(3, "GET", "/")))
			c.expect(c.say(end(3, h[0], h[1])), "RESET 3 invalid a trailer")
			c.expect(c.say(reset(3, wire.Invalid), reset(1, wire.Invalid)))
		})
	}
}

func TestUnknownFieldsAreSkippedOrRefused(t *testing.T) {
	for flags, want := range map[uint16]string{0: "", wire.CriticalField: "unsupported an unknown critical field"} {
		later := wire.AppendField(nil, 999, flags, []byte("later"))
		expect := func(c *talk, got []string, id int, otherwise ...string) {
			c.Helper()
			if want != "" {
				otherwise = []string{fmt.Sprintf("RESET %d %s", id, want)}
			}
			c.expect(got, otherwise...)
		}
		converse(t, patient, func(c *talk) {
			target := wire.AppendText(bytes.Clone(later), wire.TagTarget, "/")
			expect(c, c.say(frame(wire.Open, 1, string(target))), 1)
			c.say(open(3, "POST", "/"))
			expect(c, c.say(frame(wire.End, 3, string(later))), 3)
		})
		converse(t, patient, func(c *talk) {
			c.say(get(1, "/ask"))
			got := c.say(frame(wire.Head, 2, string(append(wire.AppendU16(nil, wire.TagStatus, 200), later...))))
			if want == "" {
				c.expect(got)
			} else {
				c.expect(got, "RESET 2 "+want, "RESET 1 internal the handler gave up")
			}
		})
	}
}

func TestResetInTheSameBatchStartsNothing(t *testing.T) {
	converse(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a handler runs") }), func(c *talk) {
		c.expect(c.say(get(1, "/"), reset(1, wire.Cancelled)), "RESET 1 cancelled")
	})
}

func TestResetIsAnsweredWhenTheHandlerReturns(t *testing.T) {
	release := make(chan struct{})
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		if r.Context().Err() != context.DeadlineExceeded {
			t.Errorf("the context ended with %v", r.Context().Err())
		}
		<-release
		if _, err := w.Write([]byte("x")); err == nil {
			t.Error("a write after the reset is taken")
		}
	}), func(c *talk) {
		release = make(chan struct{})
		c.expect(c.say(get(1, "/")))
		c.expect(c.say(reset(1, wire.Deadline)))
		c.expect(c.say())
		close(release)
		c.expect(c.say(), "RESET 1 cancelled")
		c.expect(c.say())
	})
}

func TestResetsThatCrossAreEachOthersAnswer(t *testing.T) {
	release := make(chan struct{})
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		panic(http.ErrAbortHandler)
	}), func(c *talk) {
		release = make(chan struct{})
		c.expect(c.say(get(1, "/")))
		close(release)
		c.expect(c.say(), "RESET 1 internal the handler gave up")
		c.expect(c.say(reset(1, wire.Cancelled)))
	})
}

func TestBodiesWaitForTheirWindows(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "x")
		w.Write(make([]byte, 100<<10))
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "HEAD 1 200 Content-Type: x", "DATA 1 32768 bytes")
		c.expect(c.say(window(0, 1<<20)))
		c.expect(c.say(window(1, 50)), "DATA 1 50 bytes")
		c.expect(c.say(window(1, 20<<10), window(1, 1<<20)), "DATA 1 65536 bytes", "DATA 1 4046 bytes", "END 1")
	})
}

func TestReadersGiveWindowsBack(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	}), func(c *talk) {
		half := strings.Repeat("x", wire.StreamWindow/2)
		c.expect(c.say(open(1, "POST", "/"), data(1, half)), "WINDOW 1 16384")
		c.expect(c.say(data(1, half), data(1, "xx")), "WINDOW 1 16386")
		for n := 3; n < memory/16/len(half); n++ {
			c.expect(c.say(data(1, half)), "WINDOW 1 16384")
		}
		c.expect(c.say(data(1, half)), "WINDOW 1 16384", fmt.Sprint("WINDOW 0 ", memory/16+2))
		c.expect(c.say(end(1)), "HEAD 1 200 Content-Type: text/plain; charset=utf-8", fmt.Sprintf("DATA 1 %d <nil>", memory/16+2), "END 1")
	})
}

func TestWhatNobodyReadsIsCreditedAtOnce(t *testing.T) {
	half := strings.Repeat("x", wire.StreamWindow/2)
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/close" {
			r.Body.Close()
			<-r.Context().Done()
		}
	}), func(c *talk) {
		window := fmt.Sprint("WINDOW 0 ", memory/16)
		id, credit := uint32(1), 0
		expect := func(got []string, want ...string) {
			c.Helper()
			if credit += len(half); credit == memory/16 {
				want, credit = append(want, window), 0
			}
			for _, w := range want {
				if !strings.Contains(strings.Join(got, "\n"), w) {
					t.Fatalf("it said %q, without %q", got, w)
				}
			}
		}
		for range 3 * memory / 16 / len(half) / 2 {
			// Thrown away when its handler returns; and what comes after that.
			expect(c.say(open(id, "POST", "/"), data(id, half)), fmt.Sprintf("HEAD %d 200", id), fmt.Sprintf("STOP %d cancelled", id))
			expect(c.say(data(id, half)))
			c.expect(c.say(end(id)))
			id += 2
		}
		c.expect(c.say(open(id, "POST", "/close")), fmt.Sprintf("STOP %d cancelled", id))
		for range memory / 16 / len(half) {
			expect(c.say(reset(id, wire.Cancelled), open(id+2, "POST", "/close"), data(id+2, half)))
			id += 2
		}
	})
}

func TestTooMuchForABatchWaits(t *testing.T) {
	const requests = 100
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 30<<10))
	}), func(c *talk) {
		var all []byte
		for n := range uint32(requests) {
			all = append(all, get(2*n+1, "/")...)
		}
		got, ends := c.say(all), 0
		for polls := 1; ; polls++ {
			if len(c.last) > wire.MaxBatch {
				t.Fatalf("a batch of %d bytes", len(c.last))
			}
			woken := false
			for _, l := range got {
				if strings.HasPrefix(l, "END") {
					ends++
				}
				woken = woken || l == "WAKE 0 1"
			}
			if ends == requests {
				if polls < 3 {
					t.Errorf("3 MB left in %d polls", polls)
				}
				break
			}
			if !woken {
				t.Fatalf("after %d answers it does not ask to be polled again", ends)
			}
			got = c.say()
		}
		c.expect(c.say())
	})
}

func TestHundredThousandOpenedAndResetLeaveNothing(t *testing.T) {
	converse(t, patient, func(c *talk) {
		const all, each = 100_000, 5_000
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		id := uint32(1)
		for range all / each { // at once in one batch
			var batch []byte
			for range each {
				batch = append(append(batch, get(id, "/")...), reset(id, wire.Cancelled)...)
				id += 2
			}
			if got := c.say(batch); len(got) != each {
				t.Fatalf("%d of %d resets are answered", len(got), each)
			}
		}
		for range all / each { // while many are open
			var batch, resets []byte
			for range each {
				batch = append(batch, get(id, "/")...)
				resets = append(resets, reset(id, wire.Cancelled)...)
				id += 2
			}
			c.expect(c.say(batch))
			if got := c.say(resets); len(got) != each {
				t.Fatalf("%d of %d resets are answered", len(got), each)
			}
		}
		if after := heap(); after > before+8<<20 {
			t.Errorf("%d KiB stay", (after-before)>>10)
		}
	})
}

func TestHeadAndBareAnswersHaveNoBody(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
				t.Errorf("a body after 204: %v", err)
			}
			return
		}
		if n, err := w.Write([]byte("body")); n != 4 || err != nil {
			t.Errorf("a body of HEAD: %d, %v", n, err)
		}
	}), func(c *talk) {
		c.expect(c.say(open(1, "HEAD", "/"), end(1)), "HEAD 1 200 Content-Type: text/plain; charset=utf-8", "END 1")
		c.expect(c.say(get(3, "/none")), "HEAD 3 204", "END 3")
	})
}

func TestResponseControllerKnowsWhatThereIs(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := errors.Join(c.Flush(), c.EnableFullDuplex()); err != nil {
			t.Error(err)
		}
		if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("hijacking: %v", err)
		}
		if err := c.SetReadDeadline(time.Now()); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("a read's deadline: %v", err)
		}
		if err := c.SetWriteDeadline(time.Now()); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("a write's deadline: %v", err)
		}
		<-r.Context().Done()
		if c.Flush() == nil {
			t.Error("a flush towards nobody succeeds")
		}
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "HEAD 1 200")
		c.expect(c.say(reset(1, wire.Cancelled)), "RESET 1 cancelled")
	})
}

func TestStopBeforeTheHeadEndsAfterIt(t *testing.T) {
	release := make(chan struct{})
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		w.WriteHeader(http.StatusTeapot)
		if _, err := w.Write([]byte("x")); err == nil {
			t.Error("a body that nobody wants is taken")
		}
	}), func(c *talk) {
		release = make(chan struct{})
		c.expect(c.say(get(1, "/")))
		c.expect(c.say(stop(1)))
		close(release)
		c.expect(c.say(), "HEAD 1 418", "END 1")
	})
}

func TestPanicResetsItsStreamAlone(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("on purpose")
		}
		w.WriteHeader(http.StatusNoContent)
	}), func(c *talk) {
		got := c.say(get(1, "/panic"))
		c.expect(got[1:], "RESET 1 internal the handler panicked")
		if !strings.HasPrefix(got[0], "LOG") {
			t.Errorf("the panic is not logged: %q", got[0])
		}
		c.expect(c.say(get(3, "/")), "HEAD 3 204", "END 3")
	})
}

func TestTargetsAreReadAsNetHTTPReadsThem(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", fmt.Sprintf("%q %q %q %v", r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.ForceQuery))
	}), func(c *talk) {
		id := uint32(1)
		for target, want := range map[string]string{
			"/":                `"/" "" "" false`,
			"/a/b-c_d.e?x=1&y": `"/a/b-c_d.e" "" "x=1&y" false`,
			"/a?":              `"/a" "" "" true`,
			"/a%20b":           `"/a b" "" "" false`,
			"/a%2Fb?q=%41":     `"/a/b" "/a%2Fb" "q=%41" false`,
			"/a;b:c@d":         `"/a;b:c@d" "" "" false`,
			"//a":              `"//a" "" "" false`,
		} {
			c.expect(c.say(get(id, target)), fmt.Sprintf("HEAD %d 200 X: %s", id, want), fmt.Sprintf("END %d", id))
			id += 2
		}
		for _, target := range []string{"", "a", "/a\x7f", "/%zz"} {
			if got := c.say(get(id, target)); !strings.HasPrefix(got[0], fmt.Sprintf("HEAD %d 400", id)) {
				t.Errorf("%q: %q", target, got)
			}
			id += 2
		}
	})
}

func TestContextsDeriveWithoutGoroutines(t *testing.T) {
	const derived = 100
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before := runtime.NumGoroutine()
		var all []context.Context
		for range derived {
			ctx, cancel := context.WithTimeout(r.Context(), time.Hour)
			defer cancel()
			all = append(all, ctx)
		}
		if n := runtime.NumGoroutine() - before; n > 0 {
			t.Errorf("%d goroutines for %d contexts", n, derived)
		}
		for _, ctx := range all {
			<-ctx.Done()
		}
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")))
		c.expect(c.say(reset(1, wire.Cancelled)), "RESET 1 cancelled")
	})
}

func TestDrainIsTold(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-atoll.Draining()
		w.WriteHeader(http.StatusNoContent)
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")))
		c.expect(c.say(frame(wire.Drain, 0, "")), "HEAD 1 204", "END 1")
		<-atoll.Draining()
	})
}

func TestSeedDecidesWhatIsDrawn(t *testing.T) {
	draw := func() (n [3]uint64) {
		converse(t, patient, func(c *talk) {
			for i := range n {
				n[i] = atoll.Rand().Uint64()
			}
		})
		return n
	}
	if a, b := draw(), draw(); a != b || a[0] == a[1] {
		t.Errorf("of one seed came %v and %v", a, b)
	}
}

func TestLinesBeforeHelloComeAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &talk{T: t, guest: atolltest.NewGuest(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			atoll.Log.InfoContext(r.Context(), "of a request")
		}), synctest.Wait)}
		defer c.guest.Close()
		atoll.Log.Info("early")
		c.expect(c.say())
		got := c.say(hello())
		if len(got) != 2 || got[0] != "HELLO 0" || !strings.HasPrefix(got[1], "LOG 0") {
			t.Errorf("it said %q", got)
		}
		got = c.say(get(1, "/"))
		if len(got) != 3 || !strings.HasPrefix(got[0], "LOG") {
			t.Errorf("it said %q", got)
		}
	})
}
