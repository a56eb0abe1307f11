// The live connection of a tab through the whole server, to a cluster's
// stand-in and back.

package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

type heard struct {
	Type    string
	ID      int
	Status  int
	Text    string
	Problem *struct{ Status int }
}

// tab connects somebody's live connection.
func (b *browser) tab(change func(http.Header)) (*websocket.Conn, int) {
	b.r.t.Helper()
	h := http.Header{"Origin": {b.r.url}, "Cookie": {b.cookie}}
	if change != nil {
		change(h)
	}
	conn, res, err := websocket.Dial(b.r.t.Context(), strings.Replace(b.r.url, "http", "ws", 1)+"/api/v1/stream", &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		return nil, res.StatusCode
	}
	conn.SetReadLimit(1 << 20)
	b.r.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, 101
}

func say(t *testing.T, conn *websocket.Conn, m map[string]any) {
	t.Helper()
	text, _ := json.Marshal(m)
	if err := conn.Write(t.Context(), websocket.MessageText, text); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn) (heard, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var m heard
	_, text, err := conn.Read(ctx)
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	return m, err
}

func TestOnlyOwnPagesHaveALiveConnection(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	for name, test := range map[string]struct {
		change func(http.Header)
		want   int
	}{
		"own":        {nil, 101},
		"foreign":    {func(h http.Header) { h.Set("Origin", "http://evil.example") }, 403},
		"no origin":  {func(h http.Header) { h.Del("Origin") }, 403},
		"null":       {func(h http.Header) { h.Set("Origin", "null") }, 403},
		"other port": {func(h http.Header) { h.Set("Origin", "http://127.0.0.1:1") }, 403},
		"nobody":     {func(h http.Header) { h.Del("Cookie") }, 401},
		"token, no page": {func(h http.Header) {
			h.Del("Origin")
			h.Del("Cookie")
			h.Set("Authorization", "Bearer "+admin.newToken().token)
		}, 101},
	} {
		if _, got := admin.tab(test.change); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestSubscriptionIsARequestOfThePerson(t *testing.T) {
	u := newUpstream(t, hostile)
	r := startWith(t, u, nil)
	jane := r.admin().user("jane", "platform-member")
	conn, _ := jane.tab(nil)
	for i, test := range []struct {
		path string
		want int
		says string
	}{
		{"/api/v1/users/me", 200, `"name":"jane"`},
		{"/api/v1/users", 403, `"users.view"`},
		{"/clusters/local/api/v1/namespaces/demo/pods/a", 200, "<script>"},
		{"/clusters/local/api/v1/namespaces/demo/services/a/proxy/", 403, "token"},
		{"/x/none/y", 404, "none"},
		{"/api/v1/nothing", 404, "nothing"},
	} {
		say(t, conn, map[string]any{"type": "open", "id": i + 1, "path": test.path, "credit": 100000})
		var text string
		status := 0
		for {
			m, err := hear(t, conn)
			if err != nil {
				t.Fatal(err)
			}
			status, text = max(status, m.Status), text+m.Text
			if m.Type == "end" {
				break
			}
		}
		if status != test.want || !strings.Contains(text, test.says) {
			t.Errorf("%s: %d %.200s", test.path, status, text)
		}
	}
	for _, req := range u.requests() {
		if req.Header.Get("Impersonate-User") != "atoll:jane" || req.Header.Get("Cookie") != "" {
			t.Errorf("the cluster saw %v", req.Header)
		}
	}
}

func TestSlowTabHoldsItsWindowAndClosingEndsTheLog(t *testing.T) {
	over := make(chan struct{}, 1)
	r := startWith(t, newUpstream(t, endless(over)), nil)
	conn, _ := r.admin().tab(nil)
	const window = 50_000
	say(t, conn, map[string]any{"type": "open", "id": 1, "path": logPath, "credit": window})
	got := 0
	for got < window {
		m, err := hear(t, conn)
		if err != nil || m.Type == "end" {
			t.Fatalf("%+v %v", m, err)
		}
		got += len(m.Text)
	}
	say(t, conn, map[string]any{"type": "open", "id": 2, "path": "/api/v1/users/me", "credit": 10000})
	for {
		m, err := hear(t, conn)
		if err != nil {
			t.Fatal(err)
		}
		if m.ID == 1 {
			t.Fatalf("%d bytes came beyond the window", len(m.Text))
		}
		if m.Type == "end" {
			break
		}
	}
	begin := time.Now()
	say(t, conn, map[string]any{"type": "close", "id": 1})
	waitFor(t, over, "the cluster's log stream ends")
	t.Logf("the cluster's stream ended %s after closing", time.Since(begin))
}

func TestSigningOutEndsTheLiveConnection(t *testing.T) {
	over := make(chan struct{}, 1)
	r := startWith(t, newUpstream(t, endless(over)), nil)
	admin := r.admin()
	conn, _ := admin.tab(nil)
	say(t, conn, map[string]any{"type": "open", "id": 1, "path": logPath, "credit": 10})
	if _, err := hear(t, conn); err != nil {
		t.Fatal(err)
	}
	admin.must("DELETE", "/api/v1/sessions/current", nil, 204)
	waitFor(t, over, "the cluster's log stream ends")
	for {
		if _, err := hear(t, conn); err != nil {
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Error(err)
			}
			break
		}
	}
}

func TestStopTellsTabs(t *testing.T) {
	r := start(t, nil)
	conn, _ := r.admin().tab(nil)
	r.cancel()
	if _, err := hear(t, conn); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Error(err)
	}
	r.stopAndWait()
}
