// Network isolation: who talks to the pods of an isolated workspace, and to
// whom they talk.

package tenancy

import (
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"

	"github.com/atoll-platform/atoll/core/kube"
)

var networkPolicyResource = networking.SchemeGroupVersion.WithResource("networkpolicies")

// isolationName is the NetworkPolicy of an isolated project.
const isolationName = "atoll-isolation"

// isolationObjects are the NetworkPolicy of a project of an isolated workspace:
// pods of the workspace reach each other, ingress controllers reach them, they
// reach the cluster's DNS, and all else is denied. Its people may open ways out,
// by policies of their own; ways in are held by the cluster's policy.
func isolationObjects(w Workspace, p Project, ingress []string) []object {
	if !w.Isolated {
		return nil
	}
	namespaces := func(key string, value string) map[string]any {
		return map[string]any{"matchLabels": map[string]any{key: value}}
	}
	same := map[string]any{"namespaceSelector": namespaces(kube.LabelWorkspace, p.WorkspaceUID)}
	from := []any{same}
	for _, name := range ingress {
		from = append(from, map[string]any{"namespaceSelector": namespaces(core.LabelMetadataName, name)})
	}
	dns := map[string]any{
		"namespaceSelector": namespaces(core.LabelMetadataName, "kube-system"),
		"podSelector":       map[string]any{"matchLabels": map[string]any{"k8s-app": "kube-dns"}},
	}
	port := func(protocol string) any { return map[string]any{"port": int64(53), "protocol": protocol} }
	return []object{newObject(networkPolicyResource, "NetworkPolicy", p.Name, isolationName, map[string]string{kube.LabelProject: p.UID}, map[string]any{
		"spec": map[string]any{
			"podSelector": map[string]any{},
			"policyTypes": []any{"Ingress", "Egress"},
			"ingress":     []any{map[string]any{"from": from}},
			"egress": []any{
				map[string]any{"to": []any{same}},
				map[string]any{"to": []any{dns}, "ports": []any{port("UDP"), port("TCP")}},
			},
		},
	})}
}
