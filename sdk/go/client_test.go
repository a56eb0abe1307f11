// Requests to the platform: net/http out, on behalf of the request that is
// answered, and gone with it.
package atoll_test

import (
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
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// ask is a request to the platform.
func ask(ctx context.Context, method string, body io.Reader) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, "http://Kubernetes/x?y=1", body)
	if err != nil {
		panic(err)
	}
	return r
}

func TestRequestsGoOutAndAnswersComeIn(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := ask(r.Context(), "PUT", strings.NewReader("body"))
		req.Header.Set("Accept", "x")
		resp, err := atoll.Client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		_, declared := resp.Trailer["X-Sum"]
		b, err := io.ReadAll(resp.Body)
		fmt.Fprint(w, resp.StatusCode, " ", resp.ContentLength, " ", declared, string(b), err, resp.Trailer.Get("X-Sum"))
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "OPEN 2 kubernetes PUT /x?y=1 for 1 Accept: x Content-Length: 4", "DATA 2 body", "END 2")
		c.expect(c.say(head(2, 201, "Content-Length", "2", "Trailer", "X-Sum"), data(2, "ok"), end(2, "X-Sum", "3")),
			"HEAD 1 200 Content-Type: text/plain; charset=utf-8",
			"DATA 1 201 2 trueok<nil>3", "END 1")
	})
}

func TestRequestsSendTheirTrailers(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, writer := io.Pipe()
		req := ask(r.Context(), "POST", body)
		req.Trailer = http.Header{"X-Sum": nil}
		go func() {
			io.WriteString(writer, "part")
			req.Trailer.Set("X-Sum", "4")
			writer.Close()
		}()
		resp, err := atoll.Client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "OPEN 2 kubernetes POST /x?y=1 for 1 Trailer: X-Sum", "DATA 2 part", "END 2 X-Sum: 4")
		c.expect(c.say(head(2, 204), end(2)), "HEAD 1 200", "END 1")
	})
}

func TestRequestsHaveAParentThatIsOpen(t *testing.T) {
	var late context.Context
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := atoll.Client.Do(ask(context.Background(), "GET", nil)); !errors.Is(err, atoll.ErrNoParent) {
			t.Errorf("without a parent: %v", err)
		}
		if late != nil {
			if _, err := atoll.Client.Do(ask(late, "GET", nil)); !errors.Is(err, context.Canceled) {
				t.Errorf("with one that has been answered: %v", err)
			}
			if _, err := atoll.Client.Do(ask(context.WithoutCancel(late), "GET", nil)); !errors.Is(err, atoll.ErrNoParent) {
				t.Errorf("with one that has been answered, uncancelled: %v", err)
			}
		}
		late = r.Context()
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "HEAD 1 200", "END 1")
		c.expect(c.say(get(3, "/")), "HEAD 3 200", "END 3")
	})
}

func TestChildsOwnDeadlineResetsIt(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 30*time.Millisecond)
		defer cancel()
		if _, err := atoll.Client.Do(ask(ctx, "GET", nil)); err != context.DeadlineExceeded {
			t.Errorf("it ended with %v", err)
		}
		ctx, cancel = context.WithCancel(r.Context())
		defer cancel()
		resp, err := atoll.Client.Do(ask(ctx, "GET", nil))
		if err != nil {
			t.Error(err)
			return
		}
		cancel()
		if _, err := resp.Body.Read(make([]byte, 1)); err != context.Canceled {
			t.Errorf("it ended with %v", err)
		}
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "OPEN 2 kubernetes GET /x?y=1 for 1", "END 2")
		time.Sleep(29 * time.Millisecond)
		c.expect(c.say())
		time.Sleep(time.Millisecond)
		c.expect(c.say(), "RESET 2 deadline", "OPEN 4 kubernetes GET /x?y=1 for 1", "END 4")
		c.expect(c.say(reset(2, wire.Cancelled), head(4, 200)), "RESET 4 cancelled", "HEAD 1 200", "END 1")
		c.expect(c.say(reset(4, wire.Cancelled)))
	})
}

func TestParentsResetReachesWhoWaits(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := atoll.Client.Do(ask(r.Context(), "GET", nil)); err != context.DeadlineExceeded {
			t.Errorf("it ended with %v", err)
		}
	}), func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(reset(1, wire.Deadline), reset(2, wire.Deadline)), "RESET 2 cancelled", "RESET 1 cancelled")
	})
}

func TestStopBeforeTheHeadEndsTheChildren(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := atoll.Client.Do(ask(r.Context(), "GET", nil)); err != context.Canceled {
			t.Errorf("it ended with %v", err)
		}
	}), func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(stop(1)), "RESET 2 cancelled", "HEAD 1 200", "END 1")
		c.expect(c.say(reset(2, wire.Cancelled)))
	})
}

func TestUnclosedAnswersGoWithTheirParent(t *testing.T) {
	body := strings.Repeat("x", wire.StreamWindow)
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 2 { // neither is read nor closed
			if _, err := atoll.Client.Do(ask(r.Context(), "GET", nil)); err != nil {
				t.Error(err)
			}
		}
	}), func(c *talk) {
		credited := false
		for n := range uint32(memory / 16 / wire.StreamWindow) {
			id, child := 2*n+1, 4*n+2
			c.say(get(id, "/"))
			c.say(head(child, 200), data(child, body), end(child))
			for _, l := range c.say(head(child+2, 200), data(child+2, body[:100])) {
				credited = credited || strings.HasPrefix(l, "WINDOW 0")
			}
			c.expect(c.say(reset(child+2, wire.Cancelled)), fmt.Sprintf("RESET %d cancelled", child+2))
		}
		if !credited {
			t.Error("nothing of what nobody read was given back")
		}
	})
}

