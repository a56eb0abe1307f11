// The way of an answer to its client: piece by piece, or as a byte stream in
// both directions.

package kube

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// buffers are what answers are copied through. A connection holds one only
// while it copies, and never reads ahead of its client.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// deliver writes an answer to its client. An answer of unknown length is
// flushed as it comes.
func deliver(w http.ResponseWriter, r *http.Request, res *http.Response) {
	defer res.Body.Close()
	header := w.Header()
	for name, values := range res.Header {
		if !hopByHop(name) {
			header[name] = values
		}
	}
	w.WriteHeader(res.StatusCode)
	control := http.NewResponseController(w)
	flush := res.ContentLength < 0
	if h, ok := res.Body.(*held); ok && h.streams {
		flush = true
		_ = control.Flush() // the head, before the first event
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	for {
		n, err := res.Body.Read(*buffer)
		if n > 0 {
			if _, failed := w.Write((*buffer)[:n]); failed != nil {
				return // the client has gone
			}
			if flush && control.Flush() != nil {
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return
		case r.Context().Err() != nil:
			return // the client has gone
		default:
			// The answer is cut short: the client must see that it is.
			if r.Context().Value(http.ServerContextKey) != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
	}
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
