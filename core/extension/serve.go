// Routes: from /x/{extension}/... to the guest and back, streaming both ways.
package extension

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

const (
	// followTime bounds a stream, so that nothing goes on for ever.
	followTime = 24 * time.Hour
	// maxURL bounds path and query as they go to the guest.
	maxURL = 16 << 10
)

// Headers of a request that a guest sees. No credential is among them.
var requestHeaders = []string{
	"Accept", "Accept-Language", "Content-Type", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Range",
}

// Headers of an answer that a client sees. None of them gives a page power.
var responseHeaders = map[string]bool{
	"Content-Type": true, "Content-Disposition": true, "Content-Language": true, "Content-Range": true, "Accept-Ranges": true,
	"Cache-Control": true, "Etag": true, "Last-Modified": true, "Retry-After": true, "Vary": true,
}

// ServeRoute answers a request on one of an extension's routes. path is the rest
// of the escaped path after /x/{extension} and begins with a slash; the query is
// the request's own. A stream that breaks after its head ends the connection by
// panicking with http.ErrAbortHandler, as net/http means it.
func (h *Host) ServeRoute(w http.ResponseWriter, r *http.Request, s access.Subject, name, path string) {
	a, used, err := h.use(name)
	if err != nil {
		h.fail(w, r, nil, problem{Status: http.StatusNotFound, Title: "No such extension", Detail: "No extension " + quote(name) + " is installed."})
		return
	}
	defer used()
	if a.pkg == nil {
		h.fail(w, r, a, a.failed())
		return
	}
	route, segments, methods := a.router.match(r.Method, path)
	switch {
	case route == nil && len(methods) > 0:
		h.fail(w, r, a, problem{Status: http.StatusMethodNotAllowed, Title: "The extension does not take this method here", allow: methods})
		return
	case route == nil || len(path)+len(r.URL.RawQuery) > maxURL:
		h.fail(w, r, a, problem{Status: http.StatusNotFound, Title: "The extension has no such route"})
		return
	}
	sc := scopeOf(route.scope, segments)
	if s.ReadOnly && r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.fail(w, r, a, problem{Status: http.StatusForbidden, Title: "Not allowed", Detail: "This credential is for reading only."})
		return
	}
	if route.WebSocket {
		if s.ReadOnly {
			h.fail(w, r, a, problem{Status: http.StatusForbidden, Title: "Not allowed", Detail: "This credential is for reading only, and a WebSocket goes both ways."})
			return
		}
		if !wantsWebSocket(r) {
			h.fail(w, r, a, problem{Status: http.StatusUpgradeRequired, Title: "This route is a WebSocket", upgrade: "websocket"})
			return
		}
	}
	life := a.ctx
	if route.Stream || route.WebSocket {
		life = a.following
	}
	// Registered before it is decided, so that a right that is lost meanwhile is
	// seen by one of the two.
	live, done := h.streams.add(r.Context(), life, func() error {
		switch {
		case h.options.Alive != nil && !h.options.Alive(s):
			return access.ErrRevoked
		case h.may(s, a, route.Permission, sc) != nil:
			return errRightLost
		}
		return nil
	})
	defer done()
	if m := h.may(s, a, route.Permission, sc); m != nil {
		h.fail(w, r, a, forbidden(m))
		return
	}
	at, wrong := h.place(s, sc)
	if wrong != nil {
		h.fail(w, r, a, *wrong)
		return
	}
	request := h.request(a, r, s, at, "route", path)
	if route.Stream || route.WebSocket {
		request.Deadline, request.Endless = time.Now().Add(followTime), true
	}
	if route.WebSocket {
		h.serveSocket(live, w, r, a, request)
		return
	}
	if r.Body != nil && r.Body != http.NoBody {
		request.Body = r.Body
	}
	response, ok := h.ask(live, w, r, a, request)
	if !ok {
		return
	}
	defer response.Body.Close()
	h.deliver(live, w, r, a, response, route.Stream)
}

// ask asks the guest, and answers itself where there is no answer (false).
func (h *Host) ask(live *liveStream, w http.ResponseWriter, r *http.Request, a *active, request *sandbox.Request) (*sandbox.Response, bool) {
	response, err := a.guest.Do(live.ctx, request)
	if err != nil {
		if r.Context().Err() == nil {
			h.report(a, r, err)
		}
		if !left(r) {
			h.fail(w, r, a, h.why(live.cause(), err))
		}
		return nil, false
	}
	if response.Status < 200 || response.Status > 599 {
		_ = response.Body.Close()
		h.fail(w, r, a, problem{Status: http.StatusBadGateway, Title: "The extension answered with no status"})
		return nil, false
	}
	return response, true
}

