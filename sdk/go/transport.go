// The http.RoundTripper: streams that the guest opens, on behalf of the request
// that it answers, to ask the platform something.
package atoll

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// ErrNoParent is returned for a request whose context does not come from a
// request that is being answered: nobody would be asking.
var ErrNoParent = errors.New("atoll: the request's context is not that of a request being answered")

// ResetError is a stream that the other side reset: a grant that is missing
// (Denied), a door whose other side is away (Unavailable), a time that is up.
type ResetError struct {
	Code wire.Code
	Text string
}

// Error names the code and, when there is one, the text.
func (e *ResetError) Error() string {
	if e.Text == "" {
		return "the stream was reset: " + e.Code.String()
	}
	return "the stream was reset: " + e.Code.String() + ": " + e.Text
}

// Transport asks the platform. A URL's host is the authority that is asked:
// http://kubernetes/api/v1/pods. It is an http.RoundTripper, for libraries that
// take one; responses stream, and closing a body early, or ending the request's
// context, ends what was asked for at once. It is safe for concurrent use.
var Transport http.RoundTripper = transport{}

type transport struct{}

// RoundTrip implements http.RoundTripper.
func (transport) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := openChild(r, "")
	if err != nil {
		closeBody(r)
		return nil, err
	}
	c.hook()
	if hasBody(r) && !c.sendAtOnce(r) {
		go c.sendBody(r)
	}
	if err := c.answered(); err != nil {
		return nil, err
	}
	return c.response(r), nil
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// openChild opens a stream on behalf of the request of r's context: an ordinary
// one, whose END is said where r has no body, or an upgrade to a protocol.
//
// Ten thousand goroutines may stand in a RoundTrip at once: what it calls is cut
// so that it fits the two kilobytes of stack with which a goroutine begins.
func openChild(r *http.Request, protocol string) (*child, error) {
	ctx := r.Context()
	parent := servedOf(ctx)
	if parent == nil {
		return nil, ErrNoParent
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkRequest(r); err != nil {
		return nil, err
	}
	target := r.URL.RequestURI()
	c := &child{ctx: ctx}
	c.child = c
	if protocol == websocket {
		c.messages = &messages{}
	}
	s := parent.session
	s.lock()
	err := s.mayOpen(parent)
	if err == nil {
		at := len(s.out)
		s.data = -1
		s.beginOpen(r, protocol, target, parent.id)
		if len(r.Header) > 0 {
			s.out = appendHeaders(s.out, r.Header)
		}
		err = s.finishOpen(c, parent, at)
	}
	if err == nil && protocol == "" && !hasBody(r) {
		s.end(&c.stream, nil)
	}
	s.unlock()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// checkRequest tells why a request cannot be sent.
func checkRequest(r *http.Request) error {
	if r.URL == nil {
		return errors.New("atoll: the request has no URL")
	}
	if len(r.Header) == 0 { // to walk an empty map takes as much stack
		return nil
	}
	return checkHeader(r.Header)
}

//go:noinline
func checkHeader(h http.Header) error {
	for name, values := range h {
		valid := validName(name)
		for _, v := range values {
			valid = valid && validValue(v)
		}
		if !valid {
			return fmt.Errorf("atoll: the header %q cannot be sent", name)
		}
	}
	return nil
}

// mayOpen tells why no stream may be opened for parent. s.mu is held.
func (s *session) mayOpen(parent *served) error {
	switch {
	case parent.err != nil:
		return parent.err
	case parent.sentEnd || parent.gone || s.dead:
		return fmt.Errorf("%w: it has been answered", ErrNoParent)
	case s.nextID >= wire.MaxStream:
		return &ResetError{Code: wire.Unavailable, Text: "the instance has opened as many streams as it may"}
	case s.opened >= s.limit:
		return &ResetError{Code: wire.RateLimited, Text: "too many streams are open"}
	}
	return nil
}

// beginOpen begins an OPEN with all but the request's own headers. s.mu is held.
func (s *session) beginOpen(r *http.Request, protocol, target string, parent uint32) {
	authority, method := r.URL.Host, r.Method
	if authority == "" {
		authority = r.Host
	}
	if method == "" {
		method = http.MethodGet
	}
	s.out = wire.BeginFrame(s.out, wire.Open, 0, s.nextID)
	s.appendText(wire.TagAuthority, strings.ToLower(authority))
	s.appendText(wire.TagMethod, method)
	s.appendText(wire.TagTarget, target)
	s.out = wire.AppendU32(s.out, wire.TagParent, parent)
	if protocol != "" {
		s.appendText(wire.TagProtocol, protocol)
	}
	if r.ContentLength > 0 && r.Header["Content-Length"] == nil {
		s.appendHeader("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if len(r.Trailer) > 0 {
		s.declareTrailer(r.Trailer)
	}
}

//go:noinline
func (s *session) appendText(tag wire.Tag, value string) { s.out = wire.AppendText(s.out, tag, value) }

//go:noinline
func (s *session) appendHeader(name, value string) {
	s.out = wire.AppendPair(s.out, wire.TagHeader, name, value)
}

//go:noinline
func (s *session) declareTrailer(trailer http.Header) {
	s.appendHeader("Trailer", strings.Join(slices.Sorted(maps.Keys(trailer)), ", "))
}

// finishOpen says the OPEN that began at s.out[at:]. s.mu is held.
func (s *session) finishOpen(c *child, parent *served, at int) error {
	if len(s.out)-at-wire.FrameHead > wire.MaxFields {
		s.out = s.out[:at]
		return &ResetError{Code: wire.TooLarge, Text: "the request's head"}
	}
	s.out = wire.EndFrame(s.out, at)
	s.add(&c.stream, s.nextID)
	s.nextID += 2
	c.join(parent)
	return nil
}

// answered waits for the answer's head.
func (c *child) answered() error {
	s := c.session
	for {
		s.lock()
		head, err := c.head, c.err
		ready := wait(&c.ready)
		s.unlock()
		if err != nil {
			c.unhookContext()
			return c.because(err)
		}
		if head != nil {
			return nil
		}
		<-ready
	}
}

// sendAtOnce sends a body that lies in memory and fits the windows, without a
// goroutine for it.
func (c *child) sendAtOnce(r *http.Request) bool {
	if r.GetBody == nil || r.ContentLength <= 0 || r.ContentLength > wire.StreamWindow || len(r.Trailer) > 0 {
		return false
	}
	s := c.session
	s.lock()
	fits := int(r.ContentLength) <= s.room && len(s.out) <= crowd
	s.unlock()
	if fits {
		c.sendBody(r)
	}
	return fits
}

// sendBody sends a request's body. That of a request which the guest answers is
// spliced: its bytes do not come into the guest.
func (c *child) sendBody(r *http.Request) {
	defer r.Body.Close()
	var err error
	trailer := r.Trailer
	if in, ok := r.Body.(*requestBody); ok && in.session == c.session && len(trailer) == 0 {
		if err = forward(&c.stream, &in.stream); err == nil {
			trailer = (*served)(in).takeTrailer()
		}
	} else {
		_, err = io.Copy(streamWriter{&c.stream}, r.Body)
	}
	s := c.session
	s.lock()
	defer s.unlock()
	switch {
	case err == nil:
		s.end(&c.stream, trailer)
	case c.writable() == nil:
		s.resetStream(&c.stream, wire.Cancelled, "the request's body broke off", fmt.Errorf("reading the request's body: %w", err))
	}
}

// streamWriter writes to a stream.
type streamWriter struct{ st *stream }

// Write implements io.Writer.
func (w streamWriter) Write(p []byte) (int, error) { return w.st.write(p) }

// ReadFrom lets io.Copy use one of the session's buffers.
func (w streamWriter) ReadFrom(r io.Reader) (int64, error) { return readFrom(w, w.st.session, r) }
