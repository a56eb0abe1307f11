// The list of namespaces for people who may not read the whole cluster: those
// of their projects.

package kube

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
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

// namespaces lists those namespaces that are the projects' own: a namespace
// that only bears a project's name is none.
func (p *Proxy) namespaces(ctx context.Context, in *incoming, c *Cluster, t *target, query url.Values, projects []access.Project) *http.Response {
	if query.Get("includeObject") == "None" {
		query.Del("includeObject") // rows without metadata could not be told apart
	}
	asked := *t
	asked.query = query.Encode()
	r := p.rights(in.subject, access.Scope{Cluster: c.config.Name})
	if len(r.groups) == 0 {
		return forbidden(in.subject, t, noRole).response()
	}
	res := p.send(ctx, in, c, &asked, r, append(slices.Clone(r.groups), GroupNamespaces))
	defer res.Body.Close()
	budget := new(atomic.Int64)
	budget.Store(maxAcross)
	list, f := decodeList(res, budget)
	if f != nil {
		return f.response()
	}
	uids := make(map[string]string, len(projects))
	for _, project := range projects {
		uids[project.Name] = project.UID
	}
	foreign := func(element json.RawMessage) bool {
		var e struct {
			Metadata *objectName `json:"metadata"`
			Object   *struct {
				Metadata objectName `json:"metadata"`
			} `json:"object"`
		}
		if json.Unmarshal(element, &e) != nil {
			return true
		}
		m := e.Metadata
		if list.Kind == "Table" {
			if e.Object == nil {
				return true
			}
			m = &e.Object.Metadata
		}
		if m == nil {
			return true
		}
		uid, ok := uids[m.Name]
		return !ok || m.Labels[LabelProject] != uid
	}
	list.Items = slices.DeleteFunc(list.Items, foreign)
	list.Rows = slices.DeleteFunc(list.Rows, foreign)
	return jsonResponse(http.StatusOK, join([]*part{list}))
}

type objectName struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}
