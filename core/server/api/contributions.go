// What extensions bring to the console, for the caller and a scope.

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
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
	Missing   string             `json:"missing,omitempty" doc:"The permission that is missing otherwise." example:"logging/logs.view"`
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

// scopeQuery names a scope; all empty is the platform.
type scopeQuery struct {
	Cluster   string `query:"cluster" maxLength:"63"`
	Workspace string `query:"workspace" maxLength:"63"`
	Project   string `query:"project" maxLength:"63" doc:"Only together with cluster."`
}

type contributionInput struct {
	scopeQuery
	AcceptLanguage string `header:"Accept-Language" maxLength:"256"`
	Watch          bool   `query:"watch" doc:"Answer lines of {type: SNAPSHOT, object: the list}: now and at each change."`
}

func (s *API) registerContributions(a huma.API) {
	addWatchable[contributionInput, ContributionList](a, about{id: "list-contributions", method: http.MethodGet, path: "/api/v1/contributions", tag: "extensions",
		summary: "List what extensions bring to a scope, or follow it"}, s.listContributions)
}

func (s *API) listContributions(ctx context.Context, in *contributionInput) (*watchable[ContributionList], error) {
	return nil, errNotYet
}
