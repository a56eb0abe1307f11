// Lists that span projects, for people who may not read the whole cluster: one
// impersonated list for each project that they can read, joined to one answer.

package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	acrossParallel = 8        // lists at a time for one request
	maxAcross      = 64 << 20 // bytes of all of them together
)

// across answers lists and watches without a namespace.
func (p *Proxy) across(ctx context.Context, in *incoming, c *Cluster, t *target) *http.Response {
	scope := access.Scope{Cluster: c.config.Name}
	if p.index.Can(in.subject, access.WorkloadsView, scope).Allowed {
		return p.inScope(ctx, in, c, t) // Kubernetes decides
	}
	conn := c.conn.Load()
	if conn == nil {
		return c.unconnected().response()
	}
	kind := "Namespace"
	namespaces := t.group == "" && t.resource == "namespaces"
	if !namespaces {
		r, ok := conn.resources.find(ctx, t)
		if !ok || !r.Namespaced {
			return p.inScope(ctx, in, c, t)
		}
		kind = r.Kind
	}
	if t.verb == "watch" {
		// Events of several projects cannot be resumed from one resource
		// version; until that is done soundly, it is not done.
		return forbidden(in.subject, t, "a watch across projects is not possible; name a namespace").response()
	}
	s, accept := shapeOf(in.header)
	if s == shapeNone {
		return (&failure{code: http.StatusNotAcceptable, reason: metav1.StatusReasonNotAcceptable,
			message: "a list across projects is made as application/json only"}).response()
	}
	query, err := url.ParseQuery(t.query)
	if err != nil {
		return badRequest("the query cannot be read: " + err.Error()).response()
	}
	if query.Get("continue") != "" {
		return (&failure{code: http.StatusGone, reason: metav1.StatusReasonExpired,
			message: "a list across projects comes whole; start again without the continue token"}).response()
	}
	query.Del("limit") // servers may answer more than the limit
	query.Del("continue")

	projects := p.index.Projects(in.subject, c.config.Name)
	if len(projects) == 0 {
		return jsonResponse(http.StatusOK, emptyList(s, t.apiVersion(), kind))
	}
	each := *in
	each.header = in.header.Clone()
	each.header.Set("Accept", accept)
	each.header.Del("Accept-Encoding")
	each.method = http.MethodGet // HEAD too: its answer's body is dropped on the way out
	if namespaces {
		return p.namespaces(ctx, &each, c, t, query, projects)
	}
	slices.SortFunc(projects, func(a, b access.Project) int { return strings.Compare(a.Name, b.Name) })
	parts, f := p.listEach(ctx, &each, c, t, query, projects)
	switch {
	case f != nil:
		return f.response()
	case len(parts) == 0:
		return forbidden(in.subject, t, "not in any of this person's projects").response()
	}
	return jsonResponse(http.StatusOK, join(parts))
}

// part is a list of one project, or what is left of one: the elements are kept
// as they came.
type part struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Metadata   struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Columns json.RawMessage   `json:"columnDefinitions"` // of a Table
	Rows    []json.RawMessage `json:"rows"`
	Items   []json.RawMessage `json:"items"`
}

// listEach lists each project, all at the resource version of the first, so
// that the answer is one moment of the cluster and not several. Projects in
// which the resource may not be listed are left out; any other failure fails
// the whole, since a list that silently lacks a project would be a lie.
func (p *Proxy) listEach(ctx context.Context, in *incoming, c *Cluster, t *target, query url.Values, projects []access.Project) ([]*part, *failure) {
	budget := new(atomic.Int64)
	budget.Store(maxAcross)
	parts := make([]*part, len(projects))
	first := 0
	for ; first < len(projects) && parts[max(first-1, 0)] == nil; first++ {
		one, f := p.listOne(ctx, in, c, t.in(projects[first].Name, query.Encode()), budget)
		if f != nil {
			return nil, f
		}
		parts[first] = one
	}
	if first > 0 && parts[first-1] != nil {
		if rv := parts[first-1].Metadata.ResourceVersion; rv != "" {
			query.Set("resourceVersion", rv)
			query.Set("resourceVersionMatch", "Exact")
		}
	}
	encoded := query.Encode()
	lists, ctx := errgroup.WithContext(ctx)
	lists.SetLimit(acrossParallel)
	for i := first; i < len(projects); i++ {
		lists.Go(func() error {
			one, f := p.listOne(ctx, in, c, t.in(projects[i].Name, encoded), budget)
			if f != nil {
				return f
			}
			parts[i] = one
			return nil
		})
	}
	if err := lists.Wait(); err != nil {
		return nil, failureOf(err)
	}
	return slices.DeleteFunc(parts, func(one *part) bool { return one == nil }), nil
}

