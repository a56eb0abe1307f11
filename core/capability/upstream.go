// The door NAME.upstream: a back end to which an administrator has bound the
// name. The host knows address and credential; the guest sees neither.
package capability

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// upstreamSuffix ends the authorities that this door answers.
const upstreamSuffix = ".upstream"

// maxUpstreamBody bounds the body of one request to an upstream, in bytes.
const maxUpstreamBody = 32 << 20

// Headers that a guest may send to an upstream, and read from it. None of the
// latter says where the answer comes from.
var (
	upstreamRequestHeaders = map[string]bool{
		"Accept": true, "Accept-Language": true, "Content-Type": true,
		"If-Match": true, "If-None-Match": true, "If-Modified-Since": true, "If-Unmodified-Since": true,
	}
	upstreamResponseHeaders = []string{"Content-Type", "Content-Language", "Etag", "Last-Modified", "Retry-After"}
)

// Upstreams is the door. It is safe for concurrent use.
type Upstreams struct {
	bound  map[bindingKey]*upstream
	log    *slog.Logger
	record Record // nil: nobody is told
}

// bindingKey says for whom a binding is; without a workspace, for all of them.
type bindingKey struct{ extension, name, workspaceUID string }

// NewUpstreams makes the door of what administrators have bound. Every request
// through it is recorded in log: what was asked at level Debug, refusals and
// failures at Warn; never a credential.
func NewUpstreams(bindings []Binding, log *slog.Logger) (*Upstreams, error) {
	if log == nil {
		log = slog.Default()
	}
	u := &Upstreams{bound: map[bindingKey]*upstream{}, log: log}
	for _, b := range bindings {
		key := bindingKey{b.Extension, b.Name, b.WorkspaceUID}
		if u.bound[key] != nil {
			return nil, fmt.Errorf("%w: %s of %s is bound twice for the same workspaces", ErrBinding, b.Name, b.Extension)
		}
		bound, err := b.open()
		if err != nil {
			return nil, err
		}
		u.bound[key] = bound
	}
	return u, nil
}

// Doors finds the door by authority, for sandbox.Options.
func (u *Upstreams) Doors(authority string) sandbox.Door {
	if strings.HasSuffix(authority, upstreamSuffix) {
		return u
	}
	return nil
}

// Bound tells whether an extension's name is bound, for any workspace.
func (u *Upstreams) Bound(extension, name string) bool {
	for key := range u.bound {
		if key.extension == extension && key.name == name {
			return true
		}
	}
	return false
}

// Close lets go of idle connections. Requests in flight end with their contexts.
func (u *Upstreams) Close() {
	for _, b := range u.bound {
		b.transport.CloseIdleConnections()
	}
}

// Safe implements sandbox.SafeDoor: a request changes nothing when the template
// that allows it says so.
func (u *Upstreams) Safe(p sandbox.Parent, r *sandbox.Request) bool {
	call, ok := p.Request.Value.(*Call)
	return ok && SafeUpstream(call.Upstreams[strings.TrimSuffix(r.Authority, upstreamSuffix)], r.Caller, r.Method, r.Target)
}

// find is the binding that holds for a workspace: its own, or everybody's.
func (u *Upstreams) find(extension, name, workspaceUID string) *upstream {
	if b := u.bound[bindingKey{extension, name, workspaceUID}]; b != nil {
		return b
	}
	return u.bound[bindingKey{extension, name, ""}]
}

// Open carries a guest's request on. It refuses with `denied` what no template of
// the manifest allows, and with `unavailable` what is not bound or does not answer.
func (u *Upstreams) Open(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
	name := strings.TrimSuffix(r.Authority, upstreamSuffix)
	log := u.log.With("extension", p.Extension, "version", p.Version, "upstream", name, "request", r.RequestID, "user", r.Caller.User, "method", r.Method)
	var write *told
	refuse := func(code wire.Code, text string, reason any) (*sandbox.Response, error) {
		write.end(ctx, 0, resultOf(code), text)
		log.WarnContext(ctx, "extension got nothing from an upstream", "code", code, "reason", reason)
		return nil, &sandbox.ResetError{Code: code, Text: text}
	}
	call, ok := p.Request.Value.(*Call)
	if !ok {
		return refuse(wire.Denied, "nobody asked: this request acts for no person", "it acts for no person")
	}
	write = u.write(call, p, r, name)
	templates, declared := call.Upstreams[name]
	if !declared {
		return refuse(wire.Denied, fmt.Sprintf("the manifest asks for no upstream %.64q", name), "the manifest does not name it")
	}
	path, query, err := AllowedUpstream(templates, r.Caller, r.Method, r.Target)
	if err != nil {
		return refuse(wire.Denied, err.Error(), err)
	}
	b := u.find(p.Extension, name, r.Caller.WorkspaceUID)
	if b == nil {
		return refuse(wire.Unavailable, fmt.Sprintf("no administrator has bound the upstream %q", name), "it is not bound")
	}
	done, ok := b.take(r.Caller.WorkspaceUID)
	if !ok {
		return refuse(wire.RateLimited, fmt.Sprintf("the upstream %q has enough requests of this workspace", name), "too many requests of its workspace")
	}
	began := time.Now()
	response, err := b.roundTrip(ctx, r, path, query)
	if err != nil {
		done()
		if ctx.Err() != nil {
			write.end(ctx, 0, audit.Failed, "nobody waited for the answer")
			return nil, ctx.Err() // whoever asked has left, or their time is up
		}
		code, text := failure(err)
		return refuse(code, fmt.Sprintf("the upstream %q %s", name, text), err)
	}
	if code, text := refusal(response.StatusCode); text != "" {
		_ = response.Body.Close()
		done()
		return refuse(code, fmt.Sprintf("the upstream %q %s", name, text), fmt.Sprintf("it answered %d", response.StatusCode))
	}
	write.end(ctx, response.StatusCode, audit.ResultOf(response.StatusCode), "")
	log.DebugContext(ctx, "extension asked an upstream", "path", path, "status", response.StatusCode, "took", time.Since(began))
	answer := &sandbox.Response{Status: response.StatusCode, Body: &upstreamBody{response.Body, name, done}}
	for _, h := range upstreamResponseHeaders {
		for _, v := range response.Header[h] {
			answer.Header = append(answer.Header, wire.Header{Name: h, Value: v})
		}
	}
	return answer, nil
}

