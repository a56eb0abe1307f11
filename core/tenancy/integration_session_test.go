//go:build integration

// Long connections to a real node: watch, logs, exec, attach, port-forward,
// and kubectl itself.

package tenancy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"

	"github.com/atoll-platform/atoll/core/access"
)

func clientcmdConfig(s *site, name string) *api.Config {
	c := api.NewConfig()
	c.Clusters["c"] = &api.Cluster{Server: s.URL + "/clusters/real", CertificateAuthorityData: s.authority()}
	c.AuthInfos["u"] = &api.AuthInfo{Token: name}
	c.Contexts["c"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	c.CurrentContext = "c"
	return c
}

// running makes a pod as jane and waits, by a watch through Atoll, until it
// runs.
func (s *site) running(t *testing.T, namespace, name string) {
	t.Helper()
	s.needRealNode(t)
	loadImage(t)
	pods := s.as(t, "jane").Resource(podResource).Namespace(namespace)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the pod is accepted", func() bool { // its ServiceAccount comes a moment after the namespace
		_, err = pods.Create(t.Context(), pod(name, testImage, nil), metav1.CreateOptions{})
		return err == nil || !strings.Contains(err.Error(), "serviceaccount")
	})
	if err != nil {
		t.Fatal(err)
	}
	for event := range changes.ResultChan() {
		one, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			t.Fatalf("%+v", event)
		}
		if phase, _, _ := unstructured.NestedString(one.Object, "status", "phase"); phase == "Running" {
			return
		}
	}
	t.Fatal("the watch ended before the pod ran")
}

func (s *site) podURL(namespace, name, subresource string, query url.Values) *url.URL {
	u, _ := url.Parse(s.URL + "/clusters/real/api/v1/namespaces/" + namespace + "/pods/" + name + "/" + subresource)
	u.RawQuery = query.Encode()
	return u
}

func TestIntegrationSessionsIntoAPod(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", map[string]string{"vera": access.ProjectViewer})
	s.running(t, p.Name, "main")

	command := url.Values{"command": {"/testpod", "through"}, "stdin": {"true"}, "stdout": {"true"}, "stderr": {"true"}, "container": {"main"}}
	executors := map[string]func(*rest.Config) (remotecommand.Executor, error){
		"SPDY": func(c *rest.Config) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(c, http.MethodPost, s.podURL(p.Name, "main", "exec", command))
		},
		"WebSocket": func(c *rest.Config) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(c, http.MethodGet, s.podURL(p.Name, "main", "exec", command).String())
		},
	}
	for protocol, executor := range executors {
		t.Run("exec by "+protocol, func(t *testing.T) {
			e, err := executor(s.config("jane"))
			if err != nil {
				t.Fatal(err)
			}
			big := strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB through and back
			var out, wrong bytes.Buffer
			err = e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader(big), Stdout: &out, Stderr: &wrong})
			if err == nil || !strings.Contains(err.Error(), "exit code 3") {
				t.Errorf("exit: %v", err)
			}
			if out.String() != big+"done\n" || wrong.String() != "wrong\n" {
				t.Errorf("%d bytes out, %q wrong", out.Len(), wrong.String())
			}
		})
		t.Run("a viewer does not exec by "+protocol, func(t *testing.T) {
			e, err := executor(s.config("vera"))
			if err != nil {
				t.Fatal(err)
			}
			if err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard}); err == nil {
				t.Error("a viewer went in")
			}
		})
	}

	t.Run("logs follow", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", s.podURL(p.Name, "main", "log", url.Values{"follow": {"true"}}).String(), nil)
		req.Header.Set("Authorization", "Bearer vera")
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		for i := range 4 {
			if !lines.Scan() || lines.Text() != fmt.Sprintf("line %d", i) {
				t.Fatalf("line %d: %q %v", i, lines.Text(), lines.Err())
			}
		}
		cancel()
		await(t, "nothing is in flight", func() bool { return s.proxy.InFlight() == 0 })
	})

	t.Run("losing the role ends a watch, a log and a session", func(t *testing.T) {
		scope := access.BindingScope{Kind: access.KindProject, UID: p.UID}
		if err := s.service.SetMember(t.Context(), scope, person("dan").UID, access.ProjectDeveloper); err != nil {
			t.Fatal(err)
		}
		var bodies []io.Reader
		for _, path := range []string{"/pods?watch=true", "/pods/main/log?follow=true"} {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/clusters/real/api/v1/namespaces/"+p.Name+path, nil)
			req.Header.Set("Authorization", "Bearer dan")
			res, err := s.Client().Do(req)
			if err != nil || res.StatusCode != 200 {
				t.Fatalf("%v %v", res, err)
			}
			defer res.Body.Close()
			bodies = append(bodies, res.Body)
		}
		e, err := remotecommand.NewWebSocketExecutor(s.config("dan"), http.MethodGet, s.podURL(p.Name, "main", "exec", url.Values{"command": {"/testpod", "greet"}, "stdin": {"true"}, "stdout": {"true"}}).String())
		if err != nil {
			t.Fatal(err)
		}
		in, typed := io.Pipe()
		defer typed.Close()
		said, out := io.Pipe()
		over := make(chan error, 1)
		go func() {
			over <- e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: in, Stdout: out})
			out.Close()
		}()
		if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || line != "in\n" {
			t.Fatalf("%q %v", line, err)
		}
		if err := s.service.RemoveMember(t.Context(), scope, person("dan").UID); err != nil {
			t.Fatal(err)
		}
		for _, body := range bodies {
			if _, err := io.Copy(io.Discard, body); err == nil {
				t.Error("a stream ended as if it were complete")
			}
		}
		if err := <-over; err == nil {
			t.Error("the session ended as if it were complete")
		}
	})

	for protocol, dialer := range map[string]func() (httpstream.Dialer, error){
		"SPDY": func() (httpstream.Dialer, error) {
			transport, upgrader, err := spdy.RoundTripperFor(s.config("jane"))
			if err != nil {
				return nil, err
			}
			return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, s.podURL(p.Name, "main", "portforward", nil)), nil
		},
		"WebSocket": func() (httpstream.Dialer, error) {
			return portforward.NewSPDYOverWebsocketDialer(s.podURL(p.Name, "main", "portforward", nil), s.config("jane"))
		},
	} {
		t.Run("port-forward by "+protocol, func(t *testing.T) {
			d, err := dialer()
			if err != nil {
				t.Fatal(err)
			}
			stop, ready := make(chan struct{}), make(chan struct{})
			var wrong bytes.Buffer
			forwarder, err := portforward.NewOnAddresses(d, []string{"127.0.0.1"}, []string{"0:8080"}, stop, ready, io.Discard, &wrong)
			if err != nil {
				t.Fatal(err)
			}
			over := make(chan error, 1)
			go func() { over <- forwarder.ForwardPorts() }()
			select {
			case <-ready:
			case err := <-over:
				t.Fatal(err)
			}
			ports, err := forwarder.GetPorts()
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/hello", ports[0].Local))
			if err != nil {
				t.Fatalf("%v; %s", err, wrong.String())
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if string(text) != "served by the pod\n" {
				t.Errorf("%q", text)
			}
			close(stop)
			<-over
		})
	}
}

