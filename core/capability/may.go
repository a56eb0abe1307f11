// Whether a person may, asked of Kubernetes itself, for what is shown to them
// before they try.
package capability

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxAnswer bounds an answer of the API server that is read whole, in bytes.
const maxAnswer = 64 << 10

// accessReview is the part of a SelfSubjectAccessReview that is used.
type accessReview struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		ResourceAttributes resourceAttributes `json:"resourceAttributes"`
	} `json:"spec"`
	Status struct {
		Allowed bool `json:"allowed"`
	} `json:"status"`
}

type resourceAttributes struct {
	Namespace   string `json:"namespace,omitempty"`
	Verb        string `json:"verb"`
	Group       string `json:"group"`
	Version     string `json:"version"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource,omitempty"`
	Name        string `json:"name,omitempty"`
}

// May tells whether the manifest and Kubernetes both allow what a question asks,
// for the person of the call. The question to Kubernetes is the host's own and
// needs no rule.
func (d *Door) May(ctx context.Context, call *Call, via Via, q Question) (bool, error) {
	if ok, _ := Allowed(call.Rules, q); !ok {
		return false, nil
	}
	review := accessReview{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}
	review.Spec.ResourceAttributes = resourceAttributes{
		Namespace: q.Namespace, Verb: q.Verb, Group: q.Group, Version: q.Version, Resource: q.Resource, Subresource: q.Subresource, Name: q.Name,
	}
	body, err := json.Marshal(review)
	if err != nil {
		return false, fmt.Errorf("asking whether one may %s: %w", q, err)
	}
	response, err := d.kubernetes.RoundTrip(ctx, call.Subject, call.Cluster, &http.Request{
		Method:        http.MethodPost,
		URL:           &url.URL{Path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"},
		Header:        http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}, via)
	if err != nil {
		return false, fmt.Errorf("asking whether one may %s: %w", q, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return false, fmt.Errorf("asking whether one may %s: %w", q, err)
	}
	if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("asking whether one may %s: the cluster answered %d", q, response.StatusCode)
	}
	var answer accessReview
	if err := json.Unmarshal(text, &answer); err != nil {
		return false, fmt.Errorf("asking whether one may %s: %w", q, err)
	}
	return answer.Status.Allowed, nil
}
