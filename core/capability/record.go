// What the audit is told of the doors: every write of an extension on behalf of
// a person.
package capability

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/sandbox"
)

// Record takes an event. It adds which workspace and project the names mean.
type Record func(context.Context, audit.Event)

// Origin is which request from outside a guest works for.
type Origin struct {
	RequestID string
	Remote    string // address of the client
}

// Audited has the door tell of every write, those included that it refuses.
func (d *Door) Audited(record Record) *Door {
	d.record = record
	return d
}

// Audited has the door tell of every request that may change something.
func (u *Upstreams) Audited(record Record) *Upstreams {
	u.record = record
	return u
}

// event is what is known of a request before it is made.
func (c *Call) event(via Via, method string) audit.Event {
	return audit.Event{
		RequestID: c.Origin.RequestID, Remote: c.Origin.Remote, User: c.Subject.Name, UserUID: c.Subject.UID, Via: c.Subject.Via, Credential: c.Subject.Credential,
		Extension: via.Extension, Version: via.Version, Verb: audit.Verb(method), Cluster: c.Cluster,
	}
}

// told is a write at a door that is told of once.
type told struct {
	audit.Event
	record Record // nil: nobody listens
}

func (t *told) end(ctx context.Context, status int, result, reason string) {
	if t == nil || t.record == nil {
		return
	}
	t.Status, t.Result, t.Reason = status, result, reason
	t.record(context.WithoutCancel(ctx), t.Event)
}

// write is the event of a request through the door to Kubernetes; nil when it
// only reads.
func (d *Door) write(call *Call, via Via, r *http.Request, q Question) *told {
	if d.record == nil || !Writes(q) {
		return nil
	}
	e := call.event(via, r.Method)
	e.Verb, e.Project, e.DryRun = q.Verb, q.Namespace, DryRun(r.URL.RawQuery)
	e.Target = "/clusters/" + call.Cluster + r.URL.Path
	return &told{e, d.record}
}

// observed is an answer's body that tells of its write when it is over.
type observed struct {
	io.ReadCloser
	*Observation
	end  func()
	once sync.Once
}

func (o *observed) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	_, _ = o.Observation.Write(p[:n])
	if err != nil {
		o.once.Do(o.end)
	}
	return n, err
}

func (o *observed) Close() error {
	err := o.ReadCloser.Close()
	o.once.Do(o.end)
	return err
}

// write is the event of a request to an upstream; nil when it only reads.
func (u *Upstreams) write(call *Call, p sandbox.Parent, r *sandbox.Request, name string) *told {
	if u.record == nil || r.Method == http.MethodGet || r.Method == http.MethodHead || SafeUpstream(call.Upstreams[name], r.Caller, r.Method, r.Target) {
		return nil
	}
	e := call.event(Via{Extension: p.Extension, Version: p.Version}, r.Method)
	path, _, _ := strings.Cut(r.Target, "?")
	e.Target = "/upstreams/" + name + path
	e.Cluster, e.Workspace, e.Project = r.Caller.Cluster, r.Caller.Workspace, r.Caller.Project
	return &told{e, u.record}
}
