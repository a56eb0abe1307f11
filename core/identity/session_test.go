// Sessions: how they begin, what they need, and all the ways in which they end.

package identity_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

func TestSessionAuthenticatesUntilSignedOut(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	u := w.user("jane")
	s := w.signIn("jane")
	subject := w.subject(by(s))
	if subject.Name != "jane" || subject.UID != u.UID || subject.Via != access.ViaSession || subject.Credential == "" || subject.Credential == s.ID || subject.ReadOnly {
		t.Fatalf("got %+v", subject)
	}
	current, err := w.Current(by(s))
	if err != nil || current.User.Name != "jane" || current.CSRF != s.CSRF || current.ID != "" || !current.ExpiresAt.Equal(s.ExpiresAt) {
		t.Fatalf("got %+v, %v", current, err)
	}
	other := w.signIn("jane")
	revoked := w.Revoked(ctx)
	w.SignOut(ctx, subject)
	<-revoked
	w.refused(by(s))
	if w.Alive(subject) {
		t.Fatal("alive after the sign-out")
	}
	w.subject(by(other)) // in another browser
	_, err = w.Current(by(s))
	want(t, err, identity.ErrUnauthenticated)
}

func TestCookieIsOutOfReachForScripts(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	s := w.signIn("jane")
	for _, c := range []*http.Cookie{identity.Cookie(s, true), identity.NoCookie(true)} {
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("got %s", c)
		}
	}
	if identity.Cookie(s, false).Secure || identity.NoCookie(false).MaxAge >= 0 {
		t.Error("a cookie over loopback is marked secure, or not removed")
	}
}

