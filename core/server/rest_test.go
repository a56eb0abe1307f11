// The REST API from outside: people, tenants, tokens, what is followed.

package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestTenantsSeeWhatIsTheirs(t *testing.T) {
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }), nil)
	admin := r.admin()
	jane, john := admin.user("jane"), admin.user("john")
	for _, name := range []string{"red", "blue"} {
		admin.must("POST", "/api/v1/workspaces", map[string]any{"name": name, "title": strings.ToUpper(name)}, 201)
		admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": name + "-1", "workspace": name}, 201)
	}
	admin.must("PUT", "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-admin"}, 200)
	admin.must("PUT", "/api/v1/clusters/local/projects/blue-1/members/john", map[string]any{"role": "project-viewer"}, 200)

	names := func(b *browser, path string) []string {
		var list struct {
			Items []struct{ Name, User string }
			Total int
		}
		b.must("GET", path, nil, 200).json(&list)
		got := []string{}
		for _, i := range list.Items {
			got = append(got, i.Name+i.User)
		}
		if list.Total != len(got) {
			t.Errorf("%s: total %d of %v", path, list.Total, got)
		}
		return got
	}
	for _, test := range []struct {
		who  *browser
		path string
		want []string
	}{
		{admin, "/api/v1/workspaces", []string{"blue", "red"}}, {jane, "/api/v1/workspaces", []string{"red"}}, {john, "/api/v1/workspaces", []string{}},
		{admin, "/api/v1/projects", []string{"blue-1", "red-1"}}, {jane, "/api/v1/projects", []string{"red-1"}}, {john, "/api/v1/projects", []string{"blue-1"}},
		{admin, "/api/v1/projects?workspace=red", []string{"red-1"}}, {admin, "/api/v1/projects?cluster=none", []string{}},
		{admin, "/api/v1/workspaces?sort=-name", []string{"red", "blue"}}, {admin, "/api/v1/workspaces?filter=BLU", []string{"blue"}},
		{jane, "/api/v1/clusters", []string{"local"}}, {john, "/api/v1/clusters", []string{"local"}},
		{jane, "/api/v1/workspaces/red/members", []string{"admin", "jane"}},
	} {
		if got := names(test.who, test.path); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.path, got, test.want)
		}
	}
	for _, denied := range []string{
		"GET /api/v1/workspaces/blue", "GET /api/v1/clusters/local/projects/blue-1", "PUT /api/v1/workspaces/blue/members/jane", "DELETE /api/v1/workspaces/red",
		"DELETE /api/v1/clusters/local/projects/blue-1", "POST /api/v1/workspaces", "GET /api/v1/users", "PUT /api/v1/users/jane/roles", "POST /api/v1/extensions:review",
	} {
		method, path, _ := strings.Cut(denied, " ")
		body := map[string]any{"role": "workspace-admin"}
		switch {
		case path == "/api/v1/workspaces":
			body = map[string]any{"name": "green"}
		case strings.HasSuffix(path, "/roles"):
			body = map[string]any{"platform": []string{"platform-admin"}}
		}
		a := r.do(jane, method, path, body, func(q *http.Request) {
			if strings.HasSuffix(path, ":review") {
				q.Header.Set("Content-Type", "application/x-tar")
			}
			if method == "GET" || method == "DELETE" {
				q.Header.Del("Content-Type")
			}
		})
		if a.status != 403 {
			t.Errorf("%s by jane: %d %s", denied, a.status, a.body)
		}
	}
	jane.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "red-2", "workspace": "red"}, 201)
	jane.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "blue-2", "workspace": "blue"}, 403)
	jane.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "red-3", "workspace": "red", "adopt": true}, 403)
	john.must("PUT", "/api/v1/clusters/local/projects/blue-1/members/john", map[string]any{"role": "project-admin"}, 403)

	var may struct{ Permissions, Roles []string }
	john.must("GET", "/api/v1/access?cluster=local&project=blue-1", nil, 200).json(&may)
	if !slices.Contains(may.Permissions, "workloads.view") || slices.Contains(may.Permissions, "workloads.manage") || !slices.Equal(may.Roles, []string{"project-viewer"}) {
		t.Errorf("john may %+v", may)
	}
	admin.must("DELETE", "/api/v1/clusters/local/projects/blue-1/members/john", nil, 200)
	if got := names(john, "/api/v1/projects"); len(got) != 0 {
		t.Errorf("john, who was removed, sees %v", got)
	}
	admin.must("DELETE", "/api/v1/workspaces/red?confirm=red", nil, 409)
}

func TestNobodyIsCalledAsKubernetesCallsItsOwn(t *testing.T) {
	admin := start(t, nil).admin()
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
	for _, name := range []string{"system:masters", "system:kube-controller-manager", "system:node:one", "system:serviceaccount:kube-system:default", "atoll:admin", "a/b", "../admin", "ADMIN"} {
		admin.must("POST", "/api/v1/users", map[string]any{"name": name, "password": "long enough"}, 422)
		admin.must("POST", "/api/v1/groups", map[string]any{"name": name}, 422)
		admin.must("POST", "/api/v1/workspaces/red/robots", map[string]any{"name": name}, 422)
	}
}

