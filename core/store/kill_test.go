// A store whose process is killed at any moment: whatever was acknowledged is
// there afterwards, whole, and the store opens.

package store_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/store"
)

const (
	victimEnv     = "ATOLL_TEST_STORE_VICTIM" // path of the store that the process is to write
	victimWriters = 8
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		beVictim(path)
		os.Exit(1) // only when it could not write
	}
	os.Exit(m.Run())
}

// beVictim writes with several writers until it is killed. Each transaction
// counts a writer's number up in two records at once; a line on stdout
// acknowledges it once the store has.
func beVictim(path string) {
	s, err := store.OpenBolt(path, store.Options{LockTimeout: 5 * time.Second})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	ctx := context.Background()
	var all sync.WaitGroup
	for w := range victimWriters {
		all.Go(func() {
			first, second := fmt.Sprintf("first/%d", w), fmt.Sprintf("second/%d", w)
			n := 0
			if r, err := s.Get(ctx, first); err == nil {
				fmt.Sscan(string(r.Value), &n)
			}
			for {
				n++
				value := fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", n%2000))
				rev, err := s.Commit(ctx, nil, store.Put(first, value), store.Put(second, value), store.Put(fmt.Sprintf("many/%d/%d", w, n), nil))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				// One write call, shorter than a pipe's atomic size.
				os.Stdout.WriteString(fmt.Sprintf("%d %d %d\n", w, n, rev))
			}
		})
	}
	all.Wait()
}

func TestKilledStoreKeepsWhatItAcknowledged(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGKILL")
	}
	kills := 100
	if testing.Short() {
		kills = 10
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "atoll.db")
	acknowledged := [victimWriters]int{}
	newest, total := store.Revision(0), 0
	for kill := range kills {
		total += killOne(t, path, random, &acknowledged, &newest)
		inspect(t, kill, path, acknowledged, newest)
	}
	if total < kills {
		t.Fatalf("only %d writes were acknowledged in %d lives: the test tests nothing", total, kills)
	}
	t.Logf("%d writes were acknowledged in %d lives", total, kills)
}

// killOne lets a process write for a random while, some of it before its first
// write, kills it, and takes down what it had acknowledged.
func killOne(t *testing.T, path string, random *rand.Rand, acknowledged *[victimWriters]int, newest *store.Revision) (lines int) {
	t.Helper()
	victim := exec.Command(os.Args[0], "-test.run=^$")
	victim.Env = append(os.Environ(), victimEnv+"="+path)
	var trouble strings.Builder
	victim.Stderr = &trouble
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	// In one life of ten it is killed while it opens; otherwise after a number of
	// writes and a moment more, so that the kill falls anywhere within a commit.
	after := random.IntN(40)
	moment := time.Duration(random.Int64N(int64(4 * time.Millisecond)))
	if random.IntN(10) == 0 {
		after, moment = -1, time.Duration(random.Int64N(int64(20*time.Millisecond)))
	}
	var once sync.Once
	shoot := func() {
		once.Do(func() { time.AfterFunc(moment, func() { victim.Process.Kill() }) })
	}
	if after <= 0 {
		shoot()
	}
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		var w, n int
		var rev store.Revision
		if _, err := fmt.Sscanf(scanner.Text(), "%d %d %d", &w, &n, &rev); err != nil {
			t.Fatalf("an acknowledgement that cannot be read: %q", scanner.Text())
		}
		acknowledged[w] = max(acknowledged[w], n)
		*newest = max(*newest, rev)
		if lines++; lines >= after {
			shoot()
		}
	}
	once.Do(func() { victim.Process.Kill() }) // it ended by itself
	victim.Wait()
	if trouble.Len() > 0 {
		t.Fatalf("the writing process failed: %s", trouble.String())
	}
	return lines
}

// inspect opens the store and compares it with what was acknowledged.
func inspect(t *testing.T, kill int, path string, acknowledged [victimWriters]int, newest store.Revision) {
	t.Helper()
	s, err := store.OpenBolt(path, store.Options{})
	if err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	defer s.Close()
	ctx := t.Context()
	if rev, err := s.Revision(ctx); err != nil || rev < newest {
		t.Fatalf("kill %d: the store is at revision %d, %v; %d was acknowledged", kill, rev, err, newest)
	}
	for w, want := range acknowledged {
		if want == 0 {
			continue
		}
		first, err := s.Get(ctx, fmt.Sprintf("first/%d", w))
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		second, err := s.Get(ctx, fmt.Sprintf("second/%d", w))
		if err != nil || string(first.Value) != string(second.Value) || first.Modified != second.Modified {
			t.Fatalf("kill %d: half of a transaction is there: %.20q and %.20q, %v", kill, first.Value, second.Value, err)
		}
		got := 0
		fmt.Sscan(string(first.Value), &got)
		if got < want {
			t.Fatalf("kill %d: writer %d is at %d; %d was acknowledged", kill, w, got, want)
		}
		// The last ones, which the next life does not write again.
		for n := max(1, want-100); n <= want; n++ {
			if _, err := s.Get(ctx, fmt.Sprintf("many/%d/%d", w, n)); err != nil {
				t.Fatalf("kill %d: writer %d, acknowledged write %d: %v", kill, w, n, err)
			}
		}
	}
}
