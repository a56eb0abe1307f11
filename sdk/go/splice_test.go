// Splices: what has come goes out first, in the same batch; then the host
// forwards alone, and the guest hears of the end.
package atoll_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// follow forwards an answer, and tells how it ended.
func follow(ended *error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		resp, err := atoll.Client.Do(ask(r.Context(), "GET", nil))
		if err != nil {
			*ended = err
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", "x")
		w.WriteHeader(resp.StatusCode)
		*ended = atoll.Forward(w, resp)
	}
}

const (
	opened   = "OPEN 2 kubernetes GET /x?y=1 for 1"
	headSent = "HEAD 1 200 Content-Type: x"
)

func TestForwardLeavesTheRestToTheHost(t *testing.T) {
	var ended error
	converse(t, follow(&ended), func(c *talk) {
		ended = errors.New("not yet")
		c.expect(c.say(get(1, "/")), opened, "END 2")
		c.expect(c.say(head(2, 200), data(2, "first ")), headSent, "DATA 1 first ", "SPLICE 1 2")
		c.expect(c.say())
		if ended == nil {
			t.Error("it has ended")
		}
		c.expect(c.say(end(2)))
		if ended != nil {
			t.Errorf("it ended with %v", ended)
		}
		// Both are gone: RESET is answered, END would be a fault.
		c.expect(c.say(reset(1, wire.Cancelled), reset(2, wire.Cancelled)), "RESET 1 cancelled", "RESET 2 cancelled")
	})
}

func TestForwardOfWhatHasEndedIsCopiedWithItsTrailers(t *testing.T) {
	var ended error
	converse(t, follow(&ended), func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(head(2, 200, "Trailer", "X-Sum"), data(2, "all"), end(2, "X-Sum", "3")), headSent, "DATA 1 all", "END 1 X-Sum: 3")
		if ended != nil {
			t.Errorf("it ended with %v", ended)
		}
	})
}

func TestForwardCopiesWhileTheWindowIsFull(t *testing.T) {
	var ended error
	converse(t, follow(&ended), func(c *talk) {
		window16 := strings.Repeat("x", 16<<10)
		c.say(get(1, "/"))
		c.expect(c.say(head(2, 200), data(2, window16)), headSent, "DATA 1 16384 bytes", "WINDOW 2 16384", "SPLICE 1 2")
	})
	converse(t, follow(&ended), func(c *talk) {
		body := strings.Repeat("x", 20<<10)
		c.say(get(1, "/"))
		// As much as the window holds.
		c.expect(c.say(head(2, 200), data(2, body), data(2, body[:12<<10]))[1:], "DATA 1 32768 bytes", "WINDOW 2 32768", "SPLICE 1 2")
	})
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "x")
		w.Write(make([]byte, 32<<10))
		follow(&ended)(w, r)
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), headSent, "DATA 1 32768 bytes", opened, "END 2")
		c.expect(c.say(head(2, 200), data(2, "first ")))
		c.expect(c.say(data(2, "second ")))
		c.expect(c.say(window(1, 3)), "DATA 1 fir")
		c.expect(c.say(window(1, 100), data(2, "third ")), "DATA 1 st second third ", "SPLICE 1 2")
	})
}

func TestSplicesLeaveWithTheBatchTheyAreCertainOf(t *testing.T) {
	var ended error
	const requests = 40
	converse(t, follow(&ended), func(c *talk) {
		var opens, answers []byte
		for n := range uint32(requests) {
			opens = append(opens, get(2*n+1, "/")...)
			answers = append(append(answers, head(2*n+2, 200)...), data(2*n+2, strings.Repeat("x", 25<<10))...)
		}
		c.say(opens)
		got, spliced := c.say(answers), 0
		data := map[string]int{}
		for polls := 1; spliced < requests; polls++ {
			last := ""
			for b := c.last; len(b) > 0; {
				f, rest, _ := wire.NextFrame(b)
				b = rest
				last = f.Type.String()
				switch f.Type {
				case wire.Data:
					data[string(rune(f.Stream))] += len(f.Payload)
				case wire.Splice:
					spliced++
					if n := data[string(rune(f.Stream))]; n != 25<<10 {
						t.Errorf("stream %d is spliced after %d bytes", f.Stream, n)
					}
				}
			}
			if spliced == requests {
				if polls == 1 {
					t.Error("all left in one batch: the test sees nothing")
				}
				break
			}
			if last != "WAKE" {
				t.Fatalf("with %d splices it does not ask to be polled again: %q", spliced, got[len(got)-1])
			}
			got = c.say()
		}
		for n := range uint32(requests) {
			c.say(reset(2*n+1, wire.Cancelled), reset(2*n+2, wire.Cancelled))
		}
	})
}

func TestSplicedStreamsEndEarly(t *testing.T) {
	var ended error
	begin := func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(head(2, 200)), headSent, "SPLICE 1 2")
	}
	converse(t, follow(&ended), func(c *talk) {
		begin(c)
		c.expect(c.say(reset(1, wire.Cancelled), reset(2, wire.Cancelled)), "RESET 2 cancelled", "RESET 1 cancelled")
		if ended == nil {
			t.Error("a reset ends it with nil")
		}
	})
	converse(t, follow(&ended), func(c *talk) {
		begin(c)
		c.expect(c.say(stop(1), end(2)))
		c.expect(c.say(reset(1, wire.Cancelled)), "RESET 1 cancelled") // gone
	})
	converse(t, follow(&ended), func(c *talk) {
		begin(c)
		if !c.breaks(data(2, "x")) {
			t.Error("DATA of what the host forwards itself is let pass")
		}
	})
	// The reader leaves while the splice waits for its window.
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "x")
		w.Write(make([]byte, 32<<10))
		follow(&ended)(w, r)
	}), func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(head(2, 200), data(2, "x")))
		c.expect(c.say(stop(1)), "END 1", "RESET 2 cancelled")
		c.expect(c.say(reset(2, wire.Cancelled)))
	})
}