// resultOf is how a request ended that the door refused, or that failed.
func resultOf(code wire.Code) string {
	switch code {
	case wire.Denied:
		return audit.Denied
	case wire.Unavailable, wire.Deadline:
		return audit.Failed
	}
	return audit.Refused
}

// roundTrip sends a request that was allowed. Redirects are never followed.
func (b *upstream) roundTrip(ctx context.Context, r *sandbox.Request, path, query string) (*http.Response, error) {
	request := (&http.Request{
		Method: r.Method, Host: b.base.Host, Header: http.Header{"User-Agent": {"Atoll"}},
		// A path that was allowed has nothing to escape: it goes out as it was decided on.
		URL: &url.URL{Scheme: b.base.Scheme, Host: b.base.Host, Path: b.base.Path + path, RawPath: b.base.EscapedPath() + path, RawQuery: query},
	}).WithContext(ctx)
	for _, h := range r.Header {
		switch key := http.CanonicalHeaderKey(h.Name); {
		case upstreamRequestHeaders[key]:
			request.Header.Add(key, h.Value)
		case key == "Content-Length":
			n, err := strconv.ParseInt(h.Value, 10, 64)
			if err != nil || n < 0 {
				return nil, errLength
			}
			request.ContentLength = n
		}
	}
	if b.authorization != "" {
		request.Header.Set("Authorization", b.authorization)
	}
	switch {
	case request.ContentLength > maxUpstreamBody:
		return nil, errTooLarge
	case r.Body == nil && request.ContentLength > 0:
		return nil, errLength
	case r.Body != nil:
		body := readCloser(r.Body)
		request.Body = &boundedBody{body, maxUpstreamBody}
	}
	return b.transport.RoundTrip(request)
}

var (
	errTooLarge = errors.New("the body is too large")
	errLength   = errors.New("the body's length is not as it was announced")
)

// boundedBody ends a request whose body goes on for too long.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// failure puts a request that got no answer into words without an address.
func failure(err error) (wire.Code, string) {
	var reset *sandbox.ResetError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &reset):
		return reset.Code, "was not asked to the end: " + reset.Text
	case errors.Is(err, errTooLarge):
		return wire.TooLarge, fmt.Sprintf("is sent at most %d bytes", maxUpstreamBody)
	case errors.Is(err, errLength) || strings.Contains(err.Error(), "ContentLength="): // net/http has no error to compare with
		return wire.Invalid, "was asked with a body whose length is not as it was announced"
	case errors.As(err, &op) && op.Op == "dial":
		return wire.Unavailable, "cannot be reached"
	case errors.As(err, &timeout) && timeout.Timeout():
		return wire.Deadline, "did not answer in time"
	default:
		return wire.Unavailable, "does not answer"
	}
}

// refusal tells of statuses that are not the guest's to see: their bodies and
// headers may name addresses and the user of the credential.
func refusal(status int) (wire.Code, string) {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired:
		return wire.Unavailable, "does not take the credential that it is bound with"
	case status == http.StatusForbidden:
		return wire.Denied, "refuses this to the credential that it is bound with"
	case status < 200 || status > 299 && status < 400 && status != http.StatusNotModified:
		return wire.Denied, "points elsewhere, and nobody follows it"
	default:
		return 0, ""
	}
}

// upstreamBody is an answer's body whose errors name no address.
type upstreamBody struct {
	io.ReadCloser
	name string
	done func()
}

func (b *upstreamBody) Close() error {
	b.done()
	return b.ReadCloser.Close()
}

func (b *upstreamBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return n, err
	}
	return n, &sandbox.ResetError{Code: wire.Unavailable, Text: fmt.Sprintf("the answer of the upstream %q broke off", b.name)}
}
