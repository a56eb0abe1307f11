// Package ldap proves people by an LDAP directory: it finds them with an account
// of its own, and then binds as them with the password that they typed.
//
// What belongs here: speaking to the directory, and reading people and groups
// out of it. What does not: which user of Atoll somebody is (identity).
//
// Everything goes over TLS whose certificate is verified. Referrals are not
// followed: they would take passwords to servers that nobody has configured.
package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/atoll-platform/atoll/core/identity"
)

const (
	// timeout bounds a whole sign-in at the directory.
	timeout = 10 * time.Second

	maxNesting = 10  // how deep groups may lie in groups
	maxFound   = 500 // groups that one search may find
	maxGroups  = 1000
)

// Config is how a directory is asked.
type Config struct {
	Name, Title string
	Create      bool

	URL      string         // ldaps://host:636, or ldap://host:389 with StartTLS
	StartTLS bool           // needed for ldap://
	Roots    *x509.CertPool // who signs the directory's certificate; nil: whom this machine trusts

	BindDN       string // the account that searches
	BindPassword string

	UserBase             string // below which people are
	UserFilter           string // with {name} for what was typed
	NameAttribute        string
	DisplayNameAttribute string
	IDAttribute          string // never changes and is never given again

	GroupBase   string // "" for no groups
	GroupFilter string // with {dn} for a member's name
	Nesting     int    // how deep groups lie in groups: 0 for not at all
}

// Filled is the configuration with defaults for what was left out: those of
// OpenLDAP with inetOrgPerson and groupOfNames.
func (c Config) Filled() Config {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&c.UserFilter, "(&(objectClass=inetOrgPerson)(uid={name}))"}, {&c.NameAttribute, "uid"}, {&c.DisplayNameAttribute, "cn"},
		{&c.IDAttribute, "entryUUID"}, {&c.GroupFilter, "(member={dn})"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return c
}

// Provider asks one directory. Safe for concurrent use.
type Provider struct{ config Config }

// New makes a provider; the directory is not asked yet. An error says what of
// the configuration cannot be.
func New(c Config) (*Provider, error) {
	c = c.Filled()
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return nil, fmt.Errorf("url is %q; ldaps://ldap.example.com:636 would be one", c.URL)
	case u.Scheme == "ldap" && !c.StartTLS:
		return nil, fmt.Errorf("url is %q, over which passwords would go in the open: use ldaps, or set startTLS", c.URL)
	case u.Scheme == "ldaps" && c.StartTLS:
		return nil, errors.New("startTLS is for ldap://, and ldaps:// begins with TLS")
	case u.Scheme != "ldap" && u.Scheme != "ldaps":
		return nil, fmt.Errorf("url is %q; the scheme is ldaps or ldap", c.URL)
	case c.BindDN == "" || c.BindPassword == "":
		return nil, errors.New("bindDN and its password are needed: a directory that anybody may search proves nothing")
	case c.UserBase == "":
		return nil, errors.New("userBase is missing")
	case c.Nesting < 0 || c.Nesting > maxNesting:
		return nil, fmt.Errorf("nesting is %d; 0 to %d are right", c.Nesting, maxNesting)
	}
	for name, f := range map[string][2]string{"userFilter": {c.UserFilter, "{name}"}, "groupFilter": {c.GroupFilter, "{dn}"}} {
		if !strings.Contains(f[0], f[1]) {
			return nil, fmt.Errorf("%s is %q and lacks %s", name, f[0], f[1])
		}
		if _, err := ldap.CompileFilter(strings.ReplaceAll(f[0], f[1], "x")); err != nil {
			return nil, fmt.Errorf("%s is %q: %w", name, f[0], err)
		}
	}
	for name, dn := range map[string]string{"bindDN": c.BindDN, "userBase": c.UserBase, "groupBase": c.GroupBase} {
		if _, err := ldap.ParseDN(dn); err != nil {
			return nil, fmt.Errorf("%s is %q: %w", name, dn, err)
		}
	}
	return &Provider{config: c}, nil
}

// Info implements identity.Provider.
func (p *Provider) Info() identity.ProviderInfo {
	return identity.ProviderInfo{Name: p.config.Name, Title: p.config.Title, Kind: identity.KindLDAP, Create: p.config.Create}
}

// GroupID implements identity.Provider: names of groups in a directory are the
// same in upper and lower case, and with spaces or without.
func (p *Provider) GroupID(id string) string {
	dn, err := ldap.ParseDN(id)
	if err != nil {
		return strings.ToLower(id)
	}
	return strings.ToLower(dn.String())
}

