// Members: who has which role in a workspace or a project. Nothing of it is
// written to Kubernetes.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// bindingName is the place of a binding: a person has one role in a workspace
// and one in a project.
func bindingName(scope access.BindingScope, subjectUID string) string {
	return bindingPrefix(scope) + subjectUID
}

func bindingPrefix(scope access.BindingScope) string {
	return fmt.Sprintf("%s/%s/", scope.Kind, scope.UID)
}

func (t *Service) bindOp(scope access.BindingScope, subjectUID, role string) (store.Op, error) {
	return t.bindings.PutOp(bindingName(scope, subjectUID), access.Binding{UID: access.NewUID(), SubjectUID: subjectUID, Role: role, Scope: scope})
}

// SetMember gives a person, by uid, a role in a workspace or project; a role
// that they had there is replaced. ErrInvalid.
func (t *Service) SetMember(ctx context.Context, scope access.BindingScope, subjectUID, role string) error {
	if roles := access.RoleNames(scope.Kind); !slices.Contains(roles, role) {
		return fmt.Errorf("the role %q is %w in a %s: one of %q", role, ErrInvalid, scope.Kind, roles)
	}
	if subjectUID == "" || scope.UID == "" || scope.Kind == access.KindPlatform {
		return fmt.Errorf("a membership without a person or a place is %w", ErrInvalid)
	}
	op, err := t.bindOp(scope, subjectUID, role)
	if err != nil {
		return err
	}
	if err := t.commit(ctx, nil, op); err != nil {
		return fmt.Errorf("setting a member: %w", err)
	}
	return nil
}

// RemoveMember takes a person's role in a workspace or project away.
// ErrNotFound.
func (t *Service) RemoveMember(ctx context.Context, scope access.BindingScope, subjectUID string) error {
	name := bindingName(scope, subjectUID)
	return again(ctx, func() error {
		item, err := t.bindings.Get(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the member is %w", ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("reading a member: %w", err)
		}
		return t.commit(ctx, []store.Guard{t.bindings.At(name, item.Modified)}, t.bindings.DeleteOp(name))
	})
}

// Members lists who has a role in a workspace or project, in the order of
// their uids.
func (t *Service) Members(ctx context.Context, scope access.BindingScope) ([]access.Binding, error) {
	page, err := store.NewCollection[access.Binding](t.store, t.bindings.Key(bindingPrefix(scope))).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading members: %w", err)
	}
	members := make([]access.Binding, 0, len(page.Items))
	for _, item := range page.Items {
		members = append(members, item.Value)
	}
	return members, nil
}

// unbindAll are the operations that remove a scope's bindings, at most as many
// as fit into the transaction that removes the scope; the others are removed
// before. A binding whose scope is gone gives nothing.
func (t *Service) unbindAll(ctx context.Context, scope access.BindingScope) ([]store.Op, error) {
	members, err := t.Members(ctx, scope)
	if err != nil {
		return nil, err
	}
	const most = 64
	var ops []store.Op
	for _, m := range members {
		ops = append(ops, t.bindings.DeleteOp(bindingName(scope, m.SubjectUID)))
	}
	for len(ops) > most {
		if err := t.commit(ctx, nil, ops[:most]...); err != nil {
			return nil, fmt.Errorf("removing members: %w", err)
		}
		ops = ops[most:]
	}
	return ops, nil
}
