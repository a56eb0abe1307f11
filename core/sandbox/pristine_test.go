// Instances are copies of one snapshot, and nothing goes from one to another.
package sandbox_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// TestRequestsShareNothingUnderRequestIsolation counts in the guest's memory:
// whether an instance is new or was used before, every request finds the first.
func TestRequestsShareNothingUnderRequestIsolation(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Isolation = sandbox.IsolateRequest })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				if got, err := get(t.Context(), g, "/count"); err != nil || got != "1" {
					t.Errorf("a request finds %q: %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestInstancesDrawNumbersOfTheirOwn looks at the generators of a Go guest. What
// the host seeds differs from instance to instance; math/rand's own was seeded
// before the snapshot, which the SDK says.
func TestInstancesDrawNumbersOfTheirOwn(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Isolation = sandbox.IsolateRequest })
	secrets, sdks, maths := map[string]bool{}, map[string]bool{}, map[string]bool{}
	const n = 20
	for range n {
		got, err := get(t.Context(), g, "/random")
		drawn := strings.Fields(got)
		if err != nil || len(drawn) != 3 {
			t.Fatal(got, err)
		}
		secrets[drawn[0]], sdks[drawn[1]], maths[drawn[2]] = true, true, true
	}
	if len(secrets) != n || len(sdks) != n {
		t.Errorf("in %d instances, crypto/rand draws %d numbers and atoll.Rand %d", n, len(secrets), len(sdks))
	}
	if len(maths) != 1 {
		t.Errorf("math/rand draws %d numbers: what the SDK says of it is not so any more", len(maths))
	}
}

func TestGuestsAreCompiledInAChild(t *testing.T) {
	f := start(t, sandbox.Options{CacheDir: t.TempDir(), CompileInChild: true})
	g := f.load("raw", nil)
	if got, err := get(t.Context(), g, "/ok/"); err != nil || got != "ok " {
		t.Errorf("it answers %q: %v", got, err)
	}
	if logged := fmt.Sprint(f.logs); !strings.Contains(logged, "a module was compiled") || !strings.Contains(logged, "extension loaded") {
		t.Error("nobody was told that it was compiled")
	}
}
