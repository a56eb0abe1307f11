// Lines of one and of many containers, as a client gets them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const routes = "/clusters/local/projects/demo"

// read asks for lines and reads all of them.
func read(t *testing.T, extension *httptest.Server, query string) (all []line) {
	t.Helper()
	resp, err := http.Get(extension.URL + routes + "/logs?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		t.Fatalf("%d %s", resp.StatusCode, b)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("content type %q", got)
	}
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatalf("%q: %v", s.Text(), err)
		}
		all = append(all, l)
	}
	return all
}

// words are the texts of lines, notices in brackets.
func words(all []line) string {
	var s []string
	for _, l := range all {
		if l.Kind == kindNotice {
			s = append(s, "["+l.Line+"]")
			continue
		}
		s = append(s, l.Line)
	}
	return strings.Join(s, " ")
}

// follower reads a followed stream line by line.
type follower struct {
	t     *testing.T
	lines chan line
	stop  context.CancelFunc
}

func follow(t *testing.T, extension *httptest.Server, query string) *follower {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", extension.URL+routes+"/logs?follow=true&"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d", resp.StatusCode)
	}
	f := &follower{t, make(chan line, 1000), stop}
	t.Cleanup(stop)
	go func() {
		defer resp.Body.Close()
		defer close(f.lines)
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			var l line
			if json.Unmarshal(s.Bytes(), &l) == nil {
				f.lines <- l
			}
		}
	}()
	return f
}

// expect waits for a line (or notice) that contains a text.
func (f *follower) expect(text string) line {
	f.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case l, ok := <-f.lines:
			if !ok {
				f.t.Fatalf("the stream ended before %q", text)
			}
			if strings.Contains(l.Line, text) {
				return l
			}
		case <-timeout:
			f.t.Fatalf("%q did not come", text)
		}
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it did not come about", what)
		}
	}
}

func TestLinesOfManyContainersComeByTheirTimes(t *testing.T) {
	c, extension := newCluster(t)
	c.set(newPod("web-1", "app", "proxy"), "ADDED")
	c.set(newPod("web-2", "app"), "ADDED")
	c.logs["web-1/app"] = says(1, "a", 4, "d", 6, "f")
	c.logs["web-1/proxy"] = says(2, "b", 5, "e")
	c.logs["web-2/app"] = says(3, "c", 7, "g")
	if got := words(read(t, extension, "")); got != "a b c d e f g" {
		t.Errorf("got %s", got)
	}
	all := read(t, extension, "pod=web-1&container=proxy")
	if got := words(all); got != "b e" || all[0].Pod != "web-1" || all[0].Container != "proxy" || all[0].Time != "1970-01-01T00:00:02Z" {
		t.Errorf("got %s, %+v", got, all)
	}
	if all := read(t, extension, "pod=web-1&container=proxy&timestamps=false"); all[0].Time != "" {
		t.Errorf("a time that nobody asked for: %+v", all)
	}
}

func TestAWorkloadIsItsPods(t *testing.T) {
	c, extension := newCluster(t)
	for _, p := range []string{"web-1", "web-2", "cart-1"} {
		c.set(newPod(p, "app"), "ADDED")
		c.logs[p+"/app"] = says(int(p[len(p)-1]), p)
	}
	if got := words(read(t, extension, "gvr=apps/v1/deployments&name=web")); got != "web-1 web-2" {
		t.Errorf("got %s", got)
	}
	if got := words(read(t, extension, "gvr=apps/v1/deployments&name=web&pod=web-2")); got != "web-2" {
		t.Errorf("got %s", got)
	}
	if got := words(read(t, extension, "gvr=v1/pods&name=cart-1")); got != "cart-1" {
		t.Errorf("got %s", got)
	}
}

