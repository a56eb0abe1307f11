// The audit by the API: every write is there, with who, where and how it ended;
// everybody reads what is theirs, and nothing else.

package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/server/api"
)

// audits is what somebody finds, the newest first.
func (b *browser) audits(query string) (all []api.AuditEvent) {
	b.r.t.Helper()
	for at := ""; ; {
		var page api.AuditPage
		b.must("GET", "/api/v1/audit?"+query+"&continue="+at, nil, 200).json(&page)
		all = append(all, page.Items...)
		if at = page.Continue; at == "" {
			return all
		}
	}
}

// told is an event in short.
func told(e api.AuditEvent) string {
	place := e.Workspace
	if e.Project != "" {
		place += "/" + e.Cluster + "/" + e.Project
	}
	return strings.TrimSpace(fmt.Sprint(e.User, " ", e.Verb, " ", e.Target, " ", e.Result, " ", e.Status, " ", place))
}

func TestEveryWriteIsInTheAuditOfItsPlace(t *testing.T) {
	r, admin, wendy, petra, mona := grove(t)
	wendy.must("PUT", "/api/v1/workspaces/red/members/mona", map[string]any{"role": "workspace-viewer"}, 200)
	mona.must("DELETE", red1, nil, 403)
	petra.must("PUT", red1+"/members/nobody", map[string]any{"role": "project-viewer"}, 404)
	petra.must("POST", "/clusters/local/api/v1/namespaces/red-1/pods", "{}", 200)
	petra.must("DELETE", "/clusters/local/api/v1/namespaces/red-1/configmaps", nil, 200)
	petra.must("PATCH", "/clusters/local/apis/x.io/v1/namespaces/red%2d1/projects/blue-1", "{}", 200)
	petra.must("POST", "/clusters/local/api/v1/namespaces/blue-1/pods", "{}", 200) // the stand-in of a cluster allows everything
	petra.must("PUT", "/api/v1/clusters/local/projects/blue-1/members/petra", map[string]any{"role": "project-admin"}, 403)
	petra.must("GET", "/clusters/local/api/v1/namespaces/red-1/pods", nil, 200)
	mona.must("POST", "/api/v1/access-requests", map[string]any{"workspace": "red", "role": "workspace-admin", "reason": "please"}, 201)
	petra.must("POST", "/api/v1/tokens", map[string]any{"name": "ci"}, 201)
	r.do(nil, "POST", "/api/v1/sessions", map[string]string{"username": "petra", "password": "wrong"}, nil)

	want := []string{
		"petra create /clusters/local/api/v1/namespaces/red-1/pods done 200 red/local/red-1",
		"petra deletecollection /clusters/local/api/v1/namespaces/red-1/configmaps done 200 red/local/red-1",
		"petra patch /clusters/local/apis/x.io/v1/namespaces/red%2d1/projects/blue-1 done 200 red/local/red-1",
		"petra update " + red1 + "/members/nobody refused 404 red/local/red-1",
		"mona delete " + red1 + " denied 403 red/local/red-1",
		"admin create /api/v1/clusters/local/projects/red-1 done 201 red/local/red-1",
		"admin update " + red1 + "/members/petra done 200 red/local/red-1",
	}
	check := func(who string, got []api.AuditEvent, want []string) {
		t.Helper()
		var have []string
		for _, e := range got {
			have = append(have, told(e))
			if e.RequestID == "" || e.Remote == "" || time.Since(e.Time) > time.Minute || e.UserUID == "" || e.WorkspaceUID == "" || (e.Project != "") != (e.ProjectUID != "") {
				t.Errorf("%s: %+v is not whole", who, e)
			}
			if (e.Result == "done") != (e.Reason == "") {
				t.Errorf("%s: %s because of %q", who, told(e), e.Reason)
			}
		}
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s sees\n%s\nwant\n%s", who, strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
	}
	check("petra", petra.audits("cluster=local&project=red-1"), want)
	check("wendy, of the project", wendy.audits("cluster=local&project=red-1"), want)
	want = append(want,
		"admin create /api/v1/workspaces/red done 201 red",
		"admin update /api/v1/workspaces/red/members/wendy done 200 red",
		"wendy update /api/v1/workspaces/red/members/mona done 200 red")
	got := wendy.audits("workspace=red&limit=1000")
	asked := slices.IndexFunc(got, func(e api.AuditEvent) bool { return strings.HasPrefix(e.Target, "/api/v1/access-requests/") })
	if asked < 0 || got[asked].User != "mona" {
		t.Fatalf("what mona asks is not told to wendy: %+v", got)
	}
	check("wendy", slices.Delete(got, asked, asked+1), want)
	for _, query := range []string{"", "workspace=red", "cluster=local", "workspace=blue", "cluster=local&project=blue-1"} {
		petra.must("GET", "/api/v1/audit?"+query, nil, 403)
		petra.must("GET", "/api/v1/audit:stream?"+query, nil, 403)
	}
	mona.must("GET", "/api/v1/audit?workspace=red", nil, 403) // viewers do not
	wendy.must("GET", "/api/v1/audit?workspace=none", nil, 403)

	if got := admin.audits("user=petra&result=denied"); len(got) != 2 || got[0].Target != "/api/v1/sessions" || got[0].UserUID != "" ||
		told(got[1]) != "petra update /api/v1/clusters/local/projects/blue-1/members/petra denied 403 blue/local/blue-1" {
		t.Errorf("%+v", got)
	}
	if got := admin.audits("user=petra&verb=create"); !slices.ContainsFunc(got, func(e api.AuditEvent) bool {
		return e.Target == "/api/v1/tokens/ci" && e.Via == "session" && e.Credential != ""
	}) {
		t.Errorf("%+v", got)
	}
	if a, all := admin.audits("limit=1"), admin.audits("limit=1000"); len(a) != len(all) || len(a) < 20 {
		t.Errorf("%d events one by one, %d at once", len(a), len(all))
	}
	past := url.QueryEscape(time.Now().Add(-time.Hour).Format(time.RFC3339))
	if got := admin.audits("until=" + past); len(got) != 0 {
		t.Errorf("%d events of an hour ago", len(got))
	}
	if got := admin.audits("since=" + past); len(got) < 20 {
		t.Errorf("%d events", len(got))
	}
	for _, bad := range []string{"since=yesterday", "until=1", "limit=0", "limit=1001", "result=maybe", "project=red-1", "continue=!", "continue=LTEvLTE", "what=1"} {
		admin.must("GET", "/api/v1/audit?"+bad, nil, 422)
	}
}

