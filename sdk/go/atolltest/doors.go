// Doors: what the handler asks is answered by the test's handlers.
package atolltest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// knock lets a door answer a stream of the guest's.
func (h *Host) knock(s *stream, door http.Handler, authority string, f fields) {
	w := &response{s: s, header: http.Header{}}
	target := f.text[wire.TagTarget]
	u, err := url.ParseRequestURI(target)
	if err != nil {
		h.reset(s, wire.Invalid, "the target is not a path")
		return
	}
	r, err := http.NewRequestWithContext(s.ctx, f.text[wire.TagMethod], target, nil)
	if err != nil {
		h.reset(s, wire.Invalid, "the request's head")
		return
	}
	r.URL, r.Host, r.RequestURI, r.Header = u, authority, target, f.header()
	r.Trailer, r.ContentLength = http.Header{}, -1
	if n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64); err == nil {
		r.ContentLength = n
	}
	r.Body = &body{s: s, trailer: r.Trailer}
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				h.t.Errorf("the door %s panics: %v", authority, v)
			}
			h.reset(s, wire.Internal, "")
		}
	}()
	door.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	trailer := http.Header{}
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailer[name] = values
		}
	}
	for _, name := range w.header["Trailer"] {
		trailer[http.CanonicalHeaderKey(name)] = w.header.Values(name)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.sendEnd(trailer, 0, "")
	h.stop(s)
}

func (h *Host) reset(s *stream, code wire.Code, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resetStream(s, code, text)
}

// response is a door's http.ResponseWriter.
type response struct {
	s      *stream
	header http.Header
	wrote  bool
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// Flush sends the head if nothing has been sent.
func (w *response) Flush() { w.WriteHeader(http.StatusOK) }

// WriteHeader sends the head, once.
func (w *response) WriteHeader(status int) {
	if w.wrote || status < 200 {
		return
	}
	w.wrote = true
	h := w.s.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.s.err != nil || w.s.gone || h.closed {
		return
	}
	header := w.header.Clone()
	for name := range header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(header, name)
		}
	}
	b := appendHeaders(wire.AppendU16(nil, wire.TagStatus, uint16(status)), header)
	h.in = wire.AppendFrame(h.in, wire.Head, 0, w.s.id, b)
	h.look()
}

// Write sends body bytes.
func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.s.send(p, 0)
}
