//go:build !wasip1

// The session's lock, outside a guest.
package atoll

import "sync"

type lock = sync.Mutex
