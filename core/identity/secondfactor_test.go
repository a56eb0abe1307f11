// The second factor: what turns it on and off, that a code is good once, and
// what whoever has the password alone cannot do.

package identity_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

// code is what a telephone with the secret shows.
func (w *world) code(secret string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(secret, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

// withCode signs in by password and code.
func (w *world) withCode(name, code string) (identity.Session, error) {
	return w.Service.SignIn(w.t.Context(), identity.Proof{Name: name, Password: password, Code: code, Client: from(here)})
}

// enrolled gives a user a second factor, and returns its secret, the recovery
// codes and the session that it was done in. The next code is a fresh one.
func (w *world) enrolled(name string) (string, []string, identity.Session) {
	w.t.Helper()
	s := w.signIn(name)
	e, err := w.EnrolSecondFactor(w.t.Context(), w.subject(by(s)), password, from(here))
	if err != nil {
		w.t.Fatal(err)
	}
	codes, err := w.ConfirmSecondFactor(w.t.Context(), w.subject(by(s)), w.code(e.Secret))
	if err != nil {
		w.t.Fatal(err)
	}
	w.pass(time.Minute)
	return e.Secret, codes, s
}

func TestSecondFactorIsAskedForOnceItIsConfirmed(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	own, other := w.signIn("jane"), w.signIn("jane")
	subject := w.subject(by(own))
	e, err := w.EnrolSecondFactor(ctx, subject, password, from(here))
	if err != nil || len(e.Secret) < 32 || !strings.HasPrefix(e.URL, "otpauth://totp/Atoll:jane?") || !strings.Contains(e.URL, e.Secret) {
		t.Fatalf("got %+v, %v", e, err)
	}
	w.signIn("jane") // not yet
	_, err = w.ConfirmSecondFactor(ctx, subject, "000000")
	want(t, err, identity.ErrBadCode)
	w.subject(by(other))
	codes, err := w.ConfirmSecondFactor(ctx, subject, w.code(e.Secret))
	if err != nil || len(codes) != 10 {
		t.Fatalf("got %q, %v", codes, err)
	}
	w.subject(by(own))
	w.refused(by(other)) // begun by the password alone
	if u, _ := w.GetUser(ctx, "jane"); !u.SecondFactor {
		t.Fatalf("got %+v", u)
	}
	_, err = w.SignIn(ctx, "jane", password, here)
	want(t, err, identity.ErrSecondFactor)
	_, err = w.SignIn(ctx, "jane", "wrong password", here)
	want(t, err, identity.ErrBadCredentials) // whether there is one is told to who has the password
	_, err = w.withCode("jane", w.code(e.Secret))
	want(t, err, identity.ErrBadCode) // the one that confirmed it
	w.pass(30 * time.Second)
	if _, err := w.withCode("jane", w.code(e.Secret)); err != nil {
		t.Fatal(err)
	}
	_, err = w.EnrolSecondFactor(ctx, subject, password, from(here))
	want(t, err, identity.ErrState)
}

func TestCodesAreGoodOnceAndForAWhile(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	secret, _, _ := w.enrolled("jane")
	first := w.code(secret)
	w.pass(30 * time.Second)
	if _, err := w.withCode("jane", first); err != nil {
		t.Fatal("a code half a minute old is refused: ", err)
	}
	_, err := w.withCode("jane", first)
	want(t, err, identity.ErrBadCode)
	second := w.code(secret)
	w.pass(90 * time.Second)
	_, err = w.withCode("jane", second)
	want(t, err, identity.ErrBadCode) // too old
	tooNew, err := totp.GenerateCode(secret, w.clock().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.withCode("jane", tooNew)
	want(t, err, identity.ErrBadCode)
	for _, odd := range []string{" ", "12345", "1234567", "abcdef", "１２３４５６", "-00001", strings.Repeat("1", 1000)} {
		w.pass(time.Hour)
		_, err := w.withCode("jane", odd)
		want(t, err, identity.ErrBadCode)
	}
	newest, err := totp.GenerateCode(secret, w.clock().Add(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.withCode("jane", newest); err != nil {
		t.Fatal(err)
	}
	_, err = w.withCode("jane", w.code(secret)) // of an older step than was used
	want(t, err, identity.ErrBadCode)
}

func TestOneCodeBeginsOneSessionOfManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	secret, codes, _ := w.enrolled("jane")
	for _, code := range []string{w.code(secret), codes[3]} {
		tried := make(chan error)
		for range 4 {
			go func() { _, err := w.withCode("jane", code); tried <- err }()
		}
		good := 0
		for range 4 {
			if err := <-tried; err == nil {
				good++
			} else if !errors.Is(err, identity.ErrBadCode) && !errors.Is(err, identity.ErrTooMany) {
				t.Error(err)
			}
		}
		if good != 1 {
			t.Fatalf("%d of 4 sign-ins by one code were let in", good)
		}
	}
}

func TestRecoveryCodesAreGoodOnceEach(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	_, codes, own := w.enrolled("jane")
	if _, err := w.withCode("jane", codes[0]); err != nil {
		t.Fatal(err)
	}
	_, err := w.withCode("jane", codes[0])
	want(t, err, identity.ErrBadCode)
	if _, err := w.withCode("jane", strings.ToUpper(strings.ReplaceAll(codes[9], "-", " "))); err != nil {
		t.Fatal("as it may be typed: ", err)
	}
	subject := w.subject(by(own))
	if f, err := w.SecondFactor(ctx, subject); err != nil || !f.Enabled || f.RecoveryCodesLeft != 8 {
		t.Fatalf("got %+v, %v", f, err)
	}
	_, err = w.RenewRecoveryCodes(ctx, subject, "wrong password", from(here))
	want(t, err, identity.ErrBadCredentials)
	fresh, err := w.RenewRecoveryCodes(ctx, subject, password, from(here))
	if err != nil || len(fresh) != 10 {
		t.Fatal(fresh, err)
	}
	_, err = w.withCode("jane", codes[1])
	want(t, err, identity.ErrBadCode)
	if _, err := w.withCode("jane", fresh[1]); err != nil {
		t.Fatal(err)
	}
	var dump bytes.Buffer
	if err := store.Dump(ctx, w.store, &dump); err != nil {
		t.Fatal(err)
	}
	for _, code := range fresh {
		if strings.Contains(dump.String(), code) || strings.Contains(dump.String(), strings.ReplaceAll(code, "-", "")) {
			t.Fatal("the store holds a recovery code")
		}
	}
}

func TestGuessedCodesWaitForWhoeverHasThePassword(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	secret, _, _ := w.enrolled("jane")
	for range 5 {
		_, err := w.withCode("jane", "000000")
		want(t, err, identity.ErrBadCode)
		_, err = w.SignIn(t.Context(), "jane", password, here) // forgives nothing
		want(t, err, identity.ErrSecondFactor)
	}
	longest := time.Duration(0)
	for range 12 {
		var wait *identity.TooMany
		_, err := w.Service.SignIn(t.Context(), identity.Proof{Name: "jane", Password: password, Code: w.code(secret), Client: from("203.0.113.9")})
		if !errors.As(err, &wait) { // the right code waits too
			t.Fatal(err)
		}
		longest = wait.RetryAfter
		w.pass(wait.RetryAfter)
		_, err = w.Service.SignIn(t.Context(), identity.Proof{Name: "jane", Password: password, Code: "000000", Client: from("203.0.113.9")})
		want(t, err, identity.ErrBadCode)
	}
	if longest != 15*time.Minute {
		t.Fatalf("the longest wait is %s", longest)
	}
	w.pass(15 * time.Minute)
	if _, err := w.withCode("jane", w.code(secret)); err != nil {
		t.Fatal(err)
	}
}

func TestSecondFactorIsChangedByItsOwnerAlone(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	w.user("john")
	secret, _, own := w.enrolled("jane")
	subject := w.subject(by(own))
	_, token, err := w.CreateToken(ctx, subject, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	byToken := w.subject(bearing("Bearer " + token))
	_, err = w.EnrolSecondFactor(ctx, byToken, password, from(here))
	want(t, err, identity.ErrDenied)
	_, err = w.ConfirmSecondFactor(ctx, byToken, w.code(secret))
	want(t, err, identity.ErrDenied)
	want(t, w.DisableSecondFactor(ctx, byToken, password, from(here)), identity.ErrDenied)
	want(t, w.DisableSecondFactor(ctx, subject, "wrong password", from(here)), identity.ErrBadCredentials)
	john := w.subject(by(w.signIn("john")))
	_, err = w.ConfirmSecondFactor(ctx, john, w.code(secret)) // begun by nobody
	want(t, err, identity.ErrState)
	_, err = w.SignIn(ctx, "jane", password, here)
	want(t, err, identity.ErrSecondFactor)
	if err := w.DisableSecondFactor(ctx, subject, password, from(here)); err != nil {
		t.Fatal(err)
	}
	w.signIn("jane")
	if f, err := w.SecondFactor(ctx, subject); err != nil || f.Enabled || f.Required {
		t.Fatalf("got %+v, %v", f, err)
	}
}

func TestLostSecondFactorIsResetAndNothingIsLeft(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	_, _, own := w.enrolled("jane")
	want(t, w.ResetSecondFactor(ctx, "nobody"), identity.ErrNotFound)
	if err := w.ResetSecondFactor(ctx, "jane"); err != nil {
		t.Fatal(err)
	}
	w.refused(by(own))
	w.signIn("jane")
	w.enrolled("jane")
	if err := w.DeleteUser(ctx, "jane"); err != nil {
		t.Fatal(err)
	}
	page, err := w.store.List(ctx, "secondfactors/", store.ListOptions{})
	if err != nil || len(page.Records) != 0 {
		t.Fatalf("left: %+v, %v", page.Records, err)
	}
}

func TestPolicyDemandsASecondFactor(t *testing.T) {
	for policy, demanded := range map[string]map[string]bool{
		identity.RequireNobody: {"root": false, "jane": false},
		identity.RequireAdmins: {"root": true, "jane": false},
		identity.RequireAll:    {"root": true, "jane": true},
	} {
		w := newWorldWith(t, filepath.Join(t.TempDir(), "atoll.db"), identity.Options{RequireSecondFactor: policy})
		ctx := t.Context()
		w.user("root", access.PlatformAdmin)
		w.user("jane", access.PlatformOperator)
		for name, must := range demanded {
			s := w.signIn(name)
			subject := w.subject(by(s))
			if s.MustEnrol != must || w.MustEnrol(subject) != must {
				t.Fatalf("%q: %s must enrol: %v", policy, name, s.MustEnrol)
			}
			_, _, own := w.enrolled(name)
			subject = w.subject(by(own))
			if w.MustEnrol(subject) {
				t.Fatalf("%q: %s must enrol again", policy, name)
			}
			err := w.DisableSecondFactor(ctx, subject, password, from(here))
			if must {
				want(t, err, identity.ErrDenied)
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}
