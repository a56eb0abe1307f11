// Documents: what applying them does, once and twice, and what it says of those
// that are not right.

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// everyKind is a file with a thing of every kind.
const everyKind = `# Everything that a team needs.
apiVersion: atoll.dev/v1
kind: Workspace
metadata: {name: red}
spec:
  title: Red
  budget: {pods: 10, requests.cpu: 2000m}
  hosts: [b.example.org, a.example.org]
---
apiVersion: atoll.dev/v1
kind: User
metadata: {name: jane}
spec: {displayName: Jane Doe}
---
apiVersion: atoll.dev/v1
kind: Group
metadata: {name: devs}
spec:
  displayName: Developers
  members: [jane]
  platformRoles: [platform-member]
---
apiVersion: atoll.dev/v1
kind: Project
metadata: {name: shop, cluster: local}
spec:
  workspace: red
  title: Shop
  quota: {pods: 2, requests.cpu: 0.5}
  containers:
    requests: {cpu: 100m}
---
apiVersion: atoll.dev/v1
kind: Role
metadata: {name: on-call, workspace: red}
spec:
  kind: project
  permissions: [workloads.view, pods.exec]
---
apiVersion: atoll.dev/v1
kind: Robot
metadata: {name: ci, workspace: red}
spec: {displayName: CI}
---
apiVersion: atoll.dev/v1
kind: Member
metadata: {name: jane, workspace: red}
spec: {role: workspace-admin}
---
apiVersion: atoll.dev/v1
kind: MemberGroup
metadata: {name: devs, cluster: local, project: shop}
spec: {role: on-call}
---
apiVersion: atoll.dev/v1
kind: Member
metadata: {name: robot.red.ci, cluster: local, project: shop}
spec: {role: project-developer}
`

