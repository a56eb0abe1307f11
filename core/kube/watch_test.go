// Watches that span projects.

package kube

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
)

// spring is the watch of one namespace: what is sent into it flows out.
type spring struct {
	begun chan string // the query of each watch
	ended chan struct{}
	line  chan string
}

// springs makes watches of these namespaces.
func springs(h *house, names ...string) map[string]*spring {
	all := map[string]*spring{}
	for _, name := range names {
		s := &spring{begun: make(chan string, 8), ended: make(chan struct{}, 8), line: make(chan string)}
		all[name] = s
		h.up.mux.HandleFunc("/api/v1/namespaces/"+name+"/pods", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			s.begun <- r.URL.RawQuery
			defer func() { s.ended <- struct{}{} }()
			for {
				select {
				case line, ok := <-s.line:
					if !ok {
						return
					}
					io.WriteString(w, line+"\n")
					w.(http.Flusher).Flush()
				case <-r.Context().Done():
					return
				}
			}
		})
	}
	return all
}

type event struct {
	Type   string
	Object struct {
		Kind     string
		Metadata struct {
			Name, Namespace, ResourceVersion string
			Annotations                      map[string]string
		}
		Reason metav1.StatusReason
		Code   int
	}
}

// stream is an open watch.
type stream struct {
	t     *testing.T
	code  int
	body  io.ReadCloser
	lines *bufio.Reader
}

func (h *house) watch(t *testing.T, person, path string) *stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/clusters/local"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Test-Person", person)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return &stream{t: t, code: res.StatusCode, body: res.Body, lines: bufio.NewReader(res.Body)}
}

func (s *stream) next() (e event) {
	s.t.Helper()
	line, err := s.lines.ReadString('\n')
	if err != nil {
		s.t.Fatalf("%q %v", line, err)
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		s.t.Fatalf("%v: %s", err, line)
	}
	return e
}

func pod(kind, namespace, name, version string) string {
	return fmt.Sprintf(`{"type":%q,"object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":%q,"namespace":%q,"resourceVersion":%q}}}`, kind, name, namespace, version)
}

func bookmark(version string) string {
	return fmt.Sprintf(`{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":%q,"creationTimestamp":null},"spec":{"containers":null}}}`, version)
}

// settle waits until what was sent into a spring has come through: nothing of
// it may be on its way to the client.
func (s *stream) settle(from map[string]*spring, name string) {
	s.t.Helper()
	from[name].line <- pod("MODIFIED", name, "settled", "1")
	if e := s.next(); e.Object.Metadata.Name != "settled" {
		s.t.Errorf("%+v came instead of nothing", e)
	}
}

func TestAWatchAcrossProjectsHasTheEventsOfEach(t *testing.T) {
	h := newHouse(t)
	from := springs(h, "alpha", "beta", "gamma")
	mark := h.proxy.view(jane, "local").mark
	s := h.watch(t, "jane", "/api/v1/pods?watch=1&labelSelector=a%3Db&allowWatchBookmarks=true&resourceVersion=77"+mark)
	for _, name := range []string{"alpha", "beta"} {
		if q := <-from[name].begun; !strings.Contains(q, "labelSelector=a%3Db&resourceVersion=77&timeoutSeconds=") {
			t.Errorf("%s: %s", name, q)
		}
	}
	for i, name := range []string{"beta", "alpha", "beta"} {
		from[name].line <- pod("ADDED", name, fmt.Sprint(i), fmt.Sprint(80+i))
		if e := s.next(); e.Type != "ADDED" || e.Object.Metadata.Namespace != name || e.Object.Metadata.Name != fmt.Sprint(i) {
			t.Errorf("%+v", e)
		}
	}
	// A bookmark is as old as the oldest part's.
	from["alpha"].line <- bookmark("95")
	s.settle(from, "alpha")
	from["beta"].line <- bookmark("100")
	if e := s.next(); e.Type != "BOOKMARK" || e.Object.Kind != "Pod" || e.Object.Metadata.ResourceVersion != "95"+mark {
		t.Errorf("%+v", e)
	}
	from["beta"].line <- bookmark("101") // alpha has not come further: nothing to tell
	s.settle(from, "beta")
	from["alpha"].line <- bookmark("102")
	if e := s.next(); e.Object.Metadata.ResourceVersion != "101"+mark {
		t.Errorf("%+v", e)
	}
	if len(from["gamma"].begun) != 0 {
		t.Error("another's project is watched")
	}
	// The end of a part is the end of the whole, and a proper one.
	close(from["alpha"].line)
	if rest, err := io.ReadAll(s.lines); err != nil || len(rest) != 0 {
		t.Errorf("%q %v", rest, err)
	}
	<-from["beta"].ended
	await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 && h.proxy.watches.all == 0 })
}

