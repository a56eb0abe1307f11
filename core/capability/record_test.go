// What the audit is told of the doors: every write once, whole, and no reading.
package capability

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/audit"
	"github.com/atoll-platform/atoll/core/sandbox"
)

// answers is a stand-in for Kubernetes that has an answer for each method.
type answers struct {
	each  map[string]string
	code  map[string]int
	asked []string
}

func (a *answers) RoundTrip(_ context.Context, s access.Subject, cluster string, r *http.Request, via Via) (*http.Response, error) {
	a.asked = append(a.asked, r.Method+" "+r.URL.Path+" as "+s.Name+" by "+via.Extension)
	status := a.code[r.Method]
	if status == 0 {
		status = 200
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(a.each[r.Method])), Header: http.Header{"Content-Type": {"application/json"}}}, nil
}

var everything = []Rule{{Groups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"*"}},
	{Groups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"update"}}, {Groups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"create"}}}

// through asks the door and reads the answer to its end.
func through(t *testing.T, k Kubernetes, method, target string) (events []audit.Event) {
	t.Helper()
	d := NewDoor(k, slog.New(slog.DiscardHandler)).Audited(func(_ context.Context, e audit.Event) { events = append(events, e) })
	call := &Call{Subject: access.Subject{Name: "vera", UID: "u1", Via: "token", Credential: "c1"}, Cluster: "local", Rules: everything, Origin: Origin{"req-7", "192.0.2.1:5"}}
	response, err := d.Open(t.Context(), parent(call), &sandbox.Request{Authority: AuthorityKubernetes, Method: method, Target: target})
	if err != nil {
		return events
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return events
}

func TestWritesThroughTheDoorToKubernetesAreTold(t *testing.T) {
	base := audit.Event{
		RequestID: "req-7", Remote: "192.0.2.1:5", User: "vera", UserUID: "u1", Via: "token", Credential: "c1", Extension: "sample", Version: "1.0.0",
		Cluster: "local", Project: "demo", Target: "/clusters/local/api/v1/namespaces/demo/pods/a", Result: audit.Done, Status: 200,
	}
	const pods = "/api/v1/namespaces/demo/pods"
	for name, test := range map[string]struct {
		method, target string
		answers        answers
		want           func(*audit.Event)
		asked          int // of Kubernetes
	}{
		"an update": {"PUT", pods + "/a", answers{each: map[string]string{"GET": `{"kind":"Pod","spec":{"x":1}}`, "PUT": `{"kind":"Pod","spec":{"x":2},"status":{"phase":"a controller's"}}`}}, func(e *audit.Event) {
			e.Verb, e.Changes = "update", []audit.Change{{Path: "/spec/x", From: "1", To: "2"}}
		}, 2},
		"a patch of what one may not read": {"PATCH", pods + "/a", answers{each: map[string]string{"PATCH": `{"kind":"Pod"}`}, code: map[string]int{"GET": 403}}, func(e *audit.Event) { e.Verb = "patch" }, 2},
		"a refused update": {"PUT", pods + "/a", answers{each: map[string]string{"GET": `{"kind":"Pod"}`, "PUT": `{"kind":"Status","message":"the object has been modified"}`}, code: map[string]int{"PUT": 409}}, func(e *audit.Event) {
			e.Verb, e.Status, e.Result, e.Reason = "update", 409, audit.Refused, "the object has been modified"
		}, 2},
		"a secret": {"PUT", "/api/v1/namespaces/demo/secrets/s", answers{each: map[string]string{"GET": `{"kind":"Secret","data":{"a":"b2xk"}}`, "PUT": `{"kind":"Secret","data":{"a":"bmV3"}}`}}, func(e *audit.Event) {
			e.Verb, e.Target, e.Changes = "update", "/clusters/local/api/v1/namespaces/demo/secrets/s", []audit.Change{{Path: "/data/a", Hidden: true}}
		}, 2},
		"a creation": {"POST", pods + "?dryRun=All", answers{each: map[string]string{"POST": `{"kind":"Pod","metadata":{"name":"a"}}`}, code: map[string]int{"POST": 201}}, func(e *audit.Event) {
			e.Verb, e.Status, e.DryRun = "create", 201, true
		}, 1},
		"a deletion": {"DELETE", pods + "/a", answers{each: map[string]string{"DELETE": `{"kind":"Status"}`}}, func(e *audit.Event) { e.Verb = "delete" }, 1},
		"a deletion of all": {"DELETE", pods, answers{}, func(e *audit.Event) {
			e.Verb, e.Target = "deletecollection", strings.TrimSuffix(e.Target, "/a")
		}, 1},
		"a session": {"GET", pods + "/a/exec?command=rm", answers{}, func(e *audit.Event) { e.Verb, e.Target = "create", e.Target+"/exec" }, 1},
		"what the manifest does not allow": {"DELETE", "/api/v1/namespaces/demo/secrets/s", answers{}, func(e *audit.Event) {
			e.Verb, e.Target, e.Status, e.Result, e.Reason = "delete", "/clusters/local/api/v1/namespaces/demo/secrets/s", 403, audit.Denied, "no rule of the manifest allows delete secrets in demo"
		}, 0},
	} {
		want := base
		test.want(&want)
		got := through(t, &test.answers, test.method, test.target)
		if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
		if len(test.answers.asked) != test.asked {
			t.Errorf("%s: Kubernetes was asked %q", name, test.answers.asked)
		}
		for _, asked := range test.answers.asked {
			if !strings.HasSuffix(asked, " as vera by sample") {
				t.Errorf("%s: %s", name, asked)
			}
		}
	}
	status := &answers{each: map[string]string{"GET": `{"kind":"Pod","status":{"x":1}}`, "PUT": `{"kind":"Pod","status":{"x":2}}`}}
	everything := append(everything, Rule{Groups: []string{""}, Resources: []string{"pods/status"}, Verbs: []string{"update"}})
	var events []audit.Event
	d := NewDoor(status, slog.New(slog.DiscardHandler)).Audited(func(_ context.Context, e audit.Event) { events = append(events, e) })
	response, err := d.Open(t.Context(), parent(&Call{Subject: vera, Cluster: "local", Rules: everything}), &sandbox.Request{Authority: AuthorityKubernetes, Method: "PUT", Target: pods + "/a/status"})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	if err := response.Body.Close(); err != nil || len(events) != 1 || !reflect.DeepEqual(events[0].Changes, []audit.Change{{Path: "/status/x", From: "1", To: "2"}}) {
		t.Errorf("of the status: %+v, %v", events, err)
	}
	for _, reading := range []string{pods, pods + "/a", pods + "?watch=true", "/api"} {
		if got := through(t, &answers{}, "GET", reading); len(got) != 0 {
			t.Errorf("reading %s: %+v", reading, got)
		}
	}
}

func TestALargeObjectIsWrittenWithoutADifference(t *testing.T) {
	large := `{"kind":"Pod","spec":{"x":"` + strings.Repeat("x", maxObserved) + `"}}`
	for name, each := range map[string]map[string]string{
		"before": {"GET": large, "PUT": `{"kind":"Pod"}`}, "after": {"GET": `{"kind":"Pod"}`, "PUT": large}, "no JSON": {"GET": "x", "PUT": "y"},
	} {
		got := through(t, &answers{each: each}, "PUT", "/api/v1/namespaces/demo/pods/a")
		if len(got) != 1 || got[0].Result != audit.Done || got[0].Changes != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWritesToUpstreamsAreTold(t *testing.T) {
	status := 200
	_, bound := backEnd(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	var events []string
	u := upstreams(t, io.Discard, bound).Audited(func(_ context.Context, e audit.Event) {
		events = append(events, fmt.Sprint(e.User, " ", e.Verb, " ", e.Target, " ", e.Result, " ", e.Status, " ", e.Workspace, " ", e.Project, " ", e.Extension))
	})
	list := templates(t, "GET /health", "POST /silences", "DELETE /silences")
	ask := func(method, target string) {
		call := &Call{Subject: vera, Upstreams: map[string][]Template{"store": list}}
		r := &sandbox.Request{Authority: "store.upstream", Method: method, Target: target, Caller: sandbox.Caller{Workspace: "shop", Project: "demo"}}
		if response, err := u.Open(t.Context(), parent(call), r); err == nil {
			if err := response.Body.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask("GET", "/health")
	ask("POST", "/silences")
	ask("DELETE", "/silences")
	ask("DELETE", "/everything")
	status = 403
	ask("POST", "/silences")
	want := []string{
		"vera create /upstreams/store/silences done 200 shop demo sample",
		"vera delete /upstreams/store/silences done 200 shop demo sample",
		"vera delete /upstreams/store/everything denied 0 shop demo sample",
		"vera create /upstreams/store/silences denied 0 shop demo sample",
	}
	if !reflect.DeepEqual(events, want) {
		t.Errorf("got\n%s", strings.Join(events, "\n"))
	}
}
