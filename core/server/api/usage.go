// Usage: what extensions have used, by whom.

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/extension"
	"github.com/atoll-platform/atoll/core/sandbox"
)

// Usage is work that extensions did, since this version of the extension is
// active in this process.
type Usage struct {
	Requests        uint64            `json:"requests" doc:"That came to it; what is run again after another's fault counts again."`
	CPUSeconds      float64           `json:"cpuSeconds" doc:"Time on a processor. A turn that did several requests' work is shared by them evenly."`
	Units           uint64            `json:"units" doc:"Metered instructions: the same work takes the same units, whatever else the machine does."`
	BytesIn         uint64            `json:"bytesIn" doc:"Of bodies that went into it: of requests, and of what Kubernetes and upstreams answered."`
	BytesOut        uint64            `json:"bytesOut" doc:"Of bodies that came out of it. What it hands on without looking at it is not among them."`
	HostCalls       uint64            `json:"hostCalls" doc:"Requests to Kubernetes, upstreams and other doors."`
	LogLinesDropped uint64            `json:"logLinesDropped" doc:"Lines of its log that were more than it may write."`
	MemoryBytes     uint64            `json:"memoryBytes" doc:"Of its instances now. What workspaces share is in the total alone."`
	MemoryPeakBytes uint64            `json:"memoryPeakBytes" doc:"The most that it was."`
	Faults          map[string]uint64 `json:"faults" doc:"How often instances ended by their own fault, by class. Of a workspace: for which its requests are blamed." example:"{\"trap\": 1}"`
	Refused         map[string]uint64 `json:"refused" doc:"Requests and calls refused or ended because a budget was used up, by the budget's name in the manifest's limits." example:"{\"cpuPerMinute\": 3}"`
}

// TenantUsage is the usage of a workspace or a user.
type TenantUsage struct {
	Workspace string `json:"workspace,omitempty" doc:"Whose; empty: of a user's requests that belong to no workspace, or of others." example:"shop"`
	User      string `json:"user,omitempty" doc:"Of an extension that keeps users apart, and of requests without a workspace: whose." example:"jane"`
	Others    bool   `json:"others,omitempty" doc:"Of all who have no row: those who were quiet when there were too many rows, and what was done for nobody."`
	Usage
}

// ExtensionUsage is what one extension has used.
type ExtensionUsage struct {
	Name    string        `json:"name" example:"logging"`
	Version string        `json:"version" example:"0.1.0"`
	Total   Usage         `json:"total"`
	Tenants []TenantUsage `json:"tenants" doc:"Most processor time first; 1,025 at most."`
}

// WorkspaceUsage is what a workspace has used of the extensions.
type WorkspaceUsage struct {
	Items []ExtensionWorkUsage `json:"items" doc:"The extensions that have worked for it, by name."`
}

// ExtensionWorkUsage is what one workspace has used of one extension.
type ExtensionWorkUsage struct {
	Name    string `json:"name" example:"logging"`
	Version string `json:"version" example:"0.1.0"`
	Usage
}

type (
	extensionUsageInput struct {
		Name string `path:"name" maxLength:"64" example:"hello"`
	}
	extensionUsageOutput struct{ Body ExtensionUsage }
	workspaceUsageOutput struct{ Body WorkspaceUsage }
)

func (s *API) registerUsage(a huma.API) {
	add(s, a, about{id: "get-extension-usage", method: http.MethodGet, path: "/api/v1/extensions/{name}/usage", tag: "extensions", summary: "Say what an extension has used",
		text: "In all and by workspace, since its version is active in this process.", errors: []int{http.StatusNotFound}}, s.extensionUsage)
	add(s, a, about{id: "get-workspace-usage", method: http.MethodGet, path: "/api/v1/workspaces/{workspace}/usage", tag: "workspaces", summary: "Say what a workspace has used of the extensions",
		errors: []int{http.StatusNotFound}}, s.workspaceUsage)
}

func usage(u sandbox.Usage) Usage {
	return Usage{
		Requests: u.Requests, CPUSeconds: u.CPU.Seconds(), Units: u.Units, BytesIn: u.BytesIn, BytesOut: u.BytesOut, HostCalls: u.HostCalls,
		LogLinesDropped: u.LogLinesDropped, MemoryBytes: u.Memory, MemoryPeakBytes: u.MemoryPeak, Faults: counts(u.Faults), Refused: counts(u.Refused),
	}
}

func counts[K ~string](of map[K]uint64) map[string]uint64 {
	all := make(map[string]uint64, len(of))
	for k, n := range of {
		all[string(k)] = n
	}
	return all
}

func (s *API) extensionUsage(_ context.Context, in *extensionUsageInput) (*extensionUsageOutput, error) {
	u, err := s.Extensions.Usage(in.Name)
	if err != nil {
		return nil, err
	}
	body := ExtensionUsage{Name: u.Name, Version: u.Version, Total: usage(u.Total), Tenants: make([]TenantUsage, 0, len(u.Tenants))}
	for _, t := range u.Tenants {
		body.Tenants = append(body.Tenants, TenantUsage{Workspace: t.Workspace, User: t.User, Others: t.Others, Usage: usage(t.Usage)})
	}
	return &extensionUsageOutput{Body: body}, nil
}

func (s *API) workspaceUsage(_ context.Context, in *WorkspacePath) (*workspaceUsageOutput, error) {
	w, ok := s.Index.Workspace(in.Workspace)
	if !ok {
		return nil, noWorkspace(in.Workspace)
	}
	return &workspaceUsageOutput{Body: WorkspaceUsage{Items: worked(s.Extensions.UsageIn(w.UID))}}, nil
}

func worked(all []extension.Usage) []ExtensionWorkUsage {
	shown := make([]ExtensionWorkUsage, 0, len(all))
	for _, u := range all {
		shown = append(shown, ExtensionWorkUsage{Name: u.Name, Version: u.Version, Usage: usage(u.Total)})
	}
	return shown
}
