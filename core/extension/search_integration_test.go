//go:build integration

// The shipped extension logging searching a real Elasticsearch through the real
// sandbox and door: two workspaces, a hundred thousand lines, and a guest that
// wants the other's. Needs `make build/backends/elasticsearch/start`.
package extension

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/store"
)

// tenant is a project with its lines.
type tenant struct {
	workspace, workspaceUID, project, projectUID string
	lines                                        int
	word                                         string // in each of its lines and in no other's
}

var firstLine = time.Date(2026, 1, 31, 12, 0, 0, 123, time.UTC)

const betweenLines = 37*time.Millisecond + 1*time.Nanosecond

func (p *tenant) index() string { return "atoll-logs-" + p.workspaceUID + "-2026.01.31" }

// ship stores a project's lines.
func (p *tenant) ship(t *testing.T, address string) {
	t.Helper()
	levels := []string{"info", "info", "warning", "error"}
	const batch = 5000
	for at := 0; at < p.lines; at += batch {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		for i := at; i < min(at+batch, p.lines); i++ {
			id := fmt.Sprintf("%s-%06d", p.project, i)
			_ = e.Encode(map[string]any{"index": map[string]any{"_index": p.index(), "_id": id}})
			_ = e.Encode(map[string]any{
				"@timestamp": firstLine.Add(time.Duration(i/2) * betweenLines).Format(time.RFC3339Nano), // two at the same time
				"id":         id, "workspaceUID": p.workspaceUID, "projectUID": p.projectUID,
				"cluster": "local", "namespace": p.project, "pod": fmt.Sprintf("%s-web-%d", p.project, i%5), "container": []string{"app", "proxy"}[i%2],
				"node": "n1", "stream": "stdout", "level": levels[i%len(levels)],
				"message": fmt.Sprintf("%s request %d took %d ms", p.word, i, i%900),
			})
		}
		var answer struct{ Errors bool }
		if err := json.Unmarshal(tell(t, "POST", address+"/_bulk", b.Bytes()), &answer); err != nil || answer.Errors {
			t.Fatalf("lines were not taken: %v", err)
		}
	}
}

// page is an answer of the extension's search.
type page struct {
	Lines []struct{ Time, Pod, Container, Line, Severity, Project string }
	Total *int
	After string

	Histogram *struct {
		Buckets []struct{ Count int }
	}
}

// search asks the extension's route in this process, as somebody.
func (w *world) search(s access.Subject, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeRoute(rec, httptest.NewRequest("GET", path, nil), s, "logging", strings.SplitN(path, "?", 2)[0])
	return rec
}

