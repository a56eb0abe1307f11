//go:build integration

// The shipped extension logging against a real cluster: ATOLL_TEST_KUBECONFIG
// names it, and ATOLL_TEST_NAMESPACE (demo) a namespace with a pod that goes on
// writing. What the proxy adds, impersonation, has tests of its own; here the door
// goes to the cluster as the kubeconfig's user and counts what is open.
package extension

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
)

// realCluster is the way to a cluster, counting log streams.
type realCluster struct {
	client *http.Client
	base   *url.URL
	open   atomic.Int64
}

func newRealCluster(t *testing.T) *realCluster {
	t.Helper()
	path := os.Getenv("ATOLL_TEST_KUBECONFIG")
	if path == "" {
		t.Fatal("ATOLL_TEST_KUBECONFIG names no kubeconfig: these tests need a real cluster")
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	return &realCluster{client: client, base: base}
}

func (c *realCluster) RoundTrip(ctx context.Context, _ access.Subject, _ string, r *http.Request, _ capability.Via) (*http.Response, error) {
	r = r.Clone(ctx)
	r.URL.Scheme, r.URL.Host, r.Host = c.base.Scheme, c.base.Host, ""
	resp, err := c.client.Do(r)
	if err == nil && strings.HasSuffix(r.URL.Path, "/log") && resp.StatusCode == http.StatusOK {
		c.open.Add(1)
		// The stream has ended when reading it fails or it is closed, whichever is first.
		resp.Body = &countedBody{ReadCloser: resp.Body, ended: func() { c.open.Add(-1) }}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	once  atomic.Bool
	ended func()
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.once.CompareAndSwap(false, true) {
		b.ended()
	}
	return n, err
}

func (b *countedBody) Close() error {
	if b.once.CompareAndSwap(false, true) {
		b.ended()
	}
	return b.ReadCloser.Close()
}

// do asks the cluster as the test itself.
func (c *realCluster) do(t *testing.T, method, path string, in, out any) int {
	t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = strings.NewReader(string(raw))
	}
	r, err := http.NewRequest(method, c.base.JoinPath(path).String(), body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 400 && method != "DELETE" {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode
}

func TestIntegrationLogsOfARealClusterAreFollowed(t *testing.T) {
	cluster := newRealCluster(t)
	namespace := cmp.Or(os.Getenv("ATOLL_TEST_NAMESPACE"), "demo")
	w := newWorld(t, nil)
	w.engine = newEngine(t, capability.NewDoor(cluster, slog.New(slog.DiscardHandler)))
	w.Host = w.host(t, nil)
	w.write(t, record(t, access.ProjectPrefix+"local/"+namespace, access.Project{UID: "p-real", Name: namespace, Cluster: "local", WorkspaceUID: "w-shop"}))
	w.install(t, loggingPackage(t))

	// A pod of our own that starts while we follow, like one that is there.
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct {
				Containers []struct {
					Name            string   `json:"name"`
					Image           string   `json:"image"`
					Command         []string `json:"command,omitempty"`
					Args            []string `json:"args,omitempty"`
					ImagePullPolicy string   `json:"imagePullPolicy,omitempty"`
				}
			}
			Status struct{ Phase string }
		}
	}
	cluster.do(t, "GET", "/api/v1/namespaces/"+namespace+"/pods", nil, &list)
	like := -1
	for i, item := range list.Items {
		if item.Status.Phase == "Running" && len(item.Spec.Containers) > 0 {
			like = i
		}
	}
	if like < 0 {
		t.Fatalf("no pod runs in namespace %s", namespace)
	}

	server := w.loggingServer(t)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	resp := followLogs(t, ctx, server, "root", namespace)
	lines := make(chan logLine, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			l := logLine{arrived: time.Now()}
			if json.Unmarshal(s.Bytes(), &l) == nil {
				lines <- l
			}
		}
	}()
	name := "logging-test-" + strings.ToLower(access.NewUID()[:8])
	path := "/api/v1/namespaces/" + namespace + "/pods"
	began := time.Now()
	cluster.do(t, "POST", path, map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"containers": list.Items[like].Spec.Containers, "terminationGracePeriodSeconds": 0, "restartPolicy": "Never"},
	}, nil)
	t.Cleanup(func() { cluster.do(t, "DELETE", path+"/"+name, nil, nil) })

	timeout := time.After(90 * time.Second)
	seen := map[string]int{}
	var latest time.Duration
	for seen[name] < 1 || len(seen) < 2 {
		select {
		case l, ok := <-lines:
			if !ok {
				t.Fatalf("the stream ended; lines of %v", seen)
			}
			if l.Kind == "notice" {
				t.Logf("notice about %s: %s", l.Pod, l.Line)
				continue
			}
			written, err := time.Parse(time.RFC3339Nano, l.Time)
			if err != nil || l.Pod == "" || l.Container == "" {
				t.Fatalf("%+v, %v", l, err)
			}
			seen[l.Pod]++
			if written.After(began) {
				latest = max(latest, l.arrived.Sub(written))
			}
		case <-timeout:
			t.Fatalf("lines of %v, none of %s", seen, name)
		}
	}
	t.Logf("lines of %v; a line arrived at most %s after it was written", seen, latest)
	if cluster.open.Load() < 2 {
		t.Errorf("%d log streams are open", cluster.open.Load())
	}
	began = time.Now()
	leave()
	eventually(t, "the log streams of Kubernetes are closed", func() bool { return cluster.open.Load() == 0 })
	t.Logf("the log streams of Kubernetes ended %s after the reader left", time.Since(began))
}

// logLine is a line as a client reads it.
type logLine struct {
	Time, Pod, Container, Line, Kind string

	arrived time.Time
}
