// The namespaces that people see who may not read the whole cluster: those of
// their projects.

package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/atoll-platform/atoll/core/access"
)

// LabelProject and LabelWorkspace mark a namespace as a project's, by the
// immutable ids of the project and of its workspace.
const (
	LabelProject   = "atoll.dev/project"
	LabelWorkspace = "atoll.dev/workspace"
)

// GroupNamespaces may get, list and watch namespaces and nothing else. Nobody
// is in it: the proxy alone adds it, to a request whose answer it filters, so
// that the cluster's audit log still names the person.
const GroupNamespaces = "atoll:namespaces"

// namespaces lists those namespaces that are the projects' own.
func (p *Proxy) namespaces(ctx context.Context, sp *spanning) *http.Response {
	q := sp.query
	if q.Get("continue") != "" {
		return expired("the list of namespaces comes whole").response()
	}
	q.Del("limit") // of how many that are left out would it be?
	if own, _ := unstamp(q.Get("resourceVersion")); q.Has("resourceVersion") {
		q.Set("resourceVersion", own)
	}
	if len(sp.view.projects) == 0 {
		return jsonResponse(http.StatusOK, emptyList(sp.shape, sp.target.apiVersion(), sp.kind, ""))
	}
	res := p.allNamespaces(ctx, sp)
	defer res.Body.Close()
	budget := new(atomic.Int64)
	budget.Store(maxAcross)
	list, f := decodeList(res, budget)
	if f != nil {
		return f.response()
	}
	own := ownNamespaces(sp.view.projects)
	foreign := func(element json.RawMessage) bool { return !own(list.Kind == "Table", element) }
	list.Items = slices.DeleteFunc(list.Items, foreign)
	list.Rows = slices.DeleteFunc(list.Rows, foreign)
	return jsonResponse(http.StatusOK, join([]*part{list}, sp.view.stamp(list.Metadata.ResourceVersion), ""))
}

// allNamespaces asks for every namespace; the answer must be filtered.
func (p *Proxy) allNamespaces(ctx context.Context, sp *spanning) *http.Response {
	if sp.query.Get("includeObject") == "None" {
		sp.query.Del("includeObject") // rows without metadata could not be told apart
	}
	t := *sp.target
	t.path, t.rawPath, t.query = "/api/"+t.version+"/namespaces", "", sp.query.Encode()
	r := p.rights(sp.in.subject, access.Scope{Cluster: sp.cluster.config.Name})
	if len(r.groups) == 0 {
		return forbidden(sp.in.subject, &t, noRole).response()
	}
	return p.send(ctx, sp.in, sp.cluster, &t, r, append(slices.Clone(r.groups), GroupNamespaces))
}

// ownNamespaces tells whether a namespace, or the row of one, is a project's
// own: one that only bears a project's name is none.
func ownNamespaces(projects []access.Project) func(row bool, element json.RawMessage) bool {
	uids := make(map[string]string, len(projects))
	for _, project := range projects {
		uids[project.Name] = project.UID
	}
	return func(row bool, element json.RawMessage) bool {
		var e struct {
			Metadata *objectName `json:"metadata"`
			Object   *struct {
				Metadata *objectName `json:"metadata"`
			} `json:"object"`
		}
		if json.Unmarshal(element, &e) != nil || row && e.Object == nil {
			return false
		}
		m := e.Metadata
		if row {
			m = e.Object.Metadata
		}
		if m == nil {
			return false
		}
		uid, ok := uids[m.Name]
		return ok && m.Labels[LabelProject] == uid
	}
}

type objectName struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}
