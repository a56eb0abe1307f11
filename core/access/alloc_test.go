// That a decision allocates nothing, by one's own role and by a group's.

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
