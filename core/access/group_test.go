// Groups, custom roles and robots in decisions: what they give, where, and what
// they never give.

package access_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

func member(name string, groups ...string) store.Op {
	return record(access.UserPrefix+name, access.Account{UID: "uid-" + name, Name: name, Groups: groups})
}

func group(name, owner string) store.Op {
	return record(access.GroupPrefix+name, access.Group{UID: "g-" + name, Name: name, WorkspaceUID: owner})
}

// bindTo gives a role to "uid-..." or "g-...".
func bindTo(holder, role string, kind access.Kind, scope string) store.Op {
	b := access.Binding{UID: "b", Role: role, Scope: access.BindingScope{Kind: kind, UID: scope}}
	if holder[:2] == "g-" {
		b.GroupUID = holder
	} else {
		b.SubjectUID = holder
	}
	return record(fmt.Sprintf("%s%s/%s/%s/%s", access.BindingPrefix, kind, scope, holder, role), b)
}

func custom(uid string, kind access.Kind, definedIn string, permissions ...access.Permission) store.Op {
	c := access.CustomRole{UID: uid, Name: "role " + uid, Kind: kind, Scope: access.BindingScope{Kind: access.KindPlatform}, Permissions: permissions}
	if definedIn != "" {
		c.Scope = access.BindingScope{Kind: access.KindWorkspace, UID: definedIn}
	}
	return record(access.RolePrefix+uid, c)
}

// yard is two workspaces with a project each.
func yard(t *testing.T) *world {
	w := newWorld(t)
	w.commit(workspace("w"), workspace("v"), project("one", "shop", "w"), project("one", "mill", "v"))
	return w
}

var mill = access.Scope{Cluster: "one", Project: "mill"}

func TestAGroupsRolesAreItsMembers(t *testing.T) {
	w := yard(t)
	w.commit(member("jane", "g-devs"), member("joe", "g-others"), bindTo("g-devs", access.ProjectDeveloper, access.KindProject, "pr-one-shop"))
	if w.can("jane", access.WorkloadsView, shop) {
		t.Fatal("a group whose record is not there gives rights")
	}
	w.commit(group("devs", ""), group("others", ""))
	if !w.can("jane", access.WorkloadsManage, shop) || w.can("jane", access.MembersManage, shop) || w.can("jane", access.WorkloadsView, mill) || w.can("joe", access.WorkloadsView, shop) {
		t.Fatal("the group's role is not its members', there and only there")
	}
	if got := w.index.Groups(as("jane"), shop); !slices.Equal(got, []string{"atoll:platform:member", "atoll:project:pr-one-shop:developer"}) {
		t.Errorf("%q", got)
	}
	if got := w.index.Projects(as("jane"), ""); len(got) != 1 || got[0].Name != "shop" {
		t.Errorf("%v", got)
	}
	if a, _ := w.index.Account("jane"); !slices.Equal(a.Groups, []string{"g-devs"}) {
		t.Errorf("the account is in %q", a.Groups)
	}
	for what, end := range map[string][2]store.Op{
		"leaving the group":    {member("jane"), member("jane", "g-devs")},
		"deleting the group":   {store.Delete(access.GroupPrefix + "devs"), group("devs", "")},
		"deleting the binding": {store.Delete(bindTo("g-devs", access.ProjectDeveloper, access.KindProject, "pr-one-shop").Key()), bindTo("g-devs", access.ProjectDeveloper, access.KindProject, "pr-one-shop")},
		"disabling the member": {record(access.UserPrefix+"jane", access.Account{UID: "uid-jane", Disabled: true, Groups: []string{"g-devs"}}), member("jane", "g-devs")},
	} {
		if w.commit(end[0]); w.can("jane", access.WorkloadsView, shop) || w.index.Groups(as("jane"), shop) != nil {
			t.Errorf("%s left rights", what)
		}
		if w.commit(end[1]); !w.can("jane", access.WorkloadsView, shop) {
			t.Errorf("undoing %s gave no rights", what)
		}
	}
}

