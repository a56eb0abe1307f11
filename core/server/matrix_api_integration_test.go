//go:build integration

// The part of the matrix that is about the API: every operation of the OpenAPI
// document, by the permission that it says it needs.

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
)

// documentedOperation is what the document says of one.
type documentedOperation struct {
	id, method, path string
	permission       access.Permission
	scope            string
	tar, body        bool // what it takes
}

func (m *matrix) documented() []documentedOperation {
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string
			Need        map[string]string `json:"x-atoll-permission"`
			RequestBody *struct{ Content map[string]any }
		}
	}
	m.do(nil, "GET", "/openapi.json", nil, nil).json(&d)
	var all []documentedOperation
	for path, methods := range d.Paths {
		for method, op := range methods {
			one := documentedOperation{id: op.OperationID, method: strings.ToUpper(method), path: path, permission: access.Permission(op.Need["permission"]), scope: op.Need["scope"]}
			if op.RequestBody != nil {
				_, one.body = op.RequestBody.Content["application/json"]
				one.tar = !one.body
			}
			all = append(all, one)
		}
	}
	// What ends the caller's sessions comes last.
	ends := map[string]int{"sign-out": 1, "sign-out-everywhere": 2}
	slices.SortFunc(all, func(a, b documentedOperation) int {
		if d := ends[a.id] - ends[b.id]; d != 0 {
			return d
		}
		return strings.Compare(a.id, b.id)
	})
	return all
}

// question is one request of an operation, and who is expected to be let through.
type question struct {
	place string
	path  string // "": the operation's, filled in
	body  any    // nil: {} where it takes one
	may   func(role string) bool
	// unseen: who may not is told that there is no such thing.
	unseen bool
	// lists, with shows, is for lists of which everybody gets their own: whether
	// the answer has the text is what is allowed or not.
	shows string
}

// asks are those of operations whose need does not stand in their path, by id.
// An operation of that kind without a line here fails.
func (m *matrix) asks() map[string][]question {
	holds := func(p access.Permission, kind access.Kind, place string) func(string) bool {
		return func(role string) bool { return m.has(role, p, kind, place) }
	}
	anyone := func(string) bool { return true }
	all := map[string][]question{
		"list-permissions":     {{may: anyone}},
		"list-contributions":   {{may: anyone}},
		"list-clusters":        {{may: holds(access.ClustersView, access.KindPlatform, ""), shows: `"name":"local"`}},
		"get-cluster":          {{path: "/api/v1/clusters/local", may: holds(access.ClustersView, access.KindPlatform, ""), unseen: true}},
		"create-kubeconfig":    {{path: "/api/v1/clusters/local/kubeconfigs", may: holds(access.ClustersView, access.KindPlatform, ""), unseen: true}},
		"get-extension-health": {{place: placeNone, path: "/api/v1/extensions/logging/health", may: holds(access.ExtensionsView, access.KindPlatform, placeNone)}},
	}
	add := func(id string, a question) { all[id] = append(all[id], a) }
	for _, place := range []string{placeOwn, placeOther} {
		at := m.at(place)
		inProject := "cluster=local&project=" + at.project
		decides := holds(access.MembersManage, access.KindProject, place)
		request := "/api/v1/access-requests/" + m.requests[place]
		add("list-workspaces", question{place: place, may: holds(access.WorkspacesView, access.KindWorkspace, place), shows: `"` + at.workspace + `"`})
		add("list-projects", question{place: place, may: holds(access.ProjectsView, access.KindProject, place), shows: `"` + at.project + `"`})
		add("list-access-requests", question{place: place, may: decides, shows: m.requests[place]})
		add("get-access-request", question{place: place, path: request, may: decides, unseen: true})
		add("decide-access-request", question{place: place, path: request + "/decision", body: map[string]any{"approve": false}, may: decides, unseen: true})
		add("create-project", question{place: place, path: "/api/v1/clusters/local/projects", body: map[string]any{"name": m.own.project, "workspace": at.workspace},
			may: holds(access.ProjectsManage, access.KindWorkspace, place)})
		add("explain-access", question{place: place, path: "/api/v1/access:explain?permission=pods.exec&user=asker&" + inProject, may: holds(access.MembersView, access.KindProject, place)})
		add("explain-access", question{place: place, path: "/api/v1/access:explain?permission=projects.view&user=asker&workspace=" + at.workspace, may: holds(access.MembersView, access.KindWorkspace, place)})
		add("get-extension-health", question{place: place, path: "/api/v1/extensions/logging/health?" + inProject, may: holds(access.ProjectsView, access.KindProject, place)})
		add("get-extension-health", question{place: place, path: "/api/v1/extensions/logging/health?workspace=" + at.workspace, may: holds(access.WorkspacesView, access.KindWorkspace, place)})
	}
	for _, audit := range []struct{ id, path string }{{"list-audit-events", "/api/v1/audit"}, {"stream-audit-events", "/api/v1/audit:stream"}} {
		for _, place := range []string{placeOwn, placeOther} {
			at := m.at(place)
			add(audit.id, question{place: place, path: audit.path + "?cluster=local&project=" + at.project, may: holds(access.ActivityView, access.KindProject, place)})
			add(audit.id, question{place: place, path: audit.path + "?workspace=" + at.workspace, may: holds(access.ActivityView, access.KindWorkspace, place)})
		}
		add(audit.id, question{place: placeNone, path: audit.path, may: holds(access.AuditView, access.KindPlatform, placeNone)})
	}
	platform := "/api/v1/access-requests/" + m.requests[placeNone]
	admin := holds(access.UsersManage, access.KindPlatform, placeNone)
	add("get-access-request", question{place: placeNone, path: platform, may: admin, unseen: true})
	add("decide-access-request", question{place: placeNone, path: platform + "/decision", body: map[string]any{"approve": false}, may: admin, unseen: true})
	add("explain-access", question{place: placeNone, path: "/api/v1/access:explain?permission=users.view&user=asker", may: holds(access.MembersView, access.KindPlatform, placeNone)})
	add("create-project", question{place: placeNone, path: "/api/v1/clusters/local/projects", body: map[string]any{"name": m.own.project, "workspace": "no-such-workspace"},
		may: holds(access.ProjectsManage, access.KindWorkspace, placeNone)})
	return all
}