// deliver sends a guest's answer on to the client.
func (h *Host) deliver(live *liveStream, w http.ResponseWriter, r *http.Request, a *active, response *sandbox.Response, stream bool) {
	for _, header := range response.Header {
		if key := http.CanonicalHeaderKey(header.Name); responseHeaders[key] && plainHeader(header.Value) {
			w.Header().Add(key, header.Value)
		}
	}
	w.WriteHeader(response.Status)
	switch err := pass(w, response.Body, stream); {
	case err == nil && !stream, left(r):
	case live.cause() != nil:
		// A stream that was ended looks cut, also where the guest, whose door was
		// closed, has ended it in good order.
		panic(http.ErrAbortHandler)
	case err != nil:
		h.report(a, r, err)
		panic(http.ErrAbortHandler)
	}
}

// left tells whether nobody waits for the answer any more: the client has gone.
// Who ends a request otherwise says why.
func left(r *http.Request) bool { return context.Cause(r.Context()) == context.Canceled }

// request is what a guest is asked on a person's behalf.
func (h *Host) request(a *active, r *http.Request, s access.Subject, at place, authority, path string) *sandbox.Request {
	target := path
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	request := &sandbox.Request{
		Authority: authority, Method: r.Method, Target: target, Caller: at.caller, RequestID: h.requestID(r),
		Traceparent: traceparent(r), Locale: a.pkg.language(r.Header.Get("Accept-Language")), Value: a.call(s, h.origin(r), at.Cluster),
	}
	for _, key := range requestHeaders {
		for _, value := range r.Header[http.CanonicalHeaderKey(key)] {
			request.Header = append(request.Header, wire.Header{Name: key, Value: value})
		}
	}
	return request
}

// origin is where a request comes from, for the audit.
func (h *Host) origin(r *http.Request) capability.Origin {
	return capability.Origin{RequestID: h.requestID(r), Remote: r.RemoteAddr}
}

func traceparent(r *http.Request) string {
	if t := r.Header.Get("Traceparent"); len(t) <= 64 {
		return t
	}
	return ""
}

// scopeOf reads the scope's names off a path that a route has taken.
func scopeOf(scope string, segments []string) access.Scope {
	switch scope {
	case scopeProject:
		return access.Scope{Cluster: segments[1], Project: segments[3]}
	case scopeCluster:
		return access.Scope{Cluster: segments[1]}
	case scopeWorkspace:
		return access.Scope{Workspace: segments[1]}
	default:
		return access.Scope{}
	}
}

// plainHeader tells whether a value can stand in a header.
func plainHeader(v string) bool {
	return len(v) <= 4096 && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// pass passes a body on; each piece at once when it is a stream.
func pass(w http.ResponseWriter, body io.Reader, stream bool) error {
	flusher := http.NewResponseController(w)
	if stream {
		// The head too: a client that waits for the first line knows that it is heard.
		if err := flusher.Flush(); err != nil {
			return err
		}
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			if stream {
				if err := flusher.Flush(); err != nil {
					return err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// why is the problem of a request that did not come to an answer.
// cause is why it was ended, nil where nobody did.
func (h *Host) why(cause, err error) problem {
	switch {
	case errors.Is(cause, errRightLost):
		return problem{Status: http.StatusForbidden, Title: "Not allowed any more", Detail: "The right to this was taken away."}
	case errors.Is(cause, ErrNotFound):
		return problem{Status: http.StatusServiceUnavailable, Title: "The extension was removed or replaced", RetryAfter: 1}
	case errors.Is(cause, access.ErrRevoked):
		return problem{Status: http.StatusUnauthorized, Title: "Not signed in any more", Detail: "The credential was revoked or has expired."}
	case cause != nil && !errors.Is(cause, context.Canceled):
		return problem{Status: http.StatusServiceUnavailable, Title: "Atoll is stopping", RetryAfter: 1}
	}
	return problemOf(err)
}

// report logs what a guest did, with what only its author should read.
func (h *Host) report(a *active, r *http.Request, err error) {
	attributes := []any{"extension", a.Name, "version", a.Version, "request", h.requestID(r), "method", r.Method, "path", r.URL.Path, "error", err}
	var fault *sandbox.Fault
	if errors.As(err, &fault) {
		attributes = append(attributes, "class", fault.Class, "detail", quote(fault.Detail))
	}
	h.log.WarnContext(r.Context(), "extension did not answer", slices.Clip(attributes)...)
}
