// Limited tokens from outside: through the API and to Kubernetes they carry what
// they were made for, and make nothing that carries more.

package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestLimitedTokensCarryWhatTheyWereMadeFor(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") })
	r := startWith(t, u, nil)
	admin := r.admin()
	for _, name := range []string{"red", "blue"} {
		admin.must("POST", "/api/v1/workspaces", map[string]any{"name": name}, 201)
		admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": name + "-1", "workspace": name}, 201)
	}
	jane := admin.user("jane")
	admin.must("PUT", "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-admin"}, 200)
	for name, bad := range map[string]map[string]any{
		"an unknown permission": {"permissions": []string{"workloads.everything"}},
		"a place not seen":      {"scopes": []any{map[string]any{"workspace": "blue"}}},
		"no place":              {"scopes": []any{map[string]any{}}},
		"a project alone":       {"scopes": []any{map[string]any{"project": "red-1"}}},
		"two places in one":     {"scopes": []any{map[string]any{"workspace": "red", "cluster": "local", "project": "red-1"}}},
	} {
		bad["name"] = "bad"
		if a := jane.must("POST", "/api/v1/tokens", bad, 422); !strings.Contains(string(a.body), `"pointer"`) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	made := func(b *browser, limit map[string]any) *browser {
		var token struct {
			Token       string
			Permissions []string
			Scopes      []map[string]string
		}
		limit["name"] = "limited"
		b.must("POST", "/api/v1/tokens", limit, 201).json(&token)
		if fmt.Sprint(len(token.Permissions), len(token.Scopes)) == "0 0" {
			t.Errorf("the limit is not shown: %+v", token)
		}
		return &browser{r: r, token: token.Token}
	}
	viewer := made(jane, map[string]any{"permissions": []string{"projects.view", "members.view", "workloads.view"}})
	viewer.must("GET", "/api/v1/clusters/local/projects/red-1", nil, 200)
	viewer.must("GET", "/api/v1/clusters/local/projects/red-1/members", nil, 200)
	viewer.must("PUT", "/api/v1/clusters/local/projects/red-1/members/jane", map[string]any{"role": "project-admin"}, 403)
	viewer.must("DELETE", "/api/v1/clusters/local/projects/red-1", nil, 403)
	viewer.must("POST", "/api/v1/tokens", map[string]any{"name": "wider"}, 403)
	viewer.must("POST", "/api/v1/clusters/local/kubeconfigs", map[string]any{}, 403)
	viewer.must("DELETE", "/api/v1/sessions", nil, 403)
	for _, own := range []string{"/api/v1/tokens", "/api/v1/sessions", "/api/v1/users/me/logins", "/api/v1/users/me/second-factor"} {
		viewer.must("GET", own, nil, 403)
	}
	viewer.must("GET", "/api/v1/users/me", nil, 200)
	jane.must("POST", "/api/v1/access-requests", map[string]any{"workspace": "blue", "role": "workspace-viewer", "reason": "curious"}, 201)
	var asked struct{ Total int }
	if viewer.must("GET", "/api/v1/access-requests", nil, 200).json(&asked); asked.Total != 0 {
		t.Errorf("it sees %d requests of its person", asked.Total)
	}
	if jane.must("GET", "/api/v1/access-requests", nil, 200).json(&asked); asked.Total != 1 {
		t.Errorf("its person sees %d", asked.Total)
	}
	viewer.must("GET", "/clusters/local/api/v1/namespaces/red-1/pods", nil, 200)

	oneProject := made(admin, map[string]any{"scopes": []any{map[string]any{"cluster": "local", "project": "blue-1"}}})
	oneProject.must("GET", "/clusters/local/api/v1/namespaces/blue-1/pods", nil, 200)
	oneProject.must("GET", "/clusters/local/api/v1/namespaces/red-1/pods", nil, 403)
	oneProject.must("GET", "/api/v1/clusters/local/projects/red-1", nil, 403)
	oneProject.must("GET", "/api/v1/users", nil, 403)
	oneProject.must("GET", "/metrics", nil, 403)
	var list struct{ Items []struct{ Name string } }
	oneProject.must("GET", "/api/v1/projects", nil, 200).json(&list)
	if len(list.Items) != 1 || list.Items[0].Name != "blue-1" {
		t.Errorf("it sees %+v", list)
	}
	var groups [][]string
	for _, q := range u.requests() {
		if strings.HasSuffix(q.URL.Path, "/pods") {
			g := q.Header["Impersonate-Group"]
			for i := range g { // uids are told apart by nothing here
				if parts := strings.Split(g[i], ":"); len(parts) == 4 {
					g[i] = parts[1] + ":" + parts[3]
				}
			}
			slices.Sort(g)
			groups = append(groups, g)
		}
	}
	if got := fmt.Sprint(groups); got != "[[atoll:platform:member project:viewer] [atoll:platform:member project:admin]]" {
		t.Errorf("in Kubernetes they are %s", got)
	}
}
