// Paths: what is canonical, what they point at, and that nothing slips by.

package kube

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestPathsThatAreNotCanonicalAreRefused(t *testing.T) {
	for _, path := range []string{
		"", "api", "//api/v1", "/api//v1/pods", "/api/v1/namespaces/a/../b/pods", "/api/v1/./pods", "/..", "/api/v1/namespaces/a/..",
		"/api/v1/namespaces/a%2fpods", "/api/v1/namespaces/a%2Fpods", "/api/v1/namespaces/%2e%2e/b", "/api/v1/namespaces/.%2e/b",
		"/api/v1/namespaces/a%5c..%5cb", "/api/v1/namespaces/a\\b", "/api/v1/namespaces/..;/b", "/api/v1/namespaces/a;x=y/pods",
		"/api/v1/namespaces/a%3bx/pods", "/api/v1/namespaces/a%252fb", "/api/v1/namespaces/a%00b", "/api/v1/namespaces/a%0d%0ab",
		"/api/v1/namespaces/a b", "/api/v1/namespaces/a\x00b", "/api/v1/namespaces/a%", "/api/v1/namespaces/a%2", "/api/v1/namespaces/a%zz",
		"/api/v1/namespaces/ä/pods", "/api/v1/namespaces/%ff%fe/pods", "/api/v1?watch=true", "/api/v1#x", "/" + strings.Repeat("a", maxPath),
	} {
		if _, err := parseTarget(http.MethodGet, path, ""); !errors.Is(err, ErrPath) {
			t.Errorf("parseTarget(%q) = %v, want ErrPath", path, err)
		}
	}
}

func TestTargetsAreReadAsAnAPIServerReadsThem(t *testing.T) {
	for _, c := range []struct {
		method, path, query string
		want                target
	}{
		{"GET", "/api/v1/pods", "", target{version: "v1", resource: "pods", verb: "list"}},
		{"GET", "/api/v1/pods", "watch=true", target{version: "v1", resource: "pods", verb: "watch"}},
		{"GET", "/api/v1/pods", "watch", target{version: "v1", resource: "pods", verb: "watch"}},
		{"GET", "/api/v1/pods", "watch=0", target{version: "v1", resource: "pods", verb: "list"}},
		{"GET", "/api/v1/pods", "watch=False&watch=true", target{version: "v1", resource: "pods", verb: "list"}},
		{"GET", "/api/v1/watch/pods", "", target{version: "v1", resource: "pods", verb: "watch"}},
		{"GET", "/api/v1/watch/namespaces/a/pods/x", "", target{version: "v1", namespace: "a", resource: "pods", name: "x", verb: "watch"}},
		{"GET", "/api/v1/namespaces", "", target{version: "v1", resource: "namespaces", verb: "list"}},
		{"GET", "/api/v1/namespaces/a", "", target{version: "v1", namespace: "a", resource: "namespaces", name: "a", verb: "get"}},
		{"PUT", "/api/v1/namespaces/a/finalize", "", target{version: "v1", namespace: "a", resource: "namespaces", name: "a", subresource: "finalize", verb: "update"}},
		{"GET", "/api/v1/namespaces/a/pods/x/log", "follow=true", target{version: "v1", namespace: "a", resource: "pods", name: "x", subresource: "log", verb: "get"}},
		{"POST", "/api/v1/namespaces/a/pods/x/exec", "", target{version: "v1", namespace: "a", resource: "pods", name: "x", subresource: "exec", verb: "create"}},
		{"DELETE", "/apis/apps/v1/namespaces/a/deployments", "", target{group: "apps", version: "v1", namespace: "a", resource: "deployments", verb: "deletecollection"}},
		{"PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", "", target{group: "apps", version: "v1", namespace: "a", resource: "deployments", name: "d", subresource: "scale", verb: "patch"}},
		{"GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node", "", target{group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterroles", name: "system:node", verb: "get"}},
		{"GET", "/api/v1/proxy/namespaces/a/services/s/", "", target{version: "v1", namespace: "a", resource: "services", name: "s", verb: "proxy"}},
	} {
		got, err := parseTarget(c.method, c.path, c.query)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
			continue
		}
		c.want.path, c.want.rawPath, c.want.query, c.want.resourceful = c.path, c.path, c.query, true
		if got != c.want {
			t.Errorf("%s %s?%s:\n got %+v\nwant %+v", c.method, c.path, c.query, got, c.want)
		}
	}
}

func TestDiscoveryIsToldFromResources(t *testing.T) {
	for path, want := range map[string]bool{
		"/api": true, "/apis": true, "/api/v1": true, "/apis/apps": true, "/apis/apps/v1": true, "/openapi/v2": true, "/openapi/v3/apis/apps/v1": true,
		"/version": true, "/version/x": false, "/api/v1/pods": false, "/apis/apps/v1/deployments": false, "/metrics": false, "/": false, "/logs": false,
		"/healthz": false, "/API/v1": false, "/.well-known/openid-configuration": false,
	} {
		got, err := parseTarget("GET", path, "")
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if got.discovery() != want {
			t.Errorf("%s: discovery() = %v, want %v", path, got.discovery(), want)
		}
	}
}

// FuzzTarget holds what the proxy relies on: an accepted path is sent on so
// that another reader of the same bytes comes to the same namespace.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"/api/v1/namespaces/a/pods", "/api/v1/namespaces/a%2f..%2fb/pods", "/apis/apps/v1/namespaces/a/deployments/x%3Ay", "/api/v1/namespaces/a/services/x/proxy/",
		"/api/v1/watch/namespaces/a/pods", "/api/v1/namespaces/a/../b/pods", "/api/v1/namespaces/..;/b", "/%61pi/v1/namespaces/a/pods", "/api/v1/namespaces/%C3%A4/pods",
	} {
		f.Add(seed, "watch=true")
	}
	conn := &connection{scheme: "https", host: "upstream:6443"}
	f.Fuzz(func(t *testing.T, path, query string) {
		got, err := parseTarget(http.MethodGet, path, query)
		if err != nil {
			return
		}
		// What goes over the wire, and what the API server makes of it.
		sent := conn.url(&got).RequestURI()
		wire, _, _ := strings.Cut(sent, "?")
		if wire != path {
			t.Fatalf("%q is sent on as %q", path, wire)
		}
		read, err := url.ParseRequestURI(wire)
		if err != nil {
			t.Fatalf("%q is sent on as %q, which cannot be read: %v", path, wire, err)
		}
		if read.Path != got.path {
			t.Fatalf("%q means %q here and %q there", path, got.path, read.Path)
		}
		segments := strings.Split(strings.Trim(read.Path, "/"), "/")
		for i, s := range segments {
			if s == "" && len(segments) > 1 || s == "." || s == ".." || strings.ContainsAny(s, "\\;%\x00\r\n") {
				t.Fatalf("%q was accepted with segment %d = %q", path, i, s)
			}
		}
		again := target{path: read.Path, query: query}
		again.read(http.MethodGet)
		if again.namespace != got.namespace || again.resource != got.resource || again.verb != got.verb || again.subresource != got.subresource {
			t.Fatalf("%q: %+v here, %+v there", path, got, again)
		}
	})
}
