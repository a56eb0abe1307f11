// Sockets: a WebSocket's connection as a body of the wire, which knows messages
// and closes.
package capability

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// pingEvery is how often the other side is asked whether it is still there: so
// often that nothing between the two takes the connection for idle.
const pingEvery = 30 * time.Second

// Socket is a WebSocket as a body: what its other side says can be read, message
// by message, and Send says what a stream of the wire brings. One goroutine may
// read and one may send.
type Socket struct {
	conn    *websocket.Conn
	ctx     context.Context
	end     context.CancelFunc
	kind    wire.Flags // of the message that is being read
	message io.Reader  // nil between messages

	leaving  sync.Once
	left     chan struct{} // closed when the other side has answered our close
	farewell error         // that answer, where the library heard it instead of ReadFrame
}

// NewSocket takes over a connection, which ends with ctx at latest.
func NewSocket(ctx context.Context, conn *websocket.Conn) *Socket {
	s := &Socket{conn: conn, left: make(chan struct{})}
	s.ctx, s.end = context.WithCancel(ctx)
	conn.SetReadLimit(-1) // messages pass in pieces, and the wire's windows bound those
	context.AfterFunc(s.ctx, func() { _ = conn.CloseNow() })
	go s.ping()
	return s
}

// ping ends a connection whose other side has gone without a word.
func (s *Socket) ping() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, pingEvery)
		err := s.conn.Ping(ctx)
		cancel()
		if err != nil {
			s.end()
			return
		}
	}
}

// ReadFrame reads a piece of a message. At the end the error is a
// *sandbox.CloseError with what the other side said, or whatever broke the
// connection.
func (s *Socket) ReadFrame(p []byte) (int, wire.Flags, error) {
	if s.message == nil {
		kind, message, err := s.conn.Reader(s.ctx)
		if err != nil {
			return 0, 0, s.closed(err)
		}
		s.message, s.kind = message, 0
		if kind == websocket.MessageText {
			s.kind = wire.Text
		}
	}
	n, err := io.ReadFull(s.message, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		s.message = nil
		return n, s.kind | wire.Message, nil
	}
	if err != nil {
		err = s.closed(err)
	}
	return n, s.kind, err
}

// Read reads without regard to messages.
func (s *Socket) Read(p []byte) (int, error) {
	for {
		n, _, err := s.ReadFrame(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// Close ends the connection at once, without the words of a close.
func (s *Socket) Close() error {
	s.end()
	return nil
}

// Send says what from brings, and closes as it ends: with the close that it
// ends with, normally at a plain end, and without a word when it broke. It
// returns when nothing more can be said.
func (s *Socket) Send(from sandbox.FrameReader) error {
	err := s.send(from)
	var end *sandbox.CloseError
	switch {
	case errors.As(err, &end):
		s.Goodbye(websocket.StatusCode(end.Code), end.Text)
	case errors.Is(err, io.EOF):
		s.Goodbye(websocket.StatusNormalClosure, "")
	default:
		return err
	}
	return nil
}

// Goodbye says a close, whose text has at most 123 bytes, and waits a moment for
// the other side's. A code that nobody may say becomes 1011.
func (s *Socket) Goodbye(code websocket.StatusCode, text string) {
	if !sayable(code) {
		code = websocket.StatusInternalError
	}
	s.leaving.Do(func() {
		defer close(s.left)
		err := s.conn.Close(code, text)
		var end websocket.CloseError
		switch {
		case errors.As(err, &end):
			s.farewell = &sandbox.CloseError{Code: uint16(end.Code), Text: end.Reason}
		case err == nil: // the same code came back
			s.farewell = &sandbox.CloseError{Code: uint16(code)}
		}
		s.end()
	})
}

// sayable tells whether a close code may be sent (RFC 6455, 7.4); 1005 is sent
// as a close without a code.
func sayable(code websocket.StatusCode) bool {
	switch {
	case code == 1004 || code == 1006 || code == 1015:
		return false
	default:
		return code >= 1000 && code <= 1014 || code >= 3000 && code <= 4999
	}
}

func (s *Socket) send(from sandbox.FrameReader) error {
	buffer := make([]byte, 16<<10)
	var message io.WriteCloser // begun and not ended
	for {
		n, flags, err := from.ReadFrame(buffer)
		kind, last := websocket.MessageBinary, flags&wire.Message != 0
		if flags&wire.Text != 0 {
			kind = websocket.MessageText
		}
		var failed error
		switch {
		case message == nil && last:
			failed = s.conn.Write(s.ctx, kind, buffer[:n])
		case message == nil && n == 0:
		case message == nil:
			if message, failed = s.conn.Writer(s.ctx, kind); failed == nil {
				_, failed = message.Write(buffer[:n])
			}
		default:
			if _, failed = message.Write(buffer[:n]); failed == nil && last {
				failed, message = message.Close(), nil
			}
		}
		if failed != nil {
			return failed
		}
		if err != nil {
			return err
		}
	}
}

// closed is what an error of the library says of the end. A connection that broke
// has not come to an end, whatever is wrapped in there; one that we are leaving
// ends with the other side's answer, whoever hears it first.
func (s *Socket) closed(err error) error {
	var end websocket.CloseError
	if errors.As(err, &end) {
		return &sandbox.CloseError{Code: uint16(end.Code), Text: end.Reason}
	}
	going := true
	s.leaving.Do(func() {
		going = false
		close(s.left)
		s.end()
	})
	if <-s.left; going && s.farewell != nil {
		return s.farewell
	}
	return fmt.Errorf("%w: %v", errBroken, err)
}

var errBroken = errors.New("the WebSocket broke")
