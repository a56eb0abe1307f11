// Kubeconfigs: kubectl's way through Atoll.

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

type (
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
}

func (s *API) createKubeconfig(ctx context.Context, in *kubeconfigInput) (*kubeconfigOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.getCluster(ctx, &in.ClusterPath); err != nil {
		return nil, err
	}
	if s.KubeURL == "" {
		return nil, problem.New(http.StatusConflict, "This Atoll serves no HTTPS, and kubectl sends no credentials without: set listen.https.")
	}
	life, err := lifetime(in.Body.ExpiresIn)
	if err != nil {
		return nil, err
	}
	t, secret, err := s.Identity.CreateToken(ctx, who, identity.NewToken{Name: "kubeconfig for " + in.Cluster, Lifetime: life})
	if err != nil {
		return nil, err
	}
	server := map[string]any{"server": s.KubeURL + "/clusters/" + in.Cluster}
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
