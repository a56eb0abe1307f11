// Connections: both ends of an upgrade.
package atoll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Close codes of a websocket, as RFC 6455 gives them.
const (
	CloseNormal      = 1000
	CloseGoingAway   = 1001
	CloseProtocol    = 1002
	CloseUnsupported = 1003
	CloseNoStatus    = 1005 // the other side said none; never sent
	CloseAbnormal    = 1006 // the connection broke; never sent
	CloseInvalid     = 1007
	ClosePolicy      = 1008
	CloseTooBig      = 1009
	CloseInternal    = 1011
)

// DefaultMessageLimit bounds what ReadMessage reads, in bytes.
const DefaultMessageLimit = 1 << 20

// CloseError is read of a websocket when the other side has closed it, or when
// it broke (CloseAbnormal, around the error that broke it).
type CloseError struct {
	Code int
	Text string
	err  error
}

// Error says code and text.
func (e *CloseError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("the websocket was closed: %d", e.Code)
	}
	return fmt.Sprintf("the websocket was closed: %d %s", e.Code, e.Text)
}

// Unwrap gives what broke the connection, or nil.
func (e *CloseError) Unwrap() error { return e.err }

var (
	// ErrMessageTooLarge is read of a message beyond the limit; the connection
	// has been closed with CloseTooBig.
	ErrMessageTooLarge = errors.New("atoll: a message is over its limit")

	errConnClosed = errors.New("atoll: the connection is closed")
	errMixed      = errors.New("atoll: a websocket and a stream of bytes cannot be joined")
)

// Conn is a connection in both directions. A websocket carries messages; tcp and
// smtp carry bytes, through Read and Write. One goroutine may read while others
// write; messages that several write do not mix. It ends with the request that
// it belongs to.
type Conn struct {
	stream      *stream
	ctx         context.Context
	protocol    string
	subprotocol string
	limit       int
	writing     chan struct{} // held by who writes a message
	reader      *messageReader
}

func newConn(st *stream, protocol, subprotocol string, ctx context.Context) *Conn {
	return &Conn{stream: st, ctx: ctx, protocol: protocol, subprotocol: subprotocol, limit: DefaultMessageLimit, writing: make(chan struct{}, 1)}
}

// Protocol is what the connection was upgraded to.
func (c *Conn) Protocol() string { return c.protocol }

// Subprotocol is what both sides of a websocket agreed on, or nothing.
func (c *Conn) Subprotocol() string { return c.subprotocol }

// SetReadLimit bounds the messages that ReadMessage reads, in bytes;
// DefaultMessageLimit otherwise. It is called before reading. NextReader has no
// limit, since it holds at most a window of a message.
func (c *Conn) SetReadLimit(n int) { c.limit = n }

// Context ends with the connection's request.
func (c *Conn) Context() context.Context { return c.ctx }

// ReadMessage reads a whole message of a websocket. Errors are a *CloseError,
// ErrMessageTooLarge, or the context's.
func (c *Conn) ReadMessage() (message []byte, text bool, err error) {
	r, text, err := c.NextReader()
	if err != nil {
		return nil, false, err
	}
	m := r.(*messageReader)
	for !m.done {
		if len(message) == cap(message) {
			message = append(message, make([]byte, max(512, c.waiting()))...)[:len(message)]
		}
		n, err := m.Read(message[len(message):cap(message)])
		message = message[:len(message)+n]
		if err != nil && err != io.EOF {
			return nil, false, err
		}
		if len(message) > c.limit {
			_ = c.Close(CloseTooBig, "")
			return nil, false, ErrMessageTooLarge
		}
	}
	return message, text, nil
}

// waiting is how many bytes of the next message have come.
func (c *Conn) waiting() int {
	s := c.stream.session
	s.lock()
	defer s.unlock()
	if m := c.stream.messages; m != nil && len(m.parts) > 0 {
		return m.parts[0].size
	}
	return 0
}

// NextReader gives the next message of a websocket as it comes, however large it
// is. What is left of the one before is skipped.
func (c *Conn) NextReader() (r io.Reader, text bool, err error) {
	if c.stream.messages == nil {
		return nil, false, errors.New("atoll: the connection carries no messages")
	}
	if c.reader != nil && !c.reader.done {
		if _, err := io.Copy(io.Discard, c.reader); err != nil {
			return nil, false, err
		}
	}
	if ended, err := c.stream.await(); ended || err != nil {
		return nil, false, c.ending(err)
	}
	text = c.stream.messages.parts[0].text
	c.stream.session.unlock()
	c.reader = &messageReader{conn: c}
	return c.reader, text, nil
}

// messageReader reads one message.
type messageReader struct {
	conn *Conn
	done bool
}

