// What a manifest wishes for, and what an administrator leaves of it.
package extension

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
)

func TestLimitsReachTheSandbox(t *testing.T) {
	m, err := ParseManifest([]byte(goodManifest + `limits: { memory: 1Mi, memoryTotal: 2Mi, cpuPerPoll: 3ms, cpuPerRequest: 4ms, cpuPerMinute: 1m5s, deadline: 6s, streams: 7, instances: 12,
  requestSize: 8Ki, responseSize: 9Ki, hostCallsPerSecond: 10, logLinesPerMinute: 11 }
`))
	if err != nil {
		t.Fatal(err)
	}
	want := sandbox.Limits{
		Memory: 1 << 20, MemoryTotal: 2 << 20, CPUPerPoll: 3 * time.Millisecond, CPUPerRequest: 4 * time.Millisecond, CPUPerMinute: 65 * time.Second,
		Deadline: 6 * time.Second, Streams: 7, Instances: 12, RequestSize: 8 << 10, ResponseSize: 9 << 10, HostCallsPerSecond: 10, LogLinesPerMinute: 11,
	}
	if got := m.limits(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// A limit that the sandbox gets and the manifest cannot say would be forgotten.
	if a, b := reflect.TypeFor[Limits]().NumField(), reflect.TypeFor[sandbox.Limits]().NumField(); a != b {
		t.Errorf("a manifest says %d limits, the sandbox has %d", a, b)
	}
	if n := len(limitWords(want)); n != reflect.TypeFor[Limits]().NumField() {
		t.Errorf("a review says %d limits", n)
	}
}

func TestReviewSaysWhatCapsLeave(t *testing.T) {
	m := &Manifest{Limits: &Limits{Memory: "256Mi"}}
	free := limitAsk(m, m.limits().Capped(sandbox.Limits{}))
	if strings.Contains(free.Text, "held") || !strings.HasPrefix(free.Rule, "memory 256Mi memoryTotal 2Gi cpuPerPoll 2s cpuPerRequest 2s cpuPerMinute 30s deadline 30s streams 2000 instances 4 requestSize 32Mi") {
		t.Errorf("without caps: %+v", free)
	}
	capped := limitAsk(m, m.limits().Capped(sandbox.Limits{Memory: 100 << 20, LogLinesPerMinute: 5}))
	if !strings.HasSuffix(capped.Text, "; here it is held to memory 100Mi, logLinesPerMinute 5") || capped.Rule != free.Rule {
		t.Errorf("with caps: %+v", capped)
	}
}

func TestQuantitiesReadBack(t *testing.T) {
	for _, text := range []string{"1Ki", "64Ki", "1023Ki", "1Mi", "1500Mi", "1Gi", "16Gi"} {
		if got := quantity(bytesOf(text)); got != text {
			t.Errorf("%s reads back as %s", text, got)
		}
	}
	if got := quantity(1<<20 + 1); got != "1048577" {
		t.Errorf("an odd number of bytes is %s", got)
	}
}
