// Groups: people to whom roles are given together. A local group's members are
// named here; those of a group of an identity provider are whoever the provider
// says, taken over at each of their sign-ins.

package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

const (
	maxGroupsOwned = 500  // groups of one workspace
	maxExternalID  = 1024 // bytes of a provider's name for a group
)

// NewGroup is what is asked for.
type NewGroup struct {
	Name        string
	DisplayName string
	Origin      string // the provider whose group it stands for; "" for a local one
	ExternalID  string // how the provider calls it
	Workspace   string // whose it shall be, by name; "" for the platform
}

// CreateGroup adds a group. ErrInvalid, ErrExists, ErrNotFound for a workspace
// that there is not, ErrDenied when the workspace has too many.
func (v *Service) CreateGroup(ctx context.Context, n NewGroup) (access.Group, error) {
	if !userName.MatchString(n.Name) {
		return access.Group{}, fmt.Errorf("the group name %q is %w: 1 to 63 of a-z, 0-9, - and ., beginning and ending with a letter or digit", n.Name, ErrInvalid)
	}
	if err := checkDisplayName(n.DisplayName); err != nil {
		return access.Group{}, err
	}
	if (n.Origin == "") != (n.ExternalID == "") || len(n.ExternalID) > maxExternalID {
		return access.Group{}, fmt.Errorf("the group is %w: one of a provider names the provider and how it calls the group, in %d bytes at most; a local one neither", ErrInvalid, maxExternalID)
	}
	if n.Origin != "" {
		if _, err := v.provider(n.Origin); err != nil {
			return access.Group{}, fmt.Errorf("%w: the group is %w", err, ErrInvalid)
		}
	}
	g := access.Group{UID: access.NewUID(), Name: n.Name, DisplayName: n.DisplayName, Origin: n.Origin, ExternalID: n.ExternalID, CreatedAt: v.options.Now().UTC()}
	guards := []store.Guard{v.groups.Absent(n.Name)}
	if n.Workspace != "" {
		owner, guard, err := v.owner(ctx, n.Workspace)
		if err != nil {
			return access.Group{}, err
		}
		owned, err := v.ListGroups(ctx, owner)
		if err != nil {
			return access.Group{}, err
		}
		if len(owned) >= maxGroupsOwned {
			return access.Group{}, fmt.Errorf("another group is %w: the workspace has %d", ErrDenied, len(owned))
		}
		g.WorkspaceUID, guards = owner, append(guards, guard)
	}
	put, err := v.groups.PutOp(n.Name, g)
	if err != nil {
		return access.Group{}, err
	}
	err = v.commit(ctx, guards, put)
	if errors.Is(err, store.ErrConflict) {
		return access.Group{}, fmt.Errorf("creating group %q: the name is taken: %w", n.Name, ErrState)
	}
	if err != nil {
		return access.Group{}, fmt.Errorf("creating group %q: %w", n.Name, err)
	}
	return g, nil
}

// owner is the uid of a workspace, with the guard that it is not being removed
// meanwhile. ErrNotFound.
func (v *Service) owner(ctx context.Context, workspace string) (string, store.Guard, error) {
	item, err := v.workspaces.Get(ctx, workspace)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrInvalidKey) {
		return "", store.Guard{}, fmt.Errorf("the workspace %q is %w", workspace, ErrNotFound)
	}
	if err != nil {
		return "", store.Guard{}, fmt.Errorf("reading workspace %q: %w", workspace, err)
	}
	return item.Value.UID, v.workspaces.At(workspace, item.Modified), nil
}

// group reads a group; ErrNotFound.
func (v *Service) group(ctx context.Context, name string) (store.Item[access.Group], error) {
	if !userName.MatchString(name) {
		return store.Item[access.Group]{}, fmt.Errorf("the group %q is %w", name, ErrNotFound)
	}
	item, err := v.groups.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return item, fmt.Errorf("the group %q is %w", name, ErrNotFound)
	}
	if err != nil {
		return item, fmt.Errorf("reading group %q: %w", name, err)
	}
	return item, nil
}

// GetGroup reads one group. ErrNotFound.
func (v *Service) GetGroup(ctx context.Context, name string) (access.Group, error) {
	item, err := v.group(ctx, name)
	return item.Value, err
}

// ListGroups reads the groups of a workspace, or those of the platform (""), in
// the order of names.
func (v *Service) ListGroups(ctx context.Context, workspaceUID string) ([]access.Group, error) {
	page, err := v.groups.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading groups: %w", err)
	}
	all := []access.Group{}
	for _, item := range page.Items {
		if item.Value.WorkspaceUID == workspaceUID {
			all = append(all, item.Value)
		}
	}
	return all, nil
}

