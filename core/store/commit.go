// Commits of the embedded driver: those that wait at the same time share one
// file sync, each judged by itself.

package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// groupSize is how many commits share one file sync at most.
const groupSize = 64

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

// Commit implements Store. A context that ends while the commit is under way
// is not waited for: the commit may have been made or not.
func (s *boltStore) Commit(ctx context.Context, guards []Guard, ops ...Op) (Revision, error) {
	if err := checkTx(guards, ops); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	// Copies: the caller may be gone before the committer is done, and watchers
	// get the values.
	c := &commit{guards: slices.Clone(guards), ops: slices.Clone(ops), answer: make(chan outcome, 1)}
	for i, o := range c.ops {
		c.ops[i].value = append([]byte{}, o.value...)
	}
	s.closing.RLock()
	if s.closed {
		s.closing.RUnlock()
		return 0, ErrClosed
	}
	select {
	case s.queue <- c:
	case <-ctx.Done():
		s.closing.RUnlock()
		return 0, ctx.Err()
	}
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
	kept := s.history
	err := s.db.Update(func(tx *bolt.Tx) error {
		records := tx.Bucket(bucketRecords)
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
			if len(events) > 0 {
				newest++
				batches = append(batches, Batch{Revision: newest, Events: events})
			}
			outcomes[i] = outcome{revision: newest}
		}
		if len(batches) == 0 {
			return nil
		}
		var err error
		if kept, err = s.history.add(tx, batches); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Put(keyRevision, number(uint64(newest)))
	})
	if err != nil {
		// Whether the disk has it is not known: whoever watches must look again.
		err = fmt.Errorf("writing the store: %w", err)
		s.recount()
		for _, c := range group {
			c.answer <- outcome{err: err}
		}
		return
	}
	s.history = kept
	s.hub.publish(batches) // before the answers: who waited for a commit finds it in its watch
	for i, c := range group {
		c.answer <- outcomes[i]
	}
}

// recount ends all watches and looks at what is there, after a write of which
// it is not known whether it was made.
func (s *boltStore) recount() {
	var newest Revision
	err := s.db.View(func(tx *bolt.Tx) error {
		newest = readRevision(tx)
		s.history = countHistory(tx, s.history.most)
		return nil
	})
	if err == nil {
		s.hub.reset(newest)
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
		if err := records.Put([]byte(o.key), encodeRecord(created, rev, o.value)); err != nil {
			return nil, err
		}
		events = append(events, Event{Record: Record{Key: o.key, Value: o.value, Created: created, Modified: rev}})
	}
	return events, nil
}