// document writes documents to a file.
func (w *world) document(text string) string {
	w.t.Helper()
	name := filepath.Join(w.t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// state is everything that documents can say, as atoll get shows it.
func (w *world) state() string {
	w.t.Helper()
	var all strings.Builder
	for _, args := range []string{"workspaces", "projects", "users", "groups", "members", "robots -w red", "roles -w red", "members -w red", "members -p local/shop"} {
		out, err := run(w.t, "", strings.Fields("get "+args+" -o yaml")...)
		if err != nil {
			out = err.Error()
		}
		all.WriteString(out)
	}
	return all.String()
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.admin()
	before := w.state()
	file := w.document(everyKind)

	for _, args := range []string{"apply --dry-run -f ", "apply --dry-run --diff -f "} {
		out := w.must("", strings.Fields(args+file)...)
		if !strings.Contains(out, "member jane in workspace red: would be created\n") || !strings.Contains(out, "9 documents: 9 created (nothing was written).") {
			t.Errorf("%s: got %s", args, out)
		}
	}
	if out := w.fails(exitDiffers, "", "diff", "-f", file); !strings.Contains(out, "--- nothing\n+++ project local/shop\n") || !strings.Contains(out, "+title: Shop\n") || !strings.Contains(out, `+  requests.cpu: "2"`) {
		t.Errorf("got %s", out)
	}
	if after := w.state(); after != before {
		t.Fatalf("looking has changed something:\n%s\n%s", before, after)
	}

	out := w.must("", "apply", "-f", file)
	if !strings.Contains(out, "9 documents: 9 created.") || !strings.Contains(out, "user jane: created; the password for the first sign-in, shown this once: ") {
		t.Errorf("got %s", out)
	}
	made := w.state()
	for _, want := range []string{"title: Red", "pods: \"10\"", "displayName: Jane Doe", "role: on-call", "title: Shop", "- platform-member", "requests.cpu: 500m"} {
		if !strings.Contains(made, want) {
			t.Errorf("%q is not in\n%s", want, made)
		}
	}
	out = w.must("", "apply", "-f", file)
	if !strings.Contains(out, "9 documents: 9 as it was.") || strings.Contains(out, "password") {
		t.Errorf("got %s", out)
	}
	if again := w.state(); again != made {
		t.Errorf("applying again has changed something:\n%s\n%s", made, again)
	}
	if out := w.must("", "diff", "-f", file); out != "" {
		t.Errorf("got %s", out)
	}
	later := strings.ReplaceAll(everyKind, "on-call", "on-duty") // a role that is not there yet, in a project that is
	if out := w.must(later, "apply", "--dry-run", "-f", "-"); !strings.Contains(out, "9 documents: 1 created, 1 changed, 7 as it was (nothing was written).") {
		t.Errorf("got %s", out)
	}

	// What get writes, apply reads.
	for _, args := range []string{"workspaces", "projects", "users", "groups", "robots -w red", "roles -w red", "members -w red", "members -p local/shop"} {
		for _, format := range []string{"yaml", "json"} {
			written := w.must("", strings.Fields("get "+args+" -o "+format)...)
			if out := w.must(written, "apply", "-f", "-"); strings.Contains(out, isCreated) || strings.Contains(out, isChanged) || !strings.Contains(out, asItWas) {
				t.Errorf("%s as %s: %s", args, format, out)
			}
		}
	}
}

func TestChangesAreShownAndMade(t *testing.T) {
	w := newWorld(t)
	w.admin()
	w.must("", "apply", "-f", w.document(everyKind))
	w.user("john")
	changed := strings.NewReplacer("title: Red", "title: Crimson", "pods: 10", "pods: 20", "  title: Shop\n", "", "[workloads.view, pods.exec]", "[workloads.view]", "members: [jane]", "members: [john]",
		"[platform-member]", "[]", "{displayName: CI}", "{disabled: true}", "role: workspace-admin", "role: workspace-viewer", "{displayName: Jane Doe}", "{displayName: Jane, disabled: true}").Replace(everyKind)
	file := w.document(changed)
	out := w.fails(exitDiffers, "", "diff", "-f", file)
	for _, want := range []string{"-title: Red\n+title: Crimson\n", "-  pods: \"10\"\n+  pods: \"20\"\n", "-title: Shop\n", "-  - jane\n", "+  - john\n", "-  - pods.exec\n", "+disabled: true\n", "-role: workspace-admin\n+role: workspace-viewer\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if out := w.must("", "apply", "-f", file); !strings.Contains(out, "9 documents: 7 changed, 2 as it was.") {
		t.Errorf("got %s", out)
	}
	if out := w.must("", "apply", "-f", file); !strings.Contains(out, "9 documents: 9 as it was.") {
		t.Errorf("got %s", out)
	}
	var robot, user document
	decodeYAML(t, w.must("", "get", "robot", "ci", "-w", "red", "-o", "yaml"), &robot)
	decodeYAML(t, w.must("", "get", "user", "jane", "-o", "yaml"), &user)
	if robot.Spec["disabled"] != true || robot.Spec["displayName"] != "CI" || user.Spec["disabled"] != true || user.Spec["displayName"] != "Jane" {
		t.Errorf("what a document leaves out of an account stays: %+v %+v", robot, user)
	}
}

func TestBrokenDocumentsChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.admin()
	good := "apiVersion: atoll.dev/v1\nkind: Workspace\nmetadata: {name: red}\n---\n" // 4 lines
	const head = "apiVersion: atoll.dev/v1\n"
	for _, test := range []struct{ text, want string }{
		{good + head + "kind: Workspace\nmetadata: {name: blue}\nspec:\n  titel: Blue\n---\n" + strings.Replace(good, "red", "green", 1), "tenants.yaml:9: /spec/titel: it is not a key"},
		{good + head + "kind: Workspace\nmetadata: {name: Blue}\n", ":7: /metadata/name: 'Blue' does not match pattern"},
		{good + head + "kind: Workspace\nmetadata:\n  title: x\n", "/metadata: missing property 'name'"},
		{good + head + "kind: Workspace\nmetadata: {name: blue}\nspec: {podSecurity: lax}\n", ":8: /spec/podSecurity: value must be one of 'baseline', 'restricted'"},
		{good + head + "kind: Cluster\nmetadata: {name: blue}\n", ":6: /kind: \"Cluster\" is no kind that is applied"},
		{good + "kind: Workspace\nmetadata: {name: blue}\n", "missing property 'apiVersion'"},
		{good + "apiVersion: v1\nkind: Workspace\nmetadata: {name: blue}\n", ":5: /apiVersion: value must be 'atoll.dev/v1'"},
		{good + "just words\n", "it has no kind"},
		{good + head + "kind: Workspace\nkind: Workspace\n", ":7: /kind: it is given twice"},
		{good + head + "kind: &a Workspace\nmetadata: {name: *a}\n", "anchors"},
		{good + "kind: {\n", "line"},
		{good + good, ":5: the workspace red stands at"},
		{good + head + "kind: Project\nmetadata: {name: shop}\nspec: {workspace: red}\n", ":7: /metadata: it needs a cluster"},
		{good + head + "kind: Project\nmetadata: {name: shop, cluster: local, workspace: red}\nspec: {workspace: red}\n", "/metadata/workspace: the workspace of a project"},
		{good + head + "kind: Project\nmetadata: {name: shop, cluster: local}\n", "missing property 'spec'"},
		{good + head + "kind: Member\nmetadata: {name: jane}\nspec: {role: workspace-admin}\n", "platformRoles"},
		{good + head + "kind: Member\nmetadata: {name: jane, project: shop}\nspec: {role: x}\n", "cluster beside it"},
		{good + head + "kind: Robot\nmetadata: {name: ci}\n", "it needs a workspace"},
		{good + head + "kind: User\nmetadata: {name: jane, workspace: red}\n", "does not live in a workspace"},
		{good + head + "kind: Group\nmetadata: {name: devs}\nspec: {members: [a, a]}\n", "/spec/members"},
		{"", "no document"},
		{"---\n---\n# nothing\n", "no document"},
		{"kind: List\nitems:\n- kind: Workspace\n", ":3"},
	} {
		file := w.document(test.text)
		for _, command := range []string{"apply", "diff", "delete"} {
			if out := w.fails(exitUsage, "", command, "-f", file); !strings.Contains(out, test.want) {
				t.Errorf("%q: %q is not in\n%s", test.text, test.want, out)
			}
		}
	}
	if got := w.names("workspaces"); len(got) != 0 {
		t.Errorf("there are workspaces: %q", got)
	}
	w.fails(exitUsage, "", "apply")
	w.fails(exitUsage, "", "apply", "-f", filepath.Join(t.TempDir(), "none.yaml"))
	if out := w.fails(exitUsage, "", "apply", "-f", w.document("# "+strings.Repeat("x", maxSource))); !strings.Contains(out, "more than") {
		t.Errorf("got %.200s", out)
	}
}

func TestRefusedDocumentsSayWhereAndWhatWasDone(t *testing.T) {
	w := newWorld(t)
	w.tenants()
	const head = "apiVersion: atoll.dev/v1\n"
	file := w.document(head + "kind: Workspace\nmetadata: {name: green}\n---\n" +
		head + "kind: Workspace\nmetadata: {name: red}\nspec:\n  title: RED\n  budget: {pods: 10}\n---\n" +
		head + "kind: Project\nmetadata: {name: big, cluster: local}\nspec:\n  workspace: red\n  quota: {pods: 9}\n---\n" +
		head + "kind: Workspace\nmetadata: {name: yellow}\n")
	out := w.fails(exitConflict, "", "apply", "-f", file)
	for _, want := range []string{"workspace green: created\n", "workspace red: as it was\n", file + ":12: project local/big: ", "(409)", "2 documents before it: 1 created, 1 as it was. 1 document after it: not tried."} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if got := strings.Join(w.names("workspaces"), " "); got != "blue green red" {
		t.Errorf("the workspaces are %s", got)
	}

	for _, test := range []struct {
		code       int
		text, want string
	}{
		{exitUsage, "kind: Project\nmetadata: {name: red-1, cluster: local}\nspec: {workspace: blue}\n", ":4: /spec/workspace: it is \"red\" now"},
		{exitUsage, "kind: Member\nmetadata: {name: jane, workspace: red}\nspec:\n  role: emperor\n", ":5: /spec/role: there is no role \"emperor\" here; there are: "},
		{exitUsage, "kind: Member\nmetadata: {name: jane, workspace: red}\nspec: {role: workspace-admin, until: 2030-01-01}\n", "quotes"},
		{exitUsage, "kind: Member\nmetadata: {name: jane, workspace: red}\nspec: {role: workspace-admin, until: '2030-01-01'}\n", "/spec/until: a role that ends"},
		{exitNotFound, "kind: Member\nmetadata: {name: nobody, workspace: red}\nspec: {role: workspace-admin}\n", "There is no user"},
		{exitNotFound, "kind: Member\nmetadata: {name: jane, workspace: none}\nspec: {role: workspace-admin}\n", "no workspace"},
		{exitUsage, "kind: Role\nmetadata: {name: project-viewer}\nspec: {kind: project, permissions: [pods.exec]}\n", ":3: /metadata/name: the role project-viewer is a preset"},
		{exitConflict, "kind: Role\nmetadata: {name: new, workspace: red}\nspec: {kind: project, permissions: [pods.dance]}\n", "pods.dance"},
		{exitUsage, "kind: Group\nmetadata: {name: devs, workspace: red}\nspec: {platformRoles: [platform-admin]}\n", "/spec/platformRoles"},
		{exitConflict, "kind: Workspace\nmetadata: {name: green}\nspec:\n  budget: {podz: 3}\n", "podz"},
		{exitNotFound, "kind: Group\nmetadata: {name: devs}\nspec: {members: [nobody]}\n", "making the group"},
	} {
		if out := w.fails(test.code, head+test.text, "apply", "-f", "-"); !strings.Contains(out, test.want) || !strings.Contains(out, "standard input:") {
			t.Errorf("%q: %q is not in\n%s", test.text, test.want, out)
		}
	}

	// jane administers red: what is there of blue is not told.
	w.signIn("jane")
	w.must(head+"kind: Project\nmetadata: {name: red-2, cluster: local}\nspec: {workspace: red, quota: {pods: 1}}\n", "apply", "-f", "-")
	for _, text := range []string{
		"kind: Project\nmetadata: {name: blue-2, cluster: local}\nspec: {workspace: blue}\n", "kind: Workspace\nmetadata: {name: red}\nspec: {title: Mine}\n", "kind: Workspace\nmetadata: {name: white}\n",
		"kind: Member\nmetadata: {name: jane, workspace: blue}\nspec: {role: workspace-admin}\n", "kind: User\nmetadata: {name: jane}\nspec: {platformRoles: [platform-admin]}\n",
	} {
		if out := w.fails(exitDenied, head+text, "apply", "-f", "-"); !strings.Contains(out, "needs the permission") {
			t.Errorf("%q: %s", text, out)
		}
	}
}

func TestDocumentsAreDeletedFromTheLast(t *testing.T) {
	w := newWorld(t)
	w.admin()
	text := "apiVersion: atoll.dev/v1\nkind: Workspace\nmetadata: {name: red}\n---\napiVersion: atoll.dev/v1\nkind: Robot\nmetadata: {name: ci, workspace: red}\n---\n" +
		"apiVersion: atoll.dev/v1\nkind: Member\nmetadata: {name: robot.red.ci, workspace: red}\nspec: {role: workspace-viewer}\n"
	dir := t.TempDir()
	for i, part := range strings.Split(text, "---\n") {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".yaml"), []byte(part), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := w.must("", "apply", "-f", dir); !strings.Contains(out, "3 documents: 3 created.") {
		t.Errorf("got %s", out)
	}
	out := w.must("", "delete", "-f", dir, "--yes")
	last := -1
	for _, want := range []string{"member robot.red.ci in workspace red is deleted.", "robot ci in workspace red is deleted.", "\nworkspace red is deleted."} {
		i := strings.Index(out, want)
		if i <= last {
			t.Errorf("%q is not in its place in\n%s", want, out)
		}
		last = i
	}
	w.call(http.MethodPost, "/api/v1/workspaces", map[string]any{"name": "red"}, nil)
	if out := w.must("", "delete", "-f", dir, "--yes"); !strings.Contains(out, "robot ci in workspace red is not there.") || !strings.Contains(out, "workspace red is deleted.") {
		t.Errorf("got %s", out)
	}
	w.fails(exitUsage, "", "delete", "-f", dir, "workspace", "red")
	w.fails(exitUsage, "", "delete", "-f", dir, "-w", "red")
}
