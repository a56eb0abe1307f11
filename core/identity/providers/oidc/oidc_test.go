// What an OpenID provider may say and what it may not: tokens that prove nobody,
// and answers that must not be believed.

package oidc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	keys "github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/identity/providers/oidc"
	"github.com/atoll-platform/atoll/core/identity/providers/oidc/oidctest"
)

const callback = "http://127.0.0.1:8380/auth/oidc/sso/callback"

func jane() map[string]any {
	return map[string]any{"sub": "id-1", "preferred_username": "Jane", "name": "Jane Doe", "groups": []string{"developers", "system:masters"}}
}

// asked makes a provider of ours that asks one of the tests'.
func asked(t *testing.T, p *oidctest.Provider, change func(*oidc.Config)) *oidc.Provider {
	t.Helper()
	c := oidc.Config{Name: "sso", Title: "Single sign-on", Issuer: p.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Roots: p.Roots, GroupsClaim: "groups"}
	if change != nil {
		change(&c)
	}
	provider, err := oidc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

func secret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// visit goes to the provider's page and comes back.
func visit(t *testing.T, fake *oidctest.Provider, provider *oidc.Provider) identity.Evidence {
	t.Helper()
	r := identity.Redirect{State: secret(), Nonce: secret(), Verifier: secret(), Callback: callback}
	page, err := provider.Begin(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page, r.Verifier) {
		t.Fatal("PKCE's secret is sent ahead")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: fake.Roots}}
	defer transport.CloseIdleConnections()
	browser := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || !strings.HasPrefix(res.Header.Get("Location"), callback+"?") {
		t.Fatalf("%d %s %v", res.StatusCode, back, err)
	}
	if back.Query().Get("state") != r.State {
		t.Fatalf("the state is %q", back.Query().Get("state"))
	}
	return identity.Evidence{Code: back.Query().Get("code"), Redirect: r}
}

func TestPersonIsReadFromTheToken(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = jane()
	provider := asked(t, fake, nil)
	got, err := provider.Verify(t.Context(), visit(t, fake, provider))
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "id-1" || got.Name != "jane" || got.DisplayName != "Jane Doe" || !slices.Equal(got.Groups, []string{"developers", "system:masters"}) {
		t.Errorf("got %+v", got)
	}
	if info := provider.Info(); info.Kind != identity.KindOIDC || info.Name != "sso" {
		t.Errorf("got %+v", info)
	}
	if n := fake.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("it was asked %d times what it offers", n)
	}
}

