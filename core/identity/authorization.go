// Signing a program in by a browser (RFC 8252): the program sends its person to a
// page of ours and listens on a loopback address of their computer. A person who
// is signed in confirms, the browser takes a code there, and the program
// exchanges the code for an API token of the person.
//
// A code is bound to the session that confirmed, to the address that it was sent
// to, and, by PKCE, to the program that asked. It is good once, for a minute.

package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	codeLives = time.Minute // a program waits for it
	codesEach = 10          // that one person has confirmed; the oldest makes room
	codesMost = 10_000      // and of all
)

// Authorization is what a program asks its person for.
type Authorization struct {
	Token     NewToken
	Redirect  string // where the program listens: http://127.0.0.1:PORT/... or http://[::1]:PORT/...
	State     string // of the program, given back with the code
	Challenge string // PKCE, S256: the hash of the verifier that the program keeps
}

// Exchange is what a program brings for its token.
type Exchange struct {
	Code, Verifier, Redirect string
	Client                   Client
}

// code is what is kept of one that was given out.
type code struct {
	key       digest
	redirect  string
	challenge string
	who       access.Subject // by the session that confirmed
	token     NewToken
	until     time.Time
}

// codes are all of them, the oldest first.
type codes struct {
	mu  sync.Mutex
	all []*code
}

func (c *codes) add(one *code, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = slices.DeleteFunc(c.all, func(o *code) bool { return !now.Before(o.until) })
	own := func(o *code) bool { return o.who.UID == one.who.UID }
	count := 0
	for _, o := range c.all {
		if own(o) {
			count++
		}
	}
	switch {
	case count >= codesEach:
		oldest := slices.IndexFunc(c.all, own)
		c.all = slices.Delete(c.all, oldest, oldest+1)
	case len(c.all) >= codesMost:
		c.all = slices.Delete(c.all, 0, 1)
	}
	c.all = append(c.all, one)
}

// take removes a code, whatever comes of it: one that somebody else has got hold
// of is not to be tried twice. Nil when there is none.
func (c *codes) take(secret string) *code {
	if len(secret) != secretLength {
		return nil
	}
	key := digestOf(secret)
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.all, func(o *code) bool { return o.key == key })
	if at < 0 {
		return nil
	}
	found := c.all[at]
	c.all = slices.Delete(c.all, at, at+1)
	return found
}

var (
	loopbackPath    = regexp.MustCompile(`^[A-Za-z0-9_/-]{0,100}$`)
	programState    = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
	codeChallenge   = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	codeVerifier    = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`) // RFC 7636
	loopbackAddress = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
)

// checkLoopback refuses every address but a program's on the computer that the
// browser runs on, written in its one way: a name could be anybody's, and a query
// or a fragment would be somebody else's to say.
func checkLoopback(redirect string) error {
	rest, plain := strings.CutPrefix(redirect, "http://")
	host, path, _ := strings.Cut(rest, "/")
	at, err := netip.ParseAddrPort(host)
	if !plain || err != nil || at.String() != host || at.Port() == 0 || !slices.Contains(loopbackAddress, at.Addr()) || !loopbackPath.MatchString(path) {
		return fmt.Errorf("the address to go back to is %w: only a program on the same computer may get a code; http://127.0.0.1:PORT/PATH and http://[::1]:PORT/PATH are right", ErrInvalid)
	}
	return nil
}

// back is where the browser goes with an answer.
func (a Authorization) back(key, value string) string {
	return a.Redirect + "?" + url.Values{key: {value}, "state": {a.State}}.Encode()
}

// checkAsk refuses what a program may not ask for, and whoever may not answer: a
// stolen token must not make others.
func (a Authorization) checkAsk(s access.Subject) error {
	if err := bySessionOnly(s); err != nil {
		return err
	}
	if err := checkLoopback(a.Redirect); err != nil {
		return err
	}
	if !programState.MatchString(a.State) {
		return fmt.Errorf("the state is %w: 16 to 128 letters, digits, - and _ are right", ErrInvalid)
	}
	return nil
}

// Authorize gives a program the token that its person has confirmed: the address
// at which it waits, with a code for it. ErrInvalid; ErrDenied but by a session.
func (v *Service) Authorize(s access.Subject, a Authorization) (string, error) {
	if err := a.checkAsk(s); err != nil {
		return "", err
	}
	if !codeChallenge.MatchString(a.Challenge) {
		return "", fmt.Errorf("the code challenge is %w: the SHA-256 of a verifier is right, in base64url", ErrInvalid)
	}
	if err := v.checkToken(a.Token); err != nil {
		return "", err
	}
	secret, key := newSecret()
	now := v.options.Now()
	v.codes.add(&code{key: key, redirect: a.Redirect, challenge: a.Challenge, who: s, token: a.Token, until: now.Add(codeLives)}, now)
	return a.back("code", secret), nil
}

// Decline tells a program that its person has not confirmed: the address at which
// it waits, with that word. ErrInvalid; ErrDenied but by a session.
func (v *Service) Decline(s access.Subject, a Authorization) (string, error) {
	if err := a.checkAsk(s); err != nil {
		return "", err
	}
	return a.back("error", "access_denied"), nil
}

// Exchange makes the token that a code is for; its secret is returned once.
// ErrBadCode, which does not say what of it was wrong; *TooMany; as CreateToken.
func (v *Service) Exchange(ctx context.Context, x Exchange) (Token, string, access.Subject, error) {
	remote := remoteKey(x.Client.Remote)
	if wait := v.byRemote.attempt(remote); wait > 0 {
		return Token{}, "", access.Subject{}, &TooMany{RetryAfter: wait}
	}
	bad := fmt.Errorf("%w, or is older than a minute, or the session in which it was confirmed is over: begin again", ErrBadCode)
	c := v.codes.take(x.Code)
	if c == nil || !v.options.Now().Before(c.until) || c.redirect != x.Redirect || !codeVerifier.MatchString(x.Verifier) {
		return Token{}, "", access.Subject{}, bad
	}
	hash := sha256.Sum256([]byte(x.Verifier))
	if subtle.ConstantTimeCompare([]byte(c.challenge), []byte(base64.RawURLEncoding.EncodeToString(hash[:]))) != 1 || !v.Alive(c.who) {
		return Token{}, "", c.who, bad
	}
	v.byRemote.forgive(remote)
	t, secret, err := v.CreateToken(ctx, c.who, c.token)
	if err != nil {
		return Token{}, "", c.who, err
	}
	if !v.Alive(c.who) { // signed out everywhere meanwhile, and this token was not there yet
		if err := v.revokeToken(ctx, c.who.UID, t.ID); err != nil {
			return Token{}, "", c.who, err
		}
		return Token{}, "", c.who, bad
	}
	return t, secret, c.who, nil
}
