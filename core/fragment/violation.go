// What is wrong with a fragment, in words that its author can act on.
package fragment

import (
	"fmt"
	"strings"
)

// Names of the rules that a fragment can break.
const (
	RuleSize    = "size"    // too many bytes, nodes or levels
	RuleJSON    = "json"    // not JSON
	RuleSchema  = "schema"  // not of the catalogue
	RuleRef     = "ref"     // points at nothing that there is
	RuleSource  = "source"  // data from where the manifest does not allow
	RuleLink    = "link"    // leads where a link may not
	RuleText    = "text"    // a message that no file has, or a text with control characters
	RuleHost    = "host"    // says what only the host may say
	RuleCell    = "cell"    // an element that does not fit into a table's cell
	RuleRequire = "require" // requires what the manifest does not have
	RuleSlot    = "slot"    // a contribution that its slot does not take
)

// Violation is one broken rule.
type Violation struct {
	Rule    string `json:"rule"`
	Pointer string `json:"pointer"` // JSON Pointer into what the guest answered
	Message string `json:"message"` // what is wrong and what would be right
}

// Error is a fragment that was refused. It names at most 20 violations.
type Error struct {
	Violations []Violation
}

// maxViolations bounds what a refusal says.
const maxViolations = 20

// Error is all violations in one line each.
func (e *Error) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = fmt.Sprintf("%s: rule %s: %s", orRoot(v.Pointer), v.Rule, v.Message)
	}
	return strings.Join(lines, "\n")
}

func orRoot(pointer string) string {
	if pointer == "" {
		return "/"
	}
	return pointer
}

// escape makes a JSON Pointer's token of a name.
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
