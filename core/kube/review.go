// The scope of a question about oneself. "May I" has no namespace in its path:
// it stands in the body.

package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"

	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

const (
	maxReview     = 64 << 10
	protobufMagic = "k8s\x00" // before an object in protobuf
)

// reviewScope reads the namespace that a self review asks about, "" for none,
// and returns the body to be sent on. A wrong reading could only make the
// answer wrong, never give a right: groups are always the caller's own.
func reviewScope(t *target, contentType string, body io.Reader) (namespace string, text []byte, err error) {
	if body == nil {
		return "", nil, badRequest("the review has no body")
	}
	text, err = io.ReadAll(io.LimitReader(body, maxReview+1))
	if err != nil {
		return "", nil, badRequest(fmt.Sprintf("reading the review: %v", err))
	}
	if len(text) > maxReview {
		return "", nil, &failure{code: http.StatusRequestEntityTooLarge, reason: metav1.StatusReasonRequestEntityTooLarge,
			message: fmt.Sprintf("the review is larger than %d bytes", maxReview)}
	}
	if t.resource == "selfsubjectreviews" {
		return "", text, nil // who am I: nothing in it
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if contentType == "" {
		kind, err = typeJSON, nil
	}
	if err != nil {
		return "", nil, badRequest(fmt.Sprintf("the content type %q: %v", contentType, err))
	}
	switch kind {
	case typeJSON:
		namespace, err = reviewFromJSON(text)
	case "application/yaml":
		var converted []byte
		if converted, err = yaml.YAMLToJSON(text); err == nil {
			namespace, err = reviewFromJSON(converted)
		}
	case typeProtobuf:
		namespace, err = reviewFromProtobuf(t.resource, text)
	default:
		return "", nil, &failure{code: http.StatusUnsupportedMediaType, reason: metav1.StatusReasonUnsupportedMediaType,
			message: fmt.Sprintf("a review as %q cannot be read; send application/json, application/yaml or application/vnd.kubernetes.protobuf", kind)}
	}
	if err != nil {
		return "", nil, badRequest(fmt.Sprintf("reading the review: %v", err))
	}
	return namespace, text, nil
}

func reviewFromJSON(text []byte) (string, error) {
	var review struct {
		Spec struct {
			Namespace          string `json:"namespace"` // of a rules review
			ResourceAttributes *struct {
				Namespace string `json:"namespace"`
				// The namespace objects themselves are asked for by name.
				Resource string `json:"resource"`
				Name     string `json:"name"`
			} `json:"resourceAttributes"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(text, &review); err != nil {
		return "", err
	}
	if a := review.Spec.ResourceAttributes; a != nil {
		return ownNamespace(a.Namespace, a.Resource, a.Name), nil
	}
	return review.Spec.Namespace, nil
}

// reviewFromProtobuf reads what typed clients send: an envelope behind four
// bytes that say what it is.
func reviewFromProtobuf(resource string, text []byte) (string, error) {
	text, ok := bytes.CutPrefix(text, []byte(protobufMagic))
	if !ok {
		return "", fmt.Errorf("it does not begin as a Kubernetes object in protobuf does")
	}
	var envelope runtime.Unknown
	if err := envelope.Unmarshal(text); err != nil {
		return "", err
	}
	if resource == "selfsubjectrulesreviews" {
		var review authorization.SelfSubjectRulesReview
		if err := review.Unmarshal(envelope.Raw); err != nil {
			return "", err
		}
		return review.Spec.Namespace, nil
	}
	var review authorization.SelfSubjectAccessReview
	if err := review.Unmarshal(envelope.Raw); err != nil {
		return "", err
	}
	if a := review.Spec.ResourceAttributes; a != nil {
		return ownNamespace(a.Namespace, a.Resource, a.Name), nil
	}
	return "", nil
}

// ownNamespace is the namespace that a question is about: a namespace object
// lies, for RBAC, in itself.
func ownNamespace(namespace, resource, name string) string {
	if namespace == "" && resource == "namespaces" {
		return name
	}
	return namespace
}