func TestCloseBeforeTheEndResets(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := atoll.Client.Do(ask(r.Context(), "GET", nil))
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		if _, err := resp.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
			t.Errorf("a closed body reads %v", err)
		}
	}), func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(head(2, 200), data(2, "x")), "RESET 2 cancelled", "HEAD 1 200", "END 1")
		c.expect(c.say(data(2, "y"), end(2), reset(2, wire.Cancelled)))
	})
}

func TestStoppedUploadEndsAndItsAnswerStands(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, writer := io.Pipe()
		wrote := make(chan error)
		go func() {
			for {
				if _, err := writer.Write(make([]byte, 1<<10)); err != nil {
					wrote <- err
					return
				}
			}
		}()
		resp, err := atoll.Client.Do(ask(r.Context(), "POST", body))
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		<-wrote
		w.WriteHeader(resp.StatusCode)
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "OPEN 2 kubernetes POST /x?y=1 for 1", "DATA 2 32768 bytes")
		c.expect(c.say(head(2, 413), stop(2), end(2)), "END 2", "HEAD 1 413", "END 1")
	})
}

func TestBrokenOffUploadResets(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, writer := io.Pipe()
		writer.CloseWithError(errors.New("on purpose"))
		if _, err := atoll.Client.Do(ask(r.Context(), "POST", body)); err == nil || !strings.Contains(err.Error(), "on purpose") {
			t.Errorf("it ended with %v", err)
		}
	}), func(c *talk) {
		c.expect(c.say(get(1, "/")), "OPEN 2 kubernetes POST /x?y=1 for 1", "RESET 2 cancelled the request's body broke off", "HEAD 1 200", "END 1")
	})
}

func TestStreamsBeyondTheLimitAreNotOpened(t *testing.T) {
	limited := make(chan bool, 1)
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := atoll.Client.Do(ask(r.Context(), "GET", nil))
		var refused *atoll.ResetError
		if errors.As(err, &refused) && refused.Code == wire.RateLimited {
			limited <- true
		}
	}), func(c *talk) {
		for n := range uint32(1000) {
			c.say(get(2*n+1, "/"))
		}
		c.expect(c.say(get(2001, "/")), "HEAD 2001 200", "END 2001")
		select {
		case <-limited:
		default:
			t.Error("the caller is not told why")
		}
		for n := range uint32(1000) {
			c.say(reset(2*n+1, wire.Cancelled), reset(2*n+2, wire.Cancelled))
		}
		c.expect(c.say(get(2003, "/")), "OPEN 2002 kubernetes GET /x?y=1 for 2003", "END 2002")
		c.say(reset(2003, wire.Cancelled), reset(2002, wire.Cancelled))
	})
}

func TestHeadsThatCannotBeAreRefused(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []http.Header{{"A B": {"x"}}, {"A": {"ok", "x\ny"}}, {"A": {strings.Repeat("x", wire.MaxFields)}}} {
			req := ask(r.Context(), "GET", nil)
			req.Header = h
			if _, err := atoll.Client.Do(req); err == nil {
				t.Errorf("a header of %.20q is sent", h)
			}
		}
	}), func(c *talk) { c.expect(c.say(get(1, "/")), "HEAD 1 200", "END 1") })
	for name, head := range map[string][]byte{
		"a status that is none": head(2, 101), "none at all": frame(wire.Head, 2, ""), "a header": head(2, 200, "A", "x\ny"),
	} {
		converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var reset *atoll.ResetError
			if _, err := atoll.Client.Do(ask(r.Context(), "GET", nil)); !errors.As(err, &reset) || reset.Code != wire.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}), func(c *talk) {
			c.say(get(1, "/"))
			c.expect(c.say(head), "RESET 2 invalid the answer's head", "HEAD 1 200", "END 1")
		})
	}
}

func TestContextWithValuesCostsNoGoroutine(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		type key struct{}
		before := runtime.NumGoroutine()
		resp, err := atoll.Client.Do(ask(context.WithValue(r.Context(), key{}, 1), "GET", nil))
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines more for one answer", n-before)
		}
	}), func(c *talk) {
		c.say(get(1, "/"))
		c.expect(c.say(head(2, 200), end(2)), "HEAD 1 200", "END 1")
	})
}

// Hundreds of requests that each wait for two answers end, and leave no
// goroutine and no stream.
func TestManyRequestsWaitAtOnce(t *testing.T) {
	converse(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done := make(chan int, 2)
		for range 2 {
			go func() {
				resp, err := atoll.Client.Do(ask(r.Context(), "GET", nil))
				if err != nil {
					t.Error(err)
					done <- 0
					return
				}
				defer resp.Body.Close()
				b, _ := io.ReadAll(resp.Body)
				done <- len(b)
			}()
		}
		if <-done+<-done != 4 {
			t.Error("an answer is not whole")
		}
	}), func(c *talk) {
		const requests = 400 // the limit is 1,000 streams
		var batch, answers []byte
		for n := range uint32(requests) {
			batch = append(batch, get(2*n+1, "/")...)
		}
		for id := uint32(2); id <= 4*requests; id += 2 {
			answers = append(append(append(answers, head(id, 200)...), data(id, "ok")...), end(id)...)
		}
		if got := c.say(batch); len(got) != 4*requests {
			t.Errorf("%d frames ask", len(got))
		}
		if got := c.say(answers); len(got) != 2*requests {
			t.Errorf("%d frames answer", len(got))
		}
		synctest.Wait()
	})
}
