// WebSockets: a route in both directions. The framing ends here; the guest gets
// messages, and what it refuses is an ordinary answer.
package extension

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// wantsWebSocket tells whether a client asks to change to WebSocket.
func wantsWebSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// serveSocket carries a WebSocket between a client and a guest. It ends with
// the client's right to it, with the extension, and with the server; the client
// is told which. The Origin was checked, with all other requests'.
func (h *Host) serveSocket(live *liveStream, w http.ResponseWriter, r *http.Request, a *active, request *sandbox.Request) {
	request.Protocol = "websocket"
	for _, value := range r.Header[capability.ProtocolHeader] {
		request.Header = append(request.Header, wire.Header{Name: capability.ProtocolHeader, Value: value})
	}
	says := &laterBody{ready: make(chan struct{})}
	defer says.Close()
	request.Body = says
	response, ok := h.ask(live, w, r, a, request)
	if !ok {
		return
	}
	defer response.Body.Close()
	if response.Status >= 300 {
		h.deliver(live, w, r, a, response, false)
		return
	}
	accept := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	for _, header := range response.Header {
		if textproto.CanonicalMIMEHeaderKey(header.Name) == capability.ProtocolHeader {
			accept.Subprotocols = append(accept.Subprotocols, header.Value)
		}
	}
	conn, err := websocket.Accept(w, r, accept)
	if err != nil {
		return // it has answered
	}
	socket := capability.NewSocket(context.WithoutCancel(live.ctx), conn)
	defer socket.Close()
	says.begin(socket)
	err = socket.Send(response.Body.(sandbox.FrameReader))
	if code, text, ours := goodbye(live.cause(), err); ours {
		socket.Goodbye(code, text)
		if code == websocket.StatusInternalError {
			h.report(a, r, err)
		}
	}
}

// goodbye says why a WebSocket ends that neither side has ended; false: one has.
func goodbye(cause, err error) (code websocket.StatusCode, text string, ours bool) {
	var fault *sandbox.Fault
	var reset *sandbox.ResetError
	switch {
	case err == nil:
		return 0, "", false
	case errors.Is(cause, errRightLost):
		return websocket.StatusPolicyViolation, "the right to this was taken away", true
	case errors.Is(cause, ErrNotFound), errors.Is(err, sandbox.ErrClosed):
		return websocket.StatusServiceRestart, "the extension was removed or replaced", true
	case errors.Is(cause, access.ErrRevoked):
		return websocket.StatusPolicyViolation, "the credential is not good any more", true
	case cause != nil:
		return websocket.StatusGoingAway, "Atoll is stopping", true
	case errors.Is(err, sandbox.ErrInterrupted):
		return websocket.StatusServiceRestart, "the extension was interrupted", true
	case errors.As(err, &fault):
		return websocket.StatusInternalError, "the extension failed", true
	case errors.As(err, &reset):
		return websocket.StatusInternalError, "the extension gave it up: " + reset.Code.String(), true
	}
	return 0, "", false // the client has gone
}

// laterBody is what a client says once its WebSocket stands; until then, and
// when it never does, nothing.
type laterBody struct {
	ready  chan struct{}
	once   sync.Once
	socket *capability.Socket
}

func (b *laterBody) begin(s *capability.Socket) {
	b.once.Do(func() {
		b.socket = s
		close(b.ready)
	})
}

// ReadFrame waits for the WebSocket to stand.
func (b *laterBody) ReadFrame(p []byte) (int, wire.Flags, error) {
	<-b.ready
	if b.socket == nil {
		return 0, 0, io.EOF
	}
	return b.socket.ReadFrame(p)
}

func (b *laterBody) Read(p []byte) (int, error) {
	<-b.ready
	if b.socket == nil {
		return 0, io.EOF
	}
	return b.socket.Read(p)
}

// Close says that nobody waits for it any more. A WebSocket that stands is not
// ended: its client is still to be told why.
func (b *laterBody) Close() error {
	b.once.Do(func() { close(b.ready) })
	return nil
}
