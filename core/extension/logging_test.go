// The shipped extension logging through the real host and sandbox: many people,
// one instance; readers that leave, and readers that do not read. Kubernetes is a
// stand-in whose log streams are counted.
package extension

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/store"
)

// loggingCluster has one pod with one container in each namespace.
type loggingCluster struct {
	open   atomic.Int64 // log streams
	served atomic.Int64 // bytes of logs that were read
	flood  atomic.Bool  // a log without end, as fast as it is read
	mu     sync.Mutex
	logs   map[*logStream]struct{}
}

// logStream is the body of one followed log.
type logStream struct {
	cluster *loggingCluster
	ctx     context.Context
	lines   chan string
	rest    string
	closed  sync.Once
}

func (l *logStream) Read(p []byte) (int, error) {
	if l.rest == "" {
		if l.cluster.flood.Load() {
			if err := l.ctx.Err(); err != nil {
				return 0, err
			}
			l.rest = time.Now().UTC().Format(time.RFC3339Nano) + " " + strings.Repeat("x", 200) + "\n"
		} else {
			select {
			case <-l.ctx.Done():
				return 0, l.ctx.Err()
			case text := <-l.lines:
				l.rest = time.Now().UTC().Format(time.RFC3339Nano) + " " + text + "\n"
			}
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	l.cluster.served.Add(int64(n))
	return n, nil
}

func (l *logStream) Close() error {
	l.closed.Do(func() {
		l.cluster.open.Add(-1)
		l.cluster.mu.Lock()
		delete(l.cluster.logs, l)
		l.cluster.mu.Unlock()
	})
	return nil
}

// say writes a line into every log.
func (c *loggingCluster) say(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.logs {
		l.lines <- text
	}
}

type quietBody struct{ ctx context.Context }

func (q quietBody) Read([]byte) (int, error) { <-q.ctx.Done(); return 0, q.ctx.Err() }
func (quietBody) Close() error               { return nil }

func (c *loggingCluster) RoundTrip(ctx context.Context, s access.Subject, cluster string, r *http.Request, via capability.Via) (*http.Response, error) {
	answer := func(body io.ReadCloser) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, nil
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/log"):
		c.open.Add(1)
		l := &logStream{cluster: c, ctx: ctx, lines: make(chan string, 100)}
		c.mu.Lock()
		c.logs[l] = struct{}{}
		c.mu.Unlock()
		return answer(l)
	case r.URL.Query().Get("watch") != "":
		return answer(quietBody{ctx})
	default:
		return answer(io.NopCloser(strings.NewReader(`{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"web-1","uid":"1"},
			"spec":{"containers":[{"name":"app"}]},"status":{"phase":"Running","containerStatuses":[{"name":"app","containerID":"c1","state":{"running":{}}}]}}]}`)))
	}
}

// newLoggingWorld is a world with the logging extension and a second workspace.
func newLoggingWorld(t testing.TB) (*world, *loggingCluster) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles a second, larger guest")
	}
	w := newWorld(t, nil)
	cluster := &loggingCluster{logs: map[*logStream]struct{}{}}
	w.engine = newEngine(t, capability.NewDoor(cluster, slog.New(slog.DiscardHandler)))
	w.Host = w.host(t, nil)
	w.write(t,
		store.Put(access.WorkspacePrefix+"other", []byte(`{"uid":"w-other","name":"other"}`)),
		store.Put(access.ProjectPrefix+"local/else", []byte(`{"uid":"p-else","name":"else","cluster":"local","workspaceUID":"w-other"}`)))
	w.install(t, loggingPackage(t))
	return w, cluster
}

// Nobody has bound the store: the extension is there, and says so where it matters.
func TestWithoutABindingStoredLinesAreSaidToBeAway(t *testing.T) {
	w, _ := newLoggingWorld(t)
	state, err := w.Get("logging", "en")
	if err != nil || state.Phase != PhaseActive || !slices.Equal(state.Unbound, []string{"store"}) {
		t.Errorf("%+v, %v", state, err)
	}
	w.write(t,
		store.Put(access.WorkspacePrefix+"east", []byte(`{"uid":"weast","name":"east"}`)),
		store.Put(access.ProjectPrefix+"local/store", []byte(`{"uid":"pstore","name":"store","cluster":"local","workspaceUID":"weast"}`)))
	path := "/clusters/local/projects/store/search"
	rec := httptest.NewRecorder()
	w.ServeRoute(rec, httptest.NewRequest("GET", path, nil), admin, "logging", path)
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(rec.Body.String(), "no administrator has bound") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if stats := w.Stats("logging"); stats.Faults > 0 {
		t.Errorf("%+v", stats)
	}
}

// loggingServer serves the extension's routes to whom a header names.
func (w *world) loggingServer(t testing.TB) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		who := map[string]access.Subject{"root": admin, "vera": viewer}[r.Header.Get("X-Test-User")]
		w.ServeRoute(rw, r, who, "logging", r.URL.EscapedPath())
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server
}

func followLogs(t testing.TB, ctx context.Context, server *httptest.Server, who, project string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/clusters/local/projects/"+project+"/logs?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Test-User", who)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		t.Fatalf("%d %s", resp.StatusCode, b)
	}
	return resp
}

