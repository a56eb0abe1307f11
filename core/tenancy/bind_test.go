// Memberships that end, those of what a workspace owns, and custom roles in the
// store.

package tenancy

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// orchard is a service with the workspaces "red" and "blue".
func orchard(t *testing.T) (service *Service, index *access.Index, s store.Store, red, blue access.BindingScope) {
	t.Helper()
	service, index, s = tenants(t)
	var scopes []access.BindingScope
	for _, name := range []string{"red", "blue"} {
		w, err := service.CreateWorkspace(t.Context(), access.Subject{}, name, "", Settings{})
		if err != nil {
			t.Fatal(err)
		}
		scopes = append(scopes, access.BindingScope{Kind: access.KindWorkspace, UID: w.UID})
	}
	return service, index, s, scopes[0], scopes[1]
}

func TestARoleThatEndsStandsBesideTheOther(t *testing.T) {
	service, index, _, red, _ := orchard(t)
	until := time.Now().Add(time.Hour)
	for _, b := range []access.Binding{{Role: access.WorkspaceViewer}, {Role: access.WorkspaceAdmin, Until: until}, {Role: access.WorkspaceMember}} {
		b.SubjectUID, b.Scope = jane.UID, red
		if err := service.Bind(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(index.Roles(jane, access.Scope{Workspace: "red"})); got != "[workspace-admin workspace-member]" {
		t.Errorf("jane counts as %s", got)
	}
	if members, err := service.Members(t.Context(), red); err != nil || len(members) != 2 {
		t.Errorf("%v %v", members, err)
	}
	service.now = func() time.Time { return until }
	if members, err := service.Members(t.Context(), red); err != nil || len(members) != 1 {
		t.Errorf("after the end: %v %v", members, err)
	}
	if err := service.Bind(t.Context(), access.Binding{SubjectUID: jane.UID, Scope: red, Role: access.WorkspaceAdmin, Until: until}); !errors.Is(err, ErrInvalid) {
		t.Errorf("one that has ended: %v", err)
	}
	if err := service.RemoveMember(t.Context(), red, jane.UID); err != nil {
		t.Fatal(err)
	}
	if got := index.BindingsOf(jane.UID); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestWhatAWorkspaceOwnsIsNoMemberElsewhere(t *testing.T) {
	service, index, s, red, blue := orchard(t)
	rev, err := store.NewCollection[access.Account](s, access.UserPrefix).Create(t.Context(), "bot", access.Account{UID: "uid-bot", Robot: true, WorkspaceUID: red.UID})
	if err == nil {
		rev, err = store.NewCollection[access.Group](s, access.GroupPrefix).Create(t.Context(), "team", access.Group{UID: "team", WorkspaceUID: red.UID})
	}
	if err == nil {
		err = index.WaitFor(t.Context(), rev)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []access.Binding{{SubjectUID: "uid-bot"}, {GroupUID: "team"}} {
		b.Role = access.WorkspaceViewer
		if b.Scope = red; service.Bind(t.Context(), b) != nil {
			t.Errorf("%+v is refused in its own workspace", b)
		}
		b.Scope = blue
		if err := service.Bind(t.Context(), b); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v in another workspace: %v", b, err)
		}
	}
	for _, b := range []access.Binding{{}, {SubjectUID: "a", GroupUID: "b"}} {
		b.Role, b.Scope = access.WorkspaceViewer, red
		if err := service.Bind(t.Context(), b); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

func TestAWorkspacesRolesGoWithIt(t *testing.T) {
	service, index, s, _, _ := orchard(t)
	before := dump(t, s)
	w, err := service.CreateWorkspace(t.Context(), jane, "team", "", Settings{})
	if err != nil {
		t.Fatal(err)
	}
	scope := access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}
	var last access.CustomRole
	for i := range maxRoles {
		last, err = service.CreateRole(t.Context(), access.CustomRole{Name: fmt.Sprint("r", i), Kind: access.KindWorkspace, Scope: scope, Permissions: []access.Permission{access.SecretsView}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := service.CreateRole(t.Context(), access.CustomRole{Name: "more", Kind: access.KindWorkspace, Scope: scope, Permissions: []access.Permission{access.SecretsView}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("one more than are allowed: %v", err)
	}
	if err := service.Bind(t.Context(), access.Binding{GroupUID: "devs", Scope: scope, Role: last.UID}); err != nil {
		t.Fatal(err)
	}
	if err := service.DeleteRole(t.Context(), last.UID); !errors.Is(err, ErrInUse) {
		t.Errorf("a role that a group has: %v", err)
	}
	if err := service.DeleteWorkspace(t.Context(), "team"); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, s); after != before {
		t.Errorf("left in the store:\n%s", after)
	}
	if _, ok := index.Role(last.UID); ok {
		t.Error("the role is there still")
	}
}
