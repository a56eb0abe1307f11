// What an OpenID provider says about itself: asked for when it is needed, kept
// for a while, and asked for again after a failure.

package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"
)

const (
	timeout   = 10 * time.Second // for one step at the provider
	keepFor   = time.Hour        // what it said about itself
	failFor   = 2 * time.Second  // a failure stands for those who ask right after it
	maxAnswer = 1 << 20          // bytes of any of its answers
)

// known is what a provider said about itself.
type known struct {
	provider *oidc.Provider
	at       time.Time

	AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	SaysIssuer  bool     `json:"authorization_response_iss_parameter_supported"`
	EndSession  string   `json:"end_session_endpoint"`
	UserInfo    string   `json:"userinfo_endpoint"`
}

// discovery keeps it.
type discovery struct {
	flight singleflight.Group

	mu     sync.Mutex
	known  *known // nil before it was ever found
	err    error  // of the last try
	failed time.Time
}

// get is what is kept, and whether it counts still; one that does not serves
// where it cannot be had anew.
func (d *discovery) get(now time.Time) (k *known, ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil && now.Sub(d.failed) < failFor {
		if d.known != nil {
			return d.known, true, nil
		}
		return nil, true, d.err
	}
	return d.known, d.known != nil && now.Sub(d.known.at) < keepFor, nil
}

func (d *discovery) set(k *known, err error, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.failed = err, now
	if err == nil {
		d.known = k
	}
}

// discover is what the provider says about itself. ErrProvider.
func (p *Provider) discover(ctx context.Context) (*known, error) {
	old, ok, err := p.found.get(time.Now())
	if ok {
		return old, err
	}
	// One asks for all, and not less because the first one leaves.
	answer := p.found.flight.DoChan("", func() (any, error) {
		if k, ok, err := p.found.get(time.Now()); ok { // it was found since we looked
			return k, err
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		k, err := p.ask(ctx)
		if err != nil {
			err = p.failed("asking what it offers", err)
		}
		p.found.set(k, err, time.Now())
		return k, err
	})
	select {
	case <-ctx.Done():
		return nil, p.failed("asking what it offers", ctx.Err())
	case r := <-answer:
		if r.Err != nil && old != nil {
			return old, nil
		}
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*known), nil
	}
}

// ask fetches the provider's document and holds its addresses to the issuer's
// standard.
func (p *Provider) ask(ctx context.Context) (*known, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.config.Issuer)
	if err != nil {
		return nil, err
	}
	k := &known{provider: provider, at: time.Now()}
	var more struct {
		Keys string `json:"jwks_uri"`
	}
	if err := errors.Join(provider.Claims(k), provider.Claims(&more)); err != nil {
		return nil, fmt.Errorf("reading what it says: %w", err)
	}
	issuer, err := url.Parse(p.config.Issuer)
	if err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	for name, address := range map[string]string{"authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL, "jwks_uri": more.Keys} {
		if u, err := url.Parse(address); err != nil || !encrypted(u, issuer.Scheme == "http") {
			return nil, fmt.Errorf("its %s is %.200q, which is not encrypted", name, address)
		}
	}
	for _, optional := range []*string{&k.EndSession, &k.UserInfo} {
		if u, err := url.Parse(*optional); err != nil || !encrypted(u, issuer.Scheme == "http") {
			*optional = "" // one does without
		}
	}
	return k, nil
}

// last is what was found last, however long ago; nil before anything was.
func (d *discovery) last() *known {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known
}

// newClient speaks to a provider: verified TLS, no redirects, which would take
// codes and secrets elsewhere, and answers of a bounded size.
func newClient(roots *x509.CertPool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	transport.ResponseHeaderTimeout = timeout
	return &http.Client{
		Transport: bounded{transport}, Timeout: timeout,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("it redirects to %s, which is not followed", r.URL.Host)
		},
	}
}

// bounded is a transport whose answers end with an error when they are too large.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	}
	return res, err
}
