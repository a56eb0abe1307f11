// Package oidctest is an OpenID provider for tests: it does what it should, and,
// where a test says so, what it should not.
//
// Its page asks nobody anything: whoever comes is the person that the test says.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// What the provider knows of its one client.
const (
	ClientID     = "atoll"
	ClientSecret = "a secret of the client"
	keyID        = "first"
)

// Provider is one provider. The fields are set before it is asked.
type Provider struct {
	URL         string
	Certificate *x509.Certificate // by which it is known
	Roots       *x509.CertPool    // with that one alone

	// Claims are those of the person who comes to the page, on top of what every
	// token has.
	Claims map[string]any
	// Info is what its userinfo endpoint says about the person, besides who they
	// are; nil: it has none.
	Info map[string]any
	// Forge changes what goes into a token just before it is signed.
	Forge func(claims map[string]any)
	// Sign makes the token instead of the provider's own key.
	Sign func(claims []byte) string
	// Document changes what the provider says about itself.
	Document func(document map[string]any)
	// Before runs ahead of each answer; true when it has answered.
	Before func(w http.ResponseWriter, r *http.Request) bool

	key *ecdsa.PrivateKey

	mu    sync.Mutex
	codes map[string]url.Values // of the page's request
	given map[string]bool       // access tokens
	asked map[string]int        // how often each path was
}

// New starts a provider that ends with the test.
func New(t *testing.T) *Provider {
	t.Helper()
	p := &Provider{codes: map[string]url.Values{}, given: map[string]bool{}, asked: map[string]int{}}
	var err error
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", p.document)
	mux.HandleFunc("/keys", p.keys)
	mux.HandleFunc("/page", p.page)
	mux.HandleFunc("/token", p.token)
	mux.HandleFunc("/userinfo", p.userInfo)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.URL.Path]++
		p.mu.Unlock()
		if p.Before == nil || !p.Before(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	p.URL = server.URL
	p.Certificate, p.Roots = server.Certificate(), x509.NewCertPool()
	p.Roots.AddCert(p.Certificate)
	return p
}

// Asked is how often a path was asked.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// SignES256 signs claims with the provider's key.
func (p *Provider) SignES256(claims []byte) string {
	return oidctest.SignIDToken(p.key, keyID, "ES256", string(claims))
}

func (p *Provider) document(w http.ResponseWriter, _ *http.Request) {
	document := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/page", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
	}
	if p.Info != nil {
		document["userinfo_endpoint"] = p.URL + "/userinfo"
	}
	if p.Document != nil {
		p.Document(document)
	}
	answer(w, http.StatusOK, document)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	b64 := base64.RawURLEncoding.EncodeToString
	x, y := make([]byte, 32), make([]byte, 32)
	public, err := p.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	copy(x, public[1:33])
	copy(y, public[33:])
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": keyID, "x": b64(x), "y": b64(y)}}})
}

// page sends the browser back with a code.
func (p *Provider) page(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("nonce") == "" || q.Get("state") == "" {
		http.Error(w, "the request lacks what it needs: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

// token gives an ID token for a code, once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != ClientID || secret != url.QueryEscape(ClientSecret) {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	p.mu.Lock()
	q, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || subtle.ConstantTimeCompare([]byte(challenge), []byte(q.Get("code_challenge"))) != 1 || q.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	access := rand.Text()
	p.mu.Lock()
	p.given[access] = true
	p.mu.Unlock()
	now := time.Now()
	claims := map[string]any{"iss": p.URL, "aud": ClientID, "nonce": q.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	for name, value := range p.Claims {
		claims[name] = value
	}
	if p.Forge != nil {
		p.Forge(claims)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sign := p.SignES256
	if p.Sign != nil {
		sign = p.Sign
	}
	answer(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": sign(text)})
}

// userInfo tells about the person whose access token is shown.
func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	ok := bearer && p.given[token]
	p.mu.Unlock()
	if !ok || p.Info == nil {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	info := map[string]any{"sub": p.Claims["sub"]}
	for name, value := range p.Info {
		info[name] = value
	}
	answer(w, http.StatusOK, info)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}
