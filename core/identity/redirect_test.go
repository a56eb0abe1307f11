// Sign-ins on their way through a provider's page: bound to one browser, one
// provider and one moment, and of a bounded number.

package identity_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
)

// site is a provider with a page of its own. A code is the name of who it proves.
type site struct{ name string }

func (s site) Info() identity.ProviderInfo {
	return identity.ProviderInfo{Name: s.name, Title: "Site", Kind: identity.KindOIDC, Create: true}
}

func (site) GroupID(id string) string { return id }

func (site) Begin(_ context.Context, r identity.Redirect) (string, error) {
	return "https://site.example.com/?" + url.Values{"state": {r.State}, "nonce": {r.Nonce}, "back": {r.Callback}}.Encode(), nil
}

func (site) SignOut() string { return "https://site.example.com/out" }

func (site) Verify(_ context.Context, e identity.Evidence) (identity.Person, error) {
	if e.Redirect.Verifier == "" || e.Redirect.Nonce == "" || e.Code == "wrong" {
		return identity.Person{}, identity.ErrUnproven
	}
	return identity.Person{ID: "id of " + e.Code, Name: e.Code, Groups: []string{"system:masters"}}, nil
}

// sites is a world with two providers of that kind and a directory.
func sites(t *testing.T, required string) *world {
	return newWorldWith(t, filepath.Join(t.TempDir(), "atoll.db"), identity.Options{
		RequireSecondFactor: required, Providers: []identity.Provider{site{"sso"}, site{"other"}, directory{"ann": password}},
	})
}

// leave begins a sign-in at a provider and returns what its browser comes back with.
func (w *world) leave(provider string) identity.Return {
	w.t.Helper()
	begun, err := w.BeginAt(w.t.Context(), provider, identity.Way{Callback: "https://atoll.example.com/back", Next: "/workspaces"}, from(here))
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(begun.URL)
	if err != nil || strings.Contains(begun.URL, begun.Cookie) {
		w.t.Fatalf("%s %v", begun.URL, err)
	}
	return identity.Return{Cookie: begun.Cookie, State: u.Query().Get("state"), Code: "jane"}
}

func (w *world) back(provider string, r identity.Return) (identity.Session, error) {
	s, next, err := w.FinishAt(w.t.Context(), provider, r, from(here))
	if err == nil && next != "/workspaces" {
		w.t.Errorf("it goes on to %q", next)
	}
	return s, err
}

func TestSignInAtAPageBeginsASession(t *testing.T) {
	w := sites(t, identity.RequireAll)
	s, err := w.back("sso", w.leave("sso"))
	if err != nil {
		t.Fatal(err)
	}
	if s.MustEnrol {
		t.Error("the second factor is the provider's to ask for")
	}
	who := w.subject(by(s))
	if who.Name != "jane" || len(s.User.Groups) != 0 {
		t.Errorf("got %+v %+v", who, s.User)
	}
	if out, local := w.SignOutAt(s.User), w.SignOutAt(identity.User{Name: "root"}); out != "https://site.example.com/out" || local != "" {
		t.Errorf("one signs out at %q and %q", out, local)
	}
	logins, err := w.Logins(t.Context(), who.UID)
	if err != nil || len(logins) != 1 || logins[0].Provider != "sso" || logins[0].Result != identity.LoginDone {
		t.Errorf("got %+v %v", logins, err)
	}
	// A password is no way in, and no second factor can be set up by none.
	_, err = w.Service.SignIn(t.Context(), identity.Proof{Name: "jane", Password: password, Provider: "sso", Client: from(here)})
	want(t, err, identity.ErrDenied)
	_, err = w.SignIn(t.Context(), "jane", password, here)
	want(t, err, identity.ErrBadCredentials)
	_, err = w.EnrolSecondFactor(t.Context(), who, password, from(here))
	want(t, err, identity.ErrDenied)
	if err := w.SetDisabled(t.Context(), "jane", true); err != nil {
		t.Fatal(err)
	}
	w.refused(by(s))
	_, err = w.back("sso", w.leave("sso"))
	want(t, err, identity.ErrDenied)
}

