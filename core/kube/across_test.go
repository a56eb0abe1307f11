// Lists that span projects.

package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

type anyList struct {
	Kind, APIVersion string
	Metadata         struct{ ResourceVersion, Continue string }
	Items            []struct {
		Metadata struct{ Name, Namespace string }
	}
	Rows              []struct{ Cells []string }
	ColumnDefinitions []struct{ Name string }
}

func read(t *testing.T, text string) anyList {
	t.Helper()
	var list anyList
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return list
}

// pods answers for one namespace, as a list or as a Table.
func pods(namespace string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.Header.Get("Accept"), "protobuf"):
			http.Error(w, "protobuf was asked for", 500)
		case strings.Contains(r.Header.Get("Accept"), "as=Table"):
			fmt.Fprintf(w, `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"77"},"columnDefinitions":[{"name":"Name"}],"rows":[{"cells":["%s-1"]}]}`, namespace)
		default:
			fmt.Fprintf(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"77"},"items":[{"metadata":{"name":"%[1]s-1","namespace":"%[1]s"}},{"metadata":{"name":"%[1]s-2","namespace":"%[1]s"}}]}`, namespace)
		}
	}
}

func TestAListAcrossProjectsIsJoinedFromTheReadableOnes(t *testing.T) {
	h := newHouse(t)
	for _, n := range []string{"alpha", "beta", "gamma"} {
		h.up.mux.HandleFunc("/api/v1/namespaces/"+n+"/pods", pods(n))
	}
	h.up.mux.HandleFunc("/api/v1/pods", func(w http.ResponseWriter, r *http.Request) { t.Error("the whole cluster was listed") })
	code, _, text := h.ask(t, "jane", "GET", "/api/v1/pods?labelSelector=a%3Db", "", "Accept", "application/vnd.kubernetes.protobuf,application/json")
	list := read(t, text)
	var names []string
	for _, i := range list.Items {
		names = append(names, i.Metadata.Namespace+"/"+i.Metadata.Name)
	}
	if code != 200 || list.Kind != "PodList" || list.APIVersion != "v1" || !strings.HasPrefix(list.Metadata.ResourceVersion, "77") ||
		!slices.Equal(names, []string{"alpha/alpha-1", "alpha/alpha-2", "beta/beta-1", "beta/beta-2"}) {
		t.Errorf("%d %s", code, text)
	}
	// Each went out with the groups of its own project, and the second at the
	// moment of the first.
	first, second := h.up.seen[0], h.up.seen[1]
	if !slices.Contains(first.header["Impersonate-Group"], "atoll:project:uid-alpha:admin") || !slices.Contains(second.header["Impersonate-Group"], "atoll:project:uid-beta:viewer") {
		t.Errorf("groups %q and %q", first.header["Impersonate-Group"], second.header["Impersonate-Group"])
	}
	if first.uri != "/api/v1/namespaces/alpha/pods?labelSelector=a%3Db" ||
		second.uri != "/api/v1/namespaces/beta/pods?labelSelector=a%3Db&resourceVersion=77&resourceVersionMatch=Exact" {
		t.Errorf("%s and %s", first.uri, second.uri)
	}

	code, _, text = h.ask(t, "jane", "GET", "/api/v1/pods", "", "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
	list = read(t, text)
	if code != 200 || list.Kind != "Table" || len(list.ColumnDefinitions) != 1 || len(list.Rows) != 2 || list.Rows[0].Cells[0] != "alpha-1" || list.Rows[1].Cells[0] != "beta-1" {
		t.Errorf("%d %s", code, text)
	}
}

func TestProjectsWhereTheResourceMayNotBeListedAreLeftOut(t *testing.T) {
	h := newHouse(t)
	refuse := func(w http.ResponseWriter, r *http.Request) { http.Error(w, `{"kind":"Status"}`, http.StatusForbidden) }
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/secrets", refuse)
	h.up.mux.HandleFunc("/api/v1/namespaces/beta/secrets", pods("beta"))
	if code, _, text := h.ask(t, "jane", "GET", "/api/v1/secrets", ""); code != 200 || len(read(t, text).Items) != 2 {
		t.Errorf("%d %s", code, text)
	}
	h.law.remove("jane", "beta")
	if code, _, text := h.ask(t, "jane", "GET", "/api/v1/secrets", ""); code != 403 || status(t, text).Reason != metav1.StatusReasonForbidden {
		t.Errorf("none left: %d %s", code, text)
	}
}

func TestAListThatLacksAProjectIsNoAnswer(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods", pods("alpha"))
	h.up.mux.HandleFunc("/api/v1/namespaces/beta/pods", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusGone)
		io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","message":"too old","code":410}`)
	})
	if code, _, text := h.ask(t, "jane", "GET", "/api/v1/pods", ""); code != http.StatusGone || status(t, text).Message != "too old" {
		t.Errorf("%d %s", code, text)
	}
}

