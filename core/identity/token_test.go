// Tokens: what they are good for, and what is none.

package identity_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/store/storetest"
)

func TestTokenStandsForItsOwnerUntilItEnds(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	u := w.user("jane")
	owner := w.subject(by(w.signIn("jane")))
	token, secret, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "laptop", Lifetime: time.Hour})
	if err != nil || !strings.HasPrefix(secret, "atoll_") || !token.ExpiresAt.Equal(w.clock().Add(time.Hour)) || !token.LastUsedAt.IsZero() {
		t.Fatalf("got %+v, %v", token, err)
	}
	s := w.subject(bearing("Bearer " + secret))
	if s != (access.Subject{Name: "jane", UID: u.UID, Via: access.ViaToken, Credential: token.ID}) {
		t.Fatalf("got %+v", s)
	}
	w.subject(bearing("bearer  " + secret))
	w.pass(59 * time.Minute)
	w.subject(bearing("Bearer " + secret))
	list, err := w.ListTokens(ctx, owner)
	if err != nil || len(list) != 1 || list[0].Name != "laptop" || !list[0].LastUsedAt.Equal(w.clock()) {
		t.Fatalf("got %+v, %v", list, err)
	}
	w.pass(time.Minute)
	w.refused(bearing("Bearer " + secret))
	if w.Alive(s) {
		t.Fatal("alive after its time")
	}
}

