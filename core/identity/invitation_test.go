// Invitations: good once, for a while, for people, and for no more than the world
// around grants.

package identity_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

var (
	shop   = access.BindingScope{Kind: access.KindWorkspace, UID: "uid-of-shop"}
	office = access.BindingScope{Kind: access.KindWorkspace, UID: "uid-of-office"}
)

// errGrant is what the world says of a role that it does not give.
var errGrant = errors.New("not given")

// inviting is a world whose invitations give what they say, by a binding, except
// the role "too-much".
func inviting(t *testing.T, o identity.Options) *world {
	t.Helper()
	var w *world
	o.Grant = func(_ context.Context, i identity.Invitation, uid string) ([]store.Op, error) {
		if i.Role == "too-much" {
			return nil, errGrant
		}
		bindings := store.NewCollection[access.Binding](w.store, access.BindingPrefix)
		op, err := bindings.PutOp("workspace/"+i.Scope.UID+"/"+uid, access.Binding{UID: access.NewUID(), SubjectUID: uid, Role: i.Role, Scope: i.Scope})
		return []store.Op{op}, err
	}
	w = newWorldWith(t, filepath.Join(t.TempDir(), "atoll.db"), o)
	return w
}

// invite makes an invitation to a place, by somebody.
func (w *world) invite(scope access.BindingScope, role string, life time.Duration) (identity.Invitation, string) {
	w.t.Helper()
	i, token, err := w.Invite(w.t.Context(), access.Subject{Name: "petra", UID: "uid-of-petra"}, identity.NewInvitation{Scope: scope, Role: role, Note: "For Ann", Lifetime: life})
	if err != nil {
		w.t.Fatal(err)
	}
	return i, token
}

// has tells how many roles somebody has.
func (w *world) has(u identity.User) int { return len(w.index.BindingsOf(u.UID)) }

func ann() identity.NewUser {
	return identity.NewUser{Name: "ann", DisplayName: "Ann Lee", Password: password, PlatformRoles: []string{access.PlatformAdmin}}
}

