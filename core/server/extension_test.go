// An extension in a running Atoll: it comes, is seen by open tabs, answers, and
// goes without a trace. The guest is the real `hello`, compiled here.

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

var helloPackage = sync.OnceValues(func() ([]byte, error) { return packed("..", "..", "extensions", "hello") })

// packed compiles the guest in a folder and packs it.
func packed(folder ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "atoll-guest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	source, module := filepath.Join(folder...), filepath.Join(dir, "guest.wasm")
	c := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", module, ".")
	c.Dir, c.Env = source, append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := c.CombinedOutput(); err != nil {
		return nil, &exec.Error{Name: string(out), Err: err}
	}
	return PackFolder(source, module)
}

func (b *browser) send(path string, tar []byte) answer {
	b.r.t.Helper()
	return b.r.do(b, "POST", path, bytes.NewReader(tar), func(q *http.Request) { q.Header.Set("Content-Type", "application/x-tar") })
}

// dump is everything that the store holds but projects, whose state the
// reconciler writes while it finds no Kubernetes behind the stand-in.
func (r *running) dump() string {
	r.t.Helper()
	var b bytes.Buffer
	if err := store.Dump(context.Background(), r.store, &b); err != nil {
		r.t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "projects/") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestInstalledExtensionComesAndGoes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a guest")
	}
	tar, err := helloPackage()
	if err != nil {
		t.Fatal(err)
	}
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, r *http.Request) {}), nil)
	admin := r.admin()
	jane := admin.user("jane", "platform-member")
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "demo"}, 201)
	admin.must("POST", "/api/v1/clusters/local/projects", map[string]any{"name": "demo", "workspace": "demo"}, 201)
	const route = "/x/hello/clusters/local/projects/demo/greetings"
	admin.must("GET", route, nil, 404)
	tab, _ := admin.tab(nil)
	say(t, tab, map[string]any{"type": "open", "id": 1, "path": "/api/v1/contributions?cluster=local&project=demo&watch=true", "credit": 1 << 20})
	shown := func() []string { // as the open tab has it after the next news
		t.Helper()
		for {
			m, err := hear(t, tab)
			if err != nil {
				t.Fatal(err)
			}
			if m.Type == "data" {
				var line struct {
					Object struct {
						Items []struct{ Extension, Slot, Label string }
					}
				}
				if err := json.Unmarshal([]byte(m.Text), &line); err != nil {
					t.Fatalf("%v in %q", err, m.Text)
				}
				all := []string{}
				for _, i := range line.Object.Items {
					all = append(all, i.Extension+" "+i.Slot)
				}
				return all
			}
		}
	}
	if got := shown(); len(got) != 0 {
		t.Fatalf("the tab shows %v at first", got)
	}
	before := r.dump()

	var review struct {
		Name, Consent string
		Asks          []struct{ Kind, Text string }
	}
	jane.send("/api/v1/extensions:review", tar) // may not
	admin.send("/api/v1/extensions:review", tar).json(&review)
	if review.Name != "hello" || len(review.Asks) == 0 {
		t.Fatalf("%+v", review)
	}
	if r.dump() != before {
		t.Error("the review has changed the store")
	}
	if a := admin.send("/api/v1/extensions?consent=sha256:other", tar); a.status != 409 {
		t.Errorf("another consent: %d %s", a.status, a.body)
	}
	if a := admin.send("/api/v1/extensions", tar); a.status != 422 {
		t.Errorf("no consent: %d %s", a.status, a.body)
	}
	if a := jane.send("/api/v1/extensions?consent="+review.Consent, tar); a.status != 403 {
		t.Errorf("by jane: %d", a.status)
	}
	if a := admin.send("/api/v1/extensions?consent="+review.Consent, tar); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a := admin.must("GET", route, nil, 200)
	if !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") || !json.Valid(a.body) {
		t.Errorf("%v %s", a.header, a.body)
	}
	for got := shown(); !slices.Equal(got, []string{"hello nav.project", "hello page"}) && !slices.Equal(got, []string{"hello page", "hello nav.project"}); got = shown() {
		t.Logf("the tab shows %v", got)
	}
	admin.must("DELETE", "/x/hello/-/kubernetes/clusters/local/api/v1/namespaces/demo/pods/a", nil, 403)
	told := admin.audits("extension=hello&cluster=local&project=demo")
	if len(told) != 1 || told[0].Verb != "delete" || told[0].Target != "/clusters/local/api/v1/namespaces/demo/pods/a" || told[0].Result != "denied" || told[0].Reason == "" ||
		told[0].Version != "0.1.0" || told[0].User != adminName || told[0].Remote == "" || told[0].RequestID == "" || told[0].Workspace != "demo" {
		t.Errorf("what the extension was refused is told as %+v", told)
	}
	if a := admin.must("GET", "/x/hello/-/fragments/greetings?cluster=local&project=demo", nil, 200); !json.Valid(a.body) {
		t.Errorf("%s", a.body)
	}
	if a := admin.must("GET", "/x/hello/-/icon", nil, 200); a.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%v", a.header)
	}
	var denied struct {
		Missing struct{ Permission, Scope string }
	}
	jane.must("GET", route, nil, 403).json(&denied)
	if denied.Missing.Permission == "" || denied.Missing.Scope != "clusters/local/projects/demo" {
		t.Errorf("%+v", denied)
	}
	var used struct {
		Version string
		Total   struct {
			Requests    uint64
			CPUSeconds  float64
			MemoryBytes uint64
		}
		Tenants []struct {
			Workspace string
			Requests  uint64
			Faults    map[string]uint64
		}
	}
	admin.must("GET", "/api/v1/extensions/hello/usage", nil, 200).json(&used)
	if used.Version != "0.1.0" || used.Total.Requests == 0 || used.Total.CPUSeconds <= 0 || used.Total.MemoryBytes == 0 || len(used.Tenants) != 1 ||
		used.Tenants[0].Requests != used.Total.Requests || len(used.Tenants[0].Faults) != 0 {
		t.Fatalf("its usage is %+v", used)
	}
	admin.must("GET", "/api/v1/extensions/none/usage", nil, 404)
	figure := `atoll_extension_cpu_seconds_total{extension="hello",version="0.1.0",workspace="` + used.Tenants[0].Workspace + `"} `
	if a := admin.must("GET", "/metrics", nil, 200); !strings.Contains(string(a.body), figure) {
		t.Error("the figures do not say who used it")
	}
	if a := admin.must("GET", "/metrics", nil, 200); !strings.Contains(string(a.body), `atoll_extension_requests_total{extension="hello"}`) || !strings.Contains(string(a.body), `atoll_extension_breakers_open{extension="hello",version="0.1.0"} 0`) {
		t.Error("the figures do not know the extension")
	}

	admin.must("DELETE", "/api/v1/extensions/hello", nil, 204)
	admin.must("GET", route, nil, 404)
	admin.must("GET", "/x/hello/-/fragments/greetings?cluster=local&project=demo", nil, 404)
	admin.must("DELETE", "/api/v1/extensions/hello", nil, 404)
	for got := shown(); len(got) != 0; got = shown() {
		t.Logf("the tab shows %v", got)
	}
	if after := r.dump(); after != before {
		t.Errorf("the store is not what it was:\n%s\nbefore:\n%s", after, before)
	}
	left, err := filepath.Glob(filepath.Join(r.dir, "packages", "*.tar"))
	if err != nil || len(left) != 0 {
		t.Errorf("packages that stay: %v %v", left, err)
	}
}

func TestGuestSeesNoCredential(t *testing.T) {
	in := &http.Request{Header: http.Header{"Cookie": {"a"}, "Authorization": {"b"}, "X-Atoll-Csrf": {"c"}, "Proxy-Authorization": {"d"}, "Accept": {"e"}}}
	withoutCredentials(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if len(r.Header) != 1 || r.Header.Get("Accept") != "e" {
			t.Errorf("%v", r.Header)
		}
	})).ServeHTTP(nil, in)
	if len(in.Header) != 5 {
		t.Error("the caller's own request was changed")
	}
}
