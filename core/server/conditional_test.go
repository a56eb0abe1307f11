// Conditional changes through the API, of everything that can be changed: a change
// of what somebody has read is not made when somebody else was faster.

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/server/api"
)

// changed is what is different about one thing, and by what.
type changed struct {
	path   string // of the thing
	method string // that changes it; "": it can only be deleted
	field  string // where the difference is seen
	bodies [2]map[string]any
	query  string // of a deletion
	keeps  bool   // it is not deleted by this path
}

// tagOf reads a thing and its tag.
func (b *browser) tagOf(path string) (string, map[string]any) {
	b.r.t.Helper()
	a := b.must("GET", path, nil, 200)
	var thing map[string]any
	a.json(&thing)
	return a.header.Get("ETag"), thing
}

// given sends a request with a header.
func (b *browser) given(header, value, method, path string, body any) answer {
	b.r.t.Helper()
	return b.r.do(b, method, path, body, func(q *http.Request) { q.Header.Set(header, value) })
}

func TestChangesOfWhatSomebodyHasReadAreNotLost(t *testing.T) {
	_, admin, _, _, _ := grove(t)
	const green = "/api/v1/workspaces/green"
	var onCall, helper struct{ ID string }
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "green"}, 201)
	admin.must("POST", "/api/v1/roles", role("on-call", "project", "pods.exec"), 201).json(&onCall)
	admin.must("POST", green+"/roles", role("helper", "workspace", "members.view"), 201).json(&helper)
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "devs"}, 201)
	admin.must("POST", green+"/groups", map[string]any{"name": "greens"}, 201)
	admin.must("POST", green+"/robots", map[string]any{"name": "ci"}, 201)
	admin.must("PUT", green+"/members/mona", map[string]any{"role": "workspace-viewer"}, 200)
	admin.must("PUT", green+"/member-groups/devs", map[string]any{"role": "workspace-viewer"}, 200)
	admin.must("PUT", red1+"/members/mona", map[string]any{"role": "project-viewer"}, 200)
	admin.must("PUT", red1+"/member-groups/devs", map[string]any{"role": "project-viewer"}, 200)

	two := func(key string, a, b any) [2]map[string]any { return [2]map[string]any{{key: a}, {key: b}} }
	roles := two("platform", []string{"platform-operator"}, []string{"platform-member"})
	titles := [2]map[string]any{{"title": "A", "permissions": []string{"members.view"}}, {"title": "B", "permissions": []string{"members.view"}}}
	table := map[string]changed{
		"/api/v1/users/{name}/roles":                                          {path: "/api/v1/users/mona/roles", method: "PUT", field: "platform", bodies: roles, keeps: true},
		"/api/v1/groups/{group}/roles":                                        {path: "/api/v1/groups/devs/roles", method: "PUT", field: "platform", bodies: roles, keeps: true},
		"/api/v1/clusters/{cluster}/projects/{project}/members/{user}":        {path: red1 + "/members/mona", method: "PUT", field: "role", bodies: two("role", "project-developer", "project-admin")},
		"/api/v1/clusters/{cluster}/projects/{project}/member-groups/{group}": {path: red1 + "/member-groups/devs", method: "PUT", field: "role", bodies: two("role", "project-developer", "project-admin")},
		"/api/v1/workspaces/{workspace}/members/{user}":                       {path: green + "/members/mona", method: "PUT", field: "role", bodies: two("role", "workspace-member", "workspace-admin")},
		"/api/v1/workspaces/{workspace}/member-groups/{group}":                {path: green + "/member-groups/devs", method: "PUT", field: "role", bodies: two("role", "workspace-member", "workspace-admin")},
		"/api/v1/roles/{role}":                                                {path: "/api/v1/roles/" + onCall.ID, method: "PUT", field: "title", bodies: titles},
		"/api/v1/workspaces/{workspace}/roles/{role}":                         {path: green + "/roles/" + helper.ID, method: "PUT", field: "title", bodies: titles},
		"/api/v1/workspaces/{workspace}/robots/{robot}":                       {path: green + "/robots/ci", method: "PATCH", field: "displayName", bodies: two("displayName", "A", "B")},
		"/api/v1/workspaces/{workspace}/groups/{group}":                       {path: green + "/groups/greens"},
		"/api/v1/groups/{group}":                                              {path: "/api/v1/groups/devs"},
		"/api/v1/users/{name}":                                                {path: "/api/v1/users/mona", method: "PATCH", field: "displayName", bodies: two("displayName", "A", "B")},
		"/api/v1/clusters/{cluster}/projects/{project}":                       {path: red1, method: "PUT", field: "title", bodies: two("title", "A", "B"), query: "?confirm=red-1"},
		"/api/v1/workspaces/{workspace}":                                      {path: green, method: "PUT", field: "title", bodies: two("title", "A", "B"), query: "?confirm=green"},
	}
	text, err := api.Document("v1")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			takes := slices.ContainsFunc(op.Parameters, func(p struct{ Name string }) bool { return p.Name == "If-Match" })
			c, known := table[path]
			if known && strings.EqualFold(method, c.method) && !takes || takes && !known {
				t.Errorf("%s %s: it takes If-Match: %v, and there is a line for it here: %v", method, path, takes, known)
			}
		}
	}
	for path, c := range table {
		if c.method != "" {
			t.Run(strings.ReplaceAll(path, "/", ":"), func(t *testing.T) { admin.changes(t, c) })
		}
	}
	for _, path := range deletable(table) {
		t.Run("delete:"+strings.ReplaceAll(path, "/", ":"), func(t *testing.T) { admin.deletes(t, table[path]) })
	}
}

