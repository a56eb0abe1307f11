// Instances are copies of one snapshot, and nothing goes from one to another.
package sandbox_test

import (
	"encoding/json"
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

// TestInstancesDrawNumbersOfTheirOwn looks at all that a Go guest may draw from:
// nothing comes in two instances, nor from two generators of one.
func TestInstancesDrawNumbersOfTheirOwn(t *testing.T) {
	f := start(t, sandbox.Options{})
	g := f.load("kit", func(s *sandbox.Spec) { s.Isolation = sandbox.IsolateRequest })
	const instances, generators = 20, 6
	from := map[string]string{}
	for range instances {
		got, err := get(t.Context(), g, "/random")
		if err != nil {
			t.Fatal(err)
		}
		var drawn map[string]json.RawMessage
		if err := json.Unmarshal([]byte(got), &drawn); err != nil || len(drawn) != generators {
			t.Fatal(got, err)
		}
		for name, number := range drawn {
			if was := from[string(number)]; was != "" {
				t.Errorf("%s draws what %s has drawn: %s", name, was, number)
			}
			from[string(number)] = name
		}
	}
	if logged := fmt.Sprint(f.logs); strings.Contains(logged, "generator") {
		t.Error("the SDK does not find Go's generator:", logged)
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
