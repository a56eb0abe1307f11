// The search of stored lines, against a fake store that says what it was asked
// and answers what a test gives it. The real one is tested by the integration tests.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
	"github.com/atoll-platform/atoll/sdk/go/wire"
)

// fakeStore answers every search with the same, or not at all.
type fakeStore struct {
	status int
	answer string
	err    error // what the door says instead

	method, target string
	body           map[string]any
}

func (s *fakeStore) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "store.upstream" {
		return nil, fmt.Errorf("a request for %s", r.URL.Host)
	}
	s.method, s.target, s.body = r.Method, r.URL.RequestURI(), nil
	if err := json.NewDecoder(r.Body).Decode(&s.body); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	return &http.Response{StatusCode: s.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(s.answer)), Request: r}, nil
}

// someone is for whom a request of the tests is.
func someone(context.Context) atoll.Identity {
	return atoll.Identity{User: "vera", UserUID: "u1", Workspace: "shop", WorkspaceUID: "wshop", Project: "demo", ProjectUID: "pdemo", Cluster: "local"}
}

func (s *fakeStore) get(path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	handler(s, someone).ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec
}

const storedPage = `{"took":3,"timed_out":false,"_shards":{"total":1,"successful":1,"failed":0},
 "hits":{"total":{"value":3,"relation":"eq"},"hits":[
  {"_index":"atoll-logs-wshop-2026.01.31","_id":"b","sort":[1769868000123456789,"b"],"_source":{"@timestamp":"2026-01-31T14:00:00.123456789Z","cluster":"local","namespace":"demo","pod":"web-1","container":"app","node":"n1","stream":"stderr","level":"error","message":"it broke"}},
  {"_index":"atoll-logs-wshop-2026.01.31","_id":"a","sort":[1769867999000000000,"a"],"_source":{"@timestamp":"2026-01-31T13:59:59Z","cluster":"local","namespace":"demo","pod":"web-2","container":"app","message":"level=warn low"}}]},
 "aggregations":{"times":{"buckets":[{"key":1769866200000,"doc_count":0},{"key":1769868000000,"doc_count":3}]}}}`

func TestStoredLinesComeWithTheirNumberAndTimes(t *testing.T) {
	s := &fakeStore{status: 200, answer: storedPage}
	rec := s.get(routes + "/search?q=broke&size=2&from=2026-01-31T13:00:00Z&to=2026-01-31T15:00:00Z")
	var f found
	if err := json.Unmarshal(rec.Body.Bytes(), &f); err != nil || rec.Code != 200 {
		t.Fatalf("%d %s, %v", rec.Code, rec.Body, err)
	}
	if len(f.Lines) != 2 || f.Total == nil || *f.Total != 3 || f.Partial {
		t.Fatalf("%+v", f)
	}
	if got := f.Lines[0]; got.Line != "it broke" || got.Severity != "error" || got.Pod != "web-1" || got.Node != "n1" || got.Stream != "stderr" || got.Project != "demo" || got.Time != "2026-01-31T14:00:00.123456789Z" {
		t.Errorf("%+v", got)
	}
	if got := f.Lines[1].Severity; got != "warning" {
		t.Errorf("a line that says its severity itself has %q", got)
	}
	if f.Histogram == nil || f.Histogram.Interval != "300s" || len(f.Histogram.Buckets) != 2 || f.Histogram.Buckets[1] != (bucket{"2026-01-31T14:00:00Z", 3}) {
		t.Errorf("%+v", f.Histogram)
	}

	// The next page begins after the last line, to the nanosecond.
	rec = s.get(routes + "/search?q=broke&size=2&since=1h&after=" + url.QueryEscape(f.After))
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if got := fmt.Sprintf("%.0f", s.body["search_after"].([]any)[0]); !strings.HasPrefix(got, "17698679990000") || s.body["search_after"].([]any)[1] != "a" {
		t.Errorf("after %v", s.body["search_after"])
	}
	if s.body["aggregations"] != nil || strings.Contains(rec.Body.String(), "total") {
		t.Errorf("a later page counts again: %v, %s", s.body, rec.Body)
	}
	if rec := s.get(routes + "/search?size=100"); strings.Contains(rec.Body.String(), `"after"`) {
		t.Error("there is a page after the last")
	}
}

