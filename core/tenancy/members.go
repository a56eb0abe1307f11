// Members: who has which role in a workspace or a project. Nothing of it is
// written to Kubernetes.

package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// bindingName is the place of a binding: a person or group has one role in a
// workspace and one in a project, and beside it one that ends by itself.
func bindingName(b access.Binding) string {
	name := bindingPrefix(b.Scope) + b.SubjectUID
	if b.GroupUID != "" {
		name += "g-" + b.GroupUID
	}
	if !b.Until.IsZero() {
		name += temporary
	}
	return name
}

const temporary = "/temporary"

func bindingPrefix(scope access.BindingScope) string {
	return fmt.Sprintf("%s/%s/", scope.Kind, scope.UID)
}

// MemberRecords are the records of the roles of whom a binding names in its scope.
func MemberRecords(of access.Binding) store.Records {
	of.Until = time.Time{}
	key := access.BindingPrefix + bindingName(of)
	return store.Records{Keys: []string{key, key + temporary}}
}

func (t *Service) bindOp(scope access.BindingScope, subjectUID, role string) (store.Op, error) {
	b := access.Binding{UID: access.NewUID(), SubjectUID: subjectUID, Role: role, Scope: scope}
	return t.bindings.PutOp(bindingName(b), b)
}

// SetMember gives a person, by uid, a role in a workspace or project; a role
// that they had there is replaced. ErrInvalid.
func (t *Service) SetMember(ctx context.Context, scope access.BindingScope, subjectUID, role string) error {
	return t.Bind(ctx, access.Binding{SubjectUID: subjectUID, Role: role, Scope: scope})
}

// Bind gives a person or a group a role in a workspace or project; one that they
// had there is replaced, or with an end one that had an end. The binding gets a
// new uid. ErrInvalid.
func (t *Service) Bind(ctx context.Context, b access.Binding) error {
	op, err := t.BindOp(b)
	if err != nil {
		return err
	}
	if err := t.commit(ctx, nil, op); err != nil {
		return fmt.Errorf("setting a member: %w", err)
	}
	return nil
}

// BindOp is what Bind does, for a transaction. ErrInvalid.
func (t *Service) BindOp(b access.Binding) (store.Op, error) {
	if (b.SubjectUID == "") == (b.GroupUID == "") || b.Scope.UID == "" || b.Scope.Kind == access.KindPlatform {
		return store.Op{}, fmt.Errorf("a membership without a person or a place is %w", ErrInvalid)
	}
	workspaceUID := b.Scope.UID
	if b.Scope.Kind == access.KindProject {
		p, _ := t.index.ProjectByUID(b.Scope.UID)
		workspaceUID = p.WorkspaceUID
	}
	if r, ok := t.index.Role(b.Role); !ok || !r.GivenAt(b.Scope, workspaceUID) {
		return store.Op{}, fmt.Errorf("the role %q is %w in this %s: one of %q, or the uid of a custom role that may be given here", b.Role, ErrInvalid, b.Scope.Kind, access.RoleNames(b.Scope.Kind))
	}
	if owner, owned := t.owner(b); owned && owner != workspaceUID {
		return store.Op{}, fmt.Errorf("this membership is %w: a robot or group of a workspace has roles in that workspace only", ErrInvalid)
	}
	if !b.Until.IsZero() && !t.now().Before(b.Until) {
		return store.Op{}, fmt.Errorf("the end of the membership, %s, is %w: it has passed", b.Until.Format(time.RFC3339), ErrInvalid)
	}
	b.UID = access.NewUID()
	return t.bindings.PutOp(bindingName(b), b)
}

// owner is the workspace that a robot or a group belongs to; false for those
// that may have roles everywhere.
func (t *Service) owner(b access.Binding) (uid string, owned bool) {
	if b.GroupUID != "" {
		g, _ := t.index.GroupByUID(b.GroupUID)
		return g.WorkspaceUID, g.WorkspaceUID != ""
	}
	a, _ := t.index.AccountByUID(b.SubjectUID)
	return a.WorkspaceUID, a.Robot
}

// RemoveMember takes a person's roles in a workspace or project away.
// ErrNotFound.
func (t *Service) RemoveMember(ctx context.Context, scope access.BindingScope, subjectUID string) error {
	return t.Unbind(ctx, access.Binding{SubjectUID: subjectUID, Scope: scope})
}

// Unbind takes the roles of a person or a group in a workspace or project away,
// the one that would end by itself too. ErrNotFound.
func (t *Service) Unbind(ctx context.Context, b access.Binding) error {
	b.Until = time.Time{}
	names := []string{bindingName(b), bindingName(b) + temporary}
	return again(ctx, func() error {
		var guards []store.Guard
		var ops []store.Op
		for _, name := range names {
			item, err := t.bindings.Get(ctx, name)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("reading a member: %w", err)
			}
			guards = append(guards, t.bindings.At(name, item.Modified))
			ops = append(ops, t.bindings.DeleteOp(name))
		}
		if len(ops) == 0 {
			return fmt.Errorf("the member is %w", ErrNotFound)
		}
		return t.commit(ctx, guards, ops...)
	})
}

// Members lists who has a role in a workspace or project, persons and groups, in
// the order of their uids. What has ended is not among it.
func (t *Service) Members(ctx context.Context, scope access.BindingScope) ([]access.Binding, error) {
	page, err := store.NewCollection[access.Binding](t.store, t.bindings.Key(bindingPrefix(scope))).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading members: %w", err)
	}
	members := make([]access.Binding, 0, len(page.Items))
	for _, item := range page.Items {
		if b := item.Value; b.Until.IsZero() || t.now().Before(b.Until) {
			members = append(members, b)
		}
	}
	return members, nil
}

// unbindAll are the operations that remove a scope's bindings, and others that go
// with the scope, at most as many as fit into the transaction that removes it;
// the others are removed before. A binding whose scope is gone gives nothing.
func (t *Service) unbindAll(ctx context.Context, scope access.BindingScope, others ...store.Op) ([]store.Op, error) {
	prefix := bindingPrefix(scope)
	page, err := store.NewCollection[access.Binding](t.store, t.bindings.Key(prefix)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading members: %w", err)
	}
	const most = 64
	var ops []store.Op
	for _, item := range page.Items {
		ops = append(ops, t.bindings.DeleteOp(prefix+item.Name))
	}
	ops = append(ops, others...)
	for len(ops) > most {
		if err := t.commit(ctx, nil, ops[:most]...); err != nil {
			return nil, fmt.Errorf("removing members: %w", err)
		}
		ops = ops[most:]
	}
	return ops, nil
}
