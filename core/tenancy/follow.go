// What of the store the reconciler follows: projects, and what they are made of.

package tenancy

import (
	"context"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// follow calls handle with all that a collection has, then with each change of
// it, until ctx ends; from the beginning again where a watch broke off.
func follow[T any](ctx context.Context, r *reconciler, what string, c store.Collection[T], handle func(store.ItemBatch[T])) {
	for ctx.Err() == nil {
		all, err := c.All(ctx)
		if err == nil {
			handle(store.ItemBatch[T]{Revision: all.Revision, Items: all.Items})
			var changes <-chan store.ItemBatch[T]
			if changes, err = c.Watch(ctx, all.Revision); err == nil {
				for batch := range changes {
					handle(batch)
					err = batch.Err
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			r.log().Warn("following the store", "what", what, "error", err)
		}
		pause(ctx, retryFirst)
	}
}

// followProjects queues every project once, then those whose record changes.
func (r *reconciler) followProjects(ctx context.Context) {
	c := store.NewCollection[Project](r.service.store, r.service.projects.Key(r.cluster.Name()+"/"))
	follow(ctx, r, "projects", c, func(batch store.ItemBatch[Project]) {
		for _, item := range batch.Items {
			r.queue.Add(item.Name)
		}
	})
}

// followWorkspaces queues a workspace's projects when its settings change; its
// record is touched more often than that.
func (r *reconciler) followWorkspaces(ctx context.Context) {
	known := map[string]Workspace{} // by name
	follow(ctx, r, "workspaces", r.service.workspaces, func(batch store.ItemBatch[Workspace]) {
		moved := map[string]bool{}
		for _, item := range batch.Items {
			was, ok := known[item.Name]
			known[item.Name] = item.Value
			if item.Removed {
				delete(known, item.Name)
			} else if ok && !was.same(item.Value.Settings) {
				moved[item.Value.UID] = true
			}
		}
		if len(moved) > 0 {
			r.queueProjects(ctx, func(p Project) bool { return moved[p.WorkspaceUID] })
		}
	})
}

// followHosts queues the cluster's policies when host names change hands.
func (r *reconciler) followHosts(ctx context.Context) {
	follow(ctx, r, "hosts", r.service.claims, func(batch store.ItemBatch[claims]) {
		if len(batch.Items) > 0 {
			r.queue.Add("")
		}
	})
}

// followRoles queues what a custom role reaches when it is made, changed or
// deleted: the cluster's objects, and projects unless only its permissions have
// changed.
func (r *reconciler) followRoles(ctx context.Context) {
	known := map[string]reach{}
	follow(ctx, r, "roles", store.NewCollection[access.CustomRole](r.service.store, access.RolePrefix), func(batch store.ItemBatch[access.CustomRole]) {
		r.rolesChanged(ctx, batch, known)
	})
}
