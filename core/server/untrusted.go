// What extensions, pods and packages may send to a browser: data, and nothing
// that runs, is shown as a page, or changes how the browser treats the
// console's origin.

package server

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/server/problem"
)

// untrustedPolicy is the only Content-Security-Policy under /x/ and /clusters/.
const untrustedPolicy = "sandbox; default-src 'none'; frame-ancestors 'none'"

var valueUntrusted = []string{untrustedPolicy}

// untrustedHeaders are the headers that an answer keeps; names are canonical.
// What is not here is dropped: Set-Cookie, Service-Worker-Allowed,
// Access-Control-*, Link, Refresh, Clear-Site-Data, Report-To, NEL, Alt-Svc,
// Strict-Transport-Security, SourceMap and whatever comes next.
var untrustedHeaders = map[string]bool{
	"Accept-Ranges": true, "Age": true, "Allow": true, "Audit-Id": true, "Cache-Control": true, "Content-Disposition": true,
	"Content-Encoding": true, "Content-Language": true, "Content-Length": true, "Content-Range": true, "Content-Type": true,
	"Date": true, "Etag": true, "Expires": true, "Last-Modified": true, "Location": true, "Retry-After": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Vary": true, "Warning": true, "X-Request-Id": true,
	"X-Content-Type-Options": true, "Content-Security-Policy": true, "Cross-Origin-Resource-Policy": true, "X-Frame-Options": true,
	"Referrer-Policy": true, "Cross-Origin-Opener-Policy": true,
	"X-Kubernetes-Pf-Flowschema-Uid": true, "X-Kubernetes-Pf-Prioritylevel-Uid": true,
}

// handshakeHeaders are those that an answer keeps besides when it changes to a
// WebSocket; they are the core's own words.
var handshakeHeaders = map[string]bool{"Connection": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Protocol": true}

// refusedDestinations are what a browser would do with the answer that may
// never be done with one: run it, show it, or style the console with it.
var refusedDestinations = []string{
	"document", "script", "worker", "sharedworker", "serviceworker", "frame", "iframe", "fencedframe", "embed", "object",
	"style", "xslt", "manifest", "audioworklet", "paintworklet", "report", "webidentity", "speculationrules", "json",
}

// Untrusted serves a handler whose answers are nobody's word but their
// author's. Requests by which a browser would run or show the answer are
// refused, and the answer keeps listed headers only.
func Untrusted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), valueUntrusted)
		if p := refusedDestination(r); p != nil {
			fail(w, r, p)
			return
		}
		next.ServeHTTP(&untrustedWriter{ResponseWriter: w}, r)
	})
}

// withoutCredentials takes off a request what only the core may know.
func withoutCredentials(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := make(http.Header, len(r.Header)) // its values are shared
		for name, values := range r.Header {
			switch name {
			case "Cookie", "Authorization", "Proxy-Authorization", csrfHeader:
			default:
				header[name] = values
			}
		}
		clean := *r
		clean.Header = header
		next.ServeHTTP(w, &clean)
	})
}

// refusedDestination says why an answer may not be used as the browser wants.
func refusedDestination(r *http.Request) *problem.Problem {
	for _, dest := range r.Header.Values("Sec-Fetch-Dest") {
		if slices.Contains(refusedDestinations, strings.ToLower(strings.TrimSpace(dest))) {
			return problem.Newf(http.StatusForbidden, "What extensions and clusters answer is data; a browser may not use it as %q.", clip(dest, 40))
		}
	}
	if r.Header.Get("Service-Worker") != "" {
		return problem.New(http.StatusForbidden, "What extensions and clusters answer is data; a browser may not use it as a service worker.")
	}
	return nil
}

// untrustedWriter filters the head of an answer when it is written.
type untrustedWriter struct {
	http.ResponseWriter
	wrote bool
}

func (w *untrustedWriter) filter(status int) {
	h := w.Header()
	for name := range h {
		if !untrustedHeaders[name] && !(status == http.StatusSwitchingProtocols && handshakeHeaders[name]) {
			delete(h, name)
		}
	}
	if trailers, ok := h["Trailer"]; ok { // a trailer is a header too
		h["Trailer"] = slices.DeleteFunc(trailers, func(t string) bool { return !untrustedHeaders[http.CanonicalHeaderKey(t)] })
	}
	if to, ok := h["Location"]; ok && (len(to) != 1 || !strings.HasPrefix(to[0], "/") || strings.HasPrefix(to[0], "//") || strings.Contains(to[0], "\\")) {
		delete(h, "Location") // only within this Atoll
	}
	secure(h, valueUntrusted)
}

// WriteHeader filters first. Informational answers (103 Early Hints carries
// Link) are not passed on.
func (w *untrustedWriter) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	if !w.wrote {
		w.wrote = true
		w.filter(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *untrustedWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// FlushError sends what there is; the head is filtered before.
func (w *untrustedWriter) FlushError() error {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController: deadlines.
func (w *untrustedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack hands over the connection, for upgrades (exec, port-forward): what
// goes over it is no HTTP any more, and a browser's page gets it as a WebSocket
// only.
func (w *untrustedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.wrote = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
