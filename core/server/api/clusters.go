// The clusters and how they do.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Cluster is a Kubernetes cluster as a person sees it.
type Cluster struct {
	Name    string        `json:"name" example:"local"`
	Title   string        `json:"title" example:"Local"`
	Phase   string        `json:"phase" enum:"Pending,Building,Starting,Ready,Unreachable,Failed"`
	Message string        `json:"message,omitempty" doc:"Why it is in this phase." example:"the API server refuses connections"`
	Version string        `json:"version,omitempty" doc:"Version of Kubernetes." example:"v1.36.3"`
	Node    string        `json:"node,omitempty" enum:"real,simulated," doc:"What runs the pods; absent while that is not known."`
	Reason  string        `json:"reason,omitempty" doc:"Why the nodes are simulated."`
	Parts   []ClusterPart `json:"parts" doc:"Parts that are being built or started; empty for a cluster that Atoll did not make, and for who may not see it."`
	Since   time.Time     `json:"since" doc:"When it came to this phase."`
}

// ClusterPart is one part of a cluster that is being built or started.
type ClusterPart struct {
	Name    string  `json:"name" example:"kube-apiserver"`
	Title   string  `json:"title"`
	State   string  `json:"state" enum:"pending,building,starting,ready,failed"`
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds,omitempty" doc:"How long it took or has taken so far."`
}

type (
	clusterListInput struct {
		ListQuery
		Watch bool `query:"watch" doc:"Answer lines of {type: SNAPSHOT, object: the list}: now and at each change."`
	}
	// ClusterPath names a cluster.
	ClusterPath struct {
		Cluster string `path:"cluster" maxLength:"63" example:"local"`
	}
	clusterOutput struct{ Body Cluster }
)

func (s *API) registerClusters(a huma.API) {
	addWatchable(s, a, about{id: "list-clusters", method: http.MethodGet, path: "/api/v1/clusters", tag: "clusters",
		summary: "List the clusters, or follow them"}, s.listClusters)
	add(s, a, about{id: "get-cluster", method: http.MethodGet, path: "/api/v1/clusters/{cluster}", tag: "clusters", summary: "Read a cluster",
		errors: []int{http.StatusNotFound}}, s.getCluster)
	s.registerKubeconfigs(a)
}

// clusters are those that a person may see, in the order of the configuration.
// Who is at home in a project there sees that the cluster is there and how it
// does, but not what it is made of.
func (s *API) clusters(who access.Subject) []Cluster {
	all := []Cluster{}
	for _, c := range s.Clusters.List() {
		switch {
		case s.Index.Can(who, access.ClustersView, access.Scope{Cluster: c.Name}).Allowed:
			all = append(all, cluster(c))
		case len(s.Index.Projects(who, c.Name)) > 0:
			shown := Cluster{Name: c.Name, Title: c.Title, Phase: string(c.Phase), Version: c.Version, Parts: []ClusterPart{}, Since: c.Since}
			if c.Phase == kube.PhaseUnreachable { // as they read it in a refused request
				shown.Message = c.Message
			}
			all = append(all, shown)
		}
	}
	return all
}

func cluster(c kube.ClusterStatus) Cluster {
	shown := Cluster{
		Name: c.Name, Title: c.Title, Phase: string(c.Phase), Message: c.Message, Version: c.Version, Node: string(c.Node), Reason: c.Reason,
		Parts: make([]ClusterPart, 0, len(c.Parts)), Since: c.Since,
	}
	for _, p := range c.Parts {
		shown.Parts = append(shown.Parts, ClusterPart(p))
	}
	return shown
}

func (s *API) listClusters(ctx context.Context, in *clusterListInput) (*watchable[List[Cluster]], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	w := &watchable[List[Cluster]]{}
	if in.Watch {
		w.changed = merge(ctx, s.Clusters.Watch(ctx), s.Index.Changed(ctx))
	}
	w.read = func() (List[Cluster], error) {
		out, err := page(s.clusters(who), in.ListQuery, s.version(), fields[Cluster]{
			key:  func(c Cluster) string { return c.Name },
			text: func(c Cluster) []string { return []string{c.Name, c.Title} },
			sort: map[string]func(Cluster) string{
				"title": func(c Cluster) string { return c.Title },
				"phase": func(c Cluster) string { return c.Phase },
			},
		})
		if err != nil {
			return List[Cluster]{}, err
		}
		return out.Body, nil
	}
	return w, nil
}

func (s *API) getCluster(ctx context.Context, in *ClusterPath) (*clusterOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range s.clusters(who) {
		if c.Name == in.Cluster {
			return &clusterOutput{Body: c}, nil
		}
	}
	return nil, problem.Newf(http.StatusNotFound, "There is no cluster %q that you may see.", in.Cluster)
}
