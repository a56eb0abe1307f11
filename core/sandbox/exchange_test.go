// Whole answers, at the frame level and through net/http, without allocations in
// the host; and many callers at once.
package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

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

// TestAnswersLargerThanABatch makes every handler fill its window at once, both
// ways: more than one poll may hand over.
func TestAnswersLargerThanABatch(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", nil)
	body := bytes.Repeat([]byte("0123456789abcdef"), 200<<10/16)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			resp, err := g.Do(t.Context(), request("POST", "/echo", bytes.NewReader(body)))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	if n := len(f.faultsSeen()); n > 0 {
		t.Errorf("faults: %v", f.faultsSeen())
	}
}

func TestHelloAnswersAtBothLevels(t *testing.T) {
	f := start(t, sandbox.Options{})
	wasm := sandboxtest.Guest(t, "../../extensions/hello")
	g := f.engine.Load(sandbox.Spec{Name: "hello", Wasm: func() ([]byte, error) { return wasm, nil }, Limits: sandbox.Limits{Memory: 32 << 20}})
	for _, c := range []struct{ method, target, send, want string }{
		{"GET", "/frame", "", "hello\n"},
		{"POST", "/frame?x=1", "as it came", "as it came"},
		{"GET", "/greetings/English", "", `{"language":"English","text":"Hello, alice!"}` + "\n"},
		{"GET", "/clusters/local/projects/demo/greetings?name=bob", "", `{"items":[{"language":"Deutsch","text":"Hallo, bob!"},`},
		{"GET", "/fragments/greetings", "", `{`},
	} {
		x := sandbox.Exchange{Request: *request(c.method, c.target, nil), Send: []byte(c.send)}
		if err := g.Exchange(t.Context(), &x); err != nil || x.Status != 200 || !strings.HasPrefix(string(x.Body), c.want) {
			t.Errorf("%s %s: %d %q, %v", c.method, c.target, x.Status, x.Body, err)
		}
	}
}