func TestTokensThatProveNobody(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for name, test := range map[string]struct {
		forge func(map[string]any)
		sign  func(*oidctest.Provider, []byte) string
		want  error
	}{
		"another nonce":         {forge: func(c map[string]any) { c["nonce"] = secret() }},
		"no nonce":              {forge: func(c map[string]any) { delete(c, "nonce") }},
		"another audience":      {forge: func(c map[string]any) { c["aud"] = "somebody" }},
		"no audience":           {forge: func(c map[string]any) { delete(c, "aud") }},
		"made for another":      {forge: func(c map[string]any) { c["azp"] = "somebody" }},
		"for several, for none": {forge: func(c map[string]any) { c["aud"] = []string{oidctest.ClientID, "somebody"} }},
		"another issuer":        {forge: func(c map[string]any) { c["iss"] = "https://id.example.com" }},
		"issuer and a slash":    {forge: func(c map[string]any) { c["iss"] = fmt.Sprint(c["iss"], "/") }},
		"over":                  {forge: func(c map[string]any) { c["exp"] = time.Now().Add(-2 * time.Minute).Unix() }},
		"never over":            {forge: func(c map[string]any) { delete(c, "exp") }},
		"not yet":               {forge: func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() }},
		"alg none": {sign: func(_ *oidctest.Provider, claims []byte) string {
			return b64([]byte(`{"alg":"none"}`)) + "." + b64(claims) + "."
		}},
		"alg HS256 with the client's secret": {sign: func(_ *oidctest.Provider, claims []byte) string {
			text := b64([]byte(`{"alg":"HS256","kid":"first"}`)) + "." + b64(claims)
			mac := hmac.New(sha256.New, []byte(oidctest.ClientSecret))
			mac.Write([]byte(text))
			return text + "." + b64(mac.Sum(nil))
		}},
		"another's key": {sign: func(_ *oidctest.Provider, claims []byte) string {
			return keys.SignIDToken(other, "first", "ES256", string(claims))
		}},
		"an unknown key": {sign: func(_ *oidctest.Provider, claims []byte) string {
			return keys.SignIDToken(other, "second", "ES256", string(claims))
		}},
		"changed claims": {sign: func(p *oidctest.Provider, claims []byte) string {
			parts := strings.Split(p.SignES256(claims), ".")
			return parts[0] + "." + b64([]byte(strings.Replace(string(claims), "id-1", "id-2", 1))) + "." + parts[2]
		}},
		"no token":       {sign: func(*oidctest.Provider, []byte) string { return "" }},
		"a huge token":   {forge: func(c map[string]any) { c["more"] = strings.Repeat("x", 200<<10) }, want: identity.ErrProvider},
		"a huge answer":  {forge: func(c map[string]any) { c["more"] = strings.Repeat("x", 2<<20) }, want: identity.ErrProvider},
		"no person":      {forge: func(c map[string]any) { delete(c, "sub") }, want: identity.ErrProvider},
		"no name":        {forge: func(c map[string]any) { delete(c, "preferred_username") }, want: identity.ErrProvider},
		"a name of rows": {forge: func(c map[string]any) { c["preferred_username"] = []string{"jane"} }, want: identity.ErrProvider},
		"groups by rank": {forge: func(c map[string]any) { c["groups"] = map[string]any{"developers": 1} }, want: identity.ErrProvider},
	} {
		t.Run(name, func(t *testing.T) {
			fake := oidctest.New(t)
			fake.Claims, fake.Forge = jane(), test.forge
			if test.sign != nil {
				fake.Sign = func(claims []byte) string { return test.sign(fake, claims) }
			}
			if test.want == nil {
				test.want = identity.ErrUnproven
			}
			provider := asked(t, fake, nil)
			got, err := provider.Verify(t.Context(), visit(t, fake, provider))
			if !errors.Is(err, test.want) || got.ID != "" {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestClockOfTheProviderMayBeALittleOff(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = jane()
	fake.Forge = func(c map[string]any) { c["exp"] = time.Now().Add(-20 * time.Second).Unix() }
	provider := asked(t, fake, nil)
	if _, err := provider.Verify(t.Context(), visit(t, fake, provider)); err != nil {
		t.Error(err)
	}
}

func TestCodeIsGoodForItsOwnSignInOnce(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = jane()
	provider := asked(t, fake, nil)
	first, second := visit(t, fake, provider), visit(t, fake, provider)
	stolen := second
	stolen.Code = first.Code // and with it neither the verifier nor the nonce
	for name, e := range map[string]identity.Evidence{"of another sign-in": stolen, "made up": {Code: "made up", Redirect: second.Redirect}} {
		if _, err := provider.Verify(t.Context(), e); !errors.Is(err, identity.ErrUnproven) {
			t.Errorf("a code %s: %v", name, err)
		}
	}
	if _, err := provider.Verify(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Verify(t.Context(), second); !errors.Is(err, identity.ErrUnproven) {
		t.Errorf("a code twice: %v", err)
	}
}

func TestProvidersAreNotMixedUp(t *testing.T) {
	honest, evil := oidctest.New(t), oidctest.New(t)
	honest.Claims, evil.Claims = jane(), jane()
	honest.Document = func(d map[string]any) { d["authorization_response_iss_parameter_supported"] = true }
	ours, theirs := asked(t, honest, nil), asked(t, evil, nil)
	e := visit(t, honest, ours)
	if _, err := ours.Verify(t.Context(), e); !errors.Is(err, identity.ErrUnproven) {
		t.Errorf("without the issuer that it always says: %v", err)
	}
	e.Issuer = evil.URL
	if _, err := ours.Verify(t.Context(), e); !errors.Is(err, identity.ErrUnproven) {
		t.Errorf("sent back by another: %v", err)
	}
	if honest.Asked("/token") != 0 {
		t.Error("the code was sent on")
	}
	e.Issuer = honest.URL
	if _, err := ours.Verify(t.Context(), e); err != nil {
		t.Error(err)
	}
	// A token of one is none of the other, whatever it says.
	evil.Forge = func(c map[string]any) { c["iss"] = honest.URL }
	if _, err := theirs.Verify(t.Context(), visit(t, evil, theirs)); !errors.Is(err, identity.ErrUnproven) {
		t.Errorf("a token that says to be another's: %v", err)
	}
}

func TestAddressIsOfADomainAndVerified(t *testing.T) {
	for _, test := range []struct {
		email    string
		verified any
		name     string // "" for nobody
	}{
		{"Ann.Lee@Example.com", true, "ann.lee"}, {"ann@example.com", "true", "ann"}, {"ann@example.com", false, ""}, {"ann@example.com", "false", ""}, {"ann@example.com", nil, ""},
		{"ann@example.com.evil.org", true, ""}, {"ann@evil.org", true, ""}, {"ann@evil.org@example.com", true, ""}, {"ann", true, ""}, {"", true, ""},
	} {
		fake := oidctest.New(t)
		fake.Claims = map[string]any{"sub": "id-2", "email": test.email, "email_verified": test.verified}
		provider := asked(t, fake, func(c *oidc.Config) { c.NameClaim, c.EmailDomains = "email", []string{"example.com"} })
		got, err := provider.Verify(t.Context(), visit(t, fake, provider))
		if test.name == "" && !errors.Is(err, identity.ErrUnproven) || test.name != "" && err != nil || got.Name != test.name {
			t.Errorf("%s, %v: %+v %v", test.email, test.verified, got, err)
		}
	}
}

func TestSignOutAtTheProvider(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://id.example.com/out": "https://id.example.com/out?client_id=atoll", "https://id.example.com/out?realm=corp": "https://id.example.com/out?client_id=atoll&realm=corp",
		"": "", "http://id.example.com/out": "", "javascript:alert(1)": "",
	} {
		fake := oidctest.New(t)
		fake.Document = func(d map[string]any) { d["end_session_endpoint"] = endpoint }
		provider := asked(t, fake, nil)
		if got := provider.SignOut(); got != "" {
			t.Errorf("before it was asked: %q", got)
		}
		visit(t, fake, provider)
		if got := provider.SignOut(); got != want {
			t.Errorf("%q: %q, want %q", endpoint, got, want)
		}
	}
}

func TestWrongClientIsAFailureOfTheProvider(t *testing.T) {
	fake := oidctest.New(t)
	fake.Claims = jane()
	provider := asked(t, fake, func(c *oidc.Config) { c.ClientSecret = "another" })
	if _, err := provider.Verify(t.Context(), visit(t, fake, provider)); !errors.Is(err, identity.ErrProvider) || strings.Contains(err.Error(), "another") {
		t.Error(err)
	}
}

func TestProviderThatCannotBeAsked(t *testing.T) {
	for name, spoil := range map[string]func(*oidctest.Provider, *oidc.Config){
		"another issuer": func(p *oidctest.Provider, _ *oidc.Config) {
			p.Document = func(d map[string]any) { d["issuer"] = "https://id.example.com" }
		},
		"an open page": func(p *oidctest.Provider, _ *oidc.Config) {
			p.Document = func(d map[string]any) { d["authorization_endpoint"] = "http://127.0.0.1/page" }
		},
		"a page of script": func(p *oidctest.Provider, _ *oidc.Config) {
			p.Document = func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" }
		},
		"open tokens": func(p *oidctest.Provider, _ *oidc.Config) {
			p.Document = func(d map[string]any) { d["token_endpoint"] = "http://id.example.com/token" }
		},
		"open keys": func(p *oidctest.Provider, _ *oidc.Config) {
			p.Document = func(d map[string]any) { d["jwks_uri"] = "http://id.example.com/keys" }
		},
		"no document": func(p *oidctest.Provider, _ *oidc.Config) { p.Before = status(http.StatusInternalServerError, "") },
		"a huge document": func(p *oidctest.Provider, _ *oidc.Config) {
			p.Before = status(http.StatusOK, strings.Repeat(" ", 2<<20))
		},
		"elsewhere": func(p *oidctest.Provider, _ *oidc.Config) {
			p.Before = func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "/keys", http.StatusFound)
				return true
			}
		},
		"a stranger's TLS": func(_ *oidctest.Provider, c *oidc.Config) { c.Roots = nil },
		"nobody":           func(_ *oidctest.Provider, c *oidc.Config) { c.Issuer = "https://127.0.0.1:1" },
	} {
		t.Run(name, func(t *testing.T) {
			fake := oidctest.New(t)
			provider := asked(t, fake, func(c *oidc.Config) { spoil(fake, c) })
			if address, err := provider.Begin(t.Context(), identity.Redirect{State: "a", Nonce: "b", Verifier: "c", Callback: callback}); !errors.Is(err, identity.ErrProvider) {
				t.Errorf("%q %v", address, err)
			}
		})
	}
}

func status(code int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestSlowProviderIsAskedOnceForAllAndHoldsNobody(t *testing.T) {
	fake := oidctest.New(t)
	asking, release := make(chan struct{}, 100), make(chan struct{})
	fake.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		asking <- struct{}{}
		<-release
		return false
	}
	provider := asked(t, fake, nil)
	redirect := identity.Redirect{State: "a", Nonce: "b", Verifier: "c", Callback: callback}
	impatient, leave := context.WithCancel(t.Context())
	first, rest := make(chan error, 1), make(chan error, 20)
	go func() { _, err := provider.Begin(impatient, redirect); first <- err }()
	<-asking
	leave()
	if err := <-first; !errors.Is(err, identity.ErrProvider) {
		t.Errorf("who leaves: %v", err)
	}
	for range cap(rest) {
		go func() { _, err := provider.Begin(t.Context(), redirect); rest <- err }()
	}
	close(release)
	for range cap(rest) {
		if err := <-rest; err != nil {
			t.Error(err)
		}
	}
	if n := fake.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestConfigurationThatCannotBeIsRefused(t *testing.T) {
	good := oidc.Config{Name: "sso", Issuer: "https://id.example.com", ClientID: "atoll"}
	if _, err := oidc.New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*oidc.Config){
		"issuer":       func(c *oidc.Config) { c.Issuer = "http://id.example.com" },
		"issuer is":    func(c *oidc.Config) { c.Issuer = "https://user:password@id.example.com" },
		"clientID":     func(c *oidc.Config) { c.ClientID = "" },
		"emailDomains": func(c *oidc.Config) { c.NameClaim = "email" },
	} {
		c := good
		change(&c)
		if _, err := oidc.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
