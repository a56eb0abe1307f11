// What each preset role may, and where: the whole table, own and other.

package access_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// The permissions in the columns of the table below.
var columns = []access.Permission{
	access.ClustersView, access.ClustersManage, access.NodesManage, access.UsersView, access.UsersManage, access.ExtensionsView, access.ExtensionsManage, access.AuditView, access.WorkspacesManage,
	access.WorkspacesView, access.ProjectsManage, access.RolesManage,
	access.ProjectsView, access.MembersView, access.MembersManage, access.ActivityView, access.WorkloadsView, access.WorkloadsManage, access.PodsExec, access.SecretsView, access.SecretsManage,
	access.ServiceAccountsManage, access.GatewaysManage,
}

func TestPresetRolesMayThisAndNothingElse(t *testing.T) {
	w := newWorld(t)
	// The role is had in the workspace "own", or in its project "shop".
	w.commit(workspace("own"), workspace("other"), project("one", "shop", "own"), project("one", "cellar", "own"), project("two", "shop", "other"))
	scopes := map[string]access.Scope{
		"platform":       {},
		"cluster":        {Cluster: "one"},
		"own workspace":  {Workspace: "own"},
		"its project":    {Cluster: "one", Project: "shop"},
		"same workspace": {Cluster: "one", Project: "cellar"},
		"other project":  {Cluster: "two", Project: "shop"},
		"other space":    {Workspace: "other"},
		"no project":     {Cluster: "one", Project: "kube-system"},
		"no workspace":   {Workspace: "nothing"},
	}
	const (
		nothing  = "......... ... ..........."
		member   = "v........ ... ..........."
		operator = "v.mv.v.v. v.. vv.vv......"
		all      = "vmmvmvmvm vmm vvmvvmmvmmm"
		spaceAll = "v........ vmm vvmvvmmvmmm"
		spaceSee = "v........ v.. vv..v......"
		space    = "v........ v.. ..........."
		proAdmin = "v........ ... vvmvvmmvmmm"
		proDev   = "v........ ... vv..vmmvm.."
		proSee   = "v........ ... vv..v......"
	)
	for role, table := range map[string]map[string]string{
		"":                      {},
		access.PlatformAdmin:    {"*": all},
		access.PlatformOperator: {"*": operator},
		access.PlatformMember:   {"*": member},
		access.WorkspaceAdmin:   {"*": member, "own workspace": spaceAll, "its project": spaceAll, "same workspace": spaceAll},
		access.WorkspaceViewer:  {"*": member, "own workspace": spaceSee, "its project": spaceSee, "same workspace": spaceSee},
		access.WorkspaceMember:  {"*": member, "own workspace": space, "its project": space, "same workspace": space},
		access.ProjectAdmin:     {"*": member, "its project": proAdmin},
		access.ProjectDeveloper: {"*": member, "its project": proDev},
		access.ProjectViewer:    {"*": member, "its project": proSee},
	} {
		name := "u-" + role
		if role != "" {
			scope := ""
			switch kind, _ := access.RoleKind(role); kind {
			case access.KindWorkspace:
				scope = "ws-own"
			case access.KindProject:
				scope = "pr-one-shop"
			}
			w.commit(bind(name, role, scope))
		}
		for where, sc := range scopes {
			want, ok := table[where]
			if !ok {
				want = table["*"]
			}
			if want == "" {
				want = nothing
			}
			letters := strings.ReplaceAll(want, " ", "")
			for i, p := range columns {
				d := w.index.Can(as(name), p, sc)
				if want := letters[i] != '.'; d.Allowed != want {
					t.Errorf("%q in %s (%s): %s is %v, want %v", role, where, sc, p, d.Allowed, want)
				}
				switch {
				case d.Allowed && (d.Role == "" || d.Missing != ""), !d.Allowed && (d.Role != "" || d.Missing != p || d.Scope != sc):
					t.Errorf("%q in %s: the decision on %s is %+v", role, where, p, d)
				}
			}
			if got := len(w.index.Permissions(as(name), sc)); got != len(letters)-strings.Count(letters, ".") {
				t.Errorf("%q in %s: %d permissions are listed, want %s", role, where, got, want)
			}
		}
	}
}

