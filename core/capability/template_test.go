// Templates of upstream requests, with the attacks beside what is allowed.
package capability

import (
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/sandbox"
)

var (
	ours   = sandbox.Caller{UserUID: "uvera", WorkspaceUID: "wshop", ProjectUID: "0b1a2c3d-0000-4000-8000-00000000000a", Cluster: "east"}
	theirs = sandbox.Caller{UserUID: "uotto", WorkspaceUID: "wother", ProjectUID: "0b1a2c3d-0000-4000-8000-00000000000b", Cluster: "east-2"}
)

const searchTemplate = "POST /items-{workspace}-*/_search{?size,timeout}"

func templates(t testing.TB, texts ...string) (all []Template) {
	t.Helper()
	for _, text := range texts {
		one, err := ParseTemplate(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if one.String() != text {
			t.Errorf("%s became %s", text, one)
		}
		all = append(all, one)
	}
	return all
}

func TestUpstreamAllowsWhatTemplatesSayAndNothingBeside(t *testing.T) {
	for _, test := range []struct {
		name, template, method, target string
		sends                          string // empty: refused
	}{
		{"as written", searchTemplate, "POST", "/items-wshop-2026.11/_search", "/items-wshop-2026.11/_search"},
		{"a wildcard for the back end", searchTemplate, "POST", "/items-wshop-*/_search", "/items-wshop-*/_search"},
		{"the same, encoded", searchTemplate, "POST", "/items-wshop-%2A/%5Fsearch", "/items-wshop-*/_search"},
		{"nothing for the wildcard", searchTemplate, "POST", "/items-wshop-/_search", "/items-wshop-/_search"},
		{"a parameter that it names", searchTemplate, "POST", "/items-wshop-a/_search?size=1", "/items-wshop-a/_search?size=1"},
		{"a parameter encoded", searchTemplate, "POST", "/items-wshop-a/_search?s%69ze=1%2B1", "/items-wshop-a/_search?size=1%2B1"},
		{"no query", searchTemplate, "POST", "/items-wshop-a/_search?", "/items-wshop-a/_search"},
		{"a uid with hyphens", "GET /p/{project}", "GET", "/p/0b1a2c3d00004000800000000000000a", "/p/0b1a2c3d00004000800000000000000a"},
		{"a cluster", "GET /c/{cluster}/x", "GET", "/c/east/x", "/c/east/x"},
		{"what follows the wildcard", "GET /a-*-z/b", "GET", "/a-1-z/b", "/a-1-z/b"},
		{"all in one", "PUT /{workspace}.{cluster}.{user}", "PUT", "/wshop.east.uvera", "/wshop.east.uvera"},

		{"another workspace", searchTemplate, "POST", "/items-wother-a/_search", ""},
		{"all workspaces", searchTemplate, "POST", "/items-*/_search", ""},
		{"a wildcard within the uid", searchTemplate, "POST", "/items-wsho*-a/_search", ""},
		{"a question mark, encoded", searchTemplate, "POST", "/items-wsho%3F-a/_search", ""},
		{"a longer uid", searchTemplate, "POST", "/items-wshopx-a/_search", ""},
		{"a shorter uid", searchTemplate, "POST", "/items-wsho-p-a/_search", ""},
		{"upper case", searchTemplate, "POST", "/items-WSHOP-a/_search", ""},
		{"two indexes", searchTemplate, "POST", "/items-wshop-a,items-wother-a/_search", ""},
		{"two indexes, encoded", searchTemplate, "POST", "/items-wshop-a%2Citems-wother-a/_search", ""},
		{"without some", searchTemplate, "POST", "/items-wshop-*,-items-wshop-a/_search", ""},
		{"another cluster's", searchTemplate, "POST", "/items-wshop-*:*/_search", ""},
		{"date math", searchTemplate, "POST", "/%3Citems-wother-%7Bnow%7D%3E/_search", ""},
		{"date math within", searchTemplate, "POST", "/items-wshop-%7Bnow%7D/_search", ""},
		{"everything", searchTemplate, "POST", "/_search", ""},
		{"everything by name", searchTemplate, "POST", "/_all/_search", ""},
		{"many searches", searchTemplate, "POST", "/items-wshop-a/_msearch", ""},
		{"many searches at the root", searchTemplate, "POST", "/_msearch", ""},
		{"a scroll", searchTemplate, "POST", "/_search/scroll", ""},
		{"delete by query", searchTemplate, "POST", "/items-wshop-a/_delete_by_query", ""},
		{"another method", searchTemplate, "GET", "/items-wshop-a/_search", ""},
		{"a method in small letters", searchTemplate, "post", "/items-wshop-a/_search", ""},
		{"dots", searchTemplate, "POST", "/items-wshop-a/../items-wother-a/_search", ""},
		{"dots, encoded", searchTemplate, "POST", "/items-wshop-a/%2e%2e/items-wother-a/_search", ""},
		{"dots with an encoded slash", searchTemplate, "POST", "/items-wshop-a%2F..%2Fitems-wother-a/_search", ""},
		{"an encoded slash", searchTemplate, "POST", "/items-wshop-%2Fitems-wother-a/_search", ""},
		{"twice encoded", searchTemplate, "POST", "/items-wshop-%252Fx/_search", ""},
		{"a backslash", searchTemplate, "POST", `/items-wshop-a\..\items-wother-a/_search`, ""},
		{"a doubled slash", searchTemplate, "POST", "//items-wshop-a/_search", ""},
		{"a doubled slash within", searchTemplate, "POST", "/items-wshop-a//_search", ""},
		{"a slash at the end", searchTemplate, "POST", "/items-wshop-a/_search/", ""},
		{"a dot for a segment", "GET /*/x", "GET", "/./x", ""},
		{"two dots for a segment", "GET /*/x", "GET", "/../x", ""},
		{"matrix parameters", searchTemplate, "POST", "/items-wshop-a;x=y/_search", ""},
		{"a fragment", searchTemplate, "POST", "/items-wshop-a/_search#/x", ""},
		{"a null byte", searchTemplate, "POST", "/items-wshop-a%00/_search", ""},
		{"a line's end", searchTemplate, "POST", "/items-wshop-a%0d%0aX:y/_search", ""},
		{"a space", searchTemplate, "POST", "/items-wshop-a%20/_search", ""},
		{"a letter that looks alike", searchTemplate, "POST", "/items-wshop-\uff0a/_search", ""},
		{"half an escape", searchTemplate, "POST", "/items-wshop-%2/_search", ""},
		{"a whole address", searchTemplate, "POST", "http://evil.example/items-wshop-a/_search", ""},
		{"another host", searchTemplate, "POST", "//evil.example/items-wshop-a/_search", ""},
		{"no path", searchTemplate, "POST", "", ""},
		{"a star for all", searchTemplate, "OPTIONS", "*", ""},
		{"a parameter that it does not name", searchTemplate, "POST", "/items-wshop-a/_search?index=items-wother-a", ""},
		{"one more parameter", searchTemplate, "POST", "/items-wshop-a/_search?size=1&source=x", ""},
		{"a parameter twice", searchTemplate, "POST", "/items-wshop-a/_search?size=1&size=2", ""},
		{"a parameter twice, once encoded", searchTemplate, "POST", "/items-wshop-a/_search?size=1&%73ize=2", ""},
		{"a semicolon in the query", searchTemplate, "POST", "/items-wshop-a/_search?size=1;source=x", ""},
		{"a query where none is named", "GET /health", "GET", "/health?a=b", ""},
		{"a cluster of a longer name", "GET /c-{cluster}.*", "GET", "/c-east-2.x", ""},
		{"far too long", searchTemplate, "POST", "/items-wshop-" + strings.Repeat("a", 3000) + "/_search", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, query, err := AllowedUpstream(templates(t, test.template), ours, test.method, test.target)
			if query != "" {
				path += "?" + query
			}
			if path != test.sends || (err == nil) != (test.sends != "") {
				t.Errorf("%s %s: %q, %v", test.method, test.target, path, err)
			}
		})
	}
}