func TestAWorkspaceDoesNotInheritTheAuditOfItsName(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	wendy := admin.user("wendy")
	for i := range 2 {
		admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
		admin.must("PUT", "/api/v1/workspaces/red/members/wendy", map[string]any{"role": "workspace-admin"}, 200)
		if got := wendy.audits("workspace=red"); len(got) != 2 {
			t.Fatalf("round %d: %+v", i, got)
		}
		res := r.do(admin, "DELETE", "/api/v1/workspaces/red?confirm=red", nil, nil)
		if res.status != 204 {
			t.Fatalf("%d %s", res.status, res.body)
		}
		wendy.must("GET", "/api/v1/audit?workspace=red", nil, 403)
		if got := admin.audits("workspace=red"); len(got) != 3*(i+1) || got[0].Verb != "delete" || got[0].WorkspaceUID == "" {
			t.Fatalf("round %d: %+v", i, got)
		}
	}
}

func TestWhatAWriteToAClusterMadeDifferentIsTold(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		object := `{"kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":%d,"password":"%[1]d"}}`
		if strings.Contains(r.URL.Path, "/secrets/") {
			object = `{"kind":"Secret","metadata":{"name":"s"},"data":{"password":"topsecret%d"}}`
		}
		switch {
		case r.Method == "GET":
			fmt.Fprintf(w, object, 1)
		case strings.HasSuffix(r.URL.Path, "/busy"):
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"kind":"Status","message":"somebody was faster"}`)
		default:
			fmt.Fprintf(w, object, 3)
		}
	})
	r := startWith(t, u, nil)
	admin := r.admin()
	const deployments = "/clusters/local/apis/apps/v1/namespaces/red-1/deployments"
	admin.must("PATCH", deployments+"/web", "{}", 200)
	admin.must("POST", deployments+"?dryRun=All", "{}", 200)
	admin.must("PUT", deployments+"/busy", "{}", 409)
	admin.must("PUT", "/clusters/local/api/v1/namespaces/red-1/secrets/s", "{}", 200)
	admin.must("POST", "/clusters/local/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", `{"spec":{"resourceAttributes":{"namespace":"red-1","verb":"get"}}}`, 200)
	var got []string
	for _, e := range admin.audits("cluster=local") {
		got = append(got, fmt.Sprint(e.Verb, " ", e.Target, " ", e.Result, " ", e.DryRun, " ", e.Reason, " ", e.Changes))
	}
	want := []string{
		"update /clusters/local/api/v1/namespaces/red-1/secrets/s done false  [{/data/password   true}]",
		"update " + deployments + "/busy refused false somebody was faster []",
		"create " + deployments + "/web done true  []",
		"patch " + deployments + `/web done false  [{/spec/password "1" "3" false} {/spec/replicas 1 3 false}]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	r.stopAndWait()
	if strings.Contains(readAll(t, r.dir+"/audit"), "topsecret") {
		t.Error("the audit holds a secret")
	}
}

