// What a stream looks like whose right is lost.
package extension

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
)

// TestAStreamWhoseDoorClosedFirstLooksCut: the registry of the doors may act on a
// lost right before that of the streams, and a guest whose door was closed ends
// its answer in good order.
func TestAStreamWhoseDoorClosedFirstLooksCut(t *testing.T) {
	for _, why := range []error{nil, errRightLost, access.ErrRevoked} {
		h := &Host{streams: liveStreams{all: map[*liveStream]struct{}{}}}
		live, done := h.streams.add(t.Context(), t.Context(), func() error { return why })
		defer done()
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/x/sample/", nil)
		cut := func() (v any) {
			defer func() { v = recover() }()
			h.deliver(live, w, r, &active{}, &sandbox.Response{Status: 200, Body: io.NopCloser(strings.NewReader("a line"))}, true)
			return nil
		}()
		if aborted := cut == http.ErrAbortHandler; aborted != (why != nil) || w.Body.String() != "a line" {
			t.Errorf("right lost: %v; the stream ended with %v after %q", why, cut, w.Body)
		}
		if code, _, ours := goodbye(live.cause(), errors.New("reset")); ours != (why != nil) || ours && code != websocket.StatusPolicyViolation {
			t.Errorf("right lost: %v; the WebSocket ended with %d, %v", why, code, ours)
		}
	}
}