func TestWhatTheScopeLacksMatchesNothing(t *testing.T) {
	for name, c := range map[string]sandbox.Caller{
		"no workspace":                 {UserUID: "u1"},
		"a workspace's name alone":     {Workspace: "wshop"},
		"a uid that could be two":      {WorkspaceUID: "w-shop"},
		"a uid in capitals":            {WorkspaceUID: "WSHOP"},
		"a uid with a slash":           {WorkspaceUID: "a/b"},
		"a uid that is a wildcard":     {WorkspaceUID: "*"},
		"a uid that is far too long":   {WorkspaceUID: strings.Repeat("a", 65)},
		"a uid beyond the ASCII table": {WorkspaceUID: "wé"},
	} {
		for _, target := range []string{"/items--a/_search", "/items-" + c.WorkspaceUID + "-a/_search", "/items-wshop-a/_search"} {
			if _, _, err := AllowedUpstream(templates(t, searchTemplate), c, "POST", target); err == nil {
				t.Errorf("%s: %s was allowed", name, target)
			}
		}
	}
}

func TestAnotherTemplateMayAllowWhatTheFirstDoesNot(t *testing.T) {
	two := templates(t, "GET /a", "GET /*{?x}")
	if _, query, err := AllowedUpstream(two, ours, "GET", "/a?x=1"); err != nil || query != "x=1" {
		t.Errorf("%q, %v", query, err)
	}
}

