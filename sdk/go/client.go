// Asking: requests to the platform through an http.RoundTripper, and a client
// that is smaller than net/http's.
package atoll

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// Client is a small client over Transport: no redirects, no cookies, no proxies,
// none of which mean anything here.
var Client = client{}

type client struct{}

// Do asks and gives the answer, whatever its status. Whoever gets it closes its
// body.
func (client) Do(r *http.Request) (*http.Response, error) { return Transport.RoundTrip(r) }

// Get asks with GET.
func (c client) Get(ctx context.Context, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return c.Do(r)
}

// StatusError is an answer that was not a success; Body is its first 4 KiB.
type StatusError struct {
	Status int
	Body   []byte
}

// Error says the status and the body.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), bytes.TrimSpace(e.Body))
}

// JSON asks with a JSON body (nil: none) and reads a JSON answer into out (nil:
// it is thrown away). A status of 300 and more is a *StatusError.
func (c client) JSON(ctx context.Context, method, url string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return &StatusError{Status: resp.StatusCode, Body: b}
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("decoding the answer: %w", err)
	}
	return nil
}

type transport struct{}

// RoundTrip implements http.RoundTripper.
func (transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	parent := streamOf(ctx)
	if parent == nil {
		closeBody(r)
		return nil, ErrNoParent
	}
	if err := ctx.Err(); err != nil {
		closeBody(r)
		return nil, err
	}
	st, err := parent.session.openChild(parent, r)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	s := st.session
	if r.Body != nil && r.Body != http.NoBody {
		go st.sendBody(r.Body)
	}
	unhook := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.resetStream(st, wire.Cancelled, "", ctx.Err())
	})
	for {
		s.mu.Lock()
		head, err := st.head, st.err
		ready := wait(&st.ready)
		s.mu.Unlock()
		if err != nil {
			unhook()
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, err
		}
		if head != nil {
			head.Request = r
			head.Status = strconv.Itoa(head.StatusCode) + " " + http.StatusText(head.StatusCode)
			if n, err := strconv.ParseInt(head.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
				head.ContentLength = n
			}
			head.Body = &answerBody{stream: st, response: head, unhook: unhook}
			return head, nil
		}
		<-ready
	}
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// openChild opens a stream on behalf of another.
func (s *session) openChild(parent *stream, r *http.Request) (*stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if parent.err != nil {
		return nil, parent.err
	}
	if parent.sentEnd {
		return nil, fmt.Errorf("%w: it has been answered", ErrNoParent)
	}
	authority := r.URL.Host
	if authority == "" {
		authority = r.Host
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	at := len(s.out)
	s.data = -1
	b := wire.BeginFrame(s.out, wire.Open, 0, s.nextID)
	b = wire.AppendText(b, wire.TagAuthority, strings.ToLower(authority))
	b = wire.AppendText(b, wire.TagMethod, method)
	b = wire.AppendText(b, wire.TagTarget, r.URL.RequestURI())
	b = wire.AppendU32(b, wire.TagParent, parent.id)
	b = appendHeaders(b, r.Header)
	if r.ContentLength > 0 && r.Header.Get("Content-Length") == "" {
		b = wire.AppendPair(b, wire.TagHeader, "Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if len(b)-at-wire.FrameHead > wire.MaxFields {
		return nil, &ResetError{Code: wire.TooLarge, Text: "the request's head"}
	}
	s.out = wire.EndFrame(b, at)
	st := s.newStream(s.nextID)
	s.nextID += 2
	if r.Body == nil || r.Body == http.NoBody {
		s.end(st, nil)
	}
	return st, nil
}

// sendBody sends a request's body.
func (st *stream) sendBody(body io.ReadCloser) {
	defer body.Close()
	var buf [8 << 10]byte
	for {
		n, err := body.Read(buf[:])
		if n > 0 {
			if _, werr := st.write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			s := st.session
			s.mu.Lock()
			defer s.mu.Unlock()
			if err == io.EOF {
				s.end(st, nil)
			} else {
				s.resetStream(st, wire.Cancelled, "the request's body broke off", err)
			}
			return
		}
	}
}

// answerBody is the body of an answer to a request of ours.
type answerBody struct {
	stream   *stream
	response *http.Response
	unhook   func() bool
}

// Read waits for what the other side sends.
func (b *answerBody) Read(p []byte) (int, error) {
	n, ended, err := b.stream.read(p)
	if ended {
		b.unhook()
		b.response.Trailer = b.stream.trailer
		return 0, io.EOF
	}
	return n, err
}

// Close resets the stream if it has not ended.
func (b *answerBody) Close() error {
	b.unhook()
	st := b.stream
	st.session.mu.Lock()
	defer st.session.mu.Unlock()
	if st.ended && st.sentEnd {
		st.session.drop(st)
		return nil
	}
	st.session.resetStream(st, wire.Cancelled, "", http.ErrBodyReadAfterClose)
	return nil
}
