// The scope of questions about oneself, in every encoding that clients use.

package kube

import (
	"bytes"
	"testing"

	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

var (
	accessReview = target{group: "authorization.k8s.io", version: "v1", resource: "selfsubjectaccessreviews", verb: "create"}
	rulesReview  = target{group: "authorization.k8s.io", version: "v1", resource: "selfsubjectrulesreviews", verb: "create"}
)

// protobuf encodes a review as typed clients do.
func protobuf(t testing.TB, kind string, review interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	raw, err := review.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: kind}, Raw: raw}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte("k8s\x00"), envelope...)
}

func TestTheNamespaceOfAReviewIsReadInEveryEncoding(t *testing.T) {
	attributes := func(a authorization.ResourceAttributes) []byte {
		return protobuf(t, "SelfSubjectAccessReview", &authorization.SelfSubjectAccessReview{ObjectMeta: metav1.ObjectMeta{}, Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: &a}})
	}
	for _, c := range []struct {
		name   string
		target target
		kind   string
		body   []byte
		want   string
	}{
		{"JSON", accessReview, "application/json", []byte(`{"spec":{"resourceAttributes":{"namespace":"a","verb":"get"}}}`), "a"},
		{"JSON without a type", accessReview, "", []byte(`{"spec":{"resourceAttributes":{"namespace":"a"}}}`), "a"},
		{"JSON with a charset", accessReview, "application/json; charset=utf-8", []byte(`{"spec":{"resourceAttributes":{"namespace":"a"}}}`), "a"},
		{"a namespace itself", accessReview, "application/json", []byte(`{"spec":{"resourceAttributes":{"resource":"namespaces","name":"a"}}}`), "a"},
		{"all namespaces", accessReview, "application/json", []byte(`{"spec":{"resourceAttributes":{"resource":"pods"}}}`), ""},
		{"no resource", accessReview, "application/json", []byte(`{"spec":{"nonResourceAttributes":{"path":"/metrics"}}}`), ""},
		{"YAML", accessReview, "application/yaml", []byte("spec: {resourceAttributes: {namespace: a}}"), "a"},
		{"protobuf", accessReview, "application/vnd.kubernetes.protobuf", attributes(authorization.ResourceAttributes{Namespace: "a"}), "a"},
		{"rules as JSON", rulesReview, "application/json", []byte(`{"spec":{"namespace":"b"}}`), "b"},
		{"rules as protobuf", rulesReview, "application/vnd.kubernetes.protobuf", protobuf(t, "SelfSubjectRulesReview", &authorization.SelfSubjectRulesReview{Spec: authorization.SelfSubjectRulesReviewSpec{Namespace: "b"}}), "b"},
	} {
		namespace, text, err := reviewScope(&c.target, c.kind, bytes.NewReader(c.body))
		if err != nil || namespace != c.want || !bytes.Equal(text, c.body) {
			t.Errorf("%s: %q %v, want %q", c.name, namespace, err, c.want)
		}
	}
}

// FuzzReview: whatever comes, a failure is one that can be told to the client.
func FuzzReview(f *testing.F) {
	f.Add("application/json", []byte(`{"spec":{"resourceAttributes":{"namespace":"a"}}}`))
	f.Add("application/yaml", []byte("spec: {resourceAttributes: {namespace: a}}"))
	f.Add("application/vnd.kubernetes.protobuf", protobuf(f, "SelfSubjectRulesReview", &authorization.SelfSubjectRulesReview{Spec: authorization.SelfSubjectRulesReviewSpec{Namespace: "b"}}))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		for _, target := range []*target{&accessReview, &rulesReview} {
			_, text, err := reviewScope(target, kind, bytes.NewReader(body))
			if err != nil {
				if f := failureOf(err); f.code < 400 || f.code > 499 || f.message == "" {
					t.Errorf("%+v", f)
				}
			} else if !bytes.Equal(text, body) {
				t.Error("another body would be sent on")
			}
		}
	})
}
