// identity of atoll.yaml: how people prove who they are, and by whom.

package server

import (
	"crypto/x509"
	"fmt"
	"os"
	"slices"

	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/identity/providers/ldap"
)

// Identity says how people prove who they are.
type Identity struct {
	RequireSecondFactor string     `json:"requireSecondFactor"` // none, admins, all
	Providers           []Provider `json:"providers"`
}

// Provider is somebody else who proves people for Atoll.
type Provider struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Create bool   `json:"create"`
	LDAP   *LDAP  `json:"ldap"`
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

// options is what identity is told, with the secrets. ErrConfig.
func (i Identity) options() (identity.Options, error) {
	required := map[string]string{"none": identity.RequireNobody, "admins": identity.RequireAdmins, "all": identity.RequireAll}
	o := identity.Options{RequireSecondFactor: required[i.RequireSecondFactor]}
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
		provider, err := p.ldap(wrong)
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
	if l == nil {
		return nil, wrong("ldap", fmt.Errorf("it is missing: the provider is of no kind"))
	}
	password, err := readSecret(l.BindPasswordFile)
	if err != nil {
		return nil, wrong("ldap/bindPasswordFile", err)
	}
	c := ldap.Config{
		Name: p.Name, Title: p.Title, Create: p.Create, URL: l.URL, StartTLS: l.StartTLS, BindDN: l.BindDN, BindPassword: password,
		UserBase: l.UserBase, UserFilter: l.UserFilter, NameAttribute: l.NameAttribute, DisplayNameAttribute: l.DisplayNameAttribute, IDAttribute: l.IDAttribute,
		GroupBase: l.GroupBase, GroupFilter: l.GroupFilter, Nesting: l.Nesting,
	}
	if l.CAFile != "" {
		pem, err := os.ReadFile(l.CAFile)
		if err != nil {
			return nil, wrong("ldap/caFile", err)
		}
		c.Roots = x509.NewCertPool()
		if !c.Roots.AppendCertsFromPEM(pem) {
			return nil, wrong("ldap/caFile", fmt.Errorf("%s holds no certificate in PEM", l.CAFile))
		}
	}
	provider, err := ldap.New(c)
	if err != nil {
		return nil, wrong("ldap", err)
	}
	return provider, nil
}
