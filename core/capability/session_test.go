// Sessions through the door, to a stand-in for the API server that speaks
// WebSocket. What a real node says to exec is tried by core/server's integration
// tests.
package capability

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// socketServer answers WebSockets in Kubernetes' place, with the credential of
// nobody.
type socketServer struct {
	address *url.URL
	header  http.Header // of the last request
}

func newSocketServer(t *testing.T, serve func(*websocket.Conn)) *socketServer {
	s := &socketServer{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.header = r.Header
		if strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/closed/") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"kind":"Status"}`)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"v5.channel.k8s.io"}})
		if err == nil {
			conn.SetReadLimit(-1)
			serve(conn)
		}
	}))
	t.Cleanup(server.Close)
	s.address, _ = url.Parse(server.URL)
	return s
}

func (s *socketServer) RoundTrip(ctx context.Context, _ access.Subject, _ string, r *http.Request, _ Via) (*http.Response, error) {
	r = r.Clone(ctx)
	r.URL.Scheme, r.URL.Host = s.address.Scheme, s.address.Host
	return http.DefaultTransport.RoundTrip(r)
}

// message is a whole message, or the end.
type message struct {
	kind wire.Flags
	text string
	err  error
}

// script is a body that says messages, and what it ends with.
type script struct {
	messages []message
	at       int
	end      chan struct{} // when it may end
}

func (s *script) ReadFrame(p []byte) (int, wire.Flags, error) {
	m := &s.messages[0]
	if m.err != nil {
		<-s.end
		return 0, 0, m.err
	}
	n := copy(p, m.text[s.at:])
	if s.at += n; s.at < len(m.text) {
		return n, m.kind, nil
	}
	s.messages, s.at = s.messages[1:], 0
	return n, m.kind | wire.Message, nil
}

func (s *script) Read([]byte) (int, error) { return 0, errors.New("messages are lost by Read") }

// newSilence is a body that says nothing until it may end.
func newSilence() *script {
	return &script{end: make(chan struct{}), messages: []message{{err: io.EOF}}}
}

// heard reads whole messages until the end; after so many, done is closed.
func heard(body io.Reader, after int, done chan struct{}) (all []message) {
	frames, part, buffer := body.(sandbox.FrameReader), "", make([]byte, 1000)
	for {
		n, flags, err := frames.ReadFrame(buffer)
		part += string(buffer[:n])
		if flags&wire.Message != 0 {
			all = append(all, message{kind: flags &^ wire.Message, text: part})
			part = ""
			if len(all) == after {
				close(done)
			}
		}
		if err != nil {
			return append(all, message{err: err})
		}
	}
}

func into(path, protocol string, body io.Reader) *sandbox.Request {
	return &sandbox.Request{Method: "GET", Target: path, Protocol: protocol, Body: body,
		Header: []wire.Header{{Name: "Sec-WebSocket-Protocol", Value: "v5.channel.k8s.io, v4.channel.k8s.io"}, {Name: "Authorization", Value: "mine"}}}
}

const execPath = "/api/v1/namespaces/demo/pods/a/exec?command=sh"

func sessionParent() sandbox.Parent {
	rules := []Rule{{Groups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}}}
	return sandbox.Parent{Request: &sandbox.Request{Value: &Call{Cluster: "local", Rules: rules}}, Extension: "terminal", Version: "1.0.0"}
}

func TestSessionCarriesMessagesAndCloses(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	server := newSocketServer(t, func(conn *websocket.Conn) {
		for {
			kind, text, err := conn.Read(t.Context())
			if err != nil {
				var end websocket.CloseError
				if !errors.As(err, &end) || end.Code != 3001 || end.Reason != "enough" {
					t.Errorf("the API server was told %v", err)
				}
				return
			}
			if err := conn.Write(t.Context(), kind, text); err != nil {
				t.Error(err)
			}
		}
	})
	said := &script{end: make(chan struct{}), messages: []message{
		{kind: wire.Text, text: "words"}, {text: "bytes\x00"}, {text: ""}, {kind: wire.Text, text: ""}, {text: long},
		{err: &sandbox.CloseError{Code: 3001, Text: "enough"}},
	}}
	want := said.messages[:5]
	response, err := NewDoor(server, nil).Open(t.Context(), sessionParent(), into(execPath, "websocket", said))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.Status != 200 || len(response.Header) != 1 || response.Header[0].Value != "v5.channel.k8s.io" {
		t.Fatalf("%+v", response)
	}
	if server.header.Get("Authorization") != "" {
		t.Error("a header of the guest's own went along")
	}
	got := heard(response.Body, len(want), said.end)
	for i, m := range want {
		if i >= len(got) || got[i] != m {
			t.Fatalf("message %d of %d differs: %.50q, want %.50q", i, len(got), got[min(i, len(got)-1)].text, m.text)
		}
	}
	var end *sandbox.CloseError
	if last := got[len(got)-1].err; !errors.As(last, &end) || end.Code != 3001 {
		t.Errorf("the guest was told %v", last)
	}
}

