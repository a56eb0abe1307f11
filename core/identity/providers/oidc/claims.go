// What a provider says about a person: in the ID token, and, where that does not
// say enough, at its userinfo endpoint.

package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/atoll-platform/atoll/core/identity"
)

const (
	claimEmail    = "email" // holds an address
	claimVerified = "email_verified"

	maxSaid = 300 // bytes of what a provider says went wrong, in the log
)

// claims are what was said about a person, by name.
type claims map[string]json.RawMessage

// at finds a claim by its name, or by a path of names with dots between them, as
// realm_access.roles. The longest name counts: a claim may have dots in its own.
func (c claims) at(path string) (json.RawMessage, bool) {
	if raw, ok := c[path]; ok {
		return raw, true
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '.' {
			continue
		}
		var inner claims
		if raw, ok := c[path[:i]]; !ok || json.Unmarshal(raw, &inner) != nil {
			continue
		}
		if raw, ok := inner.at(path[i+1:]); ok {
			return raw, true
		}
	}
	return nil, false
}

// text is a claim that is a text; what is none counts as missing.
func (c claims) text(path string) string {
	var s string
	if raw, ok := c.at(path); ok {
		_ = json.Unmarshal(raw, &s)
	}
	return s
}

// verified reads email_verified, which some providers write as a text.
func (c claims) verified() bool {
	raw := string(c[claimVerified])
	return raw == "true" || raw == `"true"`
}

// said is what a provider says about one person.
type said struct {
	token claims // of the ID token
	info  claims // of the userinfo endpoint; nil where it was not asked
}

// of is the claims that have a claim, the token's first.
func (s said) of(path string) claims {
	if _, ok := s.token.at(path); !ok && s.info != nil {
		return s.info
	}
	return s.token
}

// lacks tells whether the ID token lacks something that the person is made of.
func (p *Provider) lacks(token claims) bool {
	needed := []string{p.config.NameClaim}
	if p.config.GroupsClaim != "" {
		needed = append(needed, p.config.GroupsClaim)
	}
	if len(p.config.EmailDomains) > 0 {
		needed = append(needed, claimEmail, claimVerified)
	}
	return slices.ContainsFunc(needed, func(path string) bool { _, ok := token.at(path); return !ok })
}

// askInfo asks the userinfo endpoint about the person of an ID token; nil where there
// is none. What it says of anybody else counts for nothing (OpenID Connect Core
// 5.3.2). ErrProvider: to go on without it would take the person's groups away.
func (p *Provider) askInfo(ctx context.Context, known *known, id *oidc.IDToken, token *oauth2.Token) (claims, error) {
	if known.UserInfo == "" {
		return nil, nil
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, p.unproven(err)
		}
	}
	info, err := known.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, p.failed("asking about a person", fmt.Errorf("%.*s", maxSaid, err))
	}
	if info.Subject != id.Subject {
		return nil, p.unproven(errors.New("its userinfo endpoint tells of somebody else"))
	}
	var all claims
	if err := info.Claims(&all); err != nil {
		return nil, p.failed("asking about a person", err)
	}
	return all, nil
}

// person makes a person of what was said.
func (p *Provider) person(id *oidc.IDToken, s said) (identity.Person, error) {
	name := s.of(p.config.NameClaim).text(p.config.NameClaim)
	if len(p.config.EmailDomains) > 0 {
		// An address and that it was verified are said together.
		address := s.token
		if _, ok := s.token[claimVerified]; s.info != nil && (!ok || s.token.text(claimEmail) == "") {
			address = s.info
		}
		local, domain, ok := strings.Cut(address.text(claimEmail), "@")
		if !ok || !address.verified() || !slices.ContainsFunc(p.config.EmailDomains, func(d string) bool { return strings.EqualFold(d, domain) }) {
			return identity.Person{}, p.unproven(errors.New("the person has no verified address in one of the emailDomains"))
		}
		if p.config.NameClaim == claimEmail {
			name = local
		}
	}
	if id.Subject == "" || name == "" {
		return identity.Person{}, p.failed("reading a person", fmt.Errorf("neither the ID token nor the userinfo endpoint says sub and %s", p.config.NameClaim))
	}
	person := identity.Person{ID: id.Subject, Name: strings.ToLower(name), DisplayName: s.of(p.config.DisplayNameClaim).text(p.config.DisplayNameClaim)}
	if p.config.GroupsClaim == "" {
		return person, nil
	}
	if raw, ok := s.of(p.config.GroupsClaim).at(p.config.GroupsClaim); ok {
		var one string
		if json.Unmarshal(raw, &one) == nil && one != "" {
			person.Groups = []string{one}
		} else if err := json.Unmarshal(raw, &person.Groups); err != nil {
			return identity.Person{}, p.failed("reading a person", fmt.Errorf("the claim %s is no list of groups", p.config.GroupsClaim))
		}
	}
	return person, nil
}
