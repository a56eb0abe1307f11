// The history of sign-ins: who tried to come in as a user, from where, and why
// not. It is written behind the sign-in's back: how long one takes must not
// tell whether there is such a user.

package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/atoll-platform/atoll/core/store"
)

const (
	loginPrefix = "logins/" // by the user's uid

	// Successes and failures are kept apart, so that somebody's guesses do not
	// push the sign-ins out, nor the other way round.
	loginsEach = 30

	loginQueue = 1024 // sign-ins that wait to be written; further ones are not
	maxAgent   = 200  // bytes of what a browser says it is
)

// How a sign-in ended.
const (
	LoginDone     = "done"
	LoginPassword = "wrong-password"
	LoginCode     = "wrong-code"
	LoginDisabled = "disabled"
)

// Login is one sign-in, or one that failed.
type Login struct {
	Time     time.Time `json:"time"`
	Remote   string    `json:"remote"` // address, without a port
	Agent    string    `json:"agent,omitempty"`
	Provider string    `json:"provider,omitempty"` // "": by a password of Atoll's own
	Result   string    `json:"result"`
}

// loginRecord is a user's history in the store, each half the oldest first.
type loginRecord struct {
	Done   []Login `json:"done,omitempty"`
	Failed []Login `json:"failed,omitempty"`
}

// keep adds a sign-in and forgets the oldest of its half.
func (r *loginRecord) keep(l Login) {
	half := &r.Failed
	if l.Result == LoginDone {
		half = &r.Done
	}
	*half = append(*half, l)
	if over := len(*half) - loginsEach; over > 0 {
		*half = slices.Delete(*half, 0, over)
	}
}

// history writes sign-ins one after the other.
type history struct {
	users  store.Collection[userRecord]
	logins store.Collection[loginRecord]
	store  store.Store
	queue  chan note
	done   chan struct{}
}

// note is a sign-in to be written; with reached, everything before it was.
type note struct {
	user    User
	login   Login
	reached chan struct{}
}

func newHistory(s store.Store, users store.Collection[userRecord]) *history {
	return &history{users: users, logins: store.NewCollection[loginRecord](s, loginPrefix), store: s, queue: make(chan note, loginQueue), done: make(chan struct{})}
}

// run writes until ctx ends, and then what is queued.
func (h *history) run(ctx context.Context) {
	defer close(h.done)
	for {
		select {
		case n := <-h.queue:
			h.take(n)
		case <-ctx.Done():
			for {
				select {
				case n := <-h.queue:
					h.take(n)
				default:
					return
				}
			}
		}
	}
}

func (h *history) take(n note) {
	if n.reached != nil {
		close(n.reached)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	if err := again(ctx, func() error { return h.write(ctx, n) }); err != nil && !errors.Is(err, store.ErrNotFound) {
		slog.Error("a sign-in could not be written to the history", "user", n.user.Name, "error", err)
	}
}

// write adds one sign-in, while there is the user. store.ErrNotFound otherwise.
func (h *history) write(ctx context.Context, n note) error {
	user, err := h.users.Get(ctx, n.user.Name)
	if err != nil {
		return err
	}
	if user.Value.UID != n.user.UID {
		return store.ErrNotFound
	}
	guard := h.logins.Absent(n.user.UID)
	item, err := h.logins.Get(ctx, n.user.UID)
	switch {
	case err == nil:
		guard = h.logins.At(n.user.UID, item.Modified)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	item.Value.keep(n.login)
	put, err := h.logins.PutOp(n.user.UID, item.Value)
	if err != nil {
		return err
	}
	_, err = h.store.Commit(ctx, []store.Guard{guard, h.users.At(n.user.Name, user.Modified)}, put)
	return err
}

// remember notes how a sign-in ended. Who is not known has no history, and who
// has to wait is not written down: there is no bound to how often they ask.
func (v *Service) remember(u User, provider string, from Client, disabled bool, err error) {
	l := Login{Time: v.options.Now().UTC(), Remote: address(from.Remote), Agent: printable(from.Agent, maxAgent), Provider: provider, Result: LoginDone}
	switch {
	case err == nil:
	case errors.Is(err, ErrBadCode):
		l.Result = LoginCode
	case errors.Is(err, ErrBadCredentials) && disabled:
		l.Result = LoginDisabled
	case errors.Is(err, ErrBadCredentials):
		l.Result = LoginPassword
	default:
		return
	}
	if u.UID == "" {
		return
	}
	select {
	case v.history.queue <- note{user: u, login: l}:
	default:
		slog.Warn("a sign-in is missing in the history: too many at once", "user", u.Name)
	}
}

// Logins is a user's history, the newest first: all sign-ins that ended before
// the call are in it.
func (v *Service) Logins(ctx context.Context, userUID string) ([]Login, error) {
	reached := make(chan struct{})
	select {
	case v.history.queue <- note{reached: reached}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-reached:
	case <-v.history.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	item, err := v.history.logins.Get(ctx, userUID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("reading the history of sign-ins: %w", err)
	}
	all := slices.Concat(item.Value.Done, item.Value.Failed)
	slices.SortStableFunc(all, func(a, b Login) int { return b.Time.Compare(a.Time) })
	return all, nil
}

// address is a remote address without its port.
func address(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		remote = host
	}
	return printable(remote, 64)
}

// printable keeps what a client says from being more than a line of text.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
