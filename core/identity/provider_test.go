// Users of a provider: what they keep of Atoll's own, and that they stay who
// they are.

package identity_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/identity"
)

func TestUserOfAProviderHasASecondFactorHere(t *testing.T) {
	corp := directory{"jane": password, "john": "john's"}
	w := newWorldWith(t, filepath.Join(t.TempDir(), "atoll.db"), identity.Options{RequireSecondFactor: identity.RequireAll, Providers: []identity.Provider{corp}})
	ctx := t.Context()
	signIn := func(secret, code string) (identity.Session, error) {
		return w.Service.SignIn(ctx, identity.Proof{Name: "jane", Password: secret, Code: code, Provider: "corp", Client: from(here)})
	}
	s, err := signIn(password, "")
	if err != nil || !s.MustEnrol || s.User.DisplayName != "At corp" {
		t.Fatalf("%+v, %v", s, err)
	}
	subject := w.subject(by(s))
	_, err = w.EnrolSecondFactor(ctx, subject, "john's", from(here))
	want(t, err, identity.ErrBadCredentials)
	e, err := w.EnrolSecondFactor(ctx, subject, password, from(here))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ConfirmSecondFactor(ctx, subject, w.code(e.Secret)); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	_, err = signIn(password, "")
	want(t, err, identity.ErrSecondFactor)
	_, err = signIn("wrong", w.code(e.Secret))
	want(t, err, identity.ErrBadCredentials)
	if _, err = signIn(password, w.code(e.Secret)); err != nil {
		t.Fatal(err)
	}
	want(t, w.ChangePassword(ctx, subject, password, "another fine password", from(here)), identity.ErrDenied)
	_, err = w.SignIn(ctx, "jane", password, here) // not one of Atoll's own
	want(t, err, identity.ErrBadCredentials)
	_, err = w.Service.SignIn(ctx, identity.Proof{Name: "jane", Password: password, Provider: "none", Client: from(here)})
	want(t, err, identity.ErrNotFound)
}

func TestPersonWhoComesTwiceAtOnceIsOneUser(t *testing.T) {
	w := newWorldWith(t, filepath.Join(t.TempDir(), "atoll.db"), identity.Options{Providers: []identity.Provider{directory{"jane": password}}})
	came := make(chan identity.Session)
	for range 4 {
		go func() {
			s, err := w.Service.SignIn(t.Context(), identity.Proof{Name: "jane", Password: password, Provider: "corp", Client: from(here)})
			if err != nil {
				t.Error(err)
			}
			came <- s
		}()
	}
	first := <-came
	for range 3 {
		if s := <-came; s.User.UID != first.User.UID {
			t.Errorf("%s and %s", s.User.UID, first.User.UID)
		}
	}
}