// listOne lists one project; nil when the resource may not be listed there.
func (p *Proxy) listOne(ctx context.Context, in *incoming, c *Cluster, t target, budget *atomic.Int64) (*part, *failure) {
	r := p.rights(in.subject, access.Scope{Cluster: c.config.Name, Project: t.namespace})
	if len(r.groups) == 0 {
		return nil, nil
	}
	res := p.forward(ctx, in, c, &t, r)
	defer res.Body.Close()
	if res.StatusCode == http.StatusForbidden {
		return nil, nil
	}
	return decodeList(res, budget)
}

// decodeList reads a list, or the Status that came instead.
func decodeList(res *http.Response, budget *atomic.Int64) (*part, *failure) {
	left := budget.Load()
	text, err := io.ReadAll(io.LimitReader(res.Body, left+1))
	if err != nil {
		return nil, unavailable(fmt.Sprintf("reading the cluster's answer: %v", err))
	}
	if budget.Add(-int64(len(text))) < 0 {
		return nil, &failure{code: http.StatusRequestEntityTooLarge, reason: metav1.StatusReasonRequestEntityTooLarge,
			message: fmt.Sprintf("the list across projects is larger than %d MiB; name a namespace", maxAcross>>20)}
	}
	if res.StatusCode != http.StatusOK {
		var s metav1.Status
		if json.Unmarshal(text, &s) != nil || s.Kind != "Status" || s.Message == "" {
			return nil, &failure{code: res.StatusCode, reason: metav1.StatusReasonUnknown, message: firstLine(string(text))}
		}
		return nil, &failure{code: res.StatusCode, reason: s.Reason, message: s.Message, details: s.Details}
	}
	one := new(part)
	if err := json.Unmarshal(text, one); err != nil {
		return nil, &failure{code: http.StatusBadGateway, reason: metav1.StatusReasonInternalError,
			message: fmt.Sprintf("reading the cluster's answer: %v", err)}
	}
	return one, nil
}

// join makes one list of several of the same kind.
func join(parts []*part) []byte {
	size, first := 256, parts[0]
	for _, one := range parts {
		for _, e := range one.elements() {
			size += len(e) + 1
		}
	}
	out := bytes.NewBuffer(make([]byte, 0, size+len(first.Columns)))
	head, _ := json.Marshal(map[string]any{
		"kind": first.Kind, "apiVersion": first.APIVersion, "metadata": map[string]string{"resourceVersion": first.Metadata.ResourceVersion},
	})
	out.Write(head[:len(head)-1])
	if first.Kind == "Table" {
		columns := json.RawMessage("[]")
		for _, one := range parts {
			if len(one.Columns) > len(columns) {
				columns = one.Columns
				break
			}
		}
		out.WriteString(`,"columnDefinitions":`)
		out.Write(columns)
		out.WriteString(`,"rows":[`)
	} else {
		out.WriteString(`,"items":[`)
	}
	comma := false
	for _, one := range parts {
		for _, e := range one.elements() {
			if comma {
				out.WriteByte(',')
			}
			comma = true
			out.Write(e)
		}
	}
	out.WriteString("]}")
	return out.Bytes()
}

// elements are the rows of a Table, the items of any other list.
func (one *part) elements() []json.RawMessage {
	if one.Kind == "Table" {
		return one.Rows
	}
	return one.Items
}
