// The kit and the specification name the same rules.
package kit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	spec "github.com/atoll-platform/atoll/sdk/wire"
)

// called finds the rules that the kit's own code names.
var called = regexp.MustCompile(`"((?:frame|unknown|field|header|head|code|hello|open|streams?|data|end|stop|reset|window|parent|upgrade|splice|wake|log|drain|guest)\.[a-z-]+)"`)

func TestEveryRuleIsHeldAndEveryNameIsARule(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range called.FindAllStringSubmatch(string(source), -1) {
			held[m[1]] = true
		}
	}
	s := spec.Load()
	for _, row := range s.Table {
		for _, cell := range row {
			if rule, ok := strings.CutPrefix(cell, "fault "); ok {
				held[rule] = true
			}
		}
	}
	for _, r := range s.Rules {
		if !held[r.ID] {
			t.Errorf("nothing in the kit holds anybody to %s", r.ID)
		}
		delete(held, r.ID)
	}
	for name := range held {
		t.Errorf("the kit speaks of %s, which is no rule", name)
	}
}
