// Manifests: what is read, and that what is wrong is said with place and line.
package extension

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodManifest = `apiVersion: atoll.dev/v1
kind: Extension
name: sample
publisher: atoll
version: 1.0.0
title: { en: Sample }
description: { en: Sample. }
module: sample.wasm
permissions:
  kubernetes:
    - { groups: [""], resources: [pods], verbs: [get], reason: { en: Show pods } }
  upstreams:
    store: { protocol: http, requests: ["POST /a-{workspace}-*/_search"], reason: { en: Search } }
roles:
  - { id: view, scope: project, title: { en: View }, default: [project-viewer] }
routes:
  - { path: "/clusters/{cluster}/projects/{project}/things", methods: [GET], permission: view }
`

func TestShippedManifestsAreValid(t *testing.T) {
	names, err := filepath.Glob("../../extensions/*/extension.yaml")
	if err != nil || len(names) < 2 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ParseManifest(text)
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		if want := filepath.Base(filepath.Dir(name)); m.Name != want {
			t.Errorf("%s is named %q", name, m.Name)
		}
	}
}

func TestWhatIsWrongInAManifestIsSaidWithPlaceAndLine(t *testing.T) {
	if _, err := ParseManifest([]byte(goodManifest)); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) string {
		if !strings.Contains(goodManifest, old) {
			t.Fatalf("%q is not in the manifest", old)
		}
		return strings.Replace(goodManifest, old, new, 1)
	}
	for name, test := range map[string]struct {
		text    string
		pointer string
		line    int
		says    string
	}{
		"empty":                         {"", "", 0, "empty"},
		"no YAML":                       {"a: [", "", 0, "not YAML"},
		"an unknown property":           {replace("name: sample", "name: sample\nupstreams: {}"), "/upstreams", 4, "no property"},
		"another version":               {replace("atoll.dev/v1", "atoll.dev/v9"), "/apiVersion", 1, "atoll.dev/v1"},
		"a name with a slash":           {replace("name: sample", "name: a/b"), "/name", 3, "pattern"},
		"a version by halves":           {replace("1.0.0", "1.0"), "/version", 5, "string"},
		"no English title":              {replace("title: { en: Sample }", "title: { zh: 样例 }"), "/title", 6, "en"},
		"a module elsewhere":            {replace("sample.wasm", "../sample.wasm"), "/module", 8, "pattern"},
		"an unknown verb":               {replace("verbs: [get]", "verbs: [impersonate]"), "/permissions/kubernetes/0/verbs/0", 11, "one of"},
		"an upstream's protocol":        {replace("protocol: http", "protocol: gopher"), "/permissions/upstreams/store/protocol", 13, "http"},
		"an upstream's name":            {replace("store: {", "Store: {"), "/permissions/upstreams/Store", 13, "no property"},
		"an upstream without a reason":  {replace(", reason: { en: Search }", ""), "/permissions/upstreams/store", 13, "reason"},
		"an upstream without requests":  {replace(`["POST /a-{workspace}-*/_search"]`, "[]"), "/permissions/upstreams/store/requests", 13, "minItems"},
		"a safe request that is none":   {replace(`["POST /a-{workspace}-*/_search"]`, `["POST /a-{workspace}-*/_search"], safe: ["POST /a"]`), "/permissions/upstreams/store/safe/0", 13, "word for word"},
		"a request without a method":    {replace("POST /a", "/a"), "/permissions/upstreams/store/requests/0", 13, "pattern"},
		"a request of two tenants":      {replace("a-{workspace}-*", "*-{workspace}"), "/permissions/upstreams/store/requests/0", 13, "could stand for another's"},
		"a request for an unknown name": {replace("{workspace}", "{tenant}"), "/permissions/upstreams/store/requests/0", 13, "filled in, nothing else"},
		"no reason":                     {replace(", reason: { en: Show pods }", ""), "/permissions/kubernetes/0", 11, "reason"},
		"Secrets by a wildcard":         {replace("resources: [pods], verbs: [get]", `resources: [secrets], verbs: ["*"]`), "/permissions/kubernetes/0/resources/0", 11, "wildcard"},
		"a role of another scope":       {replace("default: [project-viewer]", "default: [platform-admin]"), "/roles/0/default/0", 15, "scope project"},
		"an unknown role":               {replace("default: [project-viewer]", "default: [root]"), "/roles/0/default/0", 15, "one of"},
		"an absent item":                {replace("permission: view", "permission: edit"), "/routes/0/permission", 17, "no item"},
		"a scope in the middle":         {replace("/clusters/{cluster}/projects/{project}/things", "/things/{project}"), "/routes/0/path", 17, "scope"},
		"the core's own place":          {replace("/clusters/{cluster}/projects/{project}/things", "/-/fragments"), "/routes/0/path", 17, "place"},
		"a path of dots":                {replace("/clusters/{cluster}/projects/{project}/things", "/../things"), "/routes/0/path", 17, "dots"},
		"an item of the platform":       {replace("scope: project", "scope: platform"), "/routes/0/permission", 17, "scope"},
		"a key twice":                   {replace("kind: Extension", "kind: Extension\nkind: Extension"), "", 3, "twice"},
		"an alias":                      {replace("title: { en: Sample }", "title: &a { en: Sample }"), "", 6, "anchors"},
		"a tag":                         {replace("name: sample", "name: !!binary c2FtcGxl"), "", 3, "tags"},
		"a second document":             {goodManifest + "---\na: b\n", "", 0, "one document"},
		"a memory without bounds":       {goodManifest + "limits: { memory: 9Gi }\n", "/limits/memory", 18, "1Gi"},
		"a minute of two hours":         {goodManifest + "limits: { cpuPerMinute: 120m }\n", "/limits/cpuPerMinute", 18, "1h"},
		"an answer without bounds":      {goodManifest + "limits: { responseSize: 17Gi }\n", "/limits/responseSize", 18, "16Gi"},
		"less for all than for one":     {goodManifest + "limits: { memory: 128Mi, memoryTotal: 64Mi }\n", "/limits/memoryTotal", 18, "128Mi"},
		"a poll over a request":         {goodManifest + "limits: { cpuPerPoll: 3s }\n", "/limits/cpuPerPoll", 18, "2s"},
		"a call too many":               {goodManifest + "limits: { hostCallsPerSecond: 100001 }\n", "/limits/hostCallsPerSecond", 18, "100,000"},
		"a route twice":                 {goodManifest + `  - { path: "/clusters/{cluster}/projects/{project}/things", methods: [GET], permission: view }` + "\n", "/routes/1/path", 18, "route 0"},
		"deep beyond reading":           {"a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), "", 1, "levels"},
		"large beyond reading":          {strings.Repeat("#", maxYAML+1), "", 0, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseManifest([]byte(test.text))
			var wrong *FileError
			if !errors.As(err, &wrong) {
				t.Fatalf("it passed: %v", err)
			}
			for _, p := range wrong.Problems {
				if p.Pointer == test.pointer && p.Line == test.line && strings.Contains(p.Message, test.says) {
					return
				}
			}
			t.Errorf("want %q at %s, line %d; got:\n%v", test.says, test.pointer, test.line, err)
		})
	}
}

// FuzzParseManifest: reading ends, and what passes is written and read again.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(goodManifest))
	f.Add([]byte("a: &x [*x]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			var wrong *FileError
			if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
				t.Fatalf("a refusal without problems: %v", err)
			}
			return
		}
		newRouter(m.Routes)
		m.limits()
		m.Isolated()
	})
}
