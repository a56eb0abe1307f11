// The schema version of a store and the steps from one to the next.

package store

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// steps[i] takes a store from version i to i+1. A step is never changed once
// released; a new version is a new step at the end.
var steps = []func(*bolt.Tx) error{
	func(tx *bolt.Tx) error { // 0 -> 1: the buckets, and a first revision
		for _, name := range [][]byte{bucketMeta, bucketRecords, bucketHistory} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyRevision, number(1))
	},
}

// migrate brings the store to the newest version, all steps or none.
func migrate(tx *bolt.Tx) error {
	version := uint64(0)
	if meta := tx.Bucket(bucketMeta); meta != nil {
		if v := meta.Get(keySchema); len(v) == 8 {
			version = binary.BigEndian.Uint64(v)
		}
	}
	if version > uint64(len(steps)) {
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d; use the newer program, or restore a backup made by this one", ErrNewer, version, len(steps))
	}
	for ; version < uint64(len(steps)); version++ {
		if err := steps[version](tx); err != nil {
			return fmt.Errorf("migrating from schema %d to %d: %w", version, version+1, err)
		}
	}
	return tx.Bucket(bucketMeta).Put(keySchema, number(version))
}