// Verify implements identity.Provider.
func (p *Provider) Verify(ctx context.Context, e identity.Evidence) (identity.Person, error) {
	if e.Name == "" || e.Password == "" || strings.ContainsRune(e.Name+e.Password, 0) {
		return identity.Person{}, identity.ErrBadCredentials
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := p.dial(ctx)
	if err != nil {
		return identity.Person{}, p.failed("connecting", err)
	}
	// Whoever waits for an answer is told when the time is over.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	if err := conn.Bind(p.config.BindDN, p.config.BindPassword); err != nil {
		return identity.Person{}, p.failed("signing in with bindDN", err)
	}
	entry, err := p.find(conn, e.Name)
	if err != nil {
		return identity.Person{}, err
	}
	person := identity.Person{
		ID: entry.GetAttributeValue(p.config.IDAttribute), Name: strings.ToLower(entry.GetAttributeValue(p.config.NameAttribute)),
		DisplayName: entry.GetAttributeValue(p.config.DisplayNameAttribute),
	}
	if person.ID == "" || person.Name == "" {
		return identity.Person{}, p.failed("reading a person", fmt.Errorf("the entry lacks %s or %s", p.config.IDAttribute, p.config.NameAttribute))
	}
	// Groups are read before the connection becomes the person's.
	if person.Groups, err = p.groups(conn, entry.DN); err != nil {
		return identity.Person{}, err
	}
	switch err := conn.Bind(entry.DN, e.Password); {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials):
		return identity.Person{}, identity.ErrBadCredentials
	case err != nil:
		return identity.Person{}, p.failed("checking a password", err)
	}
	return person, nil
}

// dial opens a connection over TLS.
func (p *Provider) dial(ctx context.Context) (*ldap.Conn, error) {
	u, err := url.Parse(p.config.URL)
	if err != nil {
		return nil, err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), RootCAs: p.config.Roots}
	dialer := &net.Dialer{}
	if deadline, ok := ctx.Deadline(); ok {
		dialer.Deadline = deadline
	}
	conn, err := ldap.DialURL(p.config.URL, ldap.DialWithDialer(dialer), ldap.DialWithTLSConfig(secure))
	if err != nil {
		return nil, err
	}
	conn.SetTimeout(timeout)
	if p.config.StartTLS {
		if err := conn.StartTLS(secure); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// find is the one entry of a name. ErrBadCredentials when there is none.
func (p *Provider) find(conn *ldap.Conn, name string) (*ldap.Entry, error) {
	filter := strings.ReplaceAll(p.config.UserFilter, "{name}", ldap.EscapeFilter(name))
	result, err := p.search(conn, p.config.UserBase, filter, 2, p.config.NameAttribute, p.config.DisplayNameAttribute, p.config.IDAttribute)
	if err != nil {
		return nil, p.failed("looking for a person", err)
	}
	switch len(result) {
	case 0:
		return nil, identity.ErrBadCredentials
	case 1:
		return result[0], nil
	}
	return nil, p.failed("looking for a person", errors.New("several have the name that was typed"))
}

// groups are those that an entry is in, and those that these are in, as deep as
// is configured. One that lies in itself is no harm.
func (p *Provider) groups(conn *ldap.Conn, dn string) ([]string, error) {
	if p.config.GroupBase == "" {
		return nil, nil
	}
	seen := map[string]bool{}
	var all []string
	for next, depth := []string{dn}, 0; len(next) > 0 && depth <= p.config.Nesting; depth++ {
		members := next
		next = nil
		for _, member := range members {
			filter := strings.ReplaceAll(p.config.GroupFilter, "{dn}", ldap.EscapeFilter(member))
			found, err := p.search(conn, p.config.GroupBase, filter, maxFound, "1.1") // "1.1": no attributes
			if err != nil {
				return nil, p.failed("looking for groups", err)
			}
			for _, entry := range found {
				if id := p.GroupID(entry.DN); !seen[id] {
					seen[id] = true
					all, next = append(all, id), append(next, entry.DN)
				}
			}
			if len(all) > maxGroups {
				return nil, p.failed("looking for groups", fmt.Errorf("a person is in more than %d", maxGroups))
			}
		}
	}
	return all, nil
}

// search finds entries below a base; parts of the directory that are elsewhere
// are not asked.
func (p *Provider) search(conn *ldap.Conn, base, filter string, most int, attributes ...string) ([]*ldap.Entry, error) {
	result, err := conn.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, most, int(timeout.Seconds()), false, filter, attributes, nil))
	if ldap.IsErrorWithCode(err, ldap.LDAPResultReferral) {
		return nil, fmt.Errorf("it refers to another server, which is not asked: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return result.Entries, nil
}

// failed says what could not be done at the directory.
func (p *Provider) failed(doing string, err error) error {
	return fmt.Errorf("%w: %s at %s: %w", identity.ErrProvider, doing, p.config.Name, err)
}
