// The tokens that there are, in memory: decoded once, kept by the store's watch,
// none while the store is lost.

package identity

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// knownToken is what recognizing a token needs. Only used changes.
type knownToken struct {
	id       string
	userUID  string
	hash     digest
	readOnly bool
	limit    *access.Limit
	cluster  string
	expires  time.Time
	used     atomic.Int64 // when last, Unix nanoseconds; 0: not since the start
}

// lastUse is when the token was used; zero when not since the start.
func (k *knownToken) lastUse() time.Time {
	if at := k.used.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// knownTokens are all tokens that have not run out: at most tokensEach of a user.
type knownTokens struct {
	now    func() time.Time
	notify func() // tokens are no more

	mu    sync.RWMutex
	byID  map[string]*knownToken
	lost  error                  // not nil: nobody is recognized by a token
	fresh map[string]*knownToken // begun and not shown yet; for the follower alone
}

var errTokensLost = errors.New("the tokens' store is lost, and none is accepted")

func newKnownTokens(now func() time.Time, notify func()) *knownTokens {
	return &knownTokens{now: now, notify: notify, lost: errTokensLost}
}

// get finds a token; nil when there is none. An error means that nobody knows.
func (k *knownTokens) get(id string) (*knownToken, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.lost != nil {
		return nil, k.lost
	}
	return k.byID[id], nil
}

// expire forgets tokens that ran out; false when there were none.
func (k *knownTokens) expire(now time.Time) bool {
	var over []string
	k.mu.RLock()
	for id, t := range k.byID {
		if !now.Before(t.expires) {
			over = append(over, id)
		}
	}
	k.mu.RUnlock()
	if len(over) == 0 {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range over {
		if t := k.byID[id]; t != nil && !now.Before(t.expires) {
			delete(k.byID, id)
		}
	}
	return true
}

// Begin implements store.Copy.
func (k *knownTokens) Begin() func(store.Batch) {
	fresh := map[string]*knownToken{}
	k.fresh = fresh
	return func(b store.Batch) { k.take(fresh, b) }
}

// Show implements store.Copy.
func (k *knownTokens) Show() {
	k.mu.Lock()
	gone := false
	for id, old := range k.byID {
		if t := k.fresh[id]; t != nil {
			t.used.Store(old.used.Load())
		} else {
			gone = true
		}
	}
	k.byID, k.lost, k.fresh = k.fresh, nil, nil
	k.mu.Unlock()
	if gone {
		k.notify()
	}
}

// Apply implements store.Copy.
func (k *knownTokens) Apply(b store.Batch) {
	k.mu.Lock()
	gone := k.take(k.byID, b)
	k.mu.Unlock()
	if gone {
		k.notify()
	}
}

// Lose implements store.Copy.
func (k *knownTokens) Lose(why error) {
	k.mu.Lock()
	k.lost = fmt.Errorf("%w: %w", errTokensLost, why)
	k.mu.Unlock()
}

// take takes over what a transaction changed; true when a token is gone or
// another one, and whoever uses it must be looked at.
func (k *knownTokens) take(byID map[string]*knownToken, b store.Batch) (gone bool) {
	for _, e := range b.Events {
		id, ok := strings.CutPrefix(e.Key, tokenPrefix)
		if !ok {
			continue
		}
		old := byID[id]
		delete(byID, id)
		if !e.Removed {
			t, err := readToken(id, e.Value)
			switch {
			case err != nil:
				slog.Error("a token's record cannot be read and is good for nothing", "token", id, "error", err)
			case k.now().Before(t.expires):
				if old != nil {
					t.used.Store(old.used.Load())
				}
				byID[id] = t
			}
		}
		gone = gone || old != nil
	}
	return gone
}

// readToken reads a record of the store.
func readToken(id string, value []byte) (*knownToken, error) {
	var r tokenRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, err
	}
	t := &knownToken{id: id, userUID: r.UserUID, readOnly: r.ReadOnly, limit: r.Limit.access(), cluster: r.Cluster, expires: r.ExpiresAt}
	hash, err := base64.RawStdEncoding.DecodeString(r.Hash)
	if err != nil {
		return nil, fmt.Errorf("its hash is not one: %w", err)
	}
	if len(hash) != len(t.hash) {
		return nil, fmt.Errorf("its hash is not one: %d bytes", len(hash))
	}
	copy(t.hash[:], hash)
	return t, nil
}
