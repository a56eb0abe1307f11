// By which names Atoll may be called, and whose pages may call it. A page that
// points its own name at this machine (DNS rebinding) sends that name as Host;
// a page of another origin sends that origin. Neither is served.

package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/atoll-platform/atoll/core/server/problem"
)

// hosts are the names and origins that Atoll answers to.
type hosts struct {
	names   []string // lower case, without port
	origins []string
}

// newHosts takes loopback, the addresses that are listened on, and the
// configuration's own.
func newHosts(l Listen) *hosts {
	h := &hosts{names: []string{"localhost", "127.0.0.1", "::1"}}
	for _, address := range []string{l.HTTP, l.HTTPS} {
		if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
			if ip, err := netip.ParseAddr(host); err != nil || !ip.IsUnspecified() {
				h.names = append(h.names, strings.ToLower(host))
			}
		}
	}
	for _, name := range l.Hosts {
		h.names = append(h.names, strings.ToLower(name))
	}
	slices.Sort(h.names)
	h.names = slices.Compact(h.names)
	for _, o := range l.Origins {
		h.origins = append(h.origins, strings.ToLower(o))
	}
	return h
}

// knows tells whether a Host header names this Atoll. The port does not matter:
// it is where the connection arrived, and tunnels change it.
func (h *hosts) knows(host string) bool {
	name := host
	if n, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = n
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	return name != "" && slices.Contains(h.names, strings.ToLower(strings.TrimSuffix(name, ".")))
}

// ownOrigin tells whether an Origin header is that of a page of this Atoll, as
// the request reached it, or one of the configuration.
func (h *hosts) ownOrigin(r *http.Request, origin string) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	origin = strings.ToLower(origin)
	return origin == scheme+"://"+strings.ToLower(r.Host) || slices.Contains(h.origins, origin)
}

// check refuses requests for other hosts, and requests of other origins' pages.
func (h *hosts) check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Probes ask by whatever address they have, and learn nothing else.
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		if !h.knows(r.Host) && !probe {
			fail(w, r, problem.Newf(http.StatusMisdirectedRequest, "This Atoll is not called %q. Its names are set in listen.hosts.", clip(r.Host, 100)))
			return
		}
		if p := h.foreign(r); p != nil {
			fail(w, r, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign says why a request comes from a page that may not make it; nil if it
// does not. Requests that are not made by pages carry neither header.
func (h *hosts) foreign(r *http.Request) *problem.Problem {
	origins := r.Header.Values("Origin")
	if len(origins) > 1 || len(origins) == 1 && !h.ownOrigin(r, origins[0]) {
		return problem.New(http.StatusForbidden, "The page that asked for this is of another origin than Atoll.")
	}
	if len(origins) == 1 {
		return nil
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "" || site == "same-origin" || site == "none" {
		return nil
	}
	// A link from elsewhere to the console is no harm; everything else is for
	// its own pages. Ports of one machine are the same site: cookies do not
	// tell them apart, this does.
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.Header.Get("Sec-Fetch-Dest") == "document" && !isMachinePath(r.URL.Path) {
		return nil
	}
	return problem.New(http.StatusForbidden, "The page that asked for this is of another origin than Atoll.")
}

// isMachinePath tells whether a path is for programs and not for people.
func isMachinePath(path string) bool {
	for _, prefix := range []string{"/api", "/clusters", "/x", "/metrics"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// clip keeps what a client sent from filling an answer or a log line.
func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
