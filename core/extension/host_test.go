// The host with real parts: a store, an index, the sandbox and a compiled guest.
// Kubernetes alone is a stand-in that writes down what it is asked.
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
	"slices"
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
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(t.Context(), nil, store.Put(key, raw)); err != nil {
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

func TestRemovedExtensionLeavesNothing(t *testing.T) {
	w := newWorld(t, nil)
	before := w.dump(t)
	permissions := w.index.Permissions(admin, access.Scope{Cluster: "local", Project: "demo"})
	w.install(t, samplePackage(t, testManifest))
	if rec := w.get(viewer, inDemo+"/seen"); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if w.dump(t) == before {
		t.Fatal("nothing was installed: the comparison is worth nothing")
	}
	if err := w.Remove(t.Context(), "sample"); err != nil {
		t.Fatal(err)
	}
	if after := w.dump(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if rec := w.get(viewer, inDemo+"/seen"); rec.Code != http.StatusNotFound {
		t.Errorf("its route answers %d", rec.Code)
	}
	if rec := w.fragment(viewer, "/page", "cluster=local&project=demo"); rec.Code != http.StatusNotFound {
		t.Errorf("its fragment answers %d", rec.Code)
	}
	if c := w.Contributions(viewer, access.Scope{Cluster: "local", Project: "demo"}, ""); len(c) != 0 {
		t.Errorf("its contributions are %+v", c)
	}
	if after := w.index.Permissions(admin, access.Scope{Cluster: "local", Project: "demo"}); !slices.Equal(after, permissions) {
		t.Errorf("permissions were %v and are %v", permissions, after)
	}
	if err := w.Remove(t.Context(), "sample"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removing it again: %v", err)
	}
}

func TestInstallationWantsTheConsentOfItsReview(t *testing.T) {
	w := newWorld(t, nil)
	before := w.dump(t)
	pkg := samplePackage(t, testManifest)
	less, err := w.Review(t.Context(), bytes.NewReader(pkg))
	if err != nil {
		t.Fatal(err)
	}
	more := samplePackage(t, strings.Replace(testManifest, "verbs: [get, list]", "verbs: [get, list, delete]", 1))
	for name, consent := range map[string]string{"another package's": less.Consent, "none": "", "made up": "sha256:00"} {
		if _, err := w.Install(t.Context(), bytes.NewReader(more), consent, admin); !errors.Is(err, ErrConsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.dump(t) != before {
		t.Error("a refused installation left something")
	}
}

func TestInstallationNamesWhatIsWrongWithAModule(t *testing.T) {
	w := newWorld(t, nil)
	p, err := Pack(fstest.MapFS{"extension.yaml": {Data: []byte(goodManifest)}}, []byte(emptyModule))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Review(t.Context(), bytes.NewReader(p.Bytes)); !errors.Is(err, sandbox.ErrModule) || !strings.Contains(err.Error(), "atoll_poll") {
		t.Errorf("%v", err)
	}
	old := samplePackage(t, testManifest+"requires: { atoll: \">=0.2\" }\n")
	if _, err := w.Review(t.Context(), bytes.NewReader(old)); !errors.Is(err, ErrRequires) {
		t.Errorf("an Atoll that is too old: %v", err)
	}
}

func TestCodeIsLoadedAtFirstUse(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	w.Contributions(viewer, access.Scope{Cluster: "local", Project: "demo"}, "")
	w.List("")
	w.get(stranger, inDemo+"/seen")
	if s := w.Stats("sample"); s.Loaded || s.Instances != 0 {
		t.Errorf("loaded before anybody used it: %+v", s)
	}
	if rec := w.get(viewer, inDemo+"/seen"); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if s := w.Stats("sample"); !s.Loaded || s.Instances != 1 {
		t.Errorf("after its first request: %+v", s)
	}
}

func TestGuestSeesThePersonAndNoCredential(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	rec := w.get(viewer, inDemo+"/seen?a=1&b=%2F", "Cookie", "atoll_session=secret", "Authorization", "Bearer secret", "X-Atoll-CSRF", "secret",
		"Impersonate-User", "system:admin", "X-Forwarded-For", "10.0.0.1", "Accept-Language", "zh-CN", "If-None-Match", `"x"`)
	var seen struct {
		Header map[string][]string
		Caller map[string]any
		Target string
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &seen); err != nil {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if strings.Contains(rec.Body.String(), "secret") || strings.Contains(rec.Body.String(), "system:admin") || seen.Header["X-Forwarded-For"] != nil {
		t.Errorf("the guest saw %s", rec.Body)
	}
	if seen.Header["If-None-Match"] == nil || seen.Target != inDemo+"/seen?a=1&b=%2F" {
		t.Errorf("%+v", seen)
	}
	for key, want := range map[string]any{
		"User": "vera", "UserUID": "u-vera", "Workspace": "shop", "WorkspaceUID": "w-shop", "Project": "demo", "ProjectUID": "p-demo", "Cluster": "local", "RequestID": "req-1", "Locale": "zh",
	} {
		if seen.Caller[key] != want {
			t.Errorf("%s is %v, want %v", key, seen.Caller[key], want)
		}
	}
}

func TestPersonWithoutThePermissionIsToldWhatIsMissing(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	for _, who := range []access.Subject{stranger, {}} {
		rec := w.get(who, inDemo+"/seen")
		p := problemIn(t, rec)
		if rec.Code != http.StatusForbidden || p.Missing == nil || p.Missing.Permission != "sample/things.view" || p.Missing.Scope != "clusters/local/projects/demo" {
			t.Errorf("%s: %s", who.Name, rec.Body)
		}
	}
	// Whoever may not see a project does not learn whether it is there.
	if rec := w.get(stranger, "/clusters/local/projects/absent/seen"); rec.Code != http.StatusForbidden {
		t.Errorf("a project that is not there: %d", rec.Code)
	}
	if rec := w.get(admin, "/clusters/local/projects/absent/seen"); rec.Code != http.StatusNotFound {
		t.Errorf("for an administrator: %d", rec.Code)
	}
	r := httptest.NewRequest("POST", "/", nil)
	rec := httptest.NewRecorder()
	w.ServeRoute(rec, r, viewer, "sample", inDemo+"/edit")
	if rec.Code != http.StatusForbidden {
		t.Errorf("an item that no role has: %d", rec.Code)
	}
	if rec := w.get(access.Subject{}, "/headers?status=200"); rec.Code != http.StatusForbidden {
		t.Errorf("nobody at a route of the platform: %d", rec.Code)
	}
	post := httptest.NewRequest("POST", "/", strings.NewReader("x"))
	readOnly := viewer
	readOnly.ReadOnly = true
	for who, status := range map[access.Subject]int{viewer: http.StatusOK, readOnly: http.StatusForbidden} {
		rec := httptest.NewRecorder()
		w.ServeRoute(rec, post, who, "sample", "/echo")
		if rec.Code != status {
			t.Errorf("POST with a credential that is read-only %v: %d", who.ReadOnly, rec.Code)
		}
	}
	if rec := w.get(viewer, "/echo"); rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "POST" {
		t.Errorf("another method: %d %v", rec.Code, rec.Header())
	}
}

func TestFaultOfAGuestIsAProblemInTheHostsWords(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	for path, status := range map[string]int{"/die": http.StatusBadGateway, "/panic": http.StatusBadGateway, "/loop": http.StatusGatewayTimeout} {
		rec := w.get(viewer, path)
		p := problemIn(t, rec)
		if rec.Code != status || p.Extension != "sample" || p.Version != "1.0.0" {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		if path != "/panic" && p.Class == "" {
			t.Errorf("%s: no class: %s", path, rec.Body)
		}
		if strings.Contains(p.Title, "script") {
			t.Errorf("%s: the guest's words are the title: %s", path, rec.Body)
		}
	}
	if rec := w.get(viewer, inDemo+"/seen"); rec.Code != http.StatusOK {
		t.Errorf("after its faults: %d %s", rec.Code, rec.Body)
	}
}

func TestAnswersCarryNoHeaderThatGivesPower(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	for _, status := range []int{200, 302, 401, 500} {
		rec := w.get(viewer, fmt.Sprintf("/headers?status=%d", status))
		if rec.Code != status || rec.Header().Get("ETag") != `"1"` {
			t.Errorf("%d %v", rec.Code, rec.Header())
		}
		for name, values := range rec.Header() {
			if slices.Contains(values, "evil") {
				t.Errorf("%d: %s came through", status, name)
			}
		}
	}
}

func TestGuestReachesKubernetesAsThePersonWithinItsManifest(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	rec := w.get(viewer, inDemo+"/kubernetes?path=/api/v1/namespaces/demo/pods")
	if want := "vera local GET /api/v1/namespaces/demo/pods via sample"; rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	for _, path := range []string{"/api/v1/namespaces/demo/secrets", "/api/v1/namespaces/demo/pods?watch=true", "/apis/../api/v1/secrets", "/metrics"} {
		if rec := w.get(viewer, inDemo+"/kubernetes?path="+strings.ReplaceAll(path, "?", "%3F")); rec.Code != http.StatusTeapot {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if n := len(w.kubernetes.asked); n != 1 {
		t.Errorf("Kubernetes was asked %v", w.kubernetes.asked)
	}
}

func TestConsoleReachesKubernetesOnlyWithinTheManifest(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	ask := func(method, path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		w.ServeKubernetes(rec, httptest.NewRequest(method, "/x/sample/-/kubernetes"+path, nil), viewer, "sample", strings.SplitN(path, "?", 2)[0])
		return rec
	}
	rec := ask("GET", "/clusters/local/api/v1/namespaces/demo/pods?limit=5")
	if rec.Code != http.StatusOK || rec.Body.String() != "vera local GET /api/v1/namespaces/demo/pods?limit=5 via sample" || rec.Header().Get("Set-Cookie") != "" {
		t.Errorf("%d %s %v", rec.Code, rec.Body, rec.Header())
	}
	for path, status := range map[string]int{
		"/clusters/local/api/v1/namespaces/demo/secrets":           http.StatusForbidden,
		"/clusters/local/api/v1/namespaces/demo/pods/a/exec":       http.StatusForbidden,
		"/clusters/local/api/v1/namespaces/demo/pods/%2e%2e/x":     http.StatusBadRequest,
		"/clusters/local/api/v1/namespaces/demo/pods?watch=1":      http.StatusForbidden,
		"/clusters/LOCAL%2Fx/api/v1/namespaces/demo/pods":          http.StatusNotFound,
		"/api/v1/namespaces/demo/pods":                             http.StatusNotFound,
		"/clusters/local/api/v1/namespaces/demo/../kube-system/po": http.StatusBadRequest,
	} {
		if rec := ask("GET", path); rec.Code != status {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if rec := ask("DELETE", "/clusters/local/api/v1/namespaces/demo/pods/a"); rec.Code != http.StatusForbidden {
		t.Errorf("DELETE: %d", rec.Code)
	}
}

func TestFragmentsComeCheckedAndForThisPerson(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	rec := w.fragment(viewer, "/page", "cluster=local&project=demo", "Accept-Language", "zh")
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"title":"东西"`) || strings.Contains(rec.Body.String(), "denied") {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	tag := rec.Header().Get("ETag")
	if again := w.fragment(viewer, "/page", "cluster=local&project=demo", "Accept-Language", "zh", "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%d %s", again.Code, again.Body)
	}
	w.kubernetes.deny = true
	if rec := w.fragment(viewer, "/page", "cluster=local&project=demo"); !strings.Contains(rec.Body.String(), `"denied":{"missing":"get pods in demo"}`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	for _, name := range []string{"script", "secrets", "large"} {
		rec := w.fragment(viewer, "/"+name, "cluster=local&project=demo")
		p := problemIn(t, rec)
		if rec.Code != http.StatusBadGateway || len(p.Violations) == 0 || p.Extension != "sample" || p.Violations[0].Rule == "" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	for query, status := range map[string]int{
		"cluster=local&project=demo&name=../x": http.StatusNotFound, "": http.StatusNotFound,
		"project=demo": http.StatusNotFound, "cluster=local&project=absent": http.StatusForbidden,
	} {
		if rec := w.fragment(viewer, "/page", query); rec.Code != status {
			t.Errorf("%q: %d %s", query, rec.Code, rec.Body)
		}
	}
	if rec := w.fragment(viewer, "/undeclared", "cluster=local&project=demo"); rec.Code != http.StatusNotFound {
		t.Errorf("a fragment of no contribution: %d", rec.Code)
	}
	if rec := w.fragment(viewer, "/page-edit", "cluster=local&project=demo"); rec.Code != http.StatusForbidden {
		t.Errorf("a page that needs more: %d", rec.Code)
	}
	if rec := w.fragment(stranger, "/page", "cluster=local&project=demo"); rec.Code != http.StatusForbidden {
		t.Errorf("a stranger: %d", rec.Code)
	}
}

func TestContributionsSayWhatIsMissing(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	in := access.Scope{Cluster: "local", Project: "demo"}
	if all := w.Contributions(viewer, access.Scope{}, ""); len(all) != 0 {
		t.Errorf("on the platform: %+v", all)
	}
	for _, c := range w.Contributions(viewer, in, "zh-Hans-CN, en;q=0.5") {
		if c.ID == "page" && c.Slot == "nav.project" && (c.Label != "东西" || !c.Allowed || c.Title != "样例") {
			t.Errorf("%+v", c)
		}
		if c.ID == "edit" && (c.Allowed || c.Missing != "sample/things.edit in clusters/local/projects/demo") {
			t.Errorf("%+v", c)
		}
	}
	for _, c := range w.Contributions(stranger, in, "") {
		if c.Allowed || c.Missing == "" {
			t.Errorf("a stranger: %+v", c)
		}
	}
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

func TestReplicasFollowTheStore(t *testing.T) {
	w := newWorld(t, nil)
	other := w.host(t, nil)
	changes := other.Watch(t.Context())
	w.install(t, samplePackage(t, testManifest))
	<-changes
	eventually(t, "the other replica has it", func() bool { _, err := other.Get("sample", ""); return err == nil })
	next := samplePackage(t, strings.Replace(testManifest, "version: 1.0.0", "version: 1.0.1", 1))
	w.install(t, next)
	eventually(t, "the other replica has the new version", func() bool { s, err := other.Get("sample", ""); return err == nil && s.Version == "1.0.1" })
	if entries, _ := os.ReadDir(w.packages); len(entries) != 1 {
		t.Errorf("packages: %v", entries)
	}
	if err := w.Remove(t.Context(), "sample"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other replica has lost it", func() bool { _, err := other.Get("sample", ""); return errors.Is(err, ErrNotFound) })
}

func TestShippedExtensionStaysRemovedOnceRemoved(t *testing.T) {
	shipped := fstest.MapFS{"sample.tar": {Data: samplePackage(t, testManifest)}, "README.md": {}}
	w := newWorld(t, shipped)
	if s, err := w.Get("sample", ""); err != nil || !s.Shipped || s.Phase != PhaseActive {
		t.Fatalf("%+v, %v", s, err)
	}
	newer := fstest.MapFS{"sample.tar": {Data: samplePackage(t, strings.Replace(testManifest, "version: 1.0.0", "version: 1.1.0", 1))}}
	second := w.host(t, newer)
	if s, err := second.Get("sample", ""); err != nil || s.Version != "1.1.0" {
		t.Fatalf("a newer binary: %+v, %v", s, err)
	}
	if err := second.Remove(t.Context(), "sample"); err != nil {
		t.Fatal(err)
	}
	if s, err := w.host(t, newer).Get("sample", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("it came back: %+v, %v", s, err)
	}
}

func TestInstallationSurvivesARestart(t *testing.T) {
	w := newWorld(t, nil)
	w.install(t, samplePackage(t, testManifest))
	again := &world{Host: w.host(t, nil)}
	if rec := again.get(viewer, inDemo+"/seen"); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	// A package that was tampered with is not used.
	entries, err := os.ReadDir(w.packages)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	other := samplePackage(t, strings.Replace(testManifest, "version: 1.0.0", "version: 6.6.6", 1))
	if err := os.WriteFile(filepath.Join(w.packages, entries[0].Name()), other, 0o600); err != nil {
		t.Fatal(err)
	}
	tampered := &world{Host: w.host(t, nil)}
	if s, err := tampered.Get("sample", ""); err != nil || s.Phase != PhaseFailed {
		t.Errorf("%+v, %v", s, err)
	}
	if rec := tampered.get(viewer, inDemo+"/seen"); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

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
