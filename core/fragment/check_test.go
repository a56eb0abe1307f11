// What passes and what does not, each refusal with its rule and its place.
package fragment

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	catalogue "github.com/atoll-platform/atoll/sdk/fragment"
)

// open are rules that allow what the examples use.
func open() Rules {
	return Rules{
		Route: func(path string) bool {
			return strings.HasPrefix(path, "/clusters/{cluster}/projects/{project}/")
		},
		Kind:       func(gvr, verb string) bool { return strings.HasPrefix(gvr, "v1/pods") },
		Pages:      []string{"/logs"},
		Text:       func(key string) (string, bool) { return "text of " + key, key != "absent" },
		Permission: func(id string) bool { return id == "logs.view" },
		Missing:    func(catalogue.Require) string { return "" },
	}
}

// shipped are all fragments of the catalogue's examples and of the shipped
// extensions.
func shipped(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"../../sdk/fragment/examples/*.json", "../../extensions/*/*.json", "../../extensions/*/testdata/fragments/*.json"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = raw
		}
	}
	if len(all) < 3 {
		t.Fatalf("only %d fragments were found", len(all))
	}
	return all
}

func TestShippedFragmentsPass(t *testing.T) {
	for name, raw := range shipped(t) {
		rules := open()
		rules.Text = func(key string) (string, bool) { return "{project} of " + key, true }
		got, err := Check(raw, rules)
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		if strings.Contains(string(got.JSON), `"fallback"`) || strings.Contains(string(got.JSON), `"requires"`) {
			t.Errorf("%s: what the host used up is still there", name)
		}
	}
}

func TestUnknownElementBecomesItsFallback(t *testing.T) {
	got, err := Check([]byte(`{"ui":"v1","body":{"is":"Stack","children":[
		{"is":"Hologram","depth":3,"fallback":{"is":"Hologram2","fallback":{"is":"Text","text":"flat"}}}]}}`), open())
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"body":{"children":[{"is":"Text","text":"flat"}],"is":"Stack"},"ui":"v1"}` + "\n"; string(got.JSON) != want {
		t.Errorf("got %s", got.JSON)
	}
}

func TestTextsComeInThePersonsLanguage(t *testing.T) {
	rules := open()
	rules.Text = func(key string) (string, bool) {
		return map[string]string{"a": "甲", "b": "{n} 行，{p}"}[key], key == "a" || key == "b"
	}
	got, err := Check([]byte(`{"ui":"v1","title":{"t":"a"},"body":{"is":"Text","text":{"t":"b","args":{"n":3,"p":{"$":"/context/project"}}}}}`), rules)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"body":{"is":"Text","text":{"args":{"p":{"$":"/context/project"}},"t":"3 行，{p}"}},"title":"甲","ui":"v1"}` + "\n"
	if string(got.JSON) != want {
		t.Errorf("got  %s\nwant %s", got.JSON, want)
	}
}

func TestWhatAPersonMayNotDoSaysWhatIsMissing(t *testing.T) {
	asked := 0
	rules := open()
	rules.Missing = func(r catalogue.Require) string {
		asked++
		return "delete pods"
	}
	got, err := Check([]byte(`{"ui":"v1","actions":[
		{"id":"a","label":"A","requires":[{"verb":"delete","gvr":"v1/pods"}],"run":{"do":"navigate","to":"?a=1"}},
		{"id":"b","label":"B","requires":[{"verb":"delete","gvr":"v1/pods"}],"run":{"do":"navigate","to":"?a=1"}}],
		"body":{"is":"Text","text":"x"}}`), rules)
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("the same requirement was asked %d times", asked)
	}
	if n := strings.Count(string(got.JSON), `"denied":{"missing":"delete pods"}`); n != 2 {
		t.Errorf("%d actions are marked: %s", n, got.JSON)
	}
}

func TestETagIsOfWhatThePersonGets(t *testing.T) {
	raw := []byte(`{"ui":"v1","title":{"t":"a"},"body":{"is":"Text","text":"x"}}`)
	one, err := Check(raw, open())
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Check(raw, open())
	other := open()
	other.Text = func(string) (string, bool) { return "anders", true }
	two, _ := Check(raw, other)
	if one.ETag != again.ETag || one.ETag == two.ETag || len(one.ETag) < 10 {
		t.Errorf("%s, %s, %s", one.ETag, again.ETag, two.ETag)
	}
}

