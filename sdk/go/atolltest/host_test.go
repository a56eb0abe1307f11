// A test of an extension asks its handler as the platform does.
package atolltest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/atolltest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

func read(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestHandlerAnswersForItsCaller(t *testing.T) {
	h := atolltest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := atoll.Caller(r.Context())
		color, _ := atoll.Setting("color")
		_, late := r.Context().Deadline()
		fmt.Fprint(w, r.Method, r.URL, who.User, who.Groups, who.Workspace, atoll.Authority(r.Context()), color, late)
	}), nil, atolltest.WithSetting("color", "blue"))
	h.Caller = atoll.Identity{User: "alice", Groups: []string{"a", "b"}}
	resp, err := h.Get("/x?y=1")
	if got := read(t, resp, err); got != "GET/x?y=1alice[a b]routebluefalse" {
		t.Errorf("it answers %q", got)
	}
	ctx, cancel := context.WithTimeout(atolltest.As(t.Context(), atoll.Identity{User: "bob", Workspace: "w"}), time.Minute)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://fragment/f", nil)
	resp, err = h.Client().Do(r)
	if got := read(t, resp, err); got != "GET/fbob[]wfragmentbluetrue" {
		t.Errorf("it answers %q", got)
	}
}

func TestDoorsAnswerOnBehalfOfTheCaller(t *testing.T) {
	h := atolltest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), "POST", "http://"+r.URL.Path[1:]+"/x?y=1", r.Body)
		resp, err := atoll.Client.Do(req)
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
		w.Header().Set(http.TrailerPrefix+"X-Sum", resp.Trailer.Get("X-Sum"))
	}), atolltest.Doors{"kubernetes": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, r.Host, r.RequestURI, string(b), atolltest.Caller(r.Context()).User)
		w.Header().Set("X-Sum", "7")
	}), "broken": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })})
	h.Caller = atoll.Identity{User: "alice"}
	resp, err := h.Client().Post("http://route/kubernetes", "text/plain", strings.NewReader("body"))
	if got := read(t, resp, err); got != "kubernetes/x?y=1bodyalice" || resp.StatusCode != 201 || resp.Trailer.Get("X-Sum") != "7" {
		t.Errorf("it answers %d %q %v", resp.StatusCode, got, resp.Trailer)
	}
	resp, err = h.Get("/nothing")
	if got := read(t, resp, err); got != "the stream was reset: denied: the test has no door nothing" {
		t.Errorf("it answers %q", got)
	}
	resp, err = h.Get("/broken")
	if got := read(t, resp, err); got != "the stream was reset: internal" {
		t.Errorf("it answers %q", got)
	}
}

func TestLargeBodiesStreamBothWays(t *testing.T) {
	const size = 20 << 20
	h := atolltest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }), nil, atolltest.WithMemory(1<<20))
	in, out := sha256.New(), sha256.New()
	resp, err := h.Client().Post("http://route/", "", io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{}), size), in))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(out, resp.Body); n != size || err != nil || !bytes.Equal(in.Sum(nil), out.Sum(nil)) {
		t.Errorf("%d bytes came back, %v", n, err)
	}
}

func TestCancellationReachesTheHandlerAndItsDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 2)
		h := atolltest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			req, _ := http.NewRequestWithContext(r.Context(), "GET", "http://kubernetes/watch", nil)
			_, err := atoll.Client.Do(req)
			ended <- err
		}), atolltest.Doors{"kubernetes": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			ended <- r.Context().Err()
		})})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://route/", nil)
		if _, err := h.RoundTrip(r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the test is told %v", err)
		}
		for range 2 {
			if err := <-ended; err == nil {
				t.Error("it went on")
			}
		}
	})
}

func TestForwardedAnswerArrivesWhole(t *testing.T) {
	const size = 3 << 20
	h := atolltest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), "POST", "http://kubernetes/echo", r.Body)
		resp, err := atoll.Client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		if err := atoll.Forward(w, resp); err != nil {
			t.Error(err)
		}
	}), atolltest.Doors{"kubernetes": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
		w.Header().Set(http.TrailerPrefix+"X-Sum", r.Trailer.Get("X-In"))
	})})
	var wg sync.WaitGroup
	for n := range byte(8) {
		wg.Go(func() {
			in, out := sha256.New(), sha256.New()
			r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://route/", io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{n}), size), in))
			r.Trailer = http.Header{"X-In": {"5"}}
			resp, err := h.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if n, err := io.Copy(out, resp.Body); n != size || err != nil || !bytes.Equal(in.Sum(nil), out.Sum(nil)) {
				t.Errorf("%d bytes came back, %v", n, err)
			}
			if resp.Trailer.Get("X-Sum") != "5" {
				t.Errorf("the trailers are %v", resp.Trailer)
			}
		})
	}
	wg.Wait()
}

func TestTerminalIsJoinedBothWays(t *testing.T) {
	h := atolltest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, resp, err := atoll.Dial(r.Context(), "websocket", "http://kubernetes/exec", http.Header{"Sec-Websocket-Protocol": r.Header["Sec-Websocket-Protocol"]})
		if err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("Sec-Websocket-Protocol", resp.Header.Get("Sec-Websocket-Protocol"))
		c, err := atoll.Upgrade(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		if err := c.Join(d); err != nil {
			t.Error(err)
		}
	}), atolltest.Doors{"kubernetes": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Sec-Websocket-Protocol", r.Header.Get("Sec-Websocket-Protocol"))
		c, err := atolltest.Upgrade(w)
		if err != nil {
			t.Error(err)
			return
		}
		for {
			m, text, err := c.ReadMessage()
			if err != nil {
				var closed *atoll.CloseError
				if !errors.As(err, &closed) || closed.Code != 4001 {
					t.Errorf("the door is told %v", err)
				}
				c.Close(4002, "and you")
				return
			}
			c.WriteMessage(append(m, '!'), text)
		}
	})})
	c, resp, err := h.Dial(t.Context(), "websocket", "http://route/terminal", http.Header{"Sec-Websocket-Protocol": {"v4"}})
	if err != nil || resp.Header.Get("Sec-Websocket-Protocol") != "v4" {
		t.Fatal(resp, err)
	}
	for n := range 200 {
		want := strings.Repeat("x", n*1000)
		go c.WriteMessage([]byte(want), n%2 == 0)
		m, text, err := c.ReadMessage()
		if string(m) != want+"!" || text != (n%2 == 0) || err != nil {
			t.Fatalf("message %d: %d bytes, %v", n, len(m), err)
		}
	}
	c.Close(4001, "bye")
	var closed *atoll.CloseError
	if _, _, err := c.ReadMessage(); !errors.As(err, &closed) || closed.Code != 4002 || closed.Text != "and you" {
		t.Errorf("the client is told %v", err)
	}
}

func TestResetIsAnErrorOfItsCode(t *testing.T) {
	h := atolltest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic("on purpose") }), nil)
	var reset *atoll.ResetError
	if _, err := h.Get("/"); !errors.As(err, &reset) || reset.Code != wire.Internal {
		t.Errorf("it ended with %v", err)
	}
}
