// The door `kubernetes`: the API server of the request's cluster, as the person
// who asks, within the manifest's rules. The guest never holds a token.
package capability

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// AuthorityKubernetes is the name of the door.
const AuthorityKubernetes = "kubernetes"

// Kubernetes carries a person's request to a cluster; kube.Proxy does. The
// context ends the request and the reading of its answer.
type Kubernetes interface {
	RoundTrip(ctx context.Context, s access.Subject, cluster string, r *http.Request, via Via) (*http.Response, error)
}

// Via names the extension on whose behalf a person's request is made.
type Via = kube.Via

// Call is on whose behalf a guest runs, for the doors: the host puts it into
// sandbox.Request.Value as *Call. It must not change while the request runs.
type Call struct {
	Subject access.Subject
	Origin  Origin
	Cluster string // empty when the request's path names none
	// What the manifest that was consented to asks for: of Kubernetes, and of
	// upstreams by name.
	Rules     []Rule
	Upstreams map[string][]Template
}

// Door is the door `kubernetes`. It is safe for concurrent use.
type Door struct {
	kubernetes Kubernetes
	log        *slog.Logger
	record     Record // nil: nobody is told
}

// NewDoor makes the door. Every request through it is recorded in log: writes
// at level Info, reads at Debug, refusals at Warn.
func NewDoor(k Kubernetes, log *slog.Logger) *Door {
	if log == nil {
		log = slog.Default()
	}
	return &Door{kubernetes: k, log: log}
}

// Doors finds doors by authority, for sandbox.Options.
func (d *Door) Doors(authority string) sandbox.Door {
	if authority == AuthorityKubernetes {
		return d
	}
	return nil
}

// Safe implements sandbox.SafeDoor: reading changes nothing, and discovery. Of
// subresources only those that are known to be read count: what lies behind
// others may do anything to a GET.
func (d *Door) Safe(_ sandbox.Parent, r *sandbox.Request) bool {
	path, query, _ := strings.Cut(r.Target, "?")
	q, err := Read(r.Method, path, query)
	switch {
	case err != nil:
		return false
	case q.Discovery:
		return true
	case q.Verb != "get" && q.Verb != "list" && q.Verb != "watch":
		return false
	}
	switch q.Subresource {
	case "", "status", "scale":
		return true
	case "log":
		return q.Group == "" && q.Resource == "pods"
	}
	return false
}

// Secret implements sandbox.SecretDoor: what needs a consent of its own is, and
// ConfigMaps, for there is a password in every other one.
func (d *Door) Secret(_ sandbox.Parent, r *sandbox.Request) bool {
	path, query, _ := strings.Cut(r.Target, "?")
	q, err := Read(r.Method, path, query)
	if err != nil {
		return true
	}
	resource := q.Resource
	if q.Subresource != "" {
		resource += "/" + q.Subresource
	}
	return !q.Discovery && (Dangerous(q.Group, resource) || q.Group == "" && q.Resource == "configmaps")
}

// Headers that a guest may send to Kubernetes, and read from it.
var (
	requestHeaders  = map[string]bool{"Accept": true, "Content-Type": true}
	responseHeaders = []string{"Content-Type", "Retry-After", "Warning"}
)

// Open carries a guest's request on. It refuses with `denied` what no rule
// allows, and with `invalid` what is no request to the Kubernetes API.
func (d *Door) Open(ctx context.Context, p sandbox.Parent, r *sandbox.Request) (*sandbox.Response, error) {
	call, ok := p.Request.Value.(*Call)
	if !ok {
		return nil, &sandbox.ResetError{Code: wire.Denied, Text: "nobody asked: this request acts for no person"}
	}
	if call.Cluster == "" {
		return nil, &sandbox.ResetError{Code: wire.Invalid, Text: "the request names no cluster in its path"}
	}
	path, query, _ := strings.Cut(r.Target, "?")
	u := &url.URL{Path: path, RawQuery: query}
	header := http.Header{}
	for _, h := range r.Header {
		if name := http.CanonicalHeaderKey(h.Name); requestHeaders[name] {
			header.Add(name, h.Value)
		}
	}
	via := Via{Extension: p.Extension, Version: p.Version}
	if r.Protocol != "" {
		return d.session(ctx, call, via, r, u)
	}
	request := &http.Request{Method: r.Method, URL: u, Header: header}
	if r.Body != nil {
		request.Body = readCloser(r.Body)
	}
	response, err := d.Do(ctx, call, via, request)
	if err != nil {
		return nil, err
	}
	return answer(response), nil
}

// answer is what a guest gets of an API server's answer.
func answer(response *http.Response) *sandbox.Response {
	a := &sandbox.Response{Status: response.StatusCode, Body: response.Body}
	for _, name := range responseHeaders {
		for _, v := range response.Header[name] {
			a.Header = append(a.Header, wire.Header{Name: name, Value: v})
		}
	}
	return a
}

// Do decides on a request and carries it on: for the guest, and for the console
// when a fragment of the extension brought it there. r's URL is a path of the
// API server, in which nothing is encoded. An error is a *sandbox.ResetError, or
// ctx's. The answer's body must be closed.
func (d *Door) Do(ctx context.Context, call *Call, via Via, r *http.Request) (*http.Response, error) {
	q, err := Read(r.Method, r.URL.Path, r.URL.RawQuery)
	attributes := []any{"extension", via.Extension, "version", via.Version, "user", call.Subject.Name, "cluster", call.Cluster, "method", r.Method, "path", r.URL.Path}
	if err != nil {
		d.log.WarnContext(ctx, "extension asked for no path of the Kubernetes API", append(attributes, "error", err)...)
		return nil, &sandbox.ResetError{Code: wire.Invalid, Text: err.Error()}
	}
	write := d.write(call, via, r, q)
	if ok, why := Allowed(call.Rules, q); !ok {
		write.end(ctx, http.StatusForbidden, audit.Denied, why)
		d.log.WarnContext(ctx, "extension refused at the door to Kubernetes", append(attributes, "reason", why)...)
		return nil, &sandbox.ResetError{Code: wire.Denied, Text: why}
	}
	var observation *Observation
	if write != nil {
		observation = Observe(ctx, d.kubernetes, call.Subject, call.Cluster, r.URL.Path, q, via)
	}
	response, err := d.kubernetes.RoundTrip(ctx, call.Subject, call.Cluster, r, via)
	if err != nil {
		write.end(ctx, 0, audit.Failed, "nobody waited for the answer")
		return nil, err
	}
	if observation == nil {
		write.end(ctx, response.StatusCode, audit.ResultOf(response.StatusCode), "")
	} else {
		response.Body = &observed{ReadCloser: response.Body, Observation: observation, end: func() {
			write.Result = audit.ResultOf(response.StatusCode)
			observation.Tell(&write.Event, response.Header)
			write.end(ctx, response.StatusCode, write.Result, write.Reason)
		}}
	}
	level := slog.LevelInfo
	if q.Discovery || q.Verb == "get" || q.Verb == "list" || q.Verb == "watch" {
		level = slog.LevelDebug
	}
	d.log.Log(ctx, level, "extension asked Kubernetes", append(attributes, "verb", q.Verb, "status", response.StatusCode)...)
	return response, nil
}

func readCloser(r io.Reader) io.ReadCloser {
	if c, ok := r.(io.ReadCloser); ok {
		return c
	}
	return io.NopCloser(r)
}
