//go:build integration

// The matrix: every route, asked by a person of every preset role, in their own
// tenant, in another's and in none, on a real API server. What is expected comes
// from the tables alone (needs and outer routes, presets, Kubernetes rules, the
// manifest), what is actual from the running server. Nothing is destroyed:
// whatever is named inside of a tenant is not there, and writes to Kubernetes
// are dry runs.

package server

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/extension"
)

// judge counts a cell; where it is wrong it is told.
func (m *matrix) judge(class, route, role, place, expected, actual string, right bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cells[class] == nil {
		m.cells[class] = map[string]int{}
	}
	m.cells[class][expected]++
	if !right {
		m.wrong = append(m.wrong, fmt.Sprintf("%-12s %-70s %-18s %-6s expected %s, actual %s", class, route, role, place, expected, actual))
	}
}

func newMatrix(t *testing.T) *matrix {
	run := access.NewUID()[:6]
	m := &matrix{
		running: startOnCluster(t, extension.Builtin()), t: t, sessions: map[string]*browser{}, tokens: map[string]*browser{}, requests: map[string]string{}, cells: map[string]map[string]int{},
		own: tenant{"matrix-own-" + run, "matrix-own-" + run}, other: tenant{"matrix-other-" + run, "matrix-other-" + run},
	}
	admin := m.admin()
	for _, one := range []tenant{m.own, m.other} {
		admin.newProject(one.project)
	}
	for _, kind := range []access.Kind{access.KindPlatform, access.KindWorkspace, access.KindProject} {
		m.roles = append(m.roles, access.RoleNames(kind)...)
	}
	m.roles = append(m.roles, noRole)
	for _, role := range m.roles {
		kind, _ := access.RoleKind(role)
		var platform []string
		if kind == access.KindPlatform {
			platform = []string{role}
		}
		m.sessions[role] = admin.user("the-"+role, platform...)
		m.tokens[role] = m.sessions[role].newToken()
		switch kind {
		case access.KindWorkspace:
			admin.must("PUT", "/api/v1/workspaces/"+m.own.workspace+"/members/the-"+role, map[string]any{"role": role}, 200)
		case access.KindProject:
			admin.must("PUT", "/api/v1/clusters/local/projects/"+m.own.project+"/members/the-"+role, map[string]any{"role": role}, 200)
		}
	}
	asker := admin.user("asker")
	for place, scope := range map[string]map[string]any{
		placeOwn: {"cluster": "local", "project": m.own.project}, placeOther: {"cluster": "local", "project": m.other.project}, placeNone: {},
	} {
		scope["permission"], scope["reason"] = "projects.view", "the matrix"
		var asked struct{ ID string }
		asker.must("POST", "/api/v1/access-requests", scope, 201).json(&asked)
		m.requests[place] = asked.ID
	}
	// The API server's authorizer learns of bindings a moment after their write,
	// and pods want their project's account.
	for _, one := range []tenant{m.own, m.other} {
		eventually(t, "the project is ready", func() bool {
			return admin.do("GET", "/clusters/local/api/v1/namespaces/"+one.project+"/serviceaccounts/default", nil).status == 200
		})
	}
	for _, role := range access.RoleNames(access.KindProject) {
		eventually(t, "the bindings are obeyed", func() bool {
			return m.tokens[role].do("GET", "/clusters/local/api/v1/namespaces/"+m.own.project+"/pods", nil).status == 200
		})
	}
	eventually(t, "the platform's bindings are obeyed", func() bool {
		return m.tokens[access.PlatformOperator].do("GET", "/clusters/local/api/v1/nodes", nil).status == 200 &&
			m.tokens[access.PlatformMember].do("GET", "/clusters/local/apis/storage.k8s.io/v1/storageclasses", nil).status == 200
	})
	return m
}

func TestIntegrationEveryRouteIsForWhomItIs(t *testing.T) {
	m := newMatrix(t)
	for _, part := range []func(){m.kubernetesRights, m.kubernetesRequests, m.kubernetesPaths, m.extensionRoutes, m.outerRoutes, m.operations} {
		part()
	}
	total := 0
	for _, class := range slices.Sorted(maps.Keys(m.cells)) {
		sum := 0
		for _, n := range m.cells[class] {
			sum += n
		}
		refused := m.cells[class]["refused"] + m.cells[class]["404"] + m.cells[class]["401"]
		t.Logf("%-20s %6d cells, of which %d are refused", class, sum, refused)
		total += sum
	}
	t.Logf("%-20s %6d cells, %d wrong", "the matrix", total, len(m.wrong))
	for i, w := range m.wrong {
		if i == 200 {
			t.Errorf("and %d more", len(m.wrong)-i)
			break
		}
		t.Error(w)
	}
}

// allowed tells from a status whether a request was let through: to an answer,
// or to what is wrong with it or not there.
func allowed(status int) bool {
	return status < 500 && status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusTooManyRequests
}

// parallel does work for every role at once, in the order of each.
func (m *matrix) parallel(work func(role string)) {
	var all sync.WaitGroup
	for _, role := range m.roles {
		all.Go(func() { work(role) })
	}
	all.Wait()
}

// outerRoutes asks what is no operation of the API.
func (m *matrix) outerRoutes() {
	for _, o := range outers {
		if o.who == byCluster || o.who == byManifest {
			continue // asked by their own parts
		}
		path := strings.ReplaceAll(o.path, ":provider", "no-such")
		nobody := m.do(nil, "GET", path, nil, nil).status
		if o.who == everybody { // it is the same for all
			m.judge("outer routes", "GET "+o.path, "(nobody)", "", "allowed", fmt.Sprint(nobody), nobody < 500 && nobody != http.StatusForbidden)
		} else {
			m.judge("outer routes", "GET "+o.path, "(nobody)", "", "401", fmt.Sprint(nobody), nobody == http.StatusUnauthorized)
		}
		for _, role := range m.roles {
			want := o.who != holders || m.has(role, o.permission, access.KindPlatform, placeNone)
			status := m.tokens[role].do("GET", path, nil).status
			right := want == allowed(status) && (want || status == http.StatusForbidden)
			if o.who == everybody {
				right = status == nobody
			}
			m.judge("outer routes", "GET "+o.path, role, "", verdict(want), fmt.Sprint(status), right)
		}
	}
	for _, path := range []string{"/", "/workspaces", "/index.html"} { // the console's
		status := m.do(nil, "GET", path, nil, func(r *http.Request) { r.Header.Set("Accept", "text/html") }).status
		m.judge("outer routes", "GET "+path, "(nobody)", "", "allowed", fmt.Sprint(status), allowed(status))
	}
}

func verdict(allowed bool) string {
	if allowed {
		return "allowed"
	}
	return "refused"
}