func TestUnsafeRequestsByCookieNeedTheToken(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	s, other := w.signIn("jane"), w.signIn("jane")
	_, secret, err := w.CreateToken(ctx, w.subject(by(s)), identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, csrf, authorization string
		cookie                      bool
		want                        error
	}{
		{"GET", "", "", true, nil},
		{"HEAD", "", "", true, nil},
		{"POST", s.CSRF, "", true, nil},
		{"POST", "", "", true, identity.ErrCSRF},
		{"DELETE", "", "", true, identity.ErrCSRF},
		{"PUT", s.CSRF + "x", "", true, identity.ErrCSRF},
		{"PATCH", other.CSRF, "", true, identity.ErrCSRF},
		{"BREW", "", "", true, identity.ErrCSRF},
		{"POST", s.CSRF, "", false, identity.ErrUnauthenticated},
		{"POST", "", "Bearer " + secret, false, nil},
		{"POST", "", "Bearer " + secret, true, nil},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		if c.cookie {
			r.AddCookie(identity.Cookie(s, false))
		}
		if c.csrf != "" {
			r.Header.Set(identity.CSRFHeader, c.csrf)
		}
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if err := w.CheckCSRF(r); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestCookieDoesNotHelpABadToken(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	s := w.signIn("jane")
	for _, header := range []string{"Bearer nonsense", "Bearer ", "Basic amFuZTp4", "", "Bearer atoll_aaaaaaaaaaaaaaaa_" + s.ID} {
		r := by(s)
		r.Header["Authorization"] = []string{header}
		w.refused(r)
	}
}

func TestSessionsRunOut(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	idle, busy := w.signIn("jane"), w.signIn("jane")
	idleSubject, busySubject := w.subject(by(idle)), w.subject(by(busy))
	for range 11 { // within its lifetime of 24 hours, used every 2 hours less a minute
		w.pass(2*time.Hour - time.Minute)
		w.subject(by(busy))
	}
	w.refused(by(idle))
	if w.Alive(idleSubject) || !w.Alive(busySubject) {
		t.Fatal("asking whether it is alive counts as a use, or does not see that it is over")
	}
	w.pass(time.Hour + time.Minute)
	w.subject(by(busy))
	w.pass(time.Hour + 10*time.Minute)
	w.refused(by(busy))
	if w.Alive(busySubject) {
		t.Fatal("alive beyond its lifetime")
	}
}

func TestChangedPasswordEndsTheOtherSessions(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	own, other := w.signIn("jane"), w.signIn("jane")
	subject := w.subject(by(own))
	const next = "another fine password"
	want(t, w.ChangePassword(ctx, subject, "wrong", next, from(here)), identity.ErrBadCredentials)
	want(t, w.ChangePassword(ctx, subject, password, "short", from(here)), identity.ErrInvalid)
	want(t, w.ChangePassword(ctx, subject, password, password, from(here)), identity.ErrInvalid)
	readOnly := subject
	readOnly.ReadOnly = true
	want(t, w.ChangePassword(ctx, readOnly, password, next, from(here)), identity.ErrDenied)
	w.subject(by(other))
	if err := w.ChangePassword(ctx, subject, password, next, from(here)); err != nil {
		t.Fatal(err)
	}
	w.subject(by(own))
	w.refused(by(other))
	_, err := w.SignIn(ctx, "jane", password, here)
	want(t, err, identity.ErrBadCredentials)
	if _, err := w.SignIn(ctx, "jane", next, here); err != nil {
		t.Fatal(err)
	}
}

// leaving is a store whose caller leaves in the middle of a commit, once that
// is wanted.
type leaving struct {
	store.Store
	wanted *atomic.Bool
	leave  context.CancelFunc
}

func (l leaving) Commit(ctx context.Context, guards []store.Guard, ops ...store.Op) (store.Revision, error) {
	if l.wanted.Load() {
		l.leave()
	}
	return l.Store.Commit(ctx, guards, ops...)
}

func TestChangeIsCarriedThroughWhenTheCallerLeaves(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	ctx, leave := context.WithCancel(t.Context())
	var wanted atomic.Bool
	v, err := identity.New(leaving{w.store, &wanted, leave}, w.index, identity.Options{HashMemory: 64, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	other, err := v.SignIn(ctx, identity.Proof{Name: "jane", Password: password, Client: from(here)})
	if err != nil {
		t.Fatal(err)
	}
	own, err := v.SignIn(ctx, identity.Proof{Name: "jane", Password: password, Client: from(here)})
	if err != nil {
		t.Fatal(err)
	}
	subject, err := v.Authenticate(by(own))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Logins(ctx, subject.UID); err != nil { // they are written now
		t.Fatal(err)
	}
	wanted.Store(true)
	if err := v.ChangePassword(ctx, subject, password, "another fine password", from(here)); err != nil {
		t.Fatal(err)
	}
	if ctx.Err() == nil {
		t.Fatal("the caller did not leave")
	}
	_, err = v.Authenticate(by(other))
	want(t, err, identity.ErrUnauthenticated)
}

func TestSessionsOfOneUserAreBounded(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	w.user("joe")
	first, joe := w.signIn("jane"), w.signIn("joe")
	var last identity.Session
	for range 20 {
		last = w.signIn("jane")
	}
	w.refused(by(first))
	w.subject(by(last))
	w.subject(by(joe))
}

func TestSessionsEndWithTheProcessAndTokensDoNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "atoll.db")
	w := newWorldAt(t, path)
	w.user("jane")
	s := w.signIn("jane")
	_, secret, err := w.CreateToken(t.Context(), w.subject(by(s)), identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	w.end()
	w = newWorldAt(t, path)
	w.refused(by(s))
	if got := w.subject(bearing("Bearer " + secret)); got.Name != "jane" {
		t.Fatalf("got %+v", got)
	}
}

func TestFailuresWait(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	fail := func(name, from string) error {
		_, err := w.SignIn(ctx, name, "wrong password", from)
		return err
	}
	address := 0
	elsewhere := func() string { address++; return fmt.Sprintf("203.0.113.%d", address) }
	for _, name := range []string{"nobody", "jane"} { // a name that there is not waits as well
		for range 5 {
			want(t, fail(name, elsewhere()), identity.ErrBadCredentials)
		}
		var wait *identity.TooMany
		if err := fail(name, elsewhere()); !errors.As(err, &wait) || wait.RetryAfter <= 0 || wait.RetryAfter > time.Second {
			t.Fatalf("%s: %v", name, err)
		}
		// Each further failure waits twice as long, to a minute and no more.
		longest := time.Duration(0)
		for range 10 {
			w.pass(wait.RetryAfter)
			want(t, fail(name, elsewhere()), identity.ErrBadCredentials)
			if err := fail(name, elsewhere()); !errors.As(err, &wait) || wait.RetryAfter < longest {
				t.Fatalf("%s: %v after a wait of %s", name, err, longest)
			}
			longest = wait.RetryAfter
		}
		if longest != time.Minute {
			t.Fatalf("%s: the longest wait is %s", name, longest)
		}
	}
	_, err := w.SignIn(ctx, "jane", password, elsewhere())
	want(t, err, identity.ErrTooMany) // the right password waits too
	w.pass(time.Minute)
	w.signIn("jane")
	want(t, fail("jane", elsewhere()), identity.ErrBadCredentials) // and all is forgiven
}

func TestAddressThatGuessesManyNamesWaits(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	guess := func(i int, from string) error {
		_, err := w.SignIn(ctx, fmt.Sprint("name", i), "password", from)
		return err
	}
	for i := range 20 { // of one network, whatever the address and port
		want(t, guess(i, fmt.Sprintf("[2001:db8::%x]:%d", i+1, 1000+i)), identity.ErrBadCredentials)
	}
	want(t, guess(20, "2001:db8::ffff"), identity.ErrTooMany)
	_, err := w.SignIn(ctx, "jane", password, "2001:db8::1")
	want(t, err, identity.ErrTooMany)
	w.signIn("jane") // from elsewhere
}

func TestGuessesInParallelCountToo(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	tried := make(chan error)
	const guesses = 50
	for i := range guesses {
		go func() {
			_, err := w.SignIn(ctx, "jane", "wrong password", fmt.Sprintf("203.0.113.%d", i))
			tried <- err
		}()
	}
	checked := 0
	for range guesses {
		if err := <-tried; errors.Is(err, identity.ErrBadCredentials) {
			checked++
		}
	}
	if checked != 5 {
		t.Fatalf("%d of %d guesses at once were checked", checked, guesses)
	}
}
