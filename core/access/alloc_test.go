// That what is asked with every request allocates nothing: a decision, by one's own
// role and by a group's, and whether somebody is active.

package access_test

import (
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

func TestDecisionsAllocateNothing(t *testing.T) {
	w := newWorld(t)
	w.commit(workspace("w"), project("one", "shop", "w"), bind("jane", access.ProjectViewer, "pr-one-shop"),
		group("devs", ""), member("joe", "g-devs"), custom("c", access.KindProject, "", access.WorkloadsView), bindTo("g-devs", "c", access.KindProject, "pr-one-shop"))
	if !w.can("joe", access.WorkloadsView, shop) {
		t.Fatal("joe has no rights by his group")
	}
	for _, p := range []access.Permission{access.WorkloadsView, access.WorkloadsManage} {
		for _, name := range []string{"jane", "joe"} {
			if n := testing.AllocsPerRun(100, func() { w.index.Can(access.Subject{UID: "uid-" + name}, p, shop) }); n != 0 {
				t.Errorf("deciding on %s for %s allocates %v times", p, name, n)
			}
		}
	}
}

func TestAskingWhoIsActiveAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	w.commit(group("devs", ""), member("joe", "g-devs"))
	if name, ok := w.index.Active("uid-joe"); name != "joe" || !ok {
		t.Fatal(name, ok)
	}
	if n := testing.AllocsPerRun(100, func() { w.index.Active("uid-joe") }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
	w.commit(record(access.UserPrefix+"joe", access.Account{UID: "uid-joe", Disabled: true}))
	for _, uid := range []string{"uid-joe", "uid-nobody", ""} {
		if name, ok := w.index.Active(uid); name != "" || ok {
			t.Errorf("%q is active as %q", uid, name)
		}
	}
}
