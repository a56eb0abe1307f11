// Workspaces: the tenants.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// CreateWorkspace adds a workspace whose first administrator is its maker.
// ErrInvalid, ErrNotFound (a cluster), ErrExists (the workspace, or a host).
func (t *Service) CreateWorkspace(ctx context.Context, by access.Subject, name, title string, settings Settings) (Workspace, error) {
	if err := errors.Join(checkName("workspace", name), checkTitle(title), settings.check(t.known)); err != nil {
		return Workspace{}, err
	}
	w := Workspace{Workspace: access.Workspace{UID: access.NewUID(), Name: name, Title: title, CreatedAt: t.now()}, Settings: settings}
	err := again(ctx, func() error {
		if _, err := t.workspaces.Get(ctx, name); err == nil {
			return fmt.Errorf("it %w", ErrExists)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		put, err := t.workspaces.PutOp(name, w)
		if err != nil {
			return err
		}
		guards, ops := []store.Guard{t.workspaces.Absent(name)}, []store.Op{put}
		if by.UID != "" {
			bind, err := t.bindOp(access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}, by.UID, access.WorkspaceAdmin)
			if err != nil {
				return err
			}
			ops = append(ops, bind)
		}
		if len(settings.Hosts) > 0 {
			guard, op, _, err := t.claimOp(ctx, w, settings.Hosts)
			if err != nil {
				return err
			}
			guards, ops = append(guards, guard), append(ops, op)
		}
		return t.commit(ctx, guards, ops...)
	})
	if err != nil {
		return Workspace{}, fmt.Errorf("creating workspace %q: %w", name, err)
	}
	return w, nil
}

// known tells whether there is a cluster of that name.
func (t *Service) known(cluster string) bool {
	_, ok := t.registry.Get(cluster)
	return ok
}

// UpdateWorkspace changes a workspace's title and settings, all of them; the
// clusters follow by themselves. ErrInvalid (also clusters that leave a project
// outside), ErrNotFound, ErrExists (a host that is another's), and ErrBudget
// when projects have been given more.
func (t *Service) UpdateWorkspace(ctx context.Context, name, title string, next Settings) (Workspace, error) {
	if err := errors.Join(checkTitle(title), next.check(t.known)); err != nil {
		return Workspace{}, err
	}
	var w Workspace
	err := again(ctx, func() error {
		item, err := t.workspaces.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("it is %w", ErrNotFound)
		}
		if err != nil {
			return err
		}
		w = item.Value
		before := w.Settings
		w.Title, w.Settings = title, next
		// Who gives a project a share, or makes one, touches the workspace, so
		// that the guard below fails.
		if err := errors.Join(t.covers(ctx, w), t.leavesNoneOutside(ctx, w)); err != nil {
			return err
		}
		put, err := t.workspaces.PutOp(name, w)
		if err != nil {
			return err
		}
		guards, ops := []store.Guard{t.workspaces.At(name, item.Modified)}, []store.Op{put}
		if !slices.Equal(before.Hosts, next.Hosts) {
			guard, op, _, err := t.claimOp(ctx, w, next.Hosts)
			if err != nil {
				return err
			}
			guards, ops = append(guards, guard), append(ops, op)
		}
		return t.commit(ctx, guards, ops...)
	})
	if err != nil {
		return Workspace{}, fmt.Errorf("changing workspace %q: %w", name, err)
	}
	return w, nil
}

// leavesNoneOutside tells whether all projects lie in clusters of the workspace.
func (t *Service) leavesNoneOutside(ctx context.Context, w Workspace) error {
	if len(w.Clusters) == 0 {
		return nil
	}
	projects, err := t.Projects(ctx)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if p.WorkspaceUID == w.UID && !slices.Contains(w.Clusters, p.Cluster) {
			return fmt.Errorf("the clusters %q are %w: the project %q is in cluster %q", w.Clusters, ErrInvalid, p.Name, p.Cluster)
		}
	}
	return nil
}

// Workspace reads one workspace. ErrNotFound.
func (t *Service) Workspace(ctx context.Context, name string) (Workspace, error) {
	item, err := t.workspaces.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return Workspace{}, fmt.Errorf("the workspace %q is %w", name, ErrNotFound)
	}
	if err != nil {
		return Workspace{}, fmt.Errorf("reading workspace %q: %w", name, err)
	}
	return item.Value, nil
}

// Workspaces reads all workspaces, in the order of their names.
func (t *Service) Workspaces(ctx context.Context) ([]Workspace, error) {
	page, err := t.workspaces.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading workspaces: %w", err)
	}
	all := make([]Workspace, 0, len(page.Items))
	for _, item := range page.Items {
		all = append(all, item.Value)
	}
	return all, nil
}

// DeleteWorkspace removes a workspace and its memberships. ErrNotFound, and
// ErrNotEmpty while it has projects.
func (t *Service) DeleteWorkspace(ctx context.Context, name string) error {
	return again(ctx, func() error {
		item, err := t.workspaces.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the workspace %q is %w", name, ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("reading workspace %q: %w", name, err)
		}
		// A project that is created meanwhile touches the workspace's record,
		// so that the guard below fails.
		projects, err := t.projects.All(ctx)
		if err != nil {
			return fmt.Errorf("reading projects: %w", err)
		}
		for _, p := range projects.Items {
			if p.Value.WorkspaceUID == item.Value.UID {
				return fmt.Errorf("the workspace %q is %w: the project %q in cluster %q belongs to it", name, ErrNotEmpty, p.Value.Name, p.Value.Cluster)
			}
		}
		scope := access.BindingScope{Kind: access.KindWorkspace, UID: item.Value.UID}
		roles, err := t.dropRoles(ctx, scope)
		if err != nil {
			return err
		}
		ops, err := t.unbindAll(ctx, scope, roles...)
		if err != nil {
			return err
		}
		guards := []store.Guard{t.workspaces.At(name, item.Modified)}
		guard, free, claimed, err := t.claimOp(ctx, item.Value, nil)
		if err != nil {
			return err
		}
		if claimed {
			guards, ops = append(guards, guard), append(ops, free)
		}
		return t.commit(ctx, guards, append(ops, t.workspaces.DeleteOp(name))...)
	})
}
