// Explanations: what allowed something, or what is missing and who could give it.

package access_test

import (
	"slices"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

func (w *world) explain(name string, p access.Permission, sc access.Scope) access.Explanation {
	w.t.Helper()
	e, ok := w.index.Explain(as(name), p, sc)
	if !ok {
		w.t.Fatalf("there is no permission %s", p)
	}
	if e.Allowed != w.can(name, p, sc) {
		w.t.Fatalf("the explanation of %s for %s is not the decision", p, name)
	}
	return e
}

func TestExplanationsNameTheBinding(t *testing.T) {
	w := yard(t)
	w.commit(group("devs", ""), member("jane", "g-devs"), user("joe"), user("root"),
		bindTo("g-devs", access.ProjectDeveloper, access.KindProject, "pr-one-shop"), bind("joe", access.WorkspaceAdmin, "ws-w"), bind("root", access.PlatformAdmin, ""))
	if e := w.explain("jane", access.PodsExec, shop); !e.Allowed || e.Role != access.ProjectDeveloper || e.Binding == nil || e.Binding.GroupUID != "g-devs" {
		t.Errorf("by a group: %+v", e)
	}
	if e := w.explain("joe", access.PodsExec, shop); !e.Allowed || e.Binding == nil || e.Binding.Scope.UID != "ws-w" || e.Binding.SubjectUID != "uid-joe" {
		t.Errorf("by a workspace: %+v", e)
	}
	if e := w.explain("jane", access.ClustersView, access.Scope{}); !e.Allowed || e.Binding != nil || e.Role != access.PlatformMember {
		t.Errorf("what everybody has: %+v", e)
	}
	if _, ok := w.index.Explain(as("jane"), "galaxies.manage", shop); ok {
		t.Error("a permission that there is not is explained")
	}
}

func TestExplanationsSayWhoCouldGrant(t *testing.T) {
	w := yard(t)
	w.commit(user("jane"), user("joe"), user("petra"), user("root"), user("mona"), custom("clerk", access.KindProject, "", access.MembersManage), custom("execer", access.KindProject, "ws-w", access.PodsExec), custom("other", access.KindProject, "ws-v", access.PodsExec),
		bind("joe", access.WorkspaceAdmin, "ws-w"), bind("petra", access.ProjectAdmin, "pr-one-shop"), bind("root", access.PlatformAdmin, ""), bindTo("uid-mona", "clerk", access.KindProject, "pr-one-shop"))
	for _, c := range []struct {
		permission access.Permission
		where      access.Scope
		grant      access.BindingScope
		grantors   []string
		first      string // role
		roles      int
	}{
		{access.PodsExec, shop, access.BindingScope{Kind: access.KindProject, UID: "pr-one-shop"}, []string{"joe", "petra", "root"}, "execer", 3},
		{access.MembersView, shop, access.BindingScope{Kind: access.KindProject, UID: "pr-one-shop"}, []string{"joe", "mona", "petra", "root"}, access.ProjectViewer, 4},
		{access.ProjectsManage, shop, access.BindingScope{Kind: access.KindWorkspace, UID: "ws-w"}, []string{"joe", "root"}, access.WorkspaceAdmin, 1},
		{access.AuditView, shop, access.BindingScope{Kind: access.KindPlatform}, []string{"root"}, access.PlatformOperator, 2},
		{access.WorkloadsView, access.Scope{Cluster: "one"}, access.BindingScope{Kind: access.KindPlatform}, []string{"root"}, access.PlatformOperator, 2},
	} {
		e := w.explain("jane", c.permission, c.where)
		var names []string
		for _, a := range e.Grantors {
			names = append(names, a.Name)
		}
		if e.Allowed || e.Missing != c.permission || !e.GrantOK || e.Grant != c.grant || !slices.Equal(names, c.grantors) || len(e.Roles) != c.roles || e.Roles[0].ID != c.first {
			t.Errorf("%s in %s: %+v, granted by %v", c.permission, c.where, e, names)
		}
	}
	if e := w.explain("jane", access.WorkloadsView, access.Scope{Cluster: "one", Project: "nothing"}); e.GrantOK || e.Grantors != nil || e.Roles != nil {
		t.Errorf("a project that there is not: %+v", e)
	}
	reader := as("joe")
	reader.ReadOnly = true
	if e, _ := w.index.Explain(reader, access.MembersManage, shop); e.Allowed || !e.Narrow || e.Grantors != nil {
		t.Errorf("a credential for reading: %+v", e)
	}
}
