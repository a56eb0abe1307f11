// Invitations: a role in a place for whoever shows a token, once. The token is
// shown when it is made and kept hashed. Whether who sent it may give the role is
// asked again when it is accepted.

package identity

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

const (
	invitationPrefix = "invitations/"

	// InvitationMark begins every invitation's token, so that a leaked one is
	// recognized, and taken for no API token.
	InvitationMark = "atoll_invitation_"

	invitationLongest = 30 * 24 * time.Hour
	invitationsEach   = 200  // open ones of one place
	invitationsMost   = 5000 // and of all
	maxInvitationNote = 300
)

// Invitation is what may be known about one: all but the secret.
type Invitation struct {
	ID         string
	Scope      access.BindingScope
	Role       string // as bindings call it
	InviterUID string
	Note       string // for people: whom it is for
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// NewInvitation is what is asked for.
type NewInvitation struct {
	Scope    access.BindingScope
	Role     string
	Note     string
	Lifetime time.Duration
}

// invitationRecord is an invitation in the store. One that was accepted is gone.
type invitationRecord struct {
	Hash       string              `json:"hash"` // SHA-256 of the secret, base64
	Scope      access.BindingScope `json:"scope"`
	Role       string              `json:"role"`
	InviterUID string              `json:"inviterUID"`
	Note       string              `json:"note,omitempty"`
	CreatedAt  time.Time           `json:"createdAt"`
	ExpiresAt  time.Time           `json:"expiresAt"`
}

func (r invitationRecord) shown(id string) Invitation {
	return Invitation{ID: id, Scope: r.Scope, Role: r.Role, InviterUID: r.InviterUID, Note: r.Note, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt}
}

// Invite makes an invitation; its token is returned once. Whether the subject may
// give the role there is the caller's to ask. ErrInvalid, ErrDenied.
func (v *Service) Invite(ctx context.Context, s access.Subject, n NewInvitation) (Invitation, string, error) {
	if s.UID == "" || s.ReadOnly {
		return Invitation{}, "", fmt.Errorf("inviting is %w with a token that is for reading only", ErrDenied)
	}
	if len(n.Note) > maxInvitationNote || printable(n.Note, maxInvitationNote) != n.Note {
		return Invitation{}, "", fmt.Errorf("the note is %w: printable characters, %d bytes at most", ErrInvalid, maxInvitationNote)
	}
	if n.Lifetime < time.Minute || n.Lifetime > invitationLongest {
		return Invitation{}, "", fmt.Errorf("the invitation's lifetime is %w: %s; a minute to %s are right", ErrInvalid, n.Lifetime, invitationLongest)
	}
	now := v.options.Now().UTC()
	page, err := v.invitations.All(ctx)
	if err != nil {
		return Invitation{}, "", fmt.Errorf("reading invitations: %w", err)
	}
	var over []store.Op
	open, all := 0, len(page.Items)
	for _, item := range page.Items {
		switch {
		case !now.Before(item.Value.ExpiresAt):
			if len(over) < store.MaxOps-1 {
				over = append(over, v.invitations.DeleteOp(item.Name))
				all--
			}
		case item.Value.Scope == n.Scope:
			open++
		}
	}
	if open >= invitationsEach || all >= invitationsMost {
		return Invitation{}, "", fmt.Errorf("another invitation is %w: %d wait here, and %d in all; revoke one first", ErrDenied, open, all)
	}
	id := newTokenID()
	secret, hash := newSecret()
	r := invitationRecord{
		Hash: hash.stored(), Scope: n.Scope, Role: n.Role, InviterUID: s.UID, Note: n.Note, CreatedAt: now, ExpiresAt: now.Add(n.Lifetime),
	}
	put, err := v.invitations.PutOp(id, r)
	if err != nil {
		return Invitation{}, "", err
	}
	if err := v.commit(ctx, []store.Guard{v.invitations.Absent(id)}, append(over, put)...); err != nil {
		return Invitation{}, "", fmt.Errorf("inviting: %w", err)
	}
	return r.shown(id), InvitationMark + id + "_" + secret, nil
}

// Invitations are the open ones of a place, the newest first.
func (v *Service) Invitations(ctx context.Context, scope access.BindingScope) ([]Invitation, error) {
	page, err := v.invitations.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading invitations: %w", err)
	}
	now, open := v.options.Now(), []Invitation{}
	for _, item := range page.Items {
		if item.Value.Scope == scope && now.Before(item.Value.ExpiresAt) {
			open = append(open, item.Value.shown(item.Name))
		}
	}
	slices.SortFunc(open, func(a, b Invitation) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return open, nil
}

// RevokeInvitation ends an invitation of a place. ErrNotFound.
func (v *Service) RevokeInvitation(ctx context.Context, scope access.BindingScope, id string) error {
	err := again(ctx, func() error {
		if !tokenID(id) {
			return ErrNotFound
		}
		item, err := v.invitations.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && item.Value.Scope != scope {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		return v.commit(ctx, []store.Guard{v.invitations.At(id, item.Modified)}, v.invitations.DeleteOp(id))
	})
	if err != nil {
		return fmt.Errorf("revoking the invitation %q: %w", id, err)
	}
	return nil
}

// invitation is the open one that a token stands for. ErrNotFound.
func (v *Service) invitation(ctx context.Context, token string) (store.Item[invitationRecord], error) {
	none := fmt.Errorf("such an invitation is %w: it was accepted or revoked, or is over, or the link is not whole", ErrNotFound)
	rest, ok := strings.CutPrefix(token, InvitationMark)
	id, secret, cut := strings.Cut(rest, "_")
	if !ok || !cut || !tokenID(id) || len(secret) != secretLength {
		return store.Item[invitationRecord]{}, none
	}
	item, err := v.invitations.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return item, none
	}
	if err != nil {
		return item, fmt.Errorf("reading an invitation: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(item.Value.Hash), []byte(digestOf(secret).stored())) != 1 || !v.options.Now().Before(item.Value.ExpiresAt) {
		return store.Item[invitationRecord]{}, none
	}
	return item, nil
}

// ReadInvitation is what whoever holds a token may know of it. ErrNotFound.
func (v *Service) ReadInvitation(ctx context.Context, token string) (Invitation, error) {
	item, err := v.invitation(ctx, token)
	if err != nil {
		return Invitation{}, err
	}
	return item.Value.shown(item.Name), nil
}

// redeem is what accepts an invitation for somebody, in one transaction with what
// else it makes of them. ErrNotFound, and what Grant says.
func (v *Service) redeem(ctx context.Context, token, userUID string) (Invitation, []store.Op, []store.Guard, error) {
	item, err := v.invitation(ctx, token)
	if err != nil {
		return Invitation{}, nil, nil, err
	}
	if v.options.Grant == nil {
		return Invitation{}, nil, nil, fmt.Errorf("an invitation is %w here", ErrDenied)
	}
	i := item.Value.shown(item.Name)
	ops, err := v.options.Grant(ctx, i, userUID)
	if err != nil {
		return Invitation{}, nil, nil, err
	}
	return i, append(ops, v.invitations.DeleteOp(item.Name)), []store.Guard{v.invitations.At(item.Name, item.Modified)}, nil
}

// Accept gives somebody who is signed in what an invitation promises. ErrNotFound,
// ErrDenied with a token, and what Grant says.
func (v *Service) Accept(ctx context.Context, s access.Subject, token string) (Invitation, error) {
	if err := bySessionOnly(s); err != nil {
		return Invitation{}, err
	}
	var i Invitation
	err := again(ctx, func() (err error) {
		i, err = v.accept(ctx, s.Name, s.UID, token)
		return err
	})
	return i, err
}

// accept is one try, for a user who is here. store.ErrConflict.
func (v *Service) accept(ctx context.Context, name, uid, token string) (Invitation, error) {
	user, err := v.record(ctx, name)
	if err != nil {
		return Invitation{}, err
	}
	if user.Value.UID != uid || user.Value.Robot || user.Value.Disabled {
		return Invitation{}, fmt.Errorf("accepting an invitation is %w for %q", ErrDenied, name)
	}
	i, ops, guards, err := v.redeem(ctx, token, uid)
	if err != nil {
		return Invitation{}, err
	}
	return i, v.commit(ctx, append(guards, v.users.At(name, user.Modified)), ops...)
}

// Register makes a user with a password of their own, who was invited, and gives
// them what the invitation promises. ErrNotFound, ErrDenied where only providers
// prove who is new, ErrInvalid, ErrExists, and what Grant says.
func (v *Service) Register(ctx context.Context, token string, n NewUser) (User, error) {
	if v.options.InviteByProviderOnly {
		return User{}, fmt.Errorf("an account with a password of Atoll's own is %w for who is invited: sign in by a provider", ErrDenied)
	}
	if _, err := v.invitation(ctx, token); err != nil { // before the work of hashing
		return User{}, err
	}
	if n.Password == "" {
		return User{}, fmt.Errorf("the password is %w: it is missing", ErrInvalid)
	}
	n.PlatformRoles, n.MustChangePassword = nil, false
	u, _, err := v.createUser(ctx, n, func(uid string) ([]store.Op, []store.Guard, error) {
		_, ops, guards, err := v.redeem(ctx, token, uid)
		return ops, guards, err
	})
	if errors.Is(err, ErrExists) {
		if _, gone := v.invitation(ctx, token); gone != nil { // somebody else was faster
			return User{}, gone
		}
	}
	return u, err
}
