// The clusters and how they do.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Cluster is a Kubernetes cluster as a person sees it.
type Cluster struct {
	Name    string        `json:"name" example:"local"`
	Title   string        `json:"title" example:"Local"`
	Phase   string        `json:"phase" enum:"Pending,Building,Starting,Ready,Unreachable,Failed"`
	Message string        `json:"message,omitempty"`
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

// KubeconfigRequest says how long a kubeconfig shall work.
type KubeconfigRequest struct {
	ExpiresIn string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"A duration; 720h when left out." example:"720h"`
}

// Kubeconfig is a file for kubectl.
type Kubeconfig struct {
	Kubeconfig string    `json:"kubeconfig" doc:"YAML with the address, Atoll's own certificate authority and a new token of the caller."`
	TokenID    string    `json:"tokenId" doc:"The token in it, to revoke it."`
	ExpiresAt  time.Time `json:"expiresAt"`
}

type (
	clusterListInput struct {
		ListQuery
		Watch bool `query:"watch" doc:"Answer lines of {type: SNAPSHOT, object: the list}: now and at each change."`
	}
	clusterInput struct {
		Cluster string `path:"cluster" maxLength:"63" example:"local"`
	}
	clusterOutput   struct{ Body Cluster }
	kubeconfigInput struct {
		clusterInput
		Body KubeconfigRequest
	}
	kubeconfigOutput struct{ Body Kubeconfig }
)

func (s *API) registerClusters(a huma.API) {
	addWatchable[clusterListInput, List[Cluster]](a, about{id: "list-clusters", method: http.MethodGet, path: "/api/v1/clusters", tag: "clusters",
		summary: "List the clusters, or follow them"}, s.listClusters)
	add(a, about{id: "get-cluster", method: http.MethodGet, path: "/api/v1/clusters/{cluster}", tag: "clusters", summary: "Read a cluster",
		errors: []int{http.StatusNotFound}}, s.getCluster)
	add(a, about{id: "create-kubeconfig", method: http.MethodPost, path: "/api/v1/clusters/{cluster}/kubeconfigs", tag: "clusters", status: http.StatusCreated,
		summary: "Make a kubeconfig", text: "With it kubectl speaks to the cluster through Atoll, as the caller. It is made in a session only.",
		errors: []int{http.StatusNotFound}}, s.createKubeconfig)
}

func (s *API) listClusters(ctx context.Context, in *clusterListInput) (*watchable[List[Cluster]], error) {
	return nil, errNotYet
}
func (s *API) getCluster(ctx context.Context, in *clusterInput) (*clusterOutput, error) {
	return nil, errNotYet
}
func (s *API) createKubeconfig(ctx context.Context, in *kubeconfigInput) (*kubeconfigOutput, error) {
	return nil, errNotYet
}
