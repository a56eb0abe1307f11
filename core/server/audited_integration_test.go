//go:build integration

// The audit of writes to a real API server: what is different after a patch, a
// server-side apply, a scaling and a change of a Secret.
package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestIntegrationWritesToARealClusterAreTold(t *testing.T) {
	r := startOnCluster(t, fstest.MapFS{})
	admin := r.admin().newToken()
	const project = "audited"
	admin.newProject(project)
	const core, apps = "/clusters/local/api/v1/namespaces/" + project, "/clusters/local/apis/apps/v1/namespaces/" + project
	pod := map[string]any{"containers": []any{map[string]any{"name": "web", "image": "atoll.local/demo:1", "env": []any{map[string]any{"name": "PASSWORD", "value": "topsecret0"}}}}}
	deployment := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"generateName": "web-"}, "spec": map[string]any{
		"replicas": 0, "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
		"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "web"}}, "spec": pod},
	}}
	var made struct{ Metadata struct{ Name string } }
	eventually(t, "the deployment is accepted", func() bool {
		a := admin.do("POST", apps+"/deployments", deployment)
		if a.status == 201 {
			a.json(&made)
		}
		return a.status == 201
	})
	web := apps + "/deployments/" + made.Metadata.Name
	eventually(t, "its controller has numbered it", func() bool { // what it writes during a patch would count as the patch's
		return strings.Contains(string(admin.do("GET", web, nil).body), "deployment.kubernetes.io/revision")
	})
	patch := func(path, kind, body string) {
		t.Helper()
		if a := r.do(admin, "PATCH", path, body, func(q *http.Request) { q.Header.Set("Content-Type", kind) }); a.status != 200 {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
	}
	patch(web, "application/strategic-merge-patch+json", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"atoll.local/demo:2","env":[{"name":"PASSWORD","value":"topsecret1"}]}]}}}}`)
	patch(web+"?dryRun=All", "application/merge-patch+json", `{"spec":{"paused":true}}`)
	patch(web+"?fieldManager=test&force=true", "application/apply-patch+yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: "+made.Metadata.Name+"\n  labels: {team: a}\n")
	patch(web+"/scale", "application/merge-patch+json", `{"spec":{"replicas":0},"metadata":{"annotations":{}}}`)
	admin.must("POST", core+"/secrets", map[string]any{"metadata": map[string]any{"name": "s"}, "data": map[string]any{"password": "dG9wc2VjcmV0Mg=="}}, 201)
	patch(core+"/secrets/s", "application/merge-patch+json", `{"stringData":{"password":"topsecret3"}}`)
	admin.must("PUT", core+"/secrets/none", map[string]any{"metadata": map[string]any{"name": "none", "resourceVersion": "1"}}, 404)
	admin.must("DELETE", core+"/secrets", nil, 200)

	var got []string
	for _, e := range admin.audits("cluster=local&project=" + project) {
		if e.Result != "done" && e.Verb == "create" || strings.HasPrefix(e.Target, "/api/v1/") {
			continue // before the project was ready
		}
		changes := ""
		for _, c := range e.Changes {
			changes += fmt.Sprintf(" %s=%s>%s,%v", c.Path, c.From, c.To, c.Hidden)
		}
		got = append(got, fmt.Sprint(e.Verb, " ", strings.ReplaceAll(e.Target, made.Metadata.Name, "NAME"), " ", e.Result, " ", e.DryRun, changes))
	}
	slices.Reverse(got)
	const name = apps + "/deployments/NAME"
	for i, want := range []string{
		"create " + name + " done false",
		"patch " + name + " done false /spec/template/spec/containers/web/env/PASSWORD/value=>,true /spec/template/spec/containers/web/image=\"atoll.local/demo:1\">\"atoll.local/demo:2\",false",
		"patch " + name + " done true",
		"patch " + name + " done false",
		"patch " + name + "/scale done false",
		"create " + core + "/secrets/s done false",
		"patch " + core + "/secrets/s done false /data/password=>,true",
		"update " + core + "/secrets/none refused false",
		"deletecollection " + core + "/secrets done false",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("%d: got %q, want %q", i, got[min(i, len(got)-1)], want)
		}
	}
	if strings.Contains(got[3], "/status/") { // the controllers have written it meanwhile, and not who is told of
		t.Errorf("%q", got[3])
	}
	if !strings.Contains(got[3], ` /metadata/labels/team=>"a",false`) || !strings.Contains(got[2], " /spec/paused=>true,false") {
		t.Errorf("%q", got[2:4])
	}
	if strings.Contains(readAll(t, r.dir+"/audit"), "topsecret") || strings.Contains(readAll(t, r.dir+"/audit"), "dG9wc2VjcmV0") {
		t.Error("the audit holds a secret")
	}
	t.Log(strings.Join(got, "\n"))
}
