// Roles and members by the API: custom roles, groups, and that nobody gives what
// they do not have.

package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// grove is an Atoll with two workspaces, a project each, and people: wendy
// administers "red", petra the project "red-1", and mona has nothing.
func grove(t *testing.T) (r *running, admin, wendy, petra, mona *browser) {
	return groveWith(t, newUpstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") }))
}

func groveWith(t *testing.T, u *upstream) (r *running, admin, wendy, petra, mona *browser) {
	r = startWith(t, u, nil)
	admin = r.admin()
	wendy, petra, mona = admin.user("wendy"), admin.user("petra"), admin.user("mona")
	for _, name := range []string{"red", "blue"} {
		admin.must("POST", "/api/v1/workspaces", map[string]any{"name": name}, 201)
		admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": name + "-1", "workspace": name}, 201)
	}
	admin.must("PUT", "/api/v1/workspaces/red/members/wendy", map[string]any{"role": "workspace-admin"}, 200)
	admin.must("PUT", "/api/v1/clusters/local/projects/red-1/members/petra", map[string]any{"role": "project-admin"}, 200)
	return r, admin, wendy, petra, mona
}

// put writes a record as the room that owns it would.
func (r *running) put(key string, v any) {
	r.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	rev, err := r.store.Commit(r.t.Context(), nil, store.Put(key, text))
	if err == nil {
		err = r.index.WaitFor(r.t.Context(), rev)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

const red1 = "/api/v1/clusters/local/projects/red-1"

func (b *browser) permissions(query string) []string {
	var may struct{ Permissions []string }
	b.must("GET", "/api/v1/access?"+query, nil, 200).json(&may)
	return may.Permissions
}

func role(name, kind string, permissions ...string) map[string]any {
	return map[string]any{"name": name, "kind": kind, "permissions": permissions}
}

func TestCustomRolesLiveFromMakingToDeleting(t *testing.T) {
	_, admin, wendy, petra, mona := grove(t)
	var made struct {
		ID, Workspace     string
		Permissions, Made []string
	}
	wendy.must("POST", "/api/v1/workspaces/red/roles", role("on-call", "project", "pods.exec"), 201).json(&made)
	if made.Workspace != "red" || !slices.Equal(made.Permissions, []string{"pods.exec", "projects.view", "workloads.view"}) || !slices.Equal(made.Made, []string{"pods.exec"}) {
		t.Fatalf("%+v", made)
	}
	wendy.must("POST", "/api/v1/workspaces/red/roles", role("on-call", "project", "pods.exec"), 409)
	admin.must("POST", "/api/v1/workspaces/blue/roles", role("on-call", "project", "pods.exec"), 201)
	petra.must("PUT", red1+"/members/mona", map[string]any{"role": made.ID}, 200)
	admin.must("PUT", "/api/v1/clusters/local/projects/blue-1/members/mona", map[string]any{"role": made.ID}, 422)
	admin.must("PUT", "/api/v1/workspaces/red/members/mona", map[string]any{"role": made.ID}, 422)
	if got := mona.permissions("cluster=local&project=red-1"); !slices.Contains(got, "pods.exec") || slices.Contains(got, "workloads.manage") {
		t.Errorf("mona has %v", got)
	}
	wendy.must("PUT", "/api/v1/workspaces/red/roles/"+made.ID, map[string]any{"permissions": []string{"secrets.view"}}, 200)
	if got := mona.permissions("cluster=local&project=red-1"); !slices.Contains(got, "secrets.view") || slices.Contains(got, "pods.exec") {
		t.Errorf("after the change mona has %v", got)
	}
	if a := wendy.must("DELETE", "/api/v1/workspaces/red/roles/"+made.ID, nil, 409); !strings.Contains(string(a.body), "mona") {
		t.Errorf("it is not said who has the role: %s", a.body)
	}
	petra.must("DELETE", red1+"/members/mona", nil, 200)
	wendy.must("DELETE", "/api/v1/workspaces/red/roles/"+made.ID, nil, 204)
	wendy.must("GET", "/api/v1/workspaces/red/roles/"+made.ID, nil, 404)
	petra.must("PUT", red1+"/members/mona", map[string]any{"role": made.ID}, 422)
	wendy.must("POST", "/api/v1/workspaces/red/roles", role("on-call", "workspace", "projects.manage"), 201)
	admin.must("DELETE", red1+"?confirm=red-1", nil, 204)
}

func TestRolesThatCannotBeAreRefused(t *testing.T) {
	_, admin, wendy, _, _ := grove(t)
	for what, body := range map[string]map[string]any{
		"a preset's name":         role("project-admin", "project", "pods.exec"),
		"no such permission":      role("a", "project", "galaxies.manage"),
		"wider than its kind":     role("a", "project", "projects.manage"),
		"the platform's":          role("a", "platform", "pods.exec"),
		"a kind that there isn't": role("a", "galaxy", "pods.exec"),
		"nothing":                 role("a", "project"),
		"a name with a space":     role("a b", "project", "pods.exec"),
	} {
		if a := wendy.do("POST", "/api/v1/workspaces/red/roles", body); a.status != 422 && a.status != 403 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	admin.must("PUT", "/api/v1/roles/project-admin", map[string]any{"permissions": []string{"pods.exec"}}, 422)
	admin.must("DELETE", "/api/v1/roles/platform-admin", nil, 422)
}

func TestNobodyGivesWhatTheyDoNotHave(t *testing.T) {
	r, admin, wendy, petra, mona := grove(t)
	// Mona keeps members, and has nothing else; at the platform, users.
	var clerk, registrar, strong struct{ ID string }
	admin.must("POST", "/api/v1/roles", role("clerk", "project", "members.manage"), 201).json(&clerk)
	admin.must("POST", "/api/v1/roles", role("registrar", "platform", "users.manage", "roles.manage"), 201).json(&registrar)
	admin.must("POST", "/api/v1/roles", role("strong", "project", "secrets.manage"), 201).json(&strong)
	admin.must("PUT", red1+"/members/mona", map[string]any{"role": clerk.ID}, 200)
	r.put(access.GroupPrefix+"devs", access.Group{UID: "devs", Name: "devs"})
	for _, role := range []string{"project-admin", "project-viewer", strong.ID} {
		for _, to := range []string{"/members/mona", "/members/petra", "/member-groups/devs"} {
			if a := mona.must("PUT", red1+to, map[string]any{"role": role}, 403); !strings.Contains(string(a.body), `"missing"`) {
				t.Errorf("it is not said what is missing: %s", a.body)
			}
		}
	}
	mona.must("PUT", red1+"/member-groups/devs", map[string]any{"role": clerk.ID}, 200)
	mona.must("DELETE", red1+"/member-groups/devs", nil, 204)

	admin.must("PUT", "/api/v1/users/mona/roles", map[string]any{"platform": []string{registrar.ID}}, 200)
	for _, role := range []string{"platform-admin", "platform-operator"} {
		mona.must("PUT", "/api/v1/users/mona/roles", map[string]any{"platform": []string{role, registrar.ID}}, 403)
		mona.must("PUT", "/api/v1/groups/devs/roles", map[string]any{"platform": []string{role}}, 403)
		mona.must("POST", "/api/v1/users", map[string]any{"name": "eve", "password": "a long enough one", "platformRoles": []string{role}}, 403)
	}
	mona.must("POST", "/api/v1/roles", role("more", "project", "secrets.view"), 403)
	mona.must("PUT", "/api/v1/roles/"+strong.ID, map[string]any{"permissions": []string{"members.view"}}, 403)
	mona.must("PUT", "/api/v1/roles/"+registrar.ID, map[string]any{"permissions": []string{"users.manage", "audit.view"}}, 403)
	mona.must("DELETE", "/api/v1/roles/"+strong.ID, nil, 403)

	// A workspace's administrator has everything there, and nothing elsewhere.
	wendy.must("POST", "/api/v1/roles", role("mine", "project", "pods.exec"), 403)
	wendy.must("POST", "/api/v1/workspaces/blue/roles", role("mine", "project", "pods.exec"), 403)
	wendy.must("PUT", "/api/v1/workspaces/red/roles/"+strong.ID, map[string]any{"permissions": []string{"pods.exec"}}, 404)
	petra.must("POST", "/api/v1/workspaces/red/roles", role("mine", "project", "pods.exec"), 403)
}

func TestGroupsAreMembersToo(t *testing.T) {
	r, admin, wendy, petra, mona := grove(t)
	var me struct{ UID string }
	mona.must("GET", "/api/v1/users/me", nil, 200).json(&me)
	r.put(access.GroupPrefix+"devs", access.Group{UID: "devs", Name: "devs", DisplayName: "Developers"})
	r.put(access.GroupPrefix+"blues", access.Group{UID: "blues", Name: "blues", WorkspaceUID: "another"})
	item, err := r.store.Get(t.Context(), access.UserPrefix+"mona")
	if err != nil {
		t.Fatal(err)
	}
	var account map[string]any
	if err := json.Unmarshal(item.Value, &account); err != nil {
		t.Fatal(err)
	}
	account["groups"] = []string{"devs"}
	r.put(access.UserPrefix+"mona", account)
	petra.must("PUT", red1+"/member-groups/devs", map[string]any{"role": "project-developer"}, 200)
	petra.must("PUT", red1+"/member-groups/blues", map[string]any{"role": "project-developer"}, 422)
	petra.must("PUT", red1+"/member-groups/nobody", map[string]any{"role": "project-developer"}, 404)
	wendy.must("PUT", "/api/v1/workspaces/red/member-groups/devs", map[string]any{"role": "workspace-member"}, 200)
	if got := mona.permissions("cluster=local&project=red-1"); !slices.Contains(got, "workloads.manage") || !slices.Contains(got, "workspaces.view") {
		t.Errorf("a member of the group has %v", got)
	}
	var list struct {
		Items []struct{ User, Group, Role string }
	}
	petra.must("GET", red1+"/members", nil, 200).json(&list)
	if got := fmt.Sprint(list.Items); got != "[{admin  project-admin} {petra  project-admin} { devs project-developer}]" {
		t.Errorf("members: %s", got)
	}
	petra.must("DELETE", red1+"/member-groups/devs", nil, 204)
	petra.must("DELETE", red1+"/member-groups/devs", nil, 404)
	if got := mona.permissions("cluster=local&project=red-1"); slices.Contains(got, "workloads.manage") {
		t.Errorf("after the group left, a member has %v", got)
	}
	admin.must("PUT", "/api/v1/groups/devs/roles", map[string]any{"platform": []string{"platform-operator"}}, 200)
	admin.must("PUT", "/api/v1/groups/blues/roles", map[string]any{"platform": []string{"platform-operator"}}, 422)
	if got := mona.permissions(""); !slices.Contains(got, "audit.view") {
		t.Errorf("a member of the operators' group has %v", got)
	}
	admin.must("GET", "/api/v1/members", nil, 200).json(&list)
	if got := fmt.Sprint(list.Items); got != "[{admin  platform-admin} { devs platform-operator}]" {
		t.Errorf("the platform's members: %s", got)
	}
	admin.must("PUT", "/api/v1/groups/devs/roles", map[string]any{"platform": []string{}}, 200)
	if got := mona.permissions(""); slices.Contains(got, "audit.view") {
		t.Errorf("after its roles were taken, a member of the group has %v", got)
	}
}

func TestExplanationsTellNoMoreThanOneMaySee(t *testing.T) {
	_, admin, wendy, petra, mona := grove(t)
	type explanation struct {
		Allowed      bool
		User, Reason string
		By           *struct{ Role, Scope string }
		Grant        *struct {
			Scope    string
			Roles    []struct{ ID string }
			Grantors []string
		}
	}
	explain := func(b *browser, query string, status int) (e explanation) {
		t.Helper()
		a := b.must("GET", "/api/v1/access:explain?"+query, nil, status)
		if status == 200 {
			a.json(&e)
		}
		return e
	}
	const here = "&cluster=local&project=red-1"
	if e := explain(wendy, "permission=pods.exec"+here, 200); !e.Allowed || e.By == nil || e.By.Role != "workspace-admin" || e.By.Scope != "workspaces/red" {
		t.Errorf("wendy: %+v", e)
	}
	// Mona sees nothing there, and learns nothing of it, whether it is there or not.
	for _, where := range []string{here, "&cluster=local&project=nothing"} {
		if e := explain(mona, "permission=pods.exec"+where, 200); e.Allowed || e.By != nil || e.Grant != nil {
			t.Errorf("mona%s: %+v", where, e)
		}
	}
	explain(mona, "user=petra&permission=pods.exec"+here, 403)
	admin.must("PUT", red1+"/members/mona", map[string]any{"role": "project-viewer"}, 200)
	if e := explain(mona, "permission=pods.exec"+here, 200); e.Grant == nil || e.Grant.Roles[0].ID != "project-developer" || !slices.Equal(e.Grant.Grantors, []string{"admin", "petra", "wendy"}) {
		t.Errorf("mona, who sees the members: %+v", e)
	}
	var blind struct{ ID string }
	admin.must("POST", "/api/v1/roles", role("blind", "project", "secrets.view"), 201).json(&blind)
	admin.must("PUT", red1+"/members/mona", map[string]any{"role": blind.ID}, 200)
	if e := explain(mona, "permission=pods.exec"+here, 200); e.Grant == nil || len(e.Grant.Roles) == 0 || len(e.Grant.Grantors) != 0 {
		t.Errorf("mona, who does not see the members: %+v", e)
	}
	if e := explain(petra, "user=mona&permission=secrets.view"+here, 200); !e.Allowed || e.User != "mona" || e.By == nil || e.By.Role != blind.ID {
		t.Errorf("petra about mona: %+v", e)
	}
	explain(petra, "user=mona&permission=audit.view", 403)
	explain(petra, "user=nobody&permission=audit.view"+here, 404)
	explain(petra, "permission=galaxies.manage"+here, 422)
	explain(petra, "permission=pods.exec&project=red-1", 422)
}
