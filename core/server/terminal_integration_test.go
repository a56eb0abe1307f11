//go:build integration

// Sessions through a guest into a pod of a real node: a terminal and a port, both
// directions, with window sizes and close codes. The guest is testdata/terminal.
package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"
)

// terminalPackage compiles testdata/terminal and packs it.
var terminalPackage = sync.OnceValues(func() ([]byte, error) { return packed("testdata", "terminal") })

// site is a server whose cluster is the real one, with a project, a pod in it and
// the guest installed.
type site struct {
	*running
	admin *browser
	pods  string // the route of the pod, below /x/terminal
}

func newSite(t *testing.T) *site {
	t.Helper()
	tar, err := terminalPackage()
	if err != nil {
		t.Fatal(err)
	}
	r := startOnCluster(t, fstest.MapFS{})
	s := &site{running: r, admin: r.admin().newToken()}
	t.Cleanup(func() {
		if t.Failed() {
			for line := range strings.Lines(r.log.String()) {
				if strings.Contains(line, "extension") {
					t.Log(strings.TrimSpace(line))
				}
			}
		}
	})
	const project = "terminals"
	s.admin.newProject(project)
	const pods = "/clusters/local/api/v1/namespaces/" + project + "/pods"
	pod := map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "web"}, "spec": map[string]any{
		"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": false,
		"securityContext": map[string]any{"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": map[string]any{"type": "RuntimeDefault"}},
		"containers": []any{map[string]any{"name": "web", "image": "atoll.local/demo:1", "imagePullPolicy": "IfNotPresent", "args": []string{"web"},
			"securityContext": map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []string{"ALL"}}}}},
	}}
	eventually(t, "the pod is accepted", func() bool { return s.admin.do("POST", pods, pod).status == 201 })
	eventually(t, "the pod runs", func() bool {
		var seen struct{ Status struct{ Phase string } }
		s.admin.must("GET", pods+"/web", nil, 200).json(&seen)
		return seen.Status.Phase == "Running"
	})
	var review struct{ Consent string }
	s.admin.send("/api/v1/extensions:review", tar).json(&review)
	if a := s.admin.send("/api/v1/extensions?consent="+url.QueryEscape(review.Consent), tar); a.status != 201 {
		t.Fatalf("installing: %d %s", a.status, a.body)
	}
	s.pods = "/x/terminal/clusters/local/projects/" + project + "/pods/web/"
	return s
}

// open opens a WebSocket on one of the pod's routes as the administrator.
func (s *site) open(t *testing.T, route string, protocols ...string) *websocket.Conn {
	t.Helper()
	conn, response := s.dial(t, s.admin, s.pods+route, protocols...)
	if conn == nil {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("%s: %s %s", route, response.Status, text)
	}
	return conn
}

// dial opens a WebSocket on a route as somebody; nil where it is refused.
func (s *site) dial(t *testing.T, b *browser, path string, protocols ...string) (*websocket.Conn, *http.Response) {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), s.url+path, &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + b.token}}, Subprotocols: protocols})
	if err != nil && response == nil {
		t.Fatal(err)
	}
	if err != nil {
		return nil, response
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, response
}

// Channels of Kubernetes' v5.channel.k8s.io.
const (
	stdin, stdout, failure, resize = 0, 1, 3, 4
)

// terminal speaks v5.channel.k8s.io.
type terminal struct {
	t     *testing.T
	conn  *websocket.Conn
	shown bytes.Buffer
	ended []byte // what came on the channel of errors
}

func (c *terminal) say(channel byte, text string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageBinary, append([]byte{channel}, text...)); err != nil {
		c.t.Fatal(err)
	}
}

// sees waits until the terminal shows a text.
func (c *terminal) sees(text string) {
	c.t.Helper()
	for !strings.Contains(c.shown.String(), text) {
		if err := c.hear(); err != nil {
			c.t.Fatalf("waiting for %q: %v after %q", text, err, c.shown.String())
		}
	}
}

func (c *terminal) hear() error {
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	_, message, err := c.conn.Read(ctx)
	if err != nil || len(message) == 0 {
		return err
	}
	switch message[0] {
	case stdout:
		c.shown.Write(message[1:])
	case failure:
		c.ended = append(c.ended, message[1:]...)
	}
	return nil
}

