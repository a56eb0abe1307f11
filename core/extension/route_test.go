// Routing: which route takes a path, in which scope, and no other way in.
package extension

import "testing"

func TestRoutesTakeTheirPathsAndNoOthers(t *testing.T) {
	ro := newRouter([]Route{
		{Path: "/clusters/{cluster}/projects/{project}/logs", Methods: []string{"GET"}},
		{Path: "/clusters/{cluster}/projects/{project}/{thing}", Methods: []string{"GET", "POST"}},
		{Path: "/workspaces/{workspace}/report", Methods: []string{"GET"}},
		{Path: "/frame", Methods: []string{"POST"}},
	})
	for _, test := range []struct{ method, path, want, scope string }{
		{"GET", "/clusters/a/projects/b/logs", "/clusters/{cluster}/projects/{project}/logs", scopeProject},
		{"HEAD", "/clusters/a/projects/b/logs", "/clusters/{cluster}/projects/{project}/logs", scopeProject},
		{"POST", "/clusters/a/projects/b/logs", "/clusters/{cluster}/projects/{project}/{thing}", scopeProject},
		{"GET", "/clusters/a/projects/b/other", "/clusters/{cluster}/projects/{project}/{thing}", scopeProject},
		{"GET", "/workspaces/w/report", "/workspaces/{workspace}/report", scopeWorkspace},
		{"POST", "/frame", "/frame", scopePlatform},
		{"GET", "/frame", "", ""},
		{"DELETE", "/clusters/a/projects/b/logs", "", ""},
		{"GET", "/clusters/a/projects/b", "", ""},
		{"GET", "/clusters/a/projects/b/logs/", "", ""},
		{"GET", "/clusters/a//projects/b/logs", "", ""},
		{"GET", "/clusters/a/projects/b/../logs", "", ""},
		{"GET", "/clusters/a/projects/%2e%2e/logs", "", ""},
		{"GET", "/clusters/a/projects/b%2Fc/logs", "", ""},
		{"GET", "/clusters/a/projects/b/logs%00", "", ""},
		{"GET", "clusters/a/projects/b/logs", "", ""},
		{"GET", "", "", ""},
		{"POST", "/frame%zz", "", ""},
	} {
		route, _, _ := ro.match(test.method, test.path)
		got, scope := "", ""
		if route != nil {
			got, scope = route.Path, route.scope
		}
		if got != test.want || scope != test.scope {
			t.Errorf("%s %s: route %q in scope %q, want %q in %q", test.method, test.path, got, scope, test.want, test.scope)
		}
	}
}

func TestSourcesOfFragmentsStayInThePagesScope(t *testing.T) {
	ro := newRouter([]Route{
		{Path: "/clusters/{cluster}/projects/{project}/logs/{pod}", Methods: []string{"GET"}},
		{Path: "/write", Methods: []string{"POST"}},
	})
	for template, want := range map[string]bool{
		"/clusters/{cluster}/projects/{project}/logs/{name}":    true,
		"/clusters/{cluster}/projects/{namespace}/logs/{name}":  true,
		"/clusters/{cluster}/projects/{project}/logs/fixed":     true,
		"/clusters/production/projects/{project}/logs/{name}":   false,
		"/clusters/{cluster}/projects/kube-system/logs/{name}":  false,
		"/clusters/{cluster}/projects/{project}/{name}/{name}":  false,
		"/clusters/{cluster}/projects/{project}/other/{name}":   false,
		"/clusters/{cluster}/projects/{project}/logs/{name}/it": false,
		"/write": false,
	} {
		if got := ro.takesGET(template); got != want {
			t.Errorf("%s: %v", template, got)
		}
	}
}
