// From a request to a subject: the cookie or the bearer token, and the token
// that guards the cookie against other people's pages.

package identity

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	// CookieName is the session's cookie.
	CookieName = "atoll_session"
	// CSRFHeader carries Session.CSRF in unsafe requests that come by a cookie.
	CSRFHeader = "X-Atoll-CSRF"
)

// Authenticate tells who asks: by a bearer token where there is an
// Authorization header, whatever the cookies are, and by the session's cookie
// otherwise. ErrUnauthenticated.
func (v *Service) Authenticate(r *http.Request) (access.Subject, error) {
	if headers := r.Header["Authorization"]; len(headers) > 0 {
		scheme, token, _ := strings.Cut(headers[0], " ")
		if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return access.Subject{}, ErrUnauthenticated
		}
		return v.byToken(strings.TrimSpace(token))
	}
	s, err := v.bySession(r)
	if err != nil {
		return access.Subject{}, err
	}
	return subjectOf(&s), nil
}

// bySession is the live session that the request's cookie names.
func (v *Service) bySession(r *http.Request) (session, error) {
	now := v.options.Now()
	for _, c := range r.CookiesNamed(CookieName) {
		s, ok := v.sessions.use(c.Value, now, v.options.SessionIdle)
		if !ok {
			continue
		}
		if _, ok := v.index.Active(s.userUID); ok {
			return s, nil
		}
	}
	return session{}, ErrUnauthenticated
}

// Current is the session that a request came by, without its secret id.
// ErrUnauthenticated when it came by none.
func (v *Service) Current(r *http.Request) (Session, error) {
	s, err := v.bySession(r)
	if err != nil {
		return Session{}, err
	}
	u, err := v.GetUser(r.Context(), s.userName)
	if err != nil {
		return Session{}, err
	}
	return Session{CSRF: s.csrf, User: u, ExpiresAt: s.expires, MustEnrol: v.MustEnrol(subjectOf(&s))}, nil
}

// CheckCSRF refuses an unsafe request that comes by a cookie and does not carry
// its session's token: a page of somebody else's can send the cookie, but does
// not know the token. Bearer tokens are sent on purpose and need none. ErrCSRF.
func (v *Service) CheckCSRF(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if len(r.Header["Authorization"]) > 0 {
		return nil
	}
	s, err := v.bySession(r)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(CSRFHeader)), []byte(s.csrf)) != 1 {
		return ErrCSRF
	}
	return nil
}

// Cookie is the cookie that carries a new session; secure where it is served
// over TLS. The browser forgets it when it is closed.
func Cookie(s Session, secure bool) *http.Cookie {
	return &http.Cookie{Name: CookieName, Value: s.ID, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}

// NoCookie makes the browser forget the session.
func NoCookie(secure bool) *http.Cookie {
	return &http.Cookie{Name: CookieName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}
