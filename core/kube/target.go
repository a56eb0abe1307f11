// What a path on an API server points at. There is one reading of a path, and
// what was read is what is sent on: no second interpretation can differ.

package kube

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// target is a request's path and query, understood as an API server
// understands them.
type target struct {
	path    string // decoded
	rawPath string // as it came, and as it is sent on; "" for a path of Atoll's own making
	query   string // as it came

	resourceful bool // the rest is set; otherwise a non-resource path
	group       string
	version     string
	namespace   string
	resource    string
	name        string
	subresource string
	verb        string // get list watch create update patch delete deletecollection
}

const maxPath = 4096

// parseTarget reads an escaped path (as url.URL.EscapedPath gives it, beginning
// with a slash) and a raw query. Paths that are not canonical are refused with
// ErrPath: empty segments, dot segments, encoded slashes, dots, backslashes,
// percent signs and semicolons, and bytes that do not belong into a path.
func parseTarget(method, escaped, query string) (target, error) {
	t := target{path: escaped, rawPath: escaped, query: query}
	if escaped == "" || escaped[0] != '/' {
		return target{}, fmt.Errorf("%w: it does not begin with a slash", ErrPath)
	}
	if len(escaped) > maxPath {
		return target{}, fmt.Errorf("%w: it is longer than %d bytes", ErrPath, maxPath)
	}
	for i := range len(query) {
		if query[i] <= ' ' || query[i] >= 0x7f {
			return target{}, fmt.Errorf("%w: the byte %q in the query", ErrPath, query[i])
		}
	}
	encoded := false
	start := 1 // of the segment
	for i := 1; i <= len(escaped); i++ {
		if i == len(escaped) || escaped[i] == '/' {
			switch segment := escaped[start:i]; {
			case segment == "" && i < len(escaped):
				return target{}, fmt.Errorf("%w: two slashes follow each other at byte %d", ErrPath, i)
			case segment == "." || segment == "..":
				return target{}, fmt.Errorf("%w: the segment %q at byte %d", ErrPath, segment, start)
			}
			start = i + 1
			continue
		}
		switch b := escaped[i]; {
		case b == '%':
			if i+2 >= len(escaped) || !hex(escaped[i+1]) || !hex(escaped[i+2]) {
				return target{}, fmt.Errorf("%w: a percent sign without two hexadecimal digits at byte %d", ErrPath, i)
			}
			if d := unhex(escaped[i+1])<<4 | unhex(escaped[i+2]); d < ' ' || d == 0x7f || strings.IndexByte(`/\.%;`, d) >= 0 {
				return target{}, fmt.Errorf("%w: the encoded byte %q at byte %d", ErrPath, escaped[i:i+3], i)
			}
			encoded = true
			i += 2
		case !plainInPath(b):
			return target{}, fmt.Errorf("%w: the byte %q at byte %d", ErrPath, b, i)
		}
	}
	if encoded {
		decoded, err := url.PathUnescape(escaped)
		if err != nil || !utf8.ValidString(decoded) {
			return target{}, fmt.Errorf("%w: what it encodes is not UTF-8", ErrPath)
		}
		t.path = decoded
	}
	t.read(method)
	return t, nil
}

// plainInPath tells whether a byte may stand in a path as itself.
func plainInPath(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("-_.~$&+,=:@!'()*", b) >= 0
}

func hex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func unhex(b byte) byte {
	switch {
	case b <= '9':
		return b - '0'
	case b <= 'F':
		return b - 'A' + 10
	default:
		return b - 'a' + 10
	}
}

// cut takes the first segment off a path without a leading slash.
func cut(path string) (first, rest string) {
	first, rest, _ = strings.Cut(path, "/")
	return first, rest
}

