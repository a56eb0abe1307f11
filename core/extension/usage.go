// Usage: what extensions have used, and which workspaces used it.
package extension

import (
	"cmp"
	"maps"
	"slices"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// Usage is what one version of an extension has used since it was made active in
// this process.
type Usage struct {
	Name, Version string
	Total         sandbox.Usage
	// Tenants has the most processor time first.
	Tenants []sandbox.TenantUsage
}

// Usage tells what an extension has used; ErrNotFound. It is empty for one whose
// package cannot be used.
func (h *Host) Usage(name string) (Usage, error) {
	a, err := h.get(name)
	if err != nil {
		return Usage{}, err
	}
	return a.usage(), nil
}

func (a *active) usage() Usage {
	u := Usage{Name: a.Name, Version: a.Version}
	if a.guest != nil {
		u.Total, u.Tenants = a.guest.Usage()
	}
	return u
}

// UsageAll tells it of every installed extension, by name.
func (h *Host) UsageAll() []Usage {
	current := h.current.Load().active
	all := make([]Usage, 0, len(current))
	for _, name := range slices.Sorted(maps.Keys(current)) {
		all = append(all, current[name].usage())
	}
	return all
}

// UsageIn tells what a workspace has used of each extension that worked for it,
// the users of one that keeps them apart together, by name.
func (h *Host) UsageIn(workspaceUID string) []Usage {
	all := []Usage{}
	for _, u := range h.UsageAll() {
		if u = u.in(workspaceUID); len(u.Tenants) > 0 {
			all = append(all, u)
		}
	}
	return all
}

func (u Usage) in(workspaceUID string) Usage {
	theirs := Usage{Name: u.Name, Version: u.Version}
	for _, t := range u.ByWorkspace() {
		if workspaceUID != "" && t.WorkspaceUID == workspaceUID {
			theirs.Total = t.Usage
			theirs.Tenants = append(theirs.Tenants, t)
		}
	}
	return theirs
}

// ByWorkspace is one row for each workspace, most processor time first. What has
// no workspace, or no row of its own, is together in one whose names are empty.
func (u Usage) ByWorkspace() []sandbox.TenantUsage {
	rows := map[string]*sandbox.TenantUsage{}
	for n := range u.Tenants {
		t := &u.Tenants[n]
		row := rows[t.WorkspaceUID]
		if row == nil {
			row = &sandbox.TenantUsage{Workspace: t.Workspace, WorkspaceUID: t.WorkspaceUID}
			rows[t.WorkspaceUID] = row
		}
		row.Usage.Add(&t.Usage)
	}
	all := make([]sandbox.TenantUsage, 0, len(rows))
	for _, row := range rows {
		all = append(all, *row)
	}
	slices.SortFunc(all, func(x, y sandbox.TenantUsage) int {
		return cmp.Or(cmp.Compare(y.CPU, x.CPU), cmp.Compare(x.WorkspaceUID, y.WorkspaceUID))
	})
	return all
}
