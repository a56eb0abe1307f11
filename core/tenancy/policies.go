// What the cluster's policies say, in CEL. A project is not a way out: of its
// quota, its people's roles, its host names, nor of the hour that a token lives.

package tenancy

import "github.com/atoll-platform/atoll/core/kube"

var (
	create = []any{"CREATE"}
	put    = []any{"CREATE", "UPDATE"}
	every  = []any{"CREATE", "UPDATE", "DELETE"}
)

// Pieces of expressions.
const (
	oldLabels      = `request.operation == "CREATE" ? {} : oldObject.metadata.?labels.orValue({})`
	newLabels      = `request.operation == "DELETE" ? {} : object.metadata.?labels.orValue({})`
	oldAnnotations = `request.operation == "CREATE" ? {} : oldObject.metadata.?annotations.orValue({})`
	newAnnotations = `request.operation == "DELETE" ? {} : object.metadata.?annotations.orValue({})`

	isOurs    = `k == "` + labelManaged + `" || k.startsWith("` + ownDomain + `") || k.startsWith("` + podSecurityDomain + `")`
	isPerson  = `request.userInfo.username.startsWith("` + kube.UserPrefix + `")`
	isTenant  = `(` + isPerson + ` || request.userInfo.username.startsWith("system:serviceaccount:" + request.namespace + ":"))`
	isProject = `(namespaceObject != null && "` + kube.LabelProject + `" in namespaceObject.metadata.?labels.orValue({}))`
	workspace = `namespaceObject.metadata.?labels[?"` + kube.LabelWorkspace + `"].orValue("")`
)

// unchanged: what of two maps is Atoll's is the same in both.
func unchanged(old, now string) string {
	return old + `.all(k, !(` + isOurs + `) || k in ` + now + ` && ` + now + `[k] == ` + old + `[k]) && ` + now + `.all(k, !(` + isOurs + `) || k in ` + old + `)`
}

var ownMark = []variable{
	{"old", oldLabels}, {"new", newLabels},
	{"ours", `[variables.old, variables.new].exists(l, l.exists(k, k.startsWith("` + ownDomain + `") || k == "` + labelManaged + `" && l[k] == "` + managed + `"))`},
}

// hostVariables are whose host names are whose.
var hostVariables = []variable{
	{"claims", `params.?data.orValue({})`},
	{"workspace", workspace},
	{"bound", `variables.claims.exists(c, variables.claims[c] == variables.workspace)`},
}

// Of a host h: that it is nobody else's, nor covers what is; and that it is the
// workspace's own, where the workspace has some.
const (
	hostFree = `variables.claims.all(c, variables.claims[c] == variables.workspace || !(h == c || h.endsWith("." + c) || h.startsWith("*.") && ("." + c).endsWith(h.substring(1))))`
	hostOwn  = `(!variables.bound || variables.claims.exists(c, variables.claims[c] == variables.workspace && (h == c || h.endsWith("." + c))))`

	hostMessage = "the host names of this route are not this workspace's: it has hosts of its own, or another workspace has these"
)

// insideNames are names that lead back into a cluster or to the node, in RE2: of
// services and pods in full, whatever the cluster's domain is; the node itself;
// addresses instead of names; and where clouds keep a node's credentials. Who
// follows an ExternalName, such as an ingress controller, goes past NetworkPolicies
// and isolation.
const insideNames = `(^|[.])(localhost|localdomain|svc|pod|cluster[.]local)$|` +
	`^[^.]+[.][^.]+([.][^.]+)*[.](svc|pod)[.]|` +
	`(^|[.])([0-9]+|0x[0-9a-f]*)$|` +
	`^(metadata|metadata[.]google[.]internal|metadata[.]goog|instance-data(([.][a-z0-9-]+)*[.]internal)?)$`