// paged is an API server's list of n pods of a namespace: in pages, and of any
// resource version that it is asked for.
func paged(t *testing.T, namespace string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from, version := 0, "77"
		if token := q.Get("continue"); token != "" {
			if q.Has("resourceVersion") {
				t.Errorf("a token and a resource version: %s", r.URL)
			}
			fmt.Sscanf(token, namespace+"-%d", &from)
		} else if q.Get("resourceVersion") != "" && q.Get("resourceVersionMatch") != "Exact" {
			t.Errorf("not the moment of the first: %s", r.URL)
		}
		to, next := n, ""
		if limit, _ := strconv.Atoi(q.Get("limit")); limit > 0 && from+limit < n {
			to = from + limit
			next = fmt.Sprintf("%s-%d", namespace, to)
		}
		var items []string
		for i := from; i < to; i++ {
			items = append(items, fmt.Sprintf(`{"metadata":{"name":"%03d","namespace":%q}}`, i, namespace))
		}
		fmt.Fprintf(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":%q,"continue":%q},"items":[%s]}`, version, next, strings.Join(items, ","))
	}
}

// manyPods gives jane projects with these numbers of pods.
func manyPods(t *testing.T, h *house, numbers ...int) (want []string) {
	h.law.roles["jane"] = map[string]string{}
	for i, n := range numbers {
		name := fmt.Sprintf("p%02d", i)
		h.law.roles["jane"][name] = "viewer"
		h.up.mux.HandleFunc("/api/v1/namespaces/"+name+"/pods", paged(t, name, n))
		for k := range n {
			want = append(want, fmt.Sprintf("%s/%03d", name, k))
		}
	}
	return want
}

