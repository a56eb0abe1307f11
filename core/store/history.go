// The history of the embedded driver: what each of the newest transactions
// changed, so that a watch can begin in the past. It is bounded by number and
// by bytes.

package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

const (
	defaultHistory = 10_000   // transactions
	historyBytes   = 64 << 20 // of all of them
	historyPage    = 4 << 20  // read at a time
)

// history is what is kept, in numbers. Only the committer uses it.
type history struct {
	most  int // transactions
	count int
	bytes int64
}

// countHistory looks at what an opened store keeps.
func countHistory(tx *bolt.Tx, most int) history {
	h := history{most: most}
	c := tx.Bucket(bucketHistory).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		h.count++
		h.bytes += int64(len(v))
	}
	return h
}

// add keeps a transaction and forgets the oldest beyond the bounds. The numbers
// are returned, not set: they hold once the bbolt transaction is made.
func (h history) add(tx *bolt.Tx, batches []Batch) (history, error) {
	bucket := tx.Bucket(bucketHistory)
	for _, b := range batches {
		line := encodeEvents(b.Events)
		if err := bucket.Put(number(uint64(b.Revision)), line); err != nil {
			return h, err
		}
		h.count++
		h.bytes += int64(len(line))
	}
	c := bucket.Cursor()
	for k, v := c.First(); k != nil && (h.count > h.most || h.bytes > historyBytes); k, v = c.First() {
		h.count--
		h.bytes -= int64(len(v))
		if err := c.Delete(); err != nil {
			return h, err
		}
	}
	return h, nil
}

// readHistory reads kept transactions in (after, until], as many as make a page;
// more when there are further ones. ErrCompacted when the first is not kept.
func readHistory(tx *bolt.Tx, after, until Revision) (page []Batch, more bool, err error) {
	c := tx.Bucket(bucketHistory).Cursor()
	size := 0
	want := after + 1
	for k, v := c.Seek(number(uint64(want))); want <= until; k, v = c.Next() {
		if k == nil || Revision(binary.BigEndian.Uint64(k)) != want {
			return nil, false, fmt.Errorf("%w: revision %d", ErrCompacted, want)
		}
		if size > historyPage {
			return page, true, nil
		}
		events, err := decodeEvents(v, want)
		if err != nil {
			return nil, false, fmt.Errorf("history at revision %d: %w", want, err)
		}
		page = append(page, Batch{Revision: want, Events: events})
		size += len(v)
		want++
	}
	return page, false, nil
}

var errDamaged = errors.New("the record is damaged")

// Events are kept one after the other: 0 for a removed record or the revision
// of its creation, its key, and unless removed its value; numbers as uvarint,
// texts behind their length.
func encodeEvents(events []Event) []byte {
	size := 0
	for _, e := range events {
		size += 2*binary.MaxVarintLen64 + binary.MaxVarintLen16 + len(e.Key) + len(e.Value)
	}
	b := make([]byte, 0, size)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, e := range events {
		b = binary.AppendUvarint(b, uint64(e.Created))
		text(e.Key)
		if !e.Removed {
			b = binary.AppendUvarint(b, uint64(len(e.Value)))
			b = append(b, e.Value...)
		}
	}
	return b
}

func decodeEvents(b []byte, rev Revision) ([]Event, error) {
	next := func() (uint64, error) {
		n, used := binary.Uvarint(b)
		if used <= 0 {
			return 0, errDamaged
		}
		b = b[used:]
		return n, nil
	}
	text := func() ([]byte, error) {
		n, err := next()
		if err != nil || n > uint64(len(b)) {
			return nil, errDamaged
		}
		s := b[:n]
		b = b[n:]
		return s, nil
	}
	var events []Event
	for len(b) > 0 {
		created, err := next()
		if err != nil {
			return nil, err
		}
		key, err := text()
		if err != nil {
			return nil, err
		}
		e := Event{Record: Record{Key: string(key), Created: Revision(created), Modified: rev}, Removed: created == 0}
		if !e.Removed {
			value, err := text()
			if err != nil {
				return nil, err
			}
			e.Value = append([]byte{}, value...)
		}
		events = append(events, e)
	}
	return events, nil
}
