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
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

const (
	defaultRunFile = "build/run/atoll.json"
	maxAnswer      = 16 << 20
)

// target is which Atoll to talk to, and as whom.
type target struct {
	server, token, runFile, caFile, context string
}

func (t *target) flags(f *pflag.FlagSet) {
	f.StringVar(&t.context, "context", "", "`name` of a sign-in (atoll login), instead of the current one")
	f.StringVar(&t.server, "server", "", "`address` of Atoll, such as http://127.0.0.1:8380 (or ATOLL_SERVER)")
	f.StringVar(&t.token, "token", "", "API `token` (better in ATOLL_TOKEN, where others do not see it)")
	f.StringVar(&t.runFile, "run-file", "", "`file` that make run writes, instead of server and token; "+defaultRunFile+" where there is one and nobody is signed in")
	f.StringVar(&t.caFile, "ca-file", "", "PEM `file` with the certificate authority of an HTTPS server")
}

// runFacts is what is read of a run file.
type runFacts struct{ URL, Username, Password string }

// endpoint is an Atoll and a credential for it: a token, or a name and password.
type endpoint struct {
	server, token, username, password string
	authority                         []byte    // PEM; nil: the system's
	until                             time.Time // when the token ends; zero where that is not known
	context                           string    // the sign-in that it is; "" where it is none
}

// find says which Atoll is meant, and as whom: what was said on the command line
// or in the environment, else the sign-in, else the run file of this folder.
func (t *target) find() (endpoint, error) {
	e := endpoint{server: first(t.server, os.Getenv("ATOLL_SERVER")), token: first(t.token, os.Getenv("ATOLL_TOKEN"))}
	var err error
	if e.authority, err = readAuthority(t.caFile); err != nil {
		return e, err
	}
	if t.runFile != "" {
		return e, e.addRunFile(t.runFile)
	}
	if e.token != "" && t.context != "" {
		return e, wrongUse("--context names a sign-in, which has a token already: leave --token and ATOLL_TOKEN out")
	}
	if e.token != "" {
		if e.server == "" {
			return e, wrongUse("which Atoll? A token needs --server or ATOLL_SERVER")
		}
		return e, nil
	}
	kept, err := readSignIns()
	if err != nil {
		return e, err
	}
	if e.server == "" || t.context != "" {
		s, err := kept.named(t.context)
		if err == nil {
			return e, e.addSignIn(s)
		}
		if t.context != "" || len(kept.Contexts) > 0 {
			return e, err
		}
		if err := e.addRunFile(defaultRunFile); errors.Is(err, fs.ErrNotExist) {
			return e, wrongUse("which Atoll? Sign in with atoll login URL; or say --server and ATOLL_TOKEN, or --run-file of one that make run has started")
		} else {
			return e, err
		}
	}
	// A server alone: whoever is signed in there.
	base, err := checkServer(e.server)
	if err != nil {
		return e, err
	}
	if s, ok := kept.find(""); ok && s.Server == base {
		return e, e.addSignIn(s)
	}
	for _, s := range kept.Contexts {
		if s.Server == base {
			return e, e.addSignIn(s)
		}
	}
	return e, wrongUse("as whom? Sign in with atoll login %s, or say ATOLL_TOKEN", base)
}

// addSignIn takes what nobody has said from a sign-in.
func (e *endpoint) addSignIn(s signIn) error {
	if !s.ExpiresAt.IsZero() && time.Now().After(s.ExpiresAt) {
		return &exitError{exitSignedOut, fmt.Errorf("the sign-in %s ended at %s: atoll login %s", s.Name, s.ExpiresAt.UTC().Format(time.RFC3339), s.Server)}
	}
	if base, err := checkServer(first(e.server, s.Server)); err != nil || base != s.Server {
		return wrongUse("the sign-in %s is one at %s, and its token goes nowhere else", s.Name, s.Server)
	}
	e.server, e.token, e.until, e.context = s.Server, s.Token, s.ExpiresAt, s.Name
	if e.authority == nil && s.Authority != "" {
		e.authority = []byte(s.Authority)
	}
	return nil
}

// addRunFile takes what nobody has said from a run file.
func (e *endpoint) addRunFile(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading where Atoll runs: %w", err)
	}
	var facts runFacts
	if err := json.Unmarshal(text, &facts); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	e.server = first(e.server, facts.URL)
	if e.token == "" {
		e.username, e.password = facts.Username, facts.Password
	}
	return nil
}

// client speaks to one Atoll.
type client struct {
	base, token, csrf string
	until             time.Time // when the token ends; zero where that is not known
	http              *http.Client
}

// connect finds the Atoll to talk to and, by a run file, signs in. Close ends
// what connect began.
func (t *target) connect(ctx context.Context) (*client, error) {
	e, err := t.find()
	if err != nil {
		return nil, err
	}
	c, err := e.client()
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		return c, nil
	}
	if e.password == "" {
		return nil, wrongUse("as whom? Say ATOLL_TOKEN")
	}
	if _, err := c.begin(ctx, signInBody{Username: e.username, Password: e.password}); err != nil {
		return nil, fmt.Errorf("signing in as %s: %w", e.username, err)
	}
	return c, nil
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

// checkServer refuses to send credentials where anybody could read them.
func checkServer(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", wrongUse("%q is no address of a server; one is http://127.0.0.1:8380", server)
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	if u.Scheme == "http" && host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return "", wrongUse("%s is not encrypted: credentials go over http to this machine only, use https", server)
	}
	return u.Scheme + "://" + u.Host, nil
}

// readAuthority reads a file of --ca-file; nil for none.
func readAuthority(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", name)
	}
	return text, nil
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
	res, err := c.exchange(ctx, method, path, nil)
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
	res, err := c.exchange(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
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
func (c *client) exchange(ctx context.Context, method, path string, in any) (*http.Response, error) {
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