func TestIntegrationKubectlWorksAsItIs(t *testing.T) {
	s := newSite(t)
	p := s.project(t, "a", map[string]string{"vera": access.ProjectViewer})
	kubectl := func(who, stdin string, args ...string) string {
		t.Helper()
		out, err := s.kubectl(t, who, stdin, args...)
		if err != nil {
			t.Fatalf("kubectl %q as %s: %v\n%s", args, who, err, out)
		}
		return out
	}
	expect := func(out, want string) {
		t.Helper()
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	const manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: by-kubectl}\ndata: {a: b}\n"
	expect(kubectl("jane", manifest, "apply", "-n", p.Name, "-f", "-"), "configmap/by-kubectl created")
	expect(kubectl("jane", manifest, "apply", "-n", p.Name, "-f", "-"), "unchanged")
	expect(kubectl("jane", manifest, "apply", "--server-side", "--force-conflicts", "-n", p.Name, "-f", "-"), "serverside-applied")
	expect(kubectl("vera", "", "get", "configmaps", "-n", p.Name), "by-kubectl")
	expect(kubectl("vera", "", "get", "configmaps", "-A"), p.Name)
	expect(kubectl("vera", "", "get", "namespaces"), p.Name)
	expect(kubectl("nobody", "", "get", "pods", "-A"), "No resources found")
	expect(kubectl("nobody", "", "api-resources"), "deployments")
	expect(kubectl("vera", "", "explain", "pod.spec.containers.image"), "image")
	expect(kubectl("jane", "", "auth", "can-i", "create", "pods", "-n", p.Name), "yes")
	expect(kubectl("jane", "", "auth", "whoami"), "atoll:jane")
	if out, err := s.kubectl(t, "vera", "", "auth", "can-i", "get", "secrets", "-n", p.Name); err == nil || strings.TrimSpace(out) != "no" {
		t.Errorf("can-i: %v %s", err, out)
	}
	if out, err := s.kubectl(t, "vera", "", "get", "secrets", "-n", p.Name); err == nil || !strings.Contains(out, "Forbidden") || !strings.Contains(out, "atoll:vera") {
		t.Errorf("secrets: %v %s", err, out)
	}

	s.running(t, p.Name, "main")
	expect(kubectl("jane", "", "exec", "-n", p.Name, "main", "--", "/testpod", "echo", "hello"), "hello")
	expect(kubectl("vera", "", "logs", "-n", p.Name, "main", "--tail=1"), "line")
	file := filepath.Join(t.TempDir(), "f")
	text := strings.Repeat("copied\n", 20000)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl("jane", "", "cp", "-n", p.Name, file, "main:/tmp/f")
	kubectl("jane", "", "cp", "-n", p.Name, "main:/tmp/f", file+".back")
	if back, err := os.ReadFile(file + ".back"); err != nil || string(back) != text {
		t.Errorf("copied back %d bytes: %v", len(back), err)
	}
	expect(kubectl("jane", "", "delete", "pod", "-n", p.Name, "main", "--wait"), "deleted")
}