func TestSignInAtAPageIsBoundToItsBrowser(t *testing.T) {
	w := sites(t, identity.RequireNobody)
	own, foreign := w.leave("sso"), w.leave("sso")
	for name, r := range map[string]identity.Return{
		"no cookie":          {State: own.State, Code: "jane"},
		"no state":           {Cookie: own.Cookie, Code: "jane"},
		"another's state":    {Cookie: own.Cookie, State: foreign.State, Code: "jane"},
		"another's cookie":   {Cookie: foreign.Cookie, State: own.State, Code: "jane"},
		"a state made up":    {Cookie: own.Cookie, State: strings.Repeat("A", len(own.State)), Code: "jane"},
		"a shortened state":  {Cookie: own.Cookie, State: own.State[:10], Code: "jane"},
		"the cookie as such": {Cookie: own.Cookie, State: own.Cookie, Code: "jane"},
	} {
		if _, err := w.back("sso", r); err == nil || !strings.Contains(err.Error(), "begin again") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.back("other", own)
	want(t, err, identity.ErrState)
	_, err = w.back("none", own)
	want(t, err, identity.ErrNotFound)
	_, err = w.back("corp", own)
	want(t, err, identity.ErrDenied)
	if _, err := w.back("sso", own); err != nil { // none of these has used it up
		t.Fatal(err)
	}
	_, err = w.back("sso", own)
	want(t, err, identity.ErrState)
	w.pass(10 * time.Minute)
	_, err = w.back("sso", foreign)
	want(t, err, identity.ErrState)
}

func TestRefusalOfAPageIsToldInItsWordOnly(t *testing.T) {
	w := sites(t, identity.RequireNobody)
	for word, said := range map[string]string{"access_denied": "access_denied", "<b>call 555 now": "nothing that can be used"} {
		r := w.leave("sso")
		r.Code, r.Error = "", word
		_, err := w.back("sso", r)
		want(t, err, identity.ErrUnproven)
		if !strings.Contains(err.Error(), said) || strings.Contains(err.Error(), "555") {
			t.Errorf("%q: %v", word, err)
		}
		_, err = w.back("sso", r)
		want(t, err, identity.ErrState)
	}
	r := w.leave("sso")
	r.Code = strings.Repeat("x", 9<<10)
	_, err := w.back("sso", r)
	want(t, err, identity.ErrUnproven)
}

func TestPageDoesNotMakeSomebodyElse(t *testing.T) {
	w := sites(t, identity.RequireNobody)
	w.user("root", access.PlatformAdmin)
	if _, err := w.Service.SignIn(t.Context(), identity.Proof{Name: "ann", Password: password, Provider: "corp", Client: from(here)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.back("other", w.leave("other")); err != nil { // jane of the other one
		t.Fatal(err)
	}
	for name, target := range map[string]error{
		"root": identity.ErrExists, "ann": identity.ErrExists, "jane": identity.ErrExists,
		"system:masters": identity.ErrInvalid, "system:kube-controller-manager": identity.ErrInvalid, "atoll:root": identity.ErrInvalid,
		"me": identity.ErrInvalid, "../root": identity.ErrInvalid, "root\n": identity.ErrInvalid, "r\u043eot": identity.ErrInvalid, "robot.shop.ci": identity.ErrInvalid,
	} {
		r := w.leave("sso")
		r.Code = name
		s, err := w.back("sso", r)
		if s.ID != "" {
			t.Fatalf("%q came in as %+v", name, s.User)
		}
		want(t, err, target)
	}
}

func TestWrongCodesHaveToWait(t *testing.T) {
	w := sites(t, identity.RequireNobody)
	refused := 0
	for range 100 {
		r := w.leave("sso")
		r.Code = "wrong"
		_, err := w.back("sso", r)
		if _, many := err.(*identity.TooMany); many {
			break
		}
		want(t, err, identity.ErrUnproven)
		refused++
	}
	if refused < 5 || refused == 100 {
		t.Errorf("%d codes were tried", refused)
	}
}

func TestSignInsOnTheirWayAreBounded(t *testing.T) {
	w := sites(t, identity.RequireNobody)
	begin := func(remote string) identity.Return {
		t.Helper()
		begun, err := w.BeginAt(t.Context(), "sso", identity.Way{Callback: "https://atoll.example.com/back", Next: "/workspaces"}, from(remote))
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(begun.URL)
		return identity.Return{Cookie: begun.Cookie, State: u.Query().Get("state"), Code: "jane"}
	}
	mine, first := begin("198.51.100.7:1"), begin(here)
	for range 300 {
		begin(here) // a flood pushes out its own
	}
	if _, err := w.back("sso", first); err == nil {
		t.Error("the flood's first is there still")
	}
	if _, err := w.back("sso", mine); err != nil {
		t.Errorf("the flood has pushed out another's: %v", err)
	}
	oldest := begin("198.51.100.7:1")
	for i := range 10_000 {
		begin(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
	}
	if _, err := w.back("sso", oldest); err == nil {
		t.Error("more than ten thousand are kept")
	}
}
