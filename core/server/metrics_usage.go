// Figures of what workspaces use of extensions. Their number is bounded by the
// sandbox's accounts: beyond them, workspaces have no label of their own.

package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// usages collects what each workspace has used of each extension. The workspace
// is empty for requests that belong to none, and for all without an account.
type usages struct{ s *Server }

// usageFigure is one figure of a workspace.
type usageFigure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(u *sandbox.Usage) float64
}

var usageLabels = []string{"extension", "version", "workspace"}

func usageDesc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc("atoll_extension_"+name, help, append(usageLabels[:len(usageLabels):len(usageLabels)], more...), nil)
}

var (
	usageFigures = []usageFigure{
		{usageDesc("cpu_seconds_total", "Processor time of an extension for a workspace."), prometheus.CounterValue, func(u *sandbox.Usage) float64 { return u.CPU.Seconds() }},
		{usageDesc("units_total", "Metered instructions of an extension for a workspace."), prometheus.CounterValue, func(u *sandbox.Usage) float64 { return float64(u.Units) }},
		{usageDesc("workspace_requests_total", "Requests to an extension from a workspace."), prometheus.CounterValue, func(u *sandbox.Usage) float64 { return float64(u.Requests) }},
		{usageDesc("in_bytes_total", "Bytes of bodies that went into an extension for a workspace."), prometheus.CounterValue, func(u *sandbox.Usage) float64 { return float64(u.BytesIn) }},
		{usageDesc("out_bytes_total", "Bytes of bodies that came out of an extension for a workspace."), prometheus.CounterValue, func(u *sandbox.Usage) float64 { return float64(u.BytesOut) }},
		{usageDesc("host_calls_total", "Requests of an extension to Kubernetes, upstreams and other doors for a workspace."), prometheus.CounterValue, func(u *sandbox.Usage) float64 { return float64(u.HostCalls) }},
		{usageDesc("log_lines_dropped_total", "Lines of an extension's log over its budget."), prometheus.CounterValue, func(u *sandbox.Usage) float64 { return float64(u.LogLinesDropped) }},
		{usageDesc("workspace_memory_bytes", "Linear memory of the instances that work for a workspace alone."), prometheus.GaugeValue, func(u *sandbox.Usage) float64 { return float64(u.Memory) }},
	}
	usageFaults  = usageDesc("workspace_faults_total", "Faults that a workspace's requests are blamed for, by class.", "class")
	usageRefused = usageDesc("refused_total", "Requests and calls refused or ended because a budget was used up.", "budget")
)

// Describe is prometheus.Collector's.
func (usages) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range usageFigures {
		ch <- f.desc
	}
	ch <- usageFaults
	ch <- usageRefused
}

// Collect is prometheus.Collector's.
func (c usages) Collect(ch chan<- prometheus.Metric) {
	for _, e := range c.s.extensions.UsageAll() {
		names := map[string]*sandbox.Usage{} // of a workspace that was made anew too
		for _, row := range e.ByWorkspace() {
			if names[row.Workspace] == nil {
				names[row.Workspace] = &sandbox.Usage{}
			}
			names[row.Workspace].Add(&row.Usage)
		}
		for workspace, u := range names {
			for _, f := range usageFigures {
				ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(u), e.Name, e.Version, workspace)
			}
			for class, n := range u.Faults {
				ch <- prometheus.MustNewConstMetric(usageFaults, prometheus.CounterValue, float64(n), e.Name, e.Version, workspace, string(class))
			}
			for budget, n := range u.Refused {
				ch <- prometheus.MustNewConstMetric(usageRefused, prometheus.CounterValue, float64(n), e.Name, e.Version, workspace, string(budget))
			}
		}
	}
}
