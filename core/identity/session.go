// Browser sessions: opaque random ids, kept hashed, in memory.

package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"sync"
	"time"

	"github.com/atoll-platform/atoll/core/access"
)

const (
	secretBytes  = 32                      // 256 random bits
	secretLength = (secretBytes*8 + 5) / 6 // characters of it in base64

	// sessionsEach is how many sessions one user has; the oldest makes room.
	sessionsEach = 20
)

// Session is a signed-in browser. ID is the secret that the cookie carries:
// known at sign-in only, and kept out of logs.
type Session struct {
	ID        string
	CSRF      string // what unsafe requests must send back
	User      User
	ExpiresAt time.Time // at the latest; earlier when it is not used
	MustEnrol bool      // good for setting up a second factor only
}

// LogValue keeps the secrets out of logs.
func (s Session) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", s.User.Name), slog.Time("expiresAt", s.ExpiresAt))
}

// digest is what is kept of a secret.
type digest [sha256.Size]byte

// digestOf hashes a secret of secretLength without an allocation.
func digestOf(secret string) digest {
	var b [secretLength]byte
	copy(b[:], secret)
	return sha256.Sum256(b[:])
}

// stored is the digest as records keep it: base64.
func (d digest) stored() string { return base64.RawStdEncoding.EncodeToString(d[:]) }

func newSecret() (string, digest) {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b)
	s := base64.RawURLEncoding.EncodeToString(b)
	return s, digestOf(s)
}

// session is what is kept of a session. What changes is guarded by sessions.mu.
type session struct {
	key        digest // of the id
	credential string // names the session without being its secret
	userUID    string
	userName   string
	csrf       string
	mustChange bool
	noFactor   bool   // begun by a password alone
	remote     string // address of the browser at the sign-in
	agent      string // and what it said it was
	created    time.Time
	used       time.Time
	expires    time.Time
}

// sessions are all of them.
type sessions struct {
	mu           sync.Mutex
	byKey        map[digest]*session
	byCredential map[string]*session
	byUser       map[string][]*session // oldest first
}

// subjectOf is who came by a session.
func subjectOf(s *session) access.Subject {
	return access.Subject{Name: s.userName, UID: s.userUID, Via: access.ViaSession, Credential: s.credential}
}

func newSessions() *sessions {
	return &sessions{byKey: map[digest]*session{}, byCredential: map[string]*session{}, byUser: map[string][]*session{}}
}

func (all *sessions) add(s *session) (displaced bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if own := all.byUser[s.userUID]; len(own) >= sessionsEach {
		all.end(own[0])
		displaced = true
	}
	all.byKey[s.key] = s
	all.byCredential[s.credential] = s
	all.byUser[s.userUID] = append(all.byUser[s.userUID], s)
	return displaced
}

// end removes a session; all.mu is held.
func (all *sessions) end(s *session) {
	delete(all.byKey, s.key)
	delete(all.byCredential, s.credential)
	own := all.byUser[s.userUID]
	kept := make([]*session, 0, len(own))
	for _, o := range own {
		if o != s {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 {
		delete(all.byUser, s.userUID)
	} else {
		all.byUser[s.userUID] = kept
	}
}

func (s *session) over(now time.Time, idle time.Duration) bool {
	return !now.Before(s.expires) || now.Sub(s.used) >= idle
}

// use finds the session of an id and counts the use. The copy is the caller's.
func (all *sessions) use(id string, now time.Time, idle time.Duration) (session, bool) {
	if len(id) != secretLength {
		return session{}, false
	}
	// The map is searched by a hash of what was sent: how long that takes tells
	// nothing about the ids that there are.
	key := digestOf(id)
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byKey[key]
	if s == nil || s.over(now, idle) {
		return session{}, false
	}
	s.used = now
	return *s, true
}

// alive tells whether a session is good still, without counting as a use.
func (all *sessions) alive(credential string, now time.Time, idle time.Duration) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byCredential[credential]
	return s != nil && !s.over(now, idle)
}

// endOne ends a session; false when there was none.
func (all *sessions) endOne(credential string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byCredential[credential]
	if s == nil {
		return false
	}
	all.end(s)
	return true
}

// endAll ends a user's sessions but the one named.
func (all *sessions) endAll(userUID, butCredential string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, s := range all.byUser[userUID] {
		if s.credential != butCredential {
			all.end(s)
		}
	}
}

// changed notes that the user's password was changed as demanded.
func (all *sessions) changed(userUID string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, s := range all.byUser[userUID] {
		s.mustChange = false
	}
}

// gotFactor notes that a session's person has confirmed a second factor in it.
func (all *sessions) gotFactor(credential string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if s := all.byCredential[credential]; s != nil {
		s.noFactor = false
	}
}

// lostFactor notes that a user has no second factor any more.
func (all *sessions) lostFactor(userUID string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, s := range all.byUser[userUID] {
		s.noFactor = true
	}
}

func (all *sessions) lacksFactor(credential string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byCredential[credential]
	return s != nil && s.noFactor
}

func (all *sessions) mustChange(credential string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byCredential[credential]
	return s != nil && s.mustChange
}

// expire removes the sessions that are over; false when there were none.
func (all *sessions) expire(now time.Time, idle time.Duration) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	ended := false
	for _, s := range all.byKey {
		if s.over(now, idle) {
			all.end(s)
			ended = true
		}
	}
	return ended
}
