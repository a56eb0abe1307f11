// Codes for programs: where they go, what they are bound to, and that each is good
// once.

package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
)

const (
	program      = "http://127.0.0.1:43211/"
	programState = "jfkr0u1UuKiXEAtVxSnIJQ"
	verifier     = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func ask() identity.Authorization {
	hash := sha256.Sum256([]byte(verifier))
	return identity.Authorization{
		Token: identity.NewToken{Name: "atoll login on laptop", Lifetime: time.Hour}, Redirect: program, State: programState, Challenge: base64.RawURLEncoding.EncodeToString(hash[:]),
	}
}

// confirm gives what the program has of it that a person confirmed.
func (w *world) confirm(s access.Subject, a identity.Authorization) identity.Exchange {
	w.t.Helper()
	to, err := w.Authorize(s, a)
	if err != nil {
		w.t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(to, a.Redirect+"?")
	query, err := url.ParseQuery(rest)
	if !ok || err != nil || len(query) != 2 || query.Get("state") != a.State || len(query.Get("code")) != 43 {
		w.t.Fatalf("the browser goes to %s", to)
	}
	return identity.Exchange{Code: query.Get("code"), Verifier: verifier, Redirect: a.Redirect, Client: from(here)}
}

func TestProgramGetsItsTokenOnce(t *testing.T) {
	w := newWorld(t)
	jane := w.user("jane")
	a := ask()
	a.Token.ReadOnly = true
	x := w.confirm(w.subject(by(w.signIn("jane"))), a)
	token, secret, who, err := w.Exchange(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if who.Name != "jane" || who.UID != jane.UID || token.Name != a.Token.Name || !token.ReadOnly || !token.ExpiresAt.Equal(w.clock().Add(time.Hour)) {
		t.Errorf("got %+v for %+v", token, who)
	}
	if s := w.subject(bearing("Bearer " + secret)); s.UID != jane.UID || !s.ReadOnly {
		t.Errorf("the token stands for %+v", s)
	}
	_, _, _, err = w.Exchange(t.Context(), x)
	want(t, err, identity.ErrBadCode)
}

func TestCodeIsForItsProgramAlone(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	jane := w.subject(by(w.signIn("jane")))
	for name, change := range map[string]func(*identity.Exchange){
		"no verifier":       func(x *identity.Exchange) { x.Verifier = "" },
		"another verifier":  func(x *identity.Exchange) { x.Verifier = strings.Repeat("a", 43) },
		"the challenge":     func(x *identity.Exchange) { x.Verifier = ask().Challenge },
		"another address":   func(x *identity.Exchange) { x.Redirect = "http://127.0.0.1:43212/" },
		"no address":        func(x *identity.Exchange) { x.Redirect = "" },
		"a minute too late": func(*identity.Exchange) { w.pass(time.Minute) },
	} {
		good := w.confirm(jane, ask())
		x := good
		change(&x)
		if _, secret, _, err := w.Exchange(t.Context(), x); secret != "" {
			t.Errorf("%s: a token came of it", name)
		} else {
			want(t, err, identity.ErrBadCode)
		}
		_, _, _, err := w.Exchange(t.Context(), good) // somebody else has it: it is over
		want(t, err, identity.ErrBadCode)
		w.pass(time.Hour / 2) // nobody has to wait
		jane = w.subject(by(w.signIn("jane")))
	}
	for _, code := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 100)} {
		_, _, _, err := w.Exchange(t.Context(), identity.Exchange{Code: code, Verifier: verifier, Redirect: program, Client: from("198.51.100.7:1")})
		want(t, err, identity.ErrBadCode)
	}
	if tokens, err := w.ListTokens(t.Context(), jane); err != nil || len(tokens) != 0 {
		t.Errorf("there are %+v %v", tokens, err)
	}
}

func TestCodeEndsWithItsSession(t *testing.T) {
	w := newWorld(t)
	for name, end := range map[string]func(access.Subject) error{
		"signs-out":           func(s access.Subject) error { w.SignOut(t.Context(), s); return nil },
		"is-locked":           func(s access.Subject) error { return w.SetDisabled(t.Context(), s.Name, true) },
		"gets-a-new-password": func(s access.Subject) error { _, err := w.ResetPassword(t.Context(), s.Name); return err },
	} {
		w.user(name)
		who := w.subject(by(w.signIn(name)))
		x := w.confirm(who, ask())
		if err := end(who); err != nil {
			t.Fatal(err)
		}
		if _, secret, _, err := w.Exchange(t.Context(), x); secret != "" {
			t.Errorf("who %s has a token", name)
		} else {
			want(t, err, identity.ErrBadCode)
		}
	}
}

func TestSessionAloneConfirms(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	s := w.subject(by(w.signIn("jane")))
	_, secret, err := w.CreateToken(t.Context(), s, identity.NewToken{Name: "t", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	byToken := w.subject(bearing("Bearer " + secret))
	for _, answer := range []func(access.Subject, identity.Authorization) (string, error){w.Authorize, w.Decline} {
		_, err = answer(byToken, ask())
		want(t, err, identity.ErrDenied)
		_, err = answer(access.Subject{}, ask())
		want(t, err, identity.ErrDenied)
	}
}

func TestBrowserIsSentToProgramsOfItsComputerOnly(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	jane := w.subject(by(w.signIn("jane")))
	for redirect, right := range map[string]bool{
		program: true, "http://[::1]:43211/": true, "http://127.0.0.1:1": true, "http://127.0.0.1:43211/a/b": true,
		"": false, "/": false, "//evil.example": false, "https://127.0.0.1:43211/": false, "http://127.0.0.1/": false, "http://127.0.0.1:0/": false,
		"http://127.0.0.1:65536/": false, "http://127.0.0.1:080/": false, "http://localhost:43211/": false, "http://127.0.0.2:43211/": false,
		"http://127.0.0.1:43211@evil.example/": false, "http://127.0.0.1:43211.evil.example/": false, "http://evil.example:80/": false, "http://evil.example#127.0.0.1:1/": false,
		"http://0.0.0.0:43211/": false, "http://[::]:43211/": false, "http://[::ffff:127.0.0.1]:43211/": false, "http://[::1%25lo]:43211/": false, "http://[0:0:0:0:0:0:0:1]:43211/": false,
		"http://2130706433:43211/": false, "http://0x7f.1:43211/": false, "http://127.1:43211/": false, "http://192.0.2.1:43211/": false,
		"HTTP://127.0.0.1:43211/": false, " http://127.0.0.1:43211/": false, "http://127.0.0.1:43211/\n": false, "http:\\\\127.0.0.1:43211/": false,
		"http://127.0.0.1:43211/?next=x": false, "http://127.0.0.1:43211/#x": false, "http://127.0.0.1:43211/%2e": false, "http://127.0.0.1:43211/../x": false,
		"javascript:alert(1)//127.0.0.1:43211/": false, "http://127.0.0.1:43211/" + strings.Repeat("x", 200): false,
	} {
		a := ask()
		a.Redirect = redirect
		for name, answer := range map[string]func(access.Subject, identity.Authorization) (string, error){"confirmed": w.Authorize, "declined": w.Decline} {
			to, err := answer(jane, a)
			if right && (err != nil || !strings.HasPrefix(to, redirect+"?")) {
				t.Errorf("%s to %q: %q %v", name, redirect, to, err)
			}
			if !right {
				if to != "" {
					t.Errorf("%s to %q: the browser goes to %q", name, redirect, to)
				}
				want(t, err, identity.ErrInvalid)
			}
		}
	}
	if to, err := w.Decline(jane, ask()); err != nil || to != program+"?error=access_denied&state="+programState {
		t.Errorf("declined: %q %v", to, err)
	}
}

func TestWhatAProgramMayNotAskFor(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	jane := w.subject(by(w.signIn("jane")))
	for name, change := range map[string]func(*identity.Authorization){
		"no state":          func(a *identity.Authorization) { a.State = "" },
		"a short state":     func(a *identity.Authorization) { a.State = "abc" },
		"a state with text": func(a *identity.Authorization) { a.State = programState + "&code=x" },
		"no challenge":      func(a *identity.Authorization) { a.Challenge = "" },
		"a plain challenge": func(a *identity.Authorization) { a.Challenge = verifier + "~" },
		"no name":           func(a *identity.Authorization) { a.Token.Name = "" },
		"a name of lines":   func(a *identity.Authorization) { a.Token.Name = "a\nb" },
		"no lifetime":       func(a *identity.Authorization) { a.Token.Lifetime = 0 },
		"a long lifetime":   func(a *identity.Authorization) { a.Token.Lifetime = 400 * 24 * time.Hour },
	} {
		a := ask()
		change(&a)
		if to, err := w.Authorize(jane, a); to != "" || err == nil {
			t.Errorf("%s: %q %v", name, to, err)
		} else {
			want(t, err, identity.ErrInvalid)
		}
	}
}

func TestCodesAreBoundedAndGuessesWait(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	w.user("joe")
	jane, joe := w.subject(by(w.signIn("jane"))), w.subject(by(w.signIn("joe")))
	theirs, first := w.confirm(joe, ask()), w.confirm(jane, ask())
	for range 20 {
		w.confirm(jane, ask())
	}
	if _, _, _, err := w.Exchange(t.Context(), first); err == nil {
		t.Error("more than ten codes of one person are kept")
	}
	if _, _, _, err := w.Exchange(t.Context(), theirs); err != nil {
		t.Errorf("one person's codes have pushed out another's: %v", err)
	}
	tried := 0
	for range 100 {
		_, _, _, err := w.Exchange(t.Context(), identity.Exchange{Code: strings.Repeat("A", 43), Verifier: verifier, Redirect: program, Client: from("198.51.100.7:1")})
		if _, many := err.(*identity.TooMany); many {
			break
		}
		want(t, err, identity.ErrBadCode)
		tried++
	}
	if tried < 5 || tried == 100 {
		t.Errorf("%d codes were tried", tried)
	}
}