// within wraps one element into a fragment with data, a filter and a table.
func within(node string) string {
	return `{"ui":"v1","data":{"d":{"from":"ext","path":"/clusters/{cluster}/projects/{project}/x"}},"body":{"is":"Stack","children":[` + node + `]}}`
}

func TestHostileFragmentsAreRefusedByRuleAndPlace(t *testing.T) {
	source := func(s string) string { return `{"ui":"v1","data":{"d":` + s + `},"body":{"is":"Text","text":"x"}}` }
	link := func(to string) string {
		raw, _ := json.Marshal(map[string]any{"is": "Link", "text": "x", "to": to})
		return within(string(raw))
	}
	external := func(to string) string {
		raw, _ := json.Marshal(map[string]any{"is": "Link", "text": "x", "to": to, "external": true})
		return within(string(raw))
	}
	markdown := func(text string) string {
		raw, _ := json.Marshal(map[string]any{"is": "Markdown", "text": text})
		return within(string(raw))
	}
	nest := func(n int) string {
		return within(strings.Repeat(`{"is":"Stack","children":[`, n) + `{"is":"Text","text":"x"}` + strings.Repeat(`]}`, n))
	}
	for name, test := range map[string]struct{ raw, rule, pointer string }{
		"not JSON":               {`{"ui":`, RuleJSON, ""},
		"something after":        {`{"ui":"v1","body":{"is":"Text","text":"x"}} {}`, RuleJSON, ""},
		"a key twice":            {`{"ui":"v1","ui":"v1","body":{"is":"Text","text":"x"}}`, RuleJSON, ""},
		"a huge number":          {within(`{"is":"Value","value":1e999999999}`), RuleJSON, ""},
		"a list":                 {`[]`, RuleSchema, ""},
		"null":                   {`null`, RuleSchema, ""},
		"no body":                {`{"ui":"v1"}`, RuleSchema, ""},
		"another version":        {`{"ui":"v2","body":{"is":"Text","text":"x"}}`, RuleSchema, "/ui"},
		"an unknown element":     {within(`{"is":"Script","text":"x"}`), RuleSchema, "/body/children/0/is"},
		"an unknown property":    {within(`{"is":"Text","text":"x","onClick":"y"}`), RuleSchema, "/body/children/0/onClick"},
		"HTML by a property":     {within(`{"is":"Text","html":"<b>","text":"x"}`), RuleSchema, "/body/children/0/html"},
		"a style":                {within(`{"is":"Stack","style":"x","children":[]}`), RuleSchema, "/body/children/0/style"},
		"a tone of its own":      {within(`{"is":"Badge","text":"x","tone":"#ff0000"}`), RuleSchema, "/body/children/0/tone"},
		"an icon by address":     {`{"ui":"v1","actions":[{"id":"a","label":"A","icon":"https://x/y","run":{"do":"navigate","to":"?"}}],"body":{"is":"Text","text":"x"}}`, RuleSchema, "/actions/0/icon"},
		"too deep":               {nest(MaxDepth), RuleSize, ""},
		"deep beyond reading":    {nest(200), RuleSize, ""},
		"too many elements":      {within(strings.Repeat(`{"is":"Stack","children":[`+strings.TrimSuffix(strings.Repeat(`{"is":"Text","text":""},`, 400), ",")+`]},`, 5) + `{"is":"Text","text":"x"}`), RuleSize, ""},
		"too many bytes":         {within(`{"is":"Text","text":"` + strings.Repeat("x", MaxSize) + `"}`), RuleSize, ""},
		"a control character":    {within(`{"is":"Text","text":"a\u0000b"}`), RuleText, "/body/children/0/text"},
		"a direction mark":       {within(`{"is":"Text","text":"a\u202eb"}`), RuleText, "/body/children/0/text"},
		"an absent message":      {within(`{"is":"Text","text":{"t":"absent"}}`), RuleText, "/body/children/0/text"},
		"javascript":             {link("javascript:alert(1)"), RuleLink, "/body/children/0/to"},
		"javascript, spelt":      {link("JaVa\tScript:alert(1)"), RuleLink, "/body/children/0/to"},
		"data":                   {link("data:text/html,x"), RuleLink, "/body/children/0/to"},
		"another origin":         {link("https://evil.example/"), RuleLink, "/body/children/0/to"},
		"without a scheme":       {link("//evil.example/"), RuleLink, "/body/children/0/to"},
		"by backslashes":         {link(`/\evil.example/`), RuleLink, "/body/children/0/to"},
		"out by dots":            {link("/logs/../../../etc"), RuleLink, "/body/children/0/to"},
		"out by encoded dots":    {link("/logs/%2e%2e/x"), RuleLink, "/body/children/0/to"},
		"below by dots":          {link("./../x"), RuleLink, "/body/children/0/to"},
		"a core page":            {link("/settings"), RuleLink, "/body/children/0/to"},
		"a page's prefix only":   {link("/logs-of-others"), RuleLink, "/body/children/0/to"},
		"a scheme by data":       {link("{/d/scheme}:x"), RuleLink, "/body/children/0/to"},
		"external, http":         {external("http://example.com/"), RuleLink, "/body/children/0/to"},
		"external, a user":       {external("https://kubernetes.io@evil.example/"), RuleLink, "/body/children/0/to"},
		"external, by data":      {external("https://{/d/host}/"), RuleLink, "/body/children/0/to"},
		"external, no host":      {external("https:/x"), RuleLink, "/body/children/0/to"},
		"markdown, javascript":   {markdown("[x](javascript:alert(1))"), RuleLink, "/body/children/0/text"},
		"markdown, spelt":        {markdown("[x](JAVASCRIPT :x)"), RuleLink, "/body/children/0/text"},
		"markdown, reference":    {markdown("[x]\n\n[x]: data:text/html,y"), RuleLink, "/body/children/0/text"},
		"markdown, automatic":    {markdown("<vbscript:x>"), RuleLink, "/body/children/0/text"},
		"markdown, another page": {markdown("[x](/settings)"), RuleLink, "/body/children/0/text"},
		"markdown by data":       {within(`{"is":"Markdown","text":{"$":"/d/x"}}`), RuleLink, "/body/children/0/text"},
		"no such source":         {within(`{"is":"Value","value":{"$":"/e/x"}}`), RuleRef, "/body/children/0/value"},
		"no such control":        {within(`{"is":"Value","value":{"$":"/filter/x"}}`), RuleRef, "/body/children/0/value"},
		"no such context":        {within(`{"is":"Value","value":{"$":"/context/token"}}`), RuleRef, "/body/children/0/value"},
		"relative without a row": {within(`{"is":"Value","value":{"$":"x"}}`), RuleRef, "/body/children/0/value"},
		"a predicate's ref":      {within(`{"is":"Text","text":"x","when":{"all":[{"not":{"eq":[{"$":"/e"},1]}}]}}`), RuleRef, "/body/children/0/when/all/0/not/eq/0"},
		"a link's pointer":       {link("?x={/e/y}"), RuleRef, "/body/children/0/to"},
		"a table in a cell":      {within(`{"is":"Table","rows":{"$":"/d"},"key":"k","columns":[{"id":"a","header":"A","cell":{"is":"Table","rows":{"$":"/d"},"key":"k","columns":[{"id":"a","header":"A","cell":{"is":"Text","text":"x"}}]}}]}`), RuleCell, "/body/children/0/columns/0/cell/is"},
		"denied by the guest":    {`{"ui":"v1","actions":[{"id":"a","label":"A","denied":{"missing":"x"},"run":{"do":"navigate","to":"?a"}}],"body":{"is":"Text","text":"x"}}`, RuleHost, "/actions/0/denied"},
		"an unknown action":      {`{"ui":"v1","actions":[{"id":"a","label":"A","run":{"do":"eval","code":"x"}}],"body":{"is":"Text","text":"x"}}`, RuleSchema, "/actions/0/run/do"},
		"an undeclared item":     {`{"ui":"v1","actions":[{"id":"a","label":"A","requires":[{"permission":"users.manage"}],"run":{"do":"navigate","to":"?a"}}],"body":{"is":"Text","text":"x"}}`, RuleRequire, "/actions/0/requires/0/permission"},
		"an undeclared verb":     {`{"ui":"v1","actions":[{"id":"a","label":"A","requires":[{"verb":"delete","gvr":"v1/secrets"}],"run":{"do":"navigate","to":"?a"}}],"body":{"is":"Text","text":"x"}}`, RuleRequire, "/actions/0/requires/0"},
		"a source elsewhere":     {source(`{"from":"ext","path":"/../api/v1/users"}`), RuleSource, "/data/d/path"},
		"an encoded source":      {source(`{"from":"ext","path":"/clusters/%2e%2e/x"}`), RuleSource, "/data/d/path"},
		"a route it has not":     {source(`{"from":"ext","path":"/users"}`), RuleSource, "/data/d/path"},
		"a query in a path":      {source(`{"from":"ext","path":"/clusters/{cluster}/projects/{project}/x?y=1"}`), RuleSource, "/data/d/path"},
		"a kind it has not":      {source(`{"from":"k8s","gvr":"v1/secrets"}`), RuleSource, "/data/d/gvr"},
		"another kind of source": {source(`{"from":"url","url":"https://evil.example"}`), RuleSchema, "/data/d/from"},
		"a source named context": {`{"ui":"v1","data":{"context":{"from":"k8s","gvr":"v1/pods"}},"body":{"is":"Text","text":"x"}}`, RuleSchema, "/data/context"},
		"a watched route":        {source(`{"from":"ext","path":"/clusters/{cluster}/projects/{project}/x","live":{"mode":"watch","key":"k"}}`), RuleSource, "/data/d/live/mode"},
		"polled too often":       {source(`{"from":"k8s","gvr":"v1/pods","live":{"mode":"poll","seconds":0}}`), RuleSchema, "/data/d/live/seconds"},
		"two controls of a name": {within(`{"is":"Filter","controls":[{"id":"a","kind":"text","label":"A"},{"id":"a","kind":"text","label":"A"}]}`), RuleRef, "/body/children/0/controls/1/id"},
		"a toggle with words":    {within(`{"is":"Filter","controls":[{"id":"a","kind":"toggle","label":"A","default":"yes"}]}`), RuleRef, "/body/children/0/controls/0/default"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Check([]byte(test.raw), open())
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("it passed: %v", err)
			}
			for _, v := range refused.Violations {
				if v.Rule == test.rule && (v.Pointer == test.pointer || test.rule == RuleSize) {
					return
				}
			}
			t.Errorf("want rule %s at %s, got:\n%v", test.rule, test.pointer, err)
		})
	}
}

