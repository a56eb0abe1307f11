// What the matrix expects: from the tables alone who has a permission where, and
// the questions about operations whose need does not stand in their path. An
// operation of that kind without a question fails here, long before a cluster is
// asked.

package server

import (
	"slices"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

// noRole is the person of the matrix that no role was given to.
const noRole = "no-role"

// matrix is the server, its tenants and people, and what was found.
type matrix struct {
	*running
	t *testing.T

	roles      []string            // of the people, noRole last
	sessions   map[string]*browser // by role
	tokens     map[string]*browser
	own, other tenant
	requests   map[string]string // ids of access requests, by the place they are about

	mu    sync.Mutex
	cells map[string]map[string]int // how many, by class and by what is expected
	wrong []string
}

// tenant is a workspace with its one project.
type tenant struct{ workspace, project string }

// The places of the matrix.
const (
	placeOwn   = "own"
	placeOther = "other"
	placeNone  = "none" // no tenant's
)

var places = []string{placeOwn, placeOther, placeNone}

// at is the tenant of a place: of none, one that is not there.
func (m *matrix) at(place string) tenant {
	switch place {
	case placeOwn:
		return m.own
	case placeOther:
		return m.other
	}
	return tenant{"no-such-workspace", "no-such-project"}
}

// has tells from the tables whether a role given in the own tenant has a
// permission in a scope of a place. It shares nothing with the index but what
// each preset consists of.
func (m *matrix) has(role string, p access.Permission, kind access.Kind, place string) bool {
	if role == noRole {
		return false
	}
	if p == access.ClustersView { // everybody who has any role
		return true
	}
	given, _ := access.RoleKind(role)
	permits := slices.Contains(access.PresetPermissions(role), p)
	switch given {
	case access.KindPlatform:
		return permits
	case access.KindWorkspace:
		return permits && place == placeOwn && kind != access.KindPlatform
	default:
		return permits && place == placeOwn && kind == access.KindProject
	}
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
		"get-cluster-address":  {{path: "/api/v1/clusters/local/address", may: holds(access.ClustersView, access.KindPlatform, ""), unseen: true}},
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

// elsewhere are the scopes of needs that stand in no path and are not the same
// for everybody.
func elsewhere(scope string) bool {
	switch scope {
	case "public", "platform", "cluster", "workspace", "project", "caller", "account":
		return false
	}
	return true
}

func TestEveryOperationHasAnExpectation(t *testing.T) {
	asked := (&matrix{}).asks()
	for _, op := range documented(t) {
		if elsewhere(op.scope) && asked[op.id] == nil {
			t.Errorf("the operation %s says nothing in its path of where its permission is needed: who may ask it is to be said in asks, of matrix_test.go", op.id)
		}
		delete(asked, op.id)
	}
	for id := range asked {
		t.Errorf("there is an expectation for %s, and no such operation", id)
	}
}
