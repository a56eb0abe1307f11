//go:build integration

// Ways out of a project, each tried on a real API server by people of the
// project, and each refused. What the cluster refuses to everybody is in
// integration_policy_test.go.

package tenancy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/atoll-platform/atoll/core/access"
)

// Specs of pods that reach into their node or past their project.
var wildPods = map[string]string{
	"privileged":          `"containers":[{"name":"main","image":"x","securityContext":{"privileged":true}}]`,
	"hostPath":            `"volumes":[{"name":"h","hostPath":{"path":"/"}}]`,
	"hostPID":             `"hostPID":true`,
	"hostIPC":             `"hostIPC":true`,
	"hostNetwork":         `"hostNetwork":true`,
	"hostPort":            `"containers":[{"name":"main","image":"x","ports":[{"containerPort":80,"hostPort":80}]}]`,
	"SYS_ADMIN":           `"containers":[{"name":"main","image":"x","securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}]`,
	"a privileged init":   `"initContainers":[{"name":"init","image":"x","securityContext":{"privileged":true}}]`,
	"a kernel's setting":  `"securityContext":{"sysctls":[{"name":"kernel.msgmax","value":"1"}]}`,
	"a system's priority": `"priorityClassName":"system-node-critical"`,
	"a token of 10 years": `"volumes":[{"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":315360000}}]}}]`,
}

