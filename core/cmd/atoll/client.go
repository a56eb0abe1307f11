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
	server, token, runFile, caFile string
}

func (t *target) flags(f *pflag.FlagSet) {
	f.StringVar(&t.server, "server", "", "`address` of Atoll, such as http://127.0.0.1:8380 (or ATOLL_SERVER)")
	f.StringVar(&t.token, "token", "", "API `token` (better in ATOLL_TOKEN, where others do not see it)")
	f.StringVar(&t.runFile, "run-file", "", "`file` that make run writes, instead of server and token; "+defaultRunFile+" where there is one")
	f.StringVar(&t.caFile, "ca-file", "", "PEM `file` with the certificate authority of an HTTPS server")
}

// runFacts is what is read of a run file.
type runFacts struct{ URL, Username, Password string }

// client speaks to one Atoll.
type client struct {
	base, token, csrf string
	http              *http.Client
}

// connect finds the Atoll to talk to and, by a run file, signs in. Close ends
// what connect began.
func (t *target) connect(ctx context.Context) (*client, error) {
	server, token := first(t.server, os.Getenv("ATOLL_SERVER")), first(t.token, os.Getenv("ATOLL_TOKEN"))
	var facts runFacts
	if server == "" && token == "" || t.runFile != "" {
		name := first(t.runFile, defaultRunFile)
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && t.runFile == "" {
			return nil, errors.New("which Atoll? Say --server and ATOLL_TOKEN, or --run-file of one that make run has started")
		}
		if err != nil {
			return nil, fmt.Errorf("reading where Atoll runs: %w", err)
		}
		if err := json.Unmarshal(text, &facts); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		server = first(t.server, facts.URL)
	}
	if server == "" {
		return nil, errors.New("which Atoll? A token needs --server or ATOLL_SERVER")
	}
	base, err := checkServer(server)
	if err != nil {
		return nil, err
	}
	roots, err := t.roots()
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	c := &client{base: base, token: token, http: &http.Client{Jar: jar, Transport: transport, Timeout: 5 * time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if token == "" {
		if facts.Password == "" {
			return nil, errors.New("as whom? Say ATOLL_TOKEN")
		}
		var session struct{ CSRFToken string }
		if err := c.call(ctx, http.MethodPost, "/api/v1/sessions", map[string]string{"username": facts.Username, "password": facts.Password}, &session); err != nil {
			return nil, fmt.Errorf("signing in as %s: %w", facts.Username, err)
		}
		c.csrf = session.CSRFToken
	}
	return c, nil
}

// checkServer refuses to send credentials where anybody could read them.
func checkServer(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is no address of a server; one is http://127.0.0.1:8380", server)
	}
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	if u.Scheme == "http" && host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("%s is not encrypted: credentials go over http to this machine only, use https", server)
	}
	return u.Scheme + "://" + u.Host, nil
}

func (t *target) roots() (*x509.CertPool, error) {
	if t.caFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(t.caFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", t.caFile)
	}
	return pool, nil
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
	Title, Detail string
	Status        int
	Missing       *struct{ Permission, Scope string }
	Errors        []struct{ Pointer, Parameter, Message string }
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
		if refused := (*net.OpError)(nil); errors.As(err, &refused) {
			return nil, fmt.Errorf("no Atoll answers at %s: %w", c.base, refused.Err)
		}
		return nil, err
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

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
