// Failures in Kubernetes' own words: a Status object, which kubectl and every
// client library understand.

package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

// failure is an answer that Atoll gives in Kubernetes' place.
type failure struct {
	code    int
	reason  metav1.StatusReason
	message string
	details *metav1.StatusDetails
}

func (f *failure) Error() string { return f.message }

// status is the failure as Kubernetes tells it.
func (f *failure) status() *metav1.Status {
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Message: f.message, Reason: f.reason, Details: f.details, Code: int32(f.code),
	}
}

// response renders the failure as an answer of an API server.
func (f *failure) response() *http.Response {
	text, err := json.Marshal(f.status())
	if err != nil {
		text = []byte(`{"kind":"Status","apiVersion":"v1","status":"Failure"}`)
	}
	res := jsonResponse(f.code, text)
	if f.details != nil && f.details.RetryAfterSeconds > 0 {
		res.Header["Retry-After"] = []string{strconv.Itoa(int(f.details.RetryAfterSeconds))}
	}
	return res
}

func jsonResponse(code int, text []byte) *http.Response {
	return &http.Response{
		StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type":   {"application/json"},
			"Content-Length": {strconv.Itoa(len(text))},
			"Cache-Control":  {"no-cache, private"},
		},
		ContentLength: int64(len(text)), Body: io.NopCloser(bytes.NewReader(text)),
	}
}

func badRequest(message string) *failure {
	return &failure{code: http.StatusBadRequest, reason: metav1.StatusReasonBadRequest, message: message}
}

func notFound(message string) *failure {
	return &failure{code: http.StatusNotFound, reason: metav1.StatusReasonNotFound, message: message}
}

func unavailable(message string) *failure {
	return &failure{code: http.StatusServiceUnavailable, reason: metav1.StatusReasonServiceUnavailable, message: message}
}

// forbidden says as Kubernetes says it that the subject may not, and why.
func forbidden(s access.Subject, t *target, why string) *failure {
	details := &metav1.StatusDetails{Name: t.name, Group: t.group, Kind: t.resource}
	if !t.resourceful {
		return &failure{code: http.StatusForbidden, reason: metav1.StatusReasonForbidden, details: details,
			message: fmt.Sprintf("forbidden: User %q cannot access path %q: %s", prefix+s.Name, t.path, why)}
	}
	what := t.resource
	if t.name != "" {
		what = fmt.Sprintf("%s %q", t.resource, t.name)
	}
	resource := t.resource
	if t.subresource != "" {
		resource += "/" + t.subresource
	}
	where := "at the cluster scope"
	if t.namespace != "" {
		where = fmt.Sprintf("in the namespace %q", t.namespace)
	}
	return &failure{code: http.StatusForbidden, reason: metav1.StatusReasonForbidden, details: details,
		message: fmt.Sprintf("%s is forbidden: User %q cannot %s resource %q in API group %q %s: %s", what, prefix+s.Name, t.verb, resource, t.group, where, why)}
}

// unanswered explains why a cluster gave no answer to a request.
func (c *Cluster) unanswered(err error) *failure {
	c.suspect()
	f := unavailable(fmt.Sprintf("the cluster %q does not answer: its API server %s", c.config.Name, because(err)))
	if timedOut(err) {
		f.code, f.reason = http.StatusGatewayTimeout, metav1.StatusReasonTimeout
	}
	return f
}

// unaccepted explains that a cluster does not know Atoll itself. The person who
// asked must not read that as their own fault, which a 401 would say.
func (c *Cluster) unaccepted(conn *connection) *failure {
	c.suspect()
	return unavailable(fmt.Sprintf("the cluster %q cannot be used: its API server %s", c.config.Name, conn.unauthorized()))
}

// hung explains why a cluster is not even asked.
func (c *Cluster) hung() *failure {
	return unavailable(fmt.Sprintf("the cluster %q does not answer: %s", c.config.Name, c.Status().Message))
}

// unconnected explains why a cluster cannot be asked.
func (c *Cluster) unconnected() *failure {
	s := c.Status()
	text := fmt.Sprintf("the cluster %q is not ready: it is %s", s.Name, s.Phase)
	if s.Message != "" {
		text += ": " + s.Message
	}
	return unavailable(text)
}