// operations asks every operation.
func (m *matrix) operations() {
	special := m.asks()
	for _, op := range m.documented() {
		asks, known := special[op.id]
		delete(special, op.id)
		permission := op.permission
		switch op.scope {
		case "public":
			asks = []question{{may: func(string) bool { return true }}}
		case "platform":
			asks = []question{{may: func(role string) bool { return m.has(role, permission, access.KindPlatform, placeNone) }}}
		case "cluster":
			asks = []question{{may: func(role string) bool { return m.has(role, permission, access.KindPlatform, placeNone) }}}
		case "workspace", "project":
			for _, place := range places {
				asks = append(asks, question{place: place, may: func(role string) bool { return m.has(role, permission, access.Kind(op.scope), place) }})
			}
		case "caller", "account": // whatever one's roles
			if !known {
				asks = []question{{may: func(string) bool { return true }}}
			}
		default:
			if !known {
				m.t.Errorf("the operation %s says nothing in its path of where its permission is needed, and has no expectation", op.id)
			}
		}
		for _, a := range asks {
			m.operation(op, a)
		}
		if op.id == "sign-in" {
			continue // 401 is its word for a wrong password, too
		}
		status := m.do(nil, op.method, fill(op.path, m.own), m.bodyOf(op, question{}), nil).status
		m.judge("API operations", op.method+" "+op.path, "(nobody)", "", verdict(op.scope == "public"), fmt.Sprint(status), (status != http.StatusUnauthorized) == (op.scope == "public"))
	}
	for id := range special {
		m.t.Errorf("there is an expectation for %s, and no such operation", id)
	}
}

var pathParameter = regexp.MustCompile(`\{\w+\}`)

// fill names a tenant in a path, and nothing that is there inside of it.
func fill(path string, at tenant) string {
	path = strings.NewReplacer("{cluster}", "local", "{workspace}", at.workspace, "{project}", at.project).Replace(path)
	return pathParameter.ReplaceAllString(path, "no-such")
}

func (m *matrix) bodyOf(op documentedOperation, a question) any {
	switch {
	case a.body != nil:
		return a.body
	case op.body:
		return map[string]any{}
	case op.tar:
		return "no tar"
	}
	return nil
}

// operation asks one request as everybody.
func (m *matrix) operation(op documentedOperation, a question) {
	path := a.path
	if path == "" {
		path = fill(op.path, m.at(a.place))
	}
	m.parallel(func(role string) {
		who := m.sessions[role]
		if op.id == "sign-out" || op.scope != "caller" && op.scope != "account" {
			who = m.tokens[role]
		}
		got := m.do(who, op.method, path, m.bodyOf(op, a), func(r *http.Request) {
			if op.tar {
				r.Header.Set("Content-Type", "application/x-tar")
			}
		})
		want, right := a.may(role), false
		expected := verdict(want)
		switch {
		case a.shows != "":
			expected = fmt.Sprintf("200 with %s: %v", a.shows, want)
			right = got.status == http.StatusOK && strings.Contains(string(got.body), a.shows) == want
		case op.id == "sign-in":
			right = got.status == http.StatusUnprocessableEntity
		case want:
			right = allowed(got.status)
			// What is certainly there is to be seen.
			if op.method == http.MethodGet && a.place != placeNone && !strings.Contains(path, "no-such") {
				expected, right = "200", got.status == http.StatusOK
			}
		case a.unseen:
			expected, right = "404", got.status == http.StatusNotFound
		default:
			right = got.status == http.StatusForbidden && json.Valid(got.body)
		}
		m.judge("API operations", op.method+" "+path, role, a.place, expected, fmt.Sprintf("%d %.160s", got.status, got.body), right)
	})
}
