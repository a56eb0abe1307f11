// The http.ResponseWriter.
package atoll

import (
	"io"
	"net/http"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// response is the http.ResponseWriter. What is written leaves when the guest
// has nothing left to do, so there is nothing to flush; Flush is there for those
// who ask. There are no deadlines of reads and writes here, nor hijacking:
// http.ResponseController says ErrNotSupported; Upgrade is the way.
type response struct {
	served *served
	header http.Header
	wrote  bool
	bare   bool // the status allows no body
	head   bool // the method wants none
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// Flush sends the head if nothing has been sent.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController, and says why nothing reaches
// the client any more.
func (w *response) FlushError() error {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	s := w.served.session
	s.lock()
	defer s.unlock()
	return w.served.writable()
}

// EnableFullDuplex is for http.ResponseController: streams are always duplex.
func (w *response) EnableFullDuplex() error { return nil }

// WriteHeader sends the head, once. Informational ones are the server's.
func (w *response) WriteHeader(status int) {
	if w.wrote || status >= 100 && status < 200 {
		return
	}
	w.wrote = true
	w.bare = w.head || status == http.StatusNoContent || status == http.StatusNotModified
	x := w.served
	s := x.session
	s.lock()
	defer s.unlock()
	switch {
	case x.err != nil || x.gone || s.dead:
		return
	case status < 200 || status > 599:
		s.resetStream(&x.stream, wire.Internal, "the answer's status is none", errEnded)
		return
	case x.protocol != "" && !x.upgraded && status < 300:
		// It would accept what the handler does not know about.
		s.resetStream(&x.stream, wire.Unsupported, "an upgrade to "+x.protocol, errEnded)
		return
	}
	s.data = -1
	at := len(s.out)
	s.out = wire.BeginFrame(s.out, wire.Head, 0, x.id)
	s.out = wire.AppendU16(s.out, wire.TagStatus, uint16(status))
	s.out = appendHeaders(s.out, w.header)
	if len(s.out)-at-wire.FrameHead > wire.MaxFields {
		s.out = s.out[:at]
		s.resetStream(&x.stream, wire.Internal, "the answer's head is too large", errEnded)
		return
	}
	s.out = wire.EndFrame(s.out, at)
	x.sentHead = true
	if x.stopped { // before there was a head
		s.end(&x.stream, nil)
	}
}

// begin sends the head before a body that begins with p. It tells whether there
// is a body.
func (w *response) begin(p []byte) error {
	if !w.wrote {
		if len(p) > 0 && w.header["Content-Type"] == nil && w.header["Content-Encoding"] == nil {
			w.header["Content-Type"] = []string{http.DetectContentType(p)}
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.bare && !w.head {
		return http.ErrBodyNotAllowed
	}
	return nil
}

// Write sends body bytes; it waits while the client's window is full.
func (w *response) Write(p []byte) (int, error) {
	if err := w.begin(p); err != nil {
		return 0, err
	}
	if w.head {
		return len(p), nil
	}
	return w.served.write(p)
}

// ReadFrom lets io.Copy use one of the session's buffers.
func (w *response) ReadFrom(r io.Reader) (int64, error) { return readFrom(w, w.served.session, r) }

// readFrom copies through one of the session's buffers.
func readFrom(w io.Writer, s *session, r io.Reader) (total int64, err error) {
	s.lock()
	b := s.buffer(wire.StreamWindow / 2)
	s.unlock()
	defer func() {
		s.lock()
		s.recycle(b)
		s.unlock()
	}()
	b = b[:wire.StreamWindow/2]
	for {
		n, err := r.Read(b)
		if n > 0 {
			written, werr := w.Write(b[:n])
			total += int64(written)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
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
	if declared := w.header["Trailer"]; declared != nil {
		eachName(declared, func(name string) {
			if values, ok := w.header[name]; ok {
				add(name, values)
			}
		})
	}
	return t
}
