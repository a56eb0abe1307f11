// Where a person's claims are found: below others, and at the userinfo endpoint,
// which may be as wrong as anything else that a provider says.

package oidc_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/identity/providers/oidc"
	"github.com/atoll-platform/atoll/core/identity/providers/oidc/oidctest"
)

type object = map[string]any

func TestGroupsLieBelowOtherClaims(t *testing.T) {
	for name, test := range map[string]struct {
		path   string
		claims object
		want   []string
		err    error
	}{
		"in another":           {path: "realm_access.roles", claims: object{"realm_access": object{"roles": []string{"ops"}}}, want: []string{"ops"}},
		"one, as a text":       {path: "realm_access.role", claims: object{"realm_access": object{"role": "ops"}}, want: []string{"ops"}},
		"with dots in a name":  {path: "https://example.com/groups", claims: object{"https://example.com/groups": []string{"ops"}}, want: []string{"ops"}},
		"with dots inside":     {path: "resource_access.my.client.roles", claims: object{"resource_access": object{"my.client": object{"roles": []string{"ops"}}}}, want: []string{"ops"}},
		"whole name counts":    {path: "a.b", claims: object{"a.b": []string{"whole"}, "a": object{"b": []string{"inner"}}}, want: []string{"whole"}},
		"longest name counts":  {path: "a.b.c", claims: object{"a.b": object{"c": []string{"longer"}}, "a": object{"b": object{"c": []string{"shorter"}}}}, want: []string{"longer"}},
		"below a text":         {path: "realm_access.roles", claims: object{"realm_access": "roles"}},
		"below a list":         {path: "realm_access.roles", claims: object{"realm_access": []object{{"roles": []string{"ops"}}}}},
		"below null":           {path: "realm_access.roles", claims: object{"realm_access": nil}},
		"nowhere":              {path: "realm_access.roles", claims: object{}},
		"no name":              {path: "realm_access.", claims: object{"realm_access": object{"roles": []string{"ops"}}}},
		"a list of many kinds": {path: "realm_access.roles", claims: object{"realm_access": object{"roles": []any{"ops", 1}}}, err: identity.ErrProvider},
		"an object":            {path: "realm_access", claims: object{"realm_access": object{"roles": []string{"ops"}}}, err: identity.ErrProvider},
	} {
		t.Run(name, func(t *testing.T) {
			fake := oidctest.New(t)
			fake.Claims = object{"sub": "id-1", "preferred_username": "jane"}
			for key, value := range test.claims {
				fake.Claims[key] = value
			}
			provider := asked(t, fake, func(c *oidc.Config) { c.GroupsClaim = test.path })
			got, err := provider.Verify(t.Context(), visit(t, fake, provider))
			if !errors.Is(err, test.err) || !slices.Equal(got.Groups, test.want) {
				t.Errorf("got %q, %v", got.Groups, err)
			}
		})
	}
}

func TestUserInfoSaysWhatTheTokenLacks(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = object{"sub": "id-1"}
	fake.Info = object{"preferred_username": "Jane", "name": "Jane Doe", "realm_access": object{"roles": []string{"ops"}}}
	provider := asked(t, fake, func(c *oidc.Config) { c.GroupsClaim = "realm_access.roles" })
	got, err := provider.Verify(t.Context(), visit(t, fake, provider))
	if err != nil || got.ID != "id-1" || got.Name != "jane" || got.DisplayName != "Jane Doe" || !slices.Equal(got.Groups, []string{"ops"}) {
		t.Errorf("got %+v %v", got, err)
	}
	// What the token says counts, and a token that says all is enough.
	fake.Claims = object{"sub": "id-1", "preferred_username": "jane", "realm_access": object{"roles": []string{}}}
	before := fake.Asked("/userinfo")
	got, err = provider.Verify(t.Context(), visit(t, fake, provider))
	if err != nil || len(got.Groups) != 0 || before != 1 || fake.Asked("/userinfo") != before {
		t.Errorf("got %+v %v; it was asked %d times", got, err, fake.Asked("/userinfo"))
	}
	fake.Claims = object{"sub": "id-1", "preferred_username": "joe"}
	if got, err = provider.Verify(t.Context(), visit(t, fake, provider)); err != nil || got.Name != "joe" || !slices.Equal(got.Groups, []string{"ops"}) {
		t.Errorf("got %+v %v", got, err)
	}
}

