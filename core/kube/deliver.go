// The way of an answer to its client: piece by piece, or as a byte stream in
// both directions.

package kube

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// buffers are what answers are copied through. A connection holds one only
// while it copies, and never reads ahead of its client.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// deliver writes an answer to its client: what streams piece by piece as it
// comes, anything else by the full buffer, so that an ordinary answer, which an
// API server sends in chunks, leaves in one piece and with its length.
func deliver(w http.ResponseWriter, r *http.Request, res *http.Response) {
	defer res.Body.Close()
	control := http.NewResponseController(w)
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)

	h, _ := res.Body.(*held)
	next, streams := fill, h != nil && h.streams
	var n int
	var err error
	if streams {
		next = func(from io.Reader, into []byte) (int, error) { return from.Read(into) }
	} else if n, err = fill(res.Body, *buffer); err != nil && !errors.Is(err, io.EOF) && h != nil {
		// Nothing of it has left yet: an answer that says why beats one cut short.
		res.Body.Close()
		deliver(w, r, h.instead(err).response())
		return
	}
	header := w.Header()
	for name, values := range res.Header {
		if !hopByHop(name) {
			header[name] = values
		}
	}
	if !streams && err != nil && res.ContentLength < 0 && r.Method != http.MethodHead && bodied(res.StatusCode) {
		header["Content-Length"] = []string{strconv.Itoa(n)}
	}
	w.WriteHeader(res.StatusCode)
	if streams {
		_ = control.Flush() // the head, before the first event
	}
	for ; ; n, err = next(res.Body, *buffer) {
		if n > 0 {
			if _, failed := w.Write((*buffer)[:n]); failed != nil {
				return // the client has gone
			}
			if streams && control.Flush() != nil {
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return
		case context.Cause(r.Context()) == context.Canceled:
			return // the client has gone; who ends a request says why
		default:
			// The answer is cut short: the client must see that it is.
			if r.Context().Value(http.ServerContextKey) != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
	}
}

// fill reads until the buffer is full or the answer ends.
func fill(from io.Reader, into []byte) (n int, err error) {
	for n < len(into) && err == nil {
		var more int
		more, err = from.Read(into[n:])
		n += more
	}
	return n, err
}

// bodied tells whether an answer of this status may have a body.
func bodied(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// join makes one byte stream of a client's and an API server's connection,
// after the API server has agreed to change protocols. It ends when either side
// does, when the request's context does, and when the right to it is lost.
func (p *Proxy) join(w http.ResponseWriter, r *http.Request, res *http.Response) {
	body := res.Body.(*held)
	defer body.Close()
	upstream, ok := body.ReadCloser.(io.ReadWriteCloser)
	if !ok {
		deliver(w, r, unavailable("the API server changed protocols in a way that cannot be followed").response())
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		deliver(w, r, badRequest("this connection cannot change protocols: HTTP/1.1 is needed").response())
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Time{})

	head := &http.Response{StatusCode: res.StatusCode, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}}
	for name, values := range res.Header {
		if !hopByHop(name) {
			head.Header[name] = values
		}
	}
	head.Header["Connection"], head.Header["Upgrade"] = []string{"Upgrade"}, res.Header["Upgrade"]
	if head.Write(buffered) != nil || buffered.Flush() != nil {
		return
	}
	// What the client sent before it had the answer lies in the buffer.
	early := make([]byte, buffered.Reader.Buffered())
	if _, err := io.ReadFull(buffered, early); err != nil {
		return
	}
	closeBoth := sync.OnceFunc(func() {
		_ = conn.Close()
		_ = upstream.Close()
	})
	defer context.AfterFunc(body.ctx, closeBoth)()
	var ends sync.WaitGroup
	ends.Go(func() {
		defer closeBoth()
		if _, err := upstream.Write(early); err == nil {
			pipe(upstream, conn)
		}
	})
	pipe(conn, upstream)
	closeBoth()
	ends.Wait()
}

// pipe copies until either end closes.
func pipe(to io.Writer, from io.Reader) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	for {
		n, err := from.Read(*buffer)
		if n > 0 {
			if _, failed := to.Write((*buffer)[:n]); failed != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