func TestReadOnlyCredentialsOnlyRead(t *testing.T) {
	w := newWorld(t)
	w.commit(bind("root", access.PlatformAdmin, ""))
	s := as("root")
	s.ReadOnly = true
	for _, p := range columns {
		if d := w.index.Can(s, p, access.Scope{}); d.Allowed != p.Reads() {
			t.Errorf("%s: %+v", p, d)
		}
	}
	for _, p := range w.index.Permissions(s, access.Scope{}) {
		if !p.Reads() {
			t.Errorf("%s is listed", p)
		}
	}
}

func TestScopesThatContradictThemselvesAllowNothing(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("own"), workspace("other"), project("one", "shop", "own"), bind("root", access.PlatformAdmin, ""), bind("jane", access.WorkspaceAdmin, "ws-own"))
	for _, sc := range []access.Scope{
		{Project: "shop"}, {Workspace: "own", Project: "shop"},
		{Cluster: "one", Workspace: "other", Project: "shop"}, {Cluster: "one", Workspace: "nothing", Project: "shop"}, {Cluster: "two", Workspace: "own", Project: "shop"},
	} {
		for _, name := range []string{"root", "jane"} {
			if w.can(name, access.WorkloadsView, sc) || w.index.Groups(as(name), sc) != nil || len(w.index.Roles(as(name), sc)) != 0 {
				t.Errorf("%s in %+v has rights", name, sc)
			}
		}
	}
	if right := (access.Scope{Cluster: "one", Workspace: "own", Project: "shop"}); !w.can("jane", access.WorkloadsView, right) {
		t.Error("a project with its own workspace beside it is refused")
	}
	if w.can("root", "galaxies.manage", access.Scope{}) {
		t.Error("an administrator has a permission that there is not")
	}
}

func TestGroupsSayWhereAPersonStands(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("own"), project("one", "shop", "own"), project("two", "shop", "own"),
		bind("root", access.PlatformAdmin, ""), bind("op", access.PlatformOperator, ""), bind("plain", access.PlatformMember, ""),
		bind("wa", access.WorkspaceAdmin, "ws-own"), bind("wv", access.WorkspaceViewer, "ws-own"), bind("wm", access.WorkspaceMember, "ws-own"),
		bind("dev", access.ProjectDeveloper, "pr-one-shop"), bind("both", access.WorkspaceViewer, "ws-own"), bind("both", access.ProjectAdmin, "pr-one-shop"))
	const member = "atoll:platform:member"
	two := access.Scope{Cluster: "two", Project: "shop"}
	for _, c := range []struct {
		name  string
		scope access.Scope
		want  []string
	}{
		{"nobody", shop, nil},
		{"nobody", access.Scope{}, nil},
		{"root", access.Scope{}, []string{member, "atoll:platform:admin"}},
		{"root", shop, []string{member, "atoll:platform:admin"}},
		{"root", access.Scope{Cluster: "one", Project: "kube-system"}, []string{member, "atoll:platform:admin"}},
		{"op", shop, []string{member, "atoll:platform:operator"}},
		{"plain", shop, []string{member}},
		{"wa", shop, []string{member, "atoll:project:pr-one-shop:admin"}},
		{"wa", two, []string{member, "atoll:project:pr-two-shop:admin"}},
		{"wa", access.Scope{Cluster: "one"}, []string{member}},
		{"wa", access.Scope{Workspace: "own"}, []string{member}},
		{"wv", shop, []string{member, "atoll:project:pr-one-shop:viewer"}},
		{"wm", shop, []string{member}},
		{"dev", shop, []string{member, "atoll:project:pr-one-shop:developer"}},
		{"dev", two, []string{member}},
		{"both", shop, []string{member, "atoll:project:pr-one-shop:viewer", "atoll:project:pr-one-shop:admin"}},
	} {
		if got := w.index.Groups(as(c.name), c.scope); !slices.Equal(got, c.want) {
			t.Errorf("%s in %s: %q, want %q", c.name, c.scope, got, c.want)
		}
	}
}

