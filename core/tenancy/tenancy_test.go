// Workspaces, projects and members, on a real store and index.

package tenancy

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

// tenants is a service with clusters "local" and "other" that are not there yet.
func tenants(t *testing.T) (*Service, *access.Index, store.Store) {
	t.Helper()
	dir := t.TempDir()
	s, err := store.OpenBolt(filepath.Join(dir, "store.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	index, err := access.NewIndex(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { index.Close() })
	registry := kube.NewRegistry(t.Context(), []kube.Config{{Name: "local", Kubeconfig: filepath.Join(dir, "kubeconfig")}, {Name: "other", Kubeconfig: filepath.Join(dir, "other")}}, kube.Options{})
	t.Cleanup(registry.Close)
	service := New(t.Context(), s, index, registry, Options{})
	t.Cleanup(service.Close)
	return service, index, s
}

var jane = access.Subject{Name: "jane", UID: "uid-jane", Via: access.ViaToken}

func TestWhoMakesSomethingIsItsAdministratorAtOnce(t *testing.T) {
	service, index, _ := tenants(t)
	w, err := service.CreateWorkspace(t.Context(), jane, "team", "Team", Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if d := index.Can(jane, access.ProjectsManage, access.Scope{Workspace: "team"}); !d.Allowed {
		t.Errorf("the maker of a workspace: %+v", d)
	}
	p, err := service.CreateProject(t.Context(), jane, NewProject{Name: "shop", Cluster: "local", Workspace: "team"})
	if err != nil {
		t.Fatal(err)
	}
	if p.WorkspaceUID != w.UID || p.Phase != PhasePending {
		t.Errorf("%+v", p)
	}
	groups := index.Groups(jane, access.Scope{Cluster: "local", Project: "shop"})
	if !slices.Contains(groups, access.ProjectGroup(p.UID, access.ProjectAdmin)) {
		t.Errorf("groups %q", groups)
	}
}

func TestNamesThatCannotBeAreRefused(t *testing.T) {
	service, _, _ := tenants(t)
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "A", "a_b", "-a", "a-", "a.b", "a/b", "../a", "default", systemNamespace, "kube-system", "kube-public", "kube-x", strings.Repeat("a", 64), "ä", "a b", "a\n"} {
		if _, err := service.CreateProject(t.Context(), jane, NewProject{Name: name, Cluster: "local", Workspace: "team"}); !errors.Is(err, ErrInvalid) {
			t.Errorf("project %q: %v, want ErrInvalid", name, err)
		}
	}
	if _, err := service.CreateProject(t.Context(), jane, NewProject{Name: "a", Cluster: "elsewhere", Workspace: "team"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown cluster: %v", err)
	}
	if _, err := service.CreateProject(t.Context(), jane, NewProject{Name: "a", Cluster: "local", Workspace: "nobody"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown workspace: %v", err)
	}
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{}); !errors.Is(err, ErrExists) {
		t.Errorf("second workspace: %v", err)
	}
}

func TestOnlyThePlatformTakesNamespacesOver(t *testing.T) {
	service, index, s := tenants(t)
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{}); err != nil {
		t.Fatal(err)
	}
	root := access.Subject{Name: "root", UID: "uid-root"}
	revision, err := access.SetPlatformRoles(t.Context(), s, root.UID, []string{access.PlatformAdmin})
	if err != nil {
		t.Fatal(err)
	}
	if err := index.WaitFor(t.Context(), revision); err != nil {
		t.Fatal(err)
	}
	wanted := NewProject{Name: "old", Cluster: "local", Workspace: "team", Adopt: true}
	if _, err := service.CreateProject(t.Context(), jane, wanted); !errors.Is(err, ErrDenied) {
		t.Errorf("jane: %v, want ErrDenied", err)
	}
	if _, err := service.CreateProject(t.Context(), root, wanted); !errors.Is(err, ErrUnavailable) {
		t.Errorf("root, of a cluster whose pods cannot be looked at: %v, want ErrUnavailable", err)
	}
	wanted.AcceptViolations = true
	if p, err := service.CreateProject(t.Context(), root, wanted); err != nil || !p.Adopted {
		t.Errorf("root, whatever runs there: %+v %v", p, err)
	}
}

func TestMembersComeAndGoAtOnce(t *testing.T) {
	service, index, _ := tenants(t)
	if _, err := service.CreateWorkspace(t.Context(), access.Subject{}, "team", "", Settings{}); err != nil {
		t.Fatal(err)
	}
	p, err := service.CreateProject(t.Context(), access.Subject{}, NewProject{Name: "shop", Cluster: "local", Workspace: "team"})
	if err != nil {
		t.Fatal(err)
	}
	scope := access.BindingScope{Kind: access.KindProject, UID: p.UID}
	at := access.Scope{Cluster: "local", Project: "shop"}
	for _, role := range []string{access.ProjectViewer, access.ProjectDeveloper} {
		if err := service.SetMember(t.Context(), scope, jane.UID, role); err != nil {
			t.Fatal(err)
		}
		if got := index.Groups(jane, at); !slices.Contains(got, access.ProjectGroup(p.UID, role)) || len(got) != 2 {
			t.Errorf("%s: %q", role, got)
		}
	}
	for _, role := range []string{"", "admin", access.PlatformAdmin, access.WorkspaceAdmin} {
		if err := service.SetMember(t.Context(), scope, jane.UID, role); !errors.Is(err, ErrInvalid) {
			t.Errorf("role %q in a project: %v", role, err)
		}
	}
	if err := service.SetMember(t.Context(), access.BindingScope{Kind: access.KindPlatform}, jane.UID, access.PlatformAdmin); !errors.Is(err, ErrInvalid) {
		t.Errorf("a platform role by membership: %v", err)
	}
	if members, err := service.Members(t.Context(), scope); err != nil || len(members) != 1 || members[0].Role != access.ProjectDeveloper {
		t.Errorf("%+v %v", members, err)
	}
	if err := service.RemoveMember(t.Context(), scope, jane.UID); err != nil {
		t.Fatal(err)
	}
	if got := index.Groups(jane, at); got != nil {
		t.Errorf("groups after removal: %q", got)
	}
	if err := service.RemoveMember(t.Context(), scope, jane.UID); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
}

func TestAWorkspaceGoesWhenItIsEmptyAndLeavesNothing(t *testing.T) {
	service, _, s := tenants(t)
	before := dump(t, s)
	if _, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.CreateProject(t.Context(), jane, NewProject{Name: "shop", Cluster: "local", Workspace: "team"}); err != nil {
		t.Fatal(err)
	}
	if err := service.DeleteWorkspace(t.Context(), "team"); !errors.Is(err, ErrNotEmpty) {
		t.Fatalf("with a project: %v", err)
	}
	if err := service.DeleteProject(t.Context(), "local", "shop"); err != nil {
		t.Fatal(err)
	}
	if p, err := service.Project(t.Context(), "local", "shop"); err != nil || p.Phase != PhaseDeleting {
		t.Fatalf("%+v %v", p, err)
	}
	// The cluster is not there, so the reconciler's last step is done here.
	item, err := service.projects.Get(t.Context(), "local/shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := service.forget(t.Context(), item); err != nil {
		t.Fatal(err)
	}
	if err := service.DeleteWorkspace(t.Context(), "team"); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, s); after != before {
		t.Errorf("left in the store:\n%s", after)
	}
}

func TestMoreMembersThanATransactionHoldsAreRemoved(t *testing.T) {
	service, _, s := tenants(t)
	before := dump(t, s)
	w, err := service.CreateWorkspace(t.Context(), access.Subject{}, "team", "", Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		if err := service.SetMember(t.Context(), access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}, "uid-"+strings.Repeat("x", i+1), access.WorkspaceViewer); err != nil {
			t.Fatal(err)
		}
	}
	if err := service.DeleteWorkspace(t.Context(), "team"); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, s); after != before {
		t.Errorf("left in the store:\n%s", after)
	}
}

// A workspace is never deleted from under a project that is made in the same
// moment.
func TestAProjectAlwaysHasItsWorkspace(t *testing.T) {
	service, _, _ := tenants(t)
	for range 20 {
		if _, err := service.CreateWorkspace(t.Context(), access.Subject{}, "team", "", Settings{}); err != nil && !errors.Is(err, ErrExists) {
			t.Fatal(err)
		}
		var made, deleted error
		var both sync.WaitGroup
		both.Go(func() {
			_, made = service.CreateProject(context.Background(), access.Subject{}, NewProject{Name: "shop", Cluster: "local", Workspace: "team"})
		})
		both.Go(func() { deleted = service.DeleteWorkspace(context.Background(), "team") })
		both.Wait()
		if made == nil && deleted == nil {
			t.Fatal("a project was made in a workspace that was deleted")
		}
		if item, err := service.projects.Get(t.Context(), "local/shop"); err == nil {
			if err := service.forget(t.Context(), item); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func dump(t *testing.T, s store.Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := store.Dump(t.Context(), s, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
