//go:build integration

// What the tests on a real cluster stand on: a server whose cluster is that one,
// and projects in it that go again.

package server

import (
	"context"
	"io/fs"
	"os"
	"testing"

	"github.com/atoll-platform/atoll/core/kube"
)

// startOnCluster runs a server whose cluster, called "local" in it, is the one
// that ATOLL_TEST_KUBECONFIG names, with packages that come with the binary.
func startOnCluster(t *testing.T, shipped fs.FS) *running {
	t.Helper()
	kubeconfig := os.Getenv("ATOLL_TEST_KUBECONFIG")
	if kubeconfig == "" {
		t.Fatal("ATOLL_TEST_KUBECONFIG names no kubeconfig: these tests need a real cluster (make test-integration)")
	}
	c := testConfig(t, t.TempDir())
	c.Clusters = []ClusterFile{{Name: "local", Title: "Local", Kubeconfig: kubeconfig}}
	r := startShipped(t, c, shipped)
	eventually(t, "the cluster is ready", func() bool { return r.clusters.List()[0].Phase == kube.PhaseReady })
	return r
}

// newProject makes a workspace and a project in it, both of that name. When the
// test ends, the project goes, and its namespace.
func (b *browser) newProject(name string) {
	b.r.t.Helper()
	b.must("POST", "/api/v1/workspaces", map[string]any{"name": name}, 201)
	b.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": name, "workspace": name}, 201)
	b.r.t.Cleanup(func() {
		status := func(method, path string) int { // the test's own context has ended
			response, err := plainClient.Do(b.r.request(b, method, path, nil, nil).WithContext(context.Background()))
			if err != nil {
				b.r.t.Fatal(err)
			}
			response.Body.Close()
			return response.StatusCode
		}
		status("DELETE", "/api/v1/clusters/local/projects/"+name+"?confirm="+name)
		eventually(b.r.t, "the project is gone", func() bool { return status("GET", "/clusters/local/api/v1/namespaces/"+name) == 404 })
	})
}
