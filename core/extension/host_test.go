// What is installed, removed, shipped and kept; what a guest is given, and what it
// may answer.

package extension

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/sandbox"
)

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
