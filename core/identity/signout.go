// Signing out: this browser, another one, all of them, and the tokens too.

package identity

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// Browser is a session as its owner sees it. ID names it and is no secret.
type Browser struct {
	ID         string
	Remote     string // address at the sign-in, without a port
	Agent      string // what the browser says it is
	CreatedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time // at the latest
}

// Sessions are the subject's own, the newest first.
func (v *Service) Sessions(s access.Subject) []Browser {
	return v.sessions.of(s.UID, v.options.Now(), v.options.SessionIdle)
}

// of lists a user's sessions that are good still.
func (all *sessions) of(userUID string, now time.Time, idle time.Duration) []Browser {
	all.mu.Lock()
	defer all.mu.Unlock()
	browsers := make([]Browser, 0, len(all.byUser[userUID]))
	for _, s := range all.byUser[userUID] {
		if !s.over(now, idle) {
			browsers = append(browsers, Browser{ID: s.credential, Remote: s.remote, Agent: s.agent, CreatedAt: s.created, LastUsedAt: s.used, ExpiresAt: s.expires})
		}
	}
	slices.SortFunc(browsers, func(a, b Browser) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return browsers
}

// SignOut ends the session of a subject; nothing happens for a token.
func (v *Service) SignOut(_ context.Context, s access.Subject) {
	if s.Via == access.ViaSession && v.sessions.endOne(s.Credential) {
		v.notify()
	}
}

// EndSession ends one of the subject's own sessions. ErrNotFound, ErrDenied.
func (v *Service) EndSession(_ context.Context, s access.Subject, id string) error {
	if s.Narrow() {
		return fmt.Errorf("ending a session is %w with a token that is for reading only or limited", ErrDenied)
	}
	if !v.sessions.endOwn(s.UID, id) {
		return fmt.Errorf("the session %q is %w", id, ErrNotFound)
	}
	v.notify()
	return nil
}

func (all *sessions) endOwn(userUID, credential string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byCredential[credential]
	if s == nil || s.userUID != userUID {
		return false
	}
	all.end(s)
	return true
}

// SignOutEverywhere ends all of the subject's own sessions, this one too, and on
// request revokes their tokens. ErrDenied.
func (v *Service) SignOutEverywhere(ctx context.Context, s access.Subject, tokens bool) error {
	if s.Narrow() {
		return fmt.Errorf("signing out everywhere is %w with a token that is for reading only or limited", ErrDenied)
	}
	return v.signOutUser(ctx, s.UID, tokens)
}

// SignOutUser is SignOutEverywhere of somebody else, for an administrator.
// ErrNotFound.
func (v *Service) SignOutUser(ctx context.Context, name string, tokens bool) error {
	item, err := v.record(ctx, name)
	if err != nil {
		return err
	}
	return v.signOutUser(ctx, item.Value.UID, tokens)
}

func (v *Service) signOutUser(ctx context.Context, uid string, tokens bool) error {
	v.sessions.endAll(uid, "")
	v.notify()
	if !tokens {
		return nil
	}
	owned, err := v.tokensOf(ctx, uid)
	if err != nil {
		return err
	}
	ops := make([]store.Op, 0, len(owned))
	for _, t := range owned {
		ops = append(ops, v.tokens.DeleteOp(t.Name))
	}
	for chunk := range slices.Chunk(ops, store.MaxOps) {
		if err := v.commit(ctx, nil, chunk...); err != nil {
			return fmt.Errorf("revoking tokens: %w", err)
		}
	}
	return nil
}