// read finds group, version, namespace, resource and verb, by the same rules
// as the API server's own request info.
func (t *target) read(method string) {
	prefix, rest := cut(strings.Trim(t.path, "/"))
	switch prefix {
	case "api":
	case "apis":
		t.group, rest = cut(rest)
	default:
		return
	}
	t.version, rest = cut(rest)
	if rest == "" {
		t.group, t.version = "", ""
		return // discovery
	}
	t.resourceful = true
	switch method {
	case http.MethodGet, http.MethodHead:
		t.verb = "get"
	case http.MethodPost:
		t.verb = "create"
	case http.MethodPut:
		t.verb = "update"
	case http.MethodPatch:
		t.verb = "patch"
	case http.MethodDelete:
		t.verb = "delete"
	}
	watch, proxy := false, false
	if first, after := cut(rest); after != "" {
		switch first { // the old way to ask for these
		case "watch":
			watch, rest = true, after
		case "proxy":
			proxy, rest = true, after
		}
	}
	if first, after := cut(rest); first == "namespaces" && after != "" {
		name, below := cut(after)
		t.namespace = name
		if below != "" && below != "status" && below != "finalize" && !strings.HasPrefix(below, "status/") && !strings.HasPrefix(below, "finalize/") {
			rest = below
		}
	}
	t.resource, rest = cut(rest)
	t.name, rest = cut(rest)
	t.subresource, _ = cut(rest)
	switch {
	case watch:
		t.verb = "watch"
		return
	case proxy:
		t.verb = "proxy"
		return
	}
	if t.name == "" {
		switch t.verb {
		case "get":
			t.verb = "list"
			if asked(t.query, "watch") {
				t.verb = "watch"
			}
		case "delete":
			t.verb = "deletecollection"
		}
	}
}

// asked reads a boolean of the query as Kubernetes does: anything but "0" and
// "false" is true.
func asked(query, name string) bool {
	if !strings.Contains(query, name) {
		return false
	}
	values, _ := url.ParseQuery(query)
	v, ok := values[name]
	return ok && v[0] != "0" && !strings.EqualFold(v[0], "false")
}

// discovery tells whether this is about what the API server offers, which
// everybody who is signed in may know.
func (t *target) discovery() bool {
	if t.resourceful {
		return false
	}
	switch first, rest := cut(strings.Trim(t.path, "/")); first {
	case "api", "apis", "openapi":
		return true
	case "version":
		return rest == ""
	}
	return false
}

// selfReview tells whether this asks what the caller itself may do or is.
func (t *target) selfReview() bool {
	return t.verb == "create" && t.namespace == "" && t.name == "" &&
		(t.group == "authorization.k8s.io" && (t.resource == "selfsubjectaccessreviews" || t.resource == "selfsubjectrulesreviews") ||
			t.group == "authentication.k8s.io" && t.resource == "selfsubjectreviews")
}

// backend tells whether this reaches through Kubernetes into a pod, a service
// or a node, whose answers are nobody's word but their own.
func (t *target) backend() bool {
	return t.verb == "proxy" || t.subresource == "proxy" && t.group == "" && slices.Contains([]string{"services", "pods", "nodes"}, t.resource)
}

// session tells whether this opens a way into a pod, by whatever method.
func (t *target) session() bool {
	return t.group == "" && t.resource == "pods" && slices.Contains([]string{"exec", "attach", "portforward"}, t.subresource)
}

// streams tells whether an answer is expected to come piece by piece.
func (t *target) streams() bool {
	return t.verb == "watch" || t.backend() || asked(t.query, "follow") || asked(t.query, "watch")
}

// longRunning tells whether an answer may rightly begin when something happens
// only: a log that is followed has no head before its first line.
func (t *target) longRunning() bool {
	return t.streams() || t.session()
}

// apiVersion is group and version as objects say them.
func (t *target) apiVersion() string {
	if t.group == "" {
		return t.version
	}
	return t.group + "/" + t.version
}

// in is the same target for one namespace, with another query.
func (t target) in(namespace, query string) target {
	root := "/api/" + t.version
	if t.group != "" {
		root = "/apis/" + t.group + "/" + t.version
	}
	t.path, t.rawPath, t.query, t.namespace = root+"/namespaces/"+namespace+"/"+t.resource, "", query, namespace
	return t
}
