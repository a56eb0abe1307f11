// What permissions stand for in Kubernetes. These are Atoll's own rules, each
// line written out: Kubernetes' admin and edit may mint tokens of ServiceAccounts
// and bind any subject, and grow with every extension of the API.

package tenancy

import (
	"slices"

	rbac "k8s.io/api/rbac/v1"

	"github.com/atoll-platform/atoll/core/access"
)

var (
	read  = []string{"get", "list", "watch"}
	write = []string{"create", "update", "patch", "delete", "deletecollection"}
)

func rule(group string, verbs []string, resources ...string) rbac.PolicyRule {
	return rbac.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
}

// permissionRules are the rules of the core's permissions. One that is not here
// has a meaning in Atoll only.
var permissionRules = map[access.Permission][]rbac.PolicyRule{
	access.ProjectsView: {
		// A namespace object lies in itself, so that this is the project's own.
		rule("", []string{"get"}, "namespaces"),
		rule("", read, "limitranges", "resourcequotas", "resourcequotas/status"),
	},

	// Everything that runs, nothing secret, no way in.
	access.WorkloadsView: {
		rule("", read, "pods", "pods/status", "pods/log", "services", "services/status", "endpoints", "configmaps",
			"persistentvolumeclaims", "persistentvolumeclaims/status", "replicationcontrollers", "replicationcontrollers/status",
			"replicationcontrollers/scale", "podtemplates", "serviceaccounts", "events"),
		rule("events.k8s.io", read, "events"),
		rule("apps", read, "deployments", "deployments/status", "deployments/scale", "statefulsets", "statefulsets/status", "statefulsets/scale",
			"daemonsets", "daemonsets/status", "replicasets", "replicasets/status", "replicasets/scale", "controllerrevisions"),
		rule("batch", read, "jobs", "jobs/status", "cronjobs", "cronjobs/status"),
		rule("autoscaling", read, "horizontalpodautoscalers", "horizontalpodautoscalers/status"),
		rule("networking.k8s.io", read, "ingresses", "ingresses/status", "networkpolicies"),
		rule("gateway.networking.k8s.io", read, "gateways", "gateways/status", "httproutes", "httproutes/status", "grpcroutes", "grpcroutes/status",
			"referencegrants"),
		rule("policy", read, "poddisruptionbudgets", "poddisruptionbudgets/status"),
		rule("discovery.k8s.io", read, "endpointslices"),
		rule("coordination.k8s.io", read, "leases"),
		rule("snapshot.storage.k8s.io", read, "volumesnapshots"),
		rule("metrics.k8s.io", read, "pods"),
	},

	// Endpoints, quotas, statuses and bindings stay out: with them a project
	// reaches what is not its own.
	access.WorkloadsManage: {
		rule("", write, "pods", "services", "configmaps", "persistentvolumeclaims", "replicationcontrollers", "replicationcontrollers/scale", "podtemplates"),
		rule("", []string{"create"}, "pods/eviction"),
		rule("", []string{"get", "update", "patch"}, "pods/resize"),
		rule("apps", write, "deployments", "deployments/scale", "statefulsets", "statefulsets/scale", "daemonsets", "replicasets", "replicasets/scale"),
		rule("apps", []string{"create"}, "deployments/rollback"),
		rule("batch", write, "jobs", "cronjobs"),
		rule("autoscaling", write, "horizontalpodautoscalers"),
		rule("networking.k8s.io", write, "ingresses", "networkpolicies"),
		rule("gateway.networking.k8s.io", write, "httproutes", "grpcroutes"),
		rule("policy", write, "poddisruptionbudgets"),
		rule("coordination.k8s.io", write, "leases"),
		rule("snapshot.storage.k8s.io", write, "volumesnapshots"),
	},

	access.PodsExec: {
		rule("", []string{"get", "update", "patch"}, "pods/ephemeralcontainers"),
		// A WebSocket asks by GET and is authorized twice, for get and create.
		rule("", []string{"get", "create"}, "pods/exec", "pods/attach", "pods/portforward"),
		rule("", []string{"get", "create", "update", "patch", "delete"}, "pods/proxy", "services/proxy"),
	},

	access.SecretsView:   {rule("", read, "secrets")},
	access.SecretsManage: {rule("", write, "secrets")},

	// Tokens of ServiceAccounts and bindings are nobody's but the platform's.
	access.ServiceAccountsManage: {rule("", write, "serviceaccounts")},
	access.GatewaysManage:        {rule("gateway.networking.k8s.io", write, "gateways")},
	access.MembersManage:         {rule("rbac.authorization.k8s.io", read, "roles", "rolebindings")},

	// What people of any project choose from when they write a manifest.
	access.ClustersView: {
		rule("storage.k8s.io", read, "storageclasses"),
		rule("networking.k8s.io", read, "ingressclasses"),
		rule("gateway.networking.k8s.io", read, "gatewayclasses"),
		rule("snapshot.storage.k8s.io", read, "volumesnapshotclasses"),
		rule("scheduling.k8s.io", read, "priorityclasses"),
		rule("node.k8s.io", read, "runtimeclasses"),
		rule("apiextensions.k8s.io", read, "customresourcedefinitions"),
	},

	// The whole cluster but its secrets, and the nodes' scheduling.
	access.NodesManage: {
		rule("", read, "namespaces", "nodes", "nodes/status", "persistentvolumes", "persistentvolumes/status", "componentstatuses"),
		rule("", []string{"patch"}, "nodes"), // cordon and uncordon
		rule("", []string{"create"}, "pods/eviction"),
		rule("storage.k8s.io", read, "csinodes", "csidrivers", "volumeattachments", "csistoragecapacities"),
		rule("metrics.k8s.io", read, "nodes"),
		rule("rbac.authorization.k8s.io", read, "roles", "rolebindings", "clusterroles", "clusterrolebindings"),
		rule("apiregistration.k8s.io", read, "apiservices"),
		rule("admissionregistration.k8s.io", read, "validatingadmissionpolicies", "validatingadmissionpolicybindings",
			"validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
		rule("certificates.k8s.io", read, "certificatesigningrequests"),
		rule("flowcontrol.apiserver.k8s.io", read, "flowschemas", "prioritylevelconfigurations"),
	},

	// Of what has no namespace, what carries workloads. Rights and admission are
	// the platform administrator's, who is the cluster's.
	access.ClustersManage: {
		rule("", write, "nodes", "persistentvolumes"),
		rule("storage.k8s.io", write, "storageclasses", "csidrivers"),
		rule("networking.k8s.io", write, "ingressclasses"),
		rule("gateway.networking.k8s.io", write, "gatewayclasses"),
		rule("snapshot.storage.k8s.io", write, "volumesnapshotclasses"),
		rule("scheduling.k8s.io", write, "priorityclasses"),
		rule("node.k8s.io", write, "runtimeclasses"),
		rule("apiextensions.k8s.io", write, "customresourcedefinitions"),
	},
}

// PermissionRules are what a permission of the core stands for in Kubernetes, in
// a project or in the whole cluster, as it was given. They must not be changed.
func PermissionRules(p access.Permission) []rbac.PolicyRule { return permissionRules[p] }

// rulesOf are what permissions stand for together, the same each time.
func rulesOf(permissions []access.Permission) []rbac.PolicyRule {
	var all []rbac.PolicyRule
	for _, p := range slices.Sorted(slices.Values(permissions)) {
		all = append(all, permissionRules[p]...)
	}
	return all
}

// presetRules are those of a preset role.
func presetRules(role string) []rbac.PolicyRule { return rulesOf(access.PresetPermissions(role)) }

// namespaceRules: for the one request whose answer kube filters.
func namespaceRules() []rbac.PolicyRule {
	return []rbac.PolicyRule{rule("", read, "namespaces")}
}
