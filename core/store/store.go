// The face of the store: what every driver offers, and the words for it.

package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits hold in every driver, the embedded one included, so that what works
// on one machine works on many.
const (
	MaxOps      = 128     // operations of one transaction, and as many guards
	MaxTxBytes  = 1 << 20 // keys and values of one transaction
	MaxKeyBytes = 512     // one key
	MaxPage     = 1000    // records of one page
)

// What may go wrong. Drivers wrap these; test with errors.Is.
var (
	ErrNotFound   = errors.New("no such record")
	ErrConflict   = errors.New("the record was changed meanwhile")
	ErrTooLarge   = errors.New("the transaction is over the limit")
	ErrInvalidKey = errors.New("the key is not valid")
	ErrCompacted  = errors.New("the history asked for is no longer kept")
	ErrSlow       = errors.New("the watcher was too slow and was closed")
	ErrClosed     = errors.New("the store is closed")
	ErrNewer      = errors.New("the store was written by a newer version")
	ErrLocked     = errors.New("the store is in use by another process")
	ErrUncertain  = errors.New("a write failed and may have been made or not")
)

// Revision numbers transactions: each commit that changes something gets the
// next one, over restarts too. An opened store is at 1 at least, so that the
// revision of a list is always good for a watch; 0 is before everything.
type Revision uint64

// Record is one value with its history in two numbers. Value is the caller's
// to keep.
type Record struct {
	Key      string
	Value    []byte
	Created  Revision
	Modified Revision
}

// Op is one change within a transaction; Put and Delete make them.
type Op struct {
	key    string
	value  []byte
	remove bool
}

// Put sets a record. The value may be empty, never nil in a Record.
func Put(key string, value []byte) Op { return Op{key: key, value: value} }

// Delete removes a record; removing what is not there is not an error.
func Delete(key string) Op { return Op{key: key, remove: true} }

// Key is the record that the operation is about.
func (o Op) Key() string { return o.key }

// Guard is a condition on a record; a transaction whose guards do not all hold
// changes nothing and answers ErrConflict.
type Guard struct {
	key string
	at  Revision // 0: the record must not exist
}

// Absent holds while there is no record at key.
func Absent(key string) Guard { return Guard{key: key} }

// At holds while the record at key was last changed by revision rev.
func At(key string, rev Revision) Guard { return Guard{key: key, at: rev} }

// ListOptions pick a page of a list.
type ListOptions struct {
	After string // start behind this key; "" from the beginning
	Limit int    // at most so many records; 0 or more than MaxPage: MaxPage
}

// Page is a part of a list, all of it read at one revision.
type Page struct {
	Records  []Record
	More     bool // there are further records behind the last one
	Revision Revision
}

// Event is one changed record. For a removed one Value is nil and Created 0.
// Watchers share the bytes of Value: they are not to be changed.
type Event struct {
	Record
	Removed bool
}

// Batch is what one transaction changed under the watched prefix. The last
// batch of a watch that ended by itself has Err set and nothing else.
type Batch struct {
	Revision Revision
	Events   []Event
	Err      error
}

// Store is a transactional key-value store. All methods are safe for
// concurrent use.
type Store interface {
	// Get reads one record. ErrNotFound where there is none.
	Get(ctx context.Context, key string) (Record, error)
	// List reads records whose keys begin with prefix, in the order of keys.
	List(ctx context.Context, prefix string, o ListOptions) (Page, error)
	// Commit makes all changes or none, and returns once they will survive a
	// crash. A transaction without operations only checks its guards.
	Commit(ctx context.Context, guards []Guard, ops ...Op) (Revision, error)
	// Watch sends what is committed under prefix after the revision, in order,
	// without gaps; 0 means from now on. ErrCompacted when that is too long ago.
	// A watcher that does not keep up is closed (ErrSlow); writers never wait.
	// The channel is closed when ctx ends or after a batch with Err.
	Watch(ctx context.Context, prefix string, after Revision) (<-chan Batch, error)
	// Revision is that of the newest commit.
	Revision(ctx context.Context) (Revision, error)
	// Close waits for commits under way and closes watches.
	Close() error
}

// Options of a driver.
type Options struct {
	History     int           // transactions kept for watches; 0: 10,000
	LockTimeout time.Duration // how long to wait for another process; 0: 200 ms
}

// checkTx refuses what no driver would take.
func checkTx(guards []Guard, ops []Op) error {
	if n := max(len(guards), len(ops)); n > MaxOps {
		return fmt.Errorf("%w: %d operations or guards, %d are allowed", ErrTooLarge, n, MaxOps)
	}
	size := 0
	seen := make(map[string]bool, len(ops))
	for _, g := range guards {
		if err := checkKey(g.key); err != nil {
			return err
		}
		size += len(g.key)
	}
	for _, o := range ops {
		if err := checkKey(o.key); err != nil {
			return err
		}
		if seen[o.key] {
			return fmt.Errorf("%w: %q is changed twice in one transaction", ErrInvalidKey, o.key)
		}
		seen[o.key] = true
		size += len(o.key) + len(o.value)
	}
	if size > MaxTxBytes {
		return fmt.Errorf("%w: %d bytes, %d are allowed", ErrTooLarge, size, MaxTxBytes)
	}
	return nil
}

// checkKey holds keys to printable ASCII without spaces, not empty.
func checkKey(key string) error {
	if key == "" || len(key) > MaxKeyBytes {
		return fmt.Errorf("%w: a key has 1 to %d bytes, this one %d", ErrInvalidKey, MaxKeyBytes, len(key))
	}
	for i := 0; i < len(key); i++ {
		if c := key[i]; c <= ' ' || c >= 0x7f {
			return fmt.Errorf("%w: byte %d of %q is not printable ASCII", ErrInvalidKey, i, key)
		}
	}
	return nil
}