func TestRolesAreNamedAsTheyCountInTheScope(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("own"), project("one", "shop", "own"), bind("root", access.PlatformAdmin, ""), bind("wa", access.WorkspaceAdmin, "ws-own"),
		bind("both", access.WorkspaceViewer, "ws-own"), bind("both", access.ProjectAdmin, "pr-one-shop"))
	for _, c := range []struct {
		name  string
		scope access.Scope
		want  []string
	}{
		{"nobody", access.Scope{}, []string{}},
		{"root", access.Scope{}, []string{access.PlatformAdmin, access.PlatformMember}},
		{"root", shop, []string{access.ProjectAdmin}},
		{"root", access.Scope{Workspace: "own"}, []string{access.WorkspaceAdmin}},
		{"wa", access.Scope{}, []string{access.PlatformMember}},
		{"wa", access.Scope{Workspace: "own"}, []string{access.WorkspaceAdmin}},
		{"wa", shop, []string{access.ProjectAdmin}},
		{"both", shop, []string{access.ProjectAdmin, access.ProjectViewer}},
	} {
		if got := w.index.Roles(as(c.name), c.scope); !slices.Equal(got, c.want) {
			t.Errorf("%s in %s: %q, want %q", c.name, c.scope, got, c.want)
		}
	}
}

func TestListsHoldWhatOneMaySee(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("own"), workspace("other"), project("one", "a", "own"), project("one", "b", "own"), project("two", "a", "own"), project("one", "c", "other"),
		bind("op", access.PlatformOperator, ""), bind("wv", access.WorkspaceViewer, "ws-own"), bind("wm", access.WorkspaceMember, "ws-own"),
		bind("dev", access.ProjectDeveloper, "pr-one-c"), bind("both", access.WorkspaceViewer, "ws-own"), bind("both", access.ProjectAdmin, "pr-one-a"))
	for name, want := range map[string][3]string{
		"nobody": {"", "", ""},
		"op":     {"one/a one/b one/c two/a", "one/a one/b one/c", "other own"},
		"wv":     {"one/a one/b two/a", "one/a one/b", "own"},
		"wm":     {"", "", "own"},
		"dev":    {"one/c", "one/c", ""},
		"both":   {"one/a one/b two/a", "one/a one/b", "own"},
	} {
		var all, one, spaces []string
		for _, p := range w.index.Projects(as(name), "") {
			all = append(all, p.Cluster+"/"+p.Name)
		}
		for _, p := range w.index.Projects(as(name), "one") {
			one = append(one, p.Cluster+"/"+p.Name)
		}
		for _, s := range w.index.Workspaces(as(name)) {
			spaces = append(spaces, s.Name)
		}
		if got := [3]string{strings.Join(all, " "), strings.Join(one, " "), strings.Join(spaces, " ")}; got != want {
			t.Errorf("%s sees %q, want %q", name, got, want)
		}
	}
}

func TestItemsOfExtensionsComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("own"), project("one", "shop", "own"), bind("root", access.PlatformAdmin, ""), bind("op", access.PlatformOperator, ""),
		bind("viewer", access.ProjectViewer, "pr-one-shop"), bind("dev", access.ProjectDeveloper, "pr-one-shop"), bind("wa", access.WorkspaceAdmin, "ws-own"), bind("wm", access.WorkspaceMember, "ws-own"))
	items := []access.Item{
		{Permission: "logging/logs.view", Scope: access.KindProject, Defaults: []string{access.ProjectViewer}},
		{Permission: "logging/logs.export", Scope: access.KindProject, Defaults: []string{access.ProjectDeveloper}},
		{Permission: "logging/sinks.manage", Scope: access.KindPlatform},
	}
	if err := w.index.SetItems("logging", items); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		item access.Permission
		who  string
	}{
		{"logging/logs.view", "root op viewer dev wa"}, {"logging/logs.export", "root dev wa"}, {"logging/sinks.manage", "root"},
	} {
		for _, name := range []string{"root", "op", "viewer", "dev", "wa", "wm"} {
			if got, want := w.can(name, c.item, shop), strings.Contains(" "+c.who+" ", " "+name+" "); got != want {
				t.Errorf("%s may %s: %v, want %v", name, c.item, got, want)
			}
		}
	}
	if w.can("viewer", "logging/logs.view", access.Scope{Cluster: "one"}) {
		t.Error("a project's viewer sees the logs of the whole cluster")
	}
	w.index.RemoveItems("logging")
	for _, it := range items {
		for _, name := range []string{"root", "op", "viewer", "dev", "wa"} {
			if w.can(name, it.Permission, shop) {
				t.Errorf("%s may %s after it was removed", name, it.Permission)
			}
		}
	}
	if !w.can("viewer", access.WorkloadsView, shop) {
		t.Error("removing items removed the core's")
	}
}

