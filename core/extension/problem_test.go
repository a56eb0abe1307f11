// What a client is told of a request that failed: whose fault it was and when to
// ask again, and never what a guest said inside.
package extension

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
)

func TestProblemNamesTheCulpritAndNothingInside(t *testing.T) {
	h := &Host{options: Options{RequestID: func(*http.Request) string { return "r-1" }}}
	a := &active{Installation: Installation{Name: "sample", Version: "1.2.3"}}
	fault := func(c sandbox.Class) error {
		return fmt.Errorf("asking: %w", &sandbox.Fault{Class: c, Extension: "sample", Version: "1.2.3", Detail: "panic: hunter2"})
	}
	for _, test := range []struct {
		err    error
		status int
		class  string
		retry  string
	}{
		{fault(sandbox.FaultTrap), 502, "trap", ""},
		{fault(sandbox.FaultWire), 502, "wire", ""},
		{fault(sandbox.FaultWindow), 502, "window", ""},
		{fault(sandbox.FaultMemory), 502, "memory", ""},
		{fault(sandbox.FaultStack), 502, "stack", ""},
		{fault(sandbox.FaultStart), 502, "start", ""},
		{fault(sandbox.FaultCrash), 502, "crash", ""},
		{fault(sandbox.FaultTime), 504, "time", ""},
		{fmt.Errorf("%w: another request's fault (trap)", sandbox.ErrInterrupted), 503, "interrupted", "1"},
		{&sandbox.BrokenError{Until: time.Now().Add(time.Hour), Class: sandbox.FaultTrap}, 503, "breaker", "3600"},
		{&sandbox.BrokenError{Until: time.Now().Add(-time.Hour)}, 503, "breaker", "1"},
		{fmt.Errorf("%w: it has no _initialize", sandbox.ErrModule), 502, "start", ""},
		{sandbox.ErrClosed, 503, "", "1"},
		{&sandbox.BudgetError{Budget: sandbox.BudgetStreams, Until: time.Now()}, 503, "budget", "1"},
		{&sandbox.BudgetError{Budget: sandbox.BudgetMemoryTotal, Until: time.Now()}, 503, "budget", "1"},
		{&sandbox.BudgetError{Budget: sandbox.BudgetCPUPerMinute, Until: time.Now().Add(time.Minute)}, 429, "budget", "60"},
		{fmt.Errorf("reading: %w", &sandbox.BudgetError{Budget: sandbox.BudgetRequestSize}), 413, "budget", ""},
		{&sandbox.BudgetError{Budget: sandbox.BudgetResponseSize}, 502, "budget", ""},
		{&sandbox.BudgetError{Budget: sandbox.BudgetCPUPerRequest}, 504, "budget", ""},
	} {
		w := httptest.NewRecorder()
		h.fail(w, httptest.NewRequest("GET", "/", nil), a, problemOf(test.err))
		body := w.Body.String()
		if w.Code != test.status || w.Header().Get("Retry-After") != test.retry || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: %d, %v", test.err, w.Code, w.Header())
		}
		for _, want := range []string{`"extension":"sample"`, `"version":"1.2.3"`, `"instance":"r-1"`, fmt.Sprintf(`"class":%q`, test.class)} {
			if !strings.Contains(body, want) && (test.class != "" || !strings.Contains(want, "class")) {
				t.Errorf("%v: %s is not in %s", test.err, want, body)
			}
		}
		if retry := `"retryAfter":` + test.retry; strings.Contains(body, retry) != (test.retry != "") {
			t.Errorf("%v: it is not to be asked again after %q: %s", test.err, test.retry, body)
		}
		if strings.Contains(body, "hunter2") {
			t.Errorf("%v: it says what the guest said: %s", test.err, body)
		}
	}
}
