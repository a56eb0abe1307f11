// Headers that every answer of the core has, and the console's page policy.

package server

import (
	"net/http"
	"strings"
)

const (
	csrfHeader      = "X-Atoll-Csrf" // canonical; X-Atoll-CSRF in words
	requestIDHeader = "X-Request-Id"
	// closedPolicy is for answers that are no page: nothing may come of them.
	closedPolicy = "default-src 'none'; frame-ancestors 'none'"
)

// Values of headers, shared by all answers: nobody changes one in its place.
var (
	valueNosniff    = []string{"nosniff"}
	valueDeny       = []string{"DENY"}
	valueNoReferrer = []string{"no-referrer"}
	valueSameOrigin = []string{"same-origin"}
	valueClosed     = []string{closedPolicy}
)

// securityHeaders sets what holds for every answer; a handler may be stricter.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header(), valueClosed)
		next.ServeHTTP(w, r)
	})
}

// secure sets the headers, with a Content-Security-Policy.
func secure(h http.Header, policy []string) {
	h["X-Content-Type-Options"] = valueNosniff
	h["X-Frame-Options"] = valueDeny
	h["Referrer-Policy"] = valueNoReferrer
	h["Cross-Origin-Resource-Policy"] = valueSameOrigin
	h["Cross-Origin-Opener-Policy"] = valueSameOrigin
	h["Content-Security-Policy"] = policy
}

// pagePolicy is the Content-Security-Policy of the console's page. Scripts,
// styles and workers come from /assets/ of this very origin and from nowhere
// else; the origin is the request's, whose Host was checked before.
func pagePolicy(r *http.Request) string {
	origin := "http://" + r.Host
	if r.TLS != nil {
		origin = "https://" + r.Host
	}
	assets := origin + "/assets/"
	return strings.Join([]string{
		"default-src 'none'",
		"script-src " + assets,
		"style-src " + assets,
		"img-src 'self' data:",
		"font-src 'self'",
		"connect-src 'self'",
		"frame-src 'self'",
		"worker-src " + assets,
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
	}, "; ")
}
