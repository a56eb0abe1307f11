// What atoll get shows, in every form, and what atoll delete takes away.

package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// tenants makes two workspaces with a project each, and jane, who administers
// one of them.
func (w *world) tenants() {
	w.t.Helper()
	w.admin()
	w.user("jane")
	for _, name := range []string{"red", "blue"} {
		w.call(http.MethodPost, "/api/v1/workspaces", map[string]any{"name": name, "title": strings.ToUpper(name), "budget": map[string]string{"pods": "10"}}, nil)
		w.call(http.MethodPost, "/api/v1/clusters/local/projects", map[string]any{"name": name + "-1", "workspace": name, "quota": map[string]string{"pods": "2"}}, nil)
	}
	w.call(http.MethodPut, "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-admin"}, nil)
}

// names are the lines of -o name.
func (w *world) names(args ...string) []string {
	w.t.Helper()
	return strings.Fields(w.must("", append(append([]string{"get"}, args...), "-o", "name")...))
}

func TestGetShowsEveryKindThatThereIs(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	w.call(http.MethodPost, "/api/v1/workspaces/red/roles", map[string]any{"name": "on-call", "kind": "project", "permissions": []string{"pods.exec"}}, nil)
	w.call(http.MethodPost, "/api/v1/groups", map[string]any{"name": "devs"}, nil)
	w.call(http.MethodPut, "/api/v1/groups/devs/members/jane", nil, nil)
	w.call(http.MethodPut, "/api/v1/groups/devs/roles", map[string]any{"platform": []string{"platform-operator"}}, nil)
	w.call(http.MethodPut, "/api/v1/workspaces/blue/member-groups/devs", map[string]any{"role": "workspace-viewer"}, nil)
	w.call(http.MethodPost, "/api/v1/workspaces/red/robots", map[string]any{"name": "ci"}, nil)
	w.call(http.MethodPost, "/api/v1/workspaces/red/invitations", map[string]any{"role": "workspace-viewer", "note": "For Ann Lee"}, nil)
	w.call(http.MethodPost, "/api/v1/access-requests", map[string]any{"workspace": "blue", "role": "workspace-admin", "reason": "I must"}, nil)

	for _, test := range []struct {
		args string
		want []string
	}{
		{"workspaces", []string{"blue", "red"}}, {"ws", []string{"blue", "red"}}, {"Workspace", []string{"blue", "red"}}, {"workspace red", []string{"red"}}, {"workspaces red blue", []string{"red", "blue"}},
		{"workspaces --filter BLU", []string{"blue"}}, {"workspaces --sort -name", []string{"red", "blue"}},
		{"projects", []string{"local/blue-1", "local/red-1"}}, {"projects -w red", []string{"local/red-1"}}, {"projects --cluster none", nil}, {"project local/red-1", []string{"local/red-1"}},
		{"members", []string{"admin", "devs"}}, {"members -w red", []string{"admin", "jane"}}, {"members -w blue", []string{"admin", "devs"}}, {"member jane -w red", []string{"jane"}}, {"membergroups -w blue", []string{"devs"}}, {"membergroups -w red", nil},
		{"role on-call -w red", []string{"on-call"}}, {"role on-call -p local/red-1", []string{"on-call"}}, {"roles --filter platform-ad", []string{"platform-admin"}},
		{"users", []string{"admin", "jane", "robot.red.ci"}}, {"groups", []string{"devs"}}, {"groups -w red", nil}, {"robots -w red", []string{"ci"}},
		{"clusters", []string{"local"}}, {"extensions", nil}, {"permission pods.exec", []string{"pods.exec"}},
	} {
		if got := w.names(strings.Fields(test.args)...); !slices.Equal(got, test.want) {
			t.Errorf("get %s: %q, want %q", test.args, got, test.want)
		}
	}
	for args, want := range map[string]string{
		"get tokens": "atoll login on", "get accessrequests": "workspace blue", "get ar -o wide": "I must", "get projects -o wide": "pods=2", "get workspaces -o wide": "pods=10",
		"get members -w blue": "group", "get roles -w red": "on-call", "get clusters": "Local", "get permissions": "pods.exec", "get robots -w red": "robot.red.ci", "get invitations -w red": "For Ann Lee",
	} {
		if out := w.must("", strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("%s: %q is not in\n%s", args, want, out)
		}
	}

	var group document
	decodeYAML(t, w.must("", "get", "group", "devs", "-o", "yaml"), &group)
	if text(group.Spec["members"]) != "jane" || text(group.Spec["platformRoles"]) != "platform-operator" {
		t.Errorf("the group is %+v", group)
	}
	var role document
	decodeYAML(t, w.must("", "get", "role", "on-call", "-p", "local/red-1", "-o", "yaml"), &role)
	if role.Metadata != (metadata{Name: "on-call", Workspace: "red"}) || text(role.Spec["permissions"]) != "pods.exec" || !strings.Contains(text(role.Status["permissions"]), "workloads.view") {
		t.Errorf("the role is %+v", role)
	}
	var all list
	if err := json.Unmarshal([]byte(w.must("", "get", "projects", "-o", "json")), &all); err != nil || all.Kind != "List" || len(all.Items) != 2 {
		t.Fatalf("%v %+v", err, all)
	}
	if d := all.Items[1]; d.APIVersion != "atoll.dev/v1" || d.Kind != "Project" || d.Metadata != (metadata{Name: "red-1", Cluster: "local"}) || text(d.Spec["workspace"]) != "red" || text(d.Status["uid"]) == "" || d.Spec["uid"] != nil {
		t.Errorf("the project is %+v", d)
	}
	var one document
	if err := json.Unmarshal([]byte(w.must("", "get", "project", "local/red-1", "-o", "json")), &one); err != nil || one.Metadata.Name != "red-1" {
		t.Errorf("%v %+v", err, one)
	}
	stream := yaml.NewDecoder(strings.NewReader(w.must("", "get", "workspaces", "-o", "yaml")))
	for _, want := range []string{"blue", "red"} {
		var d document
		if err := stream.Decode(&d); err != nil || d.Metadata.Name != want {
			t.Errorf("%v %+v", err, d)
		}
	}
}

func TestGetSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	w.signIn("jane")
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"get", exitUsage, "--help"}, {"get pods", exitUsage, "workspaces, projects"}, {"get workspaces -o xml", exitUsage, "json"}, {"get project red-1", exitUsage, "CLUSTER/NAME"},
		{"get members -p red-1", exitUsage, "CLUSTER/NAME"}, {"get robots", exitUsage, "with --workspace"}, {"get users -w red", exitUsage, "without a place"},
		{"get workspace none", exitDenied, "workspaces.view"}, {"get workspace blue", exitDenied, "workspaces.view"}, {"get users", exitDenied, "users.view"}, {"get role none -w red", exitNotFound, "no role"},
		{"get member john -w red", exitNotFound, "no member"}, {"get workspaces --sort colour", exitConflict, "createdAt"}, {"get members -w red -p local/red-1", exitUsage, "if any flags"},
		{"delete users jane", exitDenied, "users.view"}, {"delete clusters local", exitUsage, "not deleted here"}, {"delete extensions hello", exitUsage, "not deleted here"}, {"delete workspace", exitUsage, "--help"},
	} {
		if out := w.fails(test.code, "", strings.Fields(test.args)...); !strings.Contains(out, test.want) {
			t.Errorf("%s: %q is not in %q", test.args, test.want, out)
		}
	}
	if got := w.names("workspaces"); !slices.Equal(got, []string{"red"}) {
		t.Errorf("jane sees %q", got)
	}
}

func TestDeleteWantsTheNameOnceMore(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	w.call(http.MethodPost, "/api/v1/workspaces/red/roles", map[string]any{"name": "on-call", "kind": "project", "permissions": []string{"pods.exec"}}, nil)
	for _, in := range []string{"", "blue\n", "RED\n", "y\n"} {
		if out := w.fails(exitUsage, in, "delete", "workspace", "red"); !strings.Contains(out, errNo.Error()) {
			t.Errorf("%q: %s", in, out)
		}
	}
	if out := w.fails(exitConflict, "red\n", "delete", "workspace", "red"); !strings.Contains(out, "409") {
		t.Errorf("it has a project: %s", out)
	}
	w.fails(exitFailed, "n\n", "delete", "member", "jane", "-w", "red")
	w.must("y\n", "delete", "member", "jane", "-w", "red")
	if out := w.must("", "delete", "role", "on-call", "-w", "red", "--yes"); !strings.Contains(out, "role on-call in workspace red is deleted.") {
		t.Errorf("got %s", out)
	}
	w.must("", "delete", "user", "jane", "--yes")
	w.fails(exitNotFound, "", "delete", "user", "jane", "--yes")
	w.must("", "delete", "user", "jane", "--yes", "--ignore-not-found")
	w.must("red-1\n", "delete", "project", "local/red-1")
	var token struct{ ID string }
	w.call(http.MethodPost, "/api/v1/tokens", map[string]any{"name": "old"}, &token)
	w.must("", "delete", "token", token.ID, "--yes")
	if names := w.names("tokens"); len(names) != 1 || slices.Contains(names, token.ID) {
		t.Errorf("the tokens are %q", names)
	}
	if got := w.names("users"); !slices.Equal(got, []string{"admin"}) {
		t.Errorf("the users are %q", got)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	for args, want := range map[string][]string{
		"get workspaces ":       {"blue", "red"},
		"get workspaces red ":   {"blue"},
		"get project ":          {"local/blue-1", "local/red-1"},
		"get members -w ":       {"blue", "red"},
		"delete member -w red ": {"admin", "jane"},
		"get members --project": nil,
		"get users -o ":         formats,
		"get nothing ":          nil,
		"get robots ":           nil, // of which workspace?
		"logout ":               {"admin@" + strings.TrimPrefix(w.url, "http://")},
	} {
		words := append([]string{"__complete"}, strings.Split(args, " ")...)
		out, err := run(t, "", words...)
		if err != nil {
			t.Errorf("%s: %v", args, err)
		}
		var got []string
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ":") && !strings.HasPrefix(line, "Completion ended") && !strings.HasPrefix(line, "--") {
				got = append(got, line)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
	out, err := run(t, "", "__complete", "get", "")
	if err != nil || !strings.Contains(out, "workspaces\nprojects\n") {
		t.Errorf("%v %s", err, out)
	}
	w.must("", "logout")
	if out, err := run(t, "", "__complete", "get", "workspaces", ""); err != nil || strings.Contains(out, "red") {
		t.Errorf("signed out: %v %s", err, out)
	}
}
