// The fake door of the tests: an HTTP server that answers as far as this extension
// asks Kubernetes, with real streams behind it. The real one is tested by the
// integration tests.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
)

// fakeDoor carries requests for http://kubernetes to a test server.
type fakeDoor struct {
	address *url.URL
}

func (d fakeDoor) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "http", d.address.Host, d.address.Host
	return http.DefaultTransport.RoundTrip(r)
}

// fakeCluster is what the server behind the fake door knows.
type fakeCluster struct {
	mu       sync.Mutex
	pods     []pod
	version  int
	watchers map[chan []byte]string                        // and their selectors
	logs     map[string]func(w io.Writer, r *http.Request) // by pod/container
	forbid   func(path string) string
	reading  atomic.Int32 // log streams open now
	asked    []string     // queries of logs
}

func newCluster(t *testing.T) (*fakeCluster, *httptest.Server) {
	t.Helper()
	c := &fakeCluster{version: 1, watchers: map[chan []byte]string{}, logs: map[string]func(io.Writer, *http.Request){}}
	kubernetes := httptest.NewServer(c)
	t.Cleanup(kubernetes.Close)
	address, err := url.Parse(kubernetes.URL)
	if err != nil {
		t.Fatal(err)
	}
	extension := httptest.NewServer(handler(fakeDoor{address}, atoll.Caller))
	t.Cleanup(func() {
		extension.CloseClientConnections()
		extension.Close()
		kubernetes.CloseClientConnections()
	})
	return c, extension
}

// newPod is a running pod with containers of these names.
func newPod(name string, containers ...string) pod {
	var p pod
	p.Metadata = metadata{Name: name, UID: "uid-" + name, CreationTimestamp: "2026-01-01T00:00:00Z", Labels: map[string]string{"app": strings.SplitN(name, "-", 2)[0]}}
	p.Status.Phase = "Running"
	for _, c := range containers {
		p.Spec.Containers = append(p.Spec.Containers, containerSpec{c})
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, containerStatus{
			Name: c, ContainerID: "run-1-" + c, Ready: true, State: containerState{Running: &struct{}{}},
		})
	}
	return p
}

// set adds or changes a pod and tells the watchers.
func (c *fakeCluster) set(p pod, kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	p.Metadata.ResourceVersion = fmt.Sprint(c.version)
	c.pods = slices.DeleteFunc(c.pods, func(o pod) bool { return o.Metadata.UID == p.Metadata.UID })
	if kind != "DELETED" {
		c.pods = append(c.pods, p)
	}
	raw, _ := json.Marshal(map[string]any{"type": kind, "object": p})
	for w, selector := range c.watchers {
		if fits(p, selector) {
			w <- append(raw, '\n')
		}
	}
}

func fits(p pod, selector string) bool {
	for s := range strings.SplitSeq(selector, ",") {
		if k, v, ok := strings.Cut(s, "="); ok && p.Metadata.Labels[k] != v {
			return false
		}
	}
	return true
}

func (c *fakeCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.forbid != nil {
		if why := c.forbid(r.URL.Path); why != "" {
			w.WriteHeader(http.StatusForbidden)
			json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "message": why})
			return
		}
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/demo/pods"), "/")
	switch {
	case strings.HasPrefix(r.URL.Path, "/apis/apps/v1/namespaces/demo/deployments/"):
		fmt.Fprintf(w, `{"spec":{"selector":{"matchLabels":{"app":%q}}}}`, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	case len(parts) == 1 && r.URL.Query().Get("watch") == "true":
		c.serveWatch(w, r)
	case len(parts) == 1:
		c.mu.Lock()
		defer c.mu.Unlock()
		list := []pod{}
		for _, p := range c.pods {
			if fits(p, r.URL.Query().Get("labelSelector")) {
				list = append(list, p)
			}
		}
		json.NewEncoder(w).Encode(map[string]any{"kind": "PodList", "metadata": map[string]any{"resourceVersion": fmt.Sprint(c.version)}, "items": list})
	case len(parts) == 3 && parts[2] == "log":
		c.mu.Lock()
		c.asked = append(c.asked, parts[1]+"?"+r.URL.RawQuery)
		serve := c.logs[parts[1]+"/"+r.URL.Query().Get("container")]
		c.mu.Unlock()
		if serve == nil {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"message":"container %s is waiting to start"}`, r.URL.Query().Get("container"))
			return
		}
		c.reading.Add(1)
		defer c.reading.Add(-1)
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		serve(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (c *fakeCluster) serveWatch(w http.ResponseWriter, r *http.Request) {
	events := make(chan []byte, 100)
	c.mu.Lock()
	c.watchers[events] = r.URL.Query().Get("labelSelector")
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.watchers, events)
		c.mu.Unlock()
	}()
	http.NewResponseController(w).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case e := <-events:
			w.Write(e)
			http.NewResponseController(w).Flush()
		}
	}
}

// says is a log that has ended: seconds after the epoch, and text.
func says(lines ...any) func(io.Writer, *http.Request) {
	return func(w io.Writer, _ *http.Request) {
		for i := 0; i < len(lines); i += 2 {
			fmt.Fprintf(w, "%s %s\n", time.Unix(int64(lines[i].(int)), 0).UTC().Format(time.RFC3339Nano), lines[i+1])
		}
	}
}

// growing is a log that goes on with what is sent, until the reader leaves or the
// channel is closed.
func growing(lines <-chan string) func(io.Writer, *http.Request) {
	return func(w io.Writer, r *http.Request) {
		for {
			select {
			case <-r.Context().Done():
				return
			case text, ok := <-lines:
				if !ok {
					return
				}
				fmt.Fprintf(w, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), text)
				http.NewResponseController(w.(http.ResponseWriter)).Flush()
			}
		}
	}
}
