//go:build integration

// Many projects at once, a reconciler that is killed on the way, what comes back
// among all of them, and two replicas of which one keeps the cluster. The times
// are printed, and held to nothing but the patience of a test.

package tenancy

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
)

// another is one more replica on the same store.
func (s *site) another(t *testing.T, o Options) *Service {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	registry := kube.NewRegistry(ctx, []kube.Config{{Name: "real", Kubeconfig: os.Getenv("ATOLL_TEST_KUBECONFIG")}}, kube.Options{})
	service := New(ctx, s.store, s.index, registry, o)
	t.Cleanup(func() { service.Close(); registry.Close(); cancel() })
	return service
}

// fill makes many projects of one workspace, and removes their namespaces.
func (s *site) fill(t *testing.T, count int) (workspace string) {
	t.Helper()
	workspace = s.run + "-many"
	if _, err := s.service.CreateWorkspace(t.Context(), access.Subject{}, workspace, "", Settings{Isolated: true, Budget: amounts(t, "pods", "5000")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		began := time.Now()
		defer func() { t.Logf("told to remove %d namespaces in %v", count, time.Since(began)) }()
		var all sync.WaitGroup
		for part := range 8 {
			all.Go(func() {
				for i := part; i < count; i += 8 {
					_ = s.admin.Resource(namespaceResource).Delete(context.Background(), fmt.Sprintf("%s-%d", s.run, i), metav1.DeleteOptions{})
				}
			})
		}
		all.Wait()
	})
	small, err := ParseContainers(map[string]string{"cpu": "10m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		_, err := s.service.CreateProject(t.Context(), person("jane"), NewProject{
			Name: fmt.Sprintf("%s-%d", s.run, i), Cluster: "real", Workspace: workspace, ProjectSettings: ProjectSettings{Quota: amounts(t, "pods", "10"), Containers: small},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return workspace
}

// ready counts the projects that are.
func (s *site) ready(t *testing.T) int {
	t.Helper()
	all, err := s.service.Projects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, p := range all {
		if p.Phase == PhaseReady {
			count++
		}
	}
	return count
}

func TestIntegrationManyProjectsComeAlsoWhenTheReconcilerIsKilledMidway(t *testing.T) {
	s := newSite(t)
	s.service.Close() // nobody works until all are recorded
	const count = 100 // make bench has 500, whose removal would keep the cluster from what comes next
	workspace := s.fill(t, count)
	first := s.another(t, Options{})
	began := time.Now()
	await(t, "some are ready", func() bool { return s.ready(t) > count/5 })
	first.Close()
	if done := s.ready(t); done == count {
		t.Fatalf("all %d were ready before the reconciler was ended", done)
	}
	again := s.another(t, Options{})
	await(t, "all are ready", func() bool { return s.ready(t) == count })
	t.Logf("%d projects ready in %v, with a restart", count, time.Since(began))

	// A change of the workspace reaches them all.
	began = time.Now()
	if _, err := again.UpdateWorkspace(t.Context(), workspace, "", Settings{Isolated: true, Budget: amounts(t, "pods", "5000"), PodSecurity: PodSecurityRestricted}); err != nil {
		t.Fatal(err)
	}
	await(t, "all are restricted", func() bool {
		list, err := s.admin.Resource(namespaceResource).List(t.Context(), metav1.ListOptions{LabelSelector: labelPodSecurity + "=" + PodSecurityRestricted + "," + kube.LabelProject})
		if err != nil {
			t.Fatal(err)
		}
		mine := 0
		for _, one := range list.Items {
			if one.GetDeletionTimestamp() == nil {
				mine++
			}
		}
		return mine >= count
	})
	t.Logf("a change reached %d projects in %v", count, time.Since(began))

	s.drift(t, fmt.Sprintf("%s-%d", s.run, count/2))
}

// drift changes behind Atoll's back, one after the other, what a project stands
// on and what the cluster has once, and waits until each is as it was.
func (s *site) drift(t *testing.T, project string) {
	t.Helper()
	const merge = types.MergePatchType
	bindings, namespaces := s.admin.Resource(roleBindingResource).Namespace(project), s.admin.Resource(namespaceResource)
	quotas, ranges := s.admin.Resource(quotaResource).Namespace(project), s.admin.Resource(limitRangeResource).Namespace(project)
	isolation, roles, policies := s.admin.Resource(networkPolicyResource).Namespace(project), s.admin.Resource(clusterRoleResource), s.admin.Resource(policyResource)
	everybody := `{"subjects":[{"kind":"Group","name":"system:authenticated","apiGroup":"rbac.authorization.k8s.io"}]}`
	for _, c := range []struct {
		what  string
		of    dynamic.ResourceInterface
		name  string
		patch string // "": it is deleted
	}{
		{"the level of Pod Security", namespaces, project, `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`},
		{"the labels of the project", namespaces, project, `{"metadata":{"labels":{"atoll.dev/project":null,"atoll.dev/workspace":null,"app.kubernetes.io/managed-by":null}}}`},
		{"a binding", bindings, roleName(access.ProjectAdmin), ""},
		{"whom a binding binds", bindings, roleName(access.ProjectViewer), everybody},
		{"the quota", quotas, managed, ""},
		{"an amount of the quota", quotas, managed, `{"spec":{"hard":{"pods":"1000000"}}}`},
		{"the defaults of containers", ranges, managed, ""},
		{"the isolation", isolation, isolationName, ""},
		{"who is let in", isolation, isolationName, `{"spec":{"ingress":[{}]}}`},
		{"a role", roles, roleName(access.ProjectViewer), `{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}`},
		{"a policy", policies, "atoll-tokens", ""},
		{"what a policy says", policies, "atoll-secrets", `{"spec":{"validations":[{"expression":"true"}]}}`},
		{"that a policy is in force", s.admin.Resource(policyBindingResource), "atoll-pods", ""},
	} {
		was, err := c.of.Get(t.Context(), c.name, metav1.GetOptions{})
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		began := time.Now()
		if c.patch == "" {
			err = c.of.Delete(t.Context(), c.name, metav1.DeleteOptions{})
		} else {
			_, err = c.of.Patch(t.Context(), c.name, merge, []byte(c.patch), metav1.PatchOptions{})
		}
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		await(t, c.what+" is as it was", func() bool {
			now, err := c.of.Get(t.Context(), c.name, metav1.GetOptions{})
			return err == nil && digestOf(now) == digestOf(was)
		})
		t.Logf("%s is back after %v", c.what, time.Since(began).Round(time.Millisecond))
	}
}

func TestIntegrationOneReplicaKeepsTheClusterAndAnotherTakesOver(t *testing.T) {
	s := newSite(t)
	s.service.Close()
	leases := schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
	uid, err := s.service.platformUID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	holder := func() string {
		lease, err := s.admin.Resource(leases).Namespace(systemNamespace).Get(t.Context(), "atoll-"+uid, metav1.GetOptions{})
		if err != nil {
			return ""
		}
		name, _, _ := unstructured.NestedString(lease.Object, "spec", "holderIdentity")
		return name
	}
	a := s.another(t, Options{Identity: "a"})
	await(t, "a leads", func() bool { return holder() == "a" })
	s.another(t, Options{Identity: "b"})
	p := s.project(t, "one", nil)
	if holder() != "a" {
		t.Errorf("%q leads", holder())
	}
	a.Close()
	await(t, "b leads", func() bool { return holder() == "b" })
	if err := s.admin.Resource(roleBindingResource).Namespace(p.Name).Delete(t.Context(), roleName(access.ProjectAdmin), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "b repairs", func() bool {
		_, err := s.admin.Resource(roleBindingResource).Namespace(p.Name).Get(t.Context(), roleName(access.ProjectAdmin), metav1.GetOptions{})
		return err == nil
	})
}
