// API tokens: named, expiring, shown once, kept hashed.

package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

const (
	tokenPrefix = "tokens/"

	// TokenMark begins every token, so that a leaked one is recognized.
	TokenMark = "atoll_"

	tokenIDLength = 16 // characters of a-z and 2-7: 80 bits
	tokensEach    = 50 // tokens of one user
	maxTokenName  = 120
)

// Token is what may be known about a token: all but the secret.
type Token struct {
	ID         string
	Name       string
	ReadOnly   bool
	Limit      *access.Limit // nil: all that its owner may
	Cluster    string        // good for Kubernetes of this cluster only; "": for everything
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time // zero when not used since the start
}

// NewToken is what is asked for.
type NewToken struct {
	Name     string
	Lifetime time.Duration
	ReadOnly bool // good for reading only, whatever its owner may
	Limit    access.Limit
	Cluster  string // good for Kubernetes of this cluster only, whose name the caller has checked; "": for everything
}

// tokenRecord is a token in the store.
type tokenRecord struct {
	UserUID   string    `json:"userUID"`
	Name      string    `json:"name"`
	Hash      string    `json:"hash"` // SHA-256 of the secret, base64
	ReadOnly  bool      `json:"readOnly,omitempty"`
	Limit     *limit    `json:"limit,omitempty"`
	Cluster   string    `json:"cluster,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// limit is access.Limit in the store.
type limit struct {
	Permissions []access.Permission   `json:"permissions,omitempty"`
	Scopes      []access.BindingScope `json:"scopes,omitempty"`
}

// Limits of a token's limit.
const (
	maxTokenPermissions = 128
	maxTokenScopes      = 64
)

// CreateToken makes a token of the subject's own. The secret is returned once.
// A token made by a token does not outlive it. ErrInvalid, ErrDenied.
func (v *Service) CreateToken(ctx context.Context, s access.Subject, n NewToken) (Token, string, error) {
	return v.createToken(ctx, s, s.UID, n)
}

// createToken makes a token of somebody, asked for by s.
func (v *Service) createToken(ctx context.Context, s access.Subject, ownerUID string, n NewToken) (Token, string, error) {
	if s.Narrow() || s.UID == "" {
		return Token{}, "", fmt.Errorf("making a token is %w with a token that is for reading only or limited", ErrDenied)
	}
	if err := v.checkToken(n); err != nil {
		return Token{}, "", err
	}
	now := v.options.Now().UTC()
	expires := now.Add(n.Lifetime)
	if s.Via == access.ViaToken {
		own, err := v.tokens.Get(ctx, s.Credential)
		if err != nil {
			return Token{}, "", fmt.Errorf("making a token by a token: %w", ErrUnauthenticated)
		}
		if own.Value.ExpiresAt.Before(expires) {
			expires = own.Value.ExpiresAt
		}
	}
	owned, err := v.tokensOf(ctx, ownerUID)
	if err != nil {
		return Token{}, "", err
	}
	var ops []store.Op
	live := 0
	for _, item := range owned {
		if now.Before(item.Value.ExpiresAt) {
			live++
		} else if len(ops) < tokensEach {
			ops = append(ops, v.tokens.DeleteOp(item.Name))
		}
	}
	if live >= tokensEach {
		return Token{}, "", fmt.Errorf("another token is %w: there are %d, revoke one first", ErrDenied, live)
	}
	id := newTokenID()
	secret, hash := newSecret()
	r := tokenRecord{
		UserUID: ownerUID, Name: n.Name, Hash: hash.stored(), ReadOnly: n.ReadOnly, Cluster: n.Cluster, CreatedAt: now, ExpiresAt: expires,
	}
	if len(n.Limit.Permissions)+len(n.Limit.Scopes) > 0 {
		r.Limit = &limit{Permissions: n.Limit.Permissions, Scopes: n.Limit.Scopes}
	}
	put, err := v.tokens.PutOp(id, r)
	if err != nil {
		return Token{}, "", err
	}
	if err := v.commit(ctx, []store.Guard{v.tokens.Absent(id)}, append(ops, put)...); err != nil {
		return Token{}, "", fmt.Errorf("making a token: %w", err)
	}
	return v.shown(id, r), TokenMark + id + "_" + secret, nil
}

// checkToken refuses what no token can be. ErrInvalid.
func (v *Service) checkToken(n NewToken) error {
	if len(n.Limit.Permissions) > maxTokenPermissions || len(n.Limit.Scopes) > maxTokenScopes {
		return fmt.Errorf("the token's limit is %w: %d permissions and %d scopes at most", ErrInvalid, maxTokenPermissions, maxTokenScopes)
	}
	if n.Name == "" || len(n.Name) > maxTokenName || checkDisplayName(n.Name) != nil {
		return fmt.Errorf("the token's name is %w: 1 to %d bytes of printable characters", ErrInvalid, maxTokenName)
	}
	if n.Lifetime <= 0 || n.Lifetime > v.options.TokenLifetime {
		return fmt.Errorf("the token's lifetime is %w: %s; more than nothing and at most %s are right", ErrInvalid, n.Lifetime, v.options.TokenLifetime)
	}
	return nil
}

func (l *limit) access() *access.Limit {
	if l == nil {
		return nil
	}
	return &access.Limit{Permissions: l.Permissions, Scopes: l.Scopes}
}

func (v *Service) shown(id string, r tokenRecord) Token {
	shown := Token{ID: id, Name: r.Name, ReadOnly: r.ReadOnly, Limit: r.Limit.access(), Cluster: r.Cluster, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt}
	if t, err := v.known.get(id); err == nil && t != nil {
		shown.LastUsedAt = t.lastUse()
	}
	return shown
}

// tokensOf are a user's tokens, expired ones too.
func (v *Service) tokensOf(ctx context.Context, userUID string) ([]store.Item[tokenRecord], error) {
	page, err := v.tokens.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading tokens: %w", err)
	}
	return slices.DeleteFunc(page.Items, func(it store.Item[tokenRecord]) bool { return it.Value.UserUID != userUID }), nil
}

// ListTokens are the subject's own tokens, the newest first.
func (v *Service) ListTokens(ctx context.Context, s access.Subject) ([]Token, error) {
	return v.listTokens(ctx, s.UID)
}

func (v *Service) listTokens(ctx context.Context, ownerUID string) ([]Token, error) {
	items, err := v.tokensOf(ctx, ownerUID)
	if err != nil {
		return nil, err
	}
	tokens := make([]Token, 0, len(items))
	for _, it := range items {
		tokens = append(tokens, v.shown(it.Name, it.Value))
	}
	slices.SortFunc(tokens, func(a, b Token) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return tokens, nil
}

// RevokeToken ends one of the subject's own tokens, at once. Every token may end
// itself. ErrNotFound, ErrDenied.
func (v *Service) RevokeToken(ctx context.Context, s access.Subject, id string) error {
	if s.Narrow() && (s.Via != access.ViaToken || s.Credential != id) {
		return fmt.Errorf("revoking another token is %w with a token that is for reading only or limited", ErrDenied)
	}
	return v.revokeToken(ctx, s.UID, id)
}

func (v *Service) revokeToken(ctx context.Context, ownerUID, id string) error {
	err := again(ctx, func() error {
		if !tokenID(id) {
			return ErrNotFound
		}
		item, err := v.tokens.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return errors.Join(ErrNotFound, v.caughtUp(ctx)) // gone otherwise: for good, too
		}
		if err == nil && item.Value.UserUID != ownerUID {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		return v.commit(ctx, []store.Guard{v.tokens.At(id, item.Modified)}, v.tokens.DeleteOp(id))
	})
	if err != nil {
		return fmt.Errorf("revoking token %q: %w", id, err)
	}
	v.notify()
	return nil
}

// newTokenID names a token, or an invitation, without being its secret.
func newTokenID() string { return strings.ToLower(rand.Text()[:tokenIDLength]) }

// tokenID tells whether newTokenID may have made it.
func tokenID(id string) bool {
	if len(id) != tokenIDLength {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// byToken finds who a token stands for.
func (v *Service) byToken(token string) (access.Subject, error) {
	rest, ok := strings.CutPrefix(token, TokenMark)
	id, secret, cut := strings.Cut(rest, "_")
	if !ok || !cut || !tokenID(id) || len(secret) != secretLength {
		return access.Subject{}, ErrUnauthenticated
	}
	t, err := v.known.get(id)
	if err != nil {
		return access.Subject{}, fmt.Errorf("looking for a token: %w", err)
	}
	if t == nil {
		return access.Subject{}, ErrUnauthenticated
	}
	got := digestOf(secret)
	now := v.options.Now()
	if subtle.ConstantTimeCompare(t.hash[:], got[:]) != 1 || !now.Before(t.expires) {
		return access.Subject{}, ErrUnauthenticated
	}
	name, ok := v.index.Active(t.userUID)
	if !ok {
		return access.Subject{}, ErrUnauthenticated
	}
	t.used.Store(now.UnixNano())
	return access.Subject{Name: name, UID: t.userUID, Via: access.ViaToken, Credential: t.id, ReadOnly: t.readOnly, Limit: t.limit, Cluster: t.cluster}, nil
}
