// API tokens: named, expiring, shown once, kept hashed.

package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time // zero when not used since the start
}

// NewToken is what is asked for.
type NewToken struct {
	Name     string
	Lifetime time.Duration
	ReadOnly bool // good for reading only, whatever its owner may
}

// tokenRecord is a token in the store.
type tokenRecord struct {
	UserUID   string    `json:"userUID"`
	Name      string    `json:"name"`
	Hash      string    `json:"hash"` // SHA-256 of the secret, base64
	ReadOnly  bool      `json:"readOnly,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// CreateToken makes a token of the subject's own. The secret is returned once.
// A token made by a token does not outlive it. ErrInvalid, ErrDenied.
func (v *Service) CreateToken(ctx context.Context, s access.Subject, n NewToken) (Token, string, error) {
	if s.ReadOnly || s.UID == "" {
		return Token{}, "", fmt.Errorf("making a token is %w with a credential for reading only", ErrDenied)
	}
	if err := checkTokenName(n.Name); err != nil {
		return Token{}, "", err
	}
	if n.Lifetime <= 0 || n.Lifetime > v.options.TokenLifetime {
		return Token{}, "", fmt.Errorf("the token's lifetime is %w: %s; more than nothing and at most %s are right", ErrInvalid, n.Lifetime, v.options.TokenLifetime)
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
	owned, err := v.tokensOf(ctx, s.UID)
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
	id := strings.ToLower(rand.Text()[:tokenIDLength])
	secret, hash := newSecret()
	r := tokenRecord{
		UserUID: s.UID, Name: n.Name, Hash: base64.RawStdEncoding.EncodeToString(hash[:]), ReadOnly: n.ReadOnly, CreatedAt: now, ExpiresAt: expires,
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

func checkTokenName(name string) error {
	if name == "" || len(name) > maxTokenName || checkDisplayName(name) != nil {
		return fmt.Errorf("the token's name is %w: 1 to %d bytes of printable characters", ErrInvalid, maxTokenName)
	}
	return nil
}

func (v *Service) shown(id string, r tokenRecord) Token {
	return Token{ID: id, Name: r.Name, ReadOnly: r.ReadOnly, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, LastUsedAt: v.used.last(id)}
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
	items, err := v.tokensOf(ctx, s.UID)
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

// RevokeToken ends one of the subject's own tokens, at once. ErrNotFound,
// ErrDenied.
func (v *Service) RevokeToken(ctx context.Context, s access.Subject, id string) error {
	if s.ReadOnly {
		return fmt.Errorf("revoking a token is %w with a credential for reading only", ErrDenied)
	}
	err := again(ctx, func() error {
		if !tokenID(id) {
			return ErrNotFound
		}
		item, err := v.tokens.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && item.Value.UserUID != s.UID {
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
	v.used.forget(id)
	v.notify()
	return nil
}

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
func (v *Service) byToken(ctx context.Context, token string) (access.Subject, error) {
	rest, ok := strings.CutPrefix(token, TokenMark)
	id, secret, cut := strings.Cut(rest, "_")
	if !ok || !cut || !tokenID(id) || len(secret) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return access.Subject{}, ErrUnauthenticated
	}
	item, err := v.tokens.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return access.Subject{}, ErrUnauthenticated
	}
	if err != nil {
		return access.Subject{}, fmt.Errorf("reading a token: %w", err)
	}
	r := item.Value
	want, err := base64.RawStdEncoding.DecodeString(r.Hash)
	got := sha256.Sum256([]byte(secret))
	now := v.options.Now()
	if err != nil || subtle.ConstantTimeCompare(want, got[:]) != 1 || !now.Before(r.ExpiresAt) {
		return access.Subject{}, ErrUnauthenticated
	}
	account, ok := v.index.AccountByUID(r.UserUID)
	if !ok || account.Disabled {
		return access.Subject{}, ErrUnauthenticated
	}
	v.used.note(id, now, r.ExpiresAt)
	return access.Subject{Name: account.Name, UID: account.UID, Via: access.ViaToken, Credential: id, ReadOnly: r.ReadOnly}, nil
}

// tokenUses remembers, since the start, when tokens were used and when those
// run out: whoever holds a connection by one is told then.
type tokenUses struct {
	mu   sync.Mutex
	uses map[string]tokenUse
}

type tokenUse struct{ last, expires time.Time }

func newTokenUses() *tokenUses { return &tokenUses{uses: map[string]tokenUse{}} }

func (u *tokenUses) note(id string, now, expires time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.uses[id] = tokenUse{last: now, expires: expires}
}

func (u *tokenUses) last(id string) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.uses[id].last
}

func (u *tokenUses) forget(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.uses, id)
}

// expire forgets tokens that ran out; false when there were none.
func (u *tokenUses) expire(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	ended := false
	for id, use := range u.uses {
		if !now.Before(use.expires) {
			delete(u.uses, id)
			ended = true
		}
	}
	return ended
}
