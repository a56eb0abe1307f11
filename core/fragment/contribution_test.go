// Contributions say where an extension appears; what a slot does not take is refused.
package fragment

import (
	"errors"
	"strings"
	"testing"
)

func contributionRules() ContributionRules {
	return ContributionRules{
		Text:       func(key string) bool { return key == "nav.logs" },
		Permission: func(id string) bool { return id == "logs.view" },
	}
}

const goodContributions = `{"contributions":[
	{"slot":"nav.project","id":"logs","label":{"t":"nav.logs"},"icon":"scroll-text","route":"/logs","order":40,"requires":[{"permission":"logs.view"}]},
	{"slot":"page","id":"logs","route":"/logs","fragment":"logs","match":{"scope":"project"}},
	{"slot":"resource.tab","id":"pod","label":"Logs","fragment":"object","match":{"gvr":"v1/pods"}}]}`

func TestContributionsOfEverySlotAreRead(t *testing.T) {
	all, err := Contributions([]byte(goodContributions), contributionRules())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 || all[0].Order != 40 || all[2].Match.GVR != "v1/pods" {
		t.Errorf("%+v", all)
	}
}

func TestContributionsThatTheirSlotDoesNotTakeAreRefused(t *testing.T) {
	one := func(s string) string { return `{"contributions":[` + s + `]}` }
	for name, test := range map[string]struct{ raw, rule, pointer string }{
		"an unknown slot":            {one(`{"slot":"nav.hidden","id":"a"}`), RuleSchema, "/contributions/0/slot"},
		"hiding another":             {one(`{"slot":"page","id":"a","hide":"logs"}`), RuleSchema, "/contributions/0"},
		"a menu entry to nowhere":    {one(`{"slot":"nav.project","id":"a","label":"A","route":"/a"}`), RuleSlot, "/contributions/0/route"},
		"a route out":                {one(`{"slot":"nav.project","id":"a","label":"A","route":"/../a"}`), RuleSchema, "/contributions/0/route"},
		"a page without a scope":     {one(`{"slot":"page","id":"a","route":"/a","fragment":"a"}`), RuleSlot, "/contributions/0"},
		"a tab on everything":        {one(`{"slot":"resource.tab","id":"a","label":"A","fragment":"a","match":{}}`), RuleSlot, "/contributions/0/match"},
		"a label from data":          {one(`{"slot":"resource.tab","id":"a","label":{"$":"/x"},"fragment":"a","match":{"gvr":"v1/pods"}}`), RuleText, "/contributions/0/label"},
		"an absent message":          {one(`{"slot":"resource.tab","id":"a","label":{"t":"x"},"fragment":"a","match":{"gvr":"v1/pods"}}`), RuleText, "/contributions/0/label"},
		"an item of somebody else's": {one(`{"slot":"resource.tab","id":"a","label":"A","fragment":"a","match":{"gvr":"v1/pods"},"requires":[{"permission":"users.manage"}]}`), RuleRequire, "/contributions/0/requires/0/permission"},
		"a name twice":               {strings.Replace(goodContributions, `{"slot":"page"`, `{"slot":"resource.tab","id":"pod","label":"A","fragment":"a","match":{"gvr":"v1/pods"}},{"slot":"page"`, 1), RuleSlot, "/contributions/3/id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Contributions([]byte(test.raw), contributionRules())
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("it passed: %v", err)
			}
			for _, v := range refused.Violations {
				if v.Rule == test.rule && v.Pointer == test.pointer {
					return
				}
			}
			t.Errorf("want rule %s at %s, got:\n%v", test.rule, test.pointer, err)
		})
	}
}
