// What a real directory proves, and what it is not fooled into.

package ldap_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/identity/providers/ldap"
	"github.com/atoll-platform/atoll/core/store"
)

func verify(t *testing.T, p *ldap.Provider, name, password string) (identity.Person, error) {
	t.Helper()
	return p.Verify(t.Context(), identity.Evidence{Name: name, Password: password})
}

func TestPeopleAreProvenByTheirPassword(t *testing.T) {
	d := newDirectory(t)
	for name, p := range map[string]*ldap.Provider{
		"ldaps": d.provider(nil),
		"StartTLS": d.provider(func(c *ldap.Config) {
			c.URL, c.StartTLS = "ldap://"+d.plain, true
		}),
	} {
		jane, err := verify(t, p, "jane", "jane's own password")
		if err != nil || jane.Name != "jane" || jane.DisplayName != "Jane Doe" || len(jane.ID) != 36 {
			t.Fatalf("%s: %+v, %v", name, jane, err)
		}
		again, err := verify(t, p, "JANE", "jane's own password")
		if err != nil || again.ID != jane.ID || again.Name != "jane" {
			t.Fatalf("%s: in capitals: %+v, %v", name, again, err)
		}
		john, err := verify(t, p, "john.smith", "john's own password")
		if err != nil || john.Name != "john.smith" || len(john.Groups) != 0 {
			t.Fatalf("%s: %+v, %v", name, john, err)
		}
	}
	d.untouched()
}

func TestWhatIsNoProofIsRefused(t *testing.T) {
	d := newDirectory(t)
	p := d.provider(nil)
	for _, c := range [][2]string{
		{"jane", "wrong"}, {"jane", ""}, {"jane", "john's own password"}, {"jane", "jane's own password\x00"}, {"nobody", "jane's own password"}, {"", ""},
		// What would be a filter of its own if it were not escaped.
		{"*", "jane's own password"}, {"ja*", "jane's own password"}, {"jane)(uid=*", "jane's own password"}, {"*)(|(uid=*", "jane's own password"},
		{"jane)(objectClass=*", "jane's own password"}, {"\\6aane", "jane's own password"}, {"jane\x00", "jane's own password"}, {"uid=jane,ou=people,dc=example,dc=com", "jane's own password"},
		{strings.Repeat("a", 1000), "jane's own password"},
	} {
		if person, err := verify(t, p, c[0], c[1]); !errors.Is(err, identity.ErrBadCredentials) {
			t.Errorf("%q with %q: %+v, %v", c[0], c[1], person, err)
		}
	}
	if person, err := verify(t, p, "twin", "twin"); !errors.Is(err, identity.ErrProvider) {
		t.Errorf("two of one name: %+v, %v", person, err)
	}
	d.untouched()
}

func TestGroupsInGroupsAreFoundAsDeepAsIsSaid(t *testing.T) {
	d := newDirectory(t)
	const below = ",ou=groups,dc=example,dc=com"
	for depth, want := range map[int][]string{
		0: {"developers", "system:masters"}, 1: {"developers", "engineers", "system:masters"}, 2: {"developers", "engineers", "everybody", "system:masters"},
		10: {"developers", "engineers", "everybody", "system:masters"},
	} {
		jane, err := verify(t, d.provider(func(c *ldap.Config) { c.Nesting = depth }), "jane", "jane's own password")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range jane.Groups {
			got = append(got, strings.TrimPrefix(strings.TrimSuffix(g, below), "cn="))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%d deep: %q, want %q", depth, got, want)
		}
	}
	jane, err := verify(t, d.provider(func(c *ldap.Config) { c.GroupBase = "" }), "jane", "jane's own password")
	if err != nil || jane.Groups != nil {
		t.Errorf("without a base of groups: %+v, %v", jane, err)
	}
}