func TestIntegrationTerminalThroughAGuest(t *testing.T) {
	s := newSite(t)
	query := "?" + url.Values{"command": {"/demo", "terminal"}, "stdin": {"true"}, "stdout": {"true"}, "tty": {"true"}, "container": {"web"}}.Encode()
	for route, closes := range map[string]websocket.StatusCode{"exec": websocket.StatusNormalClosure, "watched": 4000} {
		t.Run(route, func(t *testing.T) {
			conn := s.open(t, route+query, "v5.channel.k8s.io")
			if conn.Subprotocol() != "v5.channel.k8s.io" {
				t.Errorf("agreed on %q", conn.Subprotocol())
			}
			c := &terminal{t: t, conn: conn}
			c.say(resize, `{"Width":101,"Height":41}`)
			c.sees("window 101x41")
			c.say(resize, `{"Width":77,"Height":22}`)
			c.sees("window 77x22")
			c.say(stdin, "hello\n")
			c.sees("you said hello")
			for n := range 20 { // one after the other: a terminal's echo and a program's words mix
				long := strings.Repeat(string('a'+rune(n)), 3000) // below what a terminal's line takes
				c.say(stdin, long+"\n")
				c.sees("you said " + long)
			}
			c.say(stdin, "exit 3\n")
			var err error
			for err == nil {
				err = c.hear()
			}
			if got := websocket.CloseStatus(err); got != closes {
				t.Errorf("closed with %d (%v), want %d", got, err, closes)
			}
			var status struct{ Reason string }
			if json.Unmarshal(c.ended, &status) != nil || status.Reason != "NonZeroExitCode" || !strings.Contains(string(c.ended), `"3"`) {
				t.Errorf("the command's end was told as %q", c.ended)
			}
		})
	}
	t.Run("a client that leaves ends the command", func(t *testing.T) {
		conn := s.open(t, "exec"+query, "v5.channel.k8s.io")
		c := &terminal{t: t, conn: conn}
		c.say(resize, `{"Width":80,"Height":24}`)
		c.sees("window 80x24")
		_ = conn.Close(websocket.StatusNormalClosure, "")
		eventually(t, "no session is left", func() bool { return s.proxy.InFlight() == 0 && s.extensions.Stats("terminal").Streams == 0 })
	})
	t.Run("a removed extension says so", func(t *testing.T) {
		conn := s.open(t, "exec"+query, "v5.channel.k8s.io")
		c := &terminal{t: t, conn: conn}
		c.say(resize, `{"Width":80,"Height":24}`)
		c.sees("window 80x24")
		s.admin.must("DELETE", "/api/v1/extensions/terminal", nil, 204)
		var err error
		for err == nil {
			err = c.hear()
		}
		if got := websocket.CloseStatus(err); got != websocket.StatusServiceRestart {
			t.Errorf("closed with %d: %v", got, err)
		}
	})
}

func TestIntegrationPortThroughAGuest(t *testing.T) {
	s := newSite(t)
	conn := s.open(t, "ports/8080")
	stream := websocket.NetConn(t.Context(), conn, websocket.MessageBinary)
	if _, err := io.WriteString(stream, "GET / HTTP/1.1\r\nHost: web\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(stream), nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(page), "This page is served by the pod web") {
		t.Errorf("%v %q", err, page)
	}
	_ = stream.Close()
	eventually(t, "no session is left", func() bool { return s.proxy.InFlight() == 0 && s.extensions.Stats("terminal").Streams == 0 })

	closed := s.open(t, "ports/8081")
	_ = closed.Write(t.Context(), websocket.MessageBinary, []byte("x"))
	_, _, err = closed.Read(t.Context())
	if got := websocket.CloseStatus(err); got != 4002 {
		t.Errorf("a port that nobody serves: closed with %d: %v", got, err)
	}
}

func TestIntegrationNobodyGoesInWhoMayNot(t *testing.T) {
	s := newSite(t)
	owner := s.signIn(adminName, adminPassword)
	viewer := owner.user("vera", "platform-member")
	owner.must("PUT", "/api/v1/clusters/local/projects/terminals/members/vera", map[string]any{"role": "project-viewer"}, 200)
	query := "?" + url.Values{"command": {"/demo", "terminal"}, "stdin": {"true"}, "stdout": {"true"}, "container": {"web"}}.Encode()
	refused := func(who *browser, path string, want int) {
		t.Helper()
		conn, response := s.dial(t, who, path, "v5.channel.k8s.io")
		if conn != nil || response == nil || response.StatusCode != want {
			t.Errorf("%s: %+v, want %d", path, response, want)
		}
	}
	refused(viewer.newToken(), s.pods+"exec"+query, 403)
	refused(s.admin, strings.Replace(s.pods, "/web/", "/nobody/", 1)+"exec"+query, 404)
	if a := s.admin.do("GET", s.pods+"exec"+query, nil); a.status != http.StatusUpgradeRequired || a.header.Get("Upgrade") != "websocket" {
		t.Errorf("without an upgrade: %d %v", a.status, a.header)
	}
	_, response, err := websocket.Dial(t.Context(), s.url+s.pods+"exec"+query, &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {owner.cookie}, "Origin": {"http://evil.example"}}})
	if err == nil || response.StatusCode != 403 {
		t.Errorf("from somebody else's page: %v", err)
	}
}
