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

// turnKey is a record that every transaction changes that sets all platform roles
// of somebody, so that of two at once the later one knows of the earlier: what it
// takes away is what it has read.
const turnKey = "meta/platform-roles"

// PlatformRecords are the records of the platform roles of whom a binding names.
func PlatformRecords(of Binding) store.Records {
	return store.Records{Prefix: BindingPrefix + platformPlace(platformHolder(of), "")}
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
// Index.WaitFor. ErrUnknownRole; ErrLastAdministrator.
func SetPlatformRoles(ctx context.Context, s store.Store, subjectUID string, roles []string) (store.Revision, error) {
	return setPlatformRoles(ctx, s, Binding{SubjectUID: subjectUID}, roles)
}

// SetGroupPlatformRoles is the same for a group. An administrator who is one by a
// group only does not count as the last one.
func SetGroupPlatformRoles(ctx context.Context, s store.Store, groupUID string, roles []string) (store.Revision, error) {
	return setPlatformRoles(ctx, s, Binding{GroupUID: groupUID}, roles)
}

func setPlatformRoles(ctx context.Context, s store.Store, to Binding, roles []string) (store.Revision, error) {
	if (to.SubjectUID == "") == (to.GroupUID == "") {
		return 0, errors.New("setting platform roles: of whom is not said")
	}
	for {
		rev, err := trySetPlatformRoles(ctx, s, to, roles)
		if err == nil {
			return rev, nil
		}
		if !errors.Is(err, store.ErrConflict) || ctx.Err() != nil {
			return 0, fmt.Errorf("setting platform roles: %w", err)
		}
	}
}

// trySetPlatformRoles is one try; store.ErrConflict when another administrator,
// a role, or anybody's platform roles were changed in the same moment.
func trySetPlatformRoles(ctx context.Context, s store.Store, to Binding, roles []string) (store.Revision, error) {
	turn := store.Absent(turnKey)
	switch r, err := s.Get(ctx, turnKey); {
	case err == nil:
		turn = store.At(turnKey, r.Modified)
	case !errors.Is(err, store.ErrNotFound):
		return 0, err
	}
	guards := []store.Guard{turn}
	if to.SubjectUID != "" && !slices.Contains(roles, PlatformAdmin) {
		another, err := GuardAdministrator(ctx, s, to.SubjectUID)
		if err != nil {
			return 0, err
		}
		guards = append(guards, another...)
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
			return 0, err
		}
		guards = append(guards, customs.At(name, item.Modified))
	}
	ops, err := platformOps(s, to, roles)
	if err != nil {
		return 0, err
	}
	prefix := PlatformRecords(to).Prefix
	had, err := store.NewCollection[Binding](s, prefix).All(ctx)
	if err != nil {
		return 0, err
	}
	for _, item := range had.Items {
		if !slices.Contains(roles, item.Name) {
			ops = append(ops, store.Delete(prefix+item.Name))
		}
	}
	if len(ops) == 0 {
		return had.Revision, nil
	}
	return s.Commit(ctx, guards, append(ops, store.Put(turnKey, []byte("{}")))...)
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
