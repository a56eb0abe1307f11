// What a write to Kubernetes comes to: the object before it, and what the API
// server answers.
package capability

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
)

const (
	// maxObserved bounds an object that is looked at, in bytes. Larger ones are
	// written all the same, and nothing is told of what is different.
	maxObserved = 256 << 10
	// lookTime bounds how long a write waits for the object before it.
	lookTime = 2 * time.Second
)

// Observation sees one write. It is an io.Writer for the answer's body.
type Observation struct {
	question Question
	before   []byte // nil: not known, or of no interest
	answer   bytes.Buffer
	cut      bool
}

// Observe looks at what is about to be written; nil when it is nothing that is
// looked at: reading, sessions, and asking what one may. What is changed is read
// first, as the person who changes it: others see no difference.
func Observe(ctx context.Context, k Kubernetes, s access.Subject, cluster, path string, q Question, via Via) *Observation {
	if !Writes(q) || q.Subresource != "" && q.Subresource != "status" && q.Subresource != "scale" {
		return nil
	}
	o := &Observation{question: q}
	if q.Name == "" || q.Verb != "update" && q.Verb != "patch" {
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	response, err := k.RoundTrip(ctx, s, cluster, &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: path}, Header: http.Header{"Accept": {"application/json"}},
	}, via)
	if err != nil {
		return o
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(io.LimitReader(response.Body, maxObserved+1)); err == nil && response.StatusCode == http.StatusOK && len(text) <= maxObserved {
		o.before = text
	}
	return o
}

// Writes tells whether a request changes something, or opens a session.
func Writes(q Question) bool {
	switch q.Verb {
	case "get", "list", "watch", "":
		return false
	}
	// What somebody may is asked with a POST.
	return !(q.Verb == "create" && strings.HasPrefix(q.Resource, "selfsubject") && (q.Group == "authorization.k8s.io" || q.Group == "authentication.k8s.io"))
}

// Write keeps the answer, until it is too large.
func (o *Observation) Write(p []byte) (int, error) {
	if o.cut = o.cut || o.answer.Len()+len(p) > maxObserved; !o.cut {
		o.answer.Write(p)
	}
	return len(p), nil
}

// Tell adds to an event what came of the write: the name of what was made, what
// is different, or why it was refused. The header is the answer's.
func (o *Observation) Tell(e *audit.Event, header http.Header) {
	if o.cut || header.Get("Content-Encoding") != "" || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		return
	}
	var answer struct {
		Kind, Message string
		Metadata      struct{ Name string }
	}
	if json.Unmarshal(o.answer.Bytes(), &answer) != nil {
		return
	}
	if e.Result != audit.Done {
		if answer.Kind == "Status" {
			e.Reason = answer.Message
		}
		return
	}
	if o.question.Verb == "create" && o.question.Name == "" && answer.Metadata.Name != "" {
		e.Target += "/" + answer.Metadata.Name
	}
	if o.before != nil {
		e.Changes, e.More, _ = Difference(o.before, o.answer.Bytes(), o.others()...)
	}
}

// others are the paths that this write cannot have changed: a controller may have
// written them meanwhile. Of Kubernetes' own kinds the status is written as a
// subresource only.
func (o *Observation) others() []string {
	if q := o.question; q.Subresource != "status" && (!strings.Contains(q.Group, ".") || strings.HasSuffix(q.Group, ".k8s.io")) {
		return []string{"/status"}
	}
	return nil
}

// DryRun tells whether a request to Kubernetes changes nothing, by its raw query.
func DryRun(query string) bool {
	values, _ := url.ParseQuery(query)
	return len(values["dryRun"]) > 0
}
