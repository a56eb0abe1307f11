// identity of atoll.yaml: how people prove who they are, and by whom.

package server

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"

	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/identity/providers/ldap"
	"github.com/atoll-platform/atoll/core/identity/providers/oidc"
)

// Identity says how people prove who they are.
type Identity struct {
	RequireSecondFactor string     `json:"requireSecondFactor"` // none, admins, all
	Origin              string     `json:"origin"`              // where browsers reach Atoll; "": as each request says
	InvitedBy           string     `json:"invitedBy"`           // any, providers: who proves people that were invited and are new
	Providers           []Provider `json:"providers"`
}

// Provider is somebody else who proves people for Atoll.
type Provider struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Create bool   `json:"create"`
	LDAP   *LDAP  `json:"ldap"`
	OIDC   *OIDC  `json:"oidc"`
}

// LDAP is a directory. The password lies in a file of its own.
type LDAP struct {
	URL                  string `json:"url"`
	StartTLS             bool   `json:"startTLS"`
	CAFile               string `json:"caFile"`
	BindDN               string `json:"bindDN"`
	BindPasswordFile     string `json:"bindPasswordFile"`
	UserBase             string `json:"userBase"`
	UserFilter           string `json:"userFilter"`
	NameAttribute        string `json:"nameAttribute"`
	DisplayNameAttribute string `json:"displayNameAttribute"`
	IDAttribute          string `json:"idAttribute"`
	GroupBase            string `json:"groupBase"`
	GroupFilter          string `json:"groupFilter"`
	Nesting              int    `json:"nesting"`
}

// OIDC is an OpenID provider. The secret lies in a file of its own.
type OIDC struct {
	Issuer           string   `json:"issuer"`
	ClientID         string   `json:"clientID"`
	ClientSecretFile string   `json:"clientSecretFile"`
	CAFile           string   `json:"caFile"`
	Scopes           []string `json:"scopes"`
	NameClaim        string   `json:"nameClaim"`
	DisplayNameClaim string   `json:"displayNameClaim"`
	GroupsClaim      string   `json:"groupsClaim"`
	EmailDomains     []string `json:"emailDomains"`
}

// options is what identity is told, with the secrets. ErrConfig.
func (i Identity) options() (identity.Options, error) {
	required := map[string]string{"none": identity.RequireNobody, "admins": identity.RequireAdmins, "all": identity.RequireAll}
	o := identity.Options{RequireSecondFactor: required[i.RequireSecondFactor], InviteByProviderOnly: i.InvitedBy == "providers"}
	if u, err := url.Parse(i.Origin); i.Origin != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Scheme+"://"+u.Host != i.Origin) {
		return o, fmt.Errorf("%w: /identity/origin: %q is none; https://atoll.example.com would be one", ErrConfig, i.Origin)
	}
	for n, p := range i.Providers {
		wrong := func(key string, err error) error {
			return fmt.Errorf("%w: /identity/providers/%d/%s: %w", ErrConfig, n, key, err)
		}
		if slices.ContainsFunc(i.Providers[:n], func(o Provider) bool { return o.Name == p.Name }) {
			return o, wrong("name", fmt.Errorf("there is another provider %q before it", p.Name))
		}
		if p.Title == "" {
			p.Title = p.Name
		}
		make := p.ldap
		switch {
		case p.LDAP != nil && p.OIDC != nil:
			return o, wrong("oidc", errors.New("there is ldap too: a provider is of one kind"))
		case p.OIDC != nil:
			make = p.oidc
		case p.LDAP == nil:
			return o, wrong("ldap", errors.New("it is missing, and oidc is too: the provider is of no kind"))
		}
		provider, err := make(wrong)
		if err != nil {
			return o, err
		}
		o.Providers = append(o.Providers, provider)
	}
	return o, nil
}

// ldap makes the provider that is a directory.
func (p Provider) ldap(wrong func(string, error) error) (identity.Provider, error) {
	l := p.LDAP
	password, err := readSecret(l.BindPasswordFile)
	if err != nil {
		return nil, wrong("ldap/bindPasswordFile", err)
	}
	c := ldap.Config{
		Name: p.Name, Title: p.Title, Create: p.Create, URL: l.URL, StartTLS: l.StartTLS, BindDN: l.BindDN, BindPassword: password,
		UserBase: l.UserBase, UserFilter: l.UserFilter, NameAttribute: l.NameAttribute, DisplayNameAttribute: l.DisplayNameAttribute, IDAttribute: l.IDAttribute,
		GroupBase: l.GroupBase, GroupFilter: l.GroupFilter, Nesting: l.Nesting,
	}
	if c.Roots, err = roots(l.CAFile); err != nil {
		return nil, wrong("ldap/caFile", err)
	}
	provider, err := ldap.New(c)
	if err != nil {
		return nil, wrong("ldap", err)
	}
	return provider, nil
}

// oidc makes the provider that is an OpenID provider.
func (p Provider) oidc(wrong func(string, error) error) (identity.Provider, error) {
	o := p.OIDC
	c := oidc.Config{
		Name: p.Name, Title: p.Title, Create: p.Create, Issuer: o.Issuer, ClientID: o.ClientID, Scopes: o.Scopes,
		NameClaim: o.NameClaim, DisplayNameClaim: o.DisplayNameClaim, GroupsClaim: o.GroupsClaim, EmailDomains: o.EmailDomains,
	}
	var err error
	if o.ClientSecretFile != "" {
		if c.ClientSecret, err = readSecret(o.ClientSecretFile); err != nil {
			return nil, wrong("oidc/clientSecretFile", err)
		}
	}
	if c.Roots, err = roots(o.CAFile); err != nil {
		return nil, wrong("oidc/caFile", err)
	}
	provider, err := oidc.New(c)
	if err != nil {
		return nil, wrong("oidc", err)
	}
	return provider, nil
}

// roots reads who signs certificates; nil, whom this machine trusts, for no file.
func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}
