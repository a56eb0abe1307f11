// Back-off: who fails waits, longer each time. Failures are counted per name
// and per address, in memory of a bounded size.

package identity

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// A name waits a minute at most, so that nobody is locked out by others for
	// long; 60 guesses an hour find no password.
	nameFree    = 5
	nameLongest = time.Minute
	// Behind one address there may be many people.
	remoteFree    = 20
	remoteLongest = 15 * time.Minute

	// backoffQuiet without a failure, and all is forgotten.
	backoffQuiet = 30 * time.Minute
	backoffMost  = 10_000
)

// backoff counts failures of one kind of key.
type backoff struct {
	free    int
	longest time.Duration
	now     func() time.Time

	mu      sync.Mutex
	entries map[string]*failures
}

type failures struct {
	count int
	last  time.Time
	until time.Time
}

func newBackoff(free int, longest time.Duration, now func() time.Time) *backoff {
	return &backoff{free: free, longest: longest, now: now, entries: map[string]*failures{}}
}

// attempt counts a failure beforehand, so that guesses in parallel count too;
// forgive takes it back. While the key has to wait, nothing is counted and the
// time left is returned.
func (b *backoff) attempt(key string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	f := b.entries[key]
	if f != nil && now.Sub(f.last) > backoffQuiet {
		delete(b.entries, key)
		f = nil
	}
	if f == nil {
		b.makeRoom(now)
		f = &failures{}
		b.entries[key] = f
	}
	if wait := f.until.Sub(now); wait > 0 {
		return wait
	}
	f.count++
	f.last = now
	if over := f.count - b.free; over >= 0 {
		f.until = now.Add(min(time.Second<<min(over, 20), b.longest))
	}
	return 0
}

// forgive takes back one attempt that was none.
func (b *backoff) forgive(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.entries[key]; f != nil {
		f.count--
		f.until = time.Time{}
		if f.count <= 0 {
			delete(b.entries, key)
		}
	}
}

// forget ends all back-off of a key.
func (b *backoff) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.entries, key)
}

// makeRoom keeps the number of entries bounded: of a few, the one with the
// fewest failures goes, so that a flood of new keys does not clear an old one.
func (b *backoff) makeRoom(now time.Time) {
	if len(b.entries) < backoffMost {
		return
	}
	least, seen := "", 0
	for key, f := range b.entries { // in random order
		if now.Sub(f.last) > backoffQuiet {
			delete(b.entries, key)
			return
		}
		if seen == 0 || f.count < b.entries[least].count {
			least = key
		}
		if seen++; seen == 32 {
			break
		}
	}
	delete(b.entries, least)
}

// remoteKey is what stands for an address: without its port, and of IPv6 the
// network, since each host has as many addresses as it likes.
func remoteKey(remote string) string {
	host := remote
	if h, _, err := net.SplitHostPort(remote); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return "?"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
