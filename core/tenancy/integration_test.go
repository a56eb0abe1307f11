//go:build integration

// Tenants on a real API server: who may what, and whom the audit log names.

package tenancy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
)

func configMap(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}, "data": map[string]any{"a": "b"}}}
}

func pod(name, image string, spec map[string]any) *unstructured.Unstructured {
	all := map[string]any{
		"terminationGracePeriodSeconds": int64(0),
		"containers": []any{map[string]any{
			"name": "main", "image": image, "imagePullPolicy": "Never",
			"args": []any{"serve"},
		}},
	}
	for key, value := range spec {
		all[key] = value
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name}, "spec": all}}
}

func TestIntegrationAProjectIsANamespaceWithGuardAndBindings(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	namespace, err := s.admin.Resource(namespaceResource).Get(t.Context(), p.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	labels := namespace.GetLabels()
	if labels[kube.LabelProject] != p.UID || labels[kube.LabelWorkspace] != p.WorkspaceUID || labels[labelPodSecurity] != "baseline" {
		t.Errorf("labels %v", labels)
	}
	if p.NamespaceUID != string(namespace.GetUID()) {
		t.Errorf("the namespace's uid %q is not known: %+v", namespace.GetUID(), p)
	}
	bindings, err := s.admin.Resource(roleBindingResource).Namespace(p.Name).List(t.Context(), metav1.ListOptions{LabelSelector: selectOurs})
	if err != nil || len(bindings.Items) != 3 {
		t.Errorf("bindings: %v %v", bindings, err)
	}
}

func TestIntegrationEachRoleMayWhatItSays(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", map[string]string{"dev": access.ProjectDeveloper, "vera": access.ProjectViewer})
	other := s.project(t, "b", map[string]string{"olga": access.ProjectAdmin})
	secret := configMap("s")
	secret.SetKind("Secret")
	delete(secret.Object, "data")
	if _, err := s.as(t, "dev").Resource(secretResource).Namespace(p.Name).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatalf("a developer's secret: %v", err)
	}
	for _, c := range []struct {
		who, method, path string
		want              int
	}{
		{"vera", "GET", "/api/v1/namespaces/%s/pods", 200}, {"vera", "GET", "/api/v1/namespaces/%s/configmaps", 200},
		{"vera", "GET", "/api/v1/namespaces/%s/secrets", 403}, {"vera", "GET", "/api/v1/namespaces/%s/secrets/s", 403},
		{"vera", "POST", "/api/v1/namespaces/%s/configmaps", 403}, {"vera", "POST", "/api/v1/namespaces/%s/pods/p/exec?command=id", 403},
		{"vera", "GET", "/api/v1/namespaces/%s/pods/p/exec?command=id", 403}, {"vera", "POST", "/api/v1/namespaces/%s/pods/p/portforward", 403},
		{"vera", "POST", "/api/v1/namespaces/%s/pods/p/attach", 403}, {"vera", "GET", "/api/v1/namespaces/%s/services/x/proxy/", 403},
		{"dev", "GET", "/api/v1/namespaces/%s/secrets/s", 200}, {"dev", "GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings", 403},
		{"jane", "GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings", 200}, {"jane", "GET", "/api/v1/namespaces/%s", 200},
		{"jane", "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings", 403}, {"jane", "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles", 403},
		{"jane", "POST", "/api/v1/namespaces/%s/serviceaccounts/default/token", 403}, {"jane", "DELETE", "/api/v1/namespaces/%s", 403},
		{"jane", "PATCH", "/api/v1/namespaces/%s", 403}, {"jane", "POST", "/api/v1/namespaces/%s/resourcequotas", 403}, {"jane", "POST", "/api/v1/namespaces/%s/endpoints", 403},
		// Another tenant is told nothing, whatever role they have elsewhere.
		{"olga", "GET", "/api/v1/namespaces/%s/pods", 403}, {"olga", "GET", "/api/v1/namespaces/%s", 403}, {"olga", "GET", "/api/v1/namespaces/%s/secrets/s", 403},
		{"olga", "POST", "/api/v1/namespaces/%s/configmaps", 403}, {"olga", "POST", "/api/v1/namespaces/%s/pods/p/exec?command=id", 403}, {"olga", "GET", "/api/v1/namespaces/%s/pods/p/log", 403},
		{"nobody", "GET", "/api/v1/namespaces/%s/pods", 403},
		// Members choose from what the cluster offers, and see no more of it.
		{"vera", "GET", "/apis/storage.k8s.io/v1/storageclasses", 200}, {"vera", "GET", "/apis/scheduling.k8s.io/v1/priorityclasses", 200},
		{"vera", "GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", 200}, {"vera", "GET", "/api/v1/nodes", 403}, {"jane", "GET", "/api/v1/persistentvolumes", 403},
		{"jane", "GET", "/api/v1/namespaces/kube-system/pods", 403}, {"jane", "GET", "/api/v1/namespaces/kube-system/secrets", 403}, {"jane", "GET", "/api/v1/nodes/x/proxy/metrics", 403},
		{"jane", "POST", "/api/v1/namespaces", 403}, {"root", "GET", "/api/v1/nodes", 200}, {"root", "GET", "/api/v1/namespaces/kube-system/secrets", 200},
	} {
		path := c.path
		if strings.Contains(path, "%s") {
			path = fmt.Sprintf(path, p.Name)
		}
		if code, _, text := s.ask(t, c.who, c.method, path, `{}`); code != c.want {
			t.Errorf("%s %s %s: %d, want %d: %.300s", c.who, c.method, path, code, c.want, text)
		}
	}
	_ = other
}

