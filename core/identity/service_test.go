// People as they come and go: users, the first administrator, what is left of
// a user who was deleted.

package identity_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

func TestFirstAdministratorIsMadeOnce(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	generated, created, err := w.EnsureAdministrator(ctx, "admin", "")
	if err != nil || !created || len(generated) < 20 {
		t.Fatalf("got %q, %v, %v", generated, created, err)
	}
	again, created, err := w.EnsureAdministrator(ctx, "admin", "another password")
	if err != nil || created || again != "" {
		t.Fatalf("the second time: %q, %v, %v", again, created, err)
	}
	s, err := w.SignIn(ctx, "admin", generated, here)
	if err != nil || !s.User.MustChangePassword {
		t.Fatalf("got %+v, %v", s, err)
	}
	subject := w.subject(by(s))
	if !w.MustChangePassword(subject) {
		t.Fatal("the random password need not be changed")
	}
	if !w.index.Can(subject, access.UsersManage, access.Scope{}).Allowed {
		t.Fatal("the first administrator may not manage users")
	}
	if err := w.ChangePassword(ctx, subject, generated, password, from(here)); err != nil {
		t.Fatal(err)
	}
	if w.MustChangePassword(subject) {
		t.Fatal("the password must be changed after it was")
	}
	if s := w.signIn("admin"); s.User.MustChangePassword {
		t.Fatal("the password must be changed at the next sign-in too")
	}
}

func TestFirstAdministratorWithAGivenPassword(t *testing.T) {
	w := newWorld(t)
	generated, created, err := w.EnsureAdministrator(t.Context(), "admin", password)
	if err != nil || !created || generated != "" {
		t.Fatalf("got %q, %v, %v", generated, created, err)
	}
	if w.signIn("admin").User.MustChangePassword {
		t.Fatal("a given password must be changed")
	}
}

func TestSomebodyIsNotMadeAdministratorByTheirName(t *testing.T) {
	w := newWorld(t)
	w.user("admin")
	_, created, err := w.EnsureAdministrator(t.Context(), "admin", "")
	if want(t, err, identity.ErrExists); created {
		t.Fatal("created")
	}
}

func TestBadUsersAreRefused(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	for _, name := range []string{"", "-", "a-", ".a", "A", "a b", "a/b", "a:b", "system:admin", "../x", "ä", "a\x00", strings.Repeat("a", 64), "a\n"} {
		_, _, err := w.CreateUser(ctx, identity.NewUser{Name: name, Password: password})
		if !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("the name %q: %v", name, err)
		}
		if _, err := w.SignIn(ctx, name, password, fmt.Sprintf("198.51.100.%d", len(name))); !errors.Is(err, identity.ErrBadCredentials) && !errors.Is(err, identity.ErrTooMany) {
			t.Errorf("signing in as %q: %v", name, err)
		}
		if _, err := w.GetUser(ctx, name); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("reading %q: %v", name, err)
		}
	}
	for _, p := range []string{"short", strings.Repeat("x", 257), "jane.doe"} {
		_, _, err := w.CreateUser(ctx, identity.NewUser{Name: "jane.doe", Password: p})
		want(t, err, identity.ErrInvalid)
	}
	for _, d := range []string{"a\nb", strings.Repeat("x", 121), "\xff", "a\u202eb"} {
		_, _, err := w.CreateUser(ctx, identity.NewUser{Name: "jane", Password: password, DisplayName: d})
		want(t, err, identity.ErrInvalid)
	}
	_, _, err := w.CreateUser(ctx, identity.NewUser{Name: "jane", Password: password, PlatformRoles: []string{"king"}})
	want(t, err, access.ErrUnknownRole)
	if users, _ := w.ListUsers(ctx); len(users) != 0 {
		t.Fatalf("there are %+v", users)
	}
	w.user(strings.Repeat("a", 63))
	w.user("a")
	w.user("jane.doe-2")
}

