// What the proxy costs beside the request itself, without a real API server;
// the program in bench measures against one.

package kube

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
)

func benchmarkGet(b *testing.B, client *http.Client, url string, header http.Header) {
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequest("GET", url, nil)
		req.Header = header
		res, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
			b.Fatal(res.Status, err)
		}
		res.Body.Close()
	}
}

func BenchmarkGet(b *testing.B) {
	h := newHouse(b)
	answer := []byte(strings.Repeat("x", 4000)) // as a pod
	h.up.mux.HandleFunc("/api/v1/namespaces/alpha/pods/x", func(w http.ResponseWriter, r *http.Request) { w.Write(answer) })
	header := http.Header{"X-Test-Person": {"jane"}, "Accept": {"application/json"}}
	b.Run("direct", func(b *testing.B) { benchmarkGet(b, h.up.Client(), h.up.URL+"/api/v1/namespaces/alpha/pods/x", header) })
	b.Run("proxied", func(b *testing.B) {
		benchmarkGet(b, http.DefaultClient, h.URL+"/clusters/local/api/v1/namespaces/alpha/pods/x", header)
	})
}

// BenchmarkLaw is everything before the wire: path, rights, headers, registry.
func BenchmarkLaw(b *testing.B) {
	law := newPeople()
	l := &live{groups: law.Groups, entries: map[*entry]struct{}{}}
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"kubectl"}, "Authorization": {"Bearer x"}, "Accept-Encoding": {"gzip"}}
	s := access.Subject{Name: "jane", UID: "uid-jane"}
	b.ReportAllocs()
	for b.Loop() {
		t, err := parseTarget("GET", "/api/v1/namespaces/alpha/pods/x", "")
		if err != nil {
			b.Fatal(err)
		}
		groups := law.Groups(s, access.Scope{Cluster: "local", Project: t.namespace})
		out := requestHeader(header)
		if err := callerOf(s, groups).impersonate(out, Via{}); err != nil {
			b.Fatal(err)
		}
		_, _, done := l.begin(b.Context(), nil, &incoming{subject: s}, rights{groups: groups})
		done()
	}
}
