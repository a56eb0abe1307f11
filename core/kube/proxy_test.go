// The proxy against an upstream that says what it was asked.

package kube

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

func status(t *testing.T, text string) metav1.Status {
	t.Helper()
	var s metav1.Status
	if err := json.Unmarshal([]byte(text), &s); err != nil || s.Kind != "Status" || s.APIVersion != "v1" || s.Message == "" || s.Reason == "" {
		t.Fatalf("not a Status of Kubernetes: %v: %s", err, text)
	}
	return s
}

func TestRequestsGoOutAsThePersonWithTheGroupsOfTheirScope(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	for _, c := range []struct {
		person, method, path, body string
		groups                     []string
	}{
		{"jane", "GET", "/api/v1/namespaces/alpha/pods/x", "", []string{"atoll:platform:member", "atoll:project:uid-alpha:admin"}},
		{"jane", "GET", "/api/v1/namespaces/beta", "", []string{"atoll:platform:member", "atoll:project:uid-beta:viewer"}},
		{"jane", "GET", "/api/v1/namespaces/gamma/pods", "", []string{"atoll:platform:member"}},
		{"jane", "GET", "/apis/storage.k8s.io/v1/storageclasses/fast", "", []string{"atoll:platform:member"}},
		{"jane", "GET", "/api/v1/nodes", "", []string{"atoll:platform:member"}},
		{"jane", "GET", "/openapi/v2", "", nil},
		{"nobody", "GET", "/api", "", nil},
		{"nobody", "GET", "/version", "", nil},
		{"root", "GET", "/api/v1/pods", "", []string{"atoll:platform:admin", "atoll:platform:member"}},
		{"jane", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", `{"spec":{"resourceAttributes":{"namespace":"alpha","verb":"get","resource":"pods"}}}`,
			[]string{"atoll:platform:member", "atoll:project:uid-alpha:admin"}},
		{"jane", "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", `{"spec":{"namespace":"beta"}}`,
			[]string{"atoll:platform:member", "atoll:project:uid-beta:viewer"}},
		{"nobody", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", `{"spec":{"resourceAttributes":{"namespace":"alpha"}}}`, nil},
	} {
		code, _, text := h.ask(t, c.person, c.method, c.path, c.body, "Impersonate-User", "system:admin", "Impersonate-Group", "system:masters",
			"Impersonate-Extra-Scopes", "all", "Authorization", "Bearer mine", "Cookie", "a=b", "X-Remote-User", "root")
		if code != http.StatusOK {
			t.Errorf("%s %s: %d %s", c.person, c.path, code, text)
			continue
		}
		got := h.up.last(t)
		if got.uri != c.path || got.method != c.method || got.body != c.body {
			t.Errorf("%s %s %s arrived as %s %s %s", c.method, c.path, c.body, got.method, got.uri, got.body)
		}
		var who []string
		for name, values := range got.header {
			if strings.HasPrefix(name, "Impersonate-") || strings.HasPrefix(name, "X-Remote") || name == "Cookie" || name == "Authorization" {
				for _, v := range values {
					who = append(who, name+"="+v)
				}
			}
		}
		want := []string{"Authorization=Bearer platform-token", "Impersonate-User=atoll:" + c.person, "Impersonate-Extra-Atoll.dev%2fuid=uid-" + c.person}
		for _, g := range c.groups {
			want = append(want, "Impersonate-Group="+g)
		}
		slices.Sort(who)
		slices.Sort(want)
		if !slices.Equal(who, want) {
			t.Errorf("%s %s:\n got %q\nwant %q", c.person, c.path, who, want)
		}
	}
}

func TestWhoHasNoRoleGetsDiscoveryEmptyListsAndNothingElse(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"secret":"leaked"}`) })
	table := "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
	for _, c := range []struct{ path, accept, kind, apiVersion string }{
		{"/api/v1/pods", "application/json", "PodList", "v1"},
		{"/api/v1/pods?limit=500", table, "Table", "meta.k8s.io/v1"},
		{"/api/v1/namespaces", "application/json", "NamespaceList", "v1"},
		{"/api/v1/namespaces", table, "Table", "meta.k8s.io/v1"},
		{"/api/v1/secrets", "application/vnd.kubernetes.protobuf,application/json", "SecretList", "v1"},
		{"/api/v1/secrets", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "PartialObjectMetadataList", "meta.k8s.io/v1"},
	} {
		code, _, text := h.ask(t, "nobody", "GET", c.path, "", "Accept", c.accept)
		var list struct {
			Kind, APIVersion string
			Items, Rows      *[]any
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil || code != 200 || list.Kind != c.kind || list.APIVersion != c.apiVersion {
			t.Errorf("%s: %d %s", c.path, code, text)
		}
		if elements := list.Items; c.kind == "Table" && (list.Rows == nil || len(*list.Rows) != 0) || c.kind != "Table" && (elements == nil || len(*elements) != 0) {
			t.Errorf("%s: not an empty list: %s", c.path, text)
		}
	}
	for _, path := range []string{
		"/api/v1/namespaces/alpha/pods", "/api/v1/namespaces/alpha", "/api/v1/nodes", "/api/v1/namespaces/alpha/secrets/x", "/metrics", "/", "/logs/",
		"/api/v1/pods?watch=true", "/api/v1/watch/pods", "/apis/nothing.example/v1/things", "/api/v1/namespaces/alpha/pods/x/exec?command=id",
	} {
		code, _, text := h.ask(t, "nobody", "GET", path, "")
		if s := status(t, text); code != http.StatusForbidden || s.Code != 403 || s.Reason != metav1.StatusReasonForbidden {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	for _, c := range []string{"POST /api/v1/namespaces", "POST /api/v1/namespaces/alpha/pods", "DELETE /api/v1/pods", "PUT /api/v1/namespaces/alpha", "PATCH /api/v1/nodes/n"} {
		method, path, _ := strings.Cut(c, " ")
		if code, _, text := h.ask(t, "nobody", method, path, "{}"); code != http.StatusForbidden {
			t.Errorf("%s: %d %s", c, code, text)
		}
	}
	if n := h.up.count(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
}

func TestPathsThatAreNotCanonicalNeverReachTheUpstream(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/api/v1/namespaces/alpha%2f..%2fgamma/pods", "/api//v1/pods", "/api/v1/namespaces/alpha/../gamma/pods", "/api/v1/namespaces/..;/gamma/pods", "/api/v1/namespaces/%2e%2e/pods"} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /clusters/local%s HTTP/1.1\r\nHost: x\r\nX-Test-Person: root\r\nConnection: close\r\n\r\n", path)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		conn.Close()
		if s := status(t, string(text)); res.StatusCode != http.StatusBadRequest || s.Reason != metav1.StatusReasonBadRequest {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
	if n := h.up.count(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
}

func TestBackendsAreNeverReachedWithACookie(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<script>") })
	for _, path := range []string{
		"/api/v1/namespaces/alpha/services/web/proxy/", "/api/v1/namespaces/alpha/pods/p:80/proxy/a/b", "/api/v1/nodes/n/proxy/metrics",
		"/api/v1/proxy/namespaces/alpha/services/web/", "/api/v1/namespaces/alpha/services/https:web:443/proxy",
	} {
		for _, via := range []string{"session", "anything"} {
			if code, _, text := h.ask(t, "root", "GET", path, "", "X-Test-Via", via); code != http.StatusForbidden || h.up.count() != 0 {
				t.Errorf("%s by %s: %d %s", path, via, code, text)
			}
		}
	}
	if code, _, _ := h.ask(t, "root", "GET", "/api/v1/namespaces/alpha/services/web/proxy/", ""); code != http.StatusOK {
		t.Errorf("with a token: %d", code)
	}
}

func TestTokensForReadingOnlyRead(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	for request, want := range map[string]int{
		"GET /api/v1/namespaces/alpha/pods/x": 200, "POST /api/v1/namespaces/alpha/pods": 403, "DELETE /api/v1/namespaces/alpha/pods/x": 403,
		"GET /api/v1/namespaces/alpha/pods/x/exec": 403, "POST /api/v1/namespaces/alpha/pods/x/exec": 403, "GET /api/v1/namespaces/alpha/pods/x/portforward": 403,
		"GET /api/v1/namespaces/alpha/services/x/proxy/": 403, "PATCH /api/v1/namespaces/alpha/pods/x": 403, "GET /api/v1/namespaces/alpha/pods/x/log": 200,
	} {
		method, path, _ := strings.Cut(request, " ")
		if code, _, text := h.ask(t, "root", method, path, "", "X-Test-Read-Only", "1"); code != want {
			t.Errorf("%s: %d, want %d: %s", request, code, want, text)
		}
	}
	if code, _, text := h.ask(t, "root", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "{}", "X-Test-Read-Only", "1"); code != 200 {
		t.Errorf("may I: %d %s", code, text)
	}
}

func TestReviewsThatCannotBeReadAreRefused(t *testing.T) {
	h := newHouse(t)
	const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
	for _, c := range []struct {
		body, kind string
		want       int
	}{
		{"{", "application/json", 400}, {`{"spec":"` + strings.Repeat("a", maxReview) + `"}`, "application/json", 413},
		{"x", "application/cbor", 415}, {"not protobuf", "application/vnd.kubernetes.protobuf", 400}, {"k8s\x00\xff\xff", "application/vnd.kubernetes.protobuf", 400},
	} {
		code, _, text := h.ask(t, "jane", "POST", path, c.body, "Content-Type", c.kind)
		if status(t, text); code != c.want {
			t.Errorf("%.20q as %s: %d, want %d", c.body, c.kind, code, c.want)
		}
	}
	if n := h.up.count(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
}

func TestAClusterThatIsDownIsSaidSo(t *testing.T) {
	h := newHouse(t)
	h.up.Close()
	code, _, text := h.ask(t, "root", "GET", "/api/v1/nodes", "")
	if s := status(t, text); code != http.StatusServiceUnavailable || !strings.Contains(s.Message, `"local" does not answer`) {
		t.Errorf("%d %s", code, text)
	}
	await(t, "the cluster is unreachable", func() bool { return h.registry.List()[0].Phase == PhaseUnreachable })
}

func TestUnknownClustersAreNotFound(t *testing.T) {
	h := newHouse(t)
	req := &http.Request{Method: "GET", URL: &url.URL{Path: "/api/v1/pods"}, Header: http.Header{}}
	res, err := h.proxy.RoundTrip(t.Context(), access.Subject{Name: "root"}, "elsewhere", req, Via{})
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Fatalf("%v %v", res, err)
	}
}

func TestRoundTripObeysTheSameLaw(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	ask := func(person, path string) *http.Response {
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		req := &http.Request{Method: "GET", URL: u, Header: http.Header{"impersonate-user": {"system:admin"}}}
		res, err := h.proxy.RoundTrip(t.Context(), access.Subject{Name: person, UID: "u", Via: access.ViaToken}, "local", req, Via{Extension: "logging", Version: "1.0.0"})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	if res := ask("nobody", "/api/v1/namespaces/alpha/pods"); res.StatusCode != http.StatusForbidden {
		t.Errorf("no role: %d", res.StatusCode)
	}
	if res := ask("jane", "/api/v1/namespaces/alpha%2F..%2Fgamma/pods"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("path: %d", res.StatusCode)
	}
	if res := ask("jane", "/api/v1/namespaces/alpha/pods"); res.StatusCode != http.StatusOK {
		t.Fatalf("pods: %d", res.StatusCode)
	}
	got := h.up.last(t).header
	if got.Get("Impersonate-User") != "atoll:jane" || got["Impersonate-Extra-Atoll.dev%2fextension"][0] != "logging" {
		t.Errorf("%v", got)
	}
}

func TestAnOrdinaryAnswerThatIsCutShortSaysWhyInstead(t *testing.T) {
	h := newHouse(t)
	begun := make(chan struct{})
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/web", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"kind":`)
		w.(http.Flusher).Flush()
		close(begun)
		<-r.Context().Done()
	})
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/broken", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"kind":`)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	go func() {
		<-begun
		h.law.remove("jane", "alpha")
	}()
	code, _, text := h.ask(t, "jane", "GET", "/api/v1/namespaces/alpha/pods/web", "")
	if s := status(t, text); code != http.StatusForbidden || !strings.Contains(s.Message, errRightLost.Error()) {
		t.Errorf("the right was lost: %d %s", code, text)
	}
	h.law.add("jane", "alpha", "project-viewer")
	code, _, text = h.ask(t, "jane", "GET", "/api/v1/namespaces/alpha/pods/broken", "")
	if s := status(t, text); code != http.StatusServiceUnavailable || !strings.Contains(s.Message, `"local"`) {
		t.Errorf("the API server broke off: %d %s", code, text)
	}
	await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
}

