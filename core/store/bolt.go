// The embedded driver: one bbolt file, one process. Commits that wait at the
// same time share one file sync (group commit), each judged by itself.
package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
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
	defaultHistory     = 10_000
	defaultLockTimeout = 200 * time.Millisecond
	groupSize          = 64 // commits that share one file sync at most
)

// boltStore implements Store on a bbolt file.
type boltStore struct {
	db      *bolt.DB
	history uint64
	queue   chan *commit
	hub     *hub

	closing sync.RWMutex // held for reading while a commit is handed over
	closed  bool
	done    chan struct{} // the committer has ended
}

// commit is one transaction on its way.
type commit struct {
	guards []Guard
	ops    []Op
	answer chan outcome
}

type outcome struct {
	revision Revision
	err      error
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
	s := &boltStore{db: db, history: uint64(o.History), queue: make(chan *commit, groupSize), done: make(chan struct{})}
	var newest Revision
	err = db.Update(func(tx *bolt.Tx) error {
		if err := migrate(tx); err != nil {
			return err
		}
		newest = readRevision(tx)
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
			if len(page.Records) == o.Limit {
				page.More = true
				return nil
			}
			r, err := decodeRecord(k, v)
			if err != nil {
				return err
			}
			page.Records = append(page.Records, r)
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

// Commit implements Store. A context that ends while the commit is under way
// is not waited for: the commit may have been made or not.
func (s *boltStore) Commit(ctx context.Context, guards []Guard, ops ...Op) (Revision, error) {
	if err := checkTx(guards, ops); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c := &commit{guards: guards, ops: ops, answer: make(chan outcome, 1)}
	s.closing.RLock()
	if s.closed {
		s.closing.RUnlock()
		return 0, ErrClosed
	}
	s.queue <- c
	s.closing.RUnlock()
	select {
	case o := <-c.answer:
		return o.revision, o.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// run makes commits, as many at once as wait.
func (s *boltStore) run() {
	defer close(s.done)
	for first := range s.queue {
		group := []*commit{first}
	gather:
		for len(group) < groupSize {
			select {
			case c, ok := <-s.queue:
				if !ok {
					break gather
				}
				group = append(group, c)
			default:
				break gather
			}
		}
		s.commitGroup(group)
	}
}

// commitGroup makes a group of commits in one bbolt transaction: those whose
// guards hold all become durable together, the others change nothing.
func (s *boltStore) commitGroup(group []*commit) {
	outcomes := make([]outcome, len(group))
	var batches []Batch
	err := s.db.Update(func(tx *bolt.Tx) error {
		records, history := tx.Bucket(bucketRecords), tx.Bucket(bucketHistory)
		newest := readRevision(tx)
		for i, c := range group {
			if err := checkGuards(records, c.guards); err != nil {
				outcomes[i] = outcome{err: err}
				continue
			}
			events, err := apply(records, c.ops, newest+1)
			if err != nil {
				return err
			}
			if len(events) == 0 {
				outcomes[i] = outcome{revision: newest}
				continue
			}
			newest++
			outcomes[i] = outcome{revision: newest}
			line, err := json.Marshal(events)
			if err != nil {
				return err
			}
			if err := history.Put(number(uint64(newest)), line); err != nil {
				return err
			}
			batches = append(batches, Batch{Revision: newest, Events: events})
		}
		if len(batches) == 0 {
			return nil
		}
		if err := s.compact(history, newest); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Put(keyRevision, number(uint64(newest)))
	})
	if err == nil {
		s.hub.publish(batches) // before the answers: who waited for a commit finds it in its watch
	}
	for i, c := range group {
		if err != nil && outcomes[i].err == nil {
			outcomes[i] = outcome{err: fmt.Errorf("writing the store: %w", err)}
		}
		c.answer <- outcomes[i]
	}
}

func checkGuards(records *bolt.Bucket, guards []Guard) error {
	for _, g := range guards {
		var at Revision
		if v := records.Get([]byte(g.key)); len(v) >= recordHead {
			at = Revision(binary.BigEndian.Uint64(v[8:]))
		}
		if at != g.at {
			if g.at == 0 {
				return fmt.Errorf("%w: %s exists already", ErrConflict, g.key)
			}
			return fmt.Errorf("%w: %s is at revision %d, not %d", ErrConflict, g.key, at, g.at)
		}
	}
	return nil
}

func apply(records *bolt.Bucket, ops []Op, rev Revision) ([]Event, error) {
	var events []Event
	for _, o := range ops {
		old := records.Get([]byte(o.key))
		if o.remove {
			if old == nil {
				continue
			}
			if err := records.Delete([]byte(o.key)); err != nil {
				return nil, err
			}
			events = append(events, Event{Record: Record{Key: o.key, Modified: rev}, Removed: true})
			continue
		}
		created := rev
		if len(old) >= recordHead {
			created = Revision(binary.BigEndian.Uint64(old))
		}
		value := append([]byte{}, o.value...)
		if err := records.Put([]byte(o.key), encodeRecord(created, rev, value)); err != nil {
			return nil, err
		}
		events = append(events, Event{Record: Record{Key: o.key, Value: value, Created: created, Modified: rev}})
	}
	return events, nil
}

// compact forgets history beyond the limit.
func (s *boltStore) compact(history *bolt.Bucket, newest Revision) error {
	if uint64(newest) <= s.history {
		return nil
	}
	keep := uint64(newest) - s.history
	c := history.Cursor()
	for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= keep; k, _ = c.First() {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// Watch implements Store.
func (s *boltStore) Watch(ctx context.Context, prefix string, after Revision) (<-chan Batch, error) {
	// The watcher is joined first and the past read afterwards, so that no
	// commit falls between; what is in both is sent once.
	w, newest, err := s.hub.join(prefix)
	if err != nil {
		return nil, err
	}
	var past []Batch
	if after > 0 && after < newest {
		if past, err = s.past(ctx, prefix, after, newest); err != nil {
			s.hub.leave(w)
			return nil, err
		}
	}
	out := make(chan Batch)
	go func() {
		defer close(out)
		defer s.hub.leave(w)
		for _, b := range past {
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
		}
		w.pump(ctx, out)
	}()
	return out, nil
}

// past reads kept history in (after, until].
func (s *boltStore) past(ctx context.Context, prefix string, after, until Revision) ([]Batch, error) {
	var past []Batch
	err := s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketHistory).Cursor()
		first, _ := c.First()
		if first == nil || binary.BigEndian.Uint64(first) > uint64(after)+1 {
			return fmt.Errorf("%w: revision %d", ErrCompacted, after)
		}
		for k, v := c.Seek(number(uint64(after) + 1)); k != nil; k, v = c.Next() {
			rev := Revision(binary.BigEndian.Uint64(k))
			if rev > until {
				return nil
			}
			var events []Event
			if err := json.Unmarshal(v, &events); err != nil {
				return fmt.Errorf("history at revision %d is damaged: %w", rev, err)
			}
			if events = under(prefix, events); len(events) > 0 {
				past = append(past, Batch{Revision: rev, Events: events})
			}
		}
		return nil
	})
	return past, err
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
