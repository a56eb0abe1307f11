// An index that has lost its store.

package access_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/store/storetest"
)

func TestLostStoreMeansNo(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("w"), project("one", "shop", "w"), user("root"), bind("root", access.PlatformAdmin, ""), bind("jane", access.ProjectViewer, "pr-one-shop"))
	flaky := &storetest.Losable{Store: w.store}
	x, err := access.NewIndex(t.Context(), flaky)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if !x.Can(as("root"), access.UsersManage, access.Scope{}).Allowed {
		t.Fatal("the administrator may not, with the store")
	}
	changed := x.Changed(t.Context())
	flaky.Lose()
	for x.Healthy() == nil { // until it has noticed
		runtime.Gosched()
	}
	if !errors.Is(x.Healthy(), access.ErrLost) {
		t.Fatal(x.Healthy())
	}
	d := x.Can(as("root"), access.UsersManage, access.Scope{})
	if d.Allowed || !d.Lost {
		t.Fatalf("without the store: %+v", d)
	}
	if x.Groups(as("root"), access.Scope{}) != nil || x.Projects(as("jane"), "") != nil || len(x.Permissions(as("jane"), shop)) != 0 || x.Workspaces(as("root")) != nil || len(x.Roles(as("root"), access.Scope{})) != 0 {
		t.Fatal("without the store there are groups, projects, permissions, workspaces or roles")
	}
	// What is changed meanwhile counts as soon as the store is back.
	rev, err := w.store.Commit(t.Context(), nil, store.Delete(bindingKey("root", access.KindPlatform, "")), bind("jane", access.ProjectDeveloper, "pr-one-shop"))
	if err != nil {
		t.Fatal(err)
	}
	flaky.Restore()
	if err := x.WaitFor(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	<-changed
	if x.Can(as("root"), access.UsersManage, access.Scope{}).Allowed || !x.Can(as("jane"), access.WorkloadsManage, shop).Allowed {
		t.Fatal("the index does not know what was changed while it had lost the store")
	}
	x.Close()
	if d := x.Can(as("jane"), access.WorkloadsManage, shop); d.Allowed || !d.Lost {
		t.Fatalf("closed: %+v", d)
	}
	if err := x.WaitFor(t.Context(), rev+1); !errors.Is(err, access.ErrClosed) {
		t.Fatalf("waiting for a closed index: %v", err)
	}
}