// GroupMembers are the users in a group, in the order of names.
func (v *Service) GroupMembers(ctx context.Context, g access.Group) ([]User, error) {
	users, err := v.ListUsers(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(users, func(u User) bool { return !slices.Contains(u.Groups, g.UID) }), nil
}

// AddToGroup puts a user into a local group; who is in it stays. Robots join
// groups of their own workspace only. ErrNotFound, ErrDenied.
func (v *Service) AddToGroup(ctx context.Context, group, user string) error {
	g, err := v.localGroup(ctx, group)
	if err != nil {
		return err
	}
	err = v.change(ctx, user, func(r *userRecord) ([]store.Guard, error) {
		if slices.Contains(r.Groups, g.Value.UID) {
			return nil, nil
		}
		if r.Robot && r.WorkspaceUID != g.Value.WorkspaceUID {
			return nil, fmt.Errorf("this is %w: a robot belongs to groups of its own workspace only", ErrDenied)
		}
		if len(r.Groups) >= access.MaxGroups {
			return nil, fmt.Errorf("another group is %w: the user is in %d", ErrDenied, len(r.Groups))
		}
		r.Groups = append(r.Groups, g.Value.UID)
		return []store.Guard{v.groups.At(group, g.Modified)}, nil
	})
	if err != nil {
		return fmt.Errorf("adding %q to the group %q: %w", user, group, err)
	}
	return nil
}

// RemoveFromGroup takes a user out of a local group. ErrNotFound, ErrDenied.
func (v *Service) RemoveFromGroup(ctx context.Context, group, user string) error {
	g, err := v.localGroup(ctx, group)
	if err != nil {
		return err
	}
	err = v.change(ctx, user, func(r *userRecord) ([]store.Guard, error) {
		at := slices.Index(r.Groups, g.Value.UID)
		if at < 0 {
			return nil, fmt.Errorf("the member %q is %w", user, ErrNotFound)
		}
		r.Groups = slices.Delete(r.Groups, at, at+1)
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("taking %q out of the group %q: %w", user, group, err)
	}
	return nil
}

// localGroup reads a group whose members are named here.
func (v *Service) localGroup(ctx context.Context, name string) (store.Item[access.Group], error) {
	g, err := v.group(ctx, name)
	if err == nil && g.Value.Origin != "" {
		err = fmt.Errorf("naming members of %q is %w: the provider %s says who they are", name, ErrDenied, g.Value.Origin)
	}
	return g, err
}

// DeleteGroup removes a group, its roles and its memberships. What was begun and
// interrupted leaves the group, to be deleted again. ErrNotFound.
func (v *Service) DeleteGroup(ctx context.Context, name string) error {
	g, err := v.group(ctx, name)
	if err != nil {
		return err
	}
	members, err := v.GroupMembers(ctx, g.Value)
	if err != nil {
		return err
	}
	for _, u := range members {
		err := v.change(ctx, u.Name, func(r *userRecord) ([]store.Guard, error) {
			r.Groups = slices.DeleteFunc(r.Groups, func(uid string) bool { return uid == g.Value.UID })
			return nil, nil
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("emptying the group %q: %w", name, err)
		}
	}
	err = again(ctx, func() error {
		item, err := v.group(ctx, name)
		if err != nil {
			return err
		}
		if item.Value.UID != g.Value.UID {
			return ErrNotFound
		}
		var ops []store.Op
		for key := range v.index.BindingsOf(g.Value.UID) {
			ops = append(ops, store.Delete(key))
		}
		return v.inParts(ctx, ops, []store.Guard{v.groups.At(name, item.Modified)}, v.groups.DeleteOp(name))
	})
	if err != nil {
		return fmt.Errorf("deleting group %q: %w", name, err)
	}
	return nil
}

// RemoveWorkspace removes the robots and groups of a workspace that is gone.
func (v *Service) RemoveWorkspace(ctx context.Context, workspaceUID string) error {
	if workspaceUID == "" {
		return fmt.Errorf("removing what belongs to no workspace is %w", ErrInvalid) // it would be the platform's
	}
	robots, err := v.ListRobots(ctx, workspaceUID)
	if err != nil {
		return err
	}
	for _, r := range robots {
		if err := v.DeleteUser(ctx, r.Name); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	groups, err := v.ListGroups(ctx, workspaceUID)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := v.DeleteGroup(ctx, g.Name); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
