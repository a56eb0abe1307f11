// Groups and robots from outside: who may manage them, and that nobody gives by
// them what they do not have.

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// give binds a role to a user or group, as access would.
func (r *running) give(key string, b access.Binding) {
	r.t.Helper()
	text, err := json.Marshal(b)
	if err != nil {
		r.t.Fatal(err)
	}
	rev, err := r.store.Commit(r.t.Context(), nil, store.Put(access.BindingPrefix+"test/"+key, text))
	if err == nil {
		err = r.index.WaitFor(r.t.Context(), rev)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// uid is that of what a path reads.
func (b *browser) uid(path string) string {
	b.r.t.Helper()
	var thing struct{ UID string }
	b.must("GET", path, nil, 200).json(&thing)
	return thing.UID
}

func TestGroupsAreManagedWhereTheyBelong(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	jane, john := admin.user("jane"), admin.user("john")
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
	admin.must("PUT", "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-admin"}, 200)
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "operators"}, 201)
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "operators"}, 409)
	admin.must("POST", "/api/v1/groups", map[string]any{"name": "system:masters"}, 422)
	jane.must("POST", "/api/v1/groups", map[string]any{"name": "mine"}, 403)
	jane.must("GET", "/api/v1/groups", nil, 403)
	jane.must("PUT", "/api/v1/groups/operators/members/jane", nil, 403)
	jane.must("POST", "/api/v1/workspaces/red/groups", map[string]any{"name": "reds"}, 201)
	jane.must("POST", "/api/v1/workspaces/none/groups", map[string]any{"name": "others"}, 403)
	admin.must("POST", "/api/v1/workspaces/none/groups", map[string]any{"name": "others"}, 404)
	// A group of the platform is not reached through a workspace.
	for _, target := range []string{"GET ", "DELETE ", "PUT /members/jane", "GET /members"} {
		var method, rest string
		fmt.Sscan(target, &method, &rest)
		jane.must(method, "/api/v1/workspaces/red/groups/operators"+rest, nil, 404)
		admin.must(method, "/api/v1/groups/reds"+rest, nil, 404)
	}
	jane.must("PUT", "/api/v1/workspaces/red/groups/reds/members/john", nil, 200)
	jane.must("PUT", "/api/v1/workspaces/red/groups/reds/members/nobody", nil, 404)
	john.must("GET", "/api/v1/workspaces/red", nil, 403)
	r.give("reds", access.Binding{UID: "b1", GroupUID: admin.uid("/api/v1/workspaces/red/groups/reds"), Role: access.WorkspaceViewer, Scope: access.BindingScope{Kind: access.KindWorkspace, UID: admin.uid("/api/v1/workspaces/red")}})
	john.must("GET", "/api/v1/workspaces/red", nil, 200)
	var list struct{ Items []struct{ User string } }
	jane.must("GET", "/api/v1/workspaces/red/groups/reds/members", nil, 200).json(&list)
	if len(list.Items) != 1 || list.Items[0].User != "john" {
		t.Errorf("got %+v", list)
	}
	var user struct{ Groups []string }
	john.must("GET", "/api/v1/users/me", nil, 200).json(&user)
	if fmt.Sprint(user.Groups) != "[reds]" {
		t.Errorf("got %+v", user)
	}
	john.must("PUT", "/api/v1/workspaces/red/groups/reds/members/admin", nil, 403)
	jane.must("DELETE", "/api/v1/workspaces/red/groups/reds/members/john", nil, 204)
	john.must("GET", "/api/v1/workspaces/red", nil, 403)
	jane.must("DELETE", "/api/v1/workspaces/red/groups/reds", nil, 204)
	jane.must("GET", "/api/v1/workspaces/red/groups/reds", nil, 404)
}