func TestAGroupThatIsMadeAnewGivesNothingOfTheOld(t *testing.T) {
	w := yard(t)
	w.commit(group("devs", ""), member("jane", "g-devs"), bindTo("g-devs", access.PlatformAdmin, access.KindPlatform, ""))
	w.commit(record(access.GroupPrefix+"devs", access.Group{UID: "g-new", Name: "devs"}))
	if w.can("jane", access.UsersManage, access.Scope{}) {
		t.Fatal("the new group has the old one's members and roles")
	}
}

func TestWhatAWorkspaceOwnsCountsOnlyInIt(t *testing.T) {
	w := yard(t)
	robot := func(owner string) store.Op {
		return record(access.UserPrefix+"bot", access.Account{UID: "uid-bot", Robot: true, WorkspaceUID: owner})
	}
	w.commit(robot("ws-w"), group("team", "ws-w"), member("jane", "g-team"))
	for _, holder := range []string{"uid-bot", "g-team"} {
		w.commit(bindTo(holder, access.PlatformAdmin, access.KindPlatform, ""), bindTo(holder, access.WorkspaceAdmin, access.KindWorkspace, "ws-v"), bindTo(holder, access.ProjectAdmin, access.KindProject, "pr-one-mill"))
	}
	everywhere := func(name string) (places []string) {
		for _, sc := range []access.Scope{{}, {Cluster: "one"}, {Workspace: "w"}, {Workspace: "v"}, shop, mill} {
			if w.can(name, access.MembersManage, sc) || w.can(name, access.UsersView, sc) || len(w.index.Groups(as(name), sc)) > 1 {
				places = append(places, sc.String())
			}
		}
		return places
	}
	for _, name := range []string{"bot", "jane"} {
		if got := everywhere(name); got != nil {
			t.Errorf("%s has rights in %q by bindings outside of its workspace", name, got)
		}
		if len(w.index.Projects(as(name), "")) != 0 || len(w.index.Workspaces(as(name))) != 0 {
			t.Errorf("%s sees what is not its workspace's", name)
		}
	}
	w.commit(bindTo("uid-bot", access.WorkspaceAdmin, access.KindWorkspace, "ws-w"), bindTo("g-team", access.ProjectAdmin, access.KindProject, "pr-one-shop"))
	if got := everywhere("bot"); !slices.Equal(got, []string{"workspaces/w", "clusters/one/projects/shop"}) {
		t.Errorf("the robot has rights in %q", got)
	}
	if got := everywhere("jane"); !slices.Equal(got, []string{"clusters/one/projects/shop"}) {
		t.Errorf("the group's member has rights in %q", got)
	}
	if w.commit(robot("")); everywhere("bot") != nil {
		t.Error("a robot that no workspace owns has rights")
	}
}

