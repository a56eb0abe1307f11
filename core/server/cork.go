// One system call for an answer: net/http writes by 4 KiB, so that a pod's
// record would leave in two or three pieces, each waking its reader.

package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Answers of this size are held together: smaller ones leave in one piece by
// themselves, and with larger ones the pieces are large enough.
const (
	corkFrom = 2 << 10
	corkTo   = 16 << 10
)

// corkConn is a connection, below its TLS, that can hold back what is written
// until net/http has done with the answer. It knows that by the deadlines that
// net/http sets then, and only for reading the next request.
type corkConn struct {
	net.Conn
	corked atomic.Bool // while it is not, nothing here waits for anything

	mu   sync.Mutex
	held *[]byte // of holds; nil while nothing is held
}

var holds = sync.Pool{New: func() any { b := make([]byte, 0, corkTo+4<<10); return &b }}

// corkListener makes connections that can be corked.
type corkListener struct{ net.Listener }

// Accept implements net.Listener.
func (l corkListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &corkConn{Conn: c}, nil
}

type corkKey struct{}

// withCork is for http.Server.ConnContext.
func withCork(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, corkKey{}, c)
}

// corkOf is the connection whose one answer r is; nil where answers share one.
func corkOf(r *http.Request) *corkConn {
	if r.ProtoMajor != 1 || r.Method == http.MethodHead {
		return nil
	}
	c, _ := r.Context().Value(corkKey{}).(*corkConn)
	return c
}

// answer corks when p is all of an answer, whose head is h.
func (c *corkConn) answer(h http.Header, p []byte) {
	if c == nil || len(p) < corkFrom || len(p) > corkTo {
		return
	}
	if length := h["Content-Length"]; len(length) == 1 && length[0] == strconv.Itoa(len(p)) {
		c.corked.Store(true)
	}
}

// Write implements net.Conn.
func (c *corkConn) Write(p []byte) (int, error) {
	if !c.corked.Load() {
		return c.Conn.Write(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = holds.Get().(*[]byte)
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// uncork sends what was held back. A failure shows at the next use.
func (c *corkConn) uncork() {
	if !c.corked.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil {
		_, _ = c.Conn.Write(*c.held)
		*c.held = (*c.held)[:0]
		holds.Put(c.held)
		c.held = nil
	}
	c.corked.Store(false)
}

// Close implements net.Conn: an answer that is known whole goes out whole.
func (c *corkConn) Close() error {
	c.uncork()
	return c.Conn.Close()
}

// SetDeadline implements net.Conn.
func (c *corkConn) SetDeadline(t time.Time) error {
	err := c.Conn.SetDeadline(t)
	c.uncork()
	return err
}

// SetReadDeadline implements net.Conn.
func (c *corkConn) SetReadDeadline(t time.Time) error {
	c.uncork() // first: it ends the wait for a client that goes away
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn. The deadline counts for what is held.
func (c *corkConn) SetWriteDeadline(t time.Time) error {
	err := c.Conn.SetWriteDeadline(t)
	c.uncork()
	return err
}
