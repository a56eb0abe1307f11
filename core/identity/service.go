// The service: what callers hold, its options, and the news that a credential
// is no longer good.

package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// What may go wrong; test with errors.Is. The message says the rest and may be
// shown to whoever asked.
var (
	ErrUnauthenticated = errors.New("sign in, or send a valid token")
	ErrBadCredentials  = errors.New("the name or the password is wrong")
	ErrSecondFactor    = errors.New("the code of the second factor is needed")
	ErrBadCode         = errors.New("the code is wrong or was used")
	ErrState           = errors.New("not possible as things are")
	ErrProvider        = errors.New("the identity provider cannot be asked")
	ErrUnproven        = errors.New("the identity provider has not proven who you are")
	ErrNotInvited      = errors.New("there is no account for you here")
	ErrTooMany         = errors.New("too many attempts")
	ErrCSRF            = errors.New("the request lacks the session's CSRF token")
	ErrNotFound        = errors.New("not found")
	ErrExists          = errors.New("the name is taken, or was once")
	ErrInvalid         = errors.New("not valid")
	ErrDenied          = errors.New("not allowed")
)

// TooMany is ErrTooMany with the time to wait.
type TooMany struct{ RetryAfter time.Duration }

// Error says how long to wait.
func (e *TooMany) Error() string {
	return fmt.Sprintf("%v; try again in %s", ErrTooMany, e.RetryAfter.Round(time.Second))
}

// Unwrap makes errors.Is find ErrTooMany.
func (e *TooMany) Unwrap() error { return ErrTooMany }

// Options are the service's knobs; the zero value is right for production.
type Options struct {
	SessionIdle     time.Duration // a session unused for so long ends; 0: 2 hours
	SessionLifetime time.Duration // and after so long whatever happens; 0: 24 hours
	TokenLifetime   time.Duration // the longest that a token may be asked for; 0: 366 days
	HashMemory      uint32        // KiB that one password hash takes; 0: 19,456. Less is for tests
	Hashers         int           // hashes at the same time; 0: half the processors, 4 at most
	Now             func() time.Time

	Providers []Provider // others who prove people, by different names

	RequireSecondFactor string // RequireNobody, RequireAdmins or RequireAll

	// Grant is what gives a person, who may be made in the same transaction, what an
	// invitation promises, while who sent it may give that. Nil: nobody is invited.
	Grant func(ctx context.Context, i Invitation, userUID string) ([]store.Op, error)
	// InviteByProviderOnly keeps who is invited from making a password here.
	InviteByProviderOnly bool
}

