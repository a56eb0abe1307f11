// Where an extension is not asked for a while is told to those whom it concerns.
package extension

import (
	"net/http"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
)

func TestBreakersAreToldToThoseWhomTheyConcern(t *testing.T) {
	w := newWorld(t, nil)
	w.write(t,
		record(t, access.WorkspacePrefix+"bank", access.Workspace{UID: "w-bank", Name: "bank"}),
		record(t, access.ProjectPrefix+"local/vault", access.Project{UID: "p-vault", Name: "vault", Cluster: "local", WorkspaceUID: "w-bank"}),
		record(t, access.BindingPrefix+"project/p-vault/"+stranger.UID, access.Binding{UID: "b2", SubjectUID: stranger.UID, Role: access.ProjectViewer, Scope: access.BindingScope{Kind: access.KindProject, UID: "p-vault"}}))
	demo, vault := access.Scope{Cluster: "local", Project: "demo"}, access.Scope{Cluster: "local", Project: "vault"}

	w.install(t, samplePackage(t, strings.Replace(testManifest, "routes:\n", "routes:\n  - { path: \"/clusters/{cluster}/projects/{project}/die\", methods: [GET], permission: things.view }\n", 1)))
	told := func(all []sandbox.Health, err error) (names []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range all {
			names = append(names, b.Workspace+"/"+b.User)
		}
		return names
	}
	for range 2 {
		w.get(viewer, inDemo+"/die")
	}
	if all := told(w.Broken("sample")); len(all) != 0 {
		t.Errorf("two faults have broken %v", all)
	}
	w.get(viewer, inDemo+"/die")
	for range 3 { // on the platform, where everybody is by himself
		w.get(stranger, "/die")
	}
	if p := problemIn(t, w.get(viewer, inDemo+"/seen")); p.Class != classBreaker || p.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v", p)
	}
	if rec := w.get(stranger, strings.Replace(inDemo, "demo", "vault", 1)+"/seen"); rec.Code != http.StatusOK {
		t.Errorf("a workspace that is well: %d %s", rec.Code, rec.Body)
	}
	if all := told(w.Broken("sample")); strings.Join(all, " ") != "/otto shop/" {
		t.Errorf("it is broken for %v", all)
	}
	for _, c := range []struct {
		who  access.Subject
		at   access.Scope
		want string
	}{
		{viewer, demo, "shop/"}, {stranger, vault, ""}, {viewer, access.Scope{Workspace: "shop"}, "shop/"}, {viewer, access.Scope{Cluster: "local"}, ""},
		{stranger, access.Scope{Cluster: "local"}, "/otto"}, {viewer, access.Scope{Workspace: "none"}, ""},
	} {
		if all := told(w.BrokenFor("sample", c.who, c.at)); strings.Join(all, " ") != c.want {
			t.Errorf("%s in %s is told of %v", c.who.Name, c.at, all)
		}
	}
	if e, err := w.Get("sample", ""); err != nil || len(e.Breakers) != 2 || e.Breakers[1].Class != sandbox.FaultTrap || e.Breakers[1].Faults != 3 {
		t.Errorf("%+v, %v", e.Breakers, err)
	}
}