func TestLinesAreFilteredByTextAndByExpression(t *testing.T) {
	c, extension := newCluster(t)
	c.set(newPod("web-1", "app"), "ADDED")
	c.logs["web-1/app"] = says(1, "Order.7 paid", 2, "order 8 refused", 3, "ORDER 9 paid")
	for query, want := range map[string]string{
		"text=order":                         "Order.7 paid order 8 refused ORDER 9 paid",
		"text=order&case=true":               "order 8 refused",
		"text=order.7":                       "Order.7 paid",
		"text=order.%5B89%5D&regex=true":     "order 8 refused ORDER 9 paid",
		"text=%5EORDER&regex=true&case=true": "ORDER 9 paid",
		"text=paid%7Crefused&regex=true":     "Order.7 paid order 8 refused ORDER 9 paid",
		"text=nothing":                       "",
		"text=" + strings.Repeat("(a*)*b", 50) + "&regex=true": "",
	} {
		if got := words(read(t, extension, query)); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

func TestSinceTailAndPreviousReachKubernetes(t *testing.T) {
	c, extension := newCluster(t)
	p := newPod("web-1", "app")
	p.Status.ContainerStatuses[0].RestartCount = 2
	c.set(p, "ADDED")
	c.logs["web-1/app"] = says(1, "x")
	read(t, extension, "since=90s&tail=7")
	read(t, extension, "previous=true&since=30m&tail=500")
	read(t, extension, "")
	want := []string{
		"web-1?container=app&sinceSeconds=90&tailLines=7&timestamps=true",
		"web-1?container=app&previous=true&tailLines=500&timestamps=true",
		"web-1?container=app&tailLines=500&timestamps=true",
	}
	if fmt.Sprint(c.asked) != fmt.Sprint(want) {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(c.asked, "\n"), strings.Join(want, "\n"))
	}
	c.set(newPod("new-1", "app"), "ADDED")
	if got := words(read(t, extension, "previous=true&pod=new-1")); got != "[it has no previous run]" {
		t.Errorf("got %s", got)
	}
}

func TestWhatCannotBeReadIsANoticeAndTheRestGoesOn(t *testing.T) {
	c, extension := newCluster(t)
	c.set(newPod("web-1", "app"), "ADDED")
	c.set(newPod("web-2", "app"), "ADDED")
	c.set(newPod("web-3", "app"), "ADDED")
	waiting := newPod("web-4", "app")
	waiting.Status.ContainerStatuses[0] = containerStatus{Name: "app"}
	waiting.Status.ContainerStatuses[0].State.Waiting = &struct {
		Reason string `json:"reason"`
	}{"ImagePullBackOff"}
	c.set(waiting, "ADDED")
	c.logs["web-1/app"] = says(1, "fine")
	c.logs["web-3/app"] = says(1, "secret")
	c.forbid = func(path string) string {
		if strings.Contains(path, "web-3/log") {
			return "pods/log is forbidden"
		}
		return ""
	}
	all := read(t, extension, "")
	got := map[string]string{}
	for _, l := range all {
		got[l.Pod] = words([]line{l})
	}
	for pod, want := range map[string]string{
		"web-1": "fine", "web-2": "[its log cannot be read: container app is waiting to start]",
		"web-3": "[its log may not be read: pods/log is forbidden]", "web-4": "[it is not running: ImagePullBackOff]",
	} {
		if got[pod] != want {
			t.Errorf("%s: %q, want %q", pod, got[pod], want)
		}
	}
	if got := words(read(t, extension, "pod=absent")); got != "[there is no pod absent]" {
		t.Errorf("got %s", got)
	}
}

func TestTooManyPodsAreSaidAndNotRead(t *testing.T) {
	c, extension := newCluster(t)
	for i := range maxPods + 5 {
		name := fmt.Sprintf("web-%d", i)
		c.set(newPod(name, "app"), "ADDED")
		c.logs[name+"/app"] = says(i, "x")
	}
	all := read(t, extension, "")
	notices := 0
	for _, l := range all {
		if l.Kind == kindNotice {
			notices++
			if !strings.Contains(l.Line, "more than 50 pods") {
				t.Errorf("%q", l.Line)
			}
		}
	}
	if notices != 1 || len(all) != maxPods+1 {
		t.Errorf("%d lines, %d notices", len(all), notices)
	}
}

func TestFollowedLinesArriveAsTheyAreWritten(t *testing.T) {
	c, extension := newCluster(t)
	c.set(newPod("web-1", "app"), "ADDED")
	c.set(newPod("web-2", "quiet"), "ADDED")
	written := make(chan string)
	c.logs["web-1/app"] = growing(written)
	c.logs["web-2/quiet"] = growing(make(chan string))
	f := follow(t, extension, "")
	for i := range 3 {
		written <- fmt.Sprintf("line %d", i)
		if l := f.expect(fmt.Sprintf("line %d", i)); l.Pod != "web-1" || l.Time == "" {
			t.Errorf("%+v", l)
		}
	}
}

func TestPodsAndContainersThatComeAreFollowed(t *testing.T) {
	c, extension := newCluster(t)
	one, two, again := make(chan string), make(chan string), make(chan string)
	c.set(newPod("web-1", "app"), "ADDED")
	c.logs["web-1/app"] = growing(one)
	f := follow(t, extension, "gvr=apps/v1/deployments&name=web")
	one <- "one"
	f.expect("one")
	eventually(t, "pods are watched", func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.watchers) == 1 })

	c.mu.Lock()
	c.logs["web-2/app"], c.logs["cart-1/app"] = growing(two), says(1, "of another workload")
	c.mu.Unlock()
	c.set(newPod("cart-1", "app"), "ADDED")
	c.set(newPod("web-2", "app"), "ADDED")
	two <- "two"
	if l := f.expect("two"); l.Pod != "web-2" {
		t.Errorf("%+v", l)
	}

	// The first container ends, and is started again.
	c.mu.Lock()
	c.logs["web-1/app"] = growing(again)
	c.mu.Unlock()
	p := newPod("web-1", "app")
	p.Status.ContainerStatuses[0].ContainerID = "run-2-app"
	p.Status.ContainerStatuses[0].LastState.Terminated = &struct {
		Reason   string `json:"reason"`
		ExitCode int    `json:"exitCode"`
		Finished string `json:"finishedAt"`
	}{Reason: "Error", ExitCode: 3}
	c.set(p, "MODIFIED") // the news comes before the end of the log
	close(one)
	if l := f.expect("started again"); !strings.Contains(l.Line, "exit code 3") || l.Kind != kindNotice {
		t.Errorf("%+v", l)
	}
	again <- "three"
	f.expect("three")

	c.set(p, "DELETED")
	f.expect("the pod was deleted")
}

