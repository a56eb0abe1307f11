// Documents that are applied while somebody else changes the same things.

package main

import (
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// faster is a client's transport before whose first change somebody else makes one.
type faster struct {
	http.RoundTripper
	change func()
}

func (f *faster) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.change != nil && (r.Method == http.MethodPut || r.Method == http.MethodPatch) {
		change := f.change
		f.change = nil
		change()
	}
	return f.RoundTripper.RoundTrip(r)
}

// applyWhile applies a document, and has somebody else do something between the
// reading and the first change.
func (w *world) applyWhile(text string, change func()) (string, error) {
	w.t.Helper()
	all, err := readSources([]string{w.document(text)}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	api, err := (&target{}).connect(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	f := &faster{api.http.Transport, change}
	api.http.Transport = f
	var out bytes.Buffer
	err = (&applier{planner: newPlanner(api, true), out: &out, counts: map[string]int{}}).all(w.t.Context(), all)
	if f.change != nil {
		w.t.Errorf("nothing was changed for\n%s\n%s", text, out.String())
	}
	return out.String(), err
}

const shop = "/api/v1/clusters/local/projects/shop"

func TestApplyDoesNotOverwriteWhatOthersChangeMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.admin()
	w.must("", "apply", "-f", w.document(everyKind))
	w.user("mona")
	var role struct {
		Items []struct{ ID, Name string }
	}
	w.call("GET", "/api/v1/workspaces/red/roles?filter=on-call", nil, &role)
	const head = "apiVersion: atoll.dev/v1\nkind: "
	for _, test := range []struct {
		document, path string
		change         map[string]any
		field, what    string // that somebody else has changed, as the message says it
	}{
		{"Workspace\nmetadata: {name: red}\nspec: {title: A}\n", "PUT /api/v1/workspaces/red", map[string]any{"title": "B", "budget": map[string]any{"pods": "10", "requests.cpu": "2"}}, "title", "title"},
		{"Project\nmetadata: {name: shop, cluster: local}\nspec: {workspace: red, title: A}\n", "PUT " + shop, map[string]any{"title": "B"}, "title", "title"},
		{"Role\nmetadata: {name: on-call, workspace: red}\nspec: {kind: project, title: A, permissions: [pods.exec]}\n", "PUT /api/v1/workspaces/red/roles/" + role.Items[0].ID, map[string]any{"title": "B", "permissions": []string{"pods.exec"}}, "title", "title"},
		{"Robot\nmetadata: {name: ci, workspace: red}\nspec: {displayName: A}\n", "PATCH /api/v1/workspaces/red/robots/ci", map[string]any{"displayName": "B"}, "displayName", "displayName"},
		{"User\nmetadata: {name: jane}\nspec: {displayName: A}\n", "PATCH /api/v1/users/jane", map[string]any{"displayName": "B"}, "displayName", "displayName"},
		{"User\nmetadata: {name: jane}\nspec: {platformRoles: [platform-operator]}\n", "PUT /api/v1/users/jane/roles", map[string]any{"platform": []string{"platform-member"}}, "platform", "platformRoles"},
		{"Group\nmetadata: {name: devs}\nspec: {platformRoles: []}\n", "PUT /api/v1/groups/devs/roles", map[string]any{"platform": []string{"platform-operator"}}, "platform", "platformRoles"},
		{"Member\nmetadata: {name: jane, workspace: red}\nspec: {role: workspace-member}\n", "PUT /api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-viewer"}, "role", "role"},
		{"Member\nmetadata: {name: mona, workspace: red}\nspec: {role: workspace-member}\n", "PUT /api/v1/workspaces/red/members/mona", map[string]any{"role": "workspace-viewer"}, "role", "role"},
		{"MemberGroup\nmetadata: {name: devs, cluster: local, project: shop}\nspec: {role: project-admin}\n", "PUT " + shop + "/member-groups/devs", map[string]any{"role": "project-viewer"}, "role", "role"},
	} {
		method, path, _ := strings.Cut(test.path, " ")
		_, err := w.applyWhile(head+test.document, func() { w.call(method, path, test.change, nil) })
		if exitCode(err) != exitConflict || !strings.Contains(err.Error(), "conflict: somebody else has changed it ("+test.what+")") {
			t.Errorf("%s\nended with %d: %v", test.document, exitCode(err), err)
		}
		var now map[string]any
		w.call("GET", path, nil, &now)
		var want map[string]any
		if err := remake(test.change, &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(now[test.field], want[test.field]) {
			t.Errorf("%s\nwhat somebody else had made %v is %v", test.document, want, now[test.field])
		}
	}
}

func TestApplyGoesOnWhereOthersChangedSomethingElse(t *testing.T) {
	w := newWorld(t)
	w.admin()
	w.must("", "apply", "-f", w.document(everyKind))
	const head = "apiVersion: atoll.dev/v1\nkind: "
	for _, test := range []struct {
		document string
		change   func()
		path     string
		want     map[string]any
	}{
		// A project in it is no change of the workspace that a document is about.
		{"Workspace\nmetadata: {name: red}\nspec: {title: A}\n", func() {
			w.call("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "cellar", "workspace": "red"}, nil)
		}, "/api/v1/workspaces/red", map[string]any{"title": "A"}},
		{"User\nmetadata: {name: jane}\nspec: {displayName: A, platformRoles: [platform-member]}\n", func() {
			w.call("PATCH", "/api/v1/users/jane", map[string]any{"disabled": true}, nil)
		}, "/api/v1/users/jane", map[string]any{"displayName": "A", "disabled": true, "platformRoles": []any{"platform-member"}}},
		// Somebody else made it as it is wanted.
		{"Member\nmetadata: {name: jane, workspace: red}\nspec: {role: workspace-member}\n", func() {
			w.call("PUT", "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-member"}, nil)
		}, "/api/v1/workspaces/red/members/jane", map[string]any{"role": "workspace-member"}},
	} {
		out, err := w.applyWhile(head+test.document, test.change)
		if err != nil || !strings.Contains(out, ": changed\n") {
			t.Errorf("%s\n%v %s", test.document, err, out)
		}
		var now map[string]any
		w.call("GET", test.path, nil, &now)
		for key, want := range test.want {
			if text(now[key]) != text(want) {
				t.Errorf("%s\n%s is %v, want %v", test.document, key, now[key], want)
			}
		}
	}
	_, err := w.applyWhile(head+"Robot\nmetadata: {name: ci, workspace: red}\nspec: {displayName: A}\n", func() {
		w.call("DELETE", "/api/v1/workspaces/red/robots/ci", nil, nil)
	})
	if p := (*problem)(nil); err == nil || !errors.As(err, &p) || p.Status != http.StatusNotFound {
		t.Errorf("of what was deleted meanwhile: %v", err)
	}
}
