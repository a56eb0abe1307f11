// The protocol against a real WebSocket client: credit, order, ends, and tabs
// that do not keep to it.

package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/access"
)

var jane = access.Subject{Name: "jane", UID: "u1", Via: access.ViaSession, Credential: "c1"}

// tab is a connected client.
type tab struct {
	t    *testing.T
	conn *websocket.Conn
}

// connect runs a hub over a handler and connects to it.
func connect(t *testing.T, o Options) (*Hub, *tab) {
	t.Helper()
	if o.Allowed == nil {
		o.Allowed = func(*http.Request) bool { return true }
	}
	h := New(o)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.Serve(w, r, jane); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("closing the hub: %v", err)
		}
		server.Close()
	})
	return h, dial(t, server.URL)
}

func dial(t *testing.T, url string) *tab {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &tab{t, conn}
}

func (c *tab) say(m any) {
	c.t.Helper()
	text, _ := json.Marshal(m)
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *tab) open(id int, path string, credit int) {
	c.t.Helper()
	c.say(map[string]any{"type": "open", "id": id, "path": path, "accept": "application/json", "credit": credit})
}

func (c *tab) read() (outgoing, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	_, text, err := c.conn.Read(ctx)
	if err != nil {
		return outgoing{}, err
	}
	var m outgoing
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	return m, nil
}

func (c *tab) must(kind string, id int64) outgoing {
	c.t.Helper()
	m, err := c.read()
	if err != nil {
		c.t.Fatalf("waiting for %s of %d: %v", kind, id, err)
	}
	if m.Type != kind || m.ID != id {
		c.t.Fatalf("got %+v, want %s of %d", m, kind, id)
	}
	return m
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRequestRunsAsThePersonOfTheConnection(t *testing.T) {
	_, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := access.SubjectFrom(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `%s %s %s %s %s`, s.Name, r.Method, r.URL, r.Header.Get("Accept"), r.Header.Get("Cookie"))
	})})
	c.open(7, "/clusters/local/api/v1/pods?watch=true&a=b", 1000)
	if m := c.must("head", 7); m.Status != 202 || m.ContentType != "application/json" {
		t.Errorf("%+v", m)
	}
	if m := c.must("data", 7); m.Text != "jane GET /clusters/local/api/v1/pods?watch=true&a=b application/json " {
		t.Errorf("%q", m.Text)
	}
	if m := c.must("end", 7); m.Problem != nil {
		t.Errorf("%+v", m.Problem)
	}
}

func TestSubscriptionMaySayItsLanguage(t *testing.T) {
	_, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Accept-Language"))
	})})
	c.say(map[string]any{"type": "open", "id": 1, "path": "/api/a", "language": "zh", "credit": 1000})
	c.must("head", 1)
	if m := c.must("data", 1); m.Text != "zh" {
		t.Errorf("%q", m.Text)
	}
	c.must("end", 1)
	c.say(map[string]any{"type": "open", "id": 2, "path": "/api/a", "language": "zh\r\nCookie: a", "credit": 1000})
	if m := c.must("end", 2); m.Problem == nil || m.Problem.Status != http.StatusBadRequest {
		t.Errorf("two lines as a language: %+v", m)
	}
}

func TestSlowReaderHoldsAtMostItsWindow(t *testing.T) {
	var written atomic.Int64
	ended := make(chan struct{})
	_, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/other" {
			fmt.Fprint(w, "the other one flows")
			return
		}
		defer close(ended)
		for {
			n, err := w.Write([]byte(strings.Repeat("x", 1000)))
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})})
	const window = 10_500
	c.open(1, "/api/slow", window)
	c.must("head", 1)
	got := 0
	for got < window {
		got += len(c.must("data", 1).Text)
	}
	if got != window {
		t.Fatalf("%d bytes came for a window of %d", got, window)
	}
	// Another subscription is not held up by it, and proves that nothing more
	// of the first is on its way.
	c.open(2, "/api/other", 1000)
	c.must("head", 2)
	c.must("data", 2)
	c.must("end", 2)
	if n := written.Load(); n > window {
		t.Errorf("the source could write %d bytes into a window of %d", n, window)
	}
	c.say(map[string]any{"type": "credit", "id": 1, "bytes": 700})
	for more := 0; more < 700; {
		more += len(c.must("data", 1).Text)
		if more > 700 {
			t.Fatalf("%d bytes came for 700", more)
		}
	}
	c.say(map[string]any{"type": "close", "id": 1})
	<-ended
}

