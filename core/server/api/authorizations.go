// Tokens for programs whose person confirms in a browser: the console's page
// /authorize shows what is asked for, and asks these.

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
)

// Answering is where a program waits for an answer.
type Answering struct {
	RedirectURI string `json:"redirectURI" maxLength:"200" doc:"The address at which the program listens, on the computer of the browser: http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH." example:"http://127.0.0.1:43211/"`
	State       string `json:"state" minLength:"16" maxLength:"128" pattern:"^[A-Za-z0-9_-]+$" doc:"Of the program, random; given back to it." example:"jfkr0u1UuKiXEAtVxSnIJQ"`
}

// Authorization is what a program asks for and its person confirms.
type Authorization struct {
	Answering
	Name          string `json:"name" minLength:"1" maxLength:"120" doc:"Of the token." example:"atoll login on laptop"`
	ExpiresIn     string `json:"expiresIn,omitempty" pattern:"^([0-9]{1,6}(h|m|s))+$" doc:"Of the token: a duration; 720h (30 days) when left out, 8784h (a year) at most." example:"720h"`
	ReadOnly      bool   `json:"readOnly,omitempty" doc:"For reading only, whatever the person may."`
	CodeChallenge string `json:"codeChallenge" minLength:"43" maxLength:"43" pattern:"^[A-Za-z0-9_-]+$" doc:"PKCE, S256: the SHA-256 of a verifier that the program keeps, in base64url." example:"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"`
}

// Redirect is where the browser goes on.
type Redirect struct {
	RedirectURL string `json:"redirectURL" doc:"The program's address, with code and state, or error and state."`
}

// CodeExchange is what a program brings for its token.
type CodeExchange struct {
	Code         string `json:"code" minLength:"1" maxLength:"128" doc:"As the browser brought it: good once, for a minute, while the session in which it was confirmed lasts."`
	CodeVerifier string `json:"codeVerifier" minLength:"43" maxLength:"128" doc:"The one whose challenge was confirmed."`
	RedirectURI  string `json:"redirectURI" maxLength:"200" doc:"The one that was confirmed."`
}

// ExchangedToken is a new token, its secret, once, and whose it is.
type ExchangedToken struct {
	CreatedToken
	User string `json:"user" example:"jane"`
}

type (
	authorizationInput struct{ Body Authorization }
	answeringInput     struct{ Body Answering }
	redirectOutput     struct{ Body Redirect }
	codeExchangeInput  struct{ Body CodeExchange }
	exchangeOutput     struct{ Body ExchangedToken }
)

func (s *API) registerAuthorizations(a huma.API) {
	const path = "/api/v1/tokens"
	add(s, a, about{id: "authorize-token", method: http.MethodPost, path: path + ":authorize", tag: "tokens", summary: "Confirm a token that a program asks for",
		text: "In a browser's session only. The program, which listens on the same computer, gets a code by the browser and exchanges it."}, s.authorizeToken)
	add(s, a, about{id: "decline-token", method: http.MethodPost, path: path + ":decline", tag: "tokens", summary: "Decline a token that a program asks for"}, s.declineToken)
	add(s, a, about{id: "exchange-token", method: http.MethodPost, path: path + ":exchange", tag: "tokens", status: http.StatusCreated, summary: "Exchange the code of a confirmed token",
		text: "A code that is brought with something wrong is not good any more.", errors: []int{http.StatusUnauthorized, http.StatusForbidden}}, s.exchangeToken)
}

func (s *API) authorizeToken(ctx context.Context, in *authorizationInput) (*redirectOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	token, err := s.newToken(who, NewToken{Name: in.Body.Name, ExpiresIn: in.Body.ExpiresIn, ReadOnly: in.Body.ReadOnly})
	if err != nil {
		return nil, err
	}
	to, err := s.Identity.Authorize(who, identity.Authorization{Token: token, Redirect: in.Body.RedirectURI, State: in.Body.State, Challenge: in.Body.CodeChallenge})
	if err != nil {
		return nil, err
	}
	note(ctx).Made = in.Body.Name
	return &redirectOutput{Body: Redirect{to}}, nil
}

func (s *API) declineToken(ctx context.Context, in *answeringInput) (*redirectOutput, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	to, err := s.Identity.Decline(who, identity.Authorization{Redirect: in.Body.RedirectURI, State: in.Body.State})
	if err != nil {
		return nil, err
	}
	return &redirectOutput{Body: Redirect{to}}, nil
}

func (s *API) exchangeToken(ctx context.Context, in *codeExchangeInput) (*exchangeOutput, error) {
	t, secret, who, err := s.Identity.Exchange(ctx, identity.Exchange{Code: in.Body.Code, Verifier: in.Body.CodeVerifier, Redirect: in.Body.RedirectURI, Client: client(requestOf(ctx))})
	note(ctx).Subject = access.Subject{Name: who.Name, UID: who.UID}
	if err != nil {
		return nil, err
	}
	return &exchangeOutput{Body: ExchangedToken{CreatedToken{Token: s.token(t), Secret: secret}, who.Name}}, nil
}