func TestInvitedMakeAnAccountOnce(t *testing.T) {
	w := inviting(t, identity.Options{})
	made, token := w.invite(shop, access.WorkspaceMember, time.Hour)
	if read, err := w.ReadInvitation(t.Context(), token); err != nil || read != made || read.Note != "For Ann" {
		t.Fatalf("%+v %v", read, err)
	}
	weak := ann()
	weak.Password = "short"
	for name, n := range map[string]identity.NewUser{"weak": weak, "nobody": {Name: "Ann", Password: password}, "mine": {Name: "robot.shop.ci", Password: password}, "empty": {Name: "ann"}} {
		if _, err := w.Register(t.Context(), token, n); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	u, err := w.Register(t.Context(), token, ann())
	if err != nil {
		t.Fatal(err)
	}
	bindings := w.index.BindingsOf(u.UID)
	if len(bindings) != 1 || u.MustChangePassword {
		t.Errorf("%+v has %v", u, bindings) // the role of the platform that was asked for is not given
	}
	for _, b := range bindings {
		if b.Role != access.WorkspaceMember || b.Scope != shop {
			t.Errorf("got %+v", b)
		}
	}
	w.signIn("ann")
	bob := ann()
	bob.Name = "bob"
	_, err = w.Register(t.Context(), token, bob)
	want(t, err, identity.ErrNotFound)
	_, err = w.GetUser(t.Context(), "bob")
	want(t, err, identity.ErrNotFound)
	_, err = w.ReadInvitation(t.Context(), token)
	want(t, err, identity.ErrNotFound)
}

func TestInvitationIsGoodForOneOfManyAtOnce(t *testing.T) {
	w := inviting(t, identity.Options{})
	_, token := w.invite(shop, access.WorkspaceMember, time.Hour)
	var all sync.WaitGroup
	var mu sync.Mutex
	came := 0
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		all.Go(func() {
			n := ann()
			n.Name = name
			_, err := w.Register(t.Context(), token, n)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				came++
			} else if !errors.Is(err, identity.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	users, err := w.ListUsers(t.Context())
	if err != nil || came != 1 || len(users) != 1 {
		t.Errorf("%d came, there are %d: %v", came, len(users), err)
	}
}

func TestInvitationThatIsNoneGivesNothing(t *testing.T) {
	w := inviting(t, identity.Options{})
	jane := w.user("jane")
	s := w.subject(by(w.signIn("jane")))
	i, token := w.invite(shop, access.WorkspaceMember, time.Hour)
	_, other := w.invite(office, access.WorkspaceMember, time.Hour)
	secret := strings.TrimPrefix(other, identity.InvitationMark)[len(i.ID)+1:]
	for name, bad := range map[string]string{
		"nothing": "", "the id": i.ID, "no secret": identity.InvitationMark + i.ID, "an empty secret": identity.InvitationMark + i.ID + "_", "a short secret": token[:len(token)-1],
		"another's secret": identity.InvitationMark + i.ID + "_" + secret, "more": token + "A", "a path": identity.InvitationMark + "../../users/jane_" + secret,
		"an API token's mark": strings.Replace(token, identity.InvitationMark, identity.TokenMark, 1),
	} {
		if _, err := w.Accept(t.Context(), s, bad); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.refused(bearing("Bearer " + token))
	// By a token, whatever it may, nobody accepts.
	_, made, err := w.CreateToken(t.Context(), s, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Accept(t.Context(), w.subject(bearing("Bearer "+made)), token)
	want(t, err, identity.ErrDenied)
	_, much := w.invite(shop, "too-much", time.Hour)
	_, err = w.Accept(t.Context(), s, much)
	want(t, err, errGrant)
	if _, err := w.ReadInvitation(t.Context(), much); err != nil {
		t.Errorf("it is used up: %v", err)
	}
	want(t, w.RevokeInvitation(t.Context(), office, i.ID), identity.ErrNotFound)
	want(t, w.RevokeInvitation(t.Context(), shop, "../users/jane"), identity.ErrNotFound)
	if err := w.RevokeInvitation(t.Context(), shop, i.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.Accept(t.Context(), s, token)
	want(t, err, identity.ErrNotFound)
	w.pass(time.Hour)
	_, err = w.Accept(t.Context(), s, other)
	want(t, err, identity.ErrNotFound)
	if n := w.has(jane); n != 0 {
		t.Errorf("jane has %d roles", n)
	}
}

func TestSignedInAcceptOnce(t *testing.T) {
	w := inviting(t, identity.Options{})
	jane := w.user("jane")
	s := w.subject(by(w.signIn("jane")))
	_, token := w.invite(shop, access.WorkspaceMember, time.Hour)
	if i, err := w.Accept(t.Context(), s, token); err != nil || i.Scope != shop {
		t.Fatalf("%+v %v", i, err)
	}
	if n := w.has(jane); n != 1 {
		t.Errorf("jane has %d roles", n)
	}
	_, err := w.Accept(t.Context(), s, token)
	want(t, err, identity.ErrNotFound)
}

// closed is a directory whose people appear by invitation only.
type closed struct{ directory }

func (closed) Info() identity.ProviderInfo {
	return identity.ProviderInfo{Name: "corp", Title: "Corporate directory", Kind: identity.KindLDAP}
}

// closedSite is a provider with a page, in the same way.
type closedSite struct{ site }

func (c closedSite) Info() identity.ProviderInfo {
	i := c.site.Info()
	i.Create = false
	return i
}

func TestInvitedComeByAProvider(t *testing.T) {
	w := inviting(t, identity.Options{InviteByProviderOnly: true, Providers: []identity.Provider{closed{directory{"ann": password, "bob": password}}, closedSite{site{"sso"}}}})
	signIn := func(name, invitation string) (identity.Session, error) {
		return w.Service.SignIn(t.Context(), identity.Proof{Name: name, Password: password, Provider: "corp", Invitation: invitation, Client: from(here)})
	}
	atPage := func(invitation string) (identity.Session, error) {
		begun, err := w.BeginAt(t.Context(), "sso", identity.Way{Callback: "https://atoll.example.com/back", Next: "/workspaces", Invitation: invitation}, from(here))
		if err != nil {
			return identity.Session{}, err
		}
		_, state, _ := strings.Cut(begun.URL, "state=")
		return w.back("sso", identity.Return{Cookie: begun.Cookie, State: state, Code: "jane"})
	}
	_, token := w.invite(shop, access.WorkspaceMember, time.Hour)
	_, err := w.Register(t.Context(), token, ann())
	want(t, err, identity.ErrDenied)
	_, err = signIn("ann", "")
	want(t, err, identity.ErrNotInvited)
	_, err = signIn("ann", "atoll_invitation_none")
	want(t, err, identity.ErrNotFound)
	_, err = w.GetUser(t.Context(), "ann")
	want(t, err, identity.ErrNotFound)
	s, err := signIn("ann", token)
	if err != nil || w.has(s.User) != 1 {
		t.Fatalf("%+v %v", s.User, err)
	}
	if _, err := signIn("ann", ""); err != nil {
		t.Error(err) // she has an account now
	}
	_, err = signIn("bob", token)
	want(t, err, identity.ErrNotFound)
	_, second := w.invite(office, access.WorkspaceMember, time.Hour)
	if s, err := signIn("ann", second); err != nil || w.has(s.User) != 2 {
		t.Errorf("one who is here: %d %v", w.has(s.User), err)
	}
	_, err = atPage("")
	want(t, err, identity.ErrNotInvited)
	_, err = atPage(second)
	want(t, err, identity.ErrNotFound)
	_, third := w.invite(shop, access.WorkspaceMember, time.Hour)
	if s, err := atPage(third); err != nil || s.User.Name != "jane" || w.has(s.User) != 1 {
		t.Errorf("at a page: %+v %v", s.User, err)
	}
	// One that the world does not grant makes nobody.
	_, much := w.invite(shop, "too-much", time.Hour)
	_, err = signIn("bob", much)
	want(t, err, errGrant)
	_, err = w.GetUser(t.Context(), "bob")
	want(t, err, identity.ErrNotFound)
}

func TestInvitationsAreBounded(t *testing.T) {
	w := inviting(t, identity.Options{})
	petra := access.Subject{Name: "petra", UID: "uid-of-petra"}
	invite := func(n identity.NewInvitation) error {
		_, _, err := w.Invite(t.Context(), petra, n)
		return err
	}
	for name, n := range map[string]identity.NewInvitation{
		"a long one": {Scope: shop, Role: access.WorkspaceMember, Lifetime: 31 * 24 * time.Hour}, "a short one": {Scope: shop, Role: access.WorkspaceMember, Lifetime: time.Second},
		"a note of lines": {Scope: shop, Role: access.WorkspaceMember, Lifetime: time.Hour, Note: "a\nb"}, "a long note": {Scope: shop, Role: access.WorkspaceMember, Lifetime: time.Hour, Note: strings.Repeat("a", 301)},
	} {
		if err := invite(n); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := identity.NewInvitation{Scope: shop, Role: access.WorkspaceMember, Lifetime: time.Hour}
	for range 200 {
		if err := invite(good); err != nil {
			t.Fatal(err)
		}
	}
	want(t, invite(good), identity.ErrDenied)
	elsewhere := good
	elsewhere.Scope = office
	if err := invite(elsewhere); err != nil {
		t.Errorf("elsewhere: %v", err)
	}
	w.pass(time.Hour)
	if err := invite(good); err != nil {
		t.Errorf("when they are over: %v", err)
	}
	if open, err := w.Invitations(t.Context(), shop); err != nil || len(open) != 1 {
		t.Errorf("%d are open: %v", len(open), err)
	}
	petra.ReadOnly = true
	want(t, invite(good), identity.ErrDenied)
}