func TestTemplatesThatCouldMeanTwoTenantsAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "/a", "GET", "GET a", "GET /", "GET //a", "GET /a/", "get /a", "TRACE /a", "GET /a b", "GET  /a", "GET /a?b=c", "GET /a{?}", "GET /a{?b,}",
		"GET /a/../b", "GET /./b", "GET /a%2Fb", "GET /a,b", "GET /{tenant}", "GET /{workspace", "GET /workspace}", "GET /{}", "GET /{{workspace}}",
		"GET /{workspace}*", "GET /{workspace}x", "GET /{workspace}{project}", "GET /*-{workspace}", "GET /a*b*", "GET /**",
		"GET /{cluster}-a", "GET /{cluster}-*", "GET /" + strings.Repeat("a", 513), "GET " + strings.Repeat("/a", 17),
	} {
		if _, err := ParseTemplate(text); err == nil {
			t.Errorf("%q passed", text)
		}
	}
	for _, text := range []string{"GET /{workspace}", "GET /{workspace}-*", "GET /{cluster}.*", "DELETE /a-{workspace}-{project}.*/x/{user}{?a,b_c}", "GET /*/{project}/*"} {
		templates(t, text)
	}
}

// FuzzUpstreamTemplate: whatever is asked through whatever template, a request
// that names a workspace is allowed to that workspace alone, and what is sent
// reads as what was decided on.
func FuzzUpstreamTemplate(f *testing.F) {
	f.Add(searchTemplate, "POST", "/items-wshop-*/_search?size=1")
	f.Add(searchTemplate, "POST", "/items-wshop-a%2Citems-wother-a/%5fsearch?%73ize=1&timeout")
	f.Add("GET /{cluster}.*/{workspace}/x", "GET", "/east.a/wshop/x")
	f.Add("GET /*/{workspace}~*", "GET", "/wother/wshop~wother~a")
	f.Add("GET /{workspace}-{project}.*", "GET", "/wshop-0b1a2c3d00004000800000000000000a.x")
	f.Fuzz(func(t *testing.T, text, method, target string) {
		template, err := ParseTemplate(text)
		if err != nil {
			return
		}
		all := []Template{template}
		path, query, err := AllowedUpstream(all, ours, method, target)
		if err != nil {
			return
		}
		if strings.ContainsAny(path, ",%?#\\;<> ") || strings.Contains(path, "//") || strings.Contains(path+"/", "/../") || strings.Contains(path+"/", "/./") {
			t.Fatalf("%s lets %q through as %q", text, target, path)
		}
		again, queryAgain, err := AllowedUpstream(all, ours, method, path+"?"+query)
		if err != nil || again != path || queryAgain != query {
			t.Fatalf("%q was allowed as %q?%q, and that as %q?%q, %v", target, path, query, again, queryAgain, err)
		}
		if !template.Names("workspace", "cluster", "user", "project") {
			return
		}
		// Everything of the scope differs, so nothing is allowed to both.
		if _, _, err := AllowedUpstream(all, theirs, method, target); err == nil {
			t.Fatalf("%s allows %q to both", text, target)
		}
		if template.Names("workspace") && !strings.Contains(path, "wshop") {
			t.Fatalf("%s allows %q, which names no workspace", text, path)
		}
	})
}

func BenchmarkUpstreamDecision(b *testing.B) {
	all := templates(b, "GET /health", searchTemplate)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := AllowedUpstream(all, ours, "POST", "/items-wshop-*/_search?size=1"); err != nil {
			b.Fatal(err)
		}
	}
}
