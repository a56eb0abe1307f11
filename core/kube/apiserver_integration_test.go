//go:build integration

// A real API server that is stopped, killed, started again, and whose
// certificates run out, while kubectl and one of client-go's informers work
// through Atoll. It is a process of these tests' own, with an etcd and without
// nodes: the cluster that other tests use stays as it is.

package kube

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// apiServer is a kube-apiserver with its etcd, each a process.
type apiServer struct {
	*authority
	t       *testing.T
	dir     string
	program string // kube, which is all of them
	port    string
	etcd    string // its address
	cmd     *exec.Cmd
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	kubeconfig := os.Getenv("ATOLL_TEST_KUBECONFIG")
	if kubeconfig == "" {
		t.Fatal("ATOLL_TEST_KUBECONFIG is not set: it leads to the programs of a local cluster (make test-integration)")
	}
	s := &apiServer{authority: newAuthority(t), t: t, dir: t.TempDir(), program: filepath.Join(filepath.Dir(kubeconfig), "bin", "kube")}
	if _, err := os.Stat(s.program); err != nil {
		t.Skipf("the cluster was not built here, there is no API server to start: %v", err)
	}
	s.show(time.Hour)
	s.client(s.file("atoll.crt"), s.file("atoll.key"), time.Hour)
	replace(t, s.file("ca.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw}))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // of service accounts
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalECPrivateKey(key)
	replace(t, s.file("accounts.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))

	s.etcd, s.port = "http://"+freeAddress(t), strings.Split(freeAddress(t), ":")[1]
	peer := "http://" + freeAddress(t)
	s.run("etcd", "--data-dir="+s.file("etcd"), "--listen-client-urls="+s.etcd, "--advertise-client-urls="+s.etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer, "--unsafe-no-fsync", "--log-level=error")
	s.start()
	t.Cleanup(func() {
		if text, err := os.ReadFile(s.file("kube-apiserver.log")); err == nil && t.Failed() {
			t.Logf("the end of the API server's log:\n%s", text[max(0, len(text)-3000):])
		}
	})
	config := api.NewConfig()
	config.Clusters["c"] = &api.Cluster{Server: "https://127.0.0.1:" + s.port, CertificateAuthority: s.file("ca.crt")}
	config.AuthInfos["u"] = &api.AuthInfo{ClientCertificate: s.file("atoll.crt"), ClientKey: s.file("atoll.key")}
	config.Contexts["c"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "c"
	if err := clientcmd.WriteToFile(*config, s.file("kubeconfig")); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *apiServer) file(name string) string { return filepath.Join(s.dir, name) }

// show writes the certificate that the API server shows, which ends so long from
// now. It lies in one file with its key, so that both change together; an API
// server that runs reads it again.
func (s *apiServer) show(life time.Duration) {
	s.t.Helper()
	c := s.serving(life)
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		s.t.Fatal(err)
	}
	replace(s.t, s.file("serving"), append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...))
}

// freeAddress is one on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// run starts one of the programs; it ends with the test.
func (s *apiServer) run(args ...string) *exec.Cmd {
	s.t.Helper()
	log, err := os.OpenFile(s.file(args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(s.program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill() // stopped or not; it may have ended
		_ = cmd.Wait()
		log.Close()
	})
	return cmd
}

func (s *apiServer) start() {
	s.t.Helper()
	s.cmd = s.run("kube-apiserver", "--etcd-servers="+s.etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port="+s.port,
		"--endpoint-reconciler-type=none", "--cert-dir="+s.file("run"), "--tls-cert-file="+s.file("serving"), "--tls-private-key-file="+s.file("serving"),
		"--client-ca-file="+s.file("ca.crt"), "--anonymous-auth=false", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.99.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+s.file("accounts.key"), "--service-account-signing-key-file="+s.file("accounts.key"),
		"--profiling=false", "--v=1")
}

func (s *apiServer) signal(which syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(which); err != nil {
		s.t.Fatal(err)
	}
}

func (s *apiServer) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	_ = s.cmd.Wait() // "signal: killed"
}

// front is the house on HTTPS, where the bearer token is a person's name.
func (h *house) front(t *testing.T) *httptest.Server {
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		person, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		h.proxy.ServeHTTP(w, r, accessOf(person), "local", strings.TrimPrefix(r.URL.EscapedPath(), "/clusters/local"))
	}))
	front.StartTLS()
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections)
	return front
}

// kubectl runs kubectl as jane, who has a minute.
func (s *apiServer) kubectl(front *httptest.Server, args ...string) (string, error) {
	s.t.Helper()
	config := api.NewConfig()
	config.Clusters["c"] = &api.Cluster{Server: front.URL + "/clusters/local", CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})}
	config.AuthInfos["u"] = &api.AuthInfo{Token: "jane"}
	config.Contexts["c"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "c"
	file := s.file("jane.kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, append([]string{"kubectl", "--kubeconfig", file}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+s.dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		s.t.Errorf("kubectl %q hung: %s", args, out.String())
	}
	return out.String(), err
}

func object(apiVersion, kind, namespace, name string, more map[string]any) *unstructured.Unstructured {
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
	for k, v := range more {
		o[k] = v
	}
	return &unstructured.Unstructured{Object: o}
}