// podText is a pod of the usual content but for what is given.
func podText(name, spec string) string {
	usual := `"containers":[{"name":"main","image":"x"}],`
	if strings.Contains(spec, `"containers"`) {
		usual = ""
	}
	return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"` + name + `"},"spec":{` + usual + spec + `}}`
}

func TestIntegrationAProjectIsNoWayOut(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", map[string]string{"dev": access.ProjectDeveloper, "vera": access.ProjectViewer})
	other := s.project(t, "b", map[string]string{"olga": access.ProjectAdmin})
	s.settle(t, p)
	s.settle(t, other)
	if _, err := access.SetPlatformRoles(t.Context(), s.store, person("omar").UID, []string{access.PlatformOperator}); err != nil {
		t.Fatal(err)
	}
	here, there := "/api/v1/namespaces/"+p.Name, "/api/v1/namespaces/"+other.Name
	rbacHere, review := "/apis/rbac.authorization.k8s.io/v1/namespaces/"+p.Name, "/apis/authorization.k8s.io/v1"
	nodes, err := s.admin.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"}).List(t.Context(), metav1.ListOptions{Limit: 1})
	if err != nil || len(nodes.Items) == 0 {
		t.Fatalf("a node: %v", err)
	}
	node := "/api/v1/nodes/" + nodes.Items[0].GetName()
	if code, _, text := s.ask(t, "jane", "POST", here+"/pods", podText("tame", `"nodeName":"nowhere"`)); code != http.StatusCreated {
		t.Fatalf("a pod of the usual kind: %d %s", code, text)
	}
	if _, err := s.as(t, "olga").Resource(configResource).Namespace(other.Name).Create(t.Context(), configMap("theirs"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token := s.token(t, "root", other.Name, "default")
	role := func(kind, rules string) string {
		return `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"` + kind + `","metadata":{"name":"x"},"rules":` + rules + `}`
	}
	bind := func(kind, role, subject string) string {
		return `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"` + kind + `","metadata":{"name":"x"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"` + role + `"},"subjects":[` + subject + `]}`
	}
	const self = `{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"atoll:jane"}`
	const all = `[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]`
	type way struct {
		what, who, method, path, body string
		header                        []string
	}
	ways := []way{
		// Rights: escalate, bind, impersonate, and whose token it is.
		{what: "bind oneself to cluster-admin", who: "jane", method: "POST", path: rbacHere + "/rolebindings", body: bind("RoleBinding", "cluster-admin", self)},
		{what: "bind another namespace's account", who: "jane", method: "POST", path: rbacHere + "/rolebindings", body: bind("RoleBinding", "view", `{"kind":"ServiceAccount","name":"default","namespace":"`+other.Name+`"}`)},
		{what: "bind another namespace's account, by an administrator", who: "root", method: "POST", path: rbacHere + "/rolebindings", body: bind("RoleBinding", "view", `{"kind":"ServiceAccount","name":"default","namespace":"`+other.Name+`"}`)},
		{what: "bind oneself in the cluster", who: "jane", method: "POST", path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", body: bind("ClusterRoleBinding", "cluster-admin", self)},
		{what: "bind oneself in the cluster, by an operator", who: "omar", method: "POST", path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", body: bind("ClusterRoleBinding", "cluster-admin", self)},
		{what: "write a role of everything", who: "jane", method: "POST", path: rbacHere + "/roles", body: role("Role", all)},
		{what: "widen the project's role", who: "jane", method: "PATCH", path: "/apis/rbac.authorization.k8s.io/v1/clusterroles/atoll:project-viewer", body: `{"rules":` + all + `}`},
		{what: "widen the project's role, by an operator", who: "omar", method: "PATCH", path: "/apis/rbac.authorization.k8s.io/v1/clusterroles/atoll:project-viewer", body: `{"rules":` + all + `}`},
		{what: "widen the project's role, by an administrator", who: "root", method: "PATCH", path: "/apis/rbac.authorization.k8s.io/v1/clusterroles/atoll:project-viewer", body: `{"rules":` + all + `}`},
		{what: "widen whom a binding binds", who: "jane", method: "PATCH", path: rbacHere + "/rolebindings/atoll:project-admin", body: `{"subjects":[` + self + `]}`},
		{what: "review another's token", who: "jane", method: "POST", path: "/apis/authentication.k8s.io/v1/tokenreviews", body: `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"` + token + `"}}`},
		{what: "review another's token, by an operator", who: "omar", method: "POST", path: "/apis/authentication.k8s.io/v1/tokenreviews", body: `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"` + token + `"}}`},
		{what: "ask what another may", who: "jane", method: "POST", path: review + "/subjectaccessreviews", body: `{"spec":{"user":"atoll:olga","resourceAttributes":{"verb":"get","resource":"secrets","namespace":"` + other.Name + `"}}}`},
		{what: "ask what another may here", who: "jane", method: "POST", path: review + "/namespaces/" + p.Name + "/localsubjectaccessreviews", body: `{"metadata":{"namespace":"` + p.Name + `"},"spec":{"user":"atoll:dev","resourceAttributes":{"verb":"get","resource":"secrets","namespace":"` + p.Name + `"}}}`},
		{what: "a token of ten years", who: "jane", method: "POST", path: here + "/serviceaccounts/default/token", body: `{"spec":{"expirationSeconds":315360000}}`},
		{what: "a token of ten years, by an administrator", who: "root", method: "POST", path: here + "/serviceaccounts/default/token", body: `{"spec":{"expirationSeconds":315360000}}`},
		{what: "a token of another project's", who: "dev", method: "POST", path: there + "/serviceaccounts/default/token", body: `{"spec":{}}`},
		{what: "a token that never ends", who: "jane", method: "POST", path: here + "/secrets", body: `{"metadata":{"name":"e","annotations":{"kubernetes.io/service-account.name":"default"}},"type":"kubernetes.io/service-account-token"}`},
		{what: "a certificate for a user", who: "jane", method: "POST", path: "/apis/certificates.k8s.io/v1/certificatesigningrequests", body: `{"metadata":{"name":"x"},"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"request":"eA=="}}`},
		// Who one says that one is, and names that Kubernetes believes.
		{what: "groups that are sent", who: "jane", method: "GET", path: "/api/v1/namespaces/kube-system/secrets", header: []string{"Impersonate-User", "system:admin", "Impersonate-Group", "system:masters"}},
		{what: "groups that are sent as a front proxy", who: "jane", method: "GET", path: "/api/v1/namespaces/kube-system/secrets", header: []string{"X-Remote-User", "admin", "X-Remote-Group", "system:masters"}},
		{what: "a group as a name", who: "system:masters", method: "GET", path: "/api/v1/namespaces/kube-system/secrets"},
		{what: "the controllers' name", who: "system:kube-controller-manager", method: "GET", path: "/api/v1/namespaces/kube-system/secrets"},
		{what: "the API server's name", who: "system:apiserver", method: "GET", path: "/api/v1/namespaces/kube-system/secrets"},
		{what: "a node's name", who: "system:node:" + nodes.Items[0].GetName(), method: "GET", path: node},
		{what: "an account's name", who: "system:serviceaccount:kube-system:namespace-controller", method: "GET", path: "/api/v1/namespaces/kube-system/secrets"},
		// Through nodes, services and pods.
		{what: "nodes/proxy", who: "jane", method: "GET", path: node + "/proxy/pods"},
		{what: "nodes/proxy in the old way", who: "jane", method: "GET", path: "/api/v1/proxy/nodes/" + nodes.Items[0].GetName() + "/pods"},
		{what: "nodes/proxy by an operator", who: "omar", method: "GET", path: node + "/proxy/pods"},
		{what: "a node's exec by an operator", who: "omar", method: "POST", path: node + "/proxy/run/kube-system/x/y?cmd=id"},
		{what: "services/proxy with a cookie", method: "GET", path: here + "/services/web/proxy/", header: []string{"Cookie", "person=jane"}},
		{what: "pods/proxy with a cookie", method: "GET", path: here + "/pods/tame/proxy/", header: []string{"Cookie", "person=jane"}},
		{what: "services/proxy with a cookie, by an administrator", method: "GET", path: here + "/services/web/proxy/", header: []string{"Cookie", "person=root"}},
		{what: "services/proxy of another project", who: "dev", method: "GET", path: there + "/services/web/proxy/"},
		{what: "exec by GET", who: "vera", method: "GET", path: here + "/pods/tame/exec?command=id&stdout=true"},
		{what: "exec by GET as a WebSocket", who: "vera", method: "GET", path: here + "/pods/tame/exec?command=id&stdout=true", header: []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol", "v5.channel.k8s.io"}},
		{what: "attach by GET", who: "vera", method: "GET", path: here + "/pods/tame/attach?stdout=true"},
		{what: "port-forward by GET", who: "vera", method: "GET", path: here + "/pods/tame/portforward"},
		{what: "an ephemeral container, by a viewer", who: "vera", method: "PATCH", path: here + "/pods/tame/ephemeralcontainers", body: `{"spec":{"ephemeralContainers":[{"name":"e","image":"x"}]}}`},
		// The project's own frame.
		{what: "loosen Pod Security", who: "jane", method: "PATCH", path: here, body: `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`},
		{what: "loosen Pod Security by the status", who: "jane", method: "PATCH", path: here + "/status", body: `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`},
		{what: "loosen Pod Security by finalize", who: "jane", method: "PUT", path: here + "/finalize", body: `{"metadata":{"name":"` + p.Name + `","labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`},
		{what: "loosen Pod Security, by an administrator", who: "root", method: "PATCH", path: here + "/status", body: `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`},
		{what: "raise the quota", who: "jane", method: "DELETE", path: here + "/resourcequotas"},
		{what: "endpoints of one's own", who: "jane", method: "POST", path: here + "/endpoints", body: `{"metadata":{"name":"x"},"subsets":[{"addresses":[{"ip":"10.0.0.1"}],"ports":[{"port":443}]}]}`},
		{what: "slices of endpoints", who: "jane", method: "POST", path: "/apis/discovery.k8s.io/v1/namespaces/" + p.Name + "/endpointslices", body: `{"metadata":{"name":"x"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"]}]}`},
		{what: "a volume of the node", who: "jane", method: "POST", path: "/api/v1/persistentvolumes", body: `{"metadata":{"name":"x"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/"}}}`},
		{what: "choose the node of a pod", who: "jane", method: "POST", path: here + "/pods/tame/binding", body: `{"metadata":{"name":"tame"},"target":{"kind":"Node","name":"n"}}`},
		{what: "an address for a pod", who: "jane", method: "PATCH", path: here + "/pods/tame/status", body: `{"status":{"podIP":"10.0.0.1"}}`},
		{what: "a webhook", who: "jane", method: "POST", path: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", body: `{"metadata":{"name":"x"}}`},
		{what: "an API of one's own", who: "jane", method: "POST", path: "/apis/apiregistration.k8s.io/v1/apiservices", body: `{"metadata":{"name":"v1.x"}}`},
		{what: "another project's", who: "dev", method: "GET", path: there + "/configmaps/theirs"},
		{what: "another project's, by a watch", who: "dev", method: "GET", path: "/api/v1/watch/namespaces/" + other.Name + "/configmaps"},
		{what: "all events of the cluster's namespaces", who: "jane", method: "GET", path: "/api/v1/namespaces/default/events"},
		{what: "the API server's logs", who: "jane", method: "GET", path: "/logs/"},
		{what: "the API server's metrics", who: "jane", method: "GET", path: "/metrics"},
	}
	for _, name := range inward {
		body := `{"metadata":{"name":"x"},"spec":{"type":"ExternalName","externalName":"` + strings.ReplaceAll(name, "OTHER", other.Name) + `"}}`
		ways = append(ways, way{what: "a service that leads to " + name, who: "jane", method: "POST", path: here + "/services", body: body})
		ways = append(ways, way{what: "a service that leads to " + name + ", by an administrator", who: "root", method: "POST", path: here + "/services", body: body})
	}
	for _, who := range []string{"jane", "dev", "vera", "omar"} {
		ways = append(ways,
			way{what: "point a service's endpoints elsewhere", who: who, method: "PATCH", path: here + "/endpoints/web", body: `{"subsets":[{"addresses":[{"ip":"127.0.0.1"}],"ports":[{"port":10250}]}]}`},
			way{what: "point a service's slices elsewhere", who: who, method: "PATCH", path: "/apis/discovery.k8s.io/v1/namespaces/" + p.Name + "/endpointslices/web-x", body: `{"endpoints":[{"addresses":["127.0.0.1"]}]}`},
			way{what: "remove a service's slices", who: who, method: "DELETE", path: "/apis/discovery.k8s.io/v1/namespaces/" + p.Name + "/endpointslices/web-x"})
	}
	for what, spec := range wildPods {
		ways = append(ways, way{what: "a pod with " + what, who: "jane", method: "POST", path: here + "/pods", body: podText("wild", spec)})
		ways = append(ways, way{what: "a pod with " + what + ", by an administrator", who: "root", method: "POST", path: here + "/pods", body: podText("wild", spec)})
	}
	ways = append(ways, way{what: "a privileged ephemeral container", who: "jane", method: "PATCH", path: here + "/pods/tame/ephemeralcontainers",
		body: `{"spec":{"ephemeralContainers":[{"name":"e","image":"x","securityContext":{"privileged":true}}]}}`})
	for _, c := range ways {
		header := c.header
		if c.who == "" {
			header = append(header, "Origin", "https://elsewhere.example")
		}
		code, _, text := s.ask(t, c.who, c.method, c.path, c.body, header...)
		if code != http.StatusForbidden {
			t.Errorf("%s: %s %s %s: %d %.300s", c.what, c.who, c.method, c.path, code, text)
		}
	}
	t.Logf("%d ways out tried", len(ways))
}

// Controllers make pods in the name of nobody: the level of the namespace holds
// for those too, and a template may say what it likes.
func TestIntegrationControllersMakeNoWildPods(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	s.settle(t, p)
	for _, c := range []struct{ path, kind, template string }{
		{"/apis/apps/v1/namespaces/%s/deployments", "Deployment", `{"selector":{"matchLabels":{"a":"b"}},"template":%s}`},
		{"/apis/apps/v1/namespaces/%s/replicasets", "ReplicaSet", `{"selector":{"matchLabels":{"c":"d"}},"template":%s}`},
		{"/apis/apps/v1/namespaces/%s/statefulsets", "StatefulSet", `{"serviceName":"x","selector":{"matchLabels":{"a":"b"}},"template":%s}`},
		{"/apis/apps/v1/namespaces/%s/daemonsets", "DaemonSet", `{"selector":{"matchLabels":{"a":"b"}},"template":%s}`},
		{"/apis/batch/v1/namespaces/%s/jobs", "Job", `{"template":%s}`},
		{"/api/v1/namespaces/%s/replicationcontrollers", "ReplicationController", `{"selector":{"a":"b"},"template":%s}`},
	} {
		labels := `{"a":"b"}`
		if c.kind == "ReplicaSet" {
			labels = `{"c":"d"}`
		}
		policy := ""
		if c.kind == "Job" {
			policy = `"restartPolicy":"Never",`
		}
		template := `{"metadata":{"labels":` + labels + `},"spec":{` + policy + `"hostPID":true,"containers":[{"name":"main","image":"x","securityContext":{"privileged":true}}]}}`
		body := `{"metadata":{"name":"wild"},"spec":` + fmt.Sprintf(c.template, template) + `}`
		if code, _, text := s.ask(t, "jane", "POST", fmt.Sprintf(c.path, p.Name), body); code != http.StatusCreated {
			t.Errorf("%s: %d %s", c.kind, code, text)
		}
	}
	if code, _, text := s.ask(t, "jane", "POST", "/api/v1/namespaces/"+p.Name+"/podtemplates", `{"metadata":{"name":"wild"},"template":{"spec":{"hostPID":true,"containers":[{"name":"main","image":"x"}]}}}`); code != http.StatusCreated {
		t.Errorf("a template of nobody's: %d %s", code, text)
	}
	// A Deployment tells by its ReplicaSet.
	want := map[string]bool{"ReplicaSet": true, "StatefulSet": true, "DaemonSet": true, "Job": true, "ReplicationController": true}
	await(t, "each controller was refused", func() bool {
		code, _, text := s.ask(t, "jane", "GET", "/api/v1/namespaces/"+p.Name+"/events", "")
		var events struct {
			Items []struct {
				Message, Reason string
				InvolvedObject  struct{ Kind string }
			}
		}
		if err := json.Unmarshal([]byte(text), &events); err != nil || code != http.StatusOK {
			t.Fatalf("%d %s", code, text)
		}
		told := map[string]bool{}
		for _, e := range events.Items {
			if e.Reason == "FailedCreate" && (strings.Contains(e.Message, "violates PodSecurity") || strings.Contains(e.Message, "privileged: Forbidden")) {
				told[e.InvolvedObject.Kind] = true
			}
		}
		for kind := range want {
			if !told[kind] {
				return false
			}
		}
		return true
	})
	pods, err := s.admin.Resource(podResource).Namespace(p.Name).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 0 {
		t.Errorf("there are pods: %v %v", names(pods.Items), err)
	}
}

func names(all []unstructured.Unstructured) (list []string) {
	for _, one := range all {
		list = append(list, one.GetName())
	}
	return list
}