func TestWatchesOfWhatWasNotListedExpire(t *testing.T) {
	h := newHouse(t)
	mark := h.proxy.view(jane, "local").mark
	other := h.proxy.view(access.Subject{Name: "joe", UID: "uid-joe"}, "local").mark
	for _, query := range []string{"resourceVersion=77", "resourceVersion=77" + other, "resourceVersion=x" + mark} {
		s := h.watch(t, "jane", "/api/v1/pods?watch=1&"+query)
		text, _ := io.ReadAll(s.body)
		if s.code != http.StatusGone || status(t, string(text)).Reason != metav1.StatusReasonExpired {
			t.Errorf("%s: %d %s", query, s.code, text)
		}
	}
	if h.up.count() != 0 {
		t.Error("something reached the upstream")
	}
}

func TestAProjectMoreOrLessEndsAWatchAsExpired(t *testing.T) {
	for what, change := range map[string]func(*people){
		"gained":       func(l *people) { l.add("jane", "gamma", "viewer") },
		"lost":         func(l *people) { l.remove("jane", "beta") },
		"another role": func(l *people) { l.add("jane", "beta", "admin") },
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			from := springs(h, "alpha", "beta")
			s := h.watch(t, "jane", "/api/v1/watch/pods")
			<-from["alpha"].begun
			<-from["beta"].begun
			change(h.law)
			if e := s.next(); e.Type != "ERROR" || e.Object.Code != http.StatusGone || e.Object.Reason != metav1.StatusReasonExpired {
				t.Errorf("%+v", e)
			}
			if rest, err := io.ReadAll(s.lines); err != nil || len(rest) != 0 {
				t.Errorf("%q %v", rest, err)
			}
			<-from["alpha"].ended
			<-from["beta"].ended
			await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
		})
	}
}

func TestAChangeElsewhereEndsNoWatch(t *testing.T) {
	h := newHouse(t)
	from := springs(h, "alpha", "beta")
	s := h.watch(t, "jane", "/api/v1/pods?watch=1")
	<-from["alpha"].begun
	<-from["beta"].begun
	h.law.remove("joe", "gamma")
	h.proxy.Recheck()
	from["alpha"].line <- pod("ADDED", "alpha", "x", "5")
	if e := s.next(); e.Type != "ADDED" {
		t.Errorf("%+v", e)
	}
}

func TestASignedOutPersonsWatchIsCut(t *testing.T) {
	h := newHouse(t)
	from := springs(h, "alpha", "beta")
	s := h.watch(t, "jane", "/api/v1/pods?watch=1")
	<-from["alpha"].begun
	<-from["beta"].begun
	h.law.remove("jane", "alpha")
	h.law.remove("jane", "beta")
	<-from["alpha"].ended
	<-from["beta"].ended
	if _, err := io.ReadAll(s.body); err != nil {
		t.Logf("cut: %v", err) // or told that it expired: either ends it
	}
	await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
}

func TestInitialEventsEndWhenThoseOfEachProjectHave(t *testing.T) {
	h := newHouse(t)
	from := springs(h, "alpha", "beta")
	mark := h.proxy.view(jane, "local").mark
	s := h.watch(t, "jane", "/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=70")
	if q := <-from["alpha"].begun; !strings.Contains(q, "resourceVersion=70&resourceVersionMatch=NotOlderThan&sendInitialEvents=true") {
		t.Error(q)
	}
	<-from["beta"].begun
	ends := func(version string) string {
		return fmt.Sprintf(`{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":%q,"annotations":{"k8s.io/initial-events-end":"true"}}}}`, version)
	}
	from["alpha"].line <- pod("ADDED", "alpha", "a", "5")
	s.next()
	from["alpha"].line <- ends("90")
	from["alpha"].line <- bookmark("91")
	s.settle(from, "alpha")
	from["beta"].line <- bookmark("80") // before its initial events have ended
	from["beta"].line <- pod("ADDED", "beta", "b", "6")
	if e := s.next(); e.Object.Metadata.Name != "b" {
		t.Errorf("%+v", e)
	}
	from["beta"].line <- ends("92")
	if e := s.next(); e.Object.Metadata.Annotations["k8s.io/initial-events-end"] != "true" || e.Object.Metadata.ResourceVersion != "91"+mark {
		t.Errorf("%+v", e)
	}
	from["alpha"].line <- bookmark("99")
	if e := s.next(); e.Object.Metadata.Annotations != nil || e.Object.Metadata.ResourceVersion != "92"+mark {
		t.Errorf("%+v", e)
	}
}

func TestSomebodyWithoutProjectsWatchesNothing(t *testing.T) {
	h := newHouse(t)
	h.law.roles["new"] = map[string]string{}
	s := h.watch(t, "new", "/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
	if e := s.next(); e.Type != "BOOKMARK" || e.Object.Kind != "Pod" || e.Object.Metadata.Annotations["k8s.io/initial-events-end"] != "true" {
		t.Errorf("%+v", e)
	}
	h.law.add("new", "alpha", "viewer")
	if e := s.next(); e.Type != "ERROR" || e.Object.Code != http.StatusGone {
		t.Errorf("%+v", e)
	}
}

func TestProjectsThatMayNotBeWatchedAreLeftOut(t *testing.T) {
	h := newHouse(t)
	from := springs(h, "alpha")
	h.up.mux.HandleFunc("/api/v1/namespaces/beta/pods", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 403) })
	s := h.watch(t, "jane", "/api/v1/pods?watch=1")
	from["alpha"].line <- pod("ADDED", "alpha", "x", "5")
	if e := s.next(); e.Type != "ADDED" {
		t.Errorf("%+v", e)
	}
	h.law.remove("jane", "alpha")
	if code, _, text := h.ask(t, "jane", "GET", "/api/v1/pods?watch=1", ""); code != 403 || status(t, text).Reason != metav1.StatusReasonForbidden {
		t.Errorf("none left: %d %s", code, text)
	}
}

