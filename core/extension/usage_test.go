// What users of one workspace have used is the workspace's, and nobody else's.
package extension

import (
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

func TestUsageIsAddedUpByWorkspace(t *testing.T) {
	tenant := func(workspace, user string, u sandbox.Usage) sandbox.TenantUsage {
		return sandbox.TenantUsage{Workspace: workspace, WorkspaceUID: workspace, User: user, UserUID: user, Usage: u}
	}
	trap := map[sandbox.Class]uint64{sandbox.FaultTrap: 1}
	u := Usage{Name: "sample", Version: "1.0.0", Tenants: []sandbox.TenantUsage{
		tenant("a", "", sandbox.Usage{CPU: 5, Requests: 1}),
		tenant("b", "jane", sandbox.Usage{CPU: 4, Requests: 2, Memory: 10, Faults: trap}),
		tenant("b", "joe", sandbox.Usage{CPU: 3, Requests: 3, Memory: 20, Faults: trap, Refused: map[sandbox.Budget]uint64{sandbox.BudgetStreams: 7}}),
		tenant("", "jane", sandbox.Usage{CPU: 1}),
		{Others: true, Usage: sandbox.Usage{CPU: 1, BytesIn: 9}},
	}}
	rows := u.ByWorkspace()
	if len(rows) != 3 || rows[0].Workspace != "b" || rows[1].Workspace != "a" || rows[2].Workspace != "" {
		t.Fatalf("%+v", rows)
	}
	if b := rows[0]; b.CPU != 7 || b.Requests != 5 || b.Memory != 30 || b.Faults[sandbox.FaultTrap] != 2 || b.Refused[sandbox.BudgetStreams] != 7 || b.User != "" {
		t.Errorf("%+v", b)
	}
	if trap[sandbox.FaultTrap] != 1 {
		t.Error("adding up has changed what was added")
	}
	if rows[2].CPU != 2 || rows[2].BytesIn != 9 {
		t.Errorf("without a workspace: %+v", rows[2])
	}
	if a := u.in("a"); len(a.Tenants) != 1 || a.Total.CPU != 5 || a.Name != "sample" {
		t.Errorf("%+v", a)
	}
	if none := u.in(""); len(none.Tenants) != 0 {
		t.Errorf("no workspace's usage is told: %+v", none)
	}
}
