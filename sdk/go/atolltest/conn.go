// Connections: the test's end of an upgrade.
package atolltest

import (
	"errors"
	"io"
	"net/http"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Conn is the test's end of an upgrade: what Host.Dial gives to a client, and
// Upgrade to a door. One goroutine may read while another writes.
type Conn struct{ stream *stream }

// Protocol tells a door what r asks to be upgraded to, or nothing.
func Protocol(w http.ResponseWriter) string {
	if d, ok := w.(*response); ok {
		return d.s.protocol
	}
	return ""
}

// Upgrade lets a door accept an upgrade. The connection ends when the door
// returns.
func Upgrade(w http.ResponseWriter) (*Conn, error) {
	d, ok := w.(*response)
	if !ok || d.s.protocol == "" || d.wrote {
		return nil, errors.New("atolltest: the request does not ask for an upgrade")
	}
	d.WriteHeader(http.StatusOK)
	return &Conn{stream: d.s}, nil
}

// ReadMessage reads a message of a websocket. Its end is an *atoll.CloseError.
func (c *Conn) ReadMessage() (message []byte, text bool, err error) {
	for {
		part, err := c.stream.next(wire.MaxPayload)
		if err != nil {
			return nil, false, c.ending(err)
		}
		message = append(message, part.p...)
		if part.flags&wire.Message != 0 {
			return message, part.flags&wire.Text != 0, nil
		}
	}
}

// ending is what a reader is told at the end.
func (c *Conn) ending(err error) error {
	s := c.stream
	switch {
	case s.protocol != "websocket":
		return err
	case err != io.EOF:
		return &atoll.CloseError{Code: atoll.CloseAbnormal, Text: err.Error()}
	}
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	code := s.code
	switch {
	case code == 0 && s.said:
		code = atoll.CloseNormal
	case code == 0:
		code = atoll.CloseNoStatus
	}
	return &atoll.CloseError{Code: code, Text: s.text}
}

// WriteMessage writes a message to a websocket.
func (c *Conn) WriteMessage(message []byte, text bool) error {
	flags := wire.Message
	if text {
		flags |= wire.Text
	}
	_, err := c.stream.send(message, flags)
	return err
}

// Read reads bytes of tcp.
func (c *Conn) Read(p []byte) (int, error) { return c.stream.read(p) }

// Write writes bytes of tcp.
func (c *Conn) Write(p []byte) (int, error) { return c.stream.send(p, 0) }

// CloseWrite ends what the test writes.
func (c *Conn) CloseWrite() error {
	c.stream.end(nil, 0, "")
	return nil
}

// Close ends a websocket with a code and a text; tcp has neither. What the other
// side still says may be read.
func (c *Conn) Close(code int, text string) error {
	if c.stream.protocol != "websocket" {
		code, text = 0, ""
	}
	c.stream.end(nil, code, text)
	return nil
}