func TestUserInfoIsNotBelieved(t *testing.T) {
	for name, test := range map[string]struct {
		info   object
		change func(*oidctest.Provider)
		want   error
	}{
		"somebody else":  {info: object{"sub": "id-2"}, want: identity.ErrUnproven},
		"nobody":         {info: object{"sub": ""}, want: identity.ErrUnproven},
		"a number":       {info: object{"sub": 1}, want: identity.ErrProvider},
		"groups by rank": {info: object{"groups": object{"ops": 1}}, want: identity.ErrProvider},
		"a huge answer":  {info: object{"more": strings.Repeat("x", 2<<20)}, want: identity.ErrProvider},
		"a failure":      {change: at("/userinfo", respond(http.StatusInternalServerError, strings.Repeat("x", 2000))), want: identity.ErrProvider},
		"no JSON":        {change: at("/userinfo", respond(http.StatusOK, "<html>")), want: identity.ErrProvider},
		"a list":         {change: at("/userinfo", respond(http.StatusOK, "[]")), want: identity.ErrProvider},
		"a token of none": {change: at("/userinfo", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/jwt")
			_, _ = w.Write([]byte("eyJhbGciOiJub25lIn0.eyJzdWIiOiJpZC0xIn0."))
		}), want: identity.ErrProvider},
		"a way elsewhere": {change: at("/userinfo", func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(http.StatusFound) }), want: identity.ErrProvider},
		"an access token that is not of the ID token": {change: func(p *oidctest.Provider) { p.Claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, want: identity.ErrUnproven},
	} {
		t.Run(name, func(t *testing.T) {
			fake := oidctest.New(t)
			fake.Claims = object{"sub": "id-1", "preferred_username": "jane"}
			if fake.Info = test.info; fake.Info == nil {
				fake.Info = object{"groups": []string{"ops"}}
			}
			if test.change != nil {
				test.change(fake)
			}
			provider := asked(t, fake, nil)
			got, err := provider.Verify(t.Context(), visit(t, fake, provider))
			if !errors.Is(err, test.want) || got.ID != "" || len(err.Error()) > 1000 {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
			if fake.Asked("/elsewhere") != 0 {
				t.Error("the access token was sent elsewhere")
			}
		})
	}
}

// at answers one path.
func at(path string, with func(http.ResponseWriter)) func(*oidctest.Provider) {
	return func(p *oidctest.Provider) {
		p.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				with(w)
			}
			return r.URL.Path == path
		}
	}
}

func respond(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestUserInfoIsAskedOverTLSOnly(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = object{"sub": "id-1", "preferred_username": "jane"}
	fake.Document = func(d map[string]any) {
		d["userinfo_endpoint"] = strings.Replace(fake.URL, "https:", "http:", 1) + "/userinfo"
	}
	provider := asked(t, fake, nil)
	got, err := provider.Verify(t.Context(), visit(t, fake, provider))
	if err != nil || got.Name != "jane" || len(got.Groups) != 0 || fake.Asked("/userinfo") != 0 {
		t.Errorf("got %+v %v", got, err)
	}
}

func TestAddressAndItsProofAreSaidTogether(t *testing.T) {
	for name, test := range map[string]struct {
		token, info object
		want        error
	}{
		"by the token":                {token: object{"email": "jane@example.com", "email_verified": true}, info: object{"email": "jane@evil.example", "email_verified": true}},
		"by userinfo":                 {token: object{}, info: object{"email": "jane@example.com", "email_verified": "true"}},
		"proven of another address":   {token: object{"email": "jane@example.com"}, info: object{"email": "jane@evil.example", "email_verified": true}, want: identity.ErrUnproven},
		"proven, the address before":  {token: object{"email": "jane@example.com"}, info: object{"email_verified": true}, want: identity.ErrUnproven},
		"proven before the address":   {token: object{"email_verified": true}, info: object{"email": "jane@example.com"}, want: identity.ErrUnproven},
		"not proven, and then it was": {token: object{"email": "jane@example.com", "email_verified": false}, info: object{"email": "jane@example.com", "email_verified": true}, want: identity.ErrUnproven},
	} {
		t.Run(name, func(t *testing.T) {
			fake := oidctest.New(t)
			fake.Claims, fake.Info = object{"sub": "id-1", "preferred_username": "jane"}, test.info
			for key, value := range test.token {
				fake.Claims[key] = value
			}
			provider := asked(t, fake, func(c *oidc.Config) { c.EmailDomains = []string{"example.com"} })
			got, err := provider.Verify(t.Context(), visit(t, fake, provider))
			if !errors.Is(err, test.want) || (got.ID == "") != (test.want != nil) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}
