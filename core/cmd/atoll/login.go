// atoll login, logout, context: signing in for the commands that follow.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

const (
	typeSecondFactor = "urn:atoll:problem:second-factor"

	aboutLogin = `Sign in to an Atoll for the commands that follow.

The password is asked for at the terminal and not kept: login makes an API token
of yours, ends its session, and keeps the token in ~/.config/atoll/config (or
ATOLL_CONFIG), which only you can read. The token is in your list of tokens, and
atoll logout revokes it. A code of the second factor is asked for where there is
one; a password that was made for the first sign-in is changed on the way, and a
second factor is set up where this Atoll demands one or you ask for it.

With --browser nothing is typed here: a browser on this computer shows what the
command asks for, and you confirm there, signed in as you are used to, by a
provider's page too. The command waits on a port of this computer, so a browser
elsewhere cannot bring it the answer: over SSH, use --token-stdin.

Where nobody is at the terminal, --password-stdin reads the password from the
first line of standard input and, where one is wanted, the code from the second.
--token-stdin takes a token that there is already: of a robot, or made in the
console by somebody who signs in there in another way. That one is not revoked
by logout.

A server whose certificate comes from an authority that this machine does not
know, as Atoll's own, needs --ca-file; the authority is kept with the sign-in.`
)

type loginFlags struct {
	user, provider, caFile, context, expiresIn string
	tokenStdin, passwordStdin, readOnly        bool
	secondFactor, browser                      bool
}

