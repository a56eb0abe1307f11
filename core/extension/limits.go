// Limits: what a manifest wishes for and an administrator caps, in the sandbox's
// words and in a person's.
package extension

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
)

// limits are the sandbox's words for the manifest's; validation has checked them.
func (m *Manifest) limits() sandbox.Limits {
	if m.Limits == nil {
		return sandbox.Limits{}
	}
	return m.Limits.Sandbox()
}

// Sandbox gives the limits in the sandbox's words. What is left out, or is no
// limit at all, is zero: Check says so.
func (l *Limits) Sandbox() sandbox.Limits {
	duration := func(text string) time.Duration {
		d, _ := time.ParseDuration("0" + text)
		return d
	}
	return sandbox.Limits{
		Memory: bytesOf(l.Memory), MemoryTotal: bytesOf(l.MemoryTotal),
		CPUPerPoll: duration(l.CPUPerPoll), CPUPerRequest: duration(l.CPUPerRequest), CPUPerMinute: duration(l.CPUPerMinute),
		Deadline: duration(l.Deadline), Streams: l.Streams, Instances: l.Instances,
		RequestSize: int64(bytesOf(l.RequestSize)), ResponseSize: int64(bytesOf(l.ResponseSize)),
		HostCallsPerSecond: l.HostCallsPerSecond, LogLinesPerMinute: l.LogLinesPerMinute,
	}
}

// Check tells of each field that is out of bounds, by its name and why. The
// schema has checked their shapes.
func (l *Limits) Check(add func(field, why string)) {
	for _, d := range []struct {
		name, text string
		most       time.Duration
	}{
		{"cpuPerPoll", l.CPUPerPoll, time.Minute}, {"cpuPerRequest", l.CPUPerRequest, time.Minute},
		{"cpuPerMinute", l.CPUPerMinute, time.Hour}, {"deadline", l.Deadline, time.Hour},
	} {
		if v, err := time.ParseDuration(d.text); d.text != "" && (err != nil || v <= 0 || v > d.most) {
			add(d.name, fmt.Sprintf("%q is not a duration of at most %s", d.text, d.most))
		}
	}
	for _, q := range []struct {
		name, text, most string
	}{
		{"memory", l.Memory, "1Gi"}, {"memoryTotal", l.MemoryTotal, "64Gi"}, {"requestSize", l.RequestSize, "1Gi"}, {"responseSize", l.ResponseSize, "16Gi"},
	} {
		if bytesOf(q.text) > bytesOf(q.most) {
			add(q.name, "more than "+q.most)
		}
	}
}

// agree tells of each field that another one leaves no room for.
func (l *Limits) agree(add func(field, why string)) {
	held := l.Sandbox().Capped(sandbox.Limits{})
	if held.MemoryTotal < held.Memory {
		add("memoryTotal", fmt.Sprintf("all instances may not have less than one, which is %s", quantity(held.Memory)))
	}
	if held.CPUPerPoll > held.CPUPerRequest {
		add("cpuPerPoll", fmt.Sprintf("one poll may not compute longer than a request, which is %s", held.CPUPerRequest))
	}
}

// limitWord is one limit as a manifest says it.
type limitWord struct{ name, value string }

func limitWords(l sandbox.Limits) []limitWord {
	return []limitWord{
		{"memory", quantity(l.Memory)}, {"memoryTotal", quantity(l.MemoryTotal)},
		{"cpuPerPoll", l.CPUPerPoll.String()}, {"cpuPerRequest", l.CPUPerRequest.String()}, {"cpuPerMinute", l.CPUPerMinute.String()},
		{"deadline", l.Deadline.String()}, {"streams", strconv.Itoa(l.Streams)}, {"instances", strconv.Itoa(l.Instances)},
		{"requestSize", quantity(uint64(l.RequestSize))}, {"responseSize", quantity(uint64(l.ResponseSize))},
		{"hostCallsPerSecond", strconv.Itoa(l.HostCallsPerSecond)}, {"logLinesPerMinute", strconv.Itoa(l.LogLinesPerMinute)},
	}
}

// limitAsk says what the extension may use. The rule is what it asks for; where
// the administrator's caps leave less of it (held), the text says that too.
func limitAsk(m *Manifest, held sandbox.Limits) Ask {
	wish := m.limits().Capped(sandbox.Limits{})
	var rule, less []string
	caps := limitWords(held)
	for n, w := range limitWords(wish) {
		rule = append(rule, w.name+" "+w.value)
		if c := caps[n]; c.value != w.value {
			less = append(less, c.name+" "+c.value)
		}
	}
	text := fmt.Sprintf("Use at most %s of memory for one instance and %s for all, and compute %s for one request and %s in a minute for one workspace",
		quantity(wish.Memory), quantity(wish.MemoryTotal), wish.CPUPerRequest, wish.CPUPerMinute)
	if len(less) > 0 {
		text += "; here it is held to " + strings.Join(less, ", ")
	}
	return Ask{Kind: AskLimit, Text: text, Rule: strings.Join(rule, " ")}
}

// quantity is a number of bytes as bytesOf reads it, or in bytes.
func quantity(bytes uint64) string {
	for n, unit := range []string{"Gi", "Mi", "Ki"} {
		if size := uint64(1) << (30 - 10*n); bytes >= size && bytes%size == 0 {
			return strconv.FormatUint(bytes/size, 10) + unit
		}
	}
	return strconv.FormatUint(bytes, 10)
}

// bytesOf reads a quantity such as 64Mi, whose shape the schema has checked.
func bytesOf(quantity string) (n uint64) {
	unit := map[string]uint64{"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
	if len(quantity) < 3 {
		return 0
	}
	for _, c := range quantity[:len(quantity)-2] {
		n = n*10 + uint64(c-'0')
	}
	return n * unit[quantity[len(quantity)-2:]]
}