func TestCharactersAreNotSplit(t *testing.T) {
	text := strings.Repeat("aé€😀", 300)
	for _, piece := range []int{1, 2, 3, 5, 7, 4096} {
		_, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for rest := text; rest != ""; {
				n := min(piece, len(rest))
				if _, err := w.Write([]byte(rest[:n])); err != nil {
					return
				}
				rest = rest[n:]
			}
		})})
		c.open(1, "/api/a", 5)
		c.must("head", 1)
		var got strings.Builder
		for {
			m, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			if m.Type == "end" {
				break
			}
			if len(m.Text) > 4101 || !utf8.ValidString(m.Text) {
				t.Fatalf("a message of %d bytes", len(m.Text))
			}
			got.WriteString(m.Text)
			c.say(map[string]any{"type": "credit", "id": 1, "bytes": len(m.Text)})
		}
		if got.String() != text {
			t.Fatalf("pieces of %d: %d bytes came, want %d", piece, got.Len(), len(text))
		}
	}
}

func TestWhatIsNoTextIsReplaced(t *testing.T) {
	_, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("a\xff\xc3"))
		_, _ = w.Write([]byte("\xa9b\xe2\x82"))
	})})
	c.open(1, "/api/a", 1000)
	c.must("head", 1)
	var got string
	for {
		m, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		if m.Type == "end" {
			break
		}
		got += m.Text
	}
	if got != "a\uFFFDéb\uFFFD" {
		t.Errorf("%q", got)
	}
}

func TestCloseCancelsTheRequestAtOnce(t *testing.T) {
	began, cancelled := make(chan struct{}), make(chan struct{})
	h, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(cancelled)
	})})
	c.open(1, "/x/logging/y", 1000)
	<-began
	c.say(map[string]any{"type": "close", "id": 1})
	<-cancelled
	eventually(t, "the subscription is gone", func() bool { _, n := h.Count(); return n == 0 })
}

func TestLosingTheConnectionCancelsItsRequests(t *testing.T) {
	began, cancelled := make(chan struct{}, 2), make(chan struct{}, 2)
	h, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-r.Context().Done()
		cancelled <- struct{}{}
	})})
	c.open(1, "/api/a", 10)
	c.open(2, "/api/b", 10)
	<-began
	<-began
	_ = c.conn.CloseNow()
	<-cancelled
	<-cancelled
	eventually(t, "the connection is gone", func() bool { n, _ := h.Count(); return n == 0 })
}

func TestOnlyOwnPathsAreAsked(t *testing.T) {
	_, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was asked", r.URL)
	})})
	paths := []string{
		"", "/", "/metrics", "/api", "api/v1/users", "//evil.example/api/", "http://evil.example/api/v1/users", "/apis/x", "/assets/a.js", "/api/v1/stream", "/api/v1/stream?x",
		"/api/a#b", "/%61pi/v1/users", "/api/v1/\x00", "/api/%zz", "/healthz", "/openapi.json", "/api/" + strings.Repeat("a", 5000), "ws:/api/v1/x", "*",
	}
	for i, path := range paths {
		c.open(i+1, path, 100)
		if m := c.must("end", int64(i+1)); m.Problem == nil || m.Problem.Status != 400 {
			t.Errorf("%q: %+v", path, m)
		}
	}
}

func TestBrokenAnswerSaysSo(t *testing.T) {
	_, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		if r.URL.Path == "/api/bug" {
			panic("a bug")
		}
		panic(http.ErrAbortHandler)
	})})
	for i, path := range []string{"/api/a", "/api/bug"} {
		id := int64(i + 1)
		c.open(i+1, path, 100)
		c.must("head", id)
		c.must("data", id)
		if m := c.must("end", id); m.Problem == nil || m.Problem.Status != 502 || strings.Contains(m.Problem.Detail, "bug") {
			t.Errorf("%+v", m.Problem)
		}
	}
}

