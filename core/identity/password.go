// Passwords: Argon2id, a bounded number at a time, so that a flood of sign-ins
// cannot fill the memory.

package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

const (
	hashMemory  = 19 * 1024 // KiB; with two passes what OWASP recommends
	hashPasses  = 2
	hashThreads = 1
	hashSalt    = 16
	hashKey     = 32

	// hashQueue is how many may wait for a hasher; who comes then is sent away.
	hashQueue = 128

	minPassword = 8   // characters
	maxPassword = 256 // bytes: hashing more is work for nothing
)

// hasher makes and checks password hashes.
type hasher struct {
	memory  uint32
	slots   chan struct{}
	waiting atomic.Int32
	dummy   string // checked for users that there are not
}

func newHasher(memory uint32, parallel int) *hasher {
	if memory == 0 {
		memory = hashMemory
	}
	if parallel <= 0 {
		parallel = min(max(runtime.GOMAXPROCS(0)/2, 1), 4)
	}
	h := &hasher{memory: memory, slots: make(chan struct{}, parallel)}
	salt := make([]byte, hashSalt)
	key := make([]byte, hashKey)
	_, _ = rand.Read(salt)
	_, _ = rand.Read(key)
	h.dummy = encodeHash(memory, hashPasses, hashThreads, salt, key)
	return h
}

// enter waits for a place; ErrTooMany at once when too many wait.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	if h.waiting.Add(1) > hashQueue {
		h.waiting.Add(-1)
		return nil, &TooMany{RetryAfter: time.Second}
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash makes the hash of a new password in the PHC string format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, hashSalt)
	_, _ = rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, hashPasses, h.memory, hashThreads, hashKey)
	return encodeHash(h.memory, hashPasses, hashThreads, salt, key), nil
}

// verify tells whether the password is that of the hash. An empty hash is that
// of nobody, and takes as long as any other.
func (h *hasher) verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	memory, passes, threads, salt, want, err := decodeHash(hash)
	if err != nil {
		return false, err
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	key := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(key, want) == 1 && known, nil
}

// outdated tells whether a hash was made with other costs than today's.
func (h *hasher) outdated(hash string) bool {
	memory, passes, threads, _, _, err := decodeHash(hash)
	return err != nil || memory != h.memory || passes != hashPasses || threads != hashThreads
}

func encodeHash(memory, passes uint32, threads uint8, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads, b64(salt), b64(key))
}

var errHash = errors.New("the password hash is damaged")

func decodeHash(s string) (memory, passes uint32, threads uint8, salt, key []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return 0, 0, 0, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil || n != 3 {
		return 0, 0, 0, nil, nil, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	// The bounds keep a damaged record from taking the machine down.
	if err1 != nil || err2 != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 ||
		memory < 8 || memory > 1<<18 || passes < 1 || passes > 16 || threads < 1 || threads > 16 {
		return 0, 0, 0, nil, nil, errHash
	}
	return memory, passes, threads, salt, key, nil
}

// checkPassword holds a new password to a length that guessing does not reach.
func checkPassword(name, password string) error {
	switch {
	case utf8.RuneCountInString(password) < minPassword || len(password) > maxPassword:
		return fmt.Errorf("the password is %w: it needs %d characters, and has %d bytes at most", ErrInvalid, minPassword, maxPassword)
	case strings.EqualFold(password, name):
		return fmt.Errorf("the password is %w: it is the name", ErrInvalid)
	}
	return nil
}

// newPassword is a random one that can be typed: 26 characters, 130 bits.
func newPassword() string { return strings.ToLower(rand.Text()) }
