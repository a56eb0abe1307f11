// Kubectl's way through Atoll: kubeconfigs with a token in them, and short tokens
// for kubeconfigs that have a program ask for one (atoll kubeconfig).

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"sigs.k8s.io/yaml"

	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

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

// ClusterAddress is where kubectl finds a cluster.
type ClusterAddress struct {
	Server    string `json:"server" doc:"Address of the cluster's Kubernetes through Atoll." example:"https://127.0.0.1:8343/clusters/local"`
	Authority string `json:"certificateAuthority,omitempty" doc:"PEM of Atoll's own certificate authority; absent where the certificate is from another."`
}

// ClusterTokenRequest says how long a token for Kubernetes shall work.
type ClusterTokenRequest struct {
	ExpiresIn string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"A duration of an hour at most; 1h when left out." example:"1h"`
}

const clusterTokenLifetime = time.Hour

type (
	clusterAddressOutput struct{ Body ClusterAddress }
	clusterTokenInput    struct {
		ClusterPath
		Body ClusterTokenRequest
	}
	kubeconfigInput struct {
		ClusterPath
		Body KubeconfigRequest
	}
	kubeconfigOutput struct{ Body Kubeconfig }
)

func (s *API) registerKubeconfigs(a huma.API) {
	add(s, a, about{id: "create-kubeconfig", method: http.MethodPost, path: "/api/v1/clusters/{cluster}/kubeconfigs", tag: "clusters", status: http.StatusCreated,
		summary: "Make a kubeconfig", text: "With it kubectl speaks to the cluster through Atoll, as the caller.",
		errors: []int{http.StatusNotFound, http.StatusConflict}}, s.createKubeconfig)
	add(s, a, about{id: "get-cluster-address", method: http.MethodGet, path: "/api/v1/clusters/{cluster}/address", tag: "clusters",
		summary: "Read where kubectl finds a cluster", errors: []int{http.StatusNotFound, http.StatusConflict}}, s.getClusterAddress)
	add(s, a, about{id: "create-cluster-token", method: http.MethodPost, path: "/api/v1/clusters/{cluster}/tokens", tag: "clusters", status: http.StatusCreated,
		summary: "Make a short token for Kubernetes", text: "It is the caller's, good for Kubernetes of this cluster and nothing else, for an hour at most.",
		errors: []int{http.StatusNotFound}}, s.createClusterToken)
}

// kubeAddress is where kubectl finds a cluster; a problem where there is none
// that the caller may see, or no HTTPS.
func (s *API) kubeAddress(ctx context.Context, in *ClusterPath) (string, error) {
	if _, err := s.getCluster(ctx, in); err != nil {
		return "", err
	}
	if s.KubeURL == "" {
		return "", problem.New(http.StatusConflict, "This Atoll serves no HTTPS, and kubectl sends no credentials without: set listen.https.")
	}
	return s.KubeURL + "/clusters/" + in.Cluster, nil
}

func (s *API) getClusterAddress(ctx context.Context, in *ClusterPath) (*clusterAddressOutput, error) {
	address, err := s.kubeAddress(ctx, in)
	if err != nil {
		return nil, err
	}
	return &clusterAddressOutput{Body: ClusterAddress{Server: address, Authority: string(s.Authority)}}, nil
}

func (s *API) createClusterToken(ctx context.Context, in *clusterTokenInput) (*newTokenOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.getCluster(ctx, &in.ClusterPath); err != nil {
		return nil, err
	}
	life := clusterTokenLifetime
	if in.Body.ExpiresIn != "" {
		if life, err = lifetime(in.Body.ExpiresIn); err != nil {
			return nil, err
		}
	}
	if life > clusterTokenLifetime {
		return nil, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
			WithErrors(problem.Fault{Pointer: "/expiresIn", Message: "expected an hour or less, such as 1h"})
	}
	t, secret, err := s.Identity.CreateToken(ctx, who, identity.NewToken{Name: "Kubernetes of " + in.Cluster, Lifetime: life, Cluster: in.Cluster})
	if err != nil {
		return nil, err
	}
	return &newTokenOutput{Body: CreatedToken{Token: s.token(t), Secret: secret}}, nil
}

func (s *API) createKubeconfig(ctx context.Context, in *kubeconfigInput) (*kubeconfigOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	address, err := s.kubeAddress(ctx, &in.ClusterPath)
	if err != nil {
		return nil, err
	}
	life, err := lifetime(in.Body.ExpiresIn)
	if err != nil {
		return nil, err
	}
	t, secret, err := s.Identity.CreateToken(ctx, who, identity.NewToken{Name: "kubeconfig for " + in.Cluster, Lifetime: life})
	if err != nil {
		return nil, err
	}
	server := map[string]any{"server": address}
	if len(s.Authority) > 0 {
		server["certificate-authority-data"] = s.Authority // bytes become base64
	}
	name := "atoll-" + in.Cluster
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": name, "preferences": map[string]any{},
		"clusters": []any{map[string]any{"name": name, "cluster": server}},
		"users":    []any{map[string]any{"name": who.Name, "user": map[string]any{"token": secret}}},
		"contexts": []any{map[string]any{"name": name, "context": map[string]any{"cluster": name, "user": who.Name}}},
	})
	if err != nil {
		return nil, err
	}
	return &kubeconfigOutput{Body: Kubeconfig{Kubeconfig: string(text), TokenID: t.ID, ExpiresAt: t.ExpiresAt}}, nil
}
