// Platform roles: giving and taking them, never the last administrator's.

package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// PlatformOps are the operations that give a person platform roles, for the
// transaction that creates them. ErrUnknownRole.
func PlatformOps(s store.Store, subjectUID string, roles ...string) ([]store.Op, error) {
	bindings := store.NewCollection[Binding](s, BindingPrefix)
	var ops []store.Op
	for i, name := range roles {
		if k, ok := RoleKind(name); !ok || k != KindPlatform {
			return nil, fmt.Errorf("%w at the platform: %q; there are %s", ErrUnknownRole, name, strings.Join(RoleNames(KindPlatform), ", "))
		}
		if slices.Contains(roles[:i], name) {
			continue
		}
		op, err := bindings.PutOp(platformPlace(subjectUID, name), Binding{
			UID: NewUID(), SubjectUID: subjectUID, Role: name, Scope: BindingScope{Kind: KindPlatform},
		})
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// SetPlatformRoles gives a person exactly these platform roles, in one
// transaction, and returns its revision for Index.WaitFor. ErrUnknownRole;
// ErrLastAdministrator; store.ErrConflict when another administrator was
// changed in the same moment.
func SetPlatformRoles(ctx context.Context, s store.Store, subjectUID string, roles []string) (store.Revision, error) {
	if subjectUID == "" {
		return 0, errors.New("setting platform roles: of whom is not said")
	}
	puts, err := PlatformOps(s, subjectUID, roles...)
	if err != nil {
		return 0, err
	}
	var guards []store.Guard
	if !slices.Contains(roles, PlatformAdmin) {
		if guards, err = GuardAdministrator(ctx, s, subjectUID); err != nil {
			return 0, fmt.Errorf("setting platform roles: %w", err)
		}
	}
	var ops []store.Op
	for _, name := range RoleNames(KindPlatform) {
		if !slices.Contains(roles, name) {
			ops = append(ops, store.Delete(BindingPrefix+platformPlace(subjectUID, name)))
		}
	}
	rev, err := s.Commit(ctx, guards, append(ops, puts...)...)
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
		case err == nil:
			return []store.Guard{bindings.At(place, other.Modified), accounts.At(user.Name, user.Modified)}, nil
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return nil, ErrLastAdministrator
}