func TestALogThatBreaksOffIsOpenedAgainWithoutRepeating(t *testing.T) {
	c, extension := newCluster(t)
	c.set(newPod("web-1", "app"), "ADDED")
	first := make(chan string)
	c.logs["web-1/app"] = growing(first)
	f := follow(t, extension, "pod=web-1")
	first <- "before"
	at := f.expect("before").Time
	c.mu.Lock()
	c.logs["web-1/app"] = func(w io.Writer, r *http.Request) {
		fmt.Fprintf(w, "%s before\n%s after\n", at, time.Now().UTC().Format(time.RFC3339Nano))
		http.NewResponseController(w.(http.ResponseWriter)).Flush()
		<-r.Context().Done()
	}
	c.mu.Unlock()
	close(first)
	for l := range f.lines {
		if l.Line == "before" {
			t.Fatal("a line came twice")
		}
		if l.Line == "after" {
			return
		}
	}
	t.Fatal("the stream ended")
}

func TestAReaderThatLeavesEndsEveryStreamOfKubernetes(t *testing.T) {
	c, extension := newCluster(t)
	for i := range 3 {
		name := fmt.Sprintf("web-%d", i)
		c.set(newPod(name, "app"), "ADDED")
		c.logs[name+"/app"] = growing(make(chan string))
	}
	f := follow(t, extension, "")
	eventually(t, "all are read", func() bool { return c.reading.Load() == 3 })
	f.stop()
	eventually(t, "none is read", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.reading.Load() == 0 && len(c.watchers) == 0
	})
}

