// Signing in and out, and changing one's password.

package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// SignIn proves a person by name and password and begins a session. It takes as
// long for a user that there is not. remote is the client's address, with or
// without a port. ErrBadCredentials, *TooMany.
func (v *Service) SignIn(ctx context.Context, name, password, remote string) (Session, error) {
	item, err := v.check(ctx, name, password, remote)
	if err != nil {
		return Session{}, err
	}
	if v.hasher.outdated(item.Value.PasswordHash) {
		v.rehash(ctx, item, password)
	}
	now := v.options.Now()
	id, key := newSecret()
	csrf, _ := newSecret()
	s := &session{
		key: key, credential: access.NewUID(), userUID: item.Value.UID, userName: name, csrf: csrf,
		mustChange: item.Value.MustChangePassword, created: now, used: now, expires: now.Add(v.options.SessionLifetime),
	}
	if v.sessions.add(s) {
		v.notify()
	}
	// Whoever changed the password or locked the user out meanwhile ended the
	// sessions before this one was among them.
	fresh, err := v.record(ctx, name)
	if err != nil || fresh.Value.UID != item.Value.UID || fresh.Value.Disabled || fresh.Modified != item.Modified && !v.matches(ctx, fresh, password) {
		v.sessions.endOne(s.credential)
		return Session{}, ErrBadCredentials
	}
	return Session{ID: id, CSRF: csrf, User: fresh.Value.User, ExpiresAt: s.expires}, nil
}

func (v *Service) matches(ctx context.Context, item store.Item[userRecord], password string) bool {
	ok, err := v.hasher.verify(ctx, item.Value.PasswordHash, password)
	return ok && err == nil
}

// check is the proof by password, with back-off.
func (v *Service) check(ctx context.Context, name, password, remote string) (store.Item[userRecord], error) {
	if len(password) > maxPassword || !userName.MatchString(name) {
		name, password = "", "" // nobody's, but it takes as long
	}
	from := remoteKey(remote)
	if wait := v.byRemote.attempt(from); wait > 0 {
		return store.Item[userRecord]{}, &TooMany{RetryAfter: wait}
	}
	if wait := v.byName.attempt(name); wait > 0 {
		v.byRemote.forgive(from)
		return store.Item[userRecord]{}, &TooMany{RetryAfter: wait}
	}
	item, err := v.record(ctx, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return item, err
	}
	ok, err := v.hasher.verify(ctx, item.Value.PasswordHash, password)
	if err != nil {
		v.byRemote.forgive(from)
		v.byName.forgive(name)
		return item, fmt.Errorf("checking a password: %w", err)
	}
	if !ok || item.Value.Disabled {
		return item, ErrBadCredentials
	}
	v.byRemote.forgive(from)
	v.byName.forget(name)
	return item, nil
}

// rehash takes the password over into a hash of today's costs. It is a
// kindness: when it fails, the old hash stays good.
func (v *Service) rehash(ctx context.Context, item store.Item[userRecord], password string) {
	hash, err := v.hasher.hash(ctx, password)
	if err == nil {
		item.Value.PasswordHash = hash
		_, err = v.users.Update(ctx, item.Name, item.Value, item.Modified)
	}
	if err != nil {
		slog.WarnContext(ctx, "a password could not be hashed anew", "user", item.Name, "error", err)
	}
}

// SignOut ends the session of a subject; nothing happens for a token.
func (v *Service) SignOut(_ context.Context, s access.Subject) {
	if s.Via == access.ViaSession && v.sessions.endOne(s.Credential) {
		v.notify()
	}
}

// ChangePassword sets the subject's own password and ends their other sessions.
// ErrBadCredentials, ErrInvalid, ErrDenied, *TooMany.
func (v *Service) ChangePassword(ctx context.Context, s access.Subject, current, next, remote string) error {
	if s.ReadOnly {
		return fmt.Errorf("changing the password is %w with a credential for reading only", ErrDenied)
	}
	item, err := v.check(ctx, s.Name, current, remote)
	if err != nil {
		return err
	}
	if item.Value.UID != s.UID {
		return ErrBadCredentials
	}
	if err := checkPassword(s.Name, next); err != nil {
		return err
	}
	if next == current {
		return fmt.Errorf("the new password is %w: it is the old one", ErrInvalid)
	}
	hash, err := v.hasher.hash(ctx, next)
	if err != nil {
		return fmt.Errorf("changing the password: %w", err)
	}
	err = v.change(ctx, s.Name, func(r *userRecord) ([]store.Guard, error) {
		if r.PasswordHash != item.Value.PasswordHash {
			return nil, ErrBadCredentials // changed meanwhile
		}
		r.PasswordHash, r.MustChangePassword = hash, false
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("changing the password: %w", err)
	}
	v.sessions.endAll(s.UID, s.Credential)
	v.sessions.changed(s.UID)
	v.notify()
	return nil
}

// ResetPassword gives a user a random password, returned once, that must be
// changed at the first sign-in; all their sessions end. ErrNotFound.
func (v *Service) ResetPassword(ctx context.Context, name string) (string, error) {
	password := newPassword()
	hash, err := v.hasher.hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("resetting a password: %w", err)
	}
	uid := ""
	err = v.change(ctx, name, func(r *userRecord) ([]store.Guard, error) {
		uid, r.PasswordHash, r.MustChangePassword = r.UID, hash, true
		return nil, nil
	})
	if err != nil {
		return "", fmt.Errorf("resetting a password: %w", err)
	}
	v.sessions.endAll(uid, "")
	v.notify()
	return password, nil
}

// MustChangePassword tells whether a subject came by a session that is good for
// changing the password only.
func (v *Service) MustChangePassword(s access.Subject) bool {
	return s.Via == access.ViaSession && v.sessions.mustChange(s.Credential)
}

// Alive tells whether the credential of a subject is good still. It does not
// count as a use.
func (v *Service) Alive(s access.Subject) bool {
	if a, ok := v.index.AccountByUID(s.UID); !ok || a.Disabled {
		return false
	}
	now := v.options.Now()
	switch s.Via {
	case access.ViaSession:
		return v.sessions.alive(s.Credential, now, v.options.SessionIdle)
	case access.ViaToken:
		// What cannot be seen is not alive.
		t, err := v.known.get(s.Credential)
		return err == nil && t != nil && t.userUID == s.UID && now.Before(t.expires)
	}
	return false
}