func TestSessionEndsAsTheAPIServerEndsIt(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*websocket.Conn)
		code uint16 // 0: it broke
	}{
		"a close":                {func(c *websocket.Conn) { _ = c.Close(4321, "gone") }, 4321},
		"a close without a code": {func(c *websocket.Conn) { _ = c.Close(websocket.StatusNoStatusRcvd, "") }, 1005},
		"no word":                {func(c *websocket.Conn) { _ = c.CloseNow() }, 0},
	} {
		server := newSocketServer(t, func(conn *websocket.Conn) {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte("x")); err != nil {
				t.Error(err)
			}
			c.end(conn)
		})
		silence := newSilence()
		response, err := NewDoor(server, nil).Open(t.Context(), sessionParent(), into(execPath, "websocket", silence))
		if err != nil {
			t.Fatal(err)
		}
		got := heard(response.Body, -1, nil)
		var end *sandbox.CloseError
		last := got[len(got)-1].err
		if len(got) != 2 || got[0].text != "x" || c.code == 0 && (errors.As(last, &end) || errors.Is(last, io.EOF)) || c.code != 0 && (!errors.As(last, &end) || end.Code != c.code) {
			t.Errorf("%s: %+v", name, got)
		}
		close(silence.end)
		_ = response.Body.Close()
	}
}

func TestSessionEndsWithItsContext(t *testing.T) {
	ended := make(chan error, 1)
	server := newSocketServer(t, func(conn *websocket.Conn) {
		_, _, err := conn.Read(context.Background())
		ended <- err
	})
	ctx, cancel := context.WithCancel(t.Context())
	silence := newSilence()
	response, err := NewDoor(server, nil).Open(ctx, sessionParent(), into(execPath, "websocket", silence))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("the API server reads on")
	}
	if got := heard(response.Body, -1, nil); len(got) != 1 || errors.Is(got[0].err, io.EOF) {
		t.Errorf("%+v", got)
	}
}

func TestSessionIsRefused(t *testing.T) {
	server := newSocketServer(t, func(conn *websocket.Conn) { _ = conn.CloseNow() })
	for path, want := range map[string]wire.Code{
		"/api/v1/namespaces/demo/pods/a/log":         wire.Invalid, // no session
		"/api/v1/namespaces/demo/pods?watch=1":       wire.Invalid,
		"/api/v1/namespaces/demo/pods/a/portforward": wire.Denied, // no rule
		"/api/v1/namespaces/demo/pods/../exec":       wire.Invalid,
	} {
		_, err := NewDoor(server, nil).Open(t.Context(), sessionParent(), into(path, "websocket", newSilence()))
		var reset *sandbox.ResetError
		if !errors.As(err, &reset) || reset.Code != want {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	_, err := NewDoor(server, nil).Open(t.Context(), sessionParent(), into(execPath, "tcp", nil))
	var reset *sandbox.ResetError
	if !errors.As(err, &reset) || reset.Code != wire.Unsupported {
		t.Errorf("tcp: %v", err)
	}
	response, err := NewDoor(server, nil).Open(t.Context(), sessionParent(), into(strings.Replace(execPath, "demo", "closed", 1), "websocket", newSilence()))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil || response.Status != 403 || string(text) != `{"kind":"Status"}` {
		t.Errorf("what the API server refuses is no ordinary answer: %d %q %v", response.Status, text, err)
	}
}