func TestPagesAcrossProjectsAreTheWholeList(t *testing.T) {
	h := newHouse(t)
	want := manyPods(t, h, 3, 0, 12, 1, 1, 1, 5, 0, 0, 2, 7, 1, 0)
	for _, limit := range []int{1, 2, 3, 5, 7, 33, 34, 500} {
		var got, versions []string
		token := ""
		for {
			code, _, text := h.ask(t, "jane", "GET", fmt.Sprintf("/api/v1/pods?limit=%d&continue=%s", limit, token), "")
			list := read(t, text)
			if code != 200 || len(list.Items) > limit {
				t.Fatalf("limit %d: %d %s", limit, code, text)
			}
			for _, i := range list.Items {
				got = append(got, i.Metadata.Namespace+"/"+i.Metadata.Name)
			}
			versions = append(versions, list.Metadata.ResourceVersion)
			if token = list.Metadata.Continue; token == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
		if slices.Sort(versions); len(slices.Compact(versions)) != 1 || !strings.HasPrefix(versions[0], "77") {
			t.Errorf("limit %d: resource versions %q", limit, versions)
		}
	}
}

func TestAContinueTokenOfAnotherMomentOrPersonIsRefused(t *testing.T) {
	h := newHouse(t)
	manyPods(t, h, 3, 3)
	_, _, text := h.ask(t, "jane", "GET", "/api/v1/pods?limit=2", "")
	token := read(t, text).Metadata.Continue
	count := h.up.count()
	for path, want := range map[string]int{
		"/api/v1/pods?limit=2&resourceVersion=9&continue=" + token: 400,
		"/api/v1/pods?limit=2&continue=eyJ2IjoiNzcifQ":             400,
		"/api/v1/pods?limit=2&continue=%25":                        400,
		"/api/v1/pods?limit=x":                                     400,
		"/api/v1/pods?limit=-1":                                    400,
		"/api/v1/pods?continue=" + (&cursor{Version: "77", Mark: h.proxy.view(jane, "local").mark, Project: "gamma"}).token():             400,
		"/api/v1/pods?continue=" + (&cursor{Version: "77", Mark: h.proxy.view(jane, "elsewhere").mark[1:] + "x", Project: "p00"}).token(): 410,
	} {
		if code, _, text := h.ask(t, "jane", "GET", path, ""); code != want {
			t.Errorf("%s: %d, want %d: %s", path, code, want, text)
		}
	}
	if code, _, text := h.ask(t, "joe", "GET", "/api/v1/pods?limit=2&continue="+token, ""); code != 410 || status(t, text).Reason != metav1.StatusReasonExpired {
		t.Errorf("by another person: %d %s", code, text)
	}
	h.law.add("jane", "p01", "admin")
	if code, _, text := h.ask(t, "jane", "GET", "/api/v1/pods?limit=2&continue="+token, ""); code != 410 || status(t, text).Reason != metav1.StatusReasonExpired {
		t.Errorf("with another role: %d %s", code, text)
	}
	if h.up.count() != count {
		t.Error("something reached the upstream")
	}
}

func TestAListWithoutLimitComesWholeWhereAnyVersionWillDo(t *testing.T) {
	h := newHouse(t)
	manyPods(t, h, 3, 3)
	h.up.mux.HandleFunc("/api/v1/namespaces/other/pods", paged(t, "other", 1))
	h.law.roles["jane"] = map[string]string{"other": "viewer"}
	if code, _, text := h.ask(t, "jane", "GET", "/api/v1/pods?limit=1&resourceVersionMatch=Exact&resourceVersion=77"+h.proxy.view(jane, "local").mark, ""); code != 200 {
		t.Errorf("%d %s", code, text)
	}
	if got := h.up.last(t).uri; got != "/api/v1/namespaces/other/pods?limit=1&resourceVersion=77&resourceVersionMatch=Exact" {
		t.Errorf("sent on: %s", got)
	}
}

func TestPeopleWithTooManyProjectsNameANamespace(t *testing.T) {
	h := newHouse(t)
	mine := map[string]string{}
	for i := range maxProjects + 1 {
		mine[fmt.Sprintf("p%d", i)] = "viewer"
	}
	h.law.roles["jane"] = mine
	for _, path := range []string{"/api/v1/pods", "/api/v1/pods?watch=1"} {
		code, _, text := h.ask(t, "jane", "GET", path, "")
		if s := status(t, text); code != 413 || !strings.Contains(s.Message, "name a namespace") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	if h.up.count() != 0 {
		t.Error("something reached the upstream")
	}
}

var jane = access.Subject{Name: "jane", UID: "uid-jane", Via: access.ViaToken}

func TestNamespacesAreThoseOfThePersonsProjects(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/api/v1/namespaces", func(w http.ResponseWriter, r *http.Request) {
		row := func(name, uid string) string {
			return fmt.Sprintf(`{"metadata":{"name":%q,"labels":{"atoll.dev/project":%q}}}`, name, uid)
		}
		all := []string{row("alpha", "uid-alpha"), row("beta", "another"), row("gamma", "uid-gamma"), `{"metadata":{"name":"kube-system"}}`}
		if strings.Contains(r.Header.Get("Accept"), "as=Table") {
			for i := range all {
				all[i] = `{"cells":["x"],"object":` + all[i] + `}`
			}
			io.WriteString(w, `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"5"},"columnDefinitions":[{"name":"Name"}],"rows":[`+strings.Join(all, ",")+`]}`)
			return
		}
		io.WriteString(w, `{"kind":"NamespaceList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[`+strings.Join(all, ",")+`]}`)
	})
	code, _, text := h.ask(t, "jane", "GET", "/api/v1/namespaces?limit=500", "")
	if list := read(t, text); code != 200 || list.Kind != "NamespaceList" || len(list.Items) != 1 || list.Items[0].Metadata.Name != "alpha" {
		t.Errorf("%d %s", code, text)
	}
	got := h.up.last(t)
	if got.header.Get("Impersonate-User") != "atoll:jane" || !slices.Contains(got.header["Impersonate-Group"], GroupNamespaces) || got.uri != "/api/v1/namespaces" {
		t.Errorf("%s %v", got.uri, got.header)
	}
	code, _, text = h.ask(t, "jane", "GET", "/api/v1/namespaces?includeObject=None", "", "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	if list := read(t, text); code != 200 || list.Kind != "Table" || len(list.Rows) != 1 {
		t.Errorf("%d %s", code, text)
	}
	// Nobody but that one list has the group.
	h.ask(t, "jane", "GET", "/api/v1/namespaces/alpha", "")
	if slices.Contains(h.up.last(t).header["Impersonate-Group"], GroupNamespaces) {
		t.Error("another request has the group that reads namespaces")
	}
}
