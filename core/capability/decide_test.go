// The decision, with the attacks beside what is allowed.
package capability

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

var (
	logs    = Rule{Groups: []string{""}, Resources: []string{"pods", "pods/log"}, Verbs: []string{"get", "list", "watch"}}
	all     = Rule{Groups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}
	named   = Rule{Groups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "update"}, Names: []string{"app"}}
	secrets = Rule{Groups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}
	wildGet = Rule{Groups: []string{""}, Resources: []string{"pods/exec", "secrets"}, Verbs: []string{"*"}}
	exec    = Rule{Groups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}}
	scale   = Rule{Groups: []string{"apps"}, Resources: []string{"deployments", "deployments/scale"}, Verbs: []string{"get", "patch"}}
)

func TestManifestAllowsWhatItSaysAndNothingBeside(t *testing.T) {
	pods := "/api/v1/namespaces/demo/pods"
	for _, test := range []struct {
		name   string
		rule   Rule
		method string
		target string
		want   bool
	}{
		{"list pods", logs, "GET", pods, true},
		{"list pods everywhere", logs, "GET", "/api/v1/pods", true},
		{"get a pod", logs, "GET", pods + "/a", true},
		{"HEAD is get", logs, "HEAD", pods + "/a", true},
		{"watch pods", logs, "GET", pods + "?watch=true", true},
		{"read a log", logs, "GET", pods + "/a/log?follow=true", true},
		{"discovery", logs, "GET", "/apis/apps/v1", true},
		{"version", logs, "GET", "/version", true},
		{"delete a pod", logs, "DELETE", pods + "/a", false},
		{"delete all pods", logs, "DELETE", pods, false},
		{"create a pod", logs, "POST", pods, false},
		{"another resource", logs, "GET", "/api/v1/namespaces/demo/secrets", false},
		{"the same name in another group", logs, "GET", "/apis/metrics.k8s.io/v1beta1/namespaces/demo/pods", false},
		{"a subresource that is not named", logs, "GET", pods + "/a/status", false},
		{"exec by GET", logs, "GET", pods + "/a/exec?command=sh", false},
		{"exec by POST", logs, "POST", pods + "/a/exec?command=sh", false},
		{"proxy by GET", logs, "GET", pods + "/a/proxy", false},
		{"proxy with a path", logs, "GET", pods + "/a/proxy/log", false},
		{"a namespace named as a resource", logs, "GET", "/api/v1/namespaces/pods", false},
		{"namespaces themselves", logs, "GET", "/api/v1/namespaces", false},
		{"a pod named log", logs, "GET", pods + "/log", true},

		{"wildcard: deployments", all, "DELETE", "/apis/apps/v1/namespaces/demo/deployments/a", true},
		{"wildcard: custom resources", all, "GET", "/apis/example.com/v1/things", true},
		{"wildcard: no subresource", all, "GET", pods + "/a/log", false},
		{"wildcard: no Secrets", all, "GET", "/api/v1/namespaces/demo/secrets", false},
		{"wildcard: no Secret by watch", all, "GET", "/api/v1/secrets?watch=1", false},
		{"wildcard: no exec", all, "POST", pods + "/a/exec", false},
		{"wildcard: no attach", all, "GET", pods + "/a/attach", false},
		{"wildcard: no portforward", all, "GET", pods + "/a/portforward", false},
		{"wildcard: no ephemeral containers", all, "PATCH", pods + "/a/ephemeralcontainers", false},
		{"wildcard: no proxy of services", all, "GET", "/api/v1/namespaces/demo/services/a/proxy/x", false},
		{"wildcard: no proxy of nodes", all, "GET", "/api/v1/nodes/a/proxy/pods", false},
		{"wildcard: no nodes", all, "GET", "/api/v1/nodes", false},
		{"wildcard: no tokens", all, "POST", "/api/v1/namespaces/demo/serviceaccounts/a/token", false},
		{"wildcard: no role bindings", all, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/demo/rolebindings", false},
		{"wildcard: no signing requests", all, "PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval", false},
		{"wildcard: no webhooks", all, "GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", false},
		{"wildcard: no API services", all, "GET", "/apis/apiregistration.k8s.io/v1/apiservices", false},

		{"a name that it has", named, "GET", "/api/v1/namespaces/demo/configmaps/app", true},
		{"a name that it has not", named, "GET", "/api/v1/namespaces/demo/configmaps/other", false},
		{"a list has no name", named, "GET", "/api/v1/namespaces/demo/configmaps?fieldSelector=metadata.name%3Dapp", false},
		{"Secrets by name of the kind", secrets, "GET", "/api/v1/namespaces/demo/secrets/a", true},
		{"get is not list", secrets, "GET", "/api/v1/namespaces/demo/secrets", false},
		{"verbs by wildcard open nothing dangerous", wildGet, "GET", "/api/v1/namespaces/demo/secrets/a", false},
		{"verbs by wildcard give no exec", wildGet, "POST", pods + "/a/exec", false},
		{"exec by its own name", exec, "GET", pods + "/a/exec?command=sh", true},
		{"exec is not attach", exec, "GET", pods + "/a/attach", false},
		{"scale", scale, "PATCH", "/apis/apps/v1/namespaces/demo/deployments/a/scale", true},
		{"scale of another kind", scale, "PATCH", "/apis/apps/v1/namespaces/demo/statefulsets/a/scale", false},
		{"status is not scale", scale, "PATCH", "/apis/apps/v1/namespaces/demo/deployments/a/status", false},
		{"nothing asked for, nothing given", Rule{}, "GET", pods, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, query, _ := strings.Cut(test.target, "?")
			q, err := Read(test.method, path, query)
			if err != nil {
				t.Fatal(err)
			}
			got, why := Allowed([]Rule{test.rule}, q)
			if got != test.want {
				t.Errorf("%+v: %v (%s)", q, got, why)
			}
			if !got && why == "" {
				t.Error("a refusal says why")
			}
		})
	}
}

