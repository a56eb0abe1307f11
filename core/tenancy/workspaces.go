// Workspaces: the tenants.

package tenancy

import (
	"context"
	"errors"
	"fmt"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// CreateWorkspace adds a workspace whose first administrator is its maker.
// ErrInvalid, ErrExists.
func (t *Service) CreateWorkspace(ctx context.Context, by access.Subject, name, title string) (access.Workspace, error) {
	if err := errors.Join(checkName("workspace", name), checkTitle(title)); err != nil {
		return access.Workspace{}, err
	}
	w := access.Workspace{UID: access.NewUID(), Name: name, Title: title, CreatedAt: t.now()}
	put, err := t.workspaces.PutOp(name, w)
	if err != nil {
		return access.Workspace{}, err
	}
	ops := []store.Op{put}
	if by.UID != "" {
		bind, err := t.bindOp(access.BindingScope{Kind: access.KindWorkspace, UID: w.UID}, by.UID, access.WorkspaceAdmin)
		if err != nil {
			return access.Workspace{}, err
		}
		ops = append(ops, bind)
	}
	err = t.commit(ctx, []store.Guard{t.workspaces.Absent(name)}, ops...)
	if errors.Is(err, store.ErrConflict) {
		return access.Workspace{}, fmt.Errorf("the workspace %q %w", name, ErrExists)
	}
	if err != nil {
		return access.Workspace{}, fmt.Errorf("creating workspace %q: %w", name, err)
	}
	return w, nil
}

// Workspace reads one workspace. ErrNotFound.
func (t *Service) Workspace(ctx context.Context, name string) (access.Workspace, error) {
	item, err := t.workspaces.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return access.Workspace{}, fmt.Errorf("the workspace %q is %w", name, ErrNotFound)
	}
	if err != nil {
		return access.Workspace{}, fmt.Errorf("reading workspace %q: %w", name, err)
	}
	return item.Value, nil
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
		return t.commit(ctx, []store.Guard{t.workspaces.At(name, item.Modified)}, append(ops, t.workspaces.DeleteOp(name))...)
	})
}