func TestAnswersArriveWhole(t *testing.T) {
	h := newHouse(t)
	for _, size := range []int{0, 1, 4000, 32 << 10, 32<<10 + 1, 1 << 20} {
		path := fmt.Sprintf("/api/v1/namespaces/alpha/configmaps/c%d", size)
		want := strings.Repeat("y", size)
		h.up.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < size; i += 1000 { // in chunks, as an API server does
				io.WriteString(w, want[i:min(i+1000, size)])
				w.(http.Flusher).Flush()
			}
		})
		code, header, got := h.ask(t, "jane", "GET", path, "")
		if code != 200 || got != want {
			t.Errorf("%d bytes: %d, %d arrived", size, code, len(got))
		}
		if length := header.Get("Content-Length"); size < 32<<10 && length != fmt.Sprint(size) {
			t.Errorf("%d bytes: length %q", size, length)
		}
		if code, _, got := h.ask(t, "jane", "HEAD", path, ""); code != 200 || got != "" {
			t.Errorf("HEAD: %d %q", code, got)
		}
	}
}

func TestABodyThatCannotBeReadIsTheClientsFault(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /clusters/local/api/v1/namespaces/alpha/configmaps HTTP/1.1\r\nHost: x\r\nX-Test-Person: jane\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if s := status(t, string(text)); res.StatusCode != http.StatusBadRequest || !strings.Contains(s.Message, "body") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestARequestThatIsTooLargeIsSaidSo(t *testing.T) {
	h := newHouse(t)
	h.up.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/clusters/local/api/v1/namespaces/alpha/configmaps", strings.NewReader(strings.Repeat("x", 2000)))
	r.Body = http.MaxBytesReader(w, r.Body, 1000)
	h.proxy.ServeHTTP(w, r, access.Subject{Name: "jane", UID: "uid-jane", Via: access.ViaToken}, "local", "/api/v1/namespaces/alpha/configmaps")
	if s := status(t, w.Body.String()); w.Code != http.StatusRequestEntityTooLarge || s.Code != 413 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if s := h.registry.List()[0]; s.Phase != PhaseReady {
		t.Errorf("a client's fault made the cluster %s", s.Phase)
	}
}