func (w *world) found(t *testing.T, s access.Subject, path string) (p page) {
	t.Helper()
	rec := w.search(s, path)
	if rec.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestIntegrationStoredLinesOfAWorkspaceAreItsOwn(t *testing.T) {
	east, west := access.NewUID(), access.NewUID()
	mine := &tenant{"east", east, "cart", access.NewUID(), 30_000, "quince"}
	beside := &tenant{"east", east, "till", access.NewUID(), 20_000, "medlar"}
	theirs := &tenant{"west", west, "bank", access.NewUID(), 50_000, "sorrel"}
	tenants := []*tenant{mine, beside, theirs}

	elasticsearch := startElasticsearch(t)
	template, err := os.ReadFile("../../extensions/logging/store/index-template.json")
	if err != nil {
		t.Fatal(err)
	}
	tell(t, "PUT", elasticsearch+"/_index_template/atoll-logs", template)
	began := time.Now()
	for _, p := range tenants {
		p.ship(t, elasticsearch)
	}
	tell(t, "POST", elasticsearch+"/_refresh", nil)
	t.Logf("100,000 lines were stored in %s", time.Since(began).Round(time.Millisecond))

	guard := newGuardedElasticsearch(t, elasticsearch)
	w := newWorld(t, nil)
	w.engine = newEngine(t, capability.NewDoor(w.kubernetes, slog.New(slog.DiscardHandler)), guard.binding("logging"), guard.binding("sample"))
	w.Host = w.host(t, nil)
	ops := []store.Op{
		record(t, access.WorkspacePrefix+"east", access.Workspace{UID: east, Name: "east"}),
		record(t, access.WorkspacePrefix+"west", access.Workspace{UID: west, Name: "west"}),
		record(t, access.BindingPrefix+"project/"+mine.projectUID+"/"+viewer.UID, access.Binding{UID: "b2", SubjectUID: viewer.UID, Role: access.ProjectViewer, Scope: access.BindingScope{Kind: access.KindProject, UID: mine.projectUID}}),
	}
	for _, p := range tenants {
		ops = append(ops, record(t, access.ProjectPrefix+"local/"+p.project, access.Project{UID: p.projectUID, Name: p.project, Cluster: "local", WorkspaceUID: p.workspaceUID}))
	}
	w.write(t, ops...)
	w.install(t, loggingPackage(t))
	if state, err := w.Get("logging", "en"); err != nil || state.Phase != PhaseActive {
		t.Fatalf("%+v, %v", state, err)
	}

	window := "from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z"
	in := func(p *tenant) string { return "/clusters/local/projects/" + p.project + "/search?" + window }

	t.Run("every line of one's own, once, and no other's", func(t *testing.T) {
		seen, last := map[string]bool{}, ""
		var times []time.Duration
		for after := ""; ; {
			began := time.Now()
			got := w.found(t, viewer, in(mine)+"&q=request&size=500&order=asc&after="+after)
			times = append(times, time.Since(began))
			if after == "" {
				if got.Total == nil || *got.Total != mine.lines {
					t.Errorf("%v lines in all, %d were stored", got.Total, mine.lines)
				}
				counted := 0
				for _, b := range got.Histogram.Buckets {
					counted += b.Count
				}
				if counted != mine.lines || len(got.Histogram.Buckets) > 62 {
					t.Errorf("the histogram counts %d in %d buckets", counted, len(got.Histogram.Buckets))
				}
			}
			for _, l := range got.Lines {
				if !strings.HasPrefix(l.Line, mine.word+" ") || l.Project != mine.project {
					t.Fatalf("somebody else's line: %+v", l)
				}
				if seen[l.Line] || l.Time < last {
					t.Fatalf("%+v comes twice, or after %s", l, last)
				}
				seen[l.Line], last = true, l.Time
			}
			if after = got.After; after == "" {
				break
			}
		}
		if len(seen) != mine.lines {
			t.Errorf("%d of %d lines were found", len(seen), mine.lines)
		}
		slices.Sort(times)
		t.Logf("%d pages of 500 lines: %s half of them, %s the slowest; the first also loaded the code", len(times), times[len(times)/2].Round(time.Microsecond), times[len(times)-1].Round(time.Millisecond))
	})

	t.Run("what was asked for", func(t *testing.T) {
		newest := w.found(t, viewer, in(mine)+"&size=1").Lines[0]
		if want := firstLine.Add(time.Duration((mine.lines-1)/2) * betweenLines).Format(time.RFC3339Nano); newest.Time != want {
			t.Errorf("the newest is of %s, %s was", newest.Time, want)
		}
		for query, total := range map[string]int{
			"q=quince+29999": 1, "q=quince+-request": 0, "q=sorrel": 0, "q=medlar": 0, "q=sorrel+|+medlar": 0, "q=projectUID:" + theirs.projectUID: 0,
			"q=*": 30000, "q=*:*": 0, "q=" + url.QueryEscape(`") OR (*`): 0, "pod=cart-web-1": 6000, "pod=bank-web-1": 0, "pod=cart-web-1&pod=cart-web-2&container=proxy": 6000,
			"level=error": 7500, "level=error&level=warning": 15000, "level=debug": 0,
		} {
			if got := w.found(t, viewer, in(mine)+"&"+query); got.Total == nil || *got.Total != total {
				t.Errorf("%s: %v, want %d", query, *got.Total, total)
			}
		}
		edge := "/clusters/local/projects/cart/search?from=2026-01-31T12:00:00.000000123Z&to=2026-01-31T12:00:00.037000125Z"
		if got := w.found(t, viewer, edge); *got.Total != 4 {
			t.Errorf("%d lines at two nanoseconds' edge", *got.Total)
		}
		if got := w.found(t, viewer, "/clusters/local/projects/cart/search?since=1h"); *got.Total != 0 || got.After != "" {
			t.Errorf("%+v in the last hour", got)
		}
	})

	t.Run("a workspace for those who see all of it", func(t *testing.T) {
		for _, p := range []*tenant{mine, theirs} {
			got := w.found(t, admin, "/workspaces/"+p.workspace+"/search?"+window+"&size=500")
			if *got.Total != 50_000 {
				t.Errorf("%s has %d lines", p.workspace, *got.Total)
			}
			for _, l := range got.Lines {
				if strings.HasPrefix(l.Line, theirs.word) != (p == theirs) {
					t.Fatalf("%s sees %+v", p.workspace, l)
				}
			}
		}
		for path, who := range map[string]access.Subject{
			"/workspaces/east/search?" + window: viewer, "/workspaces/west/search?" + window: viewer, in(beside): viewer, in(theirs): viewer, in(mine): stranger,
		} {
			if rec := w.search(who, path); rec.Code != http.StatusForbidden {
				t.Errorf("%s may %s: %d", who.Name, path, rec.Code)
			}
		}
	})

	t.Run("many at once", func(t *testing.T) {
		began := time.Now()
		const requests = 100
		var all sync.WaitGroup
		for i := range requests {
			all.Go(func() {
				who, p := viewer, mine
				if i%2 == 1 {
					who, p = admin, theirs
				}
				rec := w.search(who, in(p)+"&size=100&histogram=false")
				if rec.Code != 200 || strings.Count(rec.Body.String(), p.word+" request") != 100 {
					t.Errorf("%d %.200s", rec.Code, rec.Body)
				}
			})
		}
		all.Wait()
		t.Logf("%d searches at once took %s", requests, time.Since(began).Round(time.Millisecond))
	})

	t.Run("a guest that wants another's", func(t *testing.T) { w.wantsAnothers(t, guard, mine, theirs) })

	if stats := w.Stats("logging"); stats.Faults > 0 || stats.Instances < 2 {
		t.Errorf("%+v", stats)
	}
	t.Run("memory holds neither address nor credential", func(t *testing.T) {
		address := strings.TrimPrefix(guard.URL, "https://")
		secrets := map[string]string{
			"the address": address, "the user": guard.user, "the password": guard.password, "the store's own address": strings.TrimPrefix(elasticsearch, "http://"),
			"the header": base64.StdEncoding.EncodeToString([]byte(guard.user + ":" + guard.password)),
		}
		looked := 0
		for _, name := range []string{"logging", "sample"} {
			for _, memory := range w.current.Load().active[name].guest.MemoryForTests() {
				looked++
				// It is the memory that was meant: it knows what it was told.
				if !bytes.Contains(memory, []byte(east)) && !bytes.Contains(memory, []byte(west)) {
					t.Errorf("a memory of %s with %d bytes knows no workspace", name, len(memory))
				}
				for what, secret := range secrets {
					if bytes.Contains(memory, []byte(secret)) {
						t.Errorf("the memory of %s holds %s", name, what)
					}
				}
				t.Logf("%s: looked through %d KiB", name, len(memory)>>10)
			}
		}
		if looked < 3 {
			t.Errorf("looked through %d memories only", looked)
		}
	})

	t.Run("a store that has gone", func(t *testing.T) {
		guard.Close()
		eventually(t, "it cannot be reached", func() bool { // the first may still find a connection, which breaks
			rec := w.search(viewer, in(mine))
			if rec.Code != http.StatusServiceUnavailable || strings.Contains(rec.Body.String(), "127.0.0.1") {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			return strings.Contains(rec.Body.String(), "cannot be reached")
		})
	})
}

// wantsAnothers lets a guest with the same manifest ask what it should not.
func (w *world) wantsAnothers(t *testing.T, guard *guardedElasticsearch, mine, theirs *tenant) {
	manifest := strings.NewReplacer(
		"roles:\n", "  upstreams:\n    store: { protocol: http, requests: [\"POST /atoll-logs-{workspace}-*/_search\"], reason: { en: Search } }\nroles:\n",
		"routes:\n", "routes:\n  - { path: \"/clusters/{cluster}/projects/{project}/upstream\", methods: [POST], permission: things.view }\n",
	).Replace(testManifest)
	w.install(t, samplePackage(t, manifest))
	ask := func(method, target, body string) (int, string) {
		path := inProject(mine.project) + "/upstream"
		r := httptest.NewRequestWithContext(context.Background(), "POST", path+"?"+url.Values{"method": {method}, "target": {target}}.Encode(), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		w.ServeRoute(rec, r, viewer, "sample", path)
		return rec.Code, rec.Body.String()
	}
	own, other := "/atoll-logs-"+mine.workspaceUID+"-*", "/atoll-logs-"+theirs.workspaceUID+"-*"
	if status, body := ask("POST", own+"/_search", `{"size":1}`); status != 200 || !strings.Contains(body, mine.workspaceUID) {
		t.Fatalf("its own: %d %s", status, body)
	}
	guard.mu.Lock()
	before := len(guard.asked)
	guard.mu.Unlock()
	all := `{"query":{"match_all":{}}}`
	for _, attack := range []struct{ method, target, body string }{
		{"POST", other + "/_search", all},
		{"POST", "/_search", all},
		{"POST", "/_all/_search", all},
		{"POST", "/*/_search", all},
		{"POST", "/atoll-logs-*/_search", all},
		{"POST", own + "," + other[1:] + "/_search", all},
		{"POST", own + "%2C" + other[1:] + "/_search", all},
		{"POST", own + "/.." + other + "/_search", all},
		{"POST", own + "/%2e%2e" + other + "/_search", all},
		{"POST", own + "%2F..%2F" + other[1:] + "/_search", all},
		{"POST", own + "%252F.." + other + "/_search", all},
		{"POST", own + `\..\` + other[1:] + "/_search", all},
		{"POST", "/" + own + "/_search", all},
		{"POST", own + "//_search", all},
		{"POST", own + "/_search?index=" + other[1:], all},
		{"POST", own + "/_search?q=*", all},
		{"POST", own + "/_search?source=" + url.QueryEscape(all) + "&source_content_type=application/json", ""},
		{"POST", own + "/_search?scroll=1m", all},
		{"POST", "/_search/scroll", `{"scroll_id":"x"}`},
		{"POST", "/_msearch", "{\"index\":\"" + other[1:] + "\"}\n" + all + "\n"},
		{"POST", own + "/_msearch", "{\"index\":\"" + other[1:] + "\"}\n" + all + "\n"},
		{"POST", own + "/_search/template", `{"source":{"query":{"match_all":{}}}}`},
		{"POST", "/_mget", `{"docs":[{"_index":"` + theirs.index() + `","_id":"bank-000001"}]}`},
		{"POST", "/_sql", `{"query":"select * from x"}`},
		{"POST", "/_bulk", ""},
		{"POST", "/_reindex", `{"source":{"index":"` + theirs.index() + `"},"dest":{"index":"` + mine.index() + `"}}`},
		{"POST", "/_aliases", `{"actions":[{"add":{"index":"` + theirs.index() + `","alias":"atoll-logs-` + mine.workspaceUID + `-x"}}]}`},
		{"GET", other + "/_search", ""},
		{"GET", own + "/_search", ""},
		{"GET", theirs.index()[0:1], ""},
		{"GET", "/" + theirs.index() + "/_doc/bank-000001", ""},
		{"GET", "/_cat/indices", ""},
		{"GET", "/_nodes", ""},
		{"GET", "/", ""},
		{"DELETE", "/" + mine.index(), ""},
		{"PUT", "/" + mine.index() + "/_settings", `{}`},
		{"POST", "http://127.0.0.1:1" + other + "/_search", all},
		{"POST", "//127.0.0.1:1" + other + "/_search", all},
		{"POST", "@evil.example" + own + "/_search", all},
	} {
		status, body := ask(attack.method, attack.target, attack.body)
		if status != http.StatusTeapot || !strings.Contains(body, "denied") {
			t.Errorf("%s %s: %d %.300s", attack.method, attack.target, status, body)
		}
	}
	guard.mu.Lock()
	if more := guard.asked[before:]; len(more) > 0 {
		t.Errorf("the store was asked %q", more)
	}
	guard.mu.Unlock()

	// Bodies that try to name another index, where a path is allowed.
	for _, body := range []string{
		`{"index":"` + theirs.index() + `","query":{"match_all":{}}}`,
		`{"indices":["` + theirs.index() + `"]}`,
		`{"query":{"indices":{"indices":["` + theirs.index() + `"],"query":{"match_all":{}}}}}`,
		`{"query":{"match_all":{}},"indices_boost":[{"` + theirs.index() + `":9}]}`,
		`{"query":{"bool":{"should":[{"term":{"_index":"` + theirs.index() + `"}},{"term":{"workspaceUID":"` + theirs.workspaceUID + `"}}]}}}`,
		`{"query":{"ids":{"values":["bank-000001"]}}}`,
		"{\"query\":{\"match_all\":{}},\"size\":0}\n{\"index\":\"" + theirs.index() + "\"}\n" + all + "\n",
	} {
		if _, answer := ask("POST", own+"/_search", body); strings.Contains(answer, theirs.word) || strings.Contains(answer, `"_index":"`+theirs.index()) {
			t.Errorf("%s gives %.500s", body, answer)
		}
	}
	// What a door that reads no bodies cannot hold: a lookup takes its terms from a
	// document elsewhere, and so tells of it. `protocol: elasticsearch` refuses it.
	lookup := `{"query":{"terms":{"level":{"index":"` + theirs.index() + `","id":"bank-000003","path":"level"}}},"size":0,"track_total_hits":true}`
	if _, answer := ask("POST", own+"/_search", lookup); !strings.Contains(answer, `"value":12500`) {
		t.Errorf("a lookup is held now: say so in extensions/logging/README.md. %.500s", answer)
	}
}

func inProject(name string) string { return "/clusters/local/projects/" + name }
