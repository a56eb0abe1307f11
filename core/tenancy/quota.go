// What of a budget Kubernetes enforces: a project's ResourceQuota, and the
// LimitRange without which pods that say nothing would be refused.

package tenancy

import (
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/atoll-platform/atoll/core/kube"
)

var (
	quotaResource      = core.SchemeGroupVersion.WithResource("resourcequotas")
	limitRangeResource = core.SchemeGroupVersion.WithResource("limitranges")
)

var zero = resource.MustParse("0")

// What a container gets by default where the quota bounds a resource and nobody
// has said anything; less where the whole quota is less.
var (
	usualRequests = Amounts{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("128Mi"), "ephemeral-storage": resource.MustParse("128Mi")}
	usualLimits   = Amounts{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("512Mi"), "ephemeral-storage": resource.MustParse("1Gi")}
)

// quotaObjects bound what a project uses; none where nothing is bounded.
func quotaObjects(w Workspace, p Project) []object {
	var all []object
	labels := map[string]string{kube.LabelProject: p.UID}
	quota := quotaOf(w, p)
	if len(quota) > 0 {
		all = append(all, newObject(quotaResource, "ResourceQuota", p.Name, managed, labels,
			map[string]any{"spec": map[string]any{"hard": quota.toContent()}}))
	}
	requests, limits := containerDefaults(quota, p.Containers)
	if len(requests)+len(limits) > 0 {
		limit := map[string]any{"type": "Container"}
		if len(limits) > 0 {
			limit["default"] = limits.toContent()
		}
		limit["defaultRequest"] = requests.toContent()
		all = append(all, newObject(limitRangeResource, "LimitRange", p.Name, managed, labels,
			map[string]any{"spec": map[string]any{"limits": []any{limit}}}))
	}
	return all
}

// containerDefaults are what a container gets that does not ask. Kubernetes
// takes a limit for the request where there is none, so every limit has one.
func containerDefaults(quota Amounts, said Containers) (requests, limits Amounts) {
	choose := func(kind string, usual, said Amounts) Amounts {
		chosen := Amounts{}
		for name, q := range quota {
			short, ok := strings.CutPrefix(name, kind)
			if _, bounds := containerResources[short]; !ok || !bounds {
				continue
			}
			chosen[short] = least(usual[short], q)
		}
		for name, q := range said {
			chosen[name] = q
		}
		return chosen
	}
	requests, limits = choose("requests.", usualRequests, said.Requests), choose("limits.", usualLimits, said.Limits)
	for name, limit := range limits {
		if request, ok := requests[name]; ok {
			requests[name] = least(request, limit)
		} else {
			requests[name] = least(usualRequests[name], limit)
		}
	}
	return requests, limits
}

func least(a, b resource.Quantity) resource.Quantity {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}
