// atoll login --browser: a person confirms in a browser that this command may have
// a token of theirs. However they are used to signing in there, it serves.
//
// The browser brings a code to a port of this computer alone, where the command
// listens; a verifier that never leaves the command makes the token of it
// (RFC 8252, RFC 7636).

package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"
)

const (
	browserWait = 10 * time.Minute // for somebody to sign in there

	declinedWord = "access_denied"
)

// brought is what a browser brings.
type brought struct{ code, declined string }

// loopback listens for a browser of this computer.
type loopback struct {
	address string // as the browser is sent back to
	state   string
	came    chan brought
	server  *http.Server
}

// listenLoopback begins to listen on a free port.
func listenLoopback() (*loopback, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		if l, err = net.Listen("tcp6", "[::1]:0"); err != nil {
			return nil, fmt.Errorf("listening for the browser: %w", err)
		}
	}
	b := &loopback{address: "http://" + l.Addr().String() + "/", state: rand.Text(), came: make(chan brought, 1)}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = b.server.Serve(l) }() // until close
	return b, nil
}

// close stops, once the browser has its answer.
func (b *loopback) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if b.server.Shutdown(ctx) != nil {
		_ = b.server.Close()
	}
}

// ServeHTTP takes what comes back. Any page may send a browser here: what does not
// know the state changes nothing.
func (b *loopback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	q := r.URL.Query()
	back := brought{code: q.Get("code"), declined: q.Get("error")}
	if r.Method != http.MethodGet || r.URL.Path != "/" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(b.state)) != 1 || (back.code == "") == (back.declined == "") {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, page("Nothing is here", "This is a command that waits for something else."))
		return
	}
	if back.declined != "" {
		fmt.Fprint(w, page("Declined", "The command gets no token. You can close this page."))
	} else {
		fmt.Fprint(w, page("Confirmed", "Go on at the terminal. You can close this page."))
	}
	select {
	case b.came <- back:
	default: // one came before
	}
}

// page is a page of words of ours.
func page(title, text string) string {
	return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>` +
		title + ` - Atoll</title><h1>` + title + `</h1><p>` + text + "</p></html>\n"
}

// wait waits for a browser.
func (b *loopback) wait(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, browserWait)
	defer cancel()
	select {
	case back := <-b.came:
		switch {
		case back.declined == declinedWord:
			return "", &exitError{exitDenied, errors.New("declined in the browser: there is no token")}
		case back.declined != "":
			return "", &exitError{exitDenied, fmt.Errorf("the browser brought no code: %s", printable(back.declined))}
		}
		return back.code, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return "", &exitError{exitSignedOut, fmt.Errorf("nobody has confirmed within %.0f minutes", browserWait.Minutes())}
		}
		return "", ctx.Err()
	}
}

// byBrowser asks for a token that is confirmed in a browser.
func (f loginFlags) byBrowser(c *cobra.Command, api *client, s *signIn, kept signIns) error {
	b, err := listenLoopback()
	if err != nil {
		return err
	}
	defer b.close()
	verifier := oauth2.GenerateVerifier()
	asked := url.Values{
		"name": {tokenName()}, "redirectURI": {b.address}, "state": {b.state}, "codeChallenge": {oauth2.S256ChallengeFromVerifier(verifier)},
		"expiresIn": {first(f.expiresIn, defaultExpiry)}, "readOnly": {strconv.FormatBool(f.readOnly)},
	}
	address := api.base + "/authorize?" + asked.Encode()
	fmt.Fprintf(c.ErrOrStderr(), "Confirm in a browser on this computer:\n\n   %s\n\n", address)
	openBrowser(c.Context(), address)
	code, err := b.wait(c.Context())
	if err != nil {
		return err
	}
	var made struct {
		madeToken
		User string
	}
	if err := api.call(c.Context(), http.MethodPost, "/api/v1/tokens:exchange", map[string]string{"code": code, "codeVerifier": verifier, "redirectURI": b.address}, &made); err != nil {
		return fmt.Errorf("exchanging the code that the browser brought: %w", err)
	}
	s.User = made.User
	s.Name = f.named(*s)
	made.keep(s)
	api.token = made.Token
	f.replace(c, api, *s, kept)
	return nil
}

// openBrowser tries to; the address was printed. Where there is no screen, what
// would answer is a browser in the terminal, which is in the way.
func openBrowser(ctx context.Context, address string) {
	var open *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		open = exec.CommandContext(ctx, "open", address)
	case "windows":
		open = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", address)
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return
		}
		open = exec.CommandContext(ctx, "xdg-open", address)
	}
	if open.Start() == nil {
		go func() { _ = open.Wait() }()
	}
}
