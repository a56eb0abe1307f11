// Identity providers: others who prove people for Atoll. What they say is taken
// as far as it can do no harm: their people have names that nobody else has or
// had, never become somebody who is here already, and their groups count where
// an administrator made a group here that stands for one.

package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// externalPrefix is where it is said who of a provider is which user, by a hash
// of both names.
const externalPrefix = "externals/"

// Limits of what a provider says.
const (
	maxPersonID     = 1024
	maxPersonGroups = 1000
)

// Kinds of providers.
const (
	KindLDAP = "ldap" // people type their password at Atoll's sign-in
	KindOIDC = "oidc" // people are sent to the provider and come back
)

// Provider proves people.
type Provider interface {
	// Info says what the provider is; it never changes.
	Info() ProviderInfo
	// Verify proves a person by what they brought. ErrBadCredentials when a
	// password is not enough, ErrUnproven when a code is not, with why for whoever
	// keeps Atoll; ErrProvider when the provider cannot be asked.
	Verify(ctx context.Context, e Evidence) (Person, error)
	// GroupID is the one way to write how the provider calls a group.
	GroupID(id string) string
}

// ProviderInfo says what a provider is.
type ProviderInfo struct {
	Name   string // in the configuration and in paths
	Title  string // what people read
	Kind   string // KindLDAP or KindOIDC
	Create bool   // people appear at their first sign-in; otherwise by invitation only
}

// Evidence is what somebody brought: of KindLDAP a password, of KindOIDC a code
// that belongs to a sign-in at the provider's page.
type Evidence struct {
	Name, Password string

	Code, Issuer string
	Redirect     Redirect
}

// Person is whom a provider has proven.
type Person struct {
	ID          string // never changes and is never given again there
	Name        string
	DisplayName string
	Groups      []string // as GroupID writes them
}

// externalRecord says which user somebody of a provider is.
type externalRecord struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

func externalName(provider, id string) string {
	sum := sha256.Sum256([]byte(provider + "\x00" + id))
	return hex.EncodeToString(sum[:])
}