func TestWhoWasGivenWhichRoleIsTold(t *testing.T) {
	_, admin, wendy, petra, mona := grove(t)
	r := ask(mona, 201, map[string]any{"cluster": "local", "project": "red-1", "role": "project-viewer"})
	petra.must("POST", "/api/v1/access-requests/"+r.ID+"/decision", map[string]any{"approve": true}, 200)
	petra.must("PUT", red1+"/members/mona", map[string]any{"role": "project-developer"}, 200)
	petra.must("PUT", red1+"/members/mona", map[string]any{"role": "project-developer"}, 200) // the same again
	wendy.must("DELETE", red1+"/members/mona", nil, 200)
	admin.must("PUT", "/api/v1/users/mona/roles", map[string]any{"platform": []string{"platform-operator"}}, 200)
	var got []string
	for _, e := range append(admin.audits("user=admin&limit=1")[:1], petra.audits("cluster=local&project=red-1")...) {
		if !strings.HasPrefix(e.Target, "/api/v1/clusters/local/projects/red-1/members/petra") && e.Target != "/api/v1/clusters/local/projects/red-1" && e.User != "mona" {
			got = append(got, fmt.Sprint(e.User, " ", e.Changes))
		}
	}
	want := []string{
		`admin [{/roles [] ["platform-operator"] false}]`,
		`wendy [{/roles ["project-developer"] [] false}]`,
		`petra []`,
		`petra [{/roles ["project-viewer"] ["project-developer"] false}]`,
		`petra [{/roles [] ["project-viewer"] false}]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// stream opens the stream; lines come over the channel, which is closed at its
// end.
func (b *browser) stream(query string) <-chan api.AuditLine {
	b.r.t.Helper()
	res, err := plainClient.Do(b.r.request(b, "GET", "/api/v1/audit:stream?"+query, nil, nil))
	if err != nil {
		b.r.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/x-ndjson" {
		b.r.t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	lines := make(chan api.AuditLine, 1000)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for scanner := bufio.NewScanner(res.Body); scanner.Scan(); {
			var line api.AuditLine
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				b.r.t.Errorf("%q: %v", scanner.Bytes(), err)
				return
			}
			lines <- line
		}
	}()
	return lines
}

func TestTheAuditIsStreamedWhileTheRightIsThere(t *testing.T) {
	r, admin, wendy, petra, _ := grove(t)
	var past []string
	for line := range wendy.stream("workspace=red") {
		past = append(past, line.Type+" "+told(*line.Object))
	}
	if len(past) != 4 || past[0] != "EVENT admin create /api/v1/workspaces/red done 201 red" {
		t.Fatalf("%q", past)
	}
	live := wendy.stream("workspace=red&follow=true")
	petra.must("POST", "/clusters/local/api/v1/namespaces/red-1/pods", "{}", 200)
	admin.must("POST", "/clusters/local/api/v1/namespaces/blue-1/pods", "{}", 200)
	petra.must("DELETE", "/clusters/local/api/v1/namespaces/red-1/pods/x", nil, 200)
	for _, want := range []string{
		"petra create /clusters/local/api/v1/namespaces/red-1/pods done 200 red/local/red-1", "petra delete /clusters/local/api/v1/namespaces/red-1/pods/x done 200 red/local/red-1",
	} {
		if line := <-live; line.Type != "EVENT" || told(*line.Object) != want {
			t.Fatalf("%+v, want %s", line, want)
		}
	}
	admin.must("DELETE", "/api/v1/workspaces/red/members/wendy", nil, 200)
	for line := range live { // that it ends is what is waited for
		t.Errorf("after the right was lost: %+v", *line.Object)
	}
	all := admin.stream("follow=true&since=2000-01-01T00:00:00Z")
	if line := <-all; told(*line.Object) == "" {
		t.Fatalf("%+v", line)
	}
	r.stopAndWait() // does not wait for whoever follows
	for range all {
	}
}

func TestPlacesAreReadWhereAPathHasThem(t *testing.T) {
	for path, want := range map[string]string{
		"clusters/c/api/v1/namespaces/n/pods/p":                        "c//n",
		"clusters/c/api/v1/namespaces/n":                               "c//n",
		"clusters/c/apis/apps/v1/namespaces/n/deployments":             "c//n",
		"clusters/c/api/v1/watch/namespaces/n/pods":                    "c//n",
		"clusters/c/apis/x.io/v1/clusters/other/projects/other":        "c//",
		"clusters/c/apis/x.io/v1/namespaces/n/workspaces/w/projects/p": "c//n",
		"clusters/c/apis/namespaces/other":                             "c//",
		"clusters/c/api":                                               "c//",
		"clusters/c":                                                   "c//",
		"clusters":                                                     "//",
		"":                                                             "//",
	} {
		c, w, p := placeOf(strings.Split(path, "/"), kindCluster)
		if got := c + "/" + w + "/" + p; got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"clusters/c/projects/p/members/workspaces": "c//p",
		"clusters/c/projects/p:restart":            "c//p",
		"workspaces/w/robots/clusters":             "/w/",
		"users/clusters/workspaces/w":              "//",
		"clusters/c/kubeconfig":                    "c//",
	} {
		c, w, p := placeOf(strings.Split(path, "/"), kindAPI)
		if got := c + "/" + w + "/" + p; got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
