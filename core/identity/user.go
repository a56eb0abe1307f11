// Users: records, names that are given once, and what their administrators do.

package identity

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// tombstonePrefix is where the names lie that were given once.
const tombstonePrefix = "meta/users/"

const maxDisplayName = 120

var userName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$`)

// User is a person with an account here. UID and Name never change.
type User struct {
	UID                string    `json:"uid"`
	Name               string    `json:"name"`
	DisplayName        string    `json:"displayName,omitempty"`
	MustChangePassword bool      `json:"mustChangePassword,omitempty"`
	SecondFactor       bool      `json:"secondFactor,omitempty"` // signing in takes a code too
	Disabled           bool      `json:"disabled,omitempty"`
	Groups             []string  `json:"groups,omitempty"`       // uids
	Robot              bool      `json:"robot,omitempty"`        // an account for programs
	WorkspaceUID       string    `json:"workspaceUID,omitempty"` // whose robot
	Provider           string    `json:"provider,omitempty"`     // who proves them; "" for a local user
	CreatedAt          time.Time `json:"createdAt"`
}

// userRecord is a user in the store.
type userRecord struct {
	User
	PasswordHash string `json:"passwordHash"`
	ExternalID   string `json:"externalID,omitempty"` // how the provider calls them
}

// userItem is a user's record with its revision.
type userItem = store.Item[userRecord]

// tombstone keeps the name of a user who was deleted.
type tombstone struct {
	UID       string    `json:"uid"`
	DeletedAt time.Time `json:"deletedAt"`
}

// NewUser is what is asked for.
type NewUser struct {
	Name               string
	DisplayName        string
	Password           string // "": a random one
	MustChangePassword bool   // at the first sign-in; a random password always must
	PlatformRoles      []string
}

// CreateUser adds a user. The password is returned when it was made here, and
// never again. ErrInvalid, ErrExists, access.ErrUnknownRole.
func (v *Service) CreateUser(ctx context.Context, n NewUser) (User, string, error) {
	return v.createUser(ctx, n, nil)
}

// createUser is CreateUser in one transaction with what else is made of the user.
func (v *Service) createUser(ctx context.Context, n NewUser, with func(uid string) ([]store.Op, []store.Guard, error)) (User, string, error) {
	if err := checkUserName(n.Name); err != nil {
		return User{}, "", err
	}
	if err := checkDisplayName(n.DisplayName); err != nil {
		return User{}, "", err
	}
	generated := ""
	if n.Password == "" {
		generated = newPassword()
		n.Password, n.MustChangePassword = generated, true
	}
	if err := checkPassword(n.Name, n.Password); err != nil {
		return User{}, "", err
	}
	// Before the work of hashing; the transaction decides.
	if _, err := v.users.Get(ctx, n.Name); err == nil {
		return User{}, "", fmt.Errorf("creating user %q: %w", n.Name, ErrExists)
	}
	hash, err := v.hasher.hash(ctx, n.Password)
	if err != nil {
		return User{}, "", fmt.Errorf("creating user %q: %w", n.Name, err)
	}
	r := userRecord{PasswordHash: hash, User: User{
		UID: access.NewUID(), Name: n.Name, DisplayName: n.DisplayName, MustChangePassword: n.MustChangePassword, CreatedAt: v.options.Now().UTC(),
	}}
	ops, err := access.PlatformOps(v.store, r.UID, n.PlatformRoles...)
	if err != nil {
		return User{}, "", err
	}
	put, err := v.users.PutOp(n.Name, r)
	if err != nil {
		return User{}, "", err
	}
	guards := []store.Guard{v.users.Absent(n.Name), v.tombs.Absent(n.Name)}
	if with != nil {
		more, guarded, err := with(r.UID)
		if err != nil {
			return User{}, "", err
		}
		ops, guards = append(ops, more...), append(guards, guarded...)
	}
	err = v.commit(ctx, guards, append(ops, put)...)
	if errors.Is(err, store.ErrConflict) {
		return User{}, "", fmt.Errorf("creating user %q: %w", n.Name, ErrExists)
	}
	if err != nil {
		return User{}, "", fmt.Errorf("creating user %q: %w", n.Name, err)
	}
	return r.User, generated, nil
}

// checkUserName holds a new user to the names that there may be. "me" is how
// the API calls whoever asks.
func checkUserName(name string) error {
	if !userName.MatchString(name) || name == "me" || strings.HasPrefix(name, robotMark) {
		return fmt.Errorf("the user name %q is %w: 1 to 63 of a-z, 0-9, - and ., beginning and ending with a letter or digit, not \"me\", and not beginning with %q", name, ErrInvalid, robotMark)
	}
	return nil
}

func checkDisplayName(s string) error {
	bad := len(s) > maxDisplayName || !utf8.ValidString(s)
	for _, r := range s {
		bad = bad || !unicode.IsPrint(r)
	}
	if bad {
		return fmt.Errorf("the display name is %w: printable characters, %d bytes at most", ErrInvalid, maxDisplayName)
	}
	return nil
}

// record reads a user; ErrNotFound.
func (v *Service) record(ctx context.Context, name string) (store.Item[userRecord], error) {
	if !userName.MatchString(name) {
		return store.Item[userRecord]{}, fmt.Errorf("the user %q is %w", name, ErrNotFound)
	}
	item, err := v.users.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return item, fmt.Errorf("the user %q is %w", name, ErrNotFound)
	}
	if err != nil {
		return item, fmt.Errorf("reading user %q: %w", name, err)
	}
	return item, nil
}

// GetUser reads one user. ErrNotFound.
func (v *Service) GetUser(ctx context.Context, name string) (User, error) {
	item, err := v.record(ctx, name)
	return item.Value.User, err
}

// ListUsers reads all users, in the order of names.
func (v *Service) ListUsers(ctx context.Context) ([]User, error) {
	page, err := v.users.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading users: %w", err)
	}
	users := make([]User, 0, len(page.Items))
	for _, item := range page.Items {
		users = append(users, item.Value.User)
	}
	return users, nil
}

// change alters a user's record. ErrNotFound.
func (v *Service) change(ctx context.Context, name string, alter func(*userRecord) ([]store.Guard, error)) error {
	return again(ctx, func() error {
		item, err := v.record(ctx, name)
		if err != nil {
			return err
		}
		guards, err := alter(&item.Value)
		if err != nil {
			return err
		}
		put, err := v.users.PutOp(name, item.Value)
		if err != nil {
			return err
		}
		return v.commit(ctx, append(guards, v.users.At(name, item.Modified)), put)
	})
}

// UserChange is what shall be different about a user; what is nil stays.
type UserChange struct {
	DisplayName *string // how the user is shown to others
	Disabled    *bool   // locked out, at once and everywhere
}

// ChangeUser changes a user, all of it or nothing. ErrNotFound, ErrInvalid,
// access.ErrLastAdministrator.
func (v *Service) ChangeUser(ctx context.Context, name string, c UserChange) error {
	if c.DisplayName != nil {
		if err := checkDisplayName(*c.DisplayName); err != nil {
			return err
		}
	}
	uid, disabled := "", c.Disabled != nil && *c.Disabled
	err := v.change(ctx, name, func(r *userRecord) ([]store.Guard, error) {
		uid = r.UID
		if c.DisplayName != nil {
			r.DisplayName = *c.DisplayName
		}
		if c.Disabled != nil {
			r.Disabled = *c.Disabled
		}
		if !disabled {
			return nil, nil
		}
		return access.GuardAdministrator(ctx, v.store, r.UID)
	})
	if err != nil {
		return fmt.Errorf("changing user %q: %w", name, err)
	}
	if disabled {
		v.sessions.endAll(uid, "")
		v.notify()
	}
	return nil
}

// SetDisabled locks a user out, at once and everywhere, or lets them in again.
// ErrNotFound, access.ErrLastAdministrator.
func (v *Service) SetDisabled(ctx context.Context, name string, disabled bool) error {
	return v.ChangeUser(ctx, name, UserChange{Disabled: &disabled})
}

// DeleteUser removes a user with their sessions, tokens and bindings. The name
// is never given again. What was begun and interrupted leaves a disabled user,
// who can be deleted again. ErrNotFound, access.ErrLastAdministrator.
func (v *Service) DeleteUser(ctx context.Context, name string) error {
	if err := v.SetDisabled(ctx, name, true); err != nil {
		return fmt.Errorf("deleting user %q: %w", name, err)
	}
	err := again(ctx, func() error {
		item, err := v.record(ctx, name)
		if err != nil {
			return err
		}
		tokens, err := v.tokensOf(ctx, item.Value.UID)
		if err != nil {
			return err
		}
		var ops []store.Op
		for _, t := range tokens {
			ops = append(ops, v.tokens.DeleteOp(t.Name))
		}
		for key := range v.index.BindingsOf(item.Value.UID) {
			ops = append(ops, store.Delete(key))
		}
		tomb, err := v.tombs.PutOp(name, tombstone{UID: item.Value.UID, DeletedAt: v.options.Now().UTC()})
		if err != nil {
			return err
		}
		return v.inParts(ctx, ops, []store.Guard{v.users.At(name, item.Modified)},
			v.users.DeleteOp(name), v.factors.DeleteOp(item.Value.UID), v.history.logins.DeleteOp(item.Value.UID),
			v.externals.DeleteOp(externalName(item.Value.Provider, item.Value.ExternalID)), tomb)
	})
	if err != nil {
		return fmt.Errorf("deleting user %q: %w", name, err)
	}
	v.notify()
	return nil
}

// EnsureAdministrator makes the first administrator where nobody administers
// the platform. With an empty password a random one is made, returned to be
// shown once, and must be changed at the first sign-in. ErrExists when the name
// is taken by somebody who is no administrator.
func (v *Service) EnsureAdministrator(ctx context.Context, name, password string) (generated string, created bool, err error) {
	if len(v.index.Holding(access.PlatformAdmin)) > 0 {
		return "", false, nil
	}
	_, generated, err = v.CreateUser(ctx, NewUser{Name: name, Password: password, PlatformRoles: []string{access.PlatformAdmin}})
	if err != nil {
		return "", false, fmt.Errorf("making the first administrator: %w", err)
	}
	return generated, true, nil
}