func (o Options) filled() Options {
	if o.SessionIdle <= 0 {
		o.SessionIdle = 2 * time.Hour
	}
	if o.SessionLifetime <= 0 {
		o.SessionLifetime = 24 * time.Hour
	}
	if o.TokenLifetime <= 0 {
		o.TokenLifetime = 366 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Service knows users, sessions and tokens. Safe for concurrent use.
type Service struct {
	store       store.Store
	index       *access.Index
	options     Options
	users       store.Collection[userRecord]
	tombs       store.Collection[tombstone]
	tokens      store.Collection[tokenRecord]
	workspaces  store.Collection[access.Workspace] // of tenancy: read for its guard
	groups      store.Collection[access.Group]
	factors     store.Collection[secondFactorRecord]
	externals   store.Collection[externalRecord]
	invitations store.Collection[invitationRecord]
	hasher      *hasher
	byName      *backoff
	byCode      *backoff // by uid
	byRemote    *backoff
	begun       *begun
	codes       *codes
	sessions    *sessions
	history     *history
	known       *knownTokens
	follower    *store.Follower // keeps known

	stop context.CancelFunc
	done chan struct{}

	listening sync.Mutex
	listeners map[chan struct{}]struct{}
}

// New makes the service over a store and the index that follows it. Close ends
// it, and with it every session. An error means that the store cannot be read.
func New(s store.Store, index *access.Index, o Options) (*Service, error) {
	o = o.filled()
	ctx, stop := context.WithCancel(context.Background())
	v := &Service{
		store: s, index: index, options: o,
		users:       store.NewCollection[userRecord](s, access.UserPrefix),
		tombs:       store.NewCollection[tombstone](s, tombstonePrefix),
		tokens:      store.NewCollection[tokenRecord](s, tokenPrefix),
		workspaces:  store.NewCollection[access.Workspace](s, access.WorkspacePrefix),
		groups:      store.NewCollection[access.Group](s, access.GroupPrefix),
		externals:   store.NewCollection[externalRecord](s, externalPrefix),
		invitations: store.NewCollection[invitationRecord](s, invitationPrefix),
		factors:     store.NewCollection[secondFactorRecord](s, secondFactorPrefix),
		hasher:      newHasher(o.HashMemory, o.Hashers),
		byName:      newBackoff(nameFree, nameLongest, o.Now),
		byCode:      newBackoff(nameFree, codeLongest, o.Now),
		byRemote:    newBackoff(remoteFree, remoteLongest, o.Now),
		begun:       &begun{},
		codes:       &codes{},
		sessions:    newSessions(),
		stop:        stop,
		done:        make(chan struct{}),
		listeners:   map[chan struct{}]struct{}{},
	}
	v.history = newHistory(s, v.users)
	v.known = newKnownTokens(o.Now, v.notify)
	var err error
	if v.follower, err = store.Follow(ctx, s, v.known, tokenPrefix); err != nil {
		stop()
		return nil, fmt.Errorf("reading the tokens: %w", err)
	}
	go v.sweep(ctx)
	go v.history.run(ctx)
	return v, nil
}

// Close ends the service.
func (v *Service) Close() {
	v.stop()
	v.follower.Close()
	<-v.done
	<-v.history.done
}

// sweepEvery is how late the end of a session's or token's time may be told.
const sweepEvery = 15 * time.Second

// sweep forgets what has run out and tells that it has.
func (v *Service) sweep(ctx context.Context) {
	defer close(v.done)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			v.expire()
		}
	}
}

// expire is one sweep.
func (v *Service) expire() {
	now := v.options.Now()
	sessions, tokens := v.sessions.expire(now, v.options.SessionIdle), v.known.expire(now)
	if sessions || tokens {
		v.notify()
	}
}

// Revoked tells that credentials ceased to be good, until ctx ends: ask Alive
// about those in use. Several may come as one; the channel is never closed.
func (v *Service) Revoked(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	v.listening.Lock()
	v.listeners[ch] = struct{}{}
	v.listening.Unlock()
	context.AfterFunc(ctx, func() {
		v.listening.Lock()
		delete(v.listeners, ch)
		v.listening.Unlock()
	})
	return ch
}

func (v *Service) notify() {
	v.listening.Lock()
	defer v.listening.Unlock()
	for ch := range v.listeners {
		select {
		case ch <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// commitTime bounds a transaction that goes on without its caller.
const commitTime = 30 * time.Second

// commit makes a transaction and waits until decisions are made by it. It is
// carried through when the caller leaves: sessions that must end with a change
// end only if it is known that it was made.
func (v *Service) commit(ctx context.Context, guards []store.Guard, ops ...store.Op) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	rev, err := v.store.Commit(ctx, guards, ops...)
	if err != nil {
		return err
	}
	if err := v.index.WaitFor(ctx, rev); err != nil {
		return err
	}
	return v.follower.WaitFor(ctx, rev)
}

// inParts makes any number of operations, and the last ones, guarded, in the
// last transaction.
func (v *Service) inParts(ctx context.Context, ops []store.Op, guards []store.Guard, last ...store.Op) error {
	most := store.MaxOps - len(last)
	for len(ops) > most {
		if err := v.commit(ctx, nil, ops[:most]...); err != nil {
			return err
		}
		ops = ops[most:]
	}
	return v.commit(ctx, guards, append(ops, last...)...)
}

// caughtUp waits until the tokens in memory are those of the store now.
func (v *Service) caughtUp(ctx context.Context) error {
	rev, err := v.store.Revision(ctx)
	if err != nil {
		return err
	}
	return v.follower.WaitFor(ctx, rev)
}

// again repeats a change while others change the same records.
func again(ctx context.Context, change func() error) error {
	for {
		err := change()
		if !errors.Is(err, store.ErrConflict) || ctx.Err() != nil {
			return err
		}
	}
}