func newLogin() *cobra.Command {
	var f loginFlags
	c := &cobra.Command{
		Use: "login URL", Short: "Sign in to an Atoll for the commands that follow", Long: aboutLogin, Args: cobra.ExactArgs(1),
		Example: "  atoll login http://127.0.0.1:8380\n" +
			"  atoll login https://atoll.example.com --user jane --provider corp\n" +
			"  atoll login https://atoll.example.com --browser\n" +
			"  atoll login https://127.0.0.1:8343 --ca-file atoll-ca.pem\n" +
			"  atoll login https://atoll.example.com --token-stdin < token",
		RunE: func(c *cobra.Command, args []string) error {
			authority, err := readAuthority(f.caFile)
			if err != nil {
				return err
			}
			api, err := endpoint{server: args[0], authority: authority}.client()
			if err != nil {
				return err
			}
			kept, err := readSignIns() // before anything is made that could not be kept
			if err != nil {
				return err
			}
			s := signIn{Server: api.base, Authority: string(authority)}
			switch {
			case f.tokenStdin:
				err = f.byToken(c, api, &s)
			case f.browser:
				err = f.byBrowser(c, api, &s, kept)
			default:
				err = f.byPassword(c, api, &s, kept)
			}
			if err != nil {
				return err
			}
			if err := kept.with(s).write(); err != nil {
				if s.TokenID != "" {
					_ = s.revoke(c.Context()) // else nobody would know it; it ends by itself
				}
				return err
			}
			until := ""
			if !s.ExpiresAt.IsZero() {
				until = ", until " + s.ExpiresAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(c.OutOrStdout(), "Signed in to %s as %s%s.\n", api.base, printable(s.User), until)
			return nil
		},
	}
	c.Flags().StringVarP(&f.user, "user", "u", "", "`name` to sign in with; asked for when left out")
	c.Flags().StringVar(&f.provider, "provider", "", "`name` of the identity provider that knows the password, such as a directory")
	c.Flags().StringVar(&f.caFile, "ca-file", "", "PEM `file` with the certificate authority of the server")
	c.Flags().StringVar(&f.context, "context", "", "`name` to keep the sign-in under; USER@HOST when left out")
	c.Flags().StringVar(&f.expiresIn, "expires-in", "", "`duration` after which the sign-in is over; 720h when left out")
	c.Flags().BoolVar(&f.readOnly, "read-only", false, "sign in for reading only")
	c.Flags().BoolVar(&f.browser, "browser", false, "confirm in a browser on this computer, instead of typing a password")
	c.Flags().BoolVar(&f.tokenStdin, "token-stdin", false, "read a token from standard input, instead of asking for a password")
	c.Flags().BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input, instead of asking for it")
	c.Flags().BoolVar(&f.secondFactor, "set-up-second-factor", false, "set up a second factor on the way, where you have none yet")
	c.MarkFlagsMutuallyExclusive("token-stdin", "password-stdin", "browser")
	for _, typed := range []string{"user", "provider", "set-up-second-factor"} {
		c.MarkFlagsMutuallyExclusive("browser", typed)
	}
	c.MarkFlagsMutuallyExclusive("set-up-second-factor", "password-stdin")
	for _, asked := range []string{"set-up-second-factor", "user", "provider", "expires-in", "read-only"} {
		c.MarkFlagsMutuallyExclusive("token-stdin", asked)
	}
	return c
}

// named is the name to keep a sign-in under.
func (f loginFlags) named(s signIn) string {
	if f.context != "" {
		return f.context
	}
	u, err := url.Parse(s.Server)
	if err != nil {
		return s.User + "@" + s.Server
	}
	return s.User + "@" + u.Host
}

// byToken takes a token from standard input and looks whose it is.
func (f loginFlags) byToken(c *cobra.Command, api *client, s *signIn) error {
	token, err := newPrompter(c).line("a token")
	if err != nil {
		return err
	}
	api.token = token
	var me account
	if err := api.call(c.Context(), http.MethodGet, "/api/v1/users/me", nil, &me); err != nil {
		return err
	}
	s.User, s.Token = me.Name, token
	s.Name = f.named(*s)
	return nil
}

// byPassword begins a session, makes a token in it, and ends it. The token of an
// older sign-in under the same name is revoked.
func (f loginFlags) byPassword(c *cobra.Command, api *client, s *signIn, kept signIns) error {
	in := newPrompter(c)
	if in.terminal == nil && !f.passwordStdin {
		return wrongUse("nobody is at the terminal to type a password: pipe one into --password-stdin, or a token into --token-stdin")
	}
	if in.terminal == nil && f.user == "" {
		return wrongUse("as whom? Say --user")
	}
	body := signInBody{Username: f.user, Provider: f.provider}
	var err error
	if body.Username == "" {
		if body.Username, err = in.ask("User"); err != nil {
			return err
		}
	}
	if body.Password, err = f.secret(in, "Password"); err != nil {
		return err
	}
	defer api.close()
	begun, err := api.begin(c.Context(), body)
	if p := (*problem)(nil); errors.As(err, &p) && p.Type == typeSecondFactor {
		if body.Code, err = f.secret(in, "Code of the second factor"); err != nil {
			return err
		}
		begun, err = api.begin(c.Context(), body)
	}
	if err != nil {
		return err
	}
	if begun.User.MustChangePassword {
		if body.Password, err = f.choosePassword(c.Context(), in, api, body.Password); err != nil {
			return err
		}
	}
	if begun.MustEnrolSecondFactor || f.secondFactor {
		if err := in.enrol(c.Context(), api, body.Password); err != nil {
			return err
		}
	}
	s.User = begun.User.Name
	s.Name = f.named(*s)
	wanted := map[string]any{"name": tokenName(), "readOnly": f.readOnly, "expiresIn": first(f.expiresIn, defaultExpiry)}
	var made madeToken
	if err := api.call(c.Context(), http.MethodPost, "/api/v1/tokens", wanted, &made); err != nil {
		return fmt.Errorf("making a token: %w", err)
	}
	made.keep(s)
	f.replace(c, api, *s, kept)
	return nil
}

// defaultExpiry is how long a sign-in is good when nothing is said.
const defaultExpiry = "720h"

// madeToken is a token that was made.
type madeToken struct {
	ID, Token string
	ExpiresAt time.Time
}

func (m madeToken) keep(s *signIn) {
	s.Token, s.TokenID, s.ExpiresAt = m.Token, m.ID, m.ExpiresAt.UTC()
}

// tokenName is how the token of a sign-in is called in the person's list.
func tokenName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a machine without a name"
	}
	return "atoll login on " + host[:min(len(host), 100)]
}

// replace revokes the token of an older sign-in under the same name, by what has
// just signed in; or by itself, where that may only read.
func (f loginFlags) replace(c *cobra.Command, api *client, s signIn, kept signIns) {
	old, ok := kept.find(s.Name)
	if !ok || old.TokenID == "" || old.Server != s.Server || old.User != s.User {
		return
	}
	err := api.revoke(c.Context(), old.TokenID)
	if isStatus(err, http.StatusForbidden) {
		err = old.revoke(c.Context())
	}
	if err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "The token of the sign-in before could not be revoked: %v\n", err)
	}
}

// secret is a password or code, from standard input or the terminal.
func (f loginFlags) secret(in *prompter, what string) (string, error) {
	if f.passwordStdin {
		return in.line(what)
	}
	return in.secret(what)
}

