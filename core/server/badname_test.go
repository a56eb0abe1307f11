// Requests that nobody means and anybody can send: they are refused with what is
// wrong, and are no failures of Atoll.

package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOddNamesAndListsAreRefused(t *testing.T) {
	r := startWith(t, newUpstream(t, http.NotFound), nil)
	admin := r.admin()
	for _, name := range []string{"Ú", "\b\x7f", "\U000d42e7", "a b"} {
		odd := url.PathEscape(name)
		for _, ask := range []string{
			"GET /api/v1/workspaces/" + odd, "GET /api/v1/clusters/" + odd + "/projects/demo", "GET /api/v1/users/" + odd, "GET /api/v1/groups/" + odd,
			"DELETE /api/v1/extensions/" + odd, "DELETE /api/v1/tokens/" + odd, "GET /api/v1/access-requests/" + odd, "DELETE /api/v1/roles/" + odd,
			"GET /api/v1/workspaces/" + odd + "/budget", "DELETE /api/v1/workspaces/" + odd + "?confirm=" + url.QueryEscape(name),
		} {
			method, path, _ := strings.Cut(ask, " ")
			if a := admin.do(method, path, nil); a.status != 404 && a.status != 422 {
				t.Errorf("%s: %d %s", ask, a.status, a.body)
			}
		}
		admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "demo", "workspace": name}, 422)
	}
	for path, body := range map[string]map[string]any{
		"PUT /api/v1/users/admin/roles": {"platform": []any{map[string]any{}}},
		"POST /api/v1/tokens":           {"name": "odd", "permissions": []any{map[string]any{}, []any{}}},
		"POST /api/v1/roles":            {"name": "odd", "kind": "project", "permissions": []any{[]any{}, map[string]any{}}},
		"POST /api/v1/users":            {"name": "odd", "platformRoles": []any{map[string]any{}}},
	} {
		method, path, _ := strings.Cut(path, " ")
		admin.must(method, path, body, 422)
	}
	// The same thing twice is that thing.
	var made struct{ Made []string }
	admin.must("POST", "/api/v1/roles", map[string]any{"name": "twice", "kind": "project", "permissions": []string{"pods.exec", "pods.exec"}}, 201).json(&made)
	if len(made.Made) != 1 {
		t.Errorf("it is made of %v", made.Made)
	}
	admin.must("PUT", "/api/v1/users/admin/roles", map[string]any{"platform": []string{"platform-admin", "platform-admin"}}, 200)
}