func TestNoRulesGiveNotEvenDiscovery(t *testing.T) {
	q, err := Read("GET", "/api", "")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := Allowed(nil, q); ok {
		t.Error("an extension that asks for nothing of Kubernetes reached it")
	}
}

func TestPathsThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	for _, target := range []string{
		"", "api/v1/pods", "/", "//api/v1/pods", "/api//v1/pods", "/api/v1/pods/", "/api/v1/../v1/pods", "/api/v1/./pods",
		"/api/v1/namespaces/demo/pods/%2e%2e/secrets", "/api/v1/namespaces/demo%2Fsecrets", "/api/v1/namespaces/demo/pods/a%00",
		"/api/v1/watch/secrets", "/api/v1/proxy/namespaces/demo/pods/a", "/api/v1/namespaces/demo/pods/a/log/b",
		"/metrics", "/logs", "/healthz", "/openapi/v2", "/.well-known/openid-configuration", "/clusters/other/api/v1/pods",
		"/api/v1/pods\\a", "/api/v1/po ds", "/api/v1/pods;a=b", "/api/v1/pods#x", "/api/v1/pods?watch=%", "/api/v1/pods?a;b",
		"/api/v1/" + strings.Repeat("a", 300), "/api/v1/" + strings.Repeat("a/", 2000),
	} {
		path, query, _ := strings.Cut(target, "?")
		if q, err := Read(http.MethodGet, path, query); !errors.Is(err, ErrPath) {
			t.Errorf("%q was read as %+v, %v", target, q, err)
		}
	}
	for _, method := range []string{"", "OPTIONS", "CONNECT", "TRACE", "get", "WATCH"} {
		if q, err := Read(method, "/api/v1/pods", ""); !errors.Is(err, ErrPath) {
			t.Errorf("method %q was read as %+v, %v", method, q, err)
		}
	}
	if _, err := Read(http.MethodPut, "/api/v1/namespaces/demo/pods", ""); !errors.Is(err, ErrPath) {
		t.Errorf("PUT without a name: %v", err)
	}
}

func TestDangerousRulesNeverComeWithAWildcard(t *testing.T) {
	for name, r := range map[string]Rule{
		"any verb":           {Groups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"*"}},
		"any group":          {Groups: []string{"*"}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}},
		"all of RBAC":        {Groups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"*"}, Verbs: []string{"get"}},
		"beside a wildcard":  {Groups: []string{""}, Resources: []string{"*", "secrets"}, Verbs: []string{"get"}},
		"names with a list":  {Groups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}, Names: []string{"a"}},
		"names with any":     {Groups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"*"}, Names: []string{"a"}},
		"names with create":  {Groups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"create"}, Names: []string{"a"}},
		"any group, Secrets": {Groups: []string{"*"}, Resources: []string{"secrets"}, Verbs: []string{"get"}},
	} {
		if len(r.Problems()) == 0 {
			t.Errorf("%s: nothing is wrong with it", name)
		}
	}
	for _, r := range []Rule{logs, all, named, secrets, exec, scale} {
		if p := r.Problems(); len(p) > 0 {
			t.Errorf("%+v: %v", r, p)
		}
	}
}

// FuzzRead: whatever is asked, a reading ends, and what is read is made of plain
// segments that stand in the path in this order.
func FuzzRead(f *testing.F) {
	f.Add("GET", "/api/v1/namespaces/demo/pods/a/log", "follow=true")
	f.Add("POST", "/apis/apps/v1/namespaces/demo/deployments", "")
	f.Add("GET", "/api/v1/namespaces/x/status", "watch=1")
	f.Fuzz(func(t *testing.T, method, path, query string) {
		q, err := Read(method, path, query)
		if err != nil || q.Discovery {
			return
		}
		rest := path
		for _, part := range []string{q.Group, q.Version, q.Resource, q.Name, q.Subresource} {
			if part == "" {
				continue
			}
			i := strings.Index(rest, "/"+part)
			if i < 0 || !plain(part) {
				t.Fatalf("%q read as %+v", path, q)
			}
			rest = rest[i+len(part):]
		}
		if ok, _ := Allowed([]Rule{all}, q); ok && (q.Subresource != "" || Dangerous(q.Group, q.Resource)) {
			t.Fatalf("a wildcard opened %+v", q)
		}
	})
}

func BenchmarkDecision(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		q, err := Read("GET", "/api/v1/namespaces/demo/pods/a/log", "follow=true&container=c")
		if err != nil {
			b.Fatal(err)
		}
		if ok, _ := Allowed([]Rule{named, scale, logs}, q); !ok {
			b.Fatal("denied")
		}
	}
}
