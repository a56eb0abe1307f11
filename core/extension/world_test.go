// What tests of the host stand on: a store, an index, the sandbox and a compiled
// guest, all real. Kubernetes alone is a stand-in that writes down what it is
// asked.

package extension

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
	"github.com/atoll-platform/atoll/core/sandbox"
	"github.com/atoll-platform/atoll/core/sandbox/sandboxtest"
	"github.com/atoll-platform/atoll/core/store"
)

// standInKubernetes answers every request with 200 and what it was asked.
type standInKubernetes struct {
	mu    sync.Mutex
	asked []string
	deny  bool // answers of SelfSubjectAccessReview
}

func (k *standInKubernetes) RoundTrip(ctx context.Context, s access.Subject, cluster string, r *http.Request, via capability.Via) (*http.Response, error) {
	line := fmt.Sprintf("%s %s %s %s via %s", s.Name, cluster, r.Method, r.URL.RequestURI(), via.Extension)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, line)
	body := line
	if strings.Contains(r.URL.Path, "selfsubjectaccessreviews") {
		body = fmt.Sprintf(`{"status":{"allowed":%v}}`, !k.deny)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"a=b"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

const testManifest = `apiVersion: atoll.dev/v1
kind: Extension
name: sample
publisher: atoll
version: 1.0.0
title: { en: Sample, zh: 样例 }
description: { en: Sample. }
module: sample.wasm
limits: { cpuPerRequest: 3s, deadline: 20s }
permissions:
  kubernetes:
    - { groups: [""], resources: [pods], verbs: [get, list], reason: { en: Show pods } }
roles:
  - { id: things.view, scope: project, title: { en: View things }, default: [project-viewer] }
  - { id: things.edit, scope: project, title: { en: Edit things } }
routes:
  - { path: "/clusters/{cluster}/projects/{project}/seen", methods: [GET], permission: things.view }
  - { path: "/clusters/{cluster}/projects/{project}/edit", methods: [POST], permission: things.edit }
  - { path: "/clusters/{cluster}/projects/{project}/kubernetes", methods: [GET], permission: things.view }
  - { path: "/clusters/{cluster}/projects/{project}/stream", methods: [GET], permission: things.view, stream: true }
  - { path: /panic, methods: [GET] }
  - { path: /die, methods: [GET] }
  - { path: /loop, methods: [GET] }
  - { path: /headers, methods: [GET] }
  - { path: /echo, methods: [POST] }
ui: ui/contributions.yaml
`

const testContributions = `contributions:
  - { slot: nav.project, id: page, label: { t: title }, route: /page, requires: [{ permission: things.view }] }
  - { slot: page, id: page, route: /page, fragment: page, match: { scope: project } }
  - { slot: page, id: script, route: /script, fragment: script, match: { scope: project } }
  - { slot: page, id: secrets, route: /secrets, fragment: secrets, match: { scope: project } }
  - { slot: page, id: large, route: /large, fragment: large, match: { scope: project } }
  - { slot: page, id: edit, route: /edit, fragment: page-edit, match: { scope: project }, requires: [{ permission: things.edit }] }
`

// samplePackage is the tests' own extension.
func samplePackage(t testing.TB, manifest string) []byte {
	t.Helper()
	return packageWith(t, manifest, sandboxtest.Guest(t, "testdata/guest"))
}

// packageWith is the same with another module.
func packageWith(t testing.TB, manifest string, wasm []byte) []byte {
	t.Helper()
	p, err := Pack(fstest.MapFS{
		"extension.yaml":        {Data: []byte(manifest)},
		"ui/contributions.yaml": {Data: []byte(testContributions)},
		"texts/en.yaml":         {Data: []byte("title: Things\n")},
		"texts/zh.yaml":         {Data: []byte("title: 东西\n")},
	}, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes
}

// world is a store with three people, one workspace and one project, and a host.
type world struct {
	*Host
	store      store.Store
	index      *access.Index
	engine     *sandbox.Engine
	kubernetes *standInKubernetes
	packages   string
}

var (
	admin    = access.Subject{Name: "root", UID: "u-root"}
	viewer   = access.Subject{Name: "vera", UID: "u-vera"}
	stranger = access.Subject{Name: "otto", UID: "u-otto"}
)

func newWorld(t testing.TB, builtin fs.FS) *world {
	t.Helper()
	s, err := store.OpenBolt(filepath.Join(t.TempDir(), "store.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	put := func(key string, v any) {
		if _, err := s.Commit(t.Context(), nil, record(t, key, v)); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range []access.Subject{admin, viewer, stranger} {
		put(access.UserPrefix+u.Name, access.Account{UID: u.UID, Name: u.Name})
	}
	if _, err := access.SetPlatformRoles(t.Context(), s, admin.UID, []string{access.PlatformAdmin}); err != nil {
		t.Fatal(err)
	}
	put(access.WorkspacePrefix+"shop", access.Workspace{UID: "w-shop", Name: "shop"})
	put(access.ProjectPrefix+"local/demo", access.Project{UID: "p-demo", Name: "demo", Cluster: "local", WorkspaceUID: "w-shop"})
	put(access.BindingPrefix+"project/p-demo/"+viewer.UID, access.Binding{UID: "b1", SubjectUID: viewer.UID, Role: access.ProjectViewer, Scope: access.BindingScope{Kind: access.KindProject, UID: "p-demo"}})
	index, err := access.NewIndex(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(index.Close)
	w := &world{store: s, index: index, kubernetes: &standInKubernetes{}, packages: filepath.Join(t.TempDir(), "packages")}
	door := capability.NewDoor(w.kubernetes, slog.New(slog.DiscardHandler))
	w.engine = newEngine(t, door)
	w.Host = w.host(t, builtin)
	return w
}

// cacheDir keeps compiled guests for all tests of this process.
var cacheDir = func() func(testing.TB) string {
	var once sync.Once
	var dir string
	return func(t testing.TB) string {
		once.Do(func() {
			var err error
			if dir, err = os.MkdirTemp("", "atoll-extension-test-"); err != nil {
				t.Fatal(err)
			}
			removeAtExit = append(removeAtExit, dir)
		})
		return dir
	}
}()

var removeAtExit []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range removeAtExit {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// newEngine makes a sandbox with a door to Kubernetes and one to what is bound.
func newEngine(t testing.TB, door *capability.Door, bindings ...capability.Binding) *sandbox.Engine {
	t.Helper()
	upstreams, err := capability.NewUpstreams(bindings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(upstreams.Close)
	engine, err := sandbox.New(t.Context(), sandbox.Options{
		CacheDir: cacheDir(t), Doors: capability.Doors(door.Doors, upstreams.Doors), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(context.Background()) })
	return engine
}

// host makes a further host on the same store.
func (w *world) host(t testing.TB, builtin fs.FS) *Host {
	t.Helper()
	h, err := NewHost(t.Context(), w.store, w.engine, w.index, Options{
		PackagesDir: w.packages, Builtin: builtin, Door: capability.NewDoor(w.kubernetes, slog.New(slog.DiscardHandler)), Version: "0.1.0",
		Logger:    slog.New(slog.DiscardHandler),
		RequestID: func(*http.Request) string { return "req-1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// write writes records, and waits until the index has them.
func (w *world) write(t testing.TB, ops ...store.Op) {
	t.Helper()
	revision, err := w.store.Commit(t.Context(), nil, ops...)
	if err == nil {
		err = w.index.WaitFor(t.Context(), revision)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// record is v, to be written at a key.
func record(t testing.TB, key string, v any) store.Op {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return store.Put(key, raw)
}

// loggingPackage is the shipped extension logging.
func loggingPackage(t testing.TB) []byte {
	t.Helper()
	p, err := Pack(os.DirFS("../../extensions/logging"), sandboxtest.Guest(t, "../../extensions/logging"))
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes
}

func (w *world) install(t testing.TB, pkg []byte) Installation {
	t.Helper()
	r, err := w.Review(t.Context(), bytes.NewReader(pkg))
	if err != nil {
		t.Fatal(err)
	}
	i, err := w.Install(t.Context(), bytes.NewReader(pkg), r.Consent, admin)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

const inDemo = "/clusters/local/projects/demo"

// get asks a route as somebody.
func (w *world) get(s access.Subject, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/x/sample"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeRoute(rec, r, s, "sample", strings.SplitN(path, "?", 2)[0])
	return rec
}

// fragment asks for a fragment as somebody.
func (w *world) fragment(s access.Subject, path, query string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/x/sample/-/fragments"+path+"?"+query, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeFragment(rec, r, s, "sample", path)
	return rec
}

func problemIn(t testing.TB, rec *httptest.ResponseRecorder) (p problem) {
	t.Helper()
	if got := rec.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("%d %s: %s", rec.Code, got, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != rec.Code || p.Title == "" || p.Instance != "req-1" {
		t.Errorf("status %d: %+v", rec.Code, p)
	}
	return p
}

// dump is the store and the packages folder, to be compared.
func (w *world) dump(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := store.Dump(t.Context(), w.store, &b); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(w.packages)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		fmt.Fprintln(&b, e.Name())
	}
	return b.String()
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it did not come about", what)
		}
	}
}