func TestTwoHundredFollowersShareOneInstanceOfTheirWorkspace(t *testing.T) {
	w, cluster := newLoggingWorld(t)
	server := w.loggingServer(t)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	const followers = 200
	var readers []*bufio.Reader
	for i := range followers {
		who := []string{"vera", "root"}[i%2]
		readers = append(readers, bufio.NewReader(followLogs(t, ctx, server, who, "demo").Body))
	}
	eventually(t, "every follower has its log", func() bool { return cluster.open.Load() == followers })
	cluster.say("to everybody")
	for i, r := range readers {
		line, err := r.ReadString('\n')
		if err != nil || !strings.Contains(line, `"line":"to everybody"`) || !strings.Contains(line, `"pod":"web-1"`) {
			t.Fatalf("follower %d: %q, %v", i, line, err)
		}
	}
	if s := w.Stats("logging"); s.Instances != 1 || s.Streams != followers {
		t.Errorf("%d followers: %+v", followers, s)
	}
	followLogs(t, ctx, server, "root", "else")
	if s := w.Stats("logging"); s.Instances != 2 {
		t.Errorf("another workspace has %d instances beside the first", s.Instances-1)
	}
	began := time.Now()
	leave()
	eventually(t, "no log of Kubernetes is open", func() bool { return cluster.open.Load() == 0 })
	t.Logf("%d log streams of Kubernetes ended %s after their readers left; memory %d MiB", followers, time.Since(began), w.Stats("logging").Memory>>20)
}

func TestAReaderThatLeavesEndsItsLogStream(t *testing.T) {
	w, cluster := newLoggingWorld(t)
	server := w.loggingServer(t)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	followLogs(t, ctx, server, "vera", "demo")
	eventually(t, "the log is open", func() bool { return cluster.open.Load() == 1 })
	began := time.Now()
	leave()
	eventually(t, "the log is closed", func() bool { return cluster.open.Load() == 0 })
	t.Logf("the log stream of Kubernetes ended %s after its reader left", time.Since(began))
}

func TestAReaderThatDoesNotReadHoldsAtMostItsWindow(t *testing.T) {
	w, cluster := newLoggingWorld(t)
	cluster.flood.Store(true)
	// In this process, so that no buffer of an operating system hides what is held.
	release := make(chan struct{})
	rw := &stuckWriter{header: http.Header{}, stuck: make(chan struct{}), release: release}
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { _ = recover() }() // http.ErrAbortHandler: the answer was cut off
		w.ServeRoute(rw, httptest.NewRequest("GET", "/?follow=true", nil).WithContext(ctx), viewer, "logging", inDemo+"/logs")
	}()
	<-rw.stuck
	// It stands still: what was taken from Kubernetes does not grow any more.
	last, same := int64(-1), 0
	eventually(t, "nothing more is taken from Kubernetes", func() bool {
		if n := cluster.served.Load(); n == last {
			same++
		} else {
			last, same = n, 0
		}
		return same >= 100
	})
	const most = 512 << 10 // two windows of 32 KiB, the merger's queue, and buffers on the way
	if last > most {
		t.Errorf("%d bytes were taken for a client that reads nothing, at most %d may be", last, most)
	}
	t.Logf("%d bytes are held for a client that reads nothing", last)
	leave()
	close(release)
	<-ended
	eventually(t, "the log is closed", func() bool { return cluster.open.Load() == 0 })
}

// stuckWriter is a client that takes the head and nothing else.
type stuckWriter struct {
	header  http.Header
	once    sync.Once
	stuck   chan struct{}
	release <-chan struct{}
}

func (s *stuckWriter) Header() http.Header { return s.header }
func (s *stuckWriter) WriteHeader(int)     {}
func (s *stuckWriter) Flush()              {}
func (s *stuckWriter) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.stuck) })
	<-s.release
	return 0, fmt.Errorf("the client is gone")
}

// The pages of the shipped extension, checked by the rules of its own manifest.
func TestPagesOfTheShippedExtensionPassItsOwnRules(t *testing.T) {
	w, _ := newLoggingWorld(t)
	in := access.Scope{Cluster: "local", Project: "demo"}
	tabs := 0
	for _, c := range w.Contributions(viewer, in, "en") {
		if !c.Allowed || c.Label == "" {
			t.Errorf("%+v", c)
		}
		if c.Fragment == "" {
			continue
		}
		query := "cluster=local&project=demo"
		if c.Match.GVR != "" {
			tabs++
			query += "&name=web-1&gvr=" + string(c.Match.GVR)
		}
		for lang, words := range map[string]string{"en": "Containers", "zh": "容器"} {
			r := httptest.NewRequest("GET", "/?"+query, nil)
			r.Header.Set("Accept-Language", lang)
			rec := httptest.NewRecorder()
			w.ServeFragment(rec, r, viewer, "logging", "/"+c.Fragment)
			if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), words) || strings.Contains(rec.Body.String(), `{"t":`) {
				t.Errorf("%s in %s: %d %s", c.ID, lang, rec.Code, rec.Body)
			}
		}
	}
	if tabs != 5 {
		t.Errorf("%d tabs", tabs)
	}
}
