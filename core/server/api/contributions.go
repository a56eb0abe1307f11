// What extensions bring to the console, for the caller and a scope.

package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Contribution is one menu entry, page or tab of an extension.
type Contribution struct {
	Extension string             `json:"extension" example:"logging"`
	Version   string             `json:"version" example:"0.1.0"`
	Digest    string             `json:"digest" doc:"Another one means: fetch its fragments anew."`
	Title     string             `json:"title" doc:"Of the extension, in the language of Accept-Language."`
	Slot      string             `json:"slot" doc:"Where it goes." example:"nav.project"`
	ID        string             `json:"id" example:"logs"`
	Label     string             `json:"label" doc:"In the language of Accept-Language." example:"Logs"`
	Icon      string             `json:"icon,omitempty" example:"scroll-text"`
	Route     string             `json:"route,omitempty" doc:"Its place below the scope's pages; a menu entry and its page have the same." example:"/logs"`
	Fragment  string             `json:"fragment,omitempty" doc:"Fetched from /x/{extension}/-/fragments/{fragment}." example:"logs"`
	Match     *ContributionMatch `json:"match,omitempty"`
	Order     int                `json:"order"`
	Allowed   bool               `json:"allowed" doc:"Whether the caller may use it in the scope."`
	Missing   string             `json:"missing,omitempty" doc:"The permission that is missing otherwise, and where." example:"logging/logs.view in clusters/local/projects/demo"`
}

// ContributionMatch says what a page or a tab is for.
type ContributionMatch struct {
	Scope string `json:"scope,omitempty" example:"project"`
	GVR   string `json:"gvr,omitempty" example:"v1/pods"`
}

// ContributionList is what there is for a scope.
type ContributionList struct {
	Items           []Contribution `json:"items"`
	Total           int            `json:"total"`
	ResourceVersion string         `json:"resourceVersion"`
}

// ScopeQuery names a scope; all empty is the platform.
type ScopeQuery struct {
	Cluster   string `query:"cluster" maxLength:"63"`
	Workspace string `query:"workspace" maxLength:"63"`
	Project   string `query:"project" maxLength:"63" doc:"Only together with cluster."`
}

type contributionInput struct {
	ScopeQuery
	Language
	Watch bool `query:"watch" doc:"Answer lines of {type: SNAPSHOT, object: the list}: now and at each change."`
}

func (s *API) registerContributions(a huma.API) {
	addWatchable(s, a, about{id: "list-contributions", method: http.MethodGet, path: "/api/v1/contributions", tag: "extensions",
		summary: "List what extensions bring to a scope, or follow it"}, s.listContributions)
}

func (s *API) listContributions(ctx context.Context, in *contributionInput) (*watchable[ContributionList], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	sc, err := in.scope()
	if err != nil {
		return nil, err
	}
	w := &watchable[ContributionList]{}
	if in.Watch {
		w.changed = merge(ctx, s.Extensions.Watch(ctx), s.Index.Changed(ctx))
	}
	w.read = func() (ContributionList, error) {
		out := ContributionList{Items: []Contribution{}, ResourceVersion: strconv.FormatUint(uint64(s.Extensions.Revision()), 10)}
		for _, c := range s.Extensions.Contributions(who, sc, in.AcceptLanguage) {
			shown := Contribution{
				Extension: c.Extension, Version: c.Version, Digest: c.Digest, Title: c.Title, Slot: string(c.Slot), ID: c.ID, Label: c.Label,
				Icon: string(c.Icon), Route: c.Route, Fragment: c.Fragment, Order: c.Order, Allowed: c.Allowed, Missing: c.Missing,
			}
			if c.Match != nil {
				shown.Match = &ContributionMatch{Scope: string(c.Match.Scope), GVR: string(c.Match.GVR)}
			}
			out.Items = append(out.Items, shown)
		}
		out.Total = len(out.Items)
		return out, nil
	}
	return w, nil
}

// scope is the scope that the query names.
func (q ScopeQuery) scope() (access.Scope, error) {
	if q.Project != "" && q.Cluster == "" {
		return access.Scope{}, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
			WithErrors(problem.Fault{Parameter: "query.cluster", Message: "a project is named together with its cluster"})
	}
	return access.Scope{Cluster: q.Cluster, Workspace: q.Workspace, Project: q.Project}, nil
}
