// What Kubernetes should look like: the objects that Atoll wants to be there.

package tenancy

import (
	"fmt"
	"strconv"
	"strings"

	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
)

var (
	namespaceResource          = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	roleBindingResource        = rbac.SchemeGroupVersion.WithResource("rolebindings")
	clusterRoleResource        = rbac.SchemeGroupVersion.WithResource("clusterroles")
	clusterRoleBindingResource = rbac.SchemeGroupVersion.WithResource("clusterrolebindings")
)

// Labels of what Atoll keeps.
const (
	labelManaged = "app.kubernetes.io/managed-by"
	managed      = "atoll"
	selectOurs   = labelManaged + "=" + managed

	ownDomain         = "atoll.dev/"
	podSecurityDomain = "pod-security.kubernetes.io/"

	labelPodSecurity        = podSecurityDomain + "enforce"
	labelPodSecurityVersion = podSecurityDomain + "enforce-version"
)

// Annotations of a project's namespace, which the cluster's policies read.
const (
	annotationServiceTypes = ownDomain + "service-types" // those that are allowed, between commas
	annotationIsolated     = ownDomain + "isolated"      // true or false
)

// systemNamespace is where Atoll keeps what is its own in a cluster.
const systemNamespace = "atoll-system"

// keptResources are the kinds of all objects that Atoll keeps.
var keptResources = []schema.GroupVersionResource{
	namespaceResource, roleBindingResource, clusterRoleResource, clusterRoleBindingResource,
	quotaResource, limitRangeResource, networkPolicyResource, policyResource, policyBindingResource, configMapResource,
}

// object is one object that should be there.
type object struct {
	resource schema.GroupVersionResource
	*unstructured.Unstructured
}

// roleName names the ClusterRole of each role that Kubernetes enforces.
func roleName(role string) string { return "atoll:" + role }

// clusterObjects are those that every cluster has once.
func clusterObjects() []object {
	role := func(name string, rules []rbac.PolicyRule) object {
		return newObject(clusterRoleResource, "ClusterRole", "", name, nil, map[string]any{"rules": toAny(rules)})
	}
	bind := func(name, clusterRole, group string) object {
		return newObject(clusterRoleBindingResource, "ClusterRoleBinding", "", name, nil, binding(clusterRole, group))
	}
	return []object{
		role(roleName(access.ProjectAdmin), presetRules(access.ProjectAdmin)),
		role(roleName(access.ProjectDeveloper), presetRules(access.ProjectDeveloper)),
		role(roleName(access.ProjectViewer), presetRules(access.ProjectViewer)),
		role(roleName(access.PlatformOperator), presetRules(access.PlatformOperator)),
		role(roleName(access.PlatformMember), presetRules(access.PlatformMember)),
		role(kube.GroupNamespaces, namespaceRules()),
		bind(roleName(access.PlatformAdmin), "cluster-admin", access.PlatformGroup(access.PlatformAdmin)),
		bind(roleName(access.PlatformOperator), roleName(access.PlatformOperator), access.PlatformGroup(access.PlatformOperator)),
		bind(roleName(access.PlatformMember), roleName(access.PlatformMember), access.PlatformGroup(access.PlatformMember)),
		bind(kube.GroupNamespaces, kube.GroupNamespaces, kube.GroupNamespaces),
	}
}

// namespaceObject is a project's namespace, guarded by Pod Security from its
// first moment: the labels are part of what creates it.
func namespaceObject(w Workspace, p Project) object {
	o := newObject(namespaceResource, "Namespace", "", p.Name, map[string]string{
		kube.LabelProject: p.UID, kube.LabelWorkspace: p.WorkspaceUID,
		labelPodSecurity: w.podSecurity(), labelPodSecurityVersion: "latest",
	}, nil)
	o.SetAnnotations(map[string]string{
		annotationServiceTypes: strings.Join(w.ServiceTypes, ","),
		annotationIsolated:     strconv.FormatBool(w.Isolated),
	})
	return o
}

// bindingObjects bind a project's groups, one for each role. Who is in a group
// is said by each request.
func bindingObjects(p access.Project) []object {
	var all []object
	for _, role := range access.RoleNames(access.KindProject) {
		all = append(all, newObject(roleBindingResource, "RoleBinding", p.Name, roleName(role), map[string]string{kube.LabelProject: p.UID},
			binding(roleName(role), access.ProjectGroup(p.UID, role))))
	}
	return all
}

func binding(clusterRole, group string) map[string]any {
	return map[string]any{
		"roleRef":  map[string]any{"apiGroup": rbac.GroupName, "kind": "ClusterRole", "name": clusterRole},
		"subjects": []any{map[string]any{"apiGroup": rbac.GroupName, "kind": "Group", "name": group}},
	}
}

func newObject(resource schema.GroupVersionResource, kind, namespace, name string, labels map[string]string, content map[string]any) object {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	for key, value := range content {
		u.Object[key] = value
	}
	u.SetAPIVersion(resource.GroupVersion().String())
	u.SetKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	all := map[string]string{labelManaged: managed}
	for key, value := range labels {
		all[key] = value
	}
	u.SetLabels(all)
	return object{resource: resource, Unstructured: u}
}

// toAny turns rules into what a dynamic client sends.
func toAny(rules []rbac.PolicyRule) []any {
	all := make([]any, 0, len(rules))
	for i := range rules {
		one, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&rules[i])
		if err != nil {
			panic(fmt.Sprintf("a rule written in this package cannot be converted: %v", err))
		}
		all = append(all, one)
	}
	return all
}
