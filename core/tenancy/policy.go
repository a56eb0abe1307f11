// ValidatingAdmissionPolicies: how the cluster itself holds projects to what
// their roles alone cannot. What each says is in policies.go.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

var (
	policyResource        = admission.SchemeGroupVersion.WithResource("validatingadmissionpolicies")
	policyBindingResource = admission.SchemeGroupVersion.WithResource("validatingadmissionpolicybindings")
	configMapResource     = core.SchemeGroupVersion.WithResource("configmaps")
	selfReviewResource    = schema.GroupVersionResource{Group: "authentication.k8s.io", Version: "v1", Resource: "selfsubjectreviews"}
)

// labelHosts marks the ConfigMaps that say whose host names are whose.
const labelHosts = ownDomain + "hosts"

// policy is one ValidatingAdmissionPolicy, which refuses.
type policy struct {
	name        string
	projects    bool // only in namespaces of projects; else everywhere
	of          []target
	operations  []any
	when        string // CEL; "": always
	hosts       bool   // needs whose host names are whose, as params
	variables   []variable
	validations []validation
}

type target struct {
	group     string
	resources []any
}

type variable struct{ name, expression string }

type validation struct{ expression, message string }

// objects are the policy and what puts it in force, for an Atoll that the
// cluster knows as self. Every default is written out, so that what the server
// answers is what was sent.
func (p policy) objects(self string) []object {
	rules := make([]any, 0, len(p.of))
	for _, t := range p.of {
		rules = append(rules, map[string]any{
			"apiGroups": []any{t.group}, "apiVersions": []any{"*"}, "resources": t.resources, "operations": p.operations, "scope": "*",
		})
	}
	selector := map[string]any{}
	if p.projects {
		selector["matchExpressions"] = []any{map[string]any{"key": kube.LabelProject, "operator": "Exists"}}
	}
	conditions := []any{
		map[string]any{"name": "not-atoll", "expression": "request.userInfo.username != " + strconv.Quote(self)},
		// The controllers' own accounts, with which they remove and count.
		map[string]any{"name": "not-kubernetes", "expression": `!("system:serviceaccounts:kube-system" in request.userInfo.groups) && request.userInfo.username != "system:kube-controller-manager"`},
	}
	if p.when != "" {
		conditions = append(conditions, map[string]any{"name": "meant", "expression": p.when})
	}
	validations := make([]any, 0, len(p.validations))
	for _, v := range p.validations {
		validations = append(validations, map[string]any{"expression": v.expression, "message": v.message, "reason": string(metav1.StatusReasonForbidden)})
	}
	spec := map[string]any{
		"failurePolicy": "Fail",
		"matchConstraints": map[string]any{
			"matchPolicy": "Equivalent", "namespaceSelector": selector, "objectSelector": map[string]any{}, "resourceRules": rules,
		},
		"matchConditions": conditions,
		"validations":     validations,
	}
	if len(p.variables) > 0 {
		variables := make([]any, 0, len(p.variables))
		for _, v := range p.variables {
			variables = append(variables, map[string]any{"name": v.name, "expression": v.expression})
		}
		spec["variables"] = variables
	}
	binding := map[string]any{"policyName": p.name, "validationActions": []any{"Deny"}}
	if p.hosts {
		spec["paramKind"] = map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}
		binding["paramRef"] = map[string]any{
			"namespace": systemNamespace, "selector": map[string]any{"matchLabels": map[string]any{labelHosts: "true"}}, "parameterNotFoundAction": "Allow",
		}
	}
	return []object{
		newObject(policyResource, "ValidatingAdmissionPolicy", "", p.name, nil, map[string]any{"spec": spec}),
		newObject(policyBindingResource, "ValidatingAdmissionPolicyBinding", "", p.name, nil, map[string]any{"spec": binding}),
	}
}

// systemObject is the namespace of what is Atoll's own in a cluster.
func systemObject() object {
	return newObject(namespaceResource, "Namespace", "", systemNamespace, map[string]string{
		labelPodSecurity: PodSecurityRestricted, labelPodSecurityVersion: "latest",
	}, nil)
}

// policies are those of a cluster with what they read.
func (r *reconciler) policies(ctx context.Context) ([]object, error) {
	hosts, err := r.service.claims.Get(ctx, hostsName)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("reading whose host names are whose: %w", err)
	}
	data := map[string]any{}
	for host, uid := range hosts.Value {
		data[host] = uid
	}
	known := newObject(configMapResource, "ConfigMap", systemNamespace, "hosts-"+r.platform, map[string]string{labelHosts: "true"}, nil)
	if len(data) > 0 {
		known.Object["data"] = data
	}
	all := []object{systemObject(), known}
	for _, p := range clusterPolicies {
		all = append(all, p.objects(r.self)...)
	}
	return all, nil
}

// whoAmI asks the cluster who Atoll is there: whom the policies do not hold.
func (r *reconciler) whoAmI(ctx context.Context) (string, error) {
	review := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}}
	answer, err := r.client.Resource(selfReviewResource).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking the cluster who Atoll is there: %w", err)
	}
	name, _, _ := unstructured.NestedString(answer.Object, "status", "userInfo", "username")
	if name == "" {
		return "", errors.New("asking the cluster who Atoll is there: it gives no name")
	}
	return name, nil
}
