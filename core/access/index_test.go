// The index: that it follows the store, denies when it cannot, and never
// answers by what was before.

package access_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// world is a store with its index.
type world struct {
	t     testing.TB
	store store.Store
	index *access.Index
}

func newWorld(t testing.TB) *world {
	t.Helper()
	s, err := store.OpenBolt(filepath.Join(t.TempDir(), "atoll.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	x, err := access.NewIndex(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return &world{t: t, store: s, index: x}
}

// commit writes and waits until the index has it.
func (w *world) commit(ops ...store.Op) {
	w.t.Helper()
	rev, err := w.store.Commit(context.Background(), nil, ops...)
	if err == nil {
		err = w.index.WaitFor(context.Background(), rev)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func record(key string, v any) store.Op {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return store.Put(key, b)
}

func user(name string) store.Op {
	return record(access.UserPrefix+name, access.Account{UID: "uid-" + name, Name: name})
}

func workspace(name string) store.Op {
	return record(access.WorkspacePrefix+name, access.Workspace{UID: "ws-" + name, Name: name})
}

func project(cluster, name, workspace string) store.Op {
	return record(access.ProjectPrefix+cluster+"/"+name, access.Project{UID: "pr-" + cluster + "-" + name, Name: name, Cluster: cluster, WorkspaceUID: "ws-" + workspace})
}

func bindingKey(user string, kind access.Kind, scope string) string {
	return fmt.Sprintf("%s%s/%s/uid-%s", access.BindingPrefix, kind, scope, user)
}

// bind gives a user a role in the scope with a uid; "" for the platform.
func bind(user, role, scope string) store.Op {
	kind, _ := access.RoleKind(role)
	return record(bindingKey(user, kind, scope), access.Binding{
		UID: "b-" + user + scope, SubjectUID: "uid-" + user, Role: role, Scope: access.BindingScope{Kind: kind, UID: scope},
	})
}

func as(name string) access.Subject { return access.Subject{Name: name, UID: "uid-" + name} }

func (w *world) can(name string, p access.Permission, sc access.Scope) bool {
	return w.index.Can(as(name), p, sc).Allowed
}

var shop = access.Scope{Cluster: "one", Project: "shop"}

func TestMembershipCountsFromTheMomentItIsAcknowledged(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("w"), project("one", "shop", "w"))
	stale := 0
	for i := range 200 {
		w.commit(bind("jane", access.ProjectViewer, "pr-one-shop"))
		if !w.can("jane", access.WorkloadsView, shop) {
			stale++
		}
		if i%2 == 0 {
			w.commit(store.Delete(bindingKey("jane", access.KindProject, "pr-one-shop")))
		} else { // a change of role is a change too
			w.commit(bind("jane", access.ProjectDeveloper, "pr-one-shop"))
			if !w.can("jane", access.WorkloadsManage, shop) {
				stale++
			}
			w.commit(store.Delete(bindingKey("jane", access.KindProject, "pr-one-shop")))
		}
		if w.can("jane", access.WorkloadsView, shop) || w.index.Groups(as("jane"), shop) != nil {
			stale++
		}
	}
	if stale != 0 {
		t.Fatalf("%d decisions were made by the membership before", stale)
	}
}

func TestProjectThatIsMadeAnewHasNoneOfItsOldMembers(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("w"), project("one", "shop", "w"), bind("jane", access.ProjectAdmin, "pr-one-shop"))
	if !w.can("jane", access.PodsExec, shop) {
		t.Fatal("a project administrator may not exec")
	}
	w.commit(store.Delete(access.ProjectPrefix + "one/shop"))
	if w.can("jane", access.PodsExec, shop) {
		t.Fatal("a project that is gone gives rights")
	}
	w.commit(record(access.ProjectPrefix+"one/shop", access.Project{UID: "another", WorkspaceUID: "ws-w"}))
	if w.can("jane", access.PodsExec, shop) || len(w.index.Projects(as("jane"), "")) != 0 {
		t.Fatal("the new project gives rights to members of the old one")
	}
}

func TestDisabledUserMayNothing(t *testing.T) {
	w := newWorld(t)
	w.commit(user("root"), bind("root", access.PlatformAdmin, ""))
	if !w.can("root", access.UsersManage, access.Scope{}) {
		t.Fatal("an administrator may not manage users")
	}
	w.commit(record(access.UserPrefix+"root", access.Account{UID: "uid-root", Disabled: true}))
	if w.can("root", access.UsersManage, access.Scope{}) || w.index.Groups(as("root"), access.Scope{}) != nil || len(w.index.Permissions(as("root"), access.Scope{})) != 0 {
		t.Fatal("a disabled administrator has rights")
	}
	w.commit(user("root"))
	if !w.can("root", access.UsersManage, access.Scope{}) {
		t.Fatal("enabled again, the administrator has no rights")
	}
}

func TestDamagedRecordsGiveNoRights(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("w"), project("one", "shop", "w"), bind("jane", access.ProjectAdmin, "pr-one-shop"))
	key := bindingKey("jane", access.KindProject, "pr-one-shop")
	for name, damaged := range map[string]store.Op{
		"no JSON":                      store.Put(key, []byte("{")),
		"another type":                 store.Put(key, []byte("[]")),
		"an unknown role":              record(key, access.Binding{SubjectUID: "uid-jane", Role: "king", Scope: access.BindingScope{Kind: access.KindProject, UID: "pr-one-shop"}}),
		"a role of another scope":      record(key, access.Binding{SubjectUID: "uid-jane", Role: access.PlatformAdmin, Scope: access.BindingScope{Kind: access.KindProject, UID: "pr-one-shop"}}),
		"a project role, everywhere":   record(key, access.Binding{SubjectUID: "uid-jane", Role: access.ProjectAdmin, Scope: access.BindingScope{Kind: access.KindProject}}),
		"a platform role, somewhere":   record(key, access.Binding{SubjectUID: "uid-jane", Role: access.PlatformAdmin, Scope: access.BindingScope{Kind: access.KindPlatform, UID: "x"}}),
		"a scope that is not a kind":   record(key, access.Binding{SubjectUID: "uid-jane", Role: access.ProjectAdmin, Scope: access.BindingScope{Kind: "galaxy", UID: "pr-one-shop"}}),
		"nobody":                       record(key, access.Binding{Role: access.ProjectAdmin, Scope: access.BindingScope{Kind: access.KindProject, UID: "pr-one-shop"}}),
		"a kind other than its role's": record(key, access.Binding{SubjectUID: "uid-jane", Role: access.ProjectAdmin, Scope: access.BindingScope{Kind: access.KindWorkspace, UID: "ws-w"}}),
	} {
		w.commit(bind("jane", access.ProjectAdmin, "pr-one-shop"))
		if !w.can("jane", access.WorkloadsView, shop) {
			t.Fatal("the good binding gives nothing")
		}
		w.commit(damaged)
		if w.can("jane", access.WorkloadsView, shop) || w.index.Groups(as("jane"), shop) != nil {
			t.Errorf("%s: it gives rights", name)
		}
		if w.index.Can(access.Subject{}, access.WorkloadsView, shop).Allowed {
			t.Errorf("%s: nobody has rights", name)
		}
	}
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.index.WaitFor(ctx, w.index.Revision()+1000) }()
	w.commit(user("jane"))
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestChangesAreTold(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	changed := w.index.Changed(ctx)
	w.commit(user("jane"))
	<-changed
	if err := w.index.SetItems("logging", []access.Item{{Permission: "logging/logs.view", Scope: access.KindProject}}); err != nil {
		t.Fatal(err)
	}
	<-changed
	w.commit(store.Put("extensions/hello", []byte("nothing that decisions are made from")))
	select {
	case <-changed:
		t.Fatal("told of what decides nothing")
	default:
	}
	cancel()
	w.commit(user("joe"))
}

// TestIndexThatFollowedEqualsOneThatIsNew changes records at random, and
// compares every answer of the index that saw the changes with one that reads
// the store afterwards.
func TestIndexThatFollowedEqualsOneThatIsNew(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	users, workspaces, clusters, projects := []string{"a", "b", "c", "d"}, []string{"w1", "w2"}, []string{"one", "two"}, []string{"p", "q"}
	groups, customs := []string{"g", "h"}, []string{"c1", "c2"}
	kinds := []access.Kind{access.KindPlatform, access.KindWorkspace, access.KindProject}
	again := []string{"", "-again"} // a name that was given twice has another uid
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	roles := slices.Concat(access.RoleNames(access.KindPlatform), access.RoleNames(access.KindWorkspace), access.RoleNames(access.KindProject))
	change := func() store.Op {
		remove := random.IntN(3) == 0
		var op store.Op
		switch random.IntN(12) {
		case 0:
			u := pick(users)
			a := access.Account{UID: "uid-" + u + pick(again), Disabled: random.IntN(4) == 0, Robot: random.IntN(4) == 0}
			for range random.IntN(3) {
				a.Groups = append(a.Groups, "g-"+pick(groups)+pick(again))
			}
			if a.Robot {
				a.WorkspaceUID = "ws-" + pick(workspaces)
			}
			op = record(access.UserPrefix+u, a)
		case 8:
			g := pick(groups)
			op = record(access.GroupPrefix+g, access.Group{UID: "g-" + g + pick(again), Name: g, WorkspaceUID: pick([]string{"", "", "ws-w1"})})
		case 9:
			op = custom(pick(customs), kinds[random.IntN(3)], pick([]string{"", "ws-w1"}), access.WorkloadsManage, access.UsersManage, access.MembersView)
		case 10, 11:
			kind := kinds[random.IntN(3)]
			scope := map[access.Kind]string{access.KindWorkspace: "ws-" + pick(workspaces), access.KindProject: "pr-" + pick(clusters) + "-" + pick(projects) + pick(again)}[kind]
			op = bindTo(pick([]string{"uid-" + pick(users), "g-" + pick(groups) + pick(again)}), pick(slices.Concat(customs, access.RoleNames(kind))), kind, scope)
		case 1:
			n := pick(workspaces)
			op = record(access.WorkspacePrefix+n, access.Workspace{UID: "ws-" + n + pick(again)})
		case 2, 3:
			c, p := pick(clusters), pick(projects)
			op = record(access.ProjectPrefix+c+"/"+p, access.Project{UID: "pr-" + c + "-" + p + pick(again), WorkspaceUID: "ws-" + pick(workspaces) + pick(again)})
		default:
			role, u := pick(roles), pick(users)
			scope := ""
			switch kind, _ := access.RoleKind(role); kind {
			case access.KindWorkspace:
				scope = "ws-" + pick(workspaces) + pick(again)
			case access.KindProject:
				scope = "pr-" + pick(clusters) + "-" + pick(projects) + pick(again)
			}
			op = bind(u, role, scope)
		}
		if remove {
			return store.Delete(op.Key())
		}
		return op
	}
	for round := range 60 {
		for range 8 {
			w.commit(change())
		}
		fresh, err := access.NewIndex(t.Context(), w.store)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			scopes := []access.Scope{{}, {Cluster: "one"}}
			for _, n := range workspaces {
				scopes = append(scopes, access.Scope{Workspace: n})
			}
			for _, c := range clusters {
				for _, p := range projects {
					scopes = append(scopes, access.Scope{Cluster: c, Project: p})
				}
			}
			for _, sc := range scopes {
				same(t, round, "permissions of "+u+" in "+sc.String(), w.index.Permissions(as(u), sc), fresh.Permissions(as(u), sc))
				g1, g2 := w.index.Groups(as(u), sc), fresh.Groups(as(u), sc)
				slices.Sort(g1)
				slices.Sort(g2)
				same(t, round, "groups of "+u+" in "+sc.String(), g1, g2)
				same(t, round, "roles of "+u+" in "+sc.String(), w.index.Roles(as(u), sc), fresh.Roles(as(u), sc))
			}
			same(t, round, "projects of "+u, w.index.Projects(as(u), ""), fresh.Projects(as(u), ""))
			same(t, round, "workspaces of "+u, w.index.Workspaces(as(u)), fresh.Workspaces(as(u)))
			same(t, round, "bindings of "+u, w.index.BindingsOf("uid-"+u), fresh.BindingsOf("uid-"+u))
			a1, ok1 := w.index.AccountByUID("uid-" + u)
			a2, ok2 := fresh.AccountByUID("uid-" + u)
			same(t, round, "account of "+u, a1, a2)
			same(t, round, "account of "+u, ok1, ok2)
		}
		for _, g := range groups {
			g1, _ := w.index.GroupByUID("g-" + g)
			g2, _ := fresh.GroupByUID("g-" + g)
			same(t, round, "group "+g, g1, g2)
		}
		fresh.Close()
	}
}