// clusterPolicies are the same in every cluster.
var clusterPolicies = []policy{
	{
		// The subresources take labels too.
		name: "atoll-namespaces", of: []target{{"", []any{"namespaces", "namespaces/status", "namespaces/finalize"}}}, operations: every,
		variables: append([]variable{{"oldNotes", oldAnnotations}, {"newNotes", newAnnotations}}, ownMark...),
		validations: []validation{
			{`request.operation == "UPDATE" || !variables.ours`, "a project's namespace is made and removed through Atoll"},
			{`request.operation != "UPDATE" || !variables.ours || ` + unchanged("variables.old", "variables.new") + ` && ` + unchanged("variables.oldNotes", "variables.newNotes"),
				"the labels and annotations by which Atoll keeps a project are Atoll's"},
		},
	},
	{
		name: "atoll-objects", operations: every,
		of: []target{
			{"", []any{"resourcequotas", "limitranges", "configmaps"}},
			{"rbac.authorization.k8s.io", []any{"roles", "rolebindings", "clusterroles", "clusterrolebindings"}},
			{"networking.k8s.io", []any{"networkpolicies"}},
			{"coordination.k8s.io", []any{"leases"}},
		},
		variables:   ownMark,
		validations: []validation{{`!variables.ours`, "what is labelled app.kubernetes.io/managed-by=atoll is Atoll's: it is changed through Atoll"}},
	},
	{
		name: "atoll-bindings", of: []target{{"rbac.authorization.k8s.io", []any{"rolebindings", "clusterrolebindings"}}}, operations: put,
		when: isTenant,
		variables: []variable{
			{"subjects", `object.?subjects.orValue([])`},
		},
		validations: []validation{
			{`!` + isProject + ` || variables.subjects.all(s, s.kind == "ServiceAccount" && s.?namespace.orValue("") == request.namespace)`,
				"a binding in a project names service accounts of this project only; people are made members through Atoll"},
			{`variables.subjects.all(s, s.kind == "ServiceAccount" || !(s.name.startsWith("system:") || s.name.startsWith("` + kube.UserPrefix + `")))`,
				"a binding names no users and groups of Kubernetes' own or of Atoll"},
		},
	},
	{
		name: "atoll-tokens", of: []target{{"", []any{"serviceaccounts/token"}}}, operations: create,
		when:        isTenant,
		validations: []validation{{`object.spec.?expirationSeconds.orValue(3600) <= 3600`, "a token of a service account lives for an hour at most (expirationSeconds: 3600)"}},
	},
	{
		name: "atoll-secrets", projects: true, of: []target{{"", []any{"secrets"}}}, operations: create,
		validations: []validation{{`object.?type.orValue("Opaque") != "kubernetes.io/service-account-token"`, "a Secret of this type is a token that never ends; pods have tokens of their own, and others ask for one that ends"}},
	},
	{
		name: "atoll-pods", projects: true, of: []target{{"", []any{"pods"}}}, operations: create,
		validations: []validation{
			{`!object.spec.?priorityClassName.orValue("").startsWith("system-")`, "priorities that begin with system- push other tenants' pods aside"},
			// A day is what clouds ask for; the cluster's own ask for an hour.
			{`object.spec.?volumes.orValue([]).all(v, v.?projected.?sources.orValue([]).all(s, s.?serviceAccountToken.?expirationSeconds.orValue(3600) <= 86400))`,
				"a token in a volume lives for a day at most (expirationSeconds: 86400); it is renewed by itself"},
		},
	},
	{
		name: "atoll-services", projects: true, of: []target{{"", []any{"services"}}}, operations: put,
		variables: []variable{
			{"type", `object.spec.?type.orValue("ClusterIP")`},
			{"allowed", `namespaceObject.metadata.?annotations[?"` + annotationServiceTypes + `"].orValue("").split(",")`},
			// Where a service leads, without the dot that makes a name a whole one.
			{"leads", `variables.type == "ExternalName" ? object.spec.?externalName.orValue("").lowerAscii() : ""`},
			{"whole", `variables.leads.endsWith(".")`},
			{"name", `variables.whole ? variables.leads.substring(0, variables.leads.size() - 1) : variables.leads`},
			{"leadsAsBefore", `variables.leads == "" || request.operation == "UPDATE" && oldObject.spec.?type.orValue("") == "ExternalName" && oldObject.spec.?externalName.orValue("") == object.spec.externalName`},
		},
		validations: []validation{
			{`!(variables.type in ["NodePort", "LoadBalancer"]) || variables.type in variables.allowed || request.operation == "UPDATE" && oldObject.spec.?type.orValue("ClusterIP") == variables.type`,
				"this workspace may not have services of this type (serviceTypes of the workspace)"},
			{`object.spec.?externalIPs.orValue([]).size() == 0`, "externalIPs take others' traffic; a project has none"},
			{`variables.leadsAsBefore || !variables.name.matches("` + insideNames + `")`,
				"an ExternalName leads out of the cluster: it is no name of a service or pod, nor of the node itself, and no address"},
			// Search domains make the service of a namespace of "db.shop".
			{`variables.leadsAsBefore || variables.whole || variables.name.split(".").size() > 2`,
				"an ExternalName of one or two parts could be a service of the cluster: write it as a whole name, with a dot at its end (example.org.)"},
		},
	},
	{
		name: "atoll-isolation", projects: true, of: []target{{"networking.k8s.io", []any{"networkpolicies"}}}, operations: put,
		variables: []variable{{"isolated", `namespaceObject.metadata.?annotations[?"` + annotationIsolated + `"].orValue("") == "true"`}},
		validations: []validation{{`!variables.isolated || object.spec.?ingress.orValue([]).all(r, r.?from.orValue([]).size() > 0 && r.from.all(p, !has(p.ipBlock) && (!has(p.namespaceSelector) || p.namespaceSelector.?matchLabels[?"` +
			kube.LabelWorkspace + `"].orValue("") == ` + workspace + `)))`,
			"this workspace is isolated: a way in is from pods of this namespace (podSelector alone) or of the workspace (namespaceSelector by atoll.dev/workspace)"}},
	},
	{
		name: "atoll-hosts-ingress", projects: true, hosts: true, of: []target{{"networking.k8s.io", []any{"ingresses"}}}, operations: put,
		variables: hostVariables,
		validations: []validation{
			{`object.spec.?rules.orValue([]).map(r, r.?host.orValue("")).all(h, ` + hostFree + ` && ` + hostOwn + `)`, hostMessage},
			{`object.spec.?tls.orValue([]).all(t, t.?hosts.orValue([]).all(h, ` + hostFree + ` && ` + hostOwn + `))`, hostMessage},
			{`!variables.bound || !has(object.spec.defaultBackend)`, "a default backend answers for every host; this workspace has hosts of its own, so name one of them"},
		},
	},
	{
		name: "atoll-hosts-routes", projects: true, hosts: true,
		of: []target{{"gateway.networking.k8s.io", []any{"httproutes", "grpcroutes", "tlsroutes"}}}, operations: put,
		variables: hostVariables,
		validations: []validation{
			{`object.spec.?hostnames.orValue([]).all(h, ` + hostFree + ` && ` + hostOwn + `)`, hostMessage},
			{`!variables.bound || object.spec.?hostnames.orValue([]).size() > 0`, "a route without hostnames answers for every host; this workspace has hosts of its own, so name one of them"},
		},
	},
	{
		name: "atoll-hosts-gateways", projects: true, hosts: true,
		of: []target{{"gateway.networking.k8s.io", []any{"gateways"}}}, operations: put,
		variables: hostVariables,
		validations: []validation{
			{`object.spec.listeners.map(l, l.?hostname.orValue("")).all(h, h == "" || ` + hostFree + ` && ` + hostOwn + `)`, hostMessage},
		},
	},
}
