// Sessions: exec, attach and port-forward through the door to Kubernetes, as
// WebSockets whose framing ends here.
package capability

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// sessions are the subresources that are spoken to in both directions.
var sessions = []string{"exec", "attach", "portforward"}

// ProtocolHeader names the sub-protocols that a WebSocket's sides agree on.
const ProtocolHeader = "Sec-Websocket-Protocol"

// session opens a WebSocket to the API server. What the API server refuses is
// an ordinary answer.
func (d *Door) session(ctx context.Context, call *Call, via Via, r *sandbox.Request, u *url.URL) (*sandbox.Response, error) {
	if r.Protocol != "websocket" {
		return nil, &sandbox.ResetError{Code: wire.Unsupported, Text: "Kubernetes is spoken to over HTTP and websocket"}
	}
	q, err := Read(r.Method, u.Path, u.RawQuery)
	if err != nil || !slices.Contains(sessions, q.Subresource) {
		return nil, &sandbox.ResetError{Code: wire.Invalid, Text: "there are sessions with " + strings.Join(sessions, ", ") + " only"}
	}
	said, ok := r.Body.(sandbox.FrameReader)
	if !ok {
		return nil, errors.New("a session without a body that knows messages")
	}
	var offered []string
	for _, h := range r.Header {
		if http.CanonicalHeaderKey(h.Name) == ProtocolHeader {
			for name := range strings.SplitSeq(h.Value, ",") {
				offered = append(offered, strings.TrimSpace(name))
			}
		}
	}
	// The connection lives as long as ctx; the library's own contexts bound
	// single reads and writes.
	var refused error
	client := &http.Client{Transport: roundTrip(func(hello *http.Request) (*http.Response, error) {
		asked := &http.Request{Method: http.MethodGet, URL: u, Header: hello.Header}
		response, err := d.Do(ctx, call, via, asked)
		refused = err
		return response, err
	}), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	conn, response, err := websocket.Dial(ctx, "http://kubernetes/", &websocket.DialOptions{
		HTTPClient: client, Subprotocols: offered, CompressionMode: websocket.CompressionDisabled,
	})
	switch {
	case refused != nil:
		return nil, refused
	case err != nil && response != nil && response.StatusCode != http.StatusSwitchingProtocols:
		return answer(response), nil
	case err != nil:
		return nil, errors.Join(&sandbox.ResetError{Code: wire.Unavailable, Text: "the cluster did not agree to a WebSocket"}, err)
	}
	socket := NewSocket(ctx, conn)
	go socket.Send(said)
	opened := &sandbox.Response{Status: http.StatusOK, Body: socket}
	if name := conn.Subprotocol(); name != "" {
		opened.Header = []wire.Header{{Name: ProtocolHeader, Value: name}}
	}
	return opened, nil
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
