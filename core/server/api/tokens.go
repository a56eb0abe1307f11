// Credentials for programs: named, expiring, shown once.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// Token is an API token without its secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" example:"laptop"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`

	LastUsedAt *time.Time `json:"lastUsedAt,omitempty" doc:"Absent when it was not used since Atoll started."`
	ReadOnly   bool       `json:"readOnly" doc:"For reading only, whatever the person may."`
}

// NewToken is what a token shall be.
type NewToken struct {
	Name      string `json:"name" minLength:"1" maxLength:"120" example:"laptop"`
	ExpiresIn string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"A duration; 720h (30 days) when left out, 8784h (a year) at most." example:"720h"`
	ReadOnly  bool   `json:"readOnly,omitempty" doc:"For reading only, whatever the person may."`
}

// CreatedToken is a new token and, once, its secret.
type CreatedToken struct {
	Token
	Secret string `json:"token" doc:"Send it as Authorization: Bearer. It is never shown again."`
}

type (
	newTokenInput  struct{ Body NewToken }
	newTokenOutput struct{ Body CreatedToken }
	tokenID        struct {
		ID string `path:"id" maxLength:"64"`
	}
)

func (s *API) registerTokens(a huma.API) {
	add(s, a, about{id: "list-tokens", method: http.MethodGet, path: "/api/v1/tokens", tag: "tokens", summary: "List one's own tokens"}, s.listTokens)
	add(s, a, about{id: "create-token", method: http.MethodPost, path: "/api/v1/tokens", tag: "tokens", status: http.StatusCreated,
		summary: "Make a token", text: "It may do what the person may do. One that is made by a token does not outlive it."}, s.createToken)
	add(s, a, about{id: "revoke-token", method: http.MethodDelete, path: "/api/v1/tokens/{id}", tag: "tokens", status: http.StatusNoContent,
		summary: "Revoke a token", text: "What it is being used for at this moment ends too.", errors: []int{http.StatusNotFound}}, s.revokeToken)
}

func token(t identity.Token) Token {
	shown := Token{ID: t.ID, Name: t.Name, ReadOnly: t.ReadOnly, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
	if !t.LastUsedAt.IsZero() {
		used := t.LastUsedAt.UTC()
		shown.LastUsedAt = &used
	}
	return shown
}

// lifetime reads a duration that a client sent; the default is 30 days.
func lifetime(text string) (time.Duration, error) {
	if text == "" {
		return 30 * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute {
		return 0, problem.New(http.StatusUnprocessableEntity, "The request does not fit; see errors.").
			WithErrors(problem.Fault{Pointer: "/expiresIn", Message: "expected a duration of a minute or more, such as 720h"})
	}
	return d, nil
}

func (s *API) listTokens(ctx context.Context, in *ListQuery) (*ListOutput[Token], error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := s.Identity.ListTokens(ctx, who)
	if err != nil {
		return nil, err
	}
	all := make([]Token, 0, len(tokens))
	for _, t := range tokens {
		all = append(all, token(t))
	}
	return page(all, *in, s.version(), fields[Token]{
		key:  func(t Token) string { return t.Name + "\x01" + t.ID },
		text: func(t Token) []string { return []string{t.Name, t.ID} },
		sort: map[string]func(Token) string{
			"createdAt": func(t Token) string { return sortable(t.CreatedAt) },
			"expiresAt": func(t Token) string { return sortable(t.ExpiresAt) },
		},
	})
}

func (s *API) createToken(ctx context.Context, in *newTokenInput) (*newTokenOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	life, err := lifetime(in.Body.ExpiresIn)
	if err != nil {
		return nil, err
	}
	t, secret, err := s.Identity.CreateToken(ctx, who, identity.NewToken{Name: in.Body.Name, Lifetime: life, ReadOnly: in.Body.ReadOnly})
	if err != nil {
		return nil, err
	}
	return &newTokenOutput{Body: CreatedToken{Token: token(t), Secret: secret}}, nil
}

func (s *API) revokeToken(ctx context.Context, in *tokenID) (*struct{}, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Identity.RevokeToken(ctx, who, in.ID)
}
