// Recordings of an extension.
package extension

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/recording"
)

func TestRecordingEndsWithTheVersionThatIsRecorded(t *testing.T) {
	w := newWorld(t, nil)
	packages := builds(t)
	w.install(t, packages[0])
	for _, c := range []struct{ name, workspace, user string }{{"none", "shop", ""}, {"sample", "none", ""}, {"sample", "shop", "nobody"}} {
		if _, err := w.Record(t.Context(), c.name, c.workspace, c.user, sandbox.RecordOptions{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	type result struct {
		rec *recording.Recording
		err error
	}
	done := make(chan result, 1)
	go func() {
		rec, err := w.Record(t.Context(), "sample", "shop", "", sandbox.RecordOptions{For: 5 * time.Minute})
		done <- result{rec, err}
	}()
	soon(t, "it is to be recorded", func() bool { // which it waits for itself, nobody below it
		for stack := range strings.SplitSeq(stacks(), "\n\n") {
			if lines := strings.SplitN(stack, "\n", 3); len(lines) == 3 && strings.Contains(lines[0], "[select") && strings.Contains(lines[1], "sandbox.(*Guest).Record(") {
				return true
			}
		}
		return false
	})
	if rec := w.get(viewer, inDemo+"/seen"); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	w.install(t, packages[1])
	r := <-done
	if r.err != nil || r.rec.Version != "1.0.0" || len(r.rec.Turns) < 2 || !strings.Contains(r.rec.Ended, "the instance ended") {
		t.Errorf("%+v, %v", r.rec, r.err)
	}
}