// ask does a plain request through Atoll.
func (s *site) ask(t *testing.T, who, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	var reader io.Reader
	if method != http.MethodGet {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/clusters/real"+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+who)
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	} else if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header[header[i]] = append(req.Header[header[i]], header[i+1])
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

func TestIntegrationWhoHasNoRoleSeesNothing(t *testing.T) {
	s := newSite(t)
	s.project(t, "a", nil)
	for path, kind := range map[string]string{
		"/api": "APIVersions", "/apis": "APIGroupList", "/api/v1": "APIResourceList", "/apis/apps/v1": "APIResourceList", "/version": "", "/openapi/v3": "",
		"/api/v1/pods": "PodList", "/api/v1/namespaces": "NamespaceList", "/api/v1/secrets": "SecretList", "/apis/apps/v1/deployments": "DeploymentList",
		"/apis/networking.k8s.io/v1/ingresses": "IngressList",
	} {
		code, _, text := s.ask(t, "nobody", "GET", path, "")
		var got struct {
			Kind  string
			Items *[]any
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 || got.Kind != kind || strings.HasSuffix(kind, "List") && got.Items != nil && len(*got.Items) != 0 {
			t.Errorf("%s: %d %.300s", path, code, text)
		}
	}
	for _, path := range []string{"/api/v1/nodes", "/apis/storage.k8s.io/v1/storageclasses", "/api/v1/namespaces/default/pods", "/api/v1/namespaces/kube-system", "/metrics", "/api/v1/pods?watch=true"} {
		code, _, text := s.ask(t, "nobody", "GET", path, "")
		var got metav1.Status
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != 403 || got.Kind != "Status" || got.Reason != metav1.StatusReasonForbidden {
			t.Errorf("%s: %d %.300s", path, code, text)
		}
	}
}

func TestIntegrationListsAcrossProjectsAreThePersonsOwn(t *testing.T) {
	s := newSite(t)
	a := s.project(t, "a", map[string]string{"vera": access.ProjectViewer})
	b := s.project(t, "b", map[string]string{"vera": access.ProjectDeveloper})
	c := s.project(t, "c", nil)
	for _, p := range []Project{a, b, c} {
		if _, err := s.as(t, "root").Resource(configResource).Namespace(p.Name).Create(t.Context(), configMap("mine"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var in []string
	for page := (metav1.ListOptions{FieldSelector: "metadata.name=mine", Limit: 1}); ; {
		list, err := s.as(t, "vera").Resource(configResource).List(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) > 1 || list.GetResourceVersion() == "" {
			t.Errorf("a page of %d at %q", len(list.Items), list.GetResourceVersion())
		}
		for _, one := range list.Items {
			in = append(in, one.GetNamespace())
		}
		if page.Continue = list.GetContinue(); page.Continue == "" {
			break
		}
	}
	if !slices.Equal(in, []string{a.Name, b.Name}) {
		t.Errorf("configmaps in %q", in)
	}
	namespaces, err := s.as(t, "vera").Resource(namespaceResource).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	in = nil
	for _, one := range namespaces.Items {
		in = append(in, one.GetName())
	}
	if !slices.Equal(in, []string{a.Name, b.Name}) {
		t.Errorf("namespaces %q", in)
	}
	// A viewer in one and a developer in the other lists secrets of the other.
	if secrets, err := s.as(t, "vera").Resource(secretResource).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("secrets: %v", err)
	} else {
		for _, one := range secrets.Items {
			if one.GetNamespace() != b.Name {
				t.Errorf("a secret of %s", one.GetNamespace())
			}
		}
	}
}

func TestIntegrationTheAuditLogNamesThePerson(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	name := "made-by-" + s.run
	code, _, text := s.ask(t, "jane", "POST", "/api/v1/namespaces/"+p.Name+"/configmaps",
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"`+name+`"}}`,
		// Whoever the client says it is changes nothing.
		"Impersonate-User", "system:admin", "Impersonate-Group", "system:masters", "Impersonate-Extra-Scopes", "all", "Impersonate-Uid", "0",
		"impersonate-user", "system:admin", "X-Remote-User", "root", "X-Remote-Group", "system:masters")
	if code != http.StatusCreated {
		t.Fatalf("%d %s", code, text)
	}
	type user struct {
		Username string
		Groups   []string
		Extra    map[string][]string
	}
	var found struct {
		ImpersonatedUser *user
		User             user
	}
	await(t, "the audit log has the request", func() bool {
		file, err := os.Open(need(t, "ATOLL_TEST_AUDIT_LOG"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			if strings.Contains(lines.Text(), name) && strings.Contains(lines.Text(), `"verb":"create"`) {
				return json.Unmarshal(lines.Bytes(), &found) == nil && found.ImpersonatedUser != nil
			}
		}
		return false
	})
	who := found.ImpersonatedUser
	want := []string{"atoll:platform:member", access.ProjectGroup(p.UID, access.ProjectAdmin), "system:authenticated"}
	slices.Sort(who.Groups)
	slices.Sort(want)
	if who.Username != "atoll:jane" || !slices.Equal(who.Groups, want) || !slices.Equal(who.Extra[kube.ExtraUID], []string{"uid-jane"}) || len(who.Extra) != 1 {
		t.Errorf("the audit log says %+v", who)
	}
}

func TestIntegrationSelfReviewsAreAnsweredForTheirNamespace(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", map[string]string{"vera": access.ProjectViewer})
	may := func(who, verb, resource, namespace string, header ...string) bool {
		body := fmt.Sprintf(`{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"namespace":%q,"verb":%q,"resource":%q}}}`, namespace, verb, resource)
		code, _, text := s.ask(t, who, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body, header...)
		var got struct{ Status struct{ Allowed bool } }
		if err := json.Unmarshal([]byte(text), &got); err != nil || code != http.StatusCreated {
			t.Fatalf("%d %s", code, text)
		}
		return got.Status.Allowed
	}
	for _, c := range []struct {
		who, verb, resource, namespace string
		want                           bool
	}{
		{"jane", "create", "pods", p.Name, true}, {"vera", "list", "pods", p.Name, true}, {"vera", "create", "pods", p.Name, false}, {"vera", "get", "secrets", p.Name, false},
		{"jane", "list", "pods", "kube-system", false}, {"jane", "list", "nodes", "", false}, {"nobody", "list", "pods", p.Name, false}, {"root", "delete", "nodes", "", true},
	} {
		if got := may(c.who, c.verb, c.resource, c.namespace); got != c.want {
			t.Errorf("may %s %s %s in %q: %v, want %v", c.who, c.verb, c.resource, c.namespace, got, c.want)
		}
		reads := c.verb == "list" || c.verb == "get"
		if got := may(c.who, c.verb, c.resource, c.namespace, "X-Test-Read-Only", "1"); got != (c.want && reads) {
			t.Errorf("may %s %s %s in %q by a token for reading only: %v", c.who, c.verb, c.resource, c.namespace, got)
		}
	}
	for _, resource := range []string{"pods/exec", "pods/portforward", "services/proxy"} {
		if !may("jane", "get", resource, p.Name) || may("jane", "get", resource, p.Name, "X-Test-Read-Only", "1") {
			t.Errorf("may jane get %s by a token, and by one for reading only: the answers are wrong", resource)
		}
	}
	code, _, text := s.ask(t, "jane", "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{"namespace":"`+p.Name+`"}}`, "X-Test-Read-Only", "1")
	var rules authorization.SelfSubjectRulesReview
	if err := json.Unmarshal([]byte(text), &rules); err != nil || code != http.StatusCreated || len(rules.Status.ResourceRules) < 5 {
		t.Fatalf("%d %s", code, text)
	}
	for _, r := range rules.Status.ResourceRules {
		reads := !slices.ContainsFunc(r.Verbs, func(v string) bool { return v != "get" && v != "list" && v != "watch" })
		asks := slices.Equal(r.Verbs, []string{"create"}) && !slices.ContainsFunc(r.Resources, func(name string) bool { return !strings.HasPrefix(name, "selfsubject") })
		if !reads && !asks || slices.Contains(r.Resources, "pods/exec") || slices.Contains(r.Resources, "services/proxy") {
			t.Errorf("a token for reading only has the rule %+v", r)
		}
	}
}

