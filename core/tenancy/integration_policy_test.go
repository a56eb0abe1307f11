//go:build integration

// A project is not a way out: what the cluster itself refuses, to people, to
// service accounts of projects, and to whoever else may write there.

package tenancy

import (
	"context"
	"maps"
	"strings"
	"testing"

	networking "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
)

// stranger has every right in the cluster, and is not Atoll.
func (s *site) stranger(t *testing.T) dynamic.Interface { return s.behind(t, "operator") }

// behind is a client of the cluster itself in somebody's name, with every right.
func (s *site) behind(t *testing.T, user string) dynamic.Interface {
	t.Helper()
	config := rest.CopyConfig(s.direct)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func manifest(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

// settle waits until the cluster's newest policies are obeyed: the last one
// that was made refuses.
func (s *site) settle(t *testing.T, p Project) {
	t.Helper()
	marked := configMap("probe")
	marked.SetLabels(map[string]string{labelManaged: managed})
	await(t, "the policies are obeyed", func() bool {
		_, err := s.stranger(t).Resource(configResource).Namespace(p.Name).Create(t.Context(), marked.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		system := manifest(t, "{apiVersion: v1, kind: Pod, metadata: {name: probe}, spec: {priorityClassName: system-node-critical, containers: [{name: main, image: x}]}}")
		_, pods := s.stranger(t).Resource(podResource).Namespace(p.Name).Create(t.Context(), system, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return apierrors.IsForbidden(err) && apierrors.IsForbidden(pods)
	})
}

func refused(t *testing.T, what string, err error, says string) {
	t.Helper()
	if err == nil || !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want a refusal that says %q", what, err, says)
	}
}

func TestIntegrationNobodyButAtollChangesWhatIsAtolls(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	s.settle(t, p)
	const merge = "application/merge-patch+json"
	for _, who := range []string{"operator", kube.UserPrefix + "root", "system:serviceaccount:" + p.Name + ":default"} {
		client := s.behind(t, who)
		namespaces, bindings := client.Resource(namespaceResource), client.Resource(roleBindingResource).Namespace(p.Name)
		for _, patch := range []string{
			`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`, `{"metadata":{"labels":{"atoll.dev/project":null}}}`,
			`{"metadata":{"labels":{"atoll.dev/workspace":"other"}}}`, `{"metadata":{"annotations":{"atoll.dev/service-types":"NodePort"}}}`,
			`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":null}}}`, `{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}`,
		} {
			_, err := namespaces.Patch(t.Context(), p.Name, merge, []byte(patch), metav1.PatchOptions{})
			refused(t, who+" "+patch, err, "are Atoll's")
		}
		if _, err := namespaces.Patch(t.Context(), p.Name, merge, []byte(`{"metadata":{"labels":{"team":"red"}}}`), metav1.PatchOptions{}); err != nil {
			t.Errorf("%s sets a label of their own: %v", who, err)
		}
		refused(t, who+" deletes the namespace", namespaces.Delete(t.Context(), p.Name, metav1.DeleteOptions{}), "through Atoll")
		forged := manifest(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+p.Name+"-forged, labels: {atoll.dev/workspace: "+p.WorkspaceUID+"}}}")
		_, err := namespaces.Create(t.Context(), forged, metav1.CreateOptions{})
		refused(t, who+" forges a project", err, "through Atoll")
		refused(t, who+" deletes a binding", bindings.Delete(t.Context(), roleName(access.ProjectAdmin), metav1.DeleteOptions{}), "Atoll's")
		_, err = client.Resource(clusterRoleResource).Patch(t.Context(), roleName(access.ProjectViewer), merge, []byte(`{"rules":[]}`), metav1.PatchOptions{})
		refused(t, who+" changes a role", err, "Atoll's")
		refused(t, who+" deletes all bindings", bindings.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}), "Atoll's")
	}
}

func TestIntegrationBindingsInAProjectNameItsOwnServiceAccounts(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	s.settle(t, p)
	bind := func(client dynamic.Interface, namespace, subjects string) error {
		o := manifest(t, "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {generateName: b-}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: ["+subjects+"]}")
		_, err := client.Resource(roleBindingResource).Namespace(namespace).Create(t.Context(), o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	root, pod := s.as(t, "root"), s.behind(t, "system:serviceaccount:"+p.Name+":default")
	for _, client := range []dynamic.Interface{root, pod} {
		refused(t, "another namespace's service account", bind(client, p.Name, "{kind: ServiceAccount, name: default, namespace: kube-system}"), "of this project only")
		refused(t, "a person", bind(client, p.Name, "{kind: User, apiGroup: rbac.authorization.k8s.io, name: 'atoll:mallory'}"), "of this project only")
		refused(t, "a group of Kubernetes'", bind(client, p.Name, "{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:authenticated'}"), "of this project only")
		if err := bind(client, p.Name, "{kind: ServiceAccount, name: default, namespace: "+p.Name+"}"); err != nil {
			t.Errorf("its own service account: %v", err)
		}
	}
	refused(t, "a system group outside of projects", bind(root, "default", "{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:unauthenticated'}"), "of Kubernetes' own")
	refused(t, "a group of Atoll's", bind(root, "default", "{kind: Group, apiGroup: rbac.authorization.k8s.io, name: '"+access.ProjectGroup(p.UID, access.ProjectAdmin)+"'}"), "of Kubernetes' own")
	if err := bind(root, "default", "{kind: ServiceAccount, name: default, namespace: kube-system}"); err != nil {
		t.Errorf("the platform's administrator outside of projects: %v", err)
	}
	wide := manifest(t, "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {generateName: b-}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:authenticated'}]}")
	_, err := root.Resource(clusterRoleBindingResource).Create(t.Context(), wide, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	refused(t, "a cluster's binding of everybody", err, "of Kubernetes' own")
}

// What leads in is among the ways out of TestIntegrationAProjectIsNoWayOut.
func TestIntegrationServicesLeadOutOnly(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	s.settle(t, p)
	services := s.as(t, "jane").Resource(podResource.GroupVersion().WithResource("services")).Namespace(p.Name)
	lead := func(name, leads string) error {
		_, err := services.Create(t.Context(), manifest(t, "{apiVersion: v1, kind: Service, metadata: {name: "+name+"}, spec: {type: ExternalName, externalName: '"+leads+"'}}"), metav1.CreateOptions{})
		return err
	}
	for i, name := range outward {
		if err := lead("out-"+string(rune('a'+i)), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused(t, "a name that may be a service", lead("x", "example.org"), "with a dot at its end")
	refused(t, "a name that is one", lead("x", "web.b.svc"), "leads out of the cluster")
	patch := func(name, text string) error {
		_, err := services.Patch(t.Context(), name, "application/merge-patch+json", []byte(text), metav1.PatchOptions{})
		return err
	}
	refused(t, "another name later", patch("out-a", `{"spec":{"externalName":"kubernetes.default.svc"}}`), "leads out of the cluster")
	plain := manifest(t, "{apiVersion: v1, kind: Service, metadata: {name: plain}, spec: {ports: [{port: 80}]}}")
	if _, err := services.Create(t.Context(), plain, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	refused(t, "another type later", patch("plain", `{"spec":{"type":"ExternalName","externalName":"kubernetes.default.svc"}}`), "leads out of the cluster")
	for name, text := range map[string]string{"plain": `{"spec":{"type":"ExternalName","externalName":"db.example.org"}}`, "out-a": `{"metadata":{"labels":{"a":"b"}}}`} {
		if err := patch(name, text); err != nil {
			t.Errorf("%s of %s: %v", text, name, err)
		}
	}
}

func TestIntegrationTokensEnd(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	s.settle(t, p)
	ask := func(who, seconds string) (int, string) {
		code, _, text := s.ask(t, who, "POST", "/api/v1/namespaces/"+p.Name+"/serviceaccounts/default/token",
			`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["x"]`+seconds+`}}`)
		return code, text
	}
	if code, text := ask("root", `,"expirationSeconds":315360000`); code != 403 || !strings.Contains(text, "an hour") {
		t.Errorf("ten years for the platform's administrator: %d %s", code, text)
	}
	if code, text := ask("root", `,"expirationSeconds":3600`); code != 201 {
		t.Errorf("an hour: %d %s", code, text)
	}
	if code, text := ask("root", ""); code != 201 {
		t.Errorf("the usual: %d %s", code, text)
	}
	if code, _ := ask("jane", ""); code != 403 {
		t.Errorf("a project's administrator: %d", code)
	}
	endless := manifest(t, "{apiVersion: v1, kind: Secret, metadata: {name: endless, annotations: {kubernetes.io/service-account.name: default}}, type: kubernetes.io/service-account-token}")
	for name, client := range map[string]dynamic.Interface{"jane": s.as(t, "jane"), "root": s.as(t, "root"), "a stranger": s.stranger(t)} {
		_, err := client.Resource(secretResource).Namespace(p.Name).Create(t.Context(), endless.DeepCopy(), metav1.CreateOptions{})
		refused(t, "a token that never ends, for "+name, err, "never ends")
	}
}

func TestIntegrationServicesReachNoFurtherThanTheWorkspace(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	s.settle(t, p)
	services := s.as(t, "jane").Resource(podResource.GroupVersion().WithResource("services")).Namespace(p.Name)
	try := func(spec string) error {
		_, err := services.Create(t.Context(), manifest(t, "{apiVersion: v1, kind: Service, metadata: {generateName: s-}, spec: {ports: [{port: 80}], "+spec+"}}"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	refused(t, "a node's port", try("type: NodePort"), "services of this type")
	refused(t, "a load balancer", try("type: LoadBalancer"), "services of this type")
	refused(t, "an external address", try("externalIPs: [1.2.3.4]"), "externalIPs")
	if err := try("type: ClusterIP"); err != nil {
		t.Errorf("the usual: %v", err)
	}
	if _, err := s.service.UpdateWorkspace(t.Context(), p.Name, "", Settings{ServiceTypes: []string{ServiceNodePort}, PodSecurity: PodSecurityRestricted}); err != nil {
		t.Fatal(err)
	}
	await(t, "the workspace may have nodes' ports", func() bool { return try("type: NodePort") == nil })
	refused(t, "a load balancer still", try("type: LoadBalancer"), "services of this type")
	_, err := s.as(t, "jane").Resource(podResource).Namespace(p.Name).Create(t.Context(), pod("baseline", "x", nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	refused(t, "a pod that is baseline only", err, "restricted")
}

func TestIntegrationRoutesHaveTheWorkspacesHosts(t *testing.T) {
	s := newSite(t)
	red, blue, none := s.project(t, "red", nil), s.project(t, "blue", nil), s.project(t, "none", nil)
	domain := s.run + ".example.org"
	for _, p := range []Project{red, blue} {
		name := strings.TrimPrefix(p.Name, s.run+"-")
		if _, err := s.service.UpdateWorkspace(t.Context(), p.Name, "", Settings{Hosts: []string{name + "." + domain}}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = s.service.UpdateWorkspace(context.Background(), p.Name, "", Settings{}) })
	}
	ingresses := networkPolicyResource.GroupVersion().WithResource("ingresses")
	try := func(p Project, rest string) error {
		text := "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {generateName: i-}, spec: {" + rest + "}}"
		_, err := s.as(t, "jane").Resource(ingresses).Namespace(p.Name).Create(t.Context(), manifest(t, text), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	route := func(p Project, host string) error {
		return try(p, "rules: [{host: '"+host+"', http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]")
	}
	await(t, "the hosts are known", func() bool { return route(none, "blue."+domain) != nil && route(none, "red."+domain) != nil })
	for _, c := range []struct {
		p    Project
		host string
		good bool
	}{
		{red, "red." + domain, true}, {red, "shop.red." + domain, true}, {red, "*.red." + domain, true},
		{red, "blue." + domain, false}, {red, "a.blue." + domain, false}, {red, "else.example.net", false}, {red, "", false}, {red, "*." + domain, false}, {red, "notred." + domain, false},
		{none, "else.example.net", true}, {none, "", true}, {none, "notred." + domain, true},
		{none, "red." + domain, false}, {none, "x.red." + domain, false}, {none, "*.red." + domain, false}, {none, "*." + domain, false},
	} {
		if err := route(c.p, c.host); (err == nil) != c.good {
			t.Errorf("the host %q in %s: %v, want accepted: %v", c.host, c.p.Name, err, c.good)
		}
	}
	refused(t, "a certificate for another's host", try(none, "tls: [{hosts: ['red."+domain+"'], secretName: x}], defaultBackend: {service: {name: web, port: {number: 80}}}"), "host names")
	refused(t, "an answer for every host", try(red, "defaultBackend: {service: {name: web, port: {number: 80}}}"), "every host")
}

func TestIntegrationAnIsolatedWorkspaceStaysSo(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	s.settle(t, p)
	policies := s.admin.Resource(networkPolicyResource).Namespace(p.Name)
	if have, err := policies.List(t.Context(), metav1.ListOptions{}); err != nil || len(have.Items) != 0 {
		t.Fatalf("without isolation: %v %v", have, err)
	}
	if _, err := s.service.UpdateWorkspace(t.Context(), p.Name, "", Settings{Isolated: true}); err != nil {
		t.Fatal(err)
	}
	await(t, "the policy is there", func() bool {
		_, err := policies.Get(t.Context(), isolationName, metav1.GetOptions{})
		return err == nil
	})
	open := func(from string) error {
		text := "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {generateName: n-}, spec: {podSelector: {}, ingress: [{" + from + "}], egress: [{}]}}"
		_, err := s.as(t, "jane").Resource(networkPolicyResource).Namespace(p.Name).Create(t.Context(), manifest(t, text), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	await(t, "isolation is held", func() bool {
		err := open("")
		return err != nil && strings.Contains(err.Error(), "workspace is isolated")
	})
	for _, from := range []string{"", "from: [{namespaceSelector: {}}]", "from: [{ipBlock: {cidr: 0.0.0.0/0}}]", "from: [{podSelector: {}}, {namespaceSelector: {matchLabels: {atoll.dev/workspace: other}}}]"} {
		refused(t, "a way in: "+from, open(from), "workspace is isolated")
	}
	for _, from := range []string{"from: [{podSelector: {}}]", "from: [{namespaceSelector: {matchLabels: {atoll.dev/workspace: " + p.WorkspaceUID + "}}}]"} {
		if err := open(from); err != nil {
			t.Errorf("a way in that is there anyway, %s: %v", from, err)
		}
	}
	if _, err := s.service.UpdateWorkspace(t.Context(), p.Name, "", Settings{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the policy is gone", func() bool {
		_, err := policies.Get(t.Context(), isolationName, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func TestIntegrationIngressControllersReachIsolatedProjects(t *testing.T) {
	s := newSite(t)
	s.service.Close()
	s.another(t, Options{IngressNamespaces: []string{"ingress-nginx", "gateways"}})
	p := s.project(t, "a", nil)
	if _, err := s.service.UpdateWorkspace(t.Context(), p.Name, "", Settings{Isolated: true}); err != nil {
		t.Fatal(err)
	}
	var from []networking.NetworkPolicyPeer
	await(t, "the policy is there", func() bool {
		have, err := s.admin.Resource(networkPolicyResource).Namespace(p.Name).Get(t.Context(), isolationName, metav1.GetOptions{})
		if err != nil {
			return false
		}
		var policy networking.NetworkPolicy
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(have.Object, &policy); err != nil || len(policy.Spec.Ingress) != 1 {
			t.Fatalf("%v %+v", err, have)
		}
		from = policy.Spec.Ingress[0].From
		return true
	})
	want := []map[string]string{{kube.LabelWorkspace: p.WorkspaceUID}, {"kubernetes.io/metadata.name": "ingress-nginx"}, {"kubernetes.io/metadata.name": "gateways"}}
	if len(from) != len(want) {
		t.Fatalf("let in are %+v", from)
	}
	for i, peer := range from {
		if peer.IPBlock != nil || peer.PodSelector != nil || !maps.Equal(peer.NamespaceSelector.MatchLabels, want[i]) || len(peer.NamespaceSelector.MatchExpressions) != 0 {
			t.Errorf("let in is %+v, want %v", peer, want[i])
		}
	}
}

func TestIntegrationAQuotaBoundsAProject(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	if _, err := s.service.UpdateWorkspace(t.Context(), p.Name, "", Settings{Budget: amounts(t, "configmaps", "20", "limits.memory", "1Gi", "requests.cpu", "1")}); err != nil {
		t.Fatal(err)
	}
	hard := func() map[string]string {
		have, err := s.admin.Resource(quotaResource).Namespace(p.Name).Get(t.Context(), managed, metav1.GetOptions{})
		if err != nil {
			return nil
		}
		all, _, _ := unstructured.NestedStringMap(have.Object, "spec", "hard")
		return all
	}
	await(t, "without a share there is nothing", func() bool { return hard()["limits.memory"] == "0" })
	if _, err := s.service.UpdateProject(t.Context(), "real", p.Name, ProjectSettings{Quota: amounts(t, "configmaps", "20", "limits.memory", "256Mi", "requests.cpu", "1")}); err != nil {
		t.Fatal(err)
	}
	await(t, "the share is there", func() bool { return hard()["limits.memory"] == "256Mi" })
	// What says nothing gets the defaults, else it would be refused.
	await(t, "a pod fits", func() bool {
		made, err := s.as(t, "jane").Resource(podResource).Namespace(p.Name).Create(t.Context(), pod("fits", "x", nil), metav1.CreateOptions{})
		if err != nil {
			return false
		}
		containers, _, _ := unstructured.NestedSlice(made.Object, "spec", "containers")
		memory, _, _ := unstructured.NestedString(containers[0].(map[string]any), "resources", "limits", "memory")
		if memory != "256Mi" {
			t.Errorf("the default limit is %q", memory)
		}
		return true
	})
	_, err := s.as(t, "jane").Resource(podResource).Namespace(p.Name).Create(t.Context(), pod("second", "x", nil), metav1.CreateOptions{})
	refused(t, "a pod beyond the quota", err, "exceeded quota")
	version := func(resource, name string) string {
		have, err := s.admin.Resource(quotaResource.GroupVersion().WithResource(resource)).Namespace(p.Name).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return have.GetResourceVersion()
	}
	before := version("limitranges", managed)
	for range 3 {
		if _, err := s.service.UpdateProject(t.Context(), "real", p.Name, ProjectSettings{Title: access.NewUID(), Quota: amounts(t, "configmaps", "20", "limits.memory", "256Mi", "requests.cpu", "1")}); err != nil {
			t.Fatal(err)
		}
	}
	if after := version("limitranges", managed); after != before {
		t.Error("what was right was written again")
	}
	for _, resource := range []string{"resourcequotas", "limitranges"} {
		if err := s.admin.Resource(quotaResource.GroupVersion().WithResource(resource)).Namespace(p.Name).Delete(t.Context(), managed, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "both are back", func() bool {
		_, err := s.admin.Resource(limitRangeResource).Namespace(p.Name).Get(t.Context(), managed, metav1.GetOptions{})
		return err == nil && hard()["limits.memory"] == "256Mi"
	})
}

// What the server answers is what was sent, or each round would write again.
func TestIntegrationPoliciesAreWrittenOnce(t *testing.T) {
	s := newSite(t)
	s.project(t, "a", nil)
	for _, p := range clusterPolicies {
		for _, want := range p.objects(s.self(t)) {
			have, err := s.admin.Resource(want.resource).Get(t.Context(), want.GetName(), metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if repair(have, want) {
				t.Errorf("%s %s is not as it was sent", want.GetKind(), want.GetName())
			}
			if warnings, _, _ := unstructured.NestedSlice(have.Object, "status", "typeChecking", "expressionWarnings"); len(warnings) > 0 {
				t.Errorf("%s: %v", want.GetName(), warnings)
			}
		}
	}
}

func (s *site) self(t *testing.T) string {
	t.Helper()
	name, err := (&reconciler{client: s.admin}).whoAmI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return name
}
