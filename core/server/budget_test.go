// Budgets of workspaces, and deletions that are confirmed, through the API.

package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestProjectsGetWhatIsLeftOfABudget(t *testing.T) {
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }), nil)
	admin := r.admin()
	jane := admin.user("jane", "platform-member")
	a := admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red", "budget": map[string]string{"cpu": "1"}}, 422)
	if !strings.Contains(string(a.body), "requests.cpu") {
		t.Errorf("a resource that is none: %s", a.body)
	}
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red", "budget": map[string]string{"pods": "10"}, "podSecurity": "privileged"}, 422)
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red", "budget": map[string]string{"pods": "10"}, "hosts": []string{"red.example.org"}}, 201)
	admin.must("PUT", "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-admin"}, 200)
	project := func(name, pods string, status int) answer {
		return jane.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": name, "workspace": "red", "quota": map[string]string{"pods": pods}}, status)
	}
	project("red-1", "7", 201)
	if a := project("red-2", "4", 409); !strings.Contains(string(a.body), "3 is left") {
		t.Errorf("beyond the budget: %s", a.body)
	}
	project("red-2", "3", 201)
	change := map[string]any{"title": "One", "quota": map[string]string{"pods": "5"}, "containers": map[string]any{"limits": map[string]string{"memory": "1024Mi"}}}
	var p struct {
		Title      string
		Quota      map[string]string
		Containers struct{ Limits map[string]string }
	}
	for range 2 { // the same again changes nothing
		jane.must("PUT", "/api/v1/clusters/local/projects/red-1", change, 200).json(&p)
	}
	if p.Title != "One" || p.Quota["pods"] != "5" || p.Containers.Limits["memory"] != "1Gi" {
		t.Errorf("%+v", p)
	}
	var spent struct {
		Budget, Given, Left map[string]string
		Projects            []struct{ Project string }
	}
	jane.must("GET", "/api/v1/workspaces/red/budget", nil, 200).json(&spent)
	if spent.Budget["pods"] != "10" || spent.Given["pods"] != "8" || spent.Left["pods"] != "2" || len(spent.Projects) != 2 {
		t.Errorf("%+v", spent)
	}
	// The budget is the platform's to say.
	jane.must("PUT", "/api/v1/workspaces/red", map[string]any{"budget": map[string]string{"pods": "100"}}, 403)
	admin.must("PUT", "/api/v1/workspaces/red", map[string]any{"budget": map[string]string{"pods": "7"}}, 409)
	admin.must("PUT", "/api/v1/workspaces/red", map[string]any{"budget": map[string]string{"pods": "8"}}, 200)
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "blue", "hosts": []string{"red.example.org"}}, 201)
}

func TestWhatCannotBeTakenBackIsConfirmed(t *testing.T) {
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }), nil)
	admin := r.admin()
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
	admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "red-1", "workspace": "red"}, 201)
	for path, name := range map[string]string{"/api/v1/workspaces/red": "red", "/api/v1/clusters/local/projects/red-1": "red-1"} {
		if a := admin.must("DELETE", path, nil, 428); !strings.Contains(string(a.body), "?confirm="+name) {
			t.Errorf("%s: %s", path, a.body)
		}
		admin.must("DELETE", path+"?confirm=other", nil, 422)
	}
	admin.must("DELETE", "/api/v1/clusters/local/projects/red-1?confirm=red-1", nil, 204)
	admin.must("DELETE", "/api/v1/workspaces/red?confirm=red", nil, 409) // until the project is gone
	var p struct{ Phase string }
	admin.must("GET", "/api/v1/clusters/local/projects/red-1", nil, 200).json(&p)
	if p.Phase != "Deleting" {
		t.Errorf("phase %q", p.Phase)
	}
}
