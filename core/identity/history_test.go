// The history of sign-ins and signing out everywhere.

package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

// results are how a user's sign-ins ended, the newest first.
func (w *world) results(u identity.User) []string {
	w.t.Helper()
	logins, err := w.Logins(w.t.Context(), u.UID)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []string
	for _, l := range logins {
		all = append(all, l.Result)
	}
	return all
}

func TestHistorySaysWhoCameAndWhoDidNot(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("root", access.PlatformAdmin)
	u := w.user("jane")
	secret, _, _ := w.enrolled("jane")
	w.pass(time.Second)
	_, err := w.SignIn(ctx, "jane", "wrong password", "[2001:db8::1]:99")
	want(t, err, identity.ErrBadCredentials)
	w.pass(time.Second)
	_, err = w.SignIn(ctx, "jane", password, here) // is asked for the code: neither
	want(t, err, identity.ErrSecondFactor)
	_, err = w.withCode("jane", "000000")
	want(t, err, identity.ErrBadCode)
	w.pass(time.Second)
	if _, err := w.withCode("jane", w.code(secret)); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	if err := w.SetDisabled(ctx, "jane", true); err != nil {
		t.Fatal(err)
	}
	_, err = w.withCode("jane", w.code(secret))
	want(t, err, identity.ErrBadCredentials)
	if got := strings.Join(w.results(u), " "); got != "disabled done wrong-code wrong-password done" {
		t.Fatalf("got %s", got)
	}
	logins, _ := w.Logins(ctx, u.UID)
	if l := logins[3]; l.Remote != "2001:db8::1" || l.Agent != "Mozilla/5.0 (test)" || l.Provider != "" || l.Time.IsZero() {
		t.Fatalf("got %+v", l)
	}
	if logins, err := w.Logins(ctx, "nobody"); err != nil || len(logins) != 0 {
		t.Fatalf("got %+v, %v", logins, err)
	}
}

func TestHistoryIsBoundedAndGuessesPushNothingOut(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	u := w.user("jane")
	w.signIn("jane")
	for i := range 100 {
		w.pass(time.Minute)
		agent := fmt.Sprintf("%d\x1b[31m\n\u202e", i) + strings.Repeat("ä", 1000)
		_, err := w.Service.SignIn(ctx, identity.Proof{Name: "jane", Password: "wrong password", Client: identity.Client{Remote: fmt.Sprintf("203.0.113.%d:1", i), Agent: agent}})
		want(t, err, identity.ErrBadCredentials)
	}
	logins, err := w.Logins(ctx, u.UID)
	if err != nil || len(logins) != 31 || logins[30].Result != identity.LoginDone || logins[0].Remote != "203.0.113.99" {
		t.Fatalf("%d: %v", len(logins), err)
	}
	if a := logins[0].Agent; len(a) > 200 || strings.ContainsAny(a, "\x1b\n\u202e") || !strings.HasPrefix(a, "99[31m") {
		t.Fatalf("the agent is %q", a)
	}
	if err := w.DeleteUser(ctx, "jane"); err != nil {
		t.Fatal(err)
	}
	page, err := w.store.List(ctx, "logins/", store.ListOptions{})
	if err != nil || len(page.Records) != 0 {
		t.Fatalf("left: %+v, %v", page.Records, err)
	}
}

func TestSignInsBeforeTheEndAreWritten(t *testing.T) {
	path := t.TempDir() + "/atoll.db"
	w := newWorldAt(t, path)
	u := w.user("jane")
	for range 10 {
		w.signIn("jane")
	}
	w.end()
	w = newWorldAt(t, path)
	if got := w.results(u); len(got) != 10 {
		t.Fatalf("got %v", got)
	}
}

func TestSigningOutElsewhereAndEverywhere(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	w.user("john")
	first, second, third, john := w.signIn("jane"), w.signIn("jane"), w.signIn("jane"), w.signIn("john")
	subject := w.subject(by(first))
	_, secret, err := w.CreateToken(ctx, subject, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	browsers := w.Sessions(subject)
	if len(browsers) != 3 || browsers[0].Remote != "192.0.2.1" || browsers[0].Agent == "" {
		t.Fatalf("got %+v", browsers)
	}
	secondID := w.subject(by(second)).Credential
	want(t, w.EndSession(ctx, w.subject(by(john)), secondID), identity.ErrNotFound) // somebody else's
	want(t, w.EndSession(ctx, subject, "nonsense"), identity.ErrNotFound)
	want(t, w.EndSession(ctx, access.Subject{UID: subject.UID, ReadOnly: true}, secondID), identity.ErrDenied)
	w.subject(by(second))
	revoked := w.Revoked(ctx)
	if err := w.EndSession(ctx, subject, secondID); err != nil {
		t.Fatal(err)
	}
	<-revoked
	w.refused(by(second))
	want(t, w.SignOutEverywhere(ctx, access.Subject{UID: subject.UID, ReadOnly: true}, true), identity.ErrDenied)
	if err := w.SignOutEverywhere(ctx, subject, false); err != nil {
		t.Fatal(err)
	}
	w.refused(by(first))
	w.refused(by(third))
	w.subject(bearing("Bearer " + secret))
	w.subject(by(john))
	if err := w.SignOutEverywhere(ctx, subject, true); err != nil {
		t.Fatal(err)
	}
	w.refused(bearing("Bearer " + secret))
	again := w.signIn("jane")
	if err := w.SignOutUser(ctx, "jane", true); err != nil {
		t.Fatal(err)
	}
	w.refused(by(again))
	w.subject(by(john))
	want(t, w.SignOutUser(ctx, "nobody", true), identity.ErrNotFound)
}
