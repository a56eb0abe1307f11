// Signing in at a provider's own page: the browser is sent there, and comes back
// with a code that Atoll has the provider turn into a proof.
//
// A sign-in is bound to the browser that began it, by a cookie; to its provider
// and its way back, by a state; to its proof, by a nonce; and its code to us, by
// PKCE. It is good once.

package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"
)

const (
	begunLives = 10 * time.Minute // for somebody to type a password at the provider
	begunMost  = 10_000           // sign-ins on their way; the oldest makes room
	begunEach  = 200              // and of one address, so that a flood pushes out its own

	maxCode = 8 << 10 // bytes of what a provider sends back in an address
)

// Redirecting is a provider with a page of its own.
type Redirecting interface {
	Provider
	// Begin is the address of the page, for one sign-in. ErrProvider.
	Begin(ctx context.Context, r Redirect) (string, error)
	// SignOut is the address of the page at which somebody signs out there; ""
	// where there is none, and before the provider was ever asked.
	SignOut() string
}

// Redirect is what one sign-in at a provider's page is bound to.
type Redirect struct {
	State, Nonce, Verifier string // random; Verifier is PKCE's, whose hash is sent ahead
	Callback               string // our address, to which the browser comes back
}

// Return is what a browser comes back with.
type Return struct {
	Cookie string // as BeginAt gave it
	State  string
	Code   string
	Issuer string // who says to have sent it back, where the provider says so (RFC 9207)
	Error  string // instead of a code: the provider's word for why there is none
}

// Begun is a sign-in on its way.
type Begun struct {
	URL    string // of the provider's page
	Cookie string // for the browser, secret
}

// onItsWay is a sign-in whose browser is at a provider's page.
type onItsWay struct {
	Redirect
	cookie   digest
	provider string
	from     string // remoteKey
	next     string // where the browser goes on after it

	invitation string // a token, accepted with it; "" for none
	until      time.Time
}

// begun are all of them, the oldest first.
type begun struct {
	mu  sync.Mutex
	all []*onItsWay
}

func (b *begun) add(o *onItsWay, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = slices.DeleteFunc(b.all, func(o *onItsWay) bool { return !now.Before(o.until) })
	oldest, own := -1, 0
	for i, other := range b.all {
		if other.from == o.from {
			if own == 0 {
				oldest = i
			}
			own++
		}
	}
	switch {
	case own >= begunEach:
		b.all = slices.Delete(b.all, oldest, oldest+1)
	case len(b.all) >= begunMost:
		b.all = slices.Delete(b.all, 0, 1)
	}
	b.all = append(b.all, o)
}

// take removes the sign-in that a browser comes back to; nil when there is none.
// One whose state is another stays: somebody else's page may have sent the
// browser here.
func (b *begun) take(provider string, r Return, now time.Time) *onItsWay {
	if len(r.Cookie) != secretLength || len(r.State) != secretLength {
		return nil
	}
	key := digestOf(r.Cookie)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, o := range b.all {
		if o.cookie != key {
			continue
		}
		if o.provider != provider || !now.Before(o.until) || subtle.ConstantTimeCompare([]byte(o.State), []byte(r.State)) != 1 {
			return nil
		}
		b.all = slices.Delete(b.all, i, i+1)
		return o
	}
	return nil
}

// redirecting finds a provider with a page of its own. ErrNotFound, ErrDenied.
func (v *Service) redirecting(name string) (Redirecting, error) {
	p, err := v.provider(name)
	if err != nil {
		return nil, err
	}
	r, ok := p.(Redirecting)
	if !ok {
		return nil, fmt.Errorf("a page of its own is %w for %s: it takes a password", ErrDenied, name)
	}
	return r, nil
}

// Way is what a sign-in at a provider's page is for.
type Way struct {
	Callback   string // our address, to which the browser comes back
	Next       string // and where it goes on afterwards
	Invitation string // the token of one, which is accepted with it; "" for none
}

// BeginAt begins a sign-in at a provider's page. ErrNotFound, also for an
// invitation that is none; ErrDenied for a provider without a page; ErrProvider.
func (v *Service) BeginAt(ctx context.Context, provider string, way Way, from Client) (Begun, error) {
	p, err := v.redirecting(provider)
	if err != nil {
		return Begun{}, err
	}
	if way.Invitation != "" {
		if _, err := v.invitation(ctx, way.Invitation); err != nil {
			return Begun{}, err
		}
	}
	cookie, key := newSecret()
	now := v.options.Now()
	o := &onItsWay{cookie: key, provider: provider, from: remoteKey(from.Remote), next: way.Next, invitation: way.Invitation, until: now.Add(begunLives)}
	o.Callback = way.Callback
	o.State, _ = newSecret()
	o.Nonce, _ = newSecret()
	o.Verifier, _ = newSecret()
	url, err := p.Begin(ctx, o.Redirect)
	if err != nil {
		return Begun{}, err
	}
	v.begun.add(o, now)
	return Begun{URL: url, Cookie: cookie}, nil
}

// SignOutAt is the address at which a user signs out of their provider too; ""
// where there is none.
func (v *Service) SignOutAt(u User) string {
	if p, err := v.redirecting(u.Provider); err == nil {
		return p.SignOut()
	}
	return ""
}

var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// FinishAt begins the session of somebody who comes back from a provider's page,
// and says where the browser goes on to. A second factor is the provider's to
// ask for. ErrState for a sign-in that this browser has not begun, or not lately;
// ErrUnproven; and as SignIn by a provider.
func (v *Service) FinishAt(ctx context.Context, provider string, r Return, from Client) (Session, string, error) {
	p, err := v.redirecting(provider)
	if err != nil {
		return Session{}, "", err
	}
	o := v.begun.take(provider, r, v.options.Now())
	if o == nil {
		return Session{}, "", fmt.Errorf("going on is %w: this browser has begun no such sign-in, or more than %d minutes ago, or has ended it; begin again", ErrState, int(begunLives.Minutes()))
	}
	if r.Error != "" || r.Code == "" || len(r.Code) > maxCode {
		why := "nothing that can be used"
		if errorCode.MatchString(r.Error) {
			why = r.Error
		}
		return Session{}, "", fmt.Errorf("%w: it sent back %s", ErrUnproven, why)
	}
	remote := remoteKey(from.Remote)
	if wait := v.byRemote.attempt(remote); wait > 0 {
		return Session{}, "", &TooMany{RetryAfter: wait}
	}
	person, err := p.Verify(ctx, Evidence{Code: r.Code, Issuer: r.Issuer, Redirect: o.Redirect})
	if !errors.Is(err, ErrUnproven) {
		v.byRemote.forgive(remote)
	}
	if err == nil {
		err = person.check()
	}
	if err != nil {
		return Session{}, "", err
	}
	item, made, err := v.appear(ctx, p, person, o.invitation)
	if err == nil && !made {
		err = v.invited(ctx, item.Value.User, o.invitation)
	}
	if err != nil {
		return Session{}, "", err
	}
	session, err := v.begin(ctx, item, from, true, func(fresh userItem) bool { return fresh.Value.ExternalID == person.ID })
	v.remember(item.Value.User, provider, from, item.Value.Disabled, err)
	if err != nil && item.Value.Disabled {
		err = fmt.Errorf("signing in is %w for %q: an administrator has locked the account", ErrDenied, item.Name)
	}
	return session, o.next, err
}
