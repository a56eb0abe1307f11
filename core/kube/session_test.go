// Sessions begun inside this process, for doors of extensions: under the same
// law, and as mortal as those of clients.

package kube

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

func TestSessionsInsideTheProcessEndWithTheRight(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x/exec", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		io.Copy(conn, rw)
		conn.Close()
	})
	dial := func(protocol string) *http.Response {
		req := &http.Request{Method: "GET", URL: &url.URL{Path: "/api/v1/namespaces/alpha/pods/x/exec"}, Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {protocol}}}
		res, err := h.proxy.RoundTrip(t.Context(), access.Subject{Name: "jane", UID: "u", Via: access.ViaToken}, "local", req, Via{Extension: "terminal", Version: "1.0.0"})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := dial("SPDY/3.1"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("SPDY: %d", res.StatusCode)
	}
	for _, end := range []func(io.Closer){
		func(io.Closer) { h.law.remove("jane", "alpha") },
		func(c io.Closer) { c.Close() },
	} {
		h.law.roles["jane"]["alpha"] = "admin"
		res := dial("websocket")
		conn, ok := res.Body.(io.ReadWriteCloser)
		if res.StatusCode != http.StatusSwitchingProtocols || !ok {
			t.Fatalf("%d %T", res.StatusCode, res.Body)
		}
		if got := h.up.last(t).header; got.Get("Impersonate-User") != "atoll:jane" || got["Impersonate-Extra-Atoll.dev%2fextension"][0] != "terminal" {
			t.Errorf("%v", got)
		}
		io.WriteString(conn, "hello")
		if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		end(conn)
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the session goes on")
		}
		conn.Close()
		await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
	}
}