func TestASearchIsHeldToItsWorkspaceAndProject(t *testing.T) {
	s := &fakeStore{status: 200, answer: storedPage}
	if rec := s.get(routes + "/search?q=a+-b&pod=web-1&container=app&level=error&level=warning&since=30m&order=asc"); rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if s.method != "POST" || s.target != "/atoll-logs-wshop-%2A/_search" {
		t.Errorf("%s %s", s.method, s.target)
	}
	asked, err := json.Marshal(s.body["query"])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"term":{"projectUID":"pdemo"}}`, `{"terms":{"pod":["web-1"]}}`, `{"terms":{"container":["app"]}}`, `{"terms":{"level":["error","warning"]}}`, `"query":"a -b"`, `"default_operator":"and"`} {
		if !strings.Contains(string(asked), want) {
			t.Errorf("the query lacks %s: %s", want, asked)
		}
	}
	if got, _ := json.Marshal(s.body["sort"]); !strings.Contains(string(got), `"order":"asc"`) {
		t.Errorf("sorted by %s", got)
	}
	if rec := s.get("/workspaces/shop/search"); rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if asked, _ := json.Marshal(s.body["query"]); strings.Contains(string(asked), "projectUID") || !strings.Contains(string(asked), `{"term":{"workspaceUID":"wshop"}}`) {
		t.Errorf("%s", asked)
	}
	// Without uids nothing is asked.
	nobody := func(context.Context) atoll.Identity { return atoll.Identity{Workspace: "shop", Project: "demo"} }
	for _, path := range []string{routes + "/search", "/workspaces/shop/search"} {
		rec := httptest.NewRecorder()
		handler(&fakeStore{}, nobody).ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != http.StatusInternalServerError {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}

func TestAMistakeInASearchNamesItsParameter(t *testing.T) {
	token := func(text string) string { return "after=" + base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for query, parameter := range map[string]string{
		"q=" + strings.Repeat("a", maxWords+1): "q", "q=%ff": "q", "pod=A": "pod", "pod=*": "pod", "container=a/b": "container", "level=loud": "level",
		"pod=" + strings.Repeat("a&pod=", maxContainers) + "a": "pod", "level=error" + strings.Repeat("&level=error", 4): "level",
		"since=x": "since", "since=-1h": "since", "since=9000h": "since", "since=1h&from=2026-01-31T14:00:00Z": "since",
		"from=yesterday": "from", "to=tomorrow": "to", "from=2026-01-31T14:00:00Z&to=2026-01-31T14:00:00Z": "from", "from=2020-01-01T00:00:00Z": "from",
		"from=1969-01-01T00:00:00Z&to=1969-01-02T00:00:00Z": "from", "size=0": "size", "size=501": "size", "size=x": "size", "order=up": "order", "histogram=x": "histogram",
		"after=*": "after", token("[]"): "after", token(`["a","b"]`): "after", token(`[1,2]`): "after", token(`[1.5,"a"]`): "after", token(`[1,"a"]]`): "after",
		token(`[{"a":1},"a"]`): "after", token(`[1,"` + strings.Repeat("a", maxToken) + `"]`): "after", "a=%": "query",
	} {
		s := &fakeStore{status: 200, answer: storedPage}
		rec := s.get(routes + "/search?" + query)
		var p problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || rec.Code != 400 || rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.100s: %d %s", query, rec.Code, rec.Body)
			continue
		}
		if !strings.HasPrefix(p.Detail, parameter+": ") {
			t.Errorf("%.100s: %s", query, p.Detail)
		}
		if s.method != "" {
			t.Errorf("%.100s: the store was asked", query)
		}
	}
}

func TestWhatTheStoreCannotDoIsSaidPlainly(t *testing.T) {
	for name, test := range map[string]struct {
		store fakeStore
		want  int
		says  string
	}{
		"unbound":      {fakeStore{err: &atoll.ResetError{Code: wire.Unavailable, Text: `no administrator has bound the upstream "store"`}}, 503, "no administrator has bound"},
		"too slow":     {fakeStore{err: &atoll.ResetError{Code: wire.Deadline}}, 504, "in time"},
		"refused":      {fakeStore{err: &atoll.ResetError{Code: wire.Denied, Text: "no request of the manifest's allows it"}}, 502, "manifest"},
		"busy":         {fakeStore{status: 429, answer: `{"error":{"reason":"queue of node 10.1.2.3"},"status":429}`}, 503, "busy"},
		"broken":       {fakeStore{status: 500, answer: `<html>10.1.2.3</html>`}, 503, "not well"},
		"not taken":    {fakeStore{status: 400, answer: `{"error":{"reason":"at 10.1.2.3"},"status":400}`}, 502, "does not understand"},
		"no answer":    {fakeStore{status: 200, answer: `<html>`}, 502, "does not understand"},
		"too large":    {fakeStore{status: 200, answer: strings.Repeat(" ", maxAnswer+1)}, 502, "smaller size"},
		"another line": {fakeStore{status: 200, answer: `{"hits":{"hits":[{"_source":[1]}]}}`}, 502, "does not understand"},
	} {
		rec := test.store.get(routes + "/search")
		var p problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || rec.Code != test.want || p.Status != test.want || !strings.Contains(p.Title+" "+p.Detail, test.says) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
		if strings.Contains(rec.Body.String(), "10.1.2.3") {
			t.Errorf("%s: an address comes through: %s", name, rec.Body)
		}
	}
	// A failure leaves the next search alone.
	s := &fakeStore{err: &atoll.ResetError{Code: wire.Unavailable, Text: "it is away"}}
	h := handler(s, someone)
	for range 3 {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", routes+"/search", nil))
		if rec.Code != 503 || !strings.Contains(rec.Body.String(), "it is away") {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
	s.err, s.status, s.answer = nil, 200, storedPage
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", routes+"/search", nil))
	if rec.Code != 200 {
		t.Errorf("after failures: %d %s", rec.Code, rec.Body)
	}
}

func TestAStoreThatHasNothingGivesAnEmptyPage(t *testing.T) {
	s := &fakeStore{status: 200, answer: `{"took":0,"timed_out":true,"_shards":{"total":0,"successful":0,"failed":0},"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}}`}
	rec := s.get(routes + "/search")
	if got := strings.TrimSpace(rec.Body.String()); rec.Code != 200 || got != `{"lines":[],"total":0,"histogram":{"interval":"1800s","buckets":[]},"partial":true}` {
		t.Errorf("%d %s", rec.Code, got)
	}
}