func TestWhoBreaksTheProtocolIsSentAway(t *testing.T) {
	for name, message := range map[string]string{
		"no JSON": "hello", "another type": `{"type":"post","id":1}`, "no id": `{"type":"close"}`, "a negative id": `{"type":"close","id":-1}`,
		"an id that is no whole number": `{"type":"close","id":1.5}`, "a large id": `{"type":"close","id":9007199254740993}`,
		"negative credit": `{"type":"open","id":1,"path":"/api/a","credit":-1}`, "much credit": `{"type":"open","id":1,"path":"/api/a","credit":99999999}`,
		"no bytes of credit": `{"type":"credit","id":1,"bytes":0}`, "a large message": `{"type":"open","id":1,"path":"` + strings.Repeat("a", 20<<10) + `"}`,
	} {
		_, c := connect(t, Options{Handler: http.NotFoundHandler()})
		if err := c.conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.read(); err == nil {
			t.Errorf("%s: the connection goes on", name)
		}
	}
	block := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, twice := connect(t, Options{Handler: block})
	twice.open(1, "/api/a", 1)
	twice.open(1, "/api/a", 1)
	if _, err := twice.read(); websocket.CloseStatus(err) != websocket.StatusProtocolError {
		t.Errorf("an id opened twice: %v", err)
	}
	_, rich := connect(t, Options{Handler: block})
	rich.open(1, "/api/a", maxCredit)
	rich.say(map[string]any{"type": "credit", "id": 1, "bytes": 1})
	if _, err := rich.read(); websocket.CloseStatus(err) != websocket.StatusProtocolError {
		t.Errorf("more credit than there may be: %v", err)
	}
	_, late := connect(t, Options{Handler: http.NotFoundHandler()})
	late.say(map[string]any{"type": "credit", "id": 9, "bytes": 1})
	late.say(map[string]any{"type": "close", "id": 9})
	late.open(9, "/api/a", 1000)
	late.must("head", 9) // credit and close for what is over are fine
}

func TestSubscriptionsAndConnectionsAreBounded(t *testing.T) {
	h := New(Options{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		Allowed: func(*http.Request) bool { return true }, Subscriptions: 3, Connections: 2,
	})
	refused := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.Serve(w, r, jane); err != nil {
			refused <- err
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	defer h.Close(t.Context())
	c := dial(t, server.URL)
	for id := 1; id <= 4; id++ {
		c.open(id, "/api/a", 10)
	}
	if m := c.must("end", 4); m.Problem == nil || m.Problem.Status != 429 {
		t.Errorf("%+v", m)
	}
	second := dial(t, server.URL)
	if _, _, err := websocket.Dial(t.Context(), strings.Replace(server.URL, "http", "ws", 1), nil); err == nil {
		t.Error("a third connection was taken")
	}
	if err := <-refused; err != ErrTooMany {
		t.Error(err)
	}
	_, _ = c.conn.CloseNow(), second.conn.CloseNow()
}

// end reads until the connection ends and tells why: what was on its way may
// still come before.
func (c *tab) end() error {
	for {
		if _, err := c.read(); err != nil {
			return err
		}
	}
}

func TestRevokedCredentialEndsTheConnection(t *testing.T) {
	var gone atomic.Bool
	cancelled := make(chan struct{})
	began := make(chan struct{})
	h, c := connect(t, Options{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { close(began); <-r.Context().Done(); close(cancelled) }),
		Alive:   func(s access.Subject) bool { return !gone.Load() },
	})
	c.open(1, "/api/a", 10)
	<-began
	h.Recheck() // somebody else's
	gone.Store(true)
	h.Recheck()
	<-cancelled
	if err := c.end(); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("%v", err)
	}
}

func TestTabsAreToldThatTheServerStops(t *testing.T) {
	h, c := connect(t, Options{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })})
	c.open(1, "/api/a", 10)
	closed := make(chan error, 1)
	go func() { closed <- h.Close(t.Context()) }()
	if err := c.end(); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("%v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestPagesOfOtherOriginsDoNotConnect(t *testing.T) {
	h := New(Options{Handler: http.NotFoundHandler(), Allowed: func(r *http.Request) bool { return r.Header.Get("Origin") == "" }})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/api/v1/stream", nil)
	r.Header.Set("Origin", "http://evil.example")
	if err := h.Serve(w, r, jane); err != ErrOrigin {
		t.Error(err)
	}
}

func FuzzIncoming(f *testing.F) {
	f.Add([]byte(`{"type":"open","id":1,"path":"/api/a","accept":"","credit":1}`))
	f.Add([]byte(`{"type":"credit","id":1,"bytes":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := readIncoming(text)
		if err == nil && (m.ID < 1 || m.Credit < 0 || m.Credit > maxCredit || m.Type == "credit" && (m.Bytes < 1 || m.Bytes > maxCredit)) {
			t.Fatalf("%q was read as %+v", text, m)
		}
	})
}
