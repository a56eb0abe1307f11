// Reports: which rule was broken, its sentence, and the frames around it.
package kit

import (
	"fmt"
	"strings"

	"github.com/atoll-platform/atoll/sdk/go/wire"
	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// Violation is one broken rule.
type Violation struct {
	Rule   string // its id in wire.json
	Detail string // what was seen
	Trace  string // the frames before it, one a line
}

// Error is the whole report.
func (v *Violation) Error() string {
	text := "(not a rule of wire.json)"
	for _, r := range rules.Rules {
		if r.ID == v.Rule {
			text = r.About
		}
	}
	return fmt.Sprintf("rule %s: %s\n%s\n%s", v.Rule, text, v.Detail, v.Trace)
}

// trace keeps the last frames of a conversation.
type trace struct {
	lines []string
	polls int
}

const traceLines = 40

func (t *trace) add(line string) {
	t.lines = append(t.lines, line)
	if len(t.lines) > 2*traceLines {
		t.lines = append(t.lines[:0], t.lines[traceLines:]...)
	}
}

func (t *trace) poll() {
	t.polls++
	t.add(fmt.Sprintf("-- poll %d", t.polls))
}

func (t *trace) frame(from side, f wire.Frame) {
	arrow := "host  > "
	if from == guest {
		arrow = "guest < "
	}
	t.add(arrow + spec.Describe(f).String())
}

func (t *trace) String() string {
	lines := t.lines
	if len(lines) > traceLines {
		lines = append([]string{"..."}, lines[len(lines)-traceLines:]...)
	}
	return "  " + strings.Join(lines, "\n  ")
}
