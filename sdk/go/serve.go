// Serving: requests of the host through an http.Handler.
package atoll

import (
	"errors"
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

var (
	errEnded   = errors.New("atoll: the answer has ended")
	errStopped = errors.New("atoll: the other side wants no more of the body")
)

// Serve lets h answer the extension's requests. It returns at once, and is
// called once, from init.
func Serve(h http.Handler) { current.handler = h }

// worker is a goroutine that serves one request after the other. It keeps the
// stack that the last one grew; a new goroutine would grow it again.
type worker chan *stream

// maxWorkers is how many wait for work at most.
const maxWorkers = 32

// work gives a request to a worker that waits, or to a new one. s.mu is held.
func (s *session) work(st *stream) {
	if n := len(s.workers); n > 0 {
		s.workers[n-1] <- st // it has room: a worker waits with its channel empty
		s.workers = s.workers[:n-1]
		return
	}
	w := make(worker, 1)
	w <- st
	go w.run(s)
}

func (w worker) run(s *session) {
	for st := range w {
		st.serve()
		s.mu.Lock()
		if len(s.workers) == maxWorkers {
			s.mu.Unlock()
			return
		}
		s.workers = append(s.workers, w)
		s.mu.Unlock()
	}
}

// serve runs the handler for one request.
func (st *stream) serve() {
	s := st.session
	r := st.request
	st.request = nil
	w := &st.answer
	w.stream, w.header, w.head = st, http.Header{}, r.Method == http.MethodHead
	s.mu.Lock()
	empty := st.ended && len(st.buf) == 0
	s.mu.Unlock()
	var fault string
	if u, err := url.ParseRequestURI(r.RequestURI); err != nil {
		http.Error(w, "the target is not a path", http.StatusBadRequest)
	} else {
		r.URL = u
		r.Host = r.Header.Get("Host")
		r.ContentLength = -1
		if empty {
			r.Body, r.ContentLength = http.NoBody, 0
		} else {
			r.Body = (*requestBody)(st)
			if n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
				r.ContentLength = n
			}
		}
		fault = handle(s.handler, w, r)
	}
	if fault == "" && !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.serving = false
	switch {
	case st.err != nil && !st.reset: // the host has reset it meanwhile
		s.acknowledge(st)
	case fault != "":
		s.resetStream(st, wire.Internal, fault, errEnded)
	case !st.reset:
		s.drop(st)
		if !st.ended {
			s.data = -1
			s.out = wire.AppendStop(s.out, st.id, wire.Cancelled)
		}
		s.end(st, w.trailer())
	}
	st.cancel(nil)
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

// response is the http.ResponseWriter. What is written leaves when the guest
// has nothing left to do, so there is nothing to flush; Flush is there for those
// who ask.
type response struct {
	stream *stream
	header http.Header
	wrote  bool
	bare   bool // the status allows no body
	head   bool // the method wants none
}

func (w *response) Header() http.Header { return w.header }

// Flush sends the head if nothing has been sent.
func (w *response) Flush() {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
}

// EnableFullDuplex is for http.ResponseController: streams are always duplex.
func (w *response) EnableFullDuplex() error { return nil }

func (w *response) WriteHeader(status int) {
	if w.wrote || status < 200 { // informational heads are the server's
		return
	}
	w.wrote = true
	w.bare = w.head || status == http.StatusNoContent || status == http.StatusNotModified
	s := w.stream.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.stream.err != nil {
		return
	}
	s.data = -1
	at := len(s.out)
	s.out = wire.BeginFrame(s.out, wire.Head, 0, w.stream.id)
	s.out = wire.AppendU16(s.out, wire.TagStatus, uint16(status))
	s.out = appendHeaders(s.out, w.header)
	if len(s.out)-at-wire.FrameHead > wire.MaxFields {
		s.out = s.out[:at]
		s.resetStream(w.stream, wire.Internal, "the answer's head is too large", errEnded)
		return
	}
	s.out = wire.EndFrame(s.out, at)
	w.stream.sentHead = true
}

func (w *response) Write(p []byte) (int, error) {
	if !w.wrote {
		if len(p) > 0 && w.header["Content-Type"] == nil && w.header.Get("Content-Encoding") == "" {
			w.header["Content-Type"] = []string{http.DetectContentType(p)}
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.bare {
		return 0, http.ErrBodyNotAllowed
	}
	return w.stream.write(p)
}

// trailer gives the headers that net/http would send as trailers.
func (w *response) trailer() http.Header {
	var t http.Header
	add := func(name string, values []string) {
		if t == nil {
			t = http.Header{}
		}
		t[name] = values
	}
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			add(name, values)
		}
	}
	for _, declared := range w.header["Trailer"] {
		for name := range strings.SplitSeq(declared, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if values, ok := w.header[name]; ok {
				add(name, values)
			}
		}
	}
	return t
}

// requestBody is the body of a request of the host's.
type requestBody stream

func (b *requestBody) Read(p []byte) (int, error) {
	n, ended, err := (*stream)(b).read(p)
	if ended {
		err = io.EOF
	}
	return n, err
}

func (b *requestBody) Close() error {
	st := (*stream)(b)
	st.session.mu.Lock()
	defer st.session.mu.Unlock()
	st.session.drop(st)
	return nil
}

// appendHeaders appends header fields, but none that would break out of a line.
func appendHeaders(b []byte, h http.Header) []byte {
	for name, values := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") || strings.ContainsAny(name, ":\r\n\x00 ") || name == "" {
				continue
			}
			b = wire.AppendPair(b, wire.TagHeader, name, v)
		}
	}
	return b
}