func TestDeletedUserLeavesNothingButTheName(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("root", access.PlatformAdmin)
	var before bytes.Buffer
	if err := store.Dump(ctx, w.store, &before); err != nil {
		t.Fatal(err)
	}
	jane := w.user("jane", access.PlatformOperator)
	session := w.signIn("jane")
	subject := w.subject(by(session))
	var tokens []string
	for i := range 3 {
		_, secret, err := w.CreateToken(ctx, subject, identity.NewToken{Name: fmt.Sprint("t", i), Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, secret)
	}
	// More bindings than one transaction takes.
	bindings := store.NewCollection[access.Binding](w.store, access.BindingPrefix)
	for i := range 300 {
		scope := access.BindingScope{Kind: access.KindProject, UID: fmt.Sprint("p", i)}
		rev, err := bindings.Create(ctx, fmt.Sprintf("project/p%d/%s", i, jane.UID), access.Binding{UID: "b", SubjectUID: jane.UID, Role: access.ProjectViewer, Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		if i == 299 {
			if err := w.index.WaitFor(ctx, rev); err != nil {
				t.Fatal(err)
			}
		}
	}
	revoked := w.Revoked(ctx)
	if err := w.DeleteUser(ctx, "jane"); err != nil {
		t.Fatal(err)
	}
	<-revoked
	w.refused(by(session))
	for _, token := range tokens {
		w.refused(bearing("Bearer " + token))
	}
	if w.Alive(subject) {
		t.Fatal("a deleted user's session is alive")
	}
	_, err := w.SignIn(ctx, "jane", password, here)
	want(t, err, identity.ErrBadCredentials)
	if w.index.Can(subject, access.ClustersView, access.Scope{}).Allowed {
		t.Fatal("a deleted user has rights")
	}
	if _, err := w.store.Get(ctx, "meta/users/jane"); err != nil {
		t.Fatalf("the name is not kept: %v", err)
	}
	_, _, err = w.CreateUser(ctx, identity.NewUser{Name: "jane", Password: password})
	want(t, err, identity.ErrExists)
	want(t, w.DeleteUser(ctx, "jane"), identity.ErrNotFound)
	if _, err := w.store.Commit(ctx, nil, store.Delete("meta/users/jane")); err != nil {
		t.Fatal(err)
	}
	var after bytes.Buffer
	if err := store.Dump(ctx, w.store, &after); err != nil {
		t.Fatal(err)
	}
	if before.String() != after.String() {
		t.Fatalf("the store was\n%s\nand is\n%s", before.String(), after.String())
	}
}

func TestTheLastAdministratorIsNotLost(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("root", access.PlatformAdmin)
	want(t, w.DeleteUser(ctx, "root"), access.ErrLastAdministrator)
	want(t, w.SetDisabled(ctx, "root", true), access.ErrLastAdministrator)
	w.signIn("root")
	w.user("second", access.PlatformAdmin)
	// Both at once: one of them stays, whatever the order.
	var all sync.WaitGroup
	for _, name := range []string{"root", "second"} {
		all.Go(func() {
			if err := w.SetDisabled(ctx, name, true); err != nil && !errors.Is(err, access.ErrLastAdministrator) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	root, _ := w.GetUser(ctx, "root")
	second, _ := w.GetUser(ctx, "second")
	if root.Disabled == second.Disabled {
		t.Fatalf("root is disabled: %v, second: %v", root.Disabled, second.Disabled)
	}
}

func TestDisabledUserIsOutAtOnce(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("root", access.PlatformAdmin)
	w.user("jane", access.PlatformMember)
	session := w.signIn("jane")
	subject := w.subject(by(session))
	_, secret, err := w.CreateToken(ctx, subject, identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	tokenSubject := w.subject(bearing("Bearer " + secret))
	if !w.Alive(subject) || !w.Alive(tokenSubject) {
		t.Fatal("not alive")
	}
	if err := w.SetDisabled(ctx, "jane", true); err != nil {
		t.Fatal(err)
	}
	w.refused(by(session))
	w.refused(bearing("Bearer " + secret))
	if w.Alive(subject) || w.Alive(tokenSubject) {
		t.Fatal("alive")
	}
	_, err = w.SignIn(ctx, "jane", password, here)
	want(t, err, identity.ErrBadCredentials)
	if err := w.SetDisabled(ctx, "jane", false); err != nil {
		t.Fatal(err)
	}
	w.subject(bearing("Bearer " + secret))
	w.refused(by(session)) // a session that ended stays so
	w.signIn("jane")
}

func TestSignInThatMeetsALockOutGivesNoSession(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("root", access.PlatformAdmin)
	w.user("jane")
	for range 10 {
		var mu sync.Mutex
		var sessions []identity.Session
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				for range 4 {
					if s, err := w.SignIn(ctx, "jane", password, fmt.Sprintf("192.0.2.%d", i)); err == nil {
						mu.Lock()
						sessions = append(sessions, s)
						mu.Unlock()
					}
				}
			})
		}
		if err := w.SetDisabled(ctx, "jane", true); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		for _, s := range sessions {
			w.refused(by(s))
		}
		if err := w.SetDisabled(ctx, "jane", false); err != nil {
			t.Fatal(err)
		}
		for _, s := range sessions {
			w.refused(by(s))
		}
		w.pass(2 * time.Hour) // what failed is forgiven
	}
}

func TestSecretsAreNowhereInTheStoreOrTheLog(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	w.user("jane")
	session := w.signIn("jane")
	logger.Info("signed in", "session", session)
	_, secret, err := w.CreateToken(ctx, w.subject(by(session)), identity.NewToken{Name: "ci", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	w.subject(bearing("Bearer " + secret))
	if err := store.Dump(ctx, w.store, &log); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"password": password, "session": session.ID, "csrf token": session.CSRF, "token": secret, "token's secret": secret[len(secret)-40:]} {
		if strings.Contains(log.String(), text) {
			t.Errorf("the %s is in\n%s", what, log.String())
		}
	}
	if !strings.Contains(log.String(), "argon2id") {
		t.Error("the hash is not there either: the test looks at nothing")
	}
}

func TestResetPasswordLocksTheOldOneOut(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.user("jane")
	session := w.signIn("jane")
	next, err := w.ResetPassword(ctx, "jane")
	if err != nil {
		t.Fatal(err)
	}
	w.refused(by(session))
	_, err = w.SignIn(ctx, "jane", password, here)
	want(t, err, identity.ErrBadCredentials)
	s, err := w.SignIn(ctx, "jane", next, here)
	if err != nil || !s.User.MustChangePassword {
		t.Fatalf("got %+v, %v", s, err)
	}
	_, err = w.ResetPassword(ctx, "nobody")
	want(t, err, identity.ErrNotFound)
}