func TestNoProjectHasAnIngressControllersNamespace(t *testing.T) {
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }), func(c *Config) { c.Tenancy.IngressNamespaces = []string{"ingress-nginx"} })
	admin := r.admin()
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
	for _, adopt := range []bool{false, true} {
		a := admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "ingress-nginx", "workspace": "red", "adopt": adopt}, 422)
		if !strings.Contains(string(a.body), "ingress controller") {
			t.Errorf("%s", a.body)
		}
	}
	admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "ingress", "workspace": "red"}, 201)
}

func TestPersonWithoutARoleSeesNothing(t *testing.T) {
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }), nil)
	nobody := r.admin().user("nobody")
	for _, path := range []string{"/api/v1/clusters", "/api/v1/workspaces", "/api/v1/projects"} {
		var list struct{ Total int }
		nobody.must("GET", path, nil, 200).json(&list)
		if list.Total != 0 {
			t.Errorf("%s: %d", path, list.Total)
		}
	}
	nobody.must("GET", "/api/v1/clusters/local", nil, 404)
	nobody.must("POST", "/api/v1/clusters/local/kubeconfigs", map[string]any{}, 404)
}

func TestAnswerIsLeftOutWhenItIsKnown(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	tag := ""
	again := func() answer {
		return r.do(admin, "GET", "/api/v1/workspaces", nil, func(q *http.Request) { q.Header.Set("If-None-Match", tag) })
	}
	// A server that has just started writes to its store in between.
	eventually(t, "an answer that is known is left out", func() bool {
		if tag = admin.must("GET", "/api/v1/workspaces", nil, 200).header.Get("Etag"); tag == "" {
			t.Fatal("no ETag")
		}
		a := again()
		return a.status == 304 && len(a.body) == 0
	})
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "new"}, 201)
	if a := again(); a.status != 200 || a.header.Get("Etag") == tag {
		t.Errorf("after a change: %d", a.status)
	}
}

func TestTokensCanReadOnlyAndBeRevoked(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	var made struct {
		ID, Token string
		ReadOnly  bool
	}
	admin.must("POST", "/api/v1/tokens", map[string]any{"name": "ci", "readOnly": true, "expiresIn": "1h"}, 201).json(&made)
	reader := &browser{r: r, token: made.Token}
	reader.must("GET", "/api/v1/users", nil, 200)
	var other struct{ ID, Token string }
	admin.must("POST", "/api/v1/tokens", map[string]any{"name": "other"}, 201).json(&other)
	for _, target := range []string{"POST /api/v1/workspaces", "POST /api/v1/tokens", "DELETE /api/v1/tokens/" + other.ID, "POST /x/logging/y"} {
		method, path, _ := strings.Cut(target, " ")
		if a := reader.do(method, path, map[string]any{"name": "a"}); a.status != 403 {
			t.Errorf("%s with a token for reading: %d %s", target, a.status, a.body)
		}
	}
	if a := admin.must("GET", "/api/v1/tokens", nil, 200); strings.Contains(string(a.body), made.Token) || !strings.Contains(string(a.body), made.ID) {
		t.Errorf("%s", a.body)
	}
	admin.must("DELETE", "/api/v1/tokens/"+other.ID, nil, 204)
	(&browser{r: r, token: other.Token}).must("GET", "/api/v1/users", nil, 401)
	reader.must("DELETE", "/api/v1/tokens/"+made.ID, nil, 204) // itself
	reader.must("GET", "/api/v1/users", nil, 401)
	admin.must("POST", "/api/v1/tokens", map[string]any{"name": "long", "expiresIn": "99999h"}, 422)
	admin.must("POST", "/api/v1/tokens", map[string]any{"name": "odd", "expiresIn": "soon"}, 422)
}

func TestFollowedListTellsChanges(t *testing.T) {
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }), nil)
	admin := r.admin()
	jane := admin.user("jane")
	res, err := plainClient.Do(r.request(jane, "GET", "/api/v1/clusters?watch=true", nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); res.StatusCode != 200 || kind != "application/x-ndjson" {
		t.Fatalf("%d %s", res.StatusCode, kind)
	}
	lines := bufio.NewScanner(res.Body)
	next := func() int {
		if !lines.Scan() {
			t.Fatalf("it ended: %v", lines.Err())
		}
		var line struct {
			Type   string
			Object struct{ Total int }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Type != "SNAPSHOT" {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		return line.Object.Total
	}
	if n := next(); n != 0 {
		t.Errorf("at first jane sees %d clusters", n)
	}
	admin.must("PUT", "/api/v1/users/jane/roles", map[string]any{"platform": []string{"platform-member"}}, 200)
	for next() != 1 { // other changes may come between
	}
}

func TestWritesAreAudited(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
	admin.must("GET", "/api/v1/workspaces?filter=unaudited", nil, 200)
	jane := admin.user("jane")
	jane.must("PUT", "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-admin"}, 403)
	r.stopAndWait()
	log := readAll(t, r.dir+"/audit")
	for _, want := range []string{
		`"user":"admin"`, `"verb":"create","target":"/api/v1/workspaces/red"`, `"user":"jane"`, `"verb":"update","target":"/api/v1/workspaces/red/members/jane","workspace":"red",`, `"result":"denied","status":403,"reason":"This needs the permission members.manage (workspaces/red)."`,
		`"verb":"changePassword"`, `"verb":"create","target":"/api/v1/sessions"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log lacks %s:\n%s", want, log)
		}
	}
	for _, secret := range []string{"unaudited", "second password", admin.csrf} {
		if strings.Contains(log, secret) {
			t.Errorf("the audit log holds %q", secret)
		}
	}
}
