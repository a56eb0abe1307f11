// A client of a running Atoll's REST API, for the commands that talk to one.

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"runtime"
	"strings"
	"time"
)

const maxAnswer = 16 << 20

// client speaks to one Atoll.
type client struct {
	base, token, csrf string
	until             time.Time // when the token ends; zero where that is not known
	http              *http.Client
}

// client makes a client that has not asked anything yet.
func (e endpoint) client() (*client, error) {
	base, err := checkServer(e.server)
	if err != nil {
		return nil, err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.authority != nil {
		if secure.RootCAs = x509.NewCertPool(); !secure.RootCAs.AppendCertsFromPEM(e.authority) {
			return nil, errors.New("what was given as certificate authority holds no certificate")
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = secure
	return &client{base: base, token: e.token, until: e.until, http: &http.Client{
		Jar: jar, Transport: transport, Timeout: 5 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// signInBody is what a session is begun with.
type signInBody struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Provider string `json:"provider,omitempty"`
	Code     string `json:"code,omitempty"`
}

// session is what was begun.
type session struct {
	User                  account
	CSRFToken             string
	MustEnrolSecondFactor bool
}

// account is somebody as the API shows them.
type account struct {
	Name, DisplayName, Provider                       string
	MustChangePassword, SecondFactor, Disabled, Robot bool
	Groups, PlatformRoles                             []string
}

// begin begins a session, which close ends.
func (c *client) begin(ctx context.Context, in signInBody) (session, error) {
	var s session
	err := c.call(ctx, http.MethodPost, "/api/v1/sessions", in, &s)
	c.csrf = s.CSRFToken
	return s, err
}

// close ends the session that connect began.
func (c *client) close() {
	if c.csrf == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.call(ctx, http.MethodDelete, "/api/v1/sessions/current", nil, nil) // it ends by itself otherwise
}

// problem is what a refused request is answered with.
type problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	Missing                       *struct{ Permission, Scope string }
	Errors                        []struct{ Pointer, Parameter, Message string }
}

func (p *problem) Error() string {
	text := fmt.Sprintf("%s (%d)", first(p.Detail, p.Title), p.Status)
	for _, e := range p.Errors {
		text += "\n  " + strings.TrimSpace(strings.TrimSpace(e.Parameter+" "+e.Pointer)+": "+e.Message)
	}
	return printable(text)
}

// download sends nothing and writes what comes, of which there may be so much.
func (c *client) download(ctx context.Context, method, path string, out io.Writer, most int64) error {
	res, err := c.exchange(ctx, method, path, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(out, io.LimitReader(res.Body, most+1))
	if err == nil && n > most {
		err = fmt.Errorf("there are more than %d bytes", most)
	}
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// call sends JSON (or a tar, when in is []byte) and reads JSON.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	_, err := c.conditional(ctx, method, path, nil, in, out)
	return err
}

// read reads JSON and gives the ETag with which it can be changed.
func (c *client) read(ctx context.Context, path string, out any) (string, error) {
	answered, err := c.conditional(ctx, http.MethodGet, path, nil, nil, out)
	return answered.Get("ETag"), err
}

// conditional is call with further headers, and gives those of the answer.
func (c *client) conditional(ctx context.Context, method, path string, headers http.Header, in, out any) (http.Header, error) {
	res, err := c.exchange(ctx, method, path, headers, in)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if out == nil || len(text) == 0 {
		return res.Header, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return res.Header, nil
}

// remake reads a value of JSON as another type.
func remake(from, to any) error {
	b, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// exchange sends a request and gives its answer, or a *problem.
func (c *client) exchange(ctx context.Context, method, path string, headers http.Header, in any) (*http.Response, error) {
	var body io.Reader
	kind := "application/json"
	switch v := in.(type) {
	case nil:
	case []byte:
		body, kind = bytes.NewReader(v), "application/x-tar"
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, headers)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "atoll/"+version+" ("+runtime.GOOS+"; "+runtime.GOARCH+")")
	if body != nil {
		r.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	} else {
		r.Header.Set("Origin", c.base)
		r.Header.Set("X-Atoll-CSRF", c.csrf)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreached(err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	p := &problem{Title: http.StatusText(res.StatusCode)}
	if text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err == nil {
		_ = json.Unmarshal(text, p) // the status says enough
	}
	p.Status = res.StatusCode
	return nil, p
}

// unreached says why there was no answer, and what to do.
func (c *client) unreached(err error) error {
	var unknown x509.UnknownAuthorityError
	refused := (*net.OpError)(nil)
	switch {
	case errors.As(err, &unknown):
		err = fmt.Errorf("nobody whom this machine trusts vouches for the certificate of %s: name its authority with --ca-file", c.base)
	case errors.As(err, &refused):
		err = fmt.Errorf("no Atoll answers at %s: %w", c.base, refused.Err)
	}
	return &exitError{exitUnavailable, err}
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