// stalled is a client that reads nothing.
type stalled struct {
	http.ResponseWriter
	release <-chan struct{}
}

func (s stalled) Write(p []byte) (int, error) {
	<-s.release
	return 0, io.ErrClosedPipe
}

func TestASlowReaderHoldsLittle(t *testing.T) {
	m := newMerger()
	in := m.add()
	in.open()
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.run(ctx, func(l []line) error {
			_, err := stalled{release: release}.Write(nil)
			return err
		})
	}()
	put, waited := 0, make(chan struct{})
	go func() {
		defer close(waited)
		for in.put(ctx, line{Line: strings.Repeat("x", 1000), at: time.Now()}) == nil {
			put++
		}
	}()
	// The writer is stuck; so, soon, is whoever puts.
	eventually(t, "the queue is full", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return in.bytes > queueBytes-1001 })
	cancel()
	close(release)
	<-waited
	<-ended
	if most := 2*queueBytes/1000 + 2; put > most {
		t.Errorf("%d lines were taken in for a client that reads nothing, at most %d may be", put, most)
	}
}

func TestQueriesThatCannotBeUnderstoodSayWhy(t *testing.T) {
	_, extension := newCluster(t)
	for query, want := range map[string]string{
		"pod=..%2Fsecrets":                          "no name of a pod",
		"container=A%20B":                           "no name of a container",
		"text=%28&regex=true":                       "missing closing )",
		"text=a&regex=maybe":                        "neither true nor false",
		"text=" + strings.Repeat("x", maxPattern+1): "longer than",
		"since=yesterday":                           "no duration",
		"since=-5m":                                 "no duration",
		"since=100000h":                             "no duration",
		"tail=-1":                                   "no number",
		"tail=1000000":                              "no number",
		"gvr=apps/v1/deployments":                   "belong together",
		"gvr=v1/secrets&name=a":                     "has no pods",
		"gvr=apps/v1/deployments&name=..":           "no name",
		"follow=2":                                  "neither",
		strings.Repeat("pod=a&", maxPods+1):         "more than the 50",
	} {
		resp, err := http.Get(extension.URL + routes + "/logs?" + query)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(b), want) {
			t.Errorf("%.60s: %d %s", query, resp.StatusCode, b)
		}
	}
}

func TestWhoMayNotListPodsIsTold(t *testing.T) {
	c, extension := newCluster(t)
	c.forbid = func(string) string { return `pods is forbidden: User "atoll:otto" cannot list` }
	for _, route := range []string{"/pods", "/logs", "/logs?follow=true"} {
		resp, err := http.Get(extension.URL + routes + route)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(b), "cannot list") || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", route, resp.StatusCode, b)
		}
	}
}

func TestPodsAreListedForThePickers(t *testing.T) {
	c, extension := newCluster(t)
	crashing := newPod("web-2", "app", "proxy")
	crashing.Status.ContainerStatuses[0].State = containerState{Waiting: &struct {
		Reason string `json:"reason"`
	}{"CrashLoopBackOff"}}
	crashing.Status.ContainerStatuses[0].RestartCount, crashing.Status.ContainerStatuses[0].Ready = 4, false
	c.set(crashing, "ADDED")
	c.set(newPod("web-1", "app"), "ADDED")
	resp, err := http.Get(extension.URL + routes + "/pods")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list podList
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(list.Names, list.Containers, list.Total) != "[web-1 web-2] [app proxy] 2" {
		t.Errorf("%+v", list)
	}
	if p := list.Items[1]; p.State != "CrashLoopBackOff" || p.Restarts != 4 || p.Ready != "1/2" {
		t.Errorf("%+v", p)
	}
}
