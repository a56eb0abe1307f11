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

// Client is where an attempt comes from.
type Client struct {
	Remote string // address, with or without a port
	Agent  string // what the browser says it is
}

// Proof is what somebody brings to sign in.
type Proof struct {
	Name, Password string
	Code           string // of the second factor, or a recovery code; "" before it was asked for
	Provider       string // who is to prove it; "" for Atoll itself
	Invitation     string // by a provider: the token of one, which is accepted with it
	Client         Client
}

// SignIn proves a person by name and password, and by the second factor where
// they have one, and begins a session. It takes as long for a user that there is
// not. ErrBadCredentials, ErrSecondFactor, ErrBadCode, *TooMany; by a provider
// also ErrProvider, ErrNotInvited, ErrExists, ErrInvalid, ErrNotFound.
func (v *Service) SignIn(ctx context.Context, p Proof) (Session, error) {
	if p.Provider != "" {
		return v.signInBy(ctx, p)
	}
	item, err := v.prove(ctx, p)
	session := Session{}
	if err == nil {
		session, err = v.begin(ctx, item, p.Client, item.Value.SecondFactor, func(fresh userItem) bool {
			return fresh.Modified == item.Modified || v.matches(ctx, fresh, p.Password) && fresh.Value.SecondFactor == item.Value.SecondFactor
		})
	}
	v.remember(item.Value.User, "", p.Client, item.Value.Disabled, err)
	return session, err
}

// prove checks all that a person has to show.
func (v *Service) prove(ctx context.Context, p Proof) (store.Item[userRecord], error) {
	item, err := v.check(ctx, p.Name, p.Password, p.Client.Remote)
	if err != nil {
		return item, err
	}
	if item.Value.SecondFactor {
		if err := v.secondProof(ctx, item.Value.User, p.Code); err != nil {
			return item, err
		}
	}
	v.byName.forget(p.Name)
	if v.hasher.outdated(item.Value.PasswordHash) {
		v.rehash(ctx, item, p.Password)
	}
	return item, nil
}

// begin begins the session of a person who was proven by item. Whoever changed
// the password or locked the user out meanwhile ended the sessions before this
// one was among them: still tells whether the proof holds for the record now.
// Factor says that a second factor was shown, or is the provider's to ask for.
func (v *Service) begin(ctx context.Context, item userItem, from Client, factor bool, still func(userItem) bool) (Session, error) {
	now := v.options.Now()
	id, key := newSecret()
	csrf, _ := newSecret()
	u := item.Value.User
	s := &session{
		key: key, credential: access.NewUID(), userUID: u.UID, userName: u.Name, csrf: csrf, mustChange: u.MustChangePassword,
		noFactor: !factor, remote: address(from.Remote), agent: printable(from.Agent, maxAgent), created: now, used: now, expires: now.Add(v.options.SessionLifetime),
	}
	if v.sessions.add(s) {
		v.notify()
	}
	fresh, err := v.record(ctx, u.Name)
	if err != nil || fresh.Value.UID != u.UID || fresh.Value.Disabled || !still(fresh) {
		v.sessions.endOne(s.credential)
		return Session{}, ErrBadCredentials
	}
	return Session{ID: id, CSRF: csrf, User: fresh.Value.User, ExpiresAt: s.expires, MustEnrol: v.MustEnrol(subjectOf(s))}, nil
}

func (v *Service) matches(ctx context.Context, item store.Item[userRecord], password string) bool {
	ok, err := v.hasher.verify(ctx, item.Value.PasswordHash, password)
	return ok && err == nil
}

// check is the proof by password, with back-off. The failures before it are
// forgotten (byName.forget) when all that is asked for was shown.
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
	v.byName.forgive(name)
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

// ChangePassword sets the subject's own password and ends their other sessions.
// ErrBadCredentials, ErrInvalid, ErrDenied, *TooMany.
func (v *Service) ChangePassword(ctx context.Context, s access.Subject, current, next string, from Client) error {
	if s.Narrow() {
		return fmt.Errorf("changing the password is %w with a token that is for reading only or limited", ErrDenied)
	}
	if u, err := v.record(ctx, s.Name); err == nil && u.Value.Provider != "" {
		return fmt.Errorf("changing the password is %w here: %s keeps it", ErrDenied, u.Value.Provider)
	}
	item, err := v.check(ctx, s.Name, current, from.Remote)
	if err != nil {
		return err
	}
	if item.Value.UID != s.UID {
		return ErrBadCredentials
	}
	v.byName.forget(s.Name)
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
		if r.Robot || r.Provider != "" {
			return nil, fmt.Errorf("a password for %q is %w: none is kept here", name, ErrDenied)
		}
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
	if _, ok := v.index.Active(s.UID); !ok {
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
