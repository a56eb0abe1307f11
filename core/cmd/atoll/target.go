// Which Atoll a command talks to, and as whom.

package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/spf13/pflag"
)

const defaultRunFile = "build/run/atoll.json"

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
		e.server = t.server // not the environment's: the password is for the file's own
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
