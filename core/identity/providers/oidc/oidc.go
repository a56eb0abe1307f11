// Package oidc proves people by an OpenID provider: they sign in at its page, and
// the code that they come back with is turned into an ID token whose signature,
// issuer, audience, time and nonce are verified.
//
// What belongs here: speaking OpenID Connect, and reading people and groups out
// of a token. What does not: sign-ins on their way, and which user of Atoll
// somebody is (identity).
package oidc

import (
	"context"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/atoll-platform/atoll/core/identity"
)

const (
	clockSkew = time.Minute // that a provider's clock may be behind ours, or ahead
	maxToken  = 128 << 10   // bytes of an ID token
)

// Config is how a provider is asked.
type Config struct {
	Name, Title string
	Create      bool

	Issuer       string // https, or http on this machine
	ClientID     string
	ClientSecret string         // "" for a public client
	Roots        *x509.CertPool // who signs the provider's certificate; nil: whom this machine trusts

	Scopes []string // besides openid
	// Claims of the ID token or, where it lacks one, of the userinfo endpoint; of
	// what lies in another claim the path, with dots: realm_access.roles.
	NameClaim        string // the person's name in Atoll; of "email" what stands before the @
	DisplayNameClaim string
	GroupsClaim      string   // "" for no groups
	EmailDomains     []string // only people with a verified address in one of them

	Now func() time.Time // for tests; nil: time.Now
}

// Filled is the configuration with defaults for what was left out.
func (c Config) Filled() Config {
	if c.Scopes == nil {
		c.Scopes = []string{"profile", "email"}
	}
	if c.NameClaim == "" {
		c.NameClaim = "preferred_username"
	}
	if c.DisplayNameClaim == "" {
		c.DisplayNameClaim = "name"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Provider asks one OpenID provider. Safe for concurrent use.
type Provider struct {
	config Config
	client *http.Client
	found  discovery
}

// New makes a provider, which is not asked yet. An error says what of the
// configuration cannot be.
func New(c Config) (*Provider, error) {
	c = c.Filled()
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !encrypted(u, true):
		return nil, fmt.Errorf("issuer is %q; https://id.example.com/realms/corp would be one, and without TLS only one on this machine", c.Issuer)
	case c.ClientID == "":
		return nil, errors.New("clientID is missing")
	case c.NameClaim == claimEmail && len(c.EmailDomains) == 0:
		return nil, errors.New("nameClaim is email, whose part before the @ is the name: emailDomains has to say of which domains")
	}
	return &Provider{config: c, client: newClient(c.Roots)}, nil
}

// encrypted tells whether an address is asked over TLS, or, where that is
// allowed, is on this machine.
func encrypted(u *url.URL, local bool) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http" && here && local)
}

// Info implements identity.Provider.
func (p *Provider) Info() identity.ProviderInfo {
	return identity.ProviderInfo{Name: p.config.Name, Title: p.config.Title, Kind: identity.KindOIDC, Create: p.config.Create}
}

// GroupID implements identity.Provider.
func (p *Provider) GroupID(id string) string { return id }

// Begin implements identity.Redirecting.
func (p *Provider) Begin(ctx context.Context, r identity.Redirect) (string, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return p.oauth(known, r).AuthCodeURL(r.State, oidc.Nonce(r.Nonce), oauth2.S256ChallengeOption(r.Verifier)), nil
}

// SignOut implements identity.Redirecting (OpenID Connect RP-Initiated Logout).
// The page asks the person, since no token is kept that would show who they are.
func (p *Provider) SignOut() string {
	k := p.found.last()
	if k == nil || k.EndSession == "" {
		return ""
	}
	u, err := url.Parse(k.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.config.ClientID)
	u.RawQuery = q.Encode()
	return u.String()
}

// oauth is the library's form of a sign-in.
func (p *Provider) oauth(known *known, r identity.Redirect) *oauth2.Config {
	endpoint := known.provider.Endpoint()
	// Said and not tried out: a code is good once.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.config.ClientSecret == "" || len(known.AuthMethods) > 0 && !slices.Contains(known.AuthMethods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: endpoint, RedirectURL: r.Callback,
		Scopes: append([]string{oidc.ScopeOpenID}, p.config.Scopes...),
	}
}

// Verify implements identity.Provider.
func (p *Provider) Verify(ctx context.Context, e identity.Evidence) (identity.Person, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return identity.Person{}, err
	}
	// Who sends back says who it is, so that no provider's code goes to another.
	if e.Issuer != "" && e.Issuer != p.config.Issuer || e.Issuer == "" && known.SaysIssuer {
		return identity.Person{}, p.unproven(fmt.Errorf("the browser was sent back by %.200q, not by %s", e.Issuer, p.config.Issuer))
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), timeout)
	defer cancel()
	token, err := p.oauth(known, e.Redirect).Exchange(ctx, e.Code, oauth2.VerifierOption(e.Redirect.Verifier))
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		return identity.Person{}, p.unproven(errors.New("it does not take the code: invalid_grant"))
	}
	if err != nil {
		return identity.Person{}, p.failed("exchanging a code", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || len(raw) > maxToken {
		return identity.Person{}, p.failed("exchanging a code", fmt.Errorf("the answer holds no ID token, or one of more than %d bytes", maxToken))
	}
	verifier := known.provider.Verifier(&oidc.Config{ClientID: p.config.ClientID, Now: func() time.Time { return p.config.Now().Add(-clockSkew) }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return identity.Person{}, p.unproven(err)
	}
	if id.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(e.Redirect.Nonce)) != 1 {
		return identity.Person{}, p.unproven(errors.New("the ID token is for another sign-in: its nonce is another"))
	}
	var all claims
	if err := id.Claims(&all); err != nil {
		return identity.Person{}, p.unproven(fmt.Errorf("reading the ID token: %w", err))
	}
	// A token for several must say for whom it was made (OpenID Connect Core 3.1.3.7).
	if azp := all.text("azp"); azp != "" && azp != p.config.ClientID || azp == "" && len(id.Audience) > 1 {
		return identity.Person{}, p.unproven(fmt.Errorf("the ID token is for %q and was made for %q, not for us", id.Audience, azp))
	}
	about := said{token: all}
	if p.lacks(all) {
		if about.info, err = p.askInfo(ctx, known, id, token); err != nil {
			return identity.Person{}, err
		}
	}
	return p.person(id, about)
}

// failed says what could not be done at the provider.
func (p *Provider) failed(doing string, err error) error {
	return fmt.Errorf("%w: %s at %s: %w", identity.ErrProvider, doing, p.config.Name, err)
}

// unproven says why what the provider gave proves nobody.
func (p *Provider) unproven(err error) error {
	return fmt.Errorf("%w: %s: %w", identity.ErrUnproven, p.config.Name, err)
}