func TestAHistogramHasAboutSixtyBucketsAtMost(t *testing.T) {
	for _, span := range []time.Duration{time.Millisecond, time.Second, time.Minute, 59 * time.Minute, time.Hour, 24 * time.Hour, 720 * time.Hour, maxWindow} {
		now := time.Now()
		s := search{from: now.Add(-span), to: now}
		if n := span / s.interval(); n > 60 {
			t.Errorf("%s: %d buckets of %s", span, n, s.interval())
		}
	}
}

// FuzzSearchQuery: whatever is asked, reading ends, and what is read stays within
// its limits.
func FuzzSearchQuery(f *testing.F) {
	f.Add("q=a&since=1h&pod=web-1&size=5&order=asc&after=WzEsImEiXQ")
	f.Add("from=2026-01-31T14:00:00%2B01:00&to=2026-01-31T15:00:00Z&level=error")
	now := time.Now()
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := parseSearch(&http.Request{URL: &url.URL{RawQuery: raw}}, now)
		if err != nil {
			return
		}
		if s.size < 1 || s.size > maxSize || !s.from.Before(s.to) || s.to.Sub(s.from) > maxWindow || len(s.words) > maxWords || s.after != nil && len(s.after) != 2 {
			t.Fatalf("%q was read as %+v", raw, s)
		}
		if s.after != nil {
			if again, err := parseToken(token(s.after)); err != nil || fmt.Sprint(again) != fmt.Sprint(s.after) {
				t.Fatalf("%v became %v, %v", s.after, again, err)
			}
		}
	})
}
