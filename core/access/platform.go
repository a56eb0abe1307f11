// Platform roles: giving and taking them, never the last administrator's.

package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/store"
)

// What may go wrong with roles; test with errors.Is.
var (
	ErrUnknownRole       = errors.New("no such role")
	ErrLastAdministrator = errors.New("nobody else administers the platform")
)

// platformPlace is the binding's place in the store: a person may have several
// platform roles.
func platformPlace(subjectUID, role string) string {
	return string(KindPlatform) + "/" + subjectUID + "/" + role
}

// platformHolder is how whom a binding names is called in its place.
func platformHolder(b Binding) string {
	if b.GroupUID != "" {
		return "g-" + b.GroupUID
	}
	return b.SubjectUID
}

// PlatformOps are the operations that give a person platform roles, presets by
// name, for the transaction that creates them. ErrUnknownRole.
func PlatformOps(s store.Store, subjectUID string, roles ...string) ([]store.Op, error) {
	for _, name := range roles {
		if k, ok := RoleKind(name); !ok || k != KindPlatform {
			return nil, fmt.Errorf("%w at the platform: %q; there are %s", ErrUnknownRole, name, strings.Join(RoleNames(KindPlatform), ", "))
		}
	}
	return platformOps(s, Binding{SubjectUID: subjectUID}, roles)
}

// platformOps are the operations that give whom a binding names platform roles.
func platformOps(s store.Store, to Binding, roles []string) ([]store.Op, error) {
	bindings := store.NewCollection[Binding](s, BindingPrefix)
	holder := platformHolder(to)
	var ops []store.Op
	for i, name := range roles {
		if slices.Contains(roles[:i], name) {
			continue
		}
		op, err := bindings.PutOp(platformPlace(holder, name), Binding{
			UID: NewUID(), SubjectUID: to.SubjectUID, GroupUID: to.GroupUID, Role: name, Scope: BindingScope{Kind: KindPlatform},
		})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// PlatformGrantOp is the operation that gives a person one platform role beside
// those they have, until a moment or, when that is zero, for good. Whether there
// is such a role is the caller's to ask.
func PlatformGrantOp(s store.Store, subjectUID, role string, until time.Time) (store.Op, error) {
	return store.NewCollection[Binding](s, BindingPrefix).PutOp(platformPlace(subjectUID, role), Binding{
		UID: NewUID(), SubjectUID: subjectUID, Role: role, Scope: BindingScope{Kind: KindPlatform}, Until: until,
	})
}

// SetPlatformRoles gives a person exactly these platform roles, presets by name
// and custom ones by uid, in one transaction, and returns its revision for
// Index.WaitFor. ErrUnknownRole; ErrLastAdministrator; store.ErrConflict when
// another administrator or a role was changed in the same moment.
func SetPlatformRoles(ctx context.Context, s store.Store, subjectUID string, roles []string) (store.Revision, error) {
	var guards []store.Guard
	if !slices.Contains(roles, PlatformAdmin) {
		var err error
		if guards, err = GuardAdministrator(ctx, s, subjectUID); err != nil {
			return 0, fmt.Errorf("setting platform roles: %w", err)
		}
	}
	return setPlatformRoles(ctx, s, guards, Binding{SubjectUID: subjectUID}, roles)
}

// SetGroupPlatformRoles is the same for a group. An administrator who is one by a
// group only does not count as the last one.
func SetGroupPlatformRoles(ctx context.Context, s store.Store, groupUID string, roles []string) (store.Revision, error) {
	return setPlatformRoles(ctx, s, nil, Binding{GroupUID: groupUID}, roles)
}

func setPlatformRoles(ctx context.Context, s store.Store, guards []store.Guard, to Binding, roles []string) (store.Revision, error) {
	if (to.SubjectUID == "") == (to.GroupUID == "") {
		return 0, errors.New("setting platform roles: of whom is not said")
	}
	customs := store.NewCollection[CustomRole](s, RolePrefix)
	for _, name := range roles {
		if k, ok := RoleKind(name); ok && k == KindPlatform {
			continue
		}
		item, err := customs.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) || err == nil && item.Value.Kind != KindPlatform {
			return 0, fmt.Errorf("%w at the platform: %q; there are %s, and custom roles by their uid", ErrUnknownRole, name, strings.Join(RoleNames(KindPlatform), ", "))
		}
		if err != nil {
			return 0, fmt.Errorf("setting platform roles: %w", err)
		}
		guards = append(guards, customs.At(name, item.Modified))
	}
	ops, err := platformOps(s, to, roles)
	if err != nil {
		return 0, err
	}
	place := platformPlace(platformHolder(to), "")
	had, err := store.NewCollection[Binding](s, BindingPrefix+place).All(ctx)
	if err != nil {
		return 0, fmt.Errorf("setting platform roles: %w", err)
	}
	for _, item := range had.Items {
		if !slices.Contains(roles, item.Name) {
			ops = append(ops, store.Delete(BindingPrefix+place+item.Name))
		}
	}
	if len(ops) == 0 {
		return had.Revision, nil
	}
	rev, err := s.Commit(ctx, guards, ops...)
	if err != nil {
		return 0, fmt.Errorf("setting platform roles: %w", err)
	}
	return rev, nil
}

// GuardAdministrator returns the guards for a transaction after which a person
// does not administer the platform any more: they hold while somebody else
// does, and can sign in. None when the person is no administrator;
// ErrLastAdministrator when nobody else is.
func GuardAdministrator(ctx context.Context, s store.Store, subjectUID string) ([]store.Guard, error) {
	bindings := store.NewCollection[Binding](s, BindingPrefix)
	_, err := bindings.Get(ctx, platformPlace(subjectUID, PlatformAdmin))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	accounts := store.NewCollection[Account](s, UserPrefix)
	users, err := accounts.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, user := range users.Items {
		if user.Value.Disabled || user.Value.UID == subjectUID {
			continue
		}
		place := platformPlace(user.Value.UID, PlatformAdmin)
		switch other, err := bindings.Get(ctx, place); {
		case err == nil && !other.Value.Until.IsZero():
			continue // one for a time does not stay
		case err == nil:
			return []store.Guard{bindings.At(place, other.Modified), accounts.At(user.Name, user.Modified)}, nil
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return nil, ErrLastAdministrator
}
