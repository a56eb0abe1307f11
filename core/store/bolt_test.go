// The embedded driver: the suite of all drivers, and what is its own: the file,
// its lock, its schema, damage.

package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/atoll-platform/atoll/core/store"
	"github.com/atoll-platform/atoll/core/store/storetest"
)

func openBolt(t testing.TB, place string, o store.Options) store.Store {
	t.Helper()
	s, err := store.OpenBolt(filepath.Join(place, "atoll.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBoltIsAStore(t *testing.T) { storetest.Run(t, openBolt) }

func TestOpenStoreIsLocked(t *testing.T) {
	place := t.TempDir()
	s := openBolt(t, place, store.Options{})
	if _, err := store.OpenBolt(filepath.Join(place, "atoll.db"), store.Options{}); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("opening it a second time: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openBolt(t, place, store.Options{}).Close()
}

func TestStoreIsItsOwnersAlone(t *testing.T) {
	place := filepath.Join(t.TempDir(), "data")
	defer openBolt(t, place, store.Options{}).Close()
	for name, want := range map[string]os.FileMode{place: 0o700, filepath.Join(place, "atoll.db"): 0o600} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestStoreOfANewerVersionIsRefusedUnchanged(t *testing.T) {
	place := t.TempDir()
	openBolt(t, place, store.Options{}).Close()
	path := filepath.Join(place, "atoll.db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte{0, 0, 0, 0, 0, 0, 0, 99})
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	_, err = store.OpenBolt(path, store.Options{})
	if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "99") {
		t.Fatalf("got %v", err)
	}
	if after, _ := os.ReadFile(path); string(before) != string(after) {
		t.Fatal("the refused store was changed")
	}
}

func TestFileThatIsNoStoreIsRefusedUnchanged(t *testing.T) {
	for name, content := range map[string]string{"text": strings.Repeat("not a store\n", 4096), "short": "x"} {
		path := filepath.Join(t.TempDir(), "atoll.db")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := store.OpenBolt(path, store.Options{}); err == nil {
			s.Close()
			t.Errorf("%s was opened", name)
		}
		if after, _ := os.ReadFile(path); string(after) != content {
			t.Errorf("%s was changed", name)
		}
	}
}
