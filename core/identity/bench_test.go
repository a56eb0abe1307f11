// What telling who asks costs each request.

package identity_test

import (
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/identity"
)

func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	if _, _, err := w.CreateUser(b.Context(), identity.NewUser{Name: "jane", Password: password}); err != nil {
		b.Fatal(err)
	}
	s, err := w.SignIn(b.Context(), "jane", password, here)
	if err != nil {
		b.Fatal(err)
	}
	_, secret, err := w.CreateToken(b.Context(), w.subject(by(s)), identity.NewToken{Name: "x", Lifetime: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	cookie, token := by(s), bearing("Bearer "+secret)
	b.Run("session", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Authenticate(cookie); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("token", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Authenticate(token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
