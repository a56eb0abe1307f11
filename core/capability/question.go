// What a request asks of Kubernetes, read from its method, path and query. The
// reading is narrower than the API server's own: what could be read in two ways
// is refused, so that what is decided here is what is done there.
package capability

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ErrPath is wrapped when a path is none that an extension may use.
var ErrPath = errors.New("not a path of the Kubernetes API that an extension may use")

// Question is what a request asks.
type Question struct {
	Discovery bool // what the API server offers; the rest is then empty

	Verb        string
	Group       string
	Version     string
	Resource    string
	Subresource string
	Namespace   string
	Name        string
}

// String names the question as a rule would: "get pods/log in demo".
func (q Question) String() string {
	if q.Discovery {
		return "discovery"
	}
	s := q.Verb + " " + q.Resource
	if q.Group != "" {
		s = q.Verb + " " + q.Resource + "." + q.Group
	}
	if q.Subresource != "" {
		s += "/" + q.Subresource
	}
	if q.Namespace != "" {
		s += " in " + q.Namespace
	}
	return s
}

const (
	maxPath  = 2048
	maxQuery = 8192
)

// Read reads a request: path is escaped and begins with a slash, query is raw.
// An error wraps ErrPath.
func Read(method, path, query string) (Question, error) {
	if len(path) > maxPath || len(query) > maxQuery {
		return Question{}, fmt.Errorf("%w: longer than %d bytes, or its query than %d", ErrPath, maxPath, maxQuery)
	}
	if !strings.HasPrefix(path, "/") {
		return Question{}, fmt.Errorf("%w: %q does not begin with a slash", ErrPath, path)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Question{}, fmt.Errorf("%w: its query is not well-formed", ErrPath)
	}
	segments := strings.Split(path[1:], "/")
	for _, s := range segments {
		if !plain(s) {
			return Question{}, fmt.Errorf("%w: the segment %q", ErrPath, s)
		}
	}
	verb, ok := map[string]string{
		http.MethodGet: "get", http.MethodHead: "get", http.MethodPost: "create",
		http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
	}[method]
	if !ok {
		return Question{}, fmt.Errorf("%w: the method %q", ErrPath, method)
	}
	var q Question
	switch {
	case len(segments) == 1 && (segments[0] == "api" || segments[0] == "apis" || segments[0] == "version"),
		len(segments) == 2 && (segments[0] == "api" || segments[0] == "apis"),
		len(segments) == 3 && segments[0] == "apis":
		if verb != "get" {
			return Question{}, fmt.Errorf("%w: discovery is only read", ErrPath)
		}
		return Question{Discovery: true}, nil
	case segments[0] == "api":
		q.Version, segments = segments[1], segments[2:]
	case segments[0] == "apis":
		q.Group, q.Version, segments = segments[1], segments[2], segments[3:]
	default:
		return Question{}, fmt.Errorf("%w: it begins with neither /api nor /apis", ErrPath)
	}
	if segments[0] == "watch" || segments[0] == "proxy" {
		return Question{}, fmt.Errorf("%w: /%s/ before a resource; use ?watch=true or the subresource", ErrPath, segments[0])
	}
	q.Verb = verb
	if segments[0] == "namespaces" && len(segments) > 2 && segments[2] != "status" && segments[2] != "finalize" {
		q.Namespace, segments = segments[1], segments[2:]
	}
	q.Resource = segments[0]
	if len(segments) > 1 {
		q.Name = segments[1]
	}
	if len(segments) > 2 {
		q.Subresource = segments[2]
	}
	if len(segments) > 3 && q.Subresource != "proxy" {
		return Question{}, fmt.Errorf("%w: nothing follows a subresource", ErrPath)
	}
	if q.Resource == "namespaces" {
		q.Namespace = q.Name
	}
	switch {
	case q.Subresource == "exec" || q.Subresource == "attach" || q.Subresource == "portforward":
		q.Verb = "create" // whatever the method
	case q.Name == "" && verb == "get":
		q.Verb = "list"
		// As Kubernetes reads a boolean: the first value, and anything but these is true.
		if w, ok := values["watch"]; ok && w[0] != "0" && !strings.EqualFold(w[0], "false") {
			q.Verb = "watch"
		}
	case q.Name == "" && verb == "delete":
		q.Verb = "deletecollection"
	case q.Name == "" && verb != "create":
		return Question{}, fmt.Errorf("%w: %s without a name", ErrPath, verb)
	}
	return q, nil
}

// plain tells whether a segment is written out: no encoding, no dots alone.
func plain(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 253 {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-' || b == '.' || b == '_' || b == ':') {
			return false
		}
	}
	return true
}
