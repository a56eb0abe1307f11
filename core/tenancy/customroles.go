// Custom roles in Kubernetes: a ClusterRole for each that stands for something
// there, and a binding in every project where it may be given.

package tenancy

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/kube"
	"github.com/atoll-platform/atoll/core/store"
)

// customPrefix begins the names of what custom roles have in Kubernetes.
const customPrefix = "atoll:role:"

// customs are the custom roles that stand for something in Kubernetes.
func customs(index *access.Index) []access.Role {
	var all []access.Role
	for _, r := range index.AllRoles() {
		if r.Custom && len(rulesOf(r.Permissions)) > 0 {
			all = append(all, r)
		}
	}
	return all
}

// labelPlatform says on what a cluster has once whose it is, by the platform's
// uid, where two Atolls have different ones: neither removes the other's.
const labelPlatform = ownDomain + "platform"

// customObjects are those that a cluster has once for a platform's custom roles.
func customObjects(platform string, roles []access.Role) []object {
	var all []object
	labels := map[string]string{labelPlatform: platform}
	for _, r := range roles {
		name := customPrefix + r.ID
		all = append(all, newObject(clusterRoleResource, "ClusterRole", "", name, labels, map[string]any{"rules": toAny(rulesOf(r.Permissions))}))
		if r.Kind == access.KindPlatform {
			all = append(all, newObject(clusterRoleBindingResource, "ClusterRoleBinding", "", name, labels, binding(name, access.PlatformGroup(r.ID))))
		}
	}
	return all
}

// customBindings bind the groups of the custom roles that count in a project.
func customBindings(p access.Project, roles []access.Role) []object {
	var all []object
	for _, r := range roles {
		if r.Kind == access.KindPlatform || r.Scope.UID != "" && r.Scope.UID != p.WorkspaceUID {
			continue
		}
		name := customPrefix + r.ID
		all = append(all, newObject(roleBindingResource, "RoleBinding", p.Name, name, map[string]string{kube.LabelProject: p.UID},
			binding(name, access.ProjectGroup(p.UID, r.ID))))
	}
	return all
}

// removeCustoms deletes what is there of this platform's custom roles that are
// not wanted (any more).
func (r *reconciler) removeCustoms(ctx context.Context, wanted []object) error {
	keep := map[schema.GroupVersionResource]map[string]bool{clusterRoleBindingResource: {}, clusterRoleResource: {}}
	for _, want := range wanted {
		keep[want.resource][want.GetName()] = true
	}
	for _, resource := range []schema.GroupVersionResource{clusterRoleBindingResource, clusterRoleResource} {
		for _, one := range r.seen.in(resource, "") {
			if one.Labels[labelPlatform] != r.platform || !strings.HasPrefix(one.Name, customPrefix) || keep[resource][one.Name] {
				continue
			}
			if err := r.client.Resource(resource).Delete(ctx, one.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return fmt.Errorf("removing %s %q: %w", resource.Resource, one.Name, err)
			}
		}
	}
	return nil
}

// reach is where a custom role has bindings.
type reach struct {
	kind  access.Kind
	scope access.BindingScope
}

// rolesChanged queues what changed roles reach, once the index has them: it says
// what they permit. Known is where they reached before.
func (r *reconciler) rolesChanged(ctx context.Context, batch store.ItemBatch[access.CustomRole], known map[string]reach) {
	if len(batch.Items) == 0 || r.service.index.WaitFor(ctx, batch.Revision) != nil {
		return // nothing, or the end
	}
	r.queue.Add("")
	moved := false
	for _, item := range batch.Items {
		is, was := reach{item.Value.Kind, item.Value.Scope}, known[item.Name]
		if item.Removed {
			is = reach{}
			delete(known, item.Name)
		} else {
			known[item.Name] = is
		}
		moved = moved || is != was
	}
	if !moved {
		return
	}
	r.queueProjects(ctx, func(Project) bool { return true })
}
