// Requests that span projects, from people who may not read the whole cluster:
// one impersonated request for each project that they can read, joined to one
// answer.

package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

const acrossParallel = 8 // requests at a time for one that spans projects

// spanning is one request that spans projects.
type spanning struct {
	in      *incoming // as each part of it is sent
	cluster *Cluster
	target  *target
	query   url.Values // without what pages a list or starts a watch
	view    *view
	shape   shape
	kind    string // of the objects
}

// across answers lists and watches without a namespace.
func (p *Proxy) across(ctx context.Context, in *incoming, c *Cluster, t *target) *http.Response {
	scope := access.Scope{Cluster: c.config.Name}
	if t.name != "" || p.index.Can(in.subject, access.WorkloadsView, scope).Allowed {
		return p.inScope(ctx, in, c, t) // Kubernetes decides
	}
	conn := c.conn.Load()
	if conn == nil {
		return c.unconnected().response()
	}
	if c.silent.Load() {
		return c.hung().response() // nor does it tell what it has
	}
	kind := "Namespace"
	namespaces := t.group == "" && t.version == "v1" && t.resource == "namespaces"
	if !namespaces {
		r, ok, err := conn.resources.find(ctx, t)
		switch {
		case errors.Is(err, errUnaccepted):
			return c.unaccepted(conn).response()
		case err != nil:
			return c.unanswered(err).response()
		case !ok || !r.Namespaced:
			return p.inScope(ctx, in, c, t)
		}
		kind = r.Kind
	}
	s, accept := shapeOf(in.header)
	if s == shapeNone {
		return (&failure{code: http.StatusNotAcceptable, reason: metav1.StatusReasonNotAcceptable,
			message: "an answer across projects is made as application/json only"}).response()
	}
	if in.upgrade != "" || t.verb == "watch" && in.method != http.MethodGet {
		return badRequest("lists and watches across projects are plain GET requests").response()
	}
	query, err := url.ParseQuery(t.query)
	if err != nil {
		return badRequest("the query cannot be read: " + err.Error()).response()
	}
	v := p.view(in.subject, c.config.Name)
	if len(v.projects) > maxProjects && !namespaces {
		return (&failure{code: http.StatusRequestEntityTooLarge, reason: metav1.StatusReasonRequestEntityTooLarge,
			message: fmt.Sprintf("this person can read %d projects, and one request spans %d at most; name a namespace", len(v.projects), maxProjects)}).response()
	}
	each := *in
	each.header = in.header.Clone()
	each.header.Set("Accept", accept)
	each.header.Del("Accept-Encoding")
	each.method = http.MethodGet // HEAD too: its answer's body is dropped on the way out
	each.body, each.length = nil, 0
	sp := &spanning{in: &each, cluster: c, target: t, query: query, view: v, shape: s, kind: kind}
	switch {
	case t.verb == "watch":
		return p.watchAcross(ctx, sp, namespaces)
	case namespaces:
		return p.namespaces(ctx, sp)
	default:
		return p.listAcross(ctx, sp)
	}
}

// one sends the part for the project at i on.
func (p *Proxy) one(ctx context.Context, sp *spanning, i int, query string) *http.Response {
	t := sp.target.in(sp.view.projects[i].Name, query)
	return p.forward(ctx, sp.in, sp.cluster, &t, sp.view.rights(i, sp.cluster.config.Name))
}