func TestDirectoryThatCannotBeTrustedIsNotAsked(t *testing.T) {
	d := newDirectory(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, change := range map[string]func(*ldap.Config){
		"another's certificate":           func(c *ldap.Config) { c.Roots = x509.NewCertPool() },
		"another's by StartTLS":           func(c *ldap.Config) { c.Roots, c.URL, c.StartTLS = x509.NewCertPool(), "ldap://"+d.plain, true },
		"another name in it":              func(c *ldap.Config) { c.URL = strings.Replace(c.URL, "127.0.0.1", "localhost", 1) },
		"nobody there":                    func(c *ldap.Config) { c.URL = "ldaps://127.0.0.1:1" },
		"a wrong password of the account": func(c *ldap.Config) { c.BindPassword = "wrong" },
		"an account that there is not":    func(c *ldap.Config) { c.BindDN = "cn=nobody,dc=example,dc=com" },
		"a base on another server":        func(c *ldap.Config) { c.UserBase = "ou=abroad,dc=example,dc=com" },
		"no such base":                    func(c *ldap.Config) { c.UserBase = "ou=none,dc=example,dc=com" },
		"an attribute that is missing":    func(c *ldap.Config) { c.IDAttribute = "employeeNumber" },
	} {
		if person, err := verify(t, d.provider(change), "jane", "jane's own password"); !errors.Is(err, identity.ErrProvider) {
			t.Errorf("%s: %+v, %v", name, person, err)
		} else if strings.Contains(err.Error(), "password") && strings.Contains(err.Error(), "reader's") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
	d.untouched()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := silent.Accept()
		if err == nil {
			defer conn.Close()
		}
		cancel()
		<-t.Context().Done()
	}()
	p := d.provider(func(c *ldap.Config) { c.URL, c.StartTLS = "ldap://"+silent.Addr().String(), true })
	if _, err := p.Verify(ctx, identity.Evidence{Name: "jane", Password: "x"}); !errors.Is(err, identity.ErrProvider) {
		t.Errorf("a directory that says nothing: %v", err)
	}
}

func TestConfigurationsThatCannotBeAreRefused(t *testing.T) {
	good := ldap.Config{Name: "corp", URL: "ldaps://ldap.example.com", BindDN: "cn=a", BindPassword: "x", UserBase: "dc=a"}
	if _, err := ldap.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*ldap.Config){
		"passwords in the open": func(c *ldap.Config) { c.URL = "ldap://ldap.example.com" },
		"TLS twice":             func(c *ldap.Config) { c.StartTLS = true },
		"another scheme":        func(c *ldap.Config) { c.URL = "ldapi:///var/run/slapd" },
		"no host":               func(c *ldap.Config) { c.URL = "ldaps:///" },
		"a path":                func(c *ldap.Config) { c.URL = "ldaps://a/dc=b" },
		"a user in it":          func(c *ldap.Config) { c.URL = "ldaps://u:p@a" },
		"nobody who searches":   func(c *ldap.Config) { c.BindDN = "" },
		"an empty password":     func(c *ldap.Config) { c.BindPassword = "" },
		"no base":               func(c *ldap.Config) { c.UserBase = "" },
		"a bad base":            func(c *ldap.Config) { c.UserBase = "nonsense" },
		"a filter for everyone": func(c *ldap.Config) { c.UserFilter = "(uid=*)" },
		"a broken filter":       func(c *ldap.Config) { c.UserFilter = "(uid={name}" },
		"a broken group filter": func(c *ldap.Config) { c.GroupFilter = "member={dn}))" },
		"too deep":              func(c *ldap.Config) { c.Nesting = 11 },
	} {
		c := good
		change(&c)
		if _, err := ldap.New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// world is identity with the directory behind it.
func world(t *testing.T, p *ldap.Provider) (*identity.Service, *access.Index) {
	t.Helper()
	s, err := store.OpenBolt(filepath.Join(t.TempDir(), "atoll.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := access.NewIndex(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	v, err := identity.New(s, x, identity.Options{HashMemory: 64, Providers: []identity.Provider{p}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close(); x.Close(); s.Close() })
	return v, x
}

func signIn(t *testing.T, v *identity.Service, name, password string) (identity.Session, error) {
	t.Helper()
	return v.SignIn(t.Context(), identity.Proof{Name: name, Password: password, Provider: "corp", Client: identity.Client{Remote: "192.0.2.1:1"}})
}

func TestPeopleOfADirectorySignInAndAreInItsGroups(t *testing.T) {
	d := newDirectory(t)
	v, x := world(t, d.provider(nil))
	ctx := t.Context()
	if _, err := v.CreateGroup(ctx, identity.NewGroup{Name: "engineers", Origin: "corp", ExternalID: "CN=Engineers, OU=groups,dc=example,dc=com"}); err != nil {
		t.Fatal(err)
	}
	s, err := signIn(t, v, "jane", "jane's own password")
	if err != nil || s.User.Name != "jane" || s.User.DisplayName != "Jane Doe" || s.User.Provider != "corp" || s.MustEnrol || s.User.MustChangePassword {
		t.Fatalf("%+v, %v", s, err)
	}
	// Of all that the directory calls groups, only what has one here counts.
	if g, ok := x.Group("engineers"); !ok || !slices.Equal(s.User.Groups, []string{g.UID}) {
		t.Fatalf("in %q", s.User.Groups)
	}
	again, err := signIn(t, v, "Jane", "jane's own password")
	if err != nil || again.User.UID != s.User.UID {
		t.Fatalf("%+v, %v", again, err)
	}
	if err := v.DeleteGroup(ctx, "engineers"); err != nil {
		t.Fatal(err)
	}
	if again, err = signIn(t, v, "jane", "jane's own password"); err != nil || len(again.User.Groups) != 0 {
		t.Fatalf("%+v, %v", again, err)
	}
	logins, err := v.Logins(ctx, s.User.UID)
	if err != nil || len(logins) != 3 || logins[0].Provider != "corp" {
		t.Fatalf("%+v, %v", logins, err)
	}
	if err := v.SetDisabled(ctx, "jane", true); err != nil {
		t.Fatal(err)
	}
	if _, err := signIn(t, v, "jane", "jane's own password"); !errors.Is(err, identity.ErrBadCredentials) {
		t.Fatalf("who is locked out: %v", err)
	}
	// What they type is the directory's, and nothing of Atoll's.
	if _, err := v.ResetPassword(ctx, "jane"); !errors.Is(err, identity.ErrDenied) {
		t.Fatal(err)
	}
	if err := v.DeleteUser(ctx, "jane"); err != nil {
		t.Fatal(err)
	}
	if _, err := signIn(t, v, "jane", "jane's own password"); !errors.Is(err, identity.ErrExists) {
		t.Fatalf("who was deleted comes back by the directory: %v", err)
	}
}

func TestDirectoryNeverMakesSomebodyWhoIsHereOrOfKubernetes(t *testing.T) {
	d := newDirectory(t)
	v, x := world(t, d.provider(nil))
	local, _, err := v.CreateUser(t.Context(), identity.NewUser{Name: "jane", Password: "a local password", PlatformRoles: []string{access.PlatformAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := signIn(t, v, "jane", "jane's own password"); !errors.Is(err, identity.ErrExists) {
		t.Fatalf("the directory's jane is the local one: %+v, %v", s, err)
	}
	s, err := v.SignIn(t.Context(), identity.Proof{Name: "jane", Password: "a local password", Client: identity.Client{Remote: "192.0.2.1:1"}})
	if err != nil || s.User.UID != local.UID || s.User.Provider != "" {
		t.Fatalf("%+v, %v", s, err)
	}
	for name, password := range map[string]string{"system:masters": "the masters' password", "system:kube-controller-manager": "the controller's password"} {
		if s, err := signIn(t, v, name, password); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%s signs in: %+v, %v", name, s, err)
		}
		if _, ok := x.Account(name); ok {
			t.Errorf("%s has an account", name)
		}
	}
	if _, err := v.CreateGroup(t.Context(), identity.NewGroup{Name: "g", Origin: "none", ExternalID: "x"}); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("a group of a provider that there is not: %v", err)
	}
}

func TestGuessesAtADirectoryWait(t *testing.T) {
	d := newDirectory(t)
	v, _ := world(t, d.provider(nil))
	if _, err := signIn(t, v, "jane", "jane's own password"); err != nil {
		t.Fatal(err)
	}
	waited := false
	for i := range 8 {
		_, err := v.SignIn(t.Context(), identity.Proof{Name: "jAnE"[:4], Password: fmt.Sprint("guess", i), Provider: "corp", Client: identity.Client{Remote: fmt.Sprintf("192.0.2.%d:1", i)}})
		waited = waited || errors.Is(err, identity.ErrTooMany)
	}
	if !waited {
		t.Error("nobody waits")
	}
	if _, err := signIn(t, v, "jane", "jane's own password"); !errors.Is(err, identity.ErrTooMany) {
		t.Errorf("the right one: %v", err)
	}
}

func TestPeopleWhoMayNotAppearNeedAnInvitation(t *testing.T) {
	d := newDirectory(t)
	v, x := world(t, d.provider(func(c *ldap.Config) { c.Create = false }))
	if _, err := signIn(t, v, "jane", "jane's own password"); !errors.Is(err, identity.ErrNotInvited) {
		t.Fatal(err)
	}
	if _, ok := x.Account("jane"); ok {
		t.Error("she has an account")
	}
}
