// Tokens: what they are good for, and what is none.

package identity_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
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
