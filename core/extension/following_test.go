// Answers that go on, and what ends them.

package extension

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/store"
)

// following is a client that follows a stream over a real connection.
func (w *world) following(t *testing.T) (body io.ReadCloser, ended <-chan struct{}) {
	t.Helper()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer close(done)
		w.ServeRoute(rw, r, viewer, "sample", inDemo+"/stream")
	}))
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	line := make([]byte, 6)
	if _, err := io.ReadFull(resp.Body, line); err != nil || string(line) != "first\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return resp.Body, done
}

func TestStreamEndsWhenTheRightIsLost(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	body, ended := w.following(t)
	if _, err := w.store.Commit(t.Context(), nil, store.Delete(access.BindingPrefix+"project/p-demo/"+viewer.UID)); err != nil {
		t.Fatal(err)
	}
	<-ended
	if _, err := io.ReadAll(body); err == nil {
		t.Error("the stream ended as if it were complete")
	}
	eventually(t, "the guest's stream is gone", func() bool { return w.Stats("sample").Streams == 0 })
}

func TestStreamEndsWhenTheExtensionGoes(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	_, ended := w.following(t)
	if err := w.Remove(t.Context(), "sample"); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func TestStreamOfAClientThatLeavesEndsInTheGuest(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	body, ended := w.following(t)
	body.Close()
	<-ended
	eventually(t, "the guest's stream is gone", func() bool { return w.Stats("sample").Streams == 0 })
}