// provider finds a provider by name. ErrNotFound.
func (v *Service) provider(name string) (Provider, error) {
	for _, p := range v.options.Providers {
		if p.Info().Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("the identity provider %q is %w", name, ErrNotFound)
}

// Providers are those that there are, in the order of the configuration.
func (v *Service) Providers() []ProviderInfo {
	all := make([]ProviderInfo, 0, len(v.options.Providers))
	for _, p := range v.options.Providers {
		all = append(all, p.Info())
	}
	return all
}

// checkByProvider is the proof by a password that a provider knows, with
// back-off, as check is.
func (v *Service) checkByProvider(ctx context.Context, p Provider, name, password, remote string) (Person, error) {
	if p.Info().Kind != KindLDAP {
		return Person{}, fmt.Errorf("a password is %w for %s: begin at its own page", ErrDenied, p.Info().Name)
	}
	key, from := p.Info().Name+"/"+strings.ToLower(name), remoteKey(remote)
	if wait := v.byRemote.attempt(from); wait > 0 {
		return Person{}, &TooMany{RetryAfter: wait}
	}
	if wait := v.byName.attempt(key); wait > 0 {
		v.byRemote.forgive(from)
		return Person{}, &TooMany{RetryAfter: wait}
	}
	if name == "" || password == "" || len(name) > maxPersonID || len(password) > maxPassword {
		return Person{}, ErrBadCredentials // an empty password binds as nobody, which is no proof
	}
	person, err := p.Verify(ctx, Evidence{Name: name, Password: password})
	if errors.Is(err, ErrBadCredentials) {
		return Person{}, ErrBadCredentials
	}
	v.byRemote.forgive(from)
	v.byName.forgive(key)
	if err != nil {
		return Person{}, err
	}
	return person, person.check()
}

// check holds what a provider says to its bounds.
func (p *Person) check() error {
	if p.ID == "" || len(p.ID) > maxPersonID {
		return fmt.Errorf("%w: it gives a person an id of %d bytes; 1 to %d are right", ErrProvider, len(p.ID), maxPersonID)
	}
	if checkDisplayName(p.DisplayName) != nil {
		p.DisplayName = printable(p.DisplayName, maxDisplayName)
	}
	if len(p.Groups) > maxPersonGroups {
		return fmt.Errorf("%w: it says that a person is in %d groups; %d at most are right", ErrProvider, len(p.Groups), maxPersonGroups)
	}
	return nil
}

// signInBy begins the session of somebody whom a provider proves by a password.
func (v *Service) signInBy(ctx context.Context, p Proof) (Session, error) {
	provider, err := v.provider(p.Provider)
	if err != nil {
		return Session{}, err
	}
	person, err := v.checkByProvider(ctx, provider, p.Name, p.Password, p.Client.Remote)
	if err != nil {
		if errors.Is(err, ErrBadCredentials) {
			v.remember(v.namedBy(ctx, provider, p.Name), p.Provider, p.Client, false, err)
		}
		return Session{}, err
	}
	item, made, err := v.appear(ctx, provider, person, p.Invitation)
	if err != nil {
		return Session{}, err
	}
	if item.Value.SecondFactor && !item.Value.Disabled {
		err = v.secondProof(ctx, item.Value.User, p.Code)
	}
	if err == nil && !made {
		if err := v.invited(ctx, item.Value.User, p.Invitation); err != nil {
			return Session{}, err
		}
	}
	session := Session{}
	if err == nil {
		v.byName.forget(p.Provider + "/" + strings.ToLower(p.Name))
		session, err = v.begin(ctx, item, p.Client, item.Value.SecondFactor, func(fresh userItem) bool { return fresh.Value.SecondFactor == item.Value.SecondFactor })
	}
	v.remember(item.Value.User, p.Provider, p.Client, item.Value.Disabled, err)
	return session, err
}

// ownByProvider proves again, by the password that a provider knows, that a
// session is in its owner's hands.
func (v *Service) ownByProvider(ctx context.Context, r userRecord, password string, from Client) error {
	p, err := v.provider(r.Provider)
	if err != nil {
		return err
	}
	person, err := v.checkByProvider(ctx, p, r.Name, password, from.Remote)
	if err == nil && person.ID != r.ExternalID {
		err = ErrBadCredentials
	}
	return err
}

// namedBy is the user of a provider who has a name, for the history of failures;
// the zero User where there is none.
func (v *Service) namedBy(ctx context.Context, p Provider, name string) User {
	item, err := v.record(ctx, strings.ToLower(name))
	if err != nil || item.Value.Provider != p.Info().Name {
		return User{}
	}
	return item.Value.User
}

// appear is the user that a proven person is, with the name to show and the
// groups that the provider says now. Who is here for the first time is made, if
// the provider may or by an invitation, a token, which is accepted with it: made
// tells so. ErrNotInvited, ErrInvalid for a name that cannot be one here,
// ErrExists for one that somebody else has or had; and what Accept says.
func (v *Service) appear(ctx context.Context, p Provider, person Person, invitation string) (out userItem, made bool, err error) {
	err = again(ctx, func() error {
		known, err := v.externals.Get(ctx, externalName(p.Info().Name, person.ID))
		switch {
		case errors.Is(err, store.ErrNotFound):
			if !p.Info().Create && invitation == "" {
				return fmt.Errorf("%w: %s knows you, and nobody has invited you", ErrNotInvited, p.Info().Title)
			}
			if err := v.make(ctx, p, person, invitation); err != nil {
				return err
			}
			known.Value.Name, made = person.Name, true
		case err != nil:
			return fmt.Errorf("looking for a user of %s: %w", p.Info().Name, err)
		}
		if out, err = v.record(ctx, known.Value.Name); err != nil {
			return err
		}
		if out.Value.Provider != p.Info().Name || out.Value.ExternalID != person.ID {
			return fmt.Errorf("the user %q is somebody else's: %w", known.Value.Name, ErrExists)
		}
		return v.refresh(ctx, p, person, &out)
	})
	return out, made, err
}

// invited accepts the invitation, if any, of somebody who has shown all that is
// asked for.
func (v *Service) invited(ctx context.Context, u User, invitation string) error {
	if invitation == "" {
		return nil
	}
	return again(ctx, func() error {
		_, err := v.accept(ctx, u.Name, u.UID, invitation)
		return err
	})
}

// make adds the user that a person of a provider becomes, and what an invitation
// gives them. store.ErrConflict when they came in twice at once.
func (v *Service) make(ctx context.Context, p Provider, person Person, invitation string) error {
	if err := checkUserName(person.Name); err != nil {
		return fmt.Errorf("%s gives you a name that cannot be one here: %w", p.Info().Title, err)
	}
	r := userRecord{User: User{
		UID: access.NewUID(), Name: person.Name, DisplayName: person.DisplayName, Provider: p.Info().Name, CreatedAt: v.options.Now().UTC(),
	}, ExternalID: person.ID}
	put, err := v.users.PutOp(person.Name, r)
	if err != nil {
		return err
	}
	external := externalName(p.Info().Name, person.ID)
	link, err := v.externals.PutOp(external, externalRecord{UID: r.UID, Name: person.Name})
	if err != nil {
		return err
	}
	ops, guards := []store.Op{put, link}, []store.Guard{v.users.Absent(person.Name), v.tombs.Absent(person.Name), v.externals.Absent(external)}
	if invitation != "" {
		_, more, guarded, err := v.redeem(ctx, invitation, r.UID)
		if err != nil {
			return err
		}
		ops, guards = append(ops, more...), append(guards, guarded...)
	}
	err = v.commit(ctx, guards, ops...)
	if errors.Is(err, store.ErrConflict) {
		if _, known := v.externals.Get(ctx, external); known == nil {
			return err
		}
		if _, gone := v.invitation(ctx, invitation); gone != nil && invitation != "" {
			return gone
		}
		return fmt.Errorf("%s calls you %q, and here somebody else has that name: %w", p.Info().Title, person.Name, ErrExists)
	}
	return err
}

// refresh takes over what a provider says now.
func (v *Service) refresh(ctx context.Context, p Provider, person Person, item *store.Item[userRecord]) error {
	groups, err := v.groupsBy(ctx, p, item.Value.Groups, person.Groups)
	if err != nil {
		return err
	}
	if slices.Equal(groups, item.Value.Groups) && item.Value.DisplayName == person.DisplayName {
		return nil
	}
	item.Value.Groups, item.Value.DisplayName = groups, person.DisplayName
	put, err := v.users.PutOp(item.Name, item.Value)
	if err != nil {
		return err
	}
	if err := v.commit(ctx, []store.Guard{v.users.At(item.Name, item.Modified)}, put); err != nil {
		return err
	}
	*item, err = v.record(ctx, item.Name)
	return err
}

// groupsBy are somebody's groups when a provider says which of its own they are
// in: the groups here that stand for those, and the others as they were.
func (v *Service) groupsBy(ctx context.Context, p Provider, before, external []string) ([]string, error) {
	page, err := v.groups.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading groups: %w", err)
	}
	by := map[string]access.Group{}
	var after []string
	for _, item := range page.Items {
		by[item.Value.UID] = item.Value
	}
	for _, uid := range before {
		if g, ok := by[uid]; ok && g.Origin != p.Info().Name {
			after = append(after, uid)
		}
	}
	for _, item := range page.Items {
		if g := item.Value; g.Origin == p.Info().Name && slices.Contains(external, p.GroupID(g.ExternalID)) {
			after = append(after, g.UID)
		}
	}
	if len(after) > access.MaxGroups {
		return nil, fmt.Errorf("the person would be in %d groups, and %w: %d at most", len(after), ErrDenied, access.MaxGroups)
	}
	return after, nil
}
