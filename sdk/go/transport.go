// The http.RoundTripper: streams that the guest opens, on behalf of the request
// that it answers, to ask the platform something.
package atoll

import (
	"context"
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

// child is a stream that we opened.
type child struct {
	stream
	parent     *served
	prev, next *child // of the parent's children
	head       *http.Response
	ctx        context.Context
	unhook     func() bool // takes it off ctx
}

// join makes the child known to its parent, which throws away at its end what
// nobody has read: who forgets to close a body must not keep the instance's
// window closed. s.mu is held.
func (c *child) join(parent *served) {
	c.parent, c.next = parent, parent.children
	if c.next != nil {
		c.next.prev = c
	}
	parent.children = c
}

// leave undoes join. s.mu is held.
func (c *child) leave() {
	if c.parent == nil {
		return
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		c.parent.children = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.parent, c.prev, c.next = nil, nil, nil
}

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
	for name, values := range r.Header {
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

// because is what a reader is told: where the context has ended, that says why.
func (c *child) because(err error) error {
	if why := c.ctx.Err(); why != nil {
		return why
	}
	return err
}

// hook lets the end of the stream's context reset it. Where that is its parent's
// own the host does it, and nothing has to be kept for it.
func (c *child) hook() {
	ctx := c.ctx
	if _, own := ctx.(*requestContext); own {
		return
	}
	c.unhook = context.AfterFunc(ctx, func() {
		why, code := ctx.Err(), wire.Cancelled
		if why == context.DeadlineExceeded {
			code = wire.Deadline
		}
		s := c.session
		s.lock()
		defer s.unlock()
		s.giveUp(c, code, why)
	})
}

func (c *child) unhookContext() {
	if c.unhook != nil {
		c.unhook()
	}
}

// giveUp ends a stream of ours that nobody wants any more. s.mu is held.
func (s *session) giveUp(c *child, code wire.Code, why error) {
	if c.gone { // it had ended; what of it is unread is not wanted
		s.die(&c.stream, why)
		return
	}
	s.resetStream(&c.stream, code, "", why)
}

// response is the answer, whose head has come.
func (c *child) response(r *http.Request) *http.Response {
	head := c.head
	head.Request = r
	head.Status = strconv.Itoa(head.StatusCode) + " " + http.StatusText(head.StatusCode)
	head.ContentLength = contentLength(head.Header)
	head.Trailer = declaredTrailer(head.Header)
	head.Body = (*answerBody)(c)
	return head
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

// answerBody is the body of an answer to a request of ours.
type answerBody child

// Read waits for what the other side sends.
func (b *answerBody) Read(p []byte) (int, error) {
	n, ended, err := b.stream.read(p)
	if ended {
		(*child)(b).finish()
		return 0, io.EOF
	}
	if err != nil {
		err = (*child)(b).because(err)
	}
	return n, err
}

// WriteTo lets io.Copy do without a buffer of its own.
func (b *answerBody) WriteTo(w io.Writer) (int64, error) {
	n, ended, err := b.stream.writeTo(w.Write)
	if ended {
		(*child)(b).finish()
	}
	return n, err
}

// Close resets the stream if it has not ended.
func (b *answerBody) Close() error {
	c := (*child)(b)
	c.unhookContext()
	s := c.session
	s.lock()
	defer s.unlock()
	if c.ended && (c.sentEnd || c.spliced) {
		s.drop(&c.stream)
		return nil
	}
	s.resetStream(&c.stream, wire.Cancelled, "", http.ErrBodyReadAfterClose)
	return nil
}

// finish is done when a body has been read to its end.
func (c *child) finish() (trailer http.Header) {
	c.unhookContext()
	s := c.session
	s.lock()
	trailer, c.trailer = c.trailer, nil
	c.leave()
	s.unlock()
	fillTrailer(&c.head.Trailer, trailer)
	return trailer
}