func TestNobodyGivesByAGroupOrARobotWhatTheyLack(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") })
	r := startWith(t, u, nil)
	admin := r.admin()
	jane := admin.user("jane")
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
	admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "red-1", "workspace": "red"}, 201)
	ws := access.BindingScope{Kind: access.KindWorkspace, UID: admin.uid("/api/v1/workspaces/red")}
	janeUID := admin.uid("/api/v1/users/jane")
	// Jane manages members and nothing else, by a role of the workspace's own.
	role, err := json.Marshal(access.CustomRole{UID: "role1", Name: "gatekeeper", Kind: access.KindWorkspace, Scope: ws, Permissions: []access.Permission{access.MembersManage, access.WorkspacesView}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Commit(t.Context(), nil, store.Put(access.RolePrefix+"role1", role)); err != nil {
		t.Fatal(err)
	}
	r.give("jane", access.Binding{UID: "b1", SubjectUID: janeUID, Role: "role1", Scope: ws})
	admin.must("POST", "/api/v1/workspaces/red/groups", map[string]any{"name": "bosses"}, 201)
	jane.must("PUT", "/api/v1/workspaces/red/groups/bosses/members/jane", nil, 200) // it has nothing yet
	jane.must("DELETE", "/api/v1/workspaces/red/groups/bosses/members/jane", nil, 204)
	r.give("bosses", access.Binding{UID: "b2", GroupUID: admin.uid("/api/v1/workspaces/red/groups/bosses"), Role: access.WorkspaceAdmin, Scope: ws})
	jane.must("PUT", "/api/v1/workspaces/red/groups/bosses/members/jane", nil, 403)
	jane.must("POST", "/api/v1/workspaces/red/robots", map[string]any{"name": "ci"}, 201)
	jane.must("POST", "/api/v1/workspaces/red/robots/ci/tokens", map[string]any{"name": "a"}, 201)
	r.give("robot", access.Binding{UID: "b3", SubjectUID: admin.uid("/api/v1/workspaces/red/robots/ci"), Role: access.WorkspaceAdmin, Scope: ws})
	jane.must("POST", "/api/v1/workspaces/red/robots/ci/tokens", map[string]any{"name": "b"}, 403)
	admin.must("PUT", "/api/v1/users/robot.red.ci/roles", map[string]any{"platform": []string{"platform-admin"}}, 403)
	admin.must("POST", "/api/v1/users/robot.red.ci/password:reset", map[string]any{}, 403)
}

func TestRobotsWorkByTokens(t *testing.T) {
	r := start(t, nil)
	admin := r.admin()
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "red"}, 201)
	admin.must("POST", "/api/v1/workspaces/red/robots", map[string]any{"name": "ci", "displayName": "Pipeline"}, 201)
	admin.must("POST", "/api/v1/workspaces/red/robots", map[string]any{"name": "ci"}, 409)
	admin.must("POST", "/api/v1/workspaces/none/robots", map[string]any{"name": "ci"}, 404)
	var made struct{ ID, Token string }
	admin.must("POST", "/api/v1/workspaces/red/robots/ci/tokens", map[string]any{"name": "pipeline"}, 201).json(&made)
	robot := &browser{r: r, token: made.Token}
	var me struct {
		Name  string
		Robot bool
	}
	robot.must("GET", "/api/v1/users/me", nil, 200).json(&me)
	if me.Name != "robot.red.ci" || !me.Robot {
		t.Errorf("got %+v", me)
	}
	robot.must("GET", "/api/v1/workspaces/red", nil, 403)
	admin.must("PUT", "/api/v1/workspaces/red/members/robot.red.ci", map[string]any{"role": "workspace-viewer"}, 200)
	robot.must("GET", "/api/v1/workspaces/red", nil, 200)
	admin.must("PATCH", "/api/v1/workspaces/red/robots/ci", map[string]any{"disabled": true}, 200)
	robot.must("GET", "/api/v1/users/me", nil, 401)
	admin.must("PATCH", "/api/v1/workspaces/red/robots/ci", map[string]any{"disabled": false}, 200)
	robot.must("GET", "/api/v1/workspaces/red", nil, 200)
	admin.must("DELETE", "/api/v1/workspaces/red/robots/ci/tokens/"+made.ID, nil, 204)
	robot.must("GET", "/api/v1/users/me", nil, 401)
	admin.must("DELETE", "/api/v1/workspaces/red?confirm=red", nil, 204)
	admin.must("GET", "/api/v1/users/robot.red.ci", nil, 404)
}
