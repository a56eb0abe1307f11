// Lists that span projects.

package kube

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type anyList struct {
	Kind, APIVersion string
	Metadata         struct{ ResourceVersion string }
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
	code, _, text := h.ask(t, "jane", "GET", "/api/v1/pods?limit=1&labelSelector=a%3Db", "", "Accept", "application/vnd.kubernetes.protobuf,application/json")
	list := read(t, text)
	var names []string
	for _, i := range list.Items {
		names = append(names, i.Metadata.Namespace+"/"+i.Metadata.Name)
	}
	if code != 200 || list.Kind != "PodList" || list.APIVersion != "v1" || list.Metadata.ResourceVersion != "77" ||
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

func TestWatchesAcrossProjectsSayToNameANamespace(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/api/v1/pods?watch=true", "/api/v1/watch/pods", "/api/v1/namespaces?watch=1"} {
		code, _, text := h.ask(t, "jane", "GET", path, "")
		if s := status(t, text); code != http.StatusForbidden || !strings.Contains(s.Message, "name a namespace") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	if h.up.count() != 0 {
		t.Error("something reached the upstream")
	}
}

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
