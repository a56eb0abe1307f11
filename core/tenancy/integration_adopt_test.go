//go:build integration

// Namespaces that were there before, on a real API server: taken over when somebody
// asks for it, and left alone otherwise.

package tenancy

import (
	"context"
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
)

func TestIntegrationAForeignNamespaceIsTakenOverOnRequestOnly(t *testing.T) {
	s := newSite(t)
	name := s.run + "-old"
	old := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": map[string]any{"theirs": "yes"}}}}
	made, err := s.admin.Resource(namespaceResource).Create(t.Context(), old, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.admin.Resource(namespaceResource).Delete(t.Context(), name, metav1.DeleteOptions{}) })
	if _, err := s.service.CreateWorkspace(t.Context(), access.Subject{}, name, "", Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.CreateProject(t.Context(), person("jane"), NewProject{Name: name, Cluster: "real", Workspace: name}); err != nil {
		t.Fatal(err)
	}
	phase := func() Project {
		p, err := s.service.Project(t.Context(), "real", name)
		if err != nil && !strings.Contains(err.Error(), "not found") {
			t.Fatal(err)
		}
		return p
	}
	await(t, "the project fails", func() bool { return phase().Phase == PhaseFailed })
	if p := phase(); !strings.Contains(p.Message, "exists already") {
		t.Errorf("%+v", p)
	}
	if code, _, _ := s.ask(t, "jane", "GET", "/api/v1/namespaces/"+name+"/pods", ""); code != 403 {
		t.Errorf("jane lists a foreign namespace: %d", code)
	}
	if namespaces, err := s.as(t, "jane").Resource(namespaceResource).List(t.Context(), metav1.ListOptions{}); err != nil || len(namespaces.Items) != 0 {
		t.Errorf("jane sees it: %v %v", namespaces, err)
	}
	if err := s.service.DeleteProject(t.Context(), "real", name); err != nil {
		t.Fatal(err)
	}
	await(t, "the failed project is gone", func() bool { return phase().Phase == "" })

	if _, err := s.service.CreateProject(t.Context(), person("root"), NewProject{Name: name, Cluster: "real", Workspace: name, Adopt: true}); err != nil {
		t.Fatal(err)
	}
	await(t, "the project is ready", func() bool { return phase().Phase == PhaseReady })
	if err := s.service.DeleteProject(t.Context(), "real", name); err != nil {
		t.Fatal(err)
	}
	await(t, "it is given back", func() bool { return phase().Phase == "" })
	left, err := s.admin.Resource(namespaceResource).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil || left.GetUID() != made.GetUID() || left.GetDeletionTimestamp() != nil {
		t.Fatalf("the namespace is not what it was: %v %v", left, err)
	}
	if labels := left.GetLabels(); labels[kube.LabelProject] != "" || labels[labelManaged] != "" || labels["theirs"] != "yes" {
		t.Errorf("labels %v", labels)
	}
	if bindings, err := s.admin.Resource(roleBindingResource).Namespace(name).List(t.Context(), metav1.ListOptions{}); err != nil || len(bindings.Items) != 0 {
		t.Errorf("bindings left: %v %v", bindings, err)
	}
}

func TestIntegrationANamespaceWithViolationsIsTakenOverOnRequestOnly(t *testing.T) {
	s := newSite(t)
	name := s.run + "-old"
	old := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}}
	if _, err := s.admin.Resource(namespaceResource).Create(t.Context(), old, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.admin.Resource(namespaceResource).Delete(context.Background(), name, metav1.DeleteOptions{})
	})
	pods := s.admin.Resource(podResource).Namespace(name)
	makePod := func(o *unstructured.Unstructured) {
		t.Helper()
		await(t, "a pod is there", func() bool { // its ServiceAccount comes a moment after the namespace
			_, err := pods.Create(t.Context(), o, metav1.CreateOptions{})
			if err != nil && !strings.Contains(err.Error(), "serviceaccount") {
				t.Fatal(err)
			}
			return err == nil
		})
	}
	makePod(pod("good", "x", map[string]any{"nodeName": "nowhere"}))
	if _, err := s.service.CreateWorkspace(t.Context(), access.Subject{}, name, "", Settings{}); err != nil {
		t.Fatal(err)
	}
	wanted := NewProject{Name: name, Cluster: "real", Workspace: name, Adopt: true}
	if v, err := s.service.violations(t.Context(), "real", name, PodSecurityBaseline); v != nil || err != nil {
		t.Errorf("of good pods: %v %v", v, err)
	}
	makePod(pod("bad", "x", map[string]any{"nodeName": "nowhere", "hostPID": true, "volumes": []any{map[string]any{"name": "host", "hostPath": map[string]any{"path": "/"}}}}))
	_, err := s.service.CreateProject(t.Context(), person("root"), wanted)
	if v := (*Violations)(nil); !errors.As(err, &v) || len(v.Pods) != 1 || !strings.HasPrefix(v.Pods[0], "bad: ") || !strings.Contains(v.Pods[0], "hostPath") || v.Level != PodSecurityBaseline {
		t.Fatalf("%v", err)
	}
	if namespace, err := s.admin.Resource(namespaceResource).Get(t.Context(), name, metav1.GetOptions{}); err != nil || namespace.GetLabels()[labelPodSecurity] != "" {
		t.Errorf("looking at it has changed it: %v %v", namespace, err)
	}
	if v, err := s.service.violations(t.Context(), "real", name, PodSecurityRestricted); err != nil || v == nil || len(v.Pods) != 2 {
		t.Errorf("of the stricter level: %v %v", v, err)
	}
	if v, err := s.service.violations(t.Context(), "real", name+"-none", PodSecurityBaseline); v != nil || err != nil {
		t.Errorf("of no namespace: %v %v", v, err)
	}
	wanted.AcceptViolations = true
	if _, err := s.service.CreateProject(t.Context(), person("root"), wanted); err != nil {
		t.Fatal(err)
	}
	await(t, "the project is ready", func() bool {
		p, err := s.service.Project(t.Context(), "real", name)
		return err == nil && p.Phase == PhaseReady
	})
	if _, err := pods.Get(t.Context(), "bad", metav1.GetOptions{}); err != nil {
		t.Errorf("what ran there: %v", err)
	}
}
