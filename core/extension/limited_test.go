// Limited tokens and wide fragments: neither brings anybody to a place that they
// were not given.
package extension

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

func TestLimitedTokenReachesWhatItWasMadeFor(t *testing.T) {
	w := newWorld(t, nil)
	manifest := strings.Replace(testManifest, "  - { path: /panic, methods: [GET] }\n", `  - { path: /panic, methods: [GET] }
  - { path: "/clusters/{cluster}/headers", methods: [GET] }
  - { path: "/workspaces/{workspace}/headers", methods: [GET] }
  - { path: "/clusters/{cluster}/projects/{project}/headers", methods: [GET] }
`, 1)
	w.install(t, samplePackage(t, manifest))
	inShop := []access.BindingScope{{Kind: access.KindWorkspace, UID: "w-shop"}}
	elsewhere := []access.BindingScope{{Kind: access.KindWorkspace, UID: "w-other"}}
	viewing := []access.Permission{access.ProjectsView, access.WorkspacesView, "sample/things.view"}
	for name, c := range map[string]struct {
		limit *access.Limit
		want  map[string]bool
	}{
		"of no limit": {nil, map[string]bool{"/headers": true, "/clusters/local/headers": true, "/workspaces/shop/headers": true, inDemo + "/headers": true, inDemo + "/seen": true}},
		"of the workspace": {&access.Limit{Scopes: inShop}, map[string]bool{
			"/headers": false, "/clusters/local/headers": false, "/workspaces/shop/headers": true, inDemo + "/headers": true, inDemo + "/seen": true}},
		"of another workspace": {&access.Limit{Scopes: elsewhere}, map[string]bool{
			"/headers": false, "/clusters/local/headers": false, "/workspaces/shop/headers": false, inDemo + "/headers": false, inDemo + "/seen": false}},
		"of the permissions": {&access.Limit{Permissions: viewing}, map[string]bool{
			"/headers": false, "/clusters/local/headers": false, "/workspaces/shop/headers": true, inDemo + "/headers": true, inDemo + "/seen": true}},
		"of another permission": {&access.Limit{Permissions: []access.Permission{access.WorkloadsView}}, map[string]bool{
			"/headers": false, "/clusters/local/headers": false, "/workspaces/shop/headers": false, inDemo + "/headers": false, inDemo + "/seen": false}},
	} {
		who := admin
		who.Limit = c.limit
		for path, reaches := range c.want {
			rec := w.get(who, path+"?status=200") // the guest has no answer for some: it was asked nevertheless
			if refused := rec.Code == http.StatusForbidden; refused == reaches || refused != (rec.Header().Get("Content-Type") == "application/problem+json") {
				t.Errorf("a token %s at %s: %d %s, reaching it is %v", name, path, rec.Code, rec.Body, reaches)
			}
		}
	}
}

// A page of the platform is everybody's; the project that its query names is not.
func TestFragmentOfTheirOwnBringsNobodyIntoAnothersProject(t *testing.T) {
	w := newWorld(t, nil)
	p, err := Pack(fstest.MapFS{
		"extension.yaml": {Data: []byte(testManifest)},
		"ui/contributions.yaml": {Data: []byte("contributions:\n  - { slot: nav.platform, id: page, label: { t: title }, route: /page }\n" +
			"  - { slot: page, id: page, route: /page, fragment: page, match: { scope: platform } }\n")},
		"texts/en.yaml": {Data: []byte("title: Things\n")},
	}, sandboxtest.Guest(t, "testdata/guest"))
	if err != nil {
		t.Fatal(err)
	}
	w.install(t, p.Bytes)
	limited := viewer
	limited.Limit = &access.Limit{Scopes: []access.BindingScope{{Kind: access.KindProject, UID: "p-demo"}}}
	for _, c := range []struct {
		who   access.Subject
		query string
		want  int
	}{
		{viewer, "", 200}, {stranger, "", 200}, {viewer, "cluster=local&project=demo", 200}, {admin, "cluster=local&project=demo", 200},
		{stranger, "cluster=local&project=demo", 403}, {stranger, "workspace=shop", 403}, {viewer, "workspace=shop", 403}, {admin, "workspace=shop", 200},
		{limited, "", 403},
	} {
		if rec := w.fragment(c.who, "/page", c.query); rec.Code != c.want {
			t.Errorf("%s with %q: %d %s, want %d", c.who.Name, c.query, rec.Code, rec.Body, c.want)
		}
	}
	if rec := w.fragment(stranger, "/page", "cluster=local&project=demo"); problemIn(t, rec).Missing == nil || rec.Code != http.StatusForbidden {
		t.Errorf("and is not told what is missing: %s", rec.Body)
	}
}
