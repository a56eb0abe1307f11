// WebSockets through the real host and sandbox: messages, closes, and who is told
// what when one ends. Kubernetes is a stand-in that speaks WebSocket.
package extension

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/store"
)

var socketManifest = strings.NewReplacer(
	"roles:", `    - { groups: [""], resources: [pods/exec], verbs: [create], reason: { en: Go in } }
roles:`,
	"ui: ui", `  - { path: "/clusters/{cluster}/projects/{project}/session", methods: [GET], permission: things.view, websocket: true }
  - { path: /talk, methods: [GET], websocket: true }
ui: ui`).Replace(testManifest)

// sockets is a world whose routes a real client reaches, and whose Kubernetes
// answers sessions with serve.
func sockets(t *testing.T, serve func(*websocket.Conn)) (w *world, dial func(path string, o *websocket.DialOptions) (*websocket.Conn, *http.Response, error)) {
	w = newWorld(t, nil)
	pods := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(rw, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		serve(conn)
	}))
	t.Cleanup(pods.Close)
	address, _ := url.Parse(pods.URL)
	w.engine = newEngine(t, capability.NewDoor(sessionCluster{address}, slog.New(slog.DiscardHandler)))
	w.Host = w.host(t, nil)
	w.install(t, samplePackage(t, socketManifest))
	atoll := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		who := viewer
		who.ReadOnly = r.Header.Get("X-Read-Only") != ""
		w.ServeRoute(rw, r, who, "sample", r.URL.Path)
	}))
	t.Cleanup(atoll.Close)
	return w, func(path string, o *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
		t.Helper()
		conn, response, err := websocket.Dial(t.Context(), atoll.URL+path, o)
		if err == nil {
			conn.SetReadLimit(-1)
			t.Cleanup(func() { _ = conn.CloseNow() })
		}
		return conn, response, err
	}
}

type sessionCluster struct{ address *url.URL }

func (c sessionCluster) RoundTrip(ctx context.Context, _ access.Subject, _ string, r *http.Request, _ capability.Via) (*http.Response, error) {
	r = r.Clone(ctx)
	r.URL.Scheme, r.URL.Host = c.address.Scheme, c.address.Host
	return http.DefaultTransport.RoundTrip(r)
}

// echo repeats messages until one says "done", and closes with 4100 then.
func echo(conn *websocket.Conn) {
	conn.SetReadLimit(-1)
	for {
		kind, text, err := conn.Read(context.Background())
		if err != nil {
			return
		}
		if string(text) == "done" {
			_ = conn.Write(context.Background(), websocket.MessageText, []byte("bye"))
			_ = conn.Close(4100, "done")
			return
		}
		if conn.Write(context.Background(), kind, text) != nil {
			return
		}
	}
}

func TestSocketsCarryMessagesAndCloses(t *testing.T) {
	w, dial := sockets(t, echo)
	for path, end := range map[string]struct {
		say, last string
		code      websocket.StatusCode
	}{
		inDemo + "/session": {"done", "bye", 4100},
		"/talk":             {"close", "", 4321},
	} {
		for round := range 20 {
			conn, _, err := dial(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"", "hello", strings.Repeat("long ", 100_000)} {
				for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
					if err := conn.Write(t.Context(), kind, []byte(text)); err != nil {
						t.Fatal(err)
					}
					got, back, err := conn.Read(t.Context())
					if err != nil || got != kind || string(back) != text {
						t.Fatalf("%s: %v %d bytes %v, want %v %d bytes", path, got, len(back), err, kind, len(text))
					}
				}
			}
			if err := conn.Write(t.Context(), websocket.MessageText, []byte(end.say)); err != nil {
				t.Fatal(err)
			}
			if end.last != "" {
				if _, back, err := conn.Read(t.Context()); err != nil || string(back) != end.last {
					t.Fatalf("%s, round %d: the last message is %q, %v", path, round, back, err)
				}
			}
			if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != end.code {
				t.Fatalf("%s, round %d: closed with %v, want %d", path, round, err, end.code)
			}
		}
	}
	eventually(t, "no stream is left", func() bool { s := w.Stats("sample"); return s.Streams == 0 && s.Children == 0 })
}

func TestSocketsEndForAReasonThatIsSaid(t *testing.T) {
	w, dial := sockets(t, echo)
	conn, _, err := dial(inDemo+"/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Commit(t.Context(), nil, store.Delete(access.BindingPrefix+"project/p-demo/"+viewer.UID)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("the right is lost: closed with %v", err)
	}
	for say, code := range map[string]websocket.StatusCode{"panic": websocket.StatusInternalError, "die": websocket.StatusInternalError} {
		conn, _, err := dial("/talk", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(say)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != code {
			t.Errorf("%s: closed with %v, want %d", say, err, code)
		}
	}
	if conn, _, err = dial("/talk", nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Remove(t.Context(), "sample"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("removed: closed with %v", err)
	}
}

func TestSocketsAgreeOnAProtocolOrAreNone(t *testing.T) {
	_, dial := sockets(t, echo)
	conn, _, err := dial("/talk", &websocket.DialOptions{Subprotocols: []string{"chat.v1"}})
	if err != nil || conn.Subprotocol() != "chat.v1" {
		t.Errorf("%v", err)
	}
	if _, response, err := dial("/talk", &websocket.DialOptions{HTTPHeader: http.Header{"X-Read-Only": {"1"}}}); err == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("a credential for reading only: %v", err)
	}
	if _, response, err := dial("/headers?status=403", nil); err == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("a route that is no WebSocket answers %v", err)
	}
}

func TestReviewTellsASocketFromARoute(t *testing.T) {
	w := newWorld(t, nil)
	r, err := w.Review(t.Context(), bytes.NewReader(samplePackage(t, socketManifest)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Asks, func(a Ask) bool {
		return a.Text == "Speak WebSocket at /x/sample/talk to everybody who is signed in" && a.Rule == "GET /talk websocket"
	}) {
		t.Errorf("%+v", r.Asks)
	}
}

func TestManifestOfASocketIsChecked(t *testing.T) {
	for _, wrong := range []string{
		`{ path: /talk, methods: [GET, POST], websocket: true }`,
		`{ path: /talk, methods: [POST], websocket: true }`,
		`{ path: /talk, methods: [GET], websocket: true, stream: true }`,
	} {
		_, err := ParseManifest([]byte(strings.Replace(socketManifest, `{ path: /talk, methods: [GET], websocket: true }`, wrong, 1)))
		var file *FileError
		if !errors.As(err, &file) || len(file.Problems) != 1 || !strings.HasPrefix(file.Problems[0].Pointer, "/routes/") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
