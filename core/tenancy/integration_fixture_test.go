//go:build integration

// What the tests on a real cluster stand on: the tenants' service, the proxy
// before it on HTTPS, and people who are who their token says.

package tenancy

import (
	"bytes"
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

var (
	podResource    = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	secretResource = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	configResource = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
)

// site is an Atoll of tenancy and kube on the real cluster, which is called
// "real" in it.
type site struct {
	*httptest.Server
	service *Service
	index   *access.Index
	store   store.Store
	proxy   *kube.Proxy
	admin   dynamic.Interface // the cluster itself, not through Atoll
	direct  *rest.Config
	run     string // makes names of this run
}

// need reads a variable without which nothing here can be tested.
func need(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: these tests need a real cluster (make test-integration)", name)
	}
	return value
}

func newSite(t *testing.T) *site {
	t.Helper()
	kubeconfig := need(t, "ATOLL_TEST_KUBECONFIG")
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1 // a test waits for Kubernetes, and not for itself
	s := &site{direct: config, run: "it-" + access.NewUID()[:6]}
	if s.admin, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.store, err = store.OpenBolt(filepath.Join(t.TempDir(), "store.db"), store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	if s.index, err = access.NewIndex(t.Context(), s.store); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.index.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	registry := kube.NewRegistry(ctx, []kube.Config{{Name: "real", Kubeconfig: kubeconfig}}, kube.Options{})
	t.Cleanup(registry.Close)
	t.Cleanup(func() { // what the cluster keeps of an Atoll, once it is closed
		uid, err := (&Service{store: s.store}).platformUID(context.Background())
		if err != nil {
			t.Error(err)
		}
		_ = s.admin.Resource(configMapResource).Namespace(systemNamespace).Delete(context.Background(), "hosts-"+uid, metav1.DeleteOptions{})
		_ = s.admin.Resource(schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}).Namespace(systemNamespace).Delete(context.Background(), "atoll-"+uid, metav1.DeleteOptions{})
	})
	s.service = New(ctx, s.store, s.index, registry, Options{})
	t.Cleanup(s.service.Close)
	if _, err := s.service.platformUID(t.Context()); err != nil {
		t.Fatal(err) // written now, so that tests compare stores that have it
	}
	s.proxy = kube.NewProxy(registry, s.index, kube.ProxyOptions{Ledger: s.service})
	t.Cleanup(s.proxy.Close)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		who := person(name)
		if cookie, err := r.Cookie("person"); err == nil {
			who, ok = person(cookie.Value), true
			who.Via = access.ViaSession
		}
		who.ReadOnly = r.Header.Get("X-Test-Read-Only") != ""
		r.Header.Del("X-Test-Read-Only")
		rest, under := strings.CutPrefix(r.URL.EscapedPath(), "/clusters/real")
		if !ok || !under {
			http.Error(w, "who, or where?", http.StatusUnauthorized)
			return
		}
		s.proxy.ServeHTTP(w, r, who, "real", rest)
	}))
	s.StartTLS()
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	if _, err := access.SetPlatformRoles(t.Context(), s.store, person("root").UID, []string{access.PlatformAdmin}); err != nil {
		t.Fatal(err)
	}
	return s
}

func person(name string) access.Subject {
	return access.Subject{Name: name, UID: "uid-" + name, Via: access.ViaToken}
}

// config is how a person reaches the cluster through Atoll.
func (s *site) config(name string) *rest.Config {
	return &rest.Config{
		Host: s.URL + "/clusters/real", BearerToken: name, QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: s.authority()},
	}
}

func (s *site) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// as is a client of a person.
func (s *site) as(t *testing.T, name string) dynamic.Interface {
	t.Helper()
	client, err := dynamic.NewForConfig(s.config(name))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// project makes a ready project whose administrator is jane, and removes it.
func (s *site) project(t *testing.T, suffix string, members map[string]string) Project {
	t.Helper()
	name := s.run + "-" + suffix
	if _, err := s.service.CreateWorkspace(t.Context(), access.Subject{}, name, "", Settings{}); err != nil {
		t.Fatal(err)
	}
	p, err := s.service.CreateProject(t.Context(), person("jane"), NewProject{Name: name, Cluster: "real", Workspace: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.admin.Resource(namespaceResource).Delete(context.Background(), name, metav1.DeleteOptions{})
	})
	for who, role := range members {
		if err := s.service.SetMember(t.Context(), access.BindingScope{Kind: access.KindProject, UID: p.UID}, person(who).UID, role); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the project is ready", func() bool {
		now, err := s.service.Project(t.Context(), "real", name)
		p = now
		return err == nil && now.Phase == PhaseReady
	})
	// The API server's authorizer learns of a binding a moment after its write.
	await(t, "the bindings are obeyed", func() bool {
		_, err := s.as(t, "jane").Resource(podResource).Namespace(name).List(t.Context(), metav1.ListOptions{Limit: 1})
		return err == nil
	})
	return p
}

// kubectl is the cluster's own kubectl as a person through Atoll.
func (s *site) kubectl(t *testing.T, name string, stdin string, args ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	config := clientcmdConfig(s, name)
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := slices.Concat(kubectlCommand(t), []string{"--kubeconfig", file}, args)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// kubectlCommand is the kubectl that the local cluster brings, unless one is
// named.
func kubectlCommand(t *testing.T) []string {
	t.Helper()
	if named := strings.Fields(os.Getenv("ATOLL_TEST_KUBECTL")); len(named) > 0 {
		return named
	}
	beside := filepath.Join(filepath.Dir(need(t, "ATOLL_TEST_KUBECONFIG")), "bin", "kube")
	if _, err := os.Stat(beside); err == nil {
		return []string{beside, "kubectl"}
	}
	found, err := exec.LookPath("kubectl")
	if err != nil {
		t.Fatalf("no cluster's own kubectl at %s and none in the path", beside)
	}
	return []string{found}
}

// needRealNode skips what only containers can show, and says why.
func (s *site) needRealNode(t *testing.T) {
	t.Helper()
	nodes, err := s.admin.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"}).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes.Items) == 0 {
		t.Fatal("the cluster has no node")
	}
	for _, n := range nodes.Items {
		if _, simulated := n.GetAnnotations()["kwok.x-k8s.io/node"]; simulated {
			t.Skip("the node is simulated: no container runs there")
		}
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long until %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
