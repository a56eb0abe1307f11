// An administrator who is locked out in every way there is comes in again; who
// is none does not.

package identity_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
)

func TestRecoveredAdministratorComesInByTheNewPasswordOnly(t *testing.T) {
	w := newWorld(t)
	w.user("root", access.PlatformAdmin)
	root, jane := w.user("jane", access.PlatformAdmin), w.user("john")
	session := w.signIn("jane")
	s := w.subject(by(session))
	enrolment, err := w.EnrolSecondFactor(t.Context(), s, password, from(here))
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(enrolment.Secret, w.clock())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ConfirmSecondFactor(t.Context(), s, code); err != nil {
		t.Fatal(err)
	}
	_, token, err := w.CreateToken(t.Context(), s, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	_, others, err := w.CreateToken(t.Context(), w.subject(by(w.signIn("john"))), identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetDisabled(t.Context(), "jane", true); err != nil {
		t.Fatal(err)
	}

	user, fresh, err := w.Recover(t.Context(), "jane")
	if err != nil {
		t.Fatal(err)
	}
	if user.UID != root.UID || user.Disabled || user.SecondFactor || !user.MustChangePassword {
		t.Errorf("got %+v", user)
	}
	w.refused(by(session))
	w.refused(bearing("Bearer " + token))
	if got := w.subject(bearing("Bearer " + others)); got.UID != jane.UID {
		t.Errorf("somebody else's token is %+v", got)
	}
	_, err = w.SignIn(t.Context(), "jane", password, here)
	want(t, err, identity.ErrBadCredentials)
	again, err := w.SignIn(t.Context(), "jane", fresh, here)
	if err != nil {
		t.Fatal(err)
	}
	s = w.subject(by(again))
	if !w.MustChangePassword(s) {
		t.Error("the password need not be changed")
	}
	if state, err := w.SecondFactor(t.Context(), s); err != nil || state.Enabled || state.RecoveryCodesLeft != 0 {
		t.Errorf("%+v %v", state, err)
	}
}

func TestOnlyAdministratorsWithAPasswordHereAreRecovered(t *testing.T) {
	w := newWorldWith(t, filepath.Join(t.TempDir(), "atoll.db"), identity.Options{Providers: []identity.Provider{directory{"ann": password}}})
	_, _, err := w.Recover(t.Context(), "")
	want(t, err, identity.ErrNotFound)
	w.user("root", access.PlatformAdmin)
	w.user("john")
	if u, _, err := w.Recover(t.Context(), ""); err != nil || u.Name != "root" {
		t.Fatalf("the only one: %+v %v", u, err)
	}
	ann, err := w.Service.SignIn(t.Context(), identity.Proof{Name: "ann", Password: password, Provider: "corp", Client: from(here)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := access.SetPlatformRoles(t.Context(), w.store, ann.User.UID, []string{access.PlatformAdmin}); err != nil {
		t.Fatal(err)
	}
	w.user("second", access.PlatformAdmin)
	for name, target := range map[string]error{"": identity.ErrNotFound, "nobody": identity.ErrNotFound, "john": identity.ErrDenied, "ann": identity.ErrDenied} {
		_, password, err := w.Recover(t.Context(), name)
		want(t, err, target)
		if password != "" || !strings.Contains(err.Error(), "root, second") || strings.Contains(err.Error(), "ann,") {
			t.Errorf("%q: %q %v", name, password, err)
		}
	}
}
