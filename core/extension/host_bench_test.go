// What the host costs: starting with what the binary brings, and a request to a
// warm guest through all of it.
package extension

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/atoll-platform/atoll/core/access"
)

func BenchmarkStartWithAShippedExtension(b *testing.B) {
	shipped := fstest.MapFS{"logging.tar": {Data: loggingPackage(b)}}
	w := newWorld(b, shipped)
	b.ReportAllocs()
	for b.Loop() {
		w.host(b, shipped)
	}
}

func BenchmarkRouteOfAWarmGuest(b *testing.B) {
	w := newWorld(b, nil)
	w.install(b, samplePackage(b, testManifest))
	b.ReportAllocs()
	for b.Loop() {
		if rec := w.get(viewer, "/headers?status=200"); rec.Code != http.StatusOK {
			b.Fatal(rec.Code)
		}
	}
}

func BenchmarkContributions(b *testing.B) {
	w := newWorld(b, nil)
	w.install(b, samplePackage(b, testManifest))
	b.ReportAllocs()
	for b.Loop() {
		if all := w.Contributions(viewer, access.Scope{Cluster: "local", Project: "demo"}, "zh"); len(all) == 0 {
			b.Fatal("nothing")
		}
	}
}

func BenchmarkFragmentForAPerson(b *testing.B) {
	w := newWorld(b, nil)
	w.install(b, samplePackage(b, testManifest))
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		w.ServeFragment(rec, httptest.NewRequest("GET", "/?cluster=local&project=demo", nil), viewer, "sample", "/page")
		if rec.Code != http.StatusOK {
			b.Fatal(rec.Code)
		}
	}
}
