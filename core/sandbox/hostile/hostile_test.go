// The corpus against the engine, while a good extension serves.
package hostile

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

const root = "../../.."

func TestMain(m *testing.M) {
	sandbox.RunChild()
	os.Exit(m.Run())
}

// opener makes an engine of some kind.
type opener func(testing.TB, sandbox.Options) (*sandbox.Engine, error)

// rooms are the kinds of engines that the corpus is let loose in; with -short
// the one that is shipped.
func rooms() map[string]opener {
	all := map[string]opener{}
	for _, own := range []bool{true, false} {
		name := "in this process"
		if own {
			name = "in a process of its own"
		}
		if !own && testing.Short() {
			continue
		}
		all[name] = func(t testing.TB, o sandbox.Options) (*sandbox.Engine, error) {
			o.CacheDir, o.CompileInChild, o.OwnProcess = filepath.Join(t.TempDir(), "cache"), true, own
			return sandbox.New(t.Context(), o)
		}
	}
	return all
}

// house opens a house in a room of a kind.
func house(t testing.TB, open opener) *House {
	t.Helper()
	h, err := Open(func(o sandbox.Options) (*sandbox.Engine, error) { return open(t, o) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// corpus gives all guests, or with -short some.
func corpus(t testing.TB) []Guest {
	t.Helper()
	all, err := Corpus(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Fatalf("only %d hostile guests were found", len(all))
	}
	if testing.Short() {
		all = slices.DeleteFunc(all, func(g Guest) bool { return !g.Short })
	}
	for _, g := range all { // compiled now, and not while something is measured
		if _, err := g.Wasm(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// resident is how many bytes of memory this process holds, after it has let go
// of what it can, and the sandbox's own.
func resident(t testing.TB, h *House) int64 {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("resident memory is read from /proc, which only Linux has: ", err)
	}
	pages, err := strconv.ParseInt(string(bytes.Fields(text)[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	own, _ := h.Process()
	return pages*int64(os.Getpagesize()) + int64(own.Memory)
}

// TestGoodRequestsDoNotNoticeHostileGuests lets the guests loose one after the
// other. Each gets the answer that its file promises and is blamed for it, and
// no good request fails. In the end nothing is left of them.
func TestGoodRequestsDoNotNoticeHostileGuests(t *testing.T) {
	all, hello := corpus(t), sandboxtest.Guest(t, filepath.Join(root, "extensions", "hello"))
	for room, open := range rooms() {
		t.Run(room, func(t *testing.T) {
			h := house(t, open)
			traffic, err := h.Serve(context.Background(), hello, 100)
			if err != nil {
				t.Fatal(err)
			}
			before, goroutines := resident(t, h), runtime.NumGoroutine()
			for _, guest := range all {
				t.Run(guest.Name, func(t *testing.T) {
					if err := h.Attack(t.Context(), guest); err != nil {
						t.Errorf("%s It %v", guest.Tries, err)
					}
				})
			}
			took, failed := traffic.Stop()
			for n, err := range failed {
				if n == 10 {
					t.Errorf("and %d more", len(failed)-n)
					break
				}
				t.Error(err)
			}
			if s := traffic.Guest().Stats(); s.Faults != 0 || s.Broken != 0 || s.Instances != len(workspaces) {
				t.Errorf("the good extension is now: %+v", s)
			}
			for _, stray := range h.Strays() {
				t.Error("at a door: ", stray)
			}
			for line := range strings.Lines(h.Log()) {
				if !strings.HasPrefix(line, "time=") || strings.Contains(line, "level=ERROR") && !strings.Contains(line, "says.text=") {
					t.Errorf("in the log: %.300s", line)
				}
			}
			if own, ok := h.Process(); ok && own.Restarts > 0 {
				t.Errorf("the sandbox's process has ended: %+v", own)
			}
			left(t, h, before, goroutines)
			t.Logf("%d hostile guests; %d good requests, of which %d failed; the slowest took %v, 99 of 100 less than %v",
				len(all), len(took), len(failed), took[len(took)-1], took[len(took)*99/100])
		})
	}
}

// left looks whether memory and goroutines are back where they were.
func left(t *testing.T, h *House, before int64, goroutines int) {
	t.Helper()
	const slack = 32 << 20 // what the process keeps of its own, whoever was in it
	deadline := time.Now().Add(time.Minute)
	for {
		after, now := resident(t, h), runtime.NumGoroutine()
		if after <= before+slack && now <= goroutines+2 {
			t.Logf("resident: %d MiB before, %d MiB after; goroutines: %d and %d", before>>20, after>>20, goroutines, now)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("resident: %d MiB before, %d MiB after; goroutines: %d and %d", before>>20, after>>20, goroutines, now)
		}
		runtime.Gosched()
	}
}
