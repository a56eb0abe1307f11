// Limited credentials: a person with every right has no more of them than the
// limit says, whatever is asked.

package access_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

// limited is a world with a person who has every role there is, asking with a
// credential of the limit.
func limited(t *testing.T, l *access.Limit) (*world, access.Subject) {
	w := newWorld(t)
	w.commit(workspace("red"), workspace("blue"), project("one", "red-1", "red"), project("one", "red-2", "red"), project("one", "blue-1", "blue"),
		user("boss"), bind("boss", access.PlatformAdmin, ""), bind("boss", access.WorkspaceAdmin, "ws-red"), bind("boss", access.ProjectAdmin, "pr-one-red-1"))
	return w, access.Subject{UID: "uid-boss", Name: "boss", Via: access.ViaToken, Limit: l}
}

// reach is where a subject has a permission.
func (w *world) reach(s access.Subject, p access.Permission) []string {
	var all []string
	for _, sc := range []access.Scope{
		{}, {Cluster: "one"}, {Workspace: "red"}, {Workspace: "blue"}, {Cluster: "one", Project: "red-1"}, {Cluster: "one", Project: "red-2"},
		{Cluster: "one", Project: "blue-1"}, {Cluster: "one", Project: "no-project"}, {Cluster: "one", Workspace: "blue", Project: "red-1"},
	} {
		can := w.index.Can(s, p, sc).Allowed
		if can {
			all = append(all, sc.String())
		}
		if has := slices.Contains(w.index.Permissions(s, sc), p); has != can {
			w.t.Errorf("%s in %s: Can says %v, Permissions %v", p, sc, can, has)
		}
	}
	return all
}

func TestCredentialOfAScopeReachesNoOther(t *testing.T) {
	inRed := []string{"workspaces/red", "clusters/one/projects/red-1", "clusters/one/projects/red-2"}
	for _, c := range []struct {
		scopes     []access.BindingScope
		reach      []string
		projects   string
		workspaces int
	}{
		{nil, []string{"platform", "clusters/one", "workspaces/red", "workspaces/blue", "clusters/one/projects/red-1", "clusters/one/projects/red-2", "clusters/one/projects/blue-1", "clusters/one/projects/no-project"}, "blue-1 red-1 red-2", 2},
		{[]access.BindingScope{{Kind: access.KindWorkspace, UID: "ws-red"}}, inRed, "red-1 red-2", 1},
		{[]access.BindingScope{{Kind: access.KindProject, UID: "pr-one-red-2"}}, inRed[2:], "red-2", 0},
		{[]access.BindingScope{{Kind: access.KindProject, UID: "ws-red"}, {Kind: access.KindWorkspace, UID: "pr-one-red-1"}, {Kind: access.KindPlatform}, {Kind: access.KindWorkspace}}, nil, "", 0},
	} {
		w, s := limited(t, &access.Limit{Scopes: c.scopes})
		for _, p := range []access.Permission{access.WorkloadsView, access.MembersManage, access.SecretsManage} {
			if got := w.reach(s, p); !slices.Equal(got, c.reach) {
				t.Errorf("%+v: %s in %q, want %q", c.scopes, p, got, c.reach)
			}
		}
		if got := len(w.reach(s, access.ClustersView)); got != 8 {
			t.Errorf("%+v: sees the clusters in %d scopes", c.scopes, got)
		}
		names := ""
		for _, p := range w.index.Projects(s, "one") {
			names += " " + p.Name
		}
		if got := w.index.Workspaces(s); names != " "+c.projects && names != c.projects || len(got) != c.workspaces {
			t.Errorf("%+v: sees projects %q, workspaces %v", c.scopes, names, got)
		}
		missing, err := w.index.Beyond(s, access.ProjectViewer, access.Scope{Cluster: "one", Project: "blue-1"})
		if err != nil || (len(missing) == 0) != (c.scopes == nil) {
			t.Errorf("%+v: may give what it cannot reach: %v, %v", c.scopes, missing, err)
		}
	}
}