func TestCustomRolesPermitWhatTheyAreMadeOfAndWhatThatNeeds(t *testing.T) {
	w := yard(t)
	w.commit(
		custom("deployer", access.KindProject, "", access.WorkloadsManage, "galaxies.manage", access.UsersManage),
		custom("reader", access.KindWorkspace, "ws-w", access.SecretsView, access.UsersView),
		custom("clerk", access.KindPlatform, "", access.UsersManage),
		bindTo("uid-jane", "deployer", access.KindProject, "pr-one-shop"),
		bindTo("uid-wes", "reader", access.KindWorkspace, "ws-w"),
		bindTo("uid-pat", "clerk", access.KindPlatform, ""),
	)
	for _, c := range []struct {
		name        string
		where       access.Scope
		permissions string
		roles       string
		groups      string
	}{
		{"jane", shop, "[clusters.view projects.view workloads.manage workloads.view]", "[deployer]", "[atoll:platform:member atoll:project:pr-one-shop:deployer]"},
		{"jane", mill, "[clusters.view]", "[]", "[atoll:platform:member]"},
		{"wes", access.Scope{Workspace: "w"}, "[clusters.view projects.view secrets.view workspaces.view]", "[reader]", "[atoll:platform:member]"},
		{"wes", shop, "[clusters.view projects.view secrets.view workspaces.view]", "[reader]", "[atoll:platform:member atoll:project:pr-one-shop:reader]"},
		{"wes", mill, "[clusters.view]", "[]", "[atoll:platform:member]"},
		{"pat", access.Scope{}, "[clusters.view users.manage users.view]", "[platform-member clerk]", "[atoll:platform:member atoll:platform:clerk]"},
		{"pat", shop, "[clusters.view users.manage users.view]", "[]", "[atoll:platform:member atoll:platform:clerk]"},
	} {
		if got := fmt.Sprint(w.index.Permissions(as(c.name), c.where)); got != c.permissions {
			t.Errorf("%s in %s has %s, want %s", c.name, c.where, got, c.permissions)
		}
		if got := fmt.Sprint(w.index.Roles(as(c.name), c.where)); got != c.roles {
			t.Errorf("%s in %s counts as %s, want %s", c.name, c.where, got, c.roles)
		}
		if got := fmt.Sprint(w.index.Groups(as(c.name), c.where)); got != c.groups {
			t.Errorf("%s in %s: groups %s, want %s", c.name, c.where, got, c.groups)
		}
	}
	if w.commit(custom("deployer", access.KindProject, "", access.PodsExec)); w.can("jane", access.WorkloadsManage, shop) || !w.can("jane", access.PodsExec, shop) {
		t.Error("a change of the role is not one for who has it")
	}
	if w.commit(store.Delete(access.RolePrefix + "deployer")); len(w.index.Permissions(as("jane"), shop)) != 0 {
		t.Error("a role that is gone gives rights")
	}
	if w.commit(custom("deployer", access.KindProject, "", access.PodsExec)); !w.can("jane", access.PodsExec, shop) {
		t.Error("a binding whose role comes later gives nothing")
	}
}

func TestCustomRolesThatMakeNoSenseGiveNothing(t *testing.T) {
	w := yard(t)
	project := access.BindingScope{Kind: access.KindProject, UID: "pr-one-shop"}
	platform := access.BindingScope{Kind: access.KindPlatform}
	all := []access.Permission{access.WorkloadsView}
	for what, c := range map[string]access.CustomRole{
		"another's uid":             {UID: "y", Kind: access.KindProject, Scope: platform, Permissions: all},
		"no kind":                   {UID: "x", Scope: platform, Permissions: all},
		"defined in a project":      {UID: "x", Kind: access.KindProject, Scope: project, Permissions: all},
		"defined in no workspace":   {UID: "x", Kind: access.KindProject, Scope: access.BindingScope{Kind: access.KindWorkspace}, Permissions: all},
		"defined in another":        {UID: "x", Kind: access.KindProject, Scope: access.BindingScope{Kind: access.KindWorkspace, UID: "ws-v"}, Permissions: all},
		"a platform with a uid":     {UID: "x", Kind: access.KindProject, Scope: access.BindingScope{Kind: access.KindPlatform, UID: "ws-w"}, Permissions: all},
		"of another kind":           {UID: "x", Kind: access.KindWorkspace, Scope: platform, Permissions: all},
		"the platform's in a space": {UID: "x", Kind: access.KindPlatform, Scope: access.BindingScope{Kind: access.KindWorkspace, UID: "ws-w"}, Permissions: all},
	} {
		w.commit(custom("x", access.KindProject, "", all...), bindTo("uid-jane", "x", access.KindProject, "pr-one-shop"))
		if !w.can("jane", access.WorkloadsView, shop) {
			t.Fatal("the good role gives nothing")
		}
		if w.commit(record(access.RolePrefix+"x", c)); w.can("jane", access.WorkloadsView, shop) || len(w.index.Groups(as("jane"), shop)) > 1 || len(w.index.Projects(as("jane"), "")) != 0 {
			t.Errorf("%s: it gives rights", what)
		}
	}
	w.commit(record(access.RolePrefix+access.ProjectViewer, access.CustomRole{UID: access.ProjectViewer, Kind: access.KindProject, Scope: platform, Permissions: []access.Permission{access.SecretsView}}),
		bindTo("uid-jane", access.ProjectViewer, access.KindProject, "pr-one-shop"))
	if w.can("jane", access.SecretsView, shop) {
		t.Error("a record has taken the place of a preset role")
	}
}

