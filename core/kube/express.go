// The short way to an API server for requests without a body: one goroutine
// writes the request and reads the answer.

package kube

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// express is a transport for GET and HEAD, over connections of its own.
//
// http.Transport hands each request to one goroutine that writes and to
// another that reads: that is four wake-ups for an answer of one segment, about
// a third of what the whole proxy adds to a GET. Everything else (bodies,
// upgrades, proxies on the way) goes by http.Transport. Safe for concurrent use.
type express struct {
	next http.RoundTripper // for what is not for express
	dial func(context.Context) (net.Conn, error)

	mu     sync.Mutex
	idle   []*lane // the one used last is at the end
	closed bool
}

// lane is one connection, used by one request at a time.
type lane struct {
	conn  net.Conn
	read  *bufio.Reader
	write *bufio.Writer
	since time.Time // when it became idle
}

const (
	lanesIdle    = 64
	laneFor      = 60 * time.Second // an API server keeps idle ones longer
	laneDialTime = 10 * time.Second
)

// newExpress makes lanes to the host of an API server's URL, with TLS where
// config is not nil.
func newExpress(next http.RoundTripper, base *url.URL, config *tls.Config) *express {
	address := base.Host
	if base.Port() == "" {
		port := "80"
		if config != nil {
			port = "443"
		}
		address = net.JoinHostPort(base.Hostname(), port)
	}
	dialer := &net.Dialer{Timeout: laneDialTime, KeepAlive: 15 * time.Second}
	return &express{next: next, dial: func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, laneDialTime)
		defer cancel()
		if config == nil {
			return dialer.DialContext(ctx, "tcp", address)
		}
		return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
	}}
}

// RoundTrip implements http.RoundTripper.
func (x *express) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Body != nil && r.Body != http.NoBody || r.Header["Upgrade"] != nil {
		return x.next.RoundTrip(r)
	}
	for fresh := false; ; fresh = true {
		l, used, err := x.take(r.Context(), fresh)
		if err != nil {
			return nil, err
		}
		res, again, err := x.over(l, r)
		if err == nil {
			return res, nil
		}
		l.conn.Close()
		if cause := context.Cause(r.Context()); cause != nil {
			return nil, cause
		}
		// A connection that lay idle may have been closed meanwhile, and then
		// the others too; asking again does no harm, since these requests
		// change nothing.
		if !used || !again {
			return nil, fmt.Errorf("asking the API server: %w", err)
		}
	}
}

// take is an idle lane, or a new one, which it always is when a fresh one is
// wanted.
func (x *express) take(ctx context.Context, fresh bool) (l *lane, used bool, err error) {
	x.mu.Lock()
	if last := len(x.idle) - 1; last >= 0 && !fresh {
		l := x.idle[last]
		x.idle[last] = nil
		x.idle = x.idle[:last]
		x.mu.Unlock()
		return l, true, nil
	}
	x.mu.Unlock()
	conn, err := x.dial(ctx)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, false, err
	}
	return &lane{conn: conn, read: bufio.NewReaderSize(conn, 16<<10), write: bufio.NewWriterSize(conn, 4<<10)}, false, nil
}

// give keeps a lane for the next request, and lets those go that were not
// needed for long.
func (x *express) give(l *lane) {
	now := time.Now()
	l.since = now
	var old []*lane
	x.mu.Lock()
	if x.closed || len(x.idle) == lanesIdle {
		old = append(old, l)
	} else {
		x.idle = append(x.idle, l)
	}
	stale := 0
	for stale < len(x.idle) && now.Sub(x.idle[stale].since) > laneFor {
		stale++
	}
	if stale > 0 {
		old = append(old, x.idle[:stale]...)
		x.idle = append(make([]*lane, 0, len(x.idle)), x.idle[stale:]...)
	}
	x.mu.Unlock()
	for _, l := range old {
		l.conn.Close()
	}
}

// CloseIdleConnections closes what is idle now and what becomes so.
func (x *express) CloseIdleConnections() {
	x.mu.Lock()
	idle := x.idle
	x.idle, x.closed = nil, true
	x.mu.Unlock()
	for _, l := range idle {
		l.conn.Close()
	}
}

// over does a request over a lane; again tells whether nothing of an answer
// had come when it failed.
func (x *express) over(l *lane, r *http.Request) (res *http.Response, again bool, err error) {
	stop := context.AfterFunc(r.Context(), func() { l.conn.Close() })
	defer func() {
		if err != nil {
			stop()
		}
	}()
	if err := writeHead(l.write, r); err != nil {
		return nil, false, err
	}
	if err := l.write.Flush(); err != nil {
		return nil, true, err
	}
	if _, err := l.read.Peek(1); err != nil {
		return nil, true, err
	}
	for {
		if res, err = http.ReadResponse(l.read, r); err != nil {
			return nil, false, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	body := &laneBody{ReadCloser: res.Body, express: x, stop: stop, ctx: r.Context(), keep: !res.Close && res.StatusCode >= 200}
	body.lane.Store(l)
	if res.Body == http.NoBody {
		body.end(body.keep)
	}
	res.Body = body
	return res, false, nil
}

// writeHead writes a request without a body: as http.Request.Write does, but
// without sorting its headers, and with an error where a header is none.
func writeHead(w *bufio.Writer, r *http.Request) error {
	write := func(parts ...string) {
		for _, s := range parts {
			_, _ = w.WriteString(s) // Flush tells the first error
		}
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	uri := r.URL.RequestURI()
	if !httpguts.ValidHostHeader(host) || uri[0] != '/' || strings.ContainsFunc(uri, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return fmt.Errorf("the request's address %q %q is not valid", host, uri)
	}
	write(r.Method, " ", uri, " HTTP/1.1\r\nHost: ", host, "\r\n")
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("the header %q is not valid", name)
		}
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue // said above, or there is no body
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return fmt.Errorf("the value of the header %s is not valid", name)
			}
			write(name, ": ", value, "\r\n")
		}
	}
	write("\r\n")
	return nil
}

// laneBody is an answer's body; read to its end, it gives the lane back. It may
// be closed while it is read, which ends the reading.
type laneBody struct {
	io.ReadCloser
	express *express
	lane    atomic.Pointer[lane] // nil once given back or closed
	cut     atomic.Bool          // closed before its end
	stop    func() bool
	ctx     context.Context
	keep    bool
}

func (b *laneBody) Read(p []byte) (int, error) {
	switch {
	case b.cut.Load():
		return 0, http.ErrBodyReadAfterClose
	case b.lane.Load() == nil:
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	switch cause := context.Cause(b.ctx); {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.end(b.keep)
		err = io.EOF
	case cause != nil:
		err = cause
	case b.cut.Load():
		err = http.ErrBodyReadAfterClose
	}
	return n, err
}

// Close closes the lane unless the body was read to its end.
func (b *laneBody) Close() error {
	b.end(false)
	return nil
}

func (b *laneBody) end(keep bool) {
	l := b.lane.Swap(nil)
	if l == nil {
		return
	}
	if !keep {
		b.cut.Store(true)
	}
	if b.stop() && keep && l.read.Buffered() == 0 {
		b.express.give(l)
		return
	}
	l.conn.Close()
}