func TestAPartThatFailsFailsTheWhole(t *testing.T) {
	h := newHouse(t)
	from := springs(h, "alpha")
	h.up.mux.HandleFunc("/api/v1/namespaces/beta/pods", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(429)
		io.WriteString(w, `{"kind":"Status","status":"Failure","reason":"TooManyRequests","message":"later","code":429}`)
	})
	if code, _, text := h.ask(t, "jane", "GET", "/api/v1/pods?watch=1", ""); code != 429 || status(t, text).Message != "later" {
		t.Errorf("%d %s", code, text)
	}
	<-from["alpha"].ended
	await(t, "nothing is in flight", func() bool { return h.proxy.InFlight() == 0 })
}

func TestAPartThatIsCutCutsTheWhole(t *testing.T) {
	h := newHouse(t)
	from := springs(h, "alpha")
	h.up.mux.HandleFunc("/api/v1/namespaces/beta/pods", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"type":"ADD`)
		w.(http.Flusher).Flush()
		<-from["alpha"].begun
		panic(http.ErrAbortHandler)
	})
	s := h.watch(t, "jane", "/api/v1/pods?watch=1")
	if rest, err := io.ReadAll(s.lines); err == nil || len(rest) != 0 {
		t.Errorf("%q %v: half an event, or an end that looks proper", rest, err)
	}
}

func TestOnePersonWatchesSoManyProjects(t *testing.T) {
	var w watches
	give, f := w.take("jane", maxWatchesPerson)
	if f != nil {
		t.Fatal(f)
	}
	if _, f := w.take("jane", 1); f == nil || f.code != http.StatusTooManyRequests || f.response().Header.Get("Retry-After") == "" {
		t.Errorf("%+v", f)
	}
	if _, f := w.take("joe", 1); f != nil {
		t.Error(f)
	}
	give()
	if _, f := w.take("jane", 1); f != nil {
		t.Error(f)
	}
}

func TestTheWatchOfNamespacesShowsThePersonsProjects(t *testing.T) {
	h := newHouse(t)
	lines := h.up.says("/api/v1/namespaces")
	defer close(lines)
	mark := h.proxy.view(jane, "local").mark
	s := h.watch(t, "jane", "/api/v1/namespaces?watch=1&allowWatchBookmarks=1&resourceVersion=5"+mark)
	namespace := func(name, uid string) string {
		return fmt.Sprintf(`{"type":"MODIFIED","object":{"kind":"Namespace","apiVersion":"v1","metadata":{"name":%q,"labels":{"atoll.dev/project":%q}}}}`, name, uid)
	}
	for _, foreign := range []string{namespace("gamma", "uid-gamma"), namespace("alpha", "older"), `{"type":"ADDED","object":{"kind":"Namespace","metadata":{"name":"kube-system"}}}`,
		`{"type":"ADDED","object":{"kind":"Table","rows":[{"cells":["x"],"object":{"metadata":{"name":"kube-system"}}}]}}`, `{"type":"ADDED"}`} {
		lines <- foreign
	}
	lines <- namespace("beta", "uid-beta")
	if e := s.next(); e.Object.Metadata.Name != "beta" {
		t.Errorf("%+v", e)
	}
	lines <- `{"type":"ADDED","object":{"kind":"Table","rows":[{"cells":["x"],"object":{"metadata":{"name":"alpha","labels":{"atoll.dev/project":"uid-alpha"}}}}]}}`
	if e := s.next(); e.Object.Kind != "Table" {
		t.Errorf("%+v", e)
	}
	lines <- bookmark("9")
	if e := s.next(); e.Object.Metadata.ResourceVersion != "9"+mark {
		t.Errorf("%+v", e)
	}
	h.law.add("jane", "gamma", "viewer")
	if e := s.next(); e.Type != "ERROR" || e.Object.Code != http.StatusGone {
		t.Errorf("%+v", e)
	}
}

func TestAClientThatDoesNotReadHoldsNoWatch(t *testing.T) {
	in, out := io.Pipe()
	j := &joint{out: out}
	writing, written := make(chan struct{}), make(chan error)
	j.mu.Lock()
	go func() { // as send does, to a client that does not read
		defer j.mu.Unlock()
		close(writing)
		_, err := out.Write([]byte("an event"))
		written <- err
	}()
	<-writing
	go j.end(errProjectsChanged)
	if err := <-written; err == nil {
		t.Error("nobody has read what was written")
	}
	if _, err := io.ReadAll(in); !errors.Is(err, errProjectsChanged) {
		t.Errorf("the end looks proper: %v", err)
	}
}