func TestCustomRolesHaveAnExtensionsItemsWhileItIsThere(t *testing.T) {
	w := yard(t)
	w.commit(custom("x", access.KindProject, "", "logging/sinks.manage"), bindTo("uid-jane", "x", access.KindProject, "pr-one-shop"))
	items := []access.Item{{Permission: "logging/sinks.manage", Scope: access.KindProject}, {Permission: "logging/sinks.view", Scope: access.KindProject}}
	for range 2 {
		if err := w.index.SetItems("logging", items); err != nil {
			t.Fatal(err)
		}
		if !w.can("jane", "logging/sinks.manage", shop) || !w.can("jane", "logging/sinks.view", shop) {
			t.Error("the role has not what the extension added, or not what that needs")
		}
		if w.index.RemoveItems("logging"); w.can("jane", "logging/sinks.manage", shop) || w.can("jane", "logging/sinks.view", shop) {
			t.Error("the role has what the extension took away")
		}
	}
}

func TestPresetRolesHaveWhatTheirPermissionsNeed(t *testing.T) {
	w := yard(t)
	needs := map[access.Permission][]access.Permission{}
	for _, it := range w.index.Items() {
		needs[it.Permission] = it.Needs
		if it.Title == "" || it.Description == "" {
			t.Errorf("%s is not described", it.Permission)
		}
	}
	for _, kind := range []access.Kind{access.KindPlatform, access.KindWorkspace, access.KindProject} {
		for _, role := range access.RoleNames(kind) {
			sc, uid := access.Scope{}, ""
			switch kind {
			case access.KindWorkspace:
				sc, uid = access.Scope{Workspace: "w"}, "ws-w"
			case access.KindProject:
				sc, uid = shop, "pr-one-shop"
			}
			w.commit(bind(role, role, uid))
			has := w.index.Permissions(as(role), sc)
			for _, p := range has {
				for _, need := range needs[p] {
					if !slices.Contains(has, need) {
						t.Errorf("%s has %s and not %s", role, p, need)
					}
				}
			}
		}
	}
}

func TestBindingsEndAtTheirMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := yard(t)
		until := func(d time.Duration) store.Op {
			return record(access.BindingPrefix+"project/pr-one-shop/uid-jane", access.Binding{
				SubjectUID: "uid-jane", Role: access.ProjectAdmin, Scope: access.BindingScope{Kind: access.KindProject, UID: "pr-one-shop"}, Until: time.Now().Add(d)})
		}
		w.commit(bindTo("uid-jane", access.ProjectViewer, access.KindProject, "pr-one-shop"), until(time.Hour))
		changed := w.index.Changed(t.Context())
		time.Sleep(time.Hour - time.Nanosecond)
		synctest.Wait()
		if !w.can("jane", access.MembersManage, shop) {
			t.Fatal("it ended too early")
		}
		select {
		case <-changed:
			t.Fatal("told of an end that was not")
		default:
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if w.can("jane", access.MembersManage, shop) || !w.can("jane", access.WorkloadsView, shop) {
			t.Fatal("it did not end, or took the other with it")
		}
		<-changed
		if len(w.index.BindingsOf("uid-jane")) != 2 {
			t.Error("an ended binding is forgotten before its record is deleted")
		}
		if w.commit(until(-time.Second)); w.can("jane", access.MembersManage, shop) {
			t.Error("one that had ended before gives rights")
		}
		if w.commit(until(time.Hour)); !w.can("jane", access.MembersManage, shop) {
			t.Error("one that was given anew gives none")
		}
		w.index.Close()
	})
}