// FuzzCheck: whatever a guest answers, the check ends, does not panic, and what
// passes is within the limits and passes again as a browser would read it.
func FuzzCheck(f *testing.F) {
	for _, raw := range shipped(f) {
		f.Add(raw)
	}
	f.Add([]byte(within(`{"is":"Link","text":"x","to":"?x={/context/name}"}`)))
	f.Add([]byte(within(`{"is":"Value","value":-0.0}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rules := open()
		got, err := Check(raw, rules)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || len(refused.Violations) == 0 || len(refused.Violations) > maxViolations {
				t.Fatalf("a refusal without violations: %v", err)
			}
			return
		}
		if len(got.JSON) > maxOutput || !json.Valid(got.JSON) {
			t.Fatalf("%d bytes, valid %v", len(got.JSON), json.Valid(got.JSON))
		}
		doc, broken := decode(got.JSON)
		if broken != nil && broken.Rule != RuleSize {
			t.Fatalf("what passed is not read again: %v", broken)
		}
		if broken == nil {
			if found := conform(doc); len(found) > 0 {
				t.Fatalf("what passed is not of the catalogue: %v", found)
			}
		}
	})
}

func BenchmarkCheckOfALargeFragment(b *testing.B) {
	raw := []byte(within(strings.TrimSuffix(strings.Repeat(`{"is":"Row","children":[{"is":"Status","text":"Ready","tone":"success"},{"is":"Value","value":{"$":"/d/x"},"format":"bytes"}]},`, 490), ",")))
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := Check(raw, open()); err != nil {
			b.Fatal(err)
		}
	}
}