func TestIntegrationAnAPIServerThatIsGoneComesBackByItself(t *testing.T) {
	s := newAPIServer(t)
	h := newHouseAt(t, s.file("kubeconfig"), Options{Probe: time.Second, ProbeTimeout: 3 * time.Second, Patience: 6 * time.Second})
	var out string // what kubectl said last
	await := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !condition(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited too long until %s; the cluster is %+v; kubectl said %s", what, h.registry.List()[0], out)
			}
		}
	}
	phase := func(want Phase, message string) func() bool {
		return func() bool { c := h.registry.List()[0]; return c.Phase == want && strings.Contains(c.Message, message) }
	}
	await("the API server is ready", phase(PhaseReady, ""))
	front := h.front(t)

	cluster, _ := h.registry.Get("local")
	own := func() dynamic.Interface { // the platform's own client, as reconcilers have it
		config, err := cluster.REST()
		if err != nil {
			t.Fatal(err)
		}
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	create := func(gvr schema.GroupVersionResource, o *unstructured.Unstructured) {
		t.Helper()
		client := dynamic.ResourceInterface(own().Resource(gvr))
		if ns := o.GetNamespace(); ns != "" {
			client = own().Resource(gvr).Namespace(ns)
		}
		if _, err := client.Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	rbac := func(resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: resource}
	}
	create(rbac("clusterroles"), object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "member", map[string]any{
		"rules": []any{map[string]any{"apiGroups": []any{""}, "resources": []any{"configmaps"}, "verbs": []any{"*"}}},
	}))
	for name, group := range map[string]string{"alpha": "atoll:project:uid-alpha:admin", "beta": "atoll:project:uid-beta:viewer"} {
		create(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, object("v1", "Namespace", "", name, nil))
		create(rbac("rolebindings"), object("rbac.authorization.k8s.io/v1", "RoleBinding", name, "members", map[string]any{
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "member"},
			"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}},
		}))
	}
	await("the bindings are obeyed", func() bool {
		var err error
		out, err = s.kubectl(front, "get", "configmaps", "-A")
		return err == nil
	})

	// An informer over all of jane's projects, all the time.
	client, err := dynamic.NewForConfig(&rest.Config{Host: front.URL + "/clusters/local", BearerToken: "jane", QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})}})
	if err != nil {
		t.Fatal(err)
	}
	informer := dynamicinformer.NewDynamicSharedInformerFactory(client, 0).ForResource(configMaps).Informer()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { informer.RunWithContext(ctx) })
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		t.Fatal("the informer does not come in step")
	}
	n := 0
	works := func(after string) {
		t.Helper()
		n++
		began := time.Now()
		await(after+", kubectl writes again", func() bool {
			out, err = s.kubectl(front, "create", "configmap", fmt.Sprintf("n%d", n), "-n", "alpha")
			return err == nil || strings.Contains(out, "AlreadyExists")
		})
		await(after+", the informer hears of it", func() bool {
			_, ok, err := informer.GetStore().GetByKey(fmt.Sprintf("alpha/n%d", n))
			return err == nil && ok
		})
		t.Logf("%s: all works again after %.1f s", after, time.Since(began).Seconds())
	}
	// says asks with kubectl, which must read why.
	says := func(why string) {
		t.Helper()
		began := time.Now()
		for _, args := range [][]string{{"get", "configmaps", "-A"}, {"get", "configmaps", "-n", "alpha"}, {"delete", "configmap", "none", "-n", "alpha"}} {
			out, err := s.kubectl(front, args...)
			if err == nil || !strings.Contains(out, `the cluster "local"`) || !strings.Contains(out, why) {
				t.Errorf("kubectl %q: %v\n%s\nwant %q", args, err, out, why)
			}
		}
		t.Logf("kubectl says %q; three calls took %.1f s", why, time.Since(began).Seconds())
	}
	works("at first")

	// It hangs, as a machine does that is out of memory.
	s.signal(syscall.SIGSTOP)
	began := time.Now()
	if out, err := s.kubectl(front, "get", "configmaps", "-n", "alpha"); err == nil || !strings.Contains(out, `the cluster "local" does not answer`) {
		t.Errorf("a request on its way: %v %s", err, out)
	}
	t.Logf("a request on its way was given up after %.1f s", time.Since(began).Seconds())
	await("it is known to hang", phase(PhaseUnreachable, "no sign of life since"))
	await("nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
	says("no sign of life since")
	s.signal(syscall.SIGCONT)
	await("it is ready", phase(PhaseReady, ""))
	works("after it hung")

	// It ends, and is started again.
	s.kill()
	await("it is known to be gone", phase(PhaseUnreachable, "refuses connections"))
	says("refuses connections")
	s.start()
	await("it is ready", phase(PhaseReady, ""))
	works("after it was killed")

	// Its certificate has run out, and is renewed while it runs.
	s.kill()
	s.show(-time.Minute)
	s.start()
	await("its certificate is refused", phase(PhaseUnreachable, "shows a certificate that expired at"))
	says("shows a certificate that expired at")
	s.show(time.Hour)
	await("it is ready", phase(PhaseReady, ""))
	works("after its certificate was renewed")

	// Atoll's own runs out.
	s.client(s.file("atoll.crt"), s.file("atoll.key"), -time.Minute)
	await("Atoll is refused", phase(PhaseUnreachable, "the client certificate in its kubeconfig expired"))
	says("the client certificate in its kubeconfig expired")
	s.client(s.file("atoll.crt"), s.file("atoll.key"), time.Hour)
	await("it is ready", phase(PhaseReady, ""))
	works("after Atoll's certificate was renewed")
}