// choosePassword changes a password that was made for the first sign-in, and
// gives the new one.
func (f loginFlags) choosePassword(ctx context.Context, in *prompter, api *client, current string) (string, error) {
	if f.passwordStdin {
		return "", &exitError{exitDenied, errors.New("this password was made for the first sign-in and has to be changed: run atoll login at a terminal, or sign in with a browser")}
	}
	fmt.Fprintln(in.out, "This password was made for the first sign-in: choose one of your own.")
	next, err := in.secret("New password")
	if err != nil {
		return "", err
	}
	again, err := in.secret("New password once more")
	if err != nil {
		return "", err
	}
	if next != again {
		return "", wrongUse("the two are not the same; the password stays as it was")
	}
	return next, api.call(ctx, http.MethodPost, "/api/v1/users/me:changePassword", map[string]string{"current": current, "next": next}, nil)
}

// revoke revokes a token of who asks; one that is gone is fine.
func (c *client) revoke(ctx context.Context, id string) error {
	err := c.call(ctx, http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(id), nil, nil)
	if p := (*problem)(nil); errors.As(err, &p) && p.Status == http.StatusNotFound {
		return nil
	}
	return err
}

func newLogout() *cobra.Command {
	var here bool
	c := &cobra.Command{
		Use: "logout [CONTEXT]", Short: "End a sign-in and revoke its token", Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeContexts,
		Example: "  atoll logout\n  atoll logout jane@atoll.example.com",
		RunE: func(c *cobra.Command, args []string) error {
			kept, err := readSignIns()
			if err != nil {
				return err
			}
			s, err := kept.named(first(args...))
			if err != nil {
				return err
			}
			if err := s.endpoint().forgetTokens(c.Context(), !here); err != nil {
				return fmt.Errorf("revoking the tokens for kubectl: %w; --keep-token forgets them all the same", err)
			}
			said := "."
			if s.TokenID == "" {
				said = "; its token was not made by login and stays good."
			} else if here {
				said = "; its token stays good until " + s.ExpiresAt.UTC().Format(time.RFC3339) + "."
			} else if err := s.revoke(c.Context()); err != nil {
				return fmt.Errorf("revoking the token: %w; --keep-token forgets the sign-in all the same", err)
			}
			if err := kept.without(s.Name).write(); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Signed out of %s as %s%s\n", s.Server, printable(s.User), said)
			return nil
		},
	}
	c.Flags().BoolVar(&here, "keep-token", false, "only forget the sign-in here, where Atoll is not reached")
	return c
}

// revoke revokes the token of a sign-in, by itself. One that is no longer good
// needs no revoking.
func (s signIn) revoke(ctx context.Context) error {
	api, err := s.endpoint().client()
	if err != nil {
		return err
	}
	err = api.revoke(ctx, s.TokenID)
	if p := (*problem)(nil); errors.As(err, &p) && p.Status == http.StatusUnauthorized {
		return nil
	}
	return err
}

func (s signIn) endpoint() endpoint {
	e := endpoint{server: s.Server, token: s.Token, until: s.ExpiresAt, context: s.Name}
	if s.Authority != "" {
		e.authority = []byte(s.Authority)
	}
	return e
}

func newContext() *cobra.Command {
	return &cobra.Command{
		Use: "context [NAME]", Short: "List the sign-ins, or choose the one that counts", Args: cobra.MaximumNArgs(1), ValidArgsFunction: completeContexts,
		Example: "  atoll context\n  atoll context jane@atoll.example.com",
		RunE: func(c *cobra.Command, args []string) error {
			kept, err := readSignIns()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				s, err := kept.named(args[0])
				if err != nil {
					return err
				}
				kept.CurrentContext = s.Name
				return kept.write()
			}
			out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 3, ' ', 0)
			fmt.Fprintln(out, "CURRENT\tNAME\tSERVER\tUSER\tUNTIL")
			for _, s := range kept.Contexts {
				current, until := "", ""
				if s.Name == kept.CurrentContext {
					current = "*"
				}
				if !s.ExpiresAt.IsZero() {
					until = s.ExpiresAt.UTC().Format(time.RFC3339)
				}
				fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", current, printable(s.Name), printable(s.Server), printable(s.User), until)
			}
			return out.Flush()
		},
	}
}

// completeContexts completes the names of sign-ins.
func completeContexts(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	kept, err := readSignIns()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, s := range kept.Contexts {
		names = append(names, s.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
