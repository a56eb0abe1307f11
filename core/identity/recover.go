// Recovering an administrator who cannot come in any more, by whoever holds the
// machine that the store is on.

package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Recover gives a platform administrator a random password, returned once, that
// must be changed at the first sign-in. The second factor is removed, who was
// disabled is let in again, and what they are signed in by ends: sessions and
// tokens. An empty name means the only administrator that there is. ErrNotFound,
// and ErrDenied for who is none or is proven by a provider; both say who there
// are.
func (v *Service) Recover(ctx context.Context, name string) (User, string, error) {
	there, err := v.localAdministrators(ctx)
	if err != nil {
		return User{}, "", err
	}
	if name == "" && len(there) == 1 {
		name = there[0]
	}
	if !slices.Contains(there, name) {
		return User{}, "", v.notRecovered(ctx, name, there)
	}
	password := newPassword()
	hash, err := v.hasher.hash(ctx, password)
	if err != nil {
		return User{}, "", fmt.Errorf("recovering %q: %w", name, err)
	}
	var user User
	err = again(ctx, func() error {
		item, err := v.record(ctx, name)
		if err != nil {
			return err
		}
		r := item.Value
		r.PasswordHash, r.MustChangePassword, r.SecondFactor, r.Disabled = hash, true, false, false
		user = r.User
		tokens, err := v.tokensOf(ctx, r.UID)
		if err != nil {
			return err
		}
		var ops []store.Op
		for _, t := range tokens {
			ops = append(ops, v.tokens.DeleteOp(t.Name))
		}
		put, err := v.users.PutOp(name, r)
		if err != nil {
			return err
		}
		return v.inParts(ctx, ops, []store.Guard{v.users.At(name, item.Modified)}, put, v.factors.DeleteOp(r.UID))
	})
	if err != nil {
		return User{}, "", fmt.Errorf("recovering %q: %w", name, err)
	}
	v.sessions.endAll(user.UID, "")
	v.notify()
	return user, password, nil
}

// localAdministrators are the names of the platform's administrators whose
// passwords are kept here, in order.
func (v *Service) localAdministrators(ctx context.Context) ([]string, error) {
	users, err := v.ListUsers(ctx)
	if err != nil {
		return nil, err
	}
	holding := v.index.Holding(access.PlatformAdmin)
	var names []string
	for _, u := range users {
		if u.Provider == "" && !u.Robot && slices.Contains(holding, u.UID) {
			names = append(names, u.Name)
		}
	}
	return names, nil
}

// notRecovered says why nobody was, and who could be.
func (v *Service) notRecovered(ctx context.Context, name string, there []string) error {
	who := "no administrator has a password here"
	if len(there) > 0 {
		who = "the administrators with a password here are " + strings.Join(there, ", ")
	}
	if name == "" {
		return fmt.Errorf("which administrator is to be recovered is %w: %s", ErrNotFound, who)
	}
	if _, err := v.record(ctx, name); err != nil {
		return fmt.Errorf("%w; %s", err, who)
	}
	return fmt.Errorf("recovering %q is %w: %s", name, ErrDenied, who)
}
