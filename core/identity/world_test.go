// The world that the tests of this room run in: real parts, a clock that stands
// still.

package identity_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/store"
)

const (
	password = "correct horse battery"
	here     = "192.0.2.1:1234"
)

// world is the service with real parts under it and a clock that stands still.
type world struct {
	*identity.Service
	t     testing.TB
	store store.Store
	index *access.Index
	mu    sync.Mutex
	now   time.Time
}

func newWorld(t testing.TB) *world { return newWorldAt(t, filepath.Join(t.TempDir(), "atoll.db")) }

func newWorldAt(t testing.TB, path string) *world { return newWorldWith(t, path, identity.Options{}) }

func newWorldWith(t testing.TB, path string, o identity.Options) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	var err error
	if w.store, err = store.OpenBolt(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	if w.index, err = access.NewIndex(context.Background(), w.store); err != nil {
		t.Fatal(err)
	}
	o.HashMemory, o.Hashers, o.Now = 64, 2, w.clock
	if w.Service, err = identity.New(w.store, w.index, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.end)
	return w
}

// directory is a provider that knows people by their passwords, "corp".
type directory map[string]string

func (directory) Info() identity.ProviderInfo {
	return identity.ProviderInfo{Name: "corp", Title: "Corporate directory", Kind: identity.KindLDAP, Create: true}
}

func (d directory) Verify(_ context.Context, e identity.Evidence) (identity.Person, error) {
	if p, ok := d[e.Name]; !ok || p != e.Password {
		return identity.Person{}, identity.ErrBadCredentials
	}
	return identity.Person{ID: "id of " + e.Name, Name: e.Name, DisplayName: "At corp\n", Groups: []string{"their group"}}, nil
}

func (directory) GroupID(id string) string { return id }

func (w *world) end() {
	w.Service.Close()
	w.index.Close()
	w.store.Close()
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) user(name string, roles ...string) identity.User {
	w.t.Helper()
	u, _, err := w.CreateUser(w.t.Context(), identity.NewUser{Name: name, Password: password, PlatformRoles: roles})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

func (w *world) signIn(name string) identity.Session {
	w.t.Helper()
	s, err := w.SignIn(w.t.Context(), name, password, here)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// SignIn begins a session by a password alone.
func (w *world) SignIn(ctx context.Context, name, password, remote string) (identity.Session, error) {
	return w.Service.SignIn(ctx, identity.Proof{Name: name, Password: password, Client: from(remote)})
}

// from is a browser at an address.
func from(remote string) identity.Client {
	return identity.Client{Remote: remote, Agent: "Mozilla/5.0 (test)"}
}

// by is a request that carries a session's cookie.
func by(s identity.Session) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(identity.Cookie(s, false))
	return r
}

// bearing is a request with an Authorization header.
func bearing(header string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", header)
	return r
}

// write changes the store behind the service's back, and waits until the service
// has heard of it.
func (w *world) write(ops ...store.Op) {
	w.t.Helper()
	if _, err := w.store.Commit(w.t.Context(), nil, ops...); err != nil {
		w.t.Fatal(err)
	}
	nobody := access.Subject{UID: "nobody"} // who revokes what is not there waits for the store's revision
	if err := w.RevokeToken(w.t.Context(), nobody, strings.Repeat("a", 16)); !errors.Is(err, identity.ErrNotFound) {
		w.t.Fatal(err)
	}
}

func (w *world) subject(r *http.Request) access.Subject {
	w.t.Helper()
	s, err := w.Authenticate(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) refused(r *http.Request) {
	w.t.Helper()
	if s, err := w.Authenticate(r); !errors.Is(err, identity.ErrUnauthenticated) {
		w.t.Fatalf("got %+v, %v", s, err)
	}
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}