// deletable are the paths of what is deleted by them, the deepest first: what is in
// something else goes before it, and roles go after their members.
func deletable(table map[string]changed) []string {
	var all []string
	for path, c := range table {
		if !c.keeps {
			all = append(all, path)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if n := strings.Count(b, "/") - strings.Count(a, "/"); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	return all
}

// changes tries what may become of a change.
func (b *browser) changes(t *testing.T, c changed) {
	value := func(body map[string]any) string { return fmt.Sprint(body[c.field]) }
	old, _ := b.tagOf(c.path)
	// What Kubernetes makes of a project is written into its record at any time.
	settled(t, func() bool {
		tag, _ := b.tagOf(c.path)
		a := b.given("If-Match", tag, c.method, c.path, c.bodies[0])
		if a.status == 412 {
			return false
		}
		if a.status != 200 {
			t.Fatalf("of what it is now: %d %s", a.status, a.body)
		}
		return true
	})
	tag, now := b.tagOf(c.path)
	if tag == old || value(now) != value(c.bodies[0]) {
		t.Fatalf("it was changed to %v, its tag from %s to %s", now[c.field], old, tag)
	}
	for header, status := range map[string]int{
		"If-Match: " + old:        412,
		`If-Match: "1", "2-3"`:    412,
		"If-Match: W/" + tag:      412,
		"If-Match: unquoted":      400,
		"If-None-Match: *":        412,
		"If-None-Match: " + tag:   412,
		"If-None-Match: W/" + tag: 412,
	} {
		if strings.HasPrefix(header, "If-None-Match: ") && header != "If-None-Match: *" && strings.HasSuffix(c.path, "/projects/red-1") {
			continue // it may have another tag in this moment
		}
		name, value, _ := strings.Cut(header, ": ")
		a := b.given(name, value, c.method, c.path, c.bodies[1])
		if a.status != status || !strings.Contains(a.header.Get("Content-Type"), "problem+json") {
			t.Errorf("%s: %d %s", header, a.status, a.body)
		}
	}
	if _, now := b.tagOf(c.path); value(now) != value(c.bodies[0]) {
		t.Errorf("a refused change made it %v", now[c.field])
	}
	if a := b.given("If-Match", "*", c.method, c.path, c.bodies[1]); a.status != 200 {
		t.Errorf("of whatever it is: %d %s", a.status, a.body)
	}
	settled(t, func() bool { return b.race(t, c) })
}

// race lets eight change what all have read; false when a ninth was faster.
func (b *browser) race(t *testing.T, c changed) bool {
	tag, _ := b.tagOf(c.path)
	var all sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		all.Go(func() { answers[i] = b.given("If-Match", tag, c.method, c.path, c.bodies[i%2]) })
	}
	all.Wait()
	won := -1
	for i, a := range answers {
		switch {
		case a.status == 200 && won < 0:
			won = i
		case a.status == 200:
			t.Errorf("%d and %d have won both", won, i)
		case a.status != 412:
			t.Errorf("who lost was told %d %s", a.status, a.body)
		}
	}
	if _, now := b.tagOf(c.path); won >= 0 && fmt.Sprint(now[c.field]) != fmt.Sprint(c.bodies[won%2][c.field]) {
		t.Errorf("%v won, and it is %v", c.bodies[won%2], now[c.field])
	}
	return won >= 0
}

func (b *browser) deletes(t *testing.T, c changed) {
	if a := b.given("If-Match", `"1-0"`, "DELETE", c.path+c.query, nil); a.status != 412 {
		t.Errorf("of what it is not: %d %s", a.status, a.body)
	}
	settled(t, func() bool {
		tag, _ := b.tagOf(c.path)
		a := b.given("If-Match", tag, "DELETE", c.path+c.query, nil)
		if a.status == 412 {
			return false
		}
		if a.status != 200 && a.status != 204 {
			t.Fatalf("of what it is: %d %s", a.status, a.body)
		}
		return true
	})
	if a := b.do("GET", c.path, nil); a.status == 200 && !strings.Contains(string(a.body), `"Deleting"`) {
		t.Errorf("it is there yet: %s", a.body)
	}
}

// settled tries until something was true: others change records too.
func settled(t *testing.T, try func() bool) {
	t.Helper()
	for range 100 {
		if try() {
			return
		}
	}
	t.Fatal("in a hundred tries somebody else was always faster")
}

func TestMembersAreMadeOnlyWhereTheyAreNot(t *testing.T) {
	_, admin, _, _, _ := grove(t)
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "devs"}, 201)
	body := map[string]any{"role": "project-viewer"}
	for _, path := range []string{red1 + "/members/mona", red1 + "/member-groups/devs"} {
		if a := admin.given("If-Match", "*", "PUT", path, body); a.status != 412 {
			t.Errorf("%s, of what is there: %d %s", path, a.status, a.body)
		}
		admin.must("GET", path, nil, 404)
		var all sync.WaitGroup
		statuses := make([]int, 8)
		for i := range statuses {
			all.Go(func() { statuses[i] = admin.given("If-None-Match", "*", "PUT", path, body).status })
		}
		all.Wait()
		slices.Sort(statuses)
		if statuses[0] != 200 || statuses[1] != 412 || statuses[7] != 412 {
			t.Errorf("%s, made by eight at once: %v", path, statuses)
		}
		admin.must("GET", path, nil, 200)
	}
	// What is not there is not told by its versions.
	for _, path := range []string{red1 + "/members/nobody", "/api/v1/users/nobody", "/api/v1/workspaces/red/groups/devs"} {
		if a := admin.given("If-Match", `"1-0"`, "DELETE", path, nil); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
