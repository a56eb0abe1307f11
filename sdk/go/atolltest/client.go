// Asking the handler: as an http.RoundTripper, and for upgrades.
package atolltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// RoundTrip implements http.RoundTripper. The end of the request's context
// cancels it in the handler, and its deadline is the handler's too. Where the
// handler (or the wire) resets the stream, the error is an *atoll.ResetError.
func (h *Host) RoundTrip(r *http.Request) (*http.Response, error) {
	s, err := h.open(r, "")
	if err != nil {
		return nil, err
	}
	if r.Body != nil && r.Body != http.NoBody {
		go s.sendBody(r)
	} else {
		s.end(nil, 0, "")
	}
	return s.answer(r)
}

// Dial asks the handler for an upgrade, of which the host of url is the
// authority. A refusal is an *atoll.StatusError.
func (h *Host) Dial(ctx context.Context, protocol, url string, header http.Header) (*Conn, *http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	if header != nil {
		r.Header = header.Clone()
	}
	s, err := h.open(r, protocol)
	if err != nil {
		return nil, nil, err
	}
	resp, err := s.answer(r)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return nil, resp, &atoll.StatusError{Status: resp.StatusCode, Body: b}
	}
	return &Conn{stream: s}, resp, nil
}

// open opens a stream.
func (h *Host) open(r *http.Request, protocol string) (*stream, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	who, ok := ctx.Value(callerKey{}).(atoll.Identity)
	if !ok {
		who = h.Caller
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errClosed
	}
	at := len(h.in)
	b := wire.BeginFrame(h.in, wire.Open, 0, h.nextID)
	text := func(tag wire.Tag, value string) {
		if value != "" {
			b = wire.AppendText(b, tag, value)
		}
	}
	text(wire.TagAuthority, r.URL.Host)
	text(wire.TagMethod, r.Method)
	text(wire.TagTarget, r.URL.RequestURI())
	text(wire.TagProtocol, protocol)
	b = appendHeaders(b, r.Header)
	if r.ContentLength > 0 {
		b = wire.AppendPair(b, wire.TagHeader, "Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	for name := range r.Trailer {
		b = wire.AppendPair(b, wire.TagHeader, "Trailer", name)
	}
	text(wire.TagUser, who.User)
	text(wire.TagUserUID, who.UserUID)
	for _, group := range who.Groups {
		text(wire.TagGroup, group)
	}
	text(wire.TagWorkspace, who.Workspace)
	text(wire.TagWorkspaceUID, who.WorkspaceUID)
	text(wire.TagProject, who.Project)
	text(wire.TagProjectUID, who.ProjectUID)
	text(wire.TagCluster, who.Cluster)
	text(wire.TagRequestID, who.RequestID)
	text(wire.TagTraceparent, who.Traceparent)
	text(wire.TagLocale, who.Locale)
	if d, ok := ctx.Deadline(); ok {
		b = wire.AppendU64(b, wire.TagDeadline, uint64(max(0, time.Until(d).Milliseconds())))
	}
	if n := len(b) - at - wire.FrameHead; n > wire.MaxFields {
		return nil, fmt.Errorf("atolltest: the request's head has %d bytes, at most %d fit", n, wire.MaxFields)
	}
	h.in = wire.EndFrame(b, at)
	s := h.add(As(ctx, who), h.nextID, protocol)
	h.nextID += 2
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.abandon(s, ctx.Err())
	})
	h.look()
	return s, nil
}

// abandon resets a stream whose caller has left. h.mu is held.
func (h *Host) abandon(s *stream, why error) {
	code := wire.Cancelled
	if errors.Is(why, context.DeadlineExceeded) {
		code = wire.Deadline
	}
	if s.err == nil && !s.gone {
		s.err = why
	}
	h.drop(s)
	h.resetStream(s, code, "")
}

func (s *stream) sendBody(r *http.Request) {
	defer r.Body.Close()
	_, err := io.Copy(writer{s}, r.Body)
	switch {
	case err == nil:
		s.end(r.Trailer, 0, "")
	case !errors.Is(err, errStopped) && !errors.Is(err, errEnded):
		s.host.mu.Lock()
		defer s.host.mu.Unlock()
		s.host.resetStream(s, wire.Cancelled, "the request's body broke off")
	}
}

// writer sends what is written.
type writer struct{ s *stream }

func (w writer) Write(p []byte) (int, error) { return w.s.send(p, 0) }

// answer waits for the answer's head.
func (s *stream) answer(r *http.Request) (*http.Response, error) {
	h := s.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := s.waitFor(func() bool { return s.head != nil }); err != nil {
		return nil, err
	}
	resp := s.head
	resp.Request, resp.Trailer, resp.ContentLength = r, http.Header{}, -1
	resp.Status = strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode)
	if n, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64); err == nil && r.Method != http.MethodHead {
		resp.ContentLength = n
	}
	resp.Body = &body{s: s, trailer: resp.Trailer}
	return resp, nil
}

// body is the body of a request or an answer of the guest's.
type body struct {
	s       *stream
	trailer http.Header // filled at its end
}

// Read waits for what the guest sends.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.s.read(p)
	if err == io.EOF {
		b.s.host.mu.Lock()
		defer b.s.host.mu.Unlock()
		for name, values := range b.s.trailer {
			b.trailer[name] = values
		}
	}
	return n, err
}

// Close ends an answer that has not ended, and stops a request's body.
func (b *body) Close() error {
	h := b.s.host
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.s.guestOpened() {
		h.stop(b.s)
	} else {
		h.abandon(b.s, http.ErrBodyReadAfterClose)
	}
	return nil
}