func TestCredentialOfAScopeHasItsKubernetesGroupsOnly(t *testing.T) {
	w, s := limited(t, &access.Limit{Scopes: []access.BindingScope{{Kind: access.KindProject, UID: "pr-one-red-1"}}})
	for sc, want := range map[access.Scope][]string{
		{}:                                       {"atoll:platform:member"},
		{Cluster: "one"}:                         {"atoll:platform:member"},
		{Cluster: "one", Project: "kube-system"}: {"atoll:platform:member"},
		{Cluster: "one", Project: "red-1"}:       {"atoll:platform:member", "atoll:project:pr-one-red-1:admin"},
		{Cluster: "one", Project: "red-2"}:       nil,
		{Cluster: "one", Project: "blue-1"}:      nil,
		{Workspace: "red"}:                       nil,
	} {
		if got := w.index.Groups(s, sc); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", sc, got, want)
		}
	}
}

func TestCredentialOfPermissionsCarriesNoOther(t *testing.T) {
	viewing := append(access.PresetPermissions(access.ProjectViewer), access.PresetPermissions(access.WorkspaceViewer)...)
	w, s := limited(t, &access.Limit{Permissions: viewing})
	in := access.Scope{Cluster: "one", Project: "red-1"}
	for p, want := range map[access.Permission]bool{
		access.WorkloadsView: true, access.MembersView: true, access.WorkloadsManage: false, access.SecretsView: false, access.MembersManage: false, access.UsersView: false, access.ClustersView: true,
	} {
		if got := w.index.Can(s, p, in).Allowed; got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	if got, want := fmt.Sprint(w.index.Groups(s, in)), "[atoll:platform:member atoll:project:pr-one-red-1:viewer]"; got != want {
		t.Errorf("in Kubernetes it is %s, want %s", got, want)
	}
	if got := w.index.Roles(s, in); !slices.Equal(got, []string{access.ProjectViewer}) {
		t.Errorf("its roles are %q", got)
	}
	w.commit(user("root"), bind("root", access.PlatformAdmin, ""))
	root := access.Subject{UID: "uid-root", Limit: s.Limit} // by what a platform role counts as there
	if got, want := fmt.Sprint(w.index.Groups(root, in)), "[atoll:platform:member atoll:project:pr-one-red-1:viewer]"; got != want {
		t.Errorf("of the platform's administrator it is %s, want %s", got, want)
	}
	// A permission that no preset consists of gives no rights in Kubernetes.
	_, odd := limited(t, &access.Limit{Permissions: []access.Permission{access.PodsExec, access.ProjectsView}})
	if got := w.index.Groups(odd, in); len(got) != 1 {
		t.Errorf("in Kubernetes it is %q", got)
	}
	if got := w.index.Projects(odd, ""); len(got) != 3 {
		t.Errorf("it sees %v", got)
	}
	if got := w.index.Workspaces(odd); got != nil {
		t.Errorf("it sees %v", got)
	}
	none := access.Subject{UID: "uid-boss", Limit: &access.Limit{Permissions: []access.Permission{"no.such"}}}
	if got := w.index.Permissions(none, in); !slices.Equal(got, []access.Permission{access.ClustersView}) {
		t.Errorf("it carries %q", got)
	}
	if got := w.index.Projects(none, ""); got != nil {
		t.Errorf("it sees %v", got)
	}
}

func TestLimitGivesNothing(t *testing.T) {
	w, _ := limited(t, nil)
	w.commit(user("jane"))
	jane := access.Subject{UID: "uid-jane", Limit: &access.Limit{Permissions: []access.Permission{access.WorkloadsView}, Scopes: []access.BindingScope{{Kind: access.KindWorkspace, UID: "ws-red"}}}}
	if got := w.reach(jane, access.WorkloadsView); got != nil {
		t.Errorf("somebody without a role reaches %q", got)
	}
	if got := w.index.Groups(jane, access.Scope{Cluster: "one", Project: "red-1"}); got != nil {
		t.Errorf("and is %q", got)
	}
}

func TestLimitedDecisionsAllocateNothing(t *testing.T) {
	w, s := limited(t, &access.Limit{Permissions: []access.Permission{access.WorkloadsView}, Scopes: []access.BindingScope{{Kind: access.KindWorkspace, UID: "ws-red"}}})
	sc := access.Scope{Cluster: "one", Project: "red-1"}
	if n := testing.AllocsPerRun(100, func() { w.index.Can(s, access.WorkloadsView, sc) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
