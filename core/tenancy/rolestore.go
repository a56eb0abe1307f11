// Custom roles in the store: making, changing and deleting them.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Limits of custom roles. Every one that may be given in projects costs a
// binding in each of them.
const (
	maxRoles           = 64 // of one scope
	maxRolePermissions = 256
	maxDescription     = 1000
)

// ErrInUse says that something is still had by somebody.
var ErrInUse = errors.New("in use")

// roleNames is where the names of roles lie, by scope, so that each is there
// once.
const roleNames = "meta/roles/"

func roleNameKey(c access.CustomRole) string {
	return roleNames + bindingPrefix(c.Scope) + c.Name
}

func (t *Service) roles() store.Collection[access.CustomRole] {
	return store.NewCollection[access.CustomRole](t.store, access.RolePrefix)
}

// checkRole tells what is wrong with a role: ErrInvalid.
func (t *Service) checkRole(c access.CustomRole) error {
	if err := checkName("role", c.Name); err != nil {
		return err
	}
	if _, taken := access.RoleKind(c.Name); taken {
		return fmt.Errorf("the role name %q is %w: a preset role has it", c.Name, ErrInvalid)
	}
	if err := checkTitle(c.Title); err != nil {
		return err
	}
	if len(c.Description) > maxDescription {
		return fmt.Errorf("the description is %w: it has %d bytes, %d are allowed", ErrInvalid, len(c.Description), maxDescription)
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if n := len(c.Permissions); n == 0 || n > maxRolePermissions {
		return fmt.Errorf("a role of %d permissions is %w: 1 to %d are allowed", n, ErrInvalid, maxRolePermissions)
	}
	var not []string
	for _, p := range c.Permissions {
		if !t.index.Fits(p, c.Kind) {
			not = append(not, string(p))
		}
	}
	if not != nil {
		return fmt.Errorf("these permissions are %w in a role of kind %s: %s", ErrInvalid, c.Kind, strings.Join(not, ", "))
	}
	return nil
}

// CreateRole adds a role; its uid is made here. ErrInvalid, ErrExists.
func (t *Service) CreateRole(ctx context.Context, c access.CustomRole) (access.CustomRole, error) {
	if err := t.checkRole(c); err != nil {
		return c, err
	}
	c.UID = access.NewUID()
	slices.Sort(c.Permissions)
	c.Permissions = slices.Compact(c.Permissions)
	all, err := t.roles().All(ctx)
	if err != nil {
		return c, fmt.Errorf("reading roles: %w", err)
	}
	here := 0
	for _, item := range all.Items {
		if item.Value.Scope == c.Scope {
			here++
		}
	}
	if here >= maxRoles {
		return c, fmt.Errorf("one more role is %w: %d are allowed in one scope", ErrInvalid, maxRoles)
	}
	put, err := t.roles().PutOp(c.UID, c)
	if err != nil {
		return c, err
	}
	err = t.commit(ctx, []store.Guard{store.Absent(roleNameKey(c))}, put, store.Put(roleNameKey(c), []byte(`"`+c.UID+`"`)))
	if errors.Is(err, store.ErrConflict) {
		return c, fmt.Errorf("the role %q %w", c.Name, ErrExists)
	}
	if err != nil {
		return c, fmt.Errorf("creating role %q: %w", c.Name, err)
	}
	return c, nil
}

// UpdateRole changes a role's title, description and permissions. ErrInvalid,
// ErrNotFound.
func (t *Service) UpdateRole(ctx context.Context, uid, title, description string, permissions []access.Permission) (access.CustomRole, error) {
	var c access.CustomRole
	err := again(ctx, func() error {
		item, err := t.role(ctx, uid)
		if err != nil {
			return err
		}
		c = item.Value
		c.Title, c.Description, c.Permissions = title, description, slices.Compact(slices.Sorted(slices.Values(permissions)))
		if err := t.checkRole(c); err != nil {
			return err
		}
		put, err := t.roles().PutOp(uid, c)
		if err != nil {
			return err
		}
		return t.commit(ctx, []store.Guard{t.roles().At(uid, item.Modified)}, put)
	})
	return c, err
}

func (t *Service) role(ctx context.Context, uid string) (store.Item[access.CustomRole], error) {
	item, err := t.roles().Get(ctx, uid)
	if errors.Is(err, store.ErrNotFound) {
		return item, fmt.Errorf("the role %q is %w", uid, ErrNotFound)
	}
	if err != nil {
		return item, fmt.Errorf("reading role %q: %w", uid, err)
	}
	return item, nil
}

// DeleteRole deletes a role that nobody has. ErrNotFound, ErrInUse. A binding
// that is made in the same moment gives nothing: uids are not given again.
func (t *Service) DeleteRole(ctx context.Context, uid string) error {
	return again(ctx, func() error {
		item, err := t.role(ctx, uid)
		if err != nil {
			return err
		}
		var who []string
		for _, b := range t.index.BindingsTo(uid) {
			if b.Until.IsZero() || t.now().Before(b.Until) {
				who = append(who, t.holderName(b))
			}
		}
		if len(who) > 0 {
			const most = 10
			slices.Sort(who)
			who = slices.Compact(who)
			text := strings.Join(who[:min(most, len(who))], ", ")
			if len(who) > most {
				text += fmt.Sprintf(" and %d more", len(who)-most)
			}
			return fmt.Errorf("the role %q is %w by %s", item.Value.Name, ErrInUse, text)
		}
		return t.commit(ctx, []store.Guard{t.roles().At(uid, item.Modified)}, t.roles().DeleteOp(uid), store.Delete(roleNameKey(item.Value)))
	})
}

// holderName says who has a binding.
func (t *Service) holderName(b access.Binding) string {
	if g, ok := t.index.GroupByUID(b.GroupUID); ok {
		return "the group " + g.Name
	}
	if a, ok := t.index.AccountByUID(b.SubjectUID); ok {
		return a.Name
	}
	return "somebody who was deleted"
}

// dropRoles are the operations that delete the roles defined in a scope, for the
// transaction that deletes the scope.
func (t *Service) dropRoles(ctx context.Context, scope access.BindingScope) ([]store.Op, error) {
	all, err := t.roles().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading roles: %w", err)
	}
	var ops []store.Op
	for _, item := range all.Items {
		if item.Value.Scope == scope {
			ops = append(ops, t.roles().DeleteOp(item.Name), store.Delete(roleNameKey(item.Value)))
		}
	}
	return ops, nil
}
