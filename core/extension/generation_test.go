// An extension that is installed again over itself loses nothing of what is under
// way, and leaves nothing behind.
package extension

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
)

// builds are two versions of one extension whose guests say which they are.
func builds(t testing.TB) (packages [2][]byte) {
	t.Helper()
	wasm := sandboxtest.Guest(t, "testdata/guest")
	for n := range packages {
		module := bytes.ReplaceAll(wasm, []byte("build:1;"), fmt.Appendf(nil, "build:%d;", n+1))
		if n > 0 && bytes.Equal(module, wasm) {
			t.Fatal("both builds are the same")
		}
		manifest := strings.Replace(testManifest, "version: 1.0.0", fmt.Sprintf("version: %d.0.0", n+1), 1)
		// Requests wait while a build is compiled, on a busy machine for long.
		manifest = strings.NewReplacer("deadline: 20s", "deadline: 10m", "routes:\n", "routes:\n  - { path: /framed, methods: [POST] }\n").Replace(manifest)
		packages[n] = packageWith(t, manifest, module)
	}
	return packages
}

// framed asks for what the body is, in the frame of the build that answers.
func (w *world) framed(body io.Reader) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeRoute(rec, httptest.NewRequest("POST", "/x/sample/framed", body), viewer, "sample", "/framed")
	return rec
}

// guestNow is the guest of the version that is active.
func (w *world) guestNow() *sandbox.Guest { return w.current.Load().active["sample"].guest }

// closed tells whether a guest is.
func closed(g *sandbox.Guest) bool { return g.Warm(context.Background()) == sandbox.ErrClosed }

// soon waits until a condition holds.
func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(time.Millisecond) { // the pause between two looks
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes, not yet: %s", what)
		}
	}
}

func TestReloadsLoseNothingThatIsUnderWay(t *testing.T) {
	w := newWorld(t, nil)
	packages := builds(t)
	w.install(t, packages[0])
	var hammers sync.WaitGroup
	stop := make(chan struct{})
	answered := [2]int{}
	var mu sync.Mutex
	for range 2 { // who asks again and again notices nothing of any reload
		hammers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				rec := w.framed(strings.NewReader("x"))
				got := rec.Body.String()
				if rec.Code != http.StatusOK || got != "build:1;xbuild:1;" && got != "build:2;xbuild:2;" {
					t.Errorf("%d %s", rec.Code, got)
					return
				}
				mu.Lock()
				answered[got[6]-'1']++
				mu.Unlock()
			}
		})
	}
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for n := range rounds {
		old := w.guestNow()
		const waiting = 5
		var slow sync.WaitGroup
		var bodies [waiting]*io.PipeWriter
		for k := range bodies {
			from, to := io.Pipe()
			bodies[k] = to
			slow.Go(func() {
				rec := w.framed(from)
				if want := fmt.Sprintf("build:%d;%d%dbuild:%d;", n%2+1, n, k, n%2+1); rec.Code != http.StatusOK || rec.Body.String() != want {
					t.Errorf("across reload %d: %d %s, want %s", n, rec.Code, rec.Body, want)
				}
			})
			if _, err := fmt.Fprint(to, n); err != nil { // the guest has the request: its body is being read
				t.Fatal(err)
			}
		}
		w.install(t, packages[(n+1)%2])
		if s := w.Stats("sample"); !s.Loaded {
			t.Error("the new version was made active before its code was loaded")
		}
		if rec := w.framed(strings.NewReader("")); rec.Body.String() != strings.Repeat(fmt.Sprintf("build:%d;", (n+1)%2+1), 2) {
			t.Errorf("after reload %d: %d %s", n, rec.Code, rec.Body)
		}
		if closed(old) {
			t.Error("the old version was closed under its requests")
		}
		for k, to := range bodies {
			fmt.Fprint(to, k)
			to.Close()
		}
		slow.Wait()
		soon(t, "the old version is gone", func() bool { return closed(old) && !old.Stats().Loaded })
	}
	close(stop)
	hammers.Wait()
	if answered[0] == 0 || answered[1] == 0 {
		t.Errorf("the versions have answered %v", answered)
	}
}

func TestBreakersOfTheOldVersionDoNotHoldTheNewOne(t *testing.T) {
	w := newWorld(t, nil)
	packages := builds(t)
	w.install(t, packages[0])
	var last *httptest.ResponseRecorder
	for range 4 {
		last = w.get(viewer, "/die")
	}
	if p := problemIn(t, last); p.Class != classBreaker || p.Version != "1.0.0" || last.Header().Get("Retry-After") == "" {
		t.Fatalf("%d %s", last.Code, last.Body)
	}
	w.install(t, packages[1])
	if rec := w.framed(strings.NewReader("")); rec.Code != http.StatusOK {
		t.Errorf("the new version: %d %s", rec.Code, rec.Body)
	}
}

// TestReplacedVersionsFollowersEnd has one request follow something for longer
// than a version that was replaced goes on.
func TestReplacedVersionsFollowersEnd(t *testing.T) {
	w := newWorld(t, nil)
	packages := builds(t)
	w.install(t, packages[0])
	a := w.current.Load().active["sample"]
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.ServeRoute(rw, r, viewer, "sample", inDemo+"/stream")
	}))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	line := make([]byte, len("first\n"))
	if _, err := io.ReadFull(response.Body, line); err != nil {
		t.Fatal(err)
	}
	w.install(t, packages[1])
	if a.following.Err() != nil || closed(a.guest) {
		t.Error("the follower was not let go on")
	}
	a.endFollowing() // as when its time is over
	if _, err := response.Body.Read(line); err == nil {
		t.Errorf("it still says %s", line)
	}
	soon(t, "the old version is gone", func() bool { return closed(a.guest) && !a.guest.Stats().Loaded })
}

func TestReloadsLeaveNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process holds is asked of Linux")
	}
	w := newWorld(t, nil)
	var packages [2]*Package
	var installations [2]Installation
	for n, raw := range builds(t) {
		installations[n] = w.install(t, raw)
		var err error
		if packages[n], err = ReadPackage(bytes.NewReader(raw)); err != nil {
			t.Fatal(err)
		}
	}
	reload := func(times int) {
		for n := range times { // what Install does once a package has been read and agreed to
			revision, err := w.commit(t.Context(), packages[n%2], installations[n%2])
			if err == nil {
				err = w.wait(t.Context(), revision)
			}
			if err != nil {
				t.Fatal(err)
			}
			if rec := w.framed(strings.NewReader("x")); rec.Code != http.StatusOK {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
		}
		soon(t, "one version is left", func() bool { return strings.Count(stacks(), "extension.(*active).outlive") == 0 })
	}
	times := 1000
	if testing.Short() {
		times = 50
	}
	reload(10)
	before := holdings(t)
	reload(times)
	after := holdings(t)
	t.Logf("before %d reloads: %+v; after: %+v", times, before, after)
	if after.goroutines > before.goroutines+5 || after.descriptors > before.descriptors+5 || after.resident > before.resident+48<<20 {
		t.Errorf("before %d reloads: %+v; after: %+v", times, before, after)
	}
}

// stacks are those of all goroutines.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

type held struct {
	goroutines, descriptors int
	resident                uint64 // bytes
}

// holdings are what this process has of the system's.
func holdings(t testing.TB) held {
	t.Helper()
	for range 3 { // machine code is freed by finalizers, which run after a collection
		debug.FreeOSMemory()
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return held{runtime.NumGoroutine(), len(entries), pages * uint64(os.Getpagesize())}
}