func same(t *testing.T, round int, what string, followed, fresh any) {
	t.Helper()
	if !reflect.DeepEqual(followed, fresh) {
		t.Fatalf("round %d, %s: %v by the index that followed, %v by the new one", round, what, followed, fresh)
	}
}

func TestDecisionsAndChangesMayMeet(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("w"), project("one", "shop", "w"), bind("jane", access.ProjectViewer, "pr-one-shop"))
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !w.can("jane", access.WorkloadsView, shop) {
					t.Error("a right that was never taken was missing")
					return
				}
				w.index.Groups(as("jane"), shop)
				w.index.Projects(as("root"), "")
				w.index.Permissions(as("joe"), shop)
			}
		})
	}
	for i := range 50 {
		w.commit(bind("joe", access.ProjectDeveloper, "pr-one-shop"), bind("root", access.PlatformAdmin, ""))
		if err := w.index.SetItems("x", []access.Item{{Permission: access.Permission(fmt.Sprintf("x/i%d.view", i)), Scope: access.KindProject, Defaults: []string{access.ProjectViewer}}}); err != nil {
			t.Error(err)
		}
		w.commit(store.Delete(bindingKey("joe", access.KindProject, "pr-one-shop")), project("one", "other", "w"))
	}
	close(stop)
	all.Wait()
}