// Read implements io.Reader.
func (m *messageReader) Read(p []byte) (int, error) {
	if m.done {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	st := m.conn.stream
	if ended, err := st.await(); ended || err != nil {
		if err == nil { // in the middle of a message
			err = io.ErrUnexpectedEOF
		}
		return 0, m.conn.ending(err)
	}
	n, _, ends := st.takePart(p)
	st.session.unlock()
	if m.done = ends; ends && n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// ending is what a reader is told at the end; err is nil after a regular one.
func (c *Conn) ending(err error) error {
	s, m := c.stream.session, c.stream.messages
	switch {
	case err == http.ErrBodyReadAfterClose:
		return errConnClosed
	case err != nil && c.ctx.Err() != nil:
		err = c.ctx.Err()
	case err == nil && m == nil:
		return io.EOF
	}
	if m == nil {
		return err
	}
	s.lock()
	defer s.unlock()
	switch {
	case err != nil:
		return &CloseError{Code: CloseAbnormal, Text: err.Error(), err: err}
	case m.code != 0:
		return &CloseError{Code: m.code, Text: m.text}
	case m.said:
		return &CloseError{Code: CloseNormal, Text: m.text}
	}
	return &CloseError{Code: CloseNoStatus, Text: m.text}
}

// Read reads bytes; of a websocket those of its messages, one after the other.
// io.EOF: the other side has ended tcp or smtp. It may go on with what a
// NextReader has left.
func (c *Conn) Read(p []byte) (int, error) {
	st := c.stream
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if st.messages == nil {
			n, ended, err := st.read(p)
			if ended || err != nil {
				err = c.ending(err)
			}
			return n, err
		}
		if ended, err := st.await(); ended || err != nil {
			return 0, c.ending(err)
		}
		n, _, _ := st.takePart(p)
		st.session.unlock()
		if n > 0 {
			return n, nil
		}
	}
}

// Write writes bytes; to a websocket, as one binary message.
func (c *Conn) Write(p []byte) (int, error) {
	if c.stream.messages != nil {
		return c.send(p, wire.Message)
	}
	return c.send(p, 0)
}

// WriteMessage writes a message to a websocket. It waits while the other side's
// window is full.
func (c *Conn) WriteMessage(message []byte, text bool) error {
	_, err := c.send(message, messageFlags(text, true))
	return err
}

func (c *Conn) send(p []byte, flags wire.Flags) (int, error) {
	if err := c.begin(); err != nil {
		return 0, err
	}
	defer func() { <-c.writing }()
	n, err := c.stream.send(p, flags)
	return n, c.cause(err)
}

// begin waits until no other message is being written, or the connection ends.
func (c *Conn) begin() error {
	select {
	case c.writing <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.writing <- struct{}{}:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// cause is what a writer is told.
func (c *Conn) cause(err error) error {
	switch {
	case err == errEnded:
		return errConnClosed
	case err != nil && err != errStopped && c.ctx.Err() != nil:
		return c.ctx.Err()
	}
	return err
}

// NextWriter begins a message that is written in parts; Close ends it. Other
// messages wait until then.
func (c *Conn) NextWriter(text bool) io.WriteCloser {
	err := c.begin()
	return &messageWriter{conn: c, text: text, done: err != nil, err: err}
}

type messageWriter struct {
	conn *Conn
	text bool
	done bool
	err  error
}

// Write implements io.Writer.
func (m *messageWriter) Write(p []byte) (int, error) {
	if m.done {
		return 0, cmp.Or(m.err, errEnded)
	}
	n, err := m.conn.stream.send(p, messageFlags(m.text, false))
	return n, m.conn.cause(err)
}

// Close ends the message.
func (m *messageWriter) Close() error {
	if m.done {
		return m.err
	}
	m.done = true
	defer func() { <-m.conn.writing }()
	_, err := m.conn.stream.send(nil, messageFlags(m.text, true))
	return m.conn.cause(err)
}

// Close ends the connection in both directions. A websocket's other side reads
// code and text, of at most 123 bytes; code 0 says none. tcp and smtp have
// neither.
func (c *Conn) Close(code int, text string) error {
	st := c.stream
	s := st.session
	if st.messages != nil && code != 0 && !sendable(code) {
		return fmt.Errorf("atoll: %d is not a close code that may be sent", code)
	}
	if len(text) > maxCloseText {
		return fmt.Errorf("atoll: a close text of %d bytes; at most %d are sent", len(text), maxCloseText)
	}
	if st.child != nil {
		st.child.unhookContext()
	}
	s.lock()
	defer s.unlock()
	s.closeWith(st, code, text)
	s.stop(st)
	return nil
}

// closeWith says END with a close. s.mu is held.
func (s *session) closeWith(st *stream, code int, text string) {
	at := len(s.out)
	if !s.beginEnd(st) {
		return
	}
	if m := st.messages; m != nil && code != 0 {
		m.said = true
		s.out = wire.AppendU16(s.out, wire.TagCloseCode, uint16(code))
		if text != "" {
			s.out = wire.AppendText(s.out, wire.TagCloseText, text)
		}
	}
	s.finishEnd(st, at)
}

// sendable tells whether a close frame may carry a code.
func sendable(code int) bool {
	return code >= 1000 && code <= 1014 && code != 1004 && code != CloseNoStatus && code != CloseAbnormal || code >= 3000 && code <= 4999
}

// CloseWrite says that nothing more is written; reading goes on.
func (c *Conn) CloseWrite() error {
	s := c.stream.session
	s.lock()
	defer s.unlock()
	s.closeWith(c.stream, 0, "")
	return nil
}

// Join connects two connections of one kind: what each brings is forwarded into
// the other by the host, with the ends of messages and closes, and without
// waking the guest. A connection joined with itself is an echo. It returns when both have ended, with the error that broke
// one, or nil. Neither is read or written beside it.
func (c *Conn) Join(other *Conn) error {
	if (c.stream.messages == nil) != (other.stream.messages == nil) {
		return errMixed
	}
	if c == other { // an echo
		return c.forwardFrom(c)
	}
	back := make(chan error, 1)
	go func() { back <- c.forwardFrom(other) }()
	err := other.forwardFrom(c)
	if other := <-back; err == nil {
		err = other
	}
	return err
}

// forwardFrom forwards what from brings, and its end.
func (c *Conn) forwardFrom(from *Conn) error {
	err := forward(c.stream, from.stream)
	s := c.stream.session
	s.lock()
	defer s.unlock()
	switch {
	case err == nil:
		code, text := 0, ""
		if m := from.stream.messages; m != nil && sendable(m.code) {
			code, text = m.code, m.text
		}
		s.closeWith(c.stream, code, text)
	case c.stream.writable() == nil:
		s.refuse(c.stream, wire.Cancelled, "the other end broke off")
	}
	return err
}
