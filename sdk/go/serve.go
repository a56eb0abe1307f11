// Serving: requests of the host through an http.Handler.
package atoll

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// Serve lets h answer the extension's requests. It returns at once, and is
// called once, from init.
func Serve(h http.Handler) { root.handler = h }

// worker is a goroutine that serves one request after the other. It keeps the
// stack that the last one grew; a new goroutine would grow it again.
type worker chan *served

// maxWorkers is how many wait for work at most.
const maxWorkers = 32

// work gives a request to a worker that waits, or to a new one. s.mu is held.
func (s *session) work(x *served) {
	if n := len(s.workers); n > 0 {
		s.workers[n-1] <- x // it has room: a worker waits with its channel empty
		s.workers = s.workers[:n-1]
		return
	}
	go s.serve(x)
}

// serve serves a request, and then others.
func (s *session) serve(x *served) {
	x.serve()
	var w worker
	for {
		s.lock()
		if len(s.workers) == maxWorkers || s.dead {
			s.unlock()
			return
		}
		if w == nil {
			w = make(worker, 1)
		}
		s.workers = append(s.workers, w)
		s.unlock()
		x, ok := <-w
		if !ok {
			return
		}
		x.serve()
	}
}

// serve runs the handler for one request.
func (x *served) serve() {
	s, r, w := x.session, x.request, &x.answer
	w.served, w.header, w.head = x, http.Header{}, r.Method == http.MethodHead
	var fault string
	if u := parseTarget(r.RequestURI); u == nil {
		http.Error(w, "the target is not a path", http.StatusBadRequest)
	} else {
		r.URL = u
		x.prepare(r)
		fault = handle(s.handler, w, r)
	}
	if fault == "" && !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	s.lock()
	defer s.unlock()
	x.serving = false
	switch {
	case x.err != nil && !x.reset: // the host has reset it meanwhile
		s.acknowledge(&x.stream)
	case fault != "":
		s.resetStream(&x.stream, wire.Internal, fault, errEnded)
	case !x.reset:
		s.stop(&x.stream)
		s.end(&x.stream, w.trailer())
	}
	x.ctx.end(context.Canceled)
	for x.children != nil {
		s.die(&x.children.stream, &ResetError{Code: wire.Cancelled, Text: "its parent has been answered"})
	}
	x.request = nil
	s.running--
	s.left()
}

// prepare makes the request what net/http makes of it.
func (x *served) prepare(r *http.Request) {
	if host := r.Header["Host"]; host != nil {
		r.Host = host[0]
		delete(r.Header, "Host")
	}
	s := x.session
	s.lock()
	empty := x.ended && len(x.buf) == 0
	s.unlock()
	if empty || x.protocol != "" { // an upgrade's bytes are its connection's
		r.Body = http.NoBody
		return
	}
	r.Body, r.ContentLength = (*requestBody)(x), contentLength(r.Header)
	r.Trailer = declaredTrailer(r.Header)
}

// contentLength is what a header says, or -1.
func contentLength(h http.Header) int64 {
	if v := h["Content-Length"]; v != nil {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// declaredTrailer takes the header Trailer away and gives what it declares, as
// keys without values. It is never nil, so that copies of a request or an answer
// see what its end fills in.
func declaredTrailer(h http.Header) http.Header {
	t := http.Header{}
	if declared := h["Trailer"]; declared != nil {
		delete(h, "Trailer")
		eachName(declared, func(name string) { t[name] = nil })
	}
	return t
}

// eachName visits the names in a header that lists some.
func eachName(lists []string, visit func(name string)) {
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				visit(http.CanonicalHeaderKey(name))
			}
		}
	}
}

// parseTarget reads path and query. Nil: they are none. What is unusual is read
// as net/http reads it.
func parseTarget(target string) *url.URL {
	if u := plainTarget(target); u != nil {
		return u
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	return u
}

// plainTarget reads a target in which nothing is escaped, or gives nil.
func plainTarget(target string) *url.URL {
	path, query, asked := target, "", false
	if n := strings.IndexByte(target, '?'); n >= 0 {
		path, query, asked = target[:n], target[n+1:], true
	}
	if !strings.HasPrefix(path, "/") || !all(path, inPath) || !all(query, inQuery) {
		return nil
	}
	return &url.URL{Path: path, RawQuery: query, ForceQuery: asked && query == ""}
}

// handle calls the handler; a panic ends its request and no other.
func handle(h http.Handler, w http.ResponseWriter, r *http.Request) (fault string) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		fault = "the handler gave up"
		if v != http.ErrAbortHandler {
			fault = "the handler panicked"
			Log.LogAttrs(r.Context(), slog.LevelError, "a handler panicked", slog.String("panic", fmt.Sprint(v)),
				slog.String("target", r.RequestURI), slog.String("stack", string(debug.Stack())))
		}
	}()
	if h == nil {
		http.NotFound(w, r)
		return ""
	}
	h.ServeHTTP(w, r)
	return ""
}

// requestBody is the body of a request of the host's.
type requestBody served

// Read waits for what the host sends.
func (b *requestBody) Read(p []byte) (int, error) {
	n, ended, err := b.stream.read(p)
	if ended {
		(*served)(b).takeTrailer()
		err = io.EOF
	}
	return n, err
}

// WriteTo lets io.Copy do without a buffer of its own.
func (b *requestBody) WriteTo(w io.Writer) (int64, error) {
	n, ended, err := b.stream.writeTo(w.Write)
	if ended {
		(*served)(b).takeTrailer()
	}
	return n, err
}

// Close says that the handler wants no more of it.
func (b *requestBody) Close() error {
	s := b.session
	s.lock()
	defer s.unlock()
	s.stop(&b.stream)
	return nil
}

// takeTrailer gives the request its trailers, once.
func (x *served) takeTrailer() (trailer http.Header) {
	s := x.session
	s.lock()
	trailer, x.trailer = x.trailer, nil
	r := x.request
	s.unlock()
	if r != nil {
		fillTrailer(&r.Trailer, trailer)
	}
	return trailer
}

func fillTrailer(into *http.Header, trailer http.Header) {
	for name, values := range trailer {
		if *into == nil {
			*into = http.Header{}
		}
		(*into)[name] = values
	}
}