func TestRequestBodyIsSplicedIntoAChild(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		resp, err := atoll.Client.Do(ask(ctx, "POST", r.Body))
		if err != nil {
			w.WriteHeader(http.StatusGatewayTimeout)
			return
		}
		resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	}), func(c *talk) {
		c.expect(c.say(open(1, "POST", "/"), data(1, "first")), "OPEN 2 kubernetes POST /x?y=1 for 1", "DATA 2 first", "SPLICE 2 1")
		c.expect(c.say(end(1)))
		c.expect(c.say(head(2, 201), end(2)), "HEAD 1 201", "END 1")
		c.expect(c.say(reset(1, wire.Cancelled), reset(2, wire.Cancelled)), "RESET 1 cancelled", "RESET 2 cancelled")
		// An answer before the end of the upload stops it.
		c.expect(c.say(open(3, "POST", "/")), "OPEN 4 kubernetes POST /x?y=1 for 3", "SPLICE 4 3")
		c.expect(c.say(head(4, 413), end(4)), "HEAD 3 413", "STOP 3 cancelled", "END 3")
		c.expect(c.say(end(3)))
		c.expect(c.say(reset(3, wire.Cancelled), reset(4, wire.Cancelled)), "RESET 3 cancelled", "RESET 4 cancelled")
		// Who gives up the child keeps the request.
		c.expect(c.say(open(7, "POST", "/give-up")), "OPEN 6 kubernetes POST /x?y=1 for 7", "SPLICE 6 7")
		time.Sleep(time.Second)
		c.expect(c.say(), "STOP 7 cancelled", "RESET 6 deadline", "HEAD 7 504", "END 7")
		c.expect(c.say(end(7), reset(6, wire.Cancelled)))
		// A body that ended in its batch is copied, with its trailers.
		c.expect(c.say(open(9, "POST", "/"), data(9, "all"), end(9, "X-Sum", "3")), "OPEN 8 kubernetes POST /x?y=1 for 9", "DATA 8 all", "END 8 X-Sum: 3")
		c.expect(c.say(head(8, 200), end(8)), "HEAD 9 200", "END 9")
	})
}

func TestJoinForwardsMessagesAndCloses(t *testing.T) {
	joined := make(chan error, 1)
	converse(t, socket(t, func(c *atoll.Conn) {
		d, _, err := atoll.Dial(c.Context(), "websocket", "http://kubernetes/exec", nil)
		if err != nil {
			t.Error(err)
			return
		}
		joined <- c.Join(d)
	}), func(c *talk) {
		c.expect(c.say(upgrade(1, "/")), "HEAD 1 200", "OPEN 2 kubernetes GET /exec for 1 websocket")
		c.expect(c.say(flagged(wire.Data, wire.Text|wire.Message, 1, "ls"), flagged(wire.Data, 0, 1, "half")))
		got := c.say(head(2, 200), flagged(wire.Data, wire.Message, 2, ""))
		if len(got) != 5 || !strings.HasPrefix(got[3], "SPLICE") || slices.Index(got, "DATA 2 ls text message") > slices.Index(got, "DATA 2 half") {
			t.Errorf("it said %q", got)
		}
		slices.Sort(got)
		c.expect(got, "DATA 1  message", "DATA 2 half", "DATA 2 ls text message", "SPLICE 1 2", "SPLICE 2 1")
		c.expect(c.say(closing(1, 1000, "")))
		c.expect(c.say(closing(2, 1000, "")))
		if err := <-joined; err != nil {
			t.Error(err)
		}
	})
	// A close that came before the splice is said by the guest.
	converse(t, socket(t, func(c *atoll.Conn) {
		d, _, err := atoll.Dial(c.Context(), "websocket", "http://kubernetes/exec", nil)
		if err != nil {
			t.Error(err)
			return
		}
		joined <- c.Join(d)
	}), func(c *talk) {
		c.say(upgrade(1, "/"))
		c.say(closing(1, 4000, "bye"))
		c.expect(c.say(head(2, 200)), "END 2 4000 bye", "SPLICE 1 2")
		c.expect(c.say(closing(2, 4000, "")))
		if err := <-joined; err != nil {
			t.Error(err)
		}
	})
}

func TestJoinWithItselfIsAnEcho(t *testing.T) {
	converse(t, socket(t, func(c *atoll.Conn) {
		if err := c.Join(c); err != nil {
			t.Error(err)
		}
	}), func(c *talk) {
		c.expect(c.say(upgrade(1, "/")), "HEAD 1 200", "SPLICE 1 1")
		c.expect(c.say(closing(1, 1000, "")))
		c.expect(c.say(reset(1, wire.Cancelled)), "RESET 1 cancelled")
	})
}

func TestForwardToSomethingElseCopies(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp := &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("its own"))}
		w.Header().Set("Content-Type", "x")
		if err := atoll.Forward(w, resp); err != nil {
			t.Error(err)
		}
	}), func(c *talk) { c.expect(c.say(get(1, "/")), headSent, "DATA 1 its own", "END 1") })
}