func TestItemsBeyondTheirExtensionAreRefused(t *testing.T) {
	w := newWorld(t)
	w.commit(bind("plain", access.PlatformMember, ""))
	good := access.Item{Permission: "x/a.view", Scope: access.KindProject, Defaults: []string{access.ProjectViewer}}
	if err := w.index.SetItems("x", []access.Item{good}); err != nil {
		t.Fatal(err)
	}
	for name, items := range map[string][]access.Item{
		"the core's":        {{Permission: access.UsersManage, Scope: access.KindPlatform, Defaults: []string{access.PlatformMember}}},
		"another's":         {{Permission: "y/a.view", Scope: access.KindProject}},
		"no name":           {{Permission: "x/", Scope: access.KindProject}},
		"no scope":          {{Permission: "x/b.view"}},
		"twice":             {good, good},
		"an unknown role":   {{Permission: "x/b.view", Scope: access.KindProject, Defaults: []string{"king"}}},
		"another's role":    {{Permission: "x/b.view", Scope: access.KindProject, Defaults: []string{access.PlatformMember}}},
		"too long":          {{Permission: access.Permission("x/" + strings.Repeat("a", 200)), Scope: access.KindProject}},
		"one of two is bad": {{Permission: "x/c.view", Scope: access.KindProject}, {Permission: "y/c.view", Scope: access.KindProject}},
	} {
		if err := w.index.SetItems("x", items); !errors.Is(err, access.ErrInvalidItem) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.index.SetItems("x", slices.Repeat([]access.Item{good}, 100)); !errors.Is(err, access.ErrInvalidItem) {
		t.Errorf("a hundred items: %v", err)
	}
	if w.can("plain", access.UsersManage, access.Scope{}) {
		t.Error("an extension gave away the core's permission")
	}
	w.commit(bind("root", access.PlatformAdmin, ""))
	if !w.can("root", "x/a.view", access.Scope{}) || w.can("root", "x/c.view", access.Scope{}) {
		t.Error("refused items changed something")
	}
}

// Whoever sets all platform roles of somebody takes away those that another one
// gave in the same moment: also where there were none that both have read.
func TestOfRolesThatAreSetAtOnceOneSetIsLeft(t *testing.T) {
	w := newWorld(t)
	w.commit(user("mona"))
	for range 20 {
		if _, err := access.SetPlatformRoles(t.Context(), w.store, "uid-mona", nil); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var revisions [2]store.Revision
		for i, role := range []string{access.PlatformOperator, access.PlatformMember} {
			all.Go(func() {
				var err error
				if revisions[i], err = access.SetPlatformRoles(t.Context(), w.store, "uid-mona", []string{role}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := w.index.WaitFor(t.Context(), max(revisions[0], revisions[1])); err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(maps.Values(w.index.BindingsOf("uid-mona"))); len(got) != 1 {
			t.Fatalf("two who each give one role leave %v", got)
		}
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	set := func(name string, roles ...string) error {
		rev, err := access.SetPlatformRoles(ctx, w.store, "uid-"+name, roles)
		if err != nil {
			return err
		}
		return w.index.WaitFor(ctx, rev)
	}
	w.commit(user("root"), user("second"))
	if err := set("root", access.PlatformAdmin); err != nil {
		t.Fatal(err)
	}
	for _, roles := range [][]string{nil, {access.PlatformOperator}} {
		if err := set("root", roles...); !errors.Is(err, access.ErrLastAdministrator) {
			t.Fatalf("the only administrator was made %q: %v", roles, err)
		}
	}
	if err := set("second", access.PlatformAdmin, access.PlatformOperator, access.PlatformAdmin); err != nil {
		t.Fatal(err)
	}
	w.commit(record(access.UserPrefix+"second", access.Account{UID: "uid-second", Disabled: true}))
	if err := set("root"); !errors.Is(err, access.ErrLastAdministrator) {
		t.Fatalf("the only administrator who can sign in left: %v", err)
	}
	w.commit(user("second"))
	if err := set("root", access.PlatformMember); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(w.index.Roles(as("root"), access.Scope{}), w.index.Holding(access.PlatformAdmin)); got != "[platform-member] [uid-second]" {
		t.Fatal(got)
	}
	if err := set("second", access.PlatformMember); !errors.Is(err, access.ErrLastAdministrator) {
		t.Fatalf("now the second is the last: %v", err)
	}
	if err := set("root", "king"); !errors.Is(err, access.ErrUnknownRole) {
		t.Fatal(err)
	}
	if err := set("root", access.ProjectAdmin); !errors.Is(err, access.ErrUnknownRole) {
		t.Fatal(err)
	}
}
