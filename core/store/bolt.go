// The embedded driver: one bbolt file, one process. Reading and watching; for
// writing see commit.go.

package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	bucketMeta    = []byte("meta")    // schema version, newest revision
	bucketRecords = []byte("records") // key -> created, modified, value
	bucketHistory = []byte("history") // revision -> events, for watches

	keySchema   = []byte("schema")
	keyRevision = []byte("revision")
)

const (
	defaultLockTimeout = 200 * time.Millisecond
	pageBytes          = 4 << 20 // of records in a page, but one record at least
)

// boltStore implements Store on a bbolt file.
type boltStore struct {
	db      *bolt.DB
	history history
	queue   chan *commit
	hub     *hub

	closing sync.RWMutex // held for reading while a commit is handed over
	closed  bool
	done    chan struct{} // the committer has ended
}

// OpenBolt opens the store at path, made with mode 0600 where there is none.
// ErrLocked when another process has it, ErrNewer when a newer version wrote it.
func OpenBolt(path string, o Options) (Store, error) {
	if o.History <= 0 {
		o.History = defaultHistory
	}
	if o.LockTimeout <= 0 {
		o.LockTimeout = defaultLockTimeout
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the store's folder: %w", err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: o.LockTimeout, FreelistType: bolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("opening the store %s: %w", path, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	s := &boltStore{db: db, queue: make(chan *commit, groupSize), done: make(chan struct{})}
	var newest Revision
	err = db.Update(func(tx *bolt.Tx) error {
		if err := migrate(tx); err != nil {
			return err
		}
		newest = readRevision(tx)
		s.history = countHistory(tx, o.History)
		return nil
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	s.hub = newHub(newest)
	go s.run()
	return s, nil
}

func readRevision(tx *bolt.Tx) Revision {
	v := tx.Bucket(bucketMeta).Get(keyRevision)
	if len(v) != 8 {
		return 0
	}
	return Revision(binary.BigEndian.Uint64(v))
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// A record's value in bbolt is created, modified (8 bytes each), then the bytes.
const recordHead = 16

func encodeRecord(created, modified Revision, value []byte) []byte {
	b := make([]byte, recordHead, recordHead+len(value))
	binary.BigEndian.PutUint64(b, uint64(created))
	binary.BigEndian.PutUint64(b[8:], uint64(modified))
	return append(b, value...)
}

func decodeRecord(key, b []byte) (Record, error) {
	if len(b) < recordHead {
		return Record{}, fmt.Errorf("record %q is damaged: %d bytes", key, len(b))
	}
	return Record{
		Key:      string(key),
		Value:    append([]byte{}, b[recordHead:]...),
		Created:  Revision(binary.BigEndian.Uint64(b)),
		Modified: Revision(binary.BigEndian.Uint64(b[8:])),
	}, nil
}

// Get implements Store.
func (s *boltStore) Get(ctx context.Context, key string) (Record, error) {
	if err := checkKey(key); err != nil {
		return Record{}, err
	}
	var r Record
	err := s.view(ctx, func(tx *bolt.Tx) error {
		v := tx.Bucket(bucketRecords).Get([]byte(key))
		if v == nil {
			return fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		var err error
		r, err = decodeRecord([]byte(key), v)
		return err
	})
	return r, err
}

// List implements Store.
func (s *boltStore) List(ctx context.Context, prefix string, o ListOptions) (Page, error) {
	if o.Limit <= 0 || o.Limit > MaxPage {
		o.Limit = MaxPage
	}
	var page Page
	size := 0
	err := s.view(ctx, func(tx *bolt.Tx) error {
		page.Revision = readRevision(tx)
		c := tx.Bucket(bucketRecords).Cursor()
		from := prefix
		if o.After >= prefix {
			from = o.After
		}
		for k, v := c.Seek([]byte(from)); k != nil && hasPrefix(k, prefix); k, v = c.Next() {
			if string(k) <= o.After && o.After != "" {
				continue
			}
			if len(page.Records) == o.Limit || size > 0 && size+len(v) > pageBytes {
				page.More = true
				return nil
			}
			r, err := decodeRecord(k, v)
			if err != nil {
				return err
			}
			page.Records = append(page.Records, r)
			size += len(v)
		}
		return nil
	})
	return page, err
}

func hasPrefix(k []byte, prefix string) bool {
	return len(k) >= len(prefix) && string(k[:len(prefix)]) == prefix
}

// Revision implements Store.
func (s *boltStore) Revision(ctx context.Context) (Revision, error) {
	var r Revision
	err := s.view(ctx, func(tx *bolt.Tx) error { r = readRevision(tx); return nil })
	return r, err
}

func (s *boltStore) view(ctx context.Context, read func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.db.View(read)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// Watch implements Store.
func (s *boltStore) Watch(ctx context.Context, prefix string, after Revision) (<-chan Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// The watcher is joined first and the past read afterwards, so that no
	// commit falls between; what is in both is sent once.
	w, newest, err := s.hub.join(prefix, after)
	if err != nil {
		return nil, err
	}
	if after == 0 {
		after = newest
	}
	var past []Batch
	var more bool
	if after < newest {
		if past, more, err = s.past(ctx, after, newest); err != nil {
			s.hub.leave(w)
			return nil, err
		}
	}
	out := make(chan Batch)
	go func() {
		defer close(out)
		defer s.hub.leave(w)
		for {
			for _, b := range past {
				if events := under(prefix, b.Events); len(events) > 0 && !send(ctx, out, Batch{Revision: b.Revision, Events: events}) {
					return
				}
			}
			if !more {
				break
			}
			if past, more, err = s.past(ctx, past[len(past)-1].Revision, newest); err != nil {
				send(ctx, out, Batch{Err: err})
				return
			}
		}
		w.pump(ctx, out)
	}()
	return out, nil
}

// past reads a page of kept history in (after, until].
func (s *boltStore) past(ctx context.Context, after, until Revision) (page []Batch, more bool, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		var err error
		page, more, err = readHistory(tx, after, until)
		return err
	})
	return page, more, err
}

// Close implements Store.
func (s *boltStore) Close() error {
	s.closing.Lock()
	if s.closed {
		s.closing.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.closing.Unlock()
	<-s.done
	s.hub.close()
	return s.db.Close()
}