func TestIntegrationAPrivilegedPodIsRefusedInTheFirstMoment(t *testing.T) {
	s := newSite(t)
	name := s.run + "-quick"
	if _, err := s.service.CreateWorkspace(t.Context(), access.Subject{}, name, "", Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.CreateProject(t.Context(), person("jane"), NewProject{Name: name, Cluster: "real", Workspace: name}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.admin.Resource(namespaceResource).Delete(t.Context(), name, metav1.DeleteOptions{}) })
	for _, spec := range []map[string]any{
		{"hostPID": true}, {"hostNetwork": true},
		{"volumes": []any{map[string]any{"name": "host", "hostPath": map[string]any{"path": "/"}}}},
		{"containers": []any{map[string]any{"name": "main", "image": "x", "securityContext": map[string]any{"privileged": true}}}},
	} {
		bad := pod("bad", "x", spec)
		// By the cluster's administrator too, and as soon as the namespace is there.
		await(t, "the namespace is there", func() bool {
			_, err := s.admin.Resource(podResource).Namespace(name).Create(t.Context(), bad, metav1.CreateOptions{})
			switch {
			case err == nil:
				t.Fatalf("%v was accepted", spec)
			case apierrors.IsNotFound(err), apierrors.IsForbidden(err) && strings.Contains(err.Error(), "serviceaccount"):
				return false
			case !guarded(err):
				t.Fatalf("%v: %v", spec, err)
			}
			return true
		})
		await(t, "jane may make pods, and not this one", func() bool {
			_, err := s.as(t, "jane").Resource(podResource).Namespace(name).Create(t.Context(), bad, metav1.CreateOptions{})
			if err == nil {
				t.Fatalf("%v was accepted", spec)
			}
			return guarded(err)
		})
	}
}

