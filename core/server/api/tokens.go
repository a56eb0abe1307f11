// Credentials for programs: named, expiring, shown once.

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Token is an API token without its secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name" example:"laptop"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// NewToken is what a token shall be.
type NewToken struct {
	Name      string `json:"name" minLength:"1" maxLength:"128" example:"laptop"`
	ExpiresIn string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"A duration; 720h (30 days) when left out, 8784h (a year) at most." example:"720h"`
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
	add(a, about{id: "list-tokens", method: http.MethodGet, path: "/api/v1/tokens", tag: "tokens", summary: "List one's own tokens"}, s.listTokens)
	add(a, about{id: "create-token", method: http.MethodPost, path: "/api/v1/tokens", tag: "tokens", status: http.StatusCreated,
		summary: "Make a token", text: "It may do what the person may do. Tokens are made in a session only: a token cannot make another one."}, s.createToken)
	add(a, about{id: "revoke-token", method: http.MethodDelete, path: "/api/v1/tokens/{id}", tag: "tokens", status: http.StatusNoContent,
		summary: "Revoke a token", text: "What it is being used for at this moment ends too.", errors: []int{http.StatusNotFound}}, s.revokeToken)
}

func (s *API) listTokens(ctx context.Context, in *ListQuery) (*ListOutput[Token], error) {
	return nil, errNotYet
}
func (s *API) createToken(ctx context.Context, in *newTokenInput) (*newTokenOutput, error) {
	return nil, errNotYet
}
func (s *API) revokeToken(ctx context.Context, in *tokenID) (*struct{}, error) { return nil, errNotYet }