func TestRevokedTokenEndsAtOnce(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	w.user("joe")
	jane, joe := w.subject(by(w.signIn("jane"))), w.subject(by(w.signIn("joe")))
	token, secret, err := w.CreateToken(ctx, jane, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := w.subject(bearing("Bearer " + secret))
	want(t, w.RevokeToken(ctx, joe, token.ID), identity.ErrNotFound) // another's
	for _, id := range []string{"", "x", "../users/jane", strings.Repeat("a", 16), "tokens/" + token.ID} {
		want(t, w.RevokeToken(ctx, jane, id), identity.ErrNotFound)
	}
	w.subject(bearing("Bearer " + secret))
	revoked := w.Revoked(ctx)
	if err := w.RevokeToken(ctx, jane, token.ID); err != nil {
		t.Fatal(err)
	}
	<-revoked
	w.refused(bearing("Bearer " + secret))
	if w.Alive(s) {
		t.Fatal("alive after it was revoked")
	}
	if list, err := w.ListTokens(ctx, joe); err != nil || len(list) != 0 {
		t.Fatalf("joe has %+v, %v", list, err)
	}
}

func TestTokenMadeByATokenDoesNotOutliveIt(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	owner := w.subject(by(w.signIn("jane")))
	first, secret, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "first", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := w.subject(bearing("Bearer " + secret))
	second, _, err := w.CreateToken(ctx, s, identity.NewToken{Name: "second", Lifetime: 100 * time.Hour})
	if err != nil || !second.ExpiresAt.Equal(first.ExpiresAt) {
		t.Fatalf("got %+v, %v", second, err)
	}
	_, only, err := w.CreateToken(ctx, s, identity.NewToken{Name: "reader", Lifetime: time.Minute, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	reader := w.subject(bearing("Bearer " + only))
	if !reader.ReadOnly {
		t.Fatal("the token for reading is not")
	}
	_, _, err = w.CreateToken(ctx, reader, identity.NewToken{Name: "more", Lifetime: time.Minute})
	want(t, err, identity.ErrDenied)
	want(t, w.RevokeToken(ctx, reader, first.ID), identity.ErrDenied)
	if err := w.RevokeToken(ctx, s, first.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.CreateToken(ctx, s, identity.NewToken{Name: "after", Lifetime: time.Minute}) // by one that is no more
	want(t, err, identity.ErrUnauthenticated)
}

func TestTokensAreBounded(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	s := w.subject(by(w.signIn("jane")))
	for _, n := range []identity.NewToken{
		{Lifetime: time.Hour}, {Name: "x"}, {Name: "x", Lifetime: -1}, {Name: "x", Lifetime: 400 * 24 * time.Hour},
		{Name: strings.Repeat("x", 121), Lifetime: time.Hour}, {Name: "a\nb", Lifetime: time.Hour},
	} {
		_, _, err := w.CreateToken(ctx, s, n)
		want(t, err, identity.ErrInvalid)
	}
	for i := range 50 {
		if _, _, err := w.CreateToken(ctx, s, identity.NewToken{Name: fmt.Sprint(i), Lifetime: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := w.CreateToken(ctx, s, identity.NewToken{Name: "one more", Lifetime: time.Hour})
	want(t, err, identity.ErrDenied)
	w.pass(time.Hour)
	if _, _, err := w.CreateToken(ctx, s, identity.NewToken{Name: "now", Lifetime: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if list, err := w.ListTokens(ctx, s); err != nil || len(list) != 1 {
		t.Fatalf("%d tokens, %v: those that ran out are kept", len(list), err)
	}
	_, _, err = w.CreateToken(ctx, access.Subject{}, identity.NewToken{Name: "nobody's", Lifetime: time.Hour})
	want(t, err, identity.ErrDenied)
}

func FuzzAuthorization(f *testing.F) {
	w := newWorld(f)
	u, _, err := w.CreateUser(f.Context(), identity.NewUser{Name: "jane", Password: password})
	if err != nil {
		f.Fatal(err)
	}
	token, secret, err := w.CreateToken(f.Context(), access.Subject{Name: "jane", UID: u.UID}, identity.NewToken{Name: "x", Lifetime: time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		"Bearer " + secret, "Bearer " + secret[:len(secret)-1], "Bearer " + secret + "A", "Bearer atoll_" + token.ID + "_", "Bearer atoll_../users/jane_x",
		"Bearer atoll__", "Basic x", "Bearer", "\x00", "Bearer " + strings.ToUpper(secret), "Bearer atoll_" + strings.Repeat("a", 16) + "_" + secret[len(secret)-43:],
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, header, cookie string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		s, err := w.Authenticate(r)
		scheme, rest, _ := strings.Cut(header, " ")
		right := strings.EqualFold(scheme, "bearer") && strings.TrimSpace(rest) == secret
		if right != (err == nil) || err == nil && s.Name != "jane" || err != nil && !errors.Is(err, identity.ErrUnauthenticated) {
			t.Fatalf("%q is %+v, %v", header, s, err)
		}
		r = httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", identity.CookieName+"="+cookie)
		if s, err := w.Authenticate(r); !errors.Is(err, identity.ErrUnauthenticated) {
			t.Fatalf("the cookie %q is %+v, %v", cookie, s, err)
		}
	})
}

// A token that somebody else deletes in the store, as another replica would.
func TestTokenDeletedInTheStoreEnds(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	owner := w.subject(by(w.signIn("jane")))
	token, secret, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := w.subject(bearing("Bearer " + secret))
	revoked := w.Revoked(ctx)
	if _, err := w.store.Commit(ctx, nil, store.Delete("tokens/"+token.ID)); err != nil {
		t.Fatal(err)
	}
	// Its owner may revoke it all the same, and from then on knows that it is gone.
	want(t, w.RevokeToken(ctx, owner, token.ID), identity.ErrNotFound)
	w.refused(bearing("Bearer " + secret))
	<-revoked // who holds a connection by it is told
	if w.Alive(s) {
		t.Fatal("alive after it was deleted")
	}
}

// A record that was changed otherwise counts as it is, or not at all.
func TestTokenCountsAsItsRecordSays(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	owner := w.subject(by(w.signIn("jane")))
	token, secret, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	w.subject(bearing("Bearer " + secret))
	key := "tokens/" + token.ID
	good, err := w.store.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(good.Value)
	for _, bad := range []string{
		"", "{", `{}`, `{"expiresAt":"2031-01-01T00:00:00Z"}`,
		strings.Replace(text, `"hash":"`, `"hash":"AA`, 1), strings.Replace(text, `"hash":"`, `"hash":"!`, 1),
		strings.Replace(text, `"expiresAt":"2030`, `"expiresAt":"2029`, 1), strings.Replace(text, `"userUID":"`, `"userUID":"x`, 1),
	} {
		if bad == text {
			t.Fatal("the record is not what the test takes it for: ", text)
		}
		w.write(store.Put(key, []byte(bad)))
		w.refused(bearing("Bearer " + secret))
		w.write(store.Put(key, good.Value))
		w.subject(bearing("Bearer " + secret))
	}
}

func TestReadersOfALostStoreAreRefused(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	owner := w.subject(by(w.signIn("jane")))
	token, secret, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	flaky := &storetest.Losable{Store: w.store}
	v, err := identity.New(flaky, w.index, identity.Options{HashMemory: 64, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	s, err := v.Authenticate(bearing("Bearer " + secret))
	if err != nil {
		t.Fatal(err)
	}
	flaky.Lose()
	for err == nil { // until it has noticed
		_, err = v.Authenticate(bearing("Bearer " + secret))
	}
	if errors.Is(err, identity.ErrUnauthenticated) || v.Alive(s) {
		t.Fatalf("with the store lost: %v, alive %v", err, v.Alive(s))
	}
	revoked := v.Revoked(ctx)
	if err := w.RevokeToken(ctx, owner, token.ID); err != nil {
		t.Fatal(err)
	}
	flaky.Restore()
	<-revoked // told when the store is back
	_, err = v.Authenticate(bearing("Bearer " + secret))
	want(t, err, identity.ErrUnauthenticated)
	v.Close()
	if _, err = v.Authenticate(bearing("Bearer " + secret)); err == nil {
		t.Fatal("a closed service knows tokens")
	}
}

// The watch brings what was made while others revoke it: no request after a
// revocation is let in.
func TestRevocationWinsAgainstTheWatch(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	owner := w.subject(by(w.signIn("jane")))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				token, secret, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "ci", Lifetime: time.Hour})
				if err != nil {
					t.Error(err)
					return
				}
				r := bearing("Bearer " + secret)
				if _, err := w.Authenticate(r); err != nil {
					t.Errorf("a token that was just made: %v", err)
				}
				var inner sync.WaitGroup
				inner.Go(func() { _, _ = w.store.Commit(ctx, nil, store.Delete("tokens/"+token.ID)) })
				if err := w.RevokeToken(ctx, owner, token.ID); err != nil && !errors.Is(err, identity.ErrNotFound) {
					t.Error(err)
				}
				if _, err := w.Authenticate(r); !errors.Is(err, identity.ErrUnauthenticated) {
					t.Errorf("after it was revoked: %v", err)
				}
				inner.Wait()
			}
		})
	}
	wait.Wait()
}

func TestRecognizingATokenAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	w.user("jane")
	_, secret, err := w.CreateToken(t.Context(), w.subject(by(w.signIn("jane"))), identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r := bearing("Bearer " + secret)
	if n := testing.AllocsPerRun(100, func() { w.subject(r) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestLimitedTokenChangesNothingOfItsOwner(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	owner := w.subject(by(w.signIn("jane")))
	limit := access.Limit{Permissions: []access.Permission{access.WorkloadsView}, Scopes: []access.BindingScope{{Kind: access.KindWorkspace, UID: "w1"}}}
	token, secret, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "ci", Lifetime: time.Hour, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	s := w.subject(bearing("Bearer " + secret))
	if s.Limit == nil || len(s.Limit.Permissions) != 1 || len(s.Limit.Scopes) != 1 || s.Limit.Scopes[0] != limit.Scopes[0] || !s.Narrow() {
		t.Fatalf("got %+v", s)
	}
	if again := w.subject(bearing("Bearer " + secret)); again != s {
		t.Fatal("the limit is made anew for each request")
	}
	_, _, err = w.CreateToken(ctx, s, identity.NewToken{Name: "wider", Lifetime: time.Hour})
	want(t, err, identity.ErrDenied)
	other, _, err := w.CreateToken(ctx, owner, identity.NewToken{Name: "other", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want(t, w.RevokeToken(ctx, s, other.ID), identity.ErrDenied)
	want(t, w.SignOutEverywhere(ctx, s, true), identity.ErrDenied)
	want(t, w.ChangePassword(ctx, s, password, "another fine password", from(here)), identity.ErrDenied)
	limit.Permissions = make([]access.Permission, 129)
	_, _, err = w.CreateToken(ctx, owner, identity.NewToken{Name: "ci", Lifetime: time.Hour, Limit: limit})
	want(t, err, identity.ErrInvalid)
	if err := w.RevokeToken(ctx, s, token.ID); err != nil { // but it may end itself
		t.Fatal(err)
	}
	w.refused(bearing("Bearer " + secret))
}