// guarded tells whether a pod was refused for what it wants to be: by Pod
// Security, or, privileged ones, by an API server that allows none anywhere.
func guarded(err error) bool {
	return strings.Contains(err.Error(), "violates PodSecurity") || strings.Contains(err.Error(), "privileged: Forbidden")
}

func TestIntegrationDriftIsRepaired(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", nil)
	namespaces := s.admin.Resource(namespaceResource)
	for _, spoil := range []func() error{
		func() error {
			_, err := namespaces.Patch(t.Context(), p.Name, "application/merge-patch+json", []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`), metav1.PatchOptions{})
			return err
		},
		func() error {
			_, err := namespaces.Patch(t.Context(), p.Name, "application/merge-patch+json", []byte(`{"metadata":{"labels":{"atoll.dev/project":null,"app.kubernetes.io/managed-by":null,"pod-security.kubernetes.io/enforce":null}}}`), metav1.PatchOptions{})
			return err
		},
		func() error {
			return s.admin.Resource(roleBindingResource).Namespace(p.Name).Delete(t.Context(), roleName(access.ProjectAdmin), metav1.DeleteOptions{})
		},
		func() error {
			_, err := s.admin.Resource(roleBindingResource).Namespace(p.Name).Patch(t.Context(), roleName(access.ProjectViewer), "application/merge-patch+json",
				[]byte(`{"subjects":[{"kind":"Group","name":"system:authenticated","apiGroup":"rbac.authorization.k8s.io"}]}`), metav1.PatchOptions{})
			return err
		},
		func() error {
			_, err := s.admin.Resource(roleBindingResource).Namespace(p.Name).Create(t.Context(),
				newObject(roleBindingResource, "RoleBinding", p.Name, "smuggled", nil, binding("cluster-admin", "system:authenticated")).Unstructured, metav1.CreateOptions{})
			return err
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		await(t, "it is as it was", func() bool {
			namespace, err := namespaces.Get(t.Context(), p.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			bindings, err := s.admin.Resource(roleBindingResource).Namespace(p.Name).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			have := map[string]unstructured.Unstructured{}
			for _, one := range bindings.Items {
				have[one.GetName()] = one
			}
			for _, want := range bindingObjects(p.Project) {
				one, ok := have[want.GetName()]
				if !ok || repair(&one, want) {
					return false
				}
			}
			return len(have) == 3 && !repair(namespace, namespaceObject(Workspace{}, p))
		})
	}
}
