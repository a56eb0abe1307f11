// From atoll.yaml to a back end: a running Atoll, the shipped extension logging
// and a stand-in for its store.

package server

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-platform/atoll/core/extension"
)

func TestWhatIsBoundInTheConfigurationIsAskedWithItsCredential(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the largest shipped guest")
	}
	tar, err := fs.ReadFile(extension.Builtin(), "logging.tar")
	if err != nil {
		t.Fatalf("the shipped extensions are not built: run `make extensions` (%v)", err)
	}
	asked := make(chan string, 1)
	storage := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		asked <- fmt.Sprintf("%s %s as %s with %s", r.Method, r.RequestURI, user, password)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"hits":{"total":{"value":1,"relation":"eq"},"hits":[{"_source":{"message":"kept"},"sort":[1,"a"]}]}}`)
	}))
	t.Cleanup(storage.Close)
	dir := t.TempDir()
	c := testConfig(t, dir)
	r := startConfig(t, c)
	admin := r.admin()
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "shop"}, 201)
	var review struct{ Consent string }
	reviewed := admin.send("/api/v1/extensions:review", tar)
	reviewed.json(&review)
	if !strings.Contains(string(reviewed.body), "POST /atoll-logs-{workspace}-*/_search") {
		t.Errorf("the review does not say what is asked: %s", reviewed.body)
	}
	if a := admin.send("/api/v1/extensions?consent="+url.QueryEscape(review.Consent), tar); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	unbound := func() (names []string) {
		var state struct{ Unbound []string }
		admin.must("GET", "/api/v1/extensions/logging", nil, 200).json(&state)
		return state.Unbound
	}
	if got := unbound(); !slices.Equal(got, []string{"store"}) {
		t.Errorf("unbound are %q", got)
	}
	const search = "/x/logging/workspaces/shop/search"
	if a := admin.must("GET", search, nil, 503); !strings.Contains(string(a.body), "no administrator has bound") {
		t.Errorf("%s", a.body)
	}

	r.stopAndWait()
	u := Upstream{
		Extension: "logging", Name: "store", URL: storage.URL, Username: "atoll", AllowAddresses: []string{"127.0.0.1"},
		PasswordFile: filepath.Join(dir, "store.password"), CAFile: filepath.Join(dir, "store.crt"),
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: storage.Certificate().Raw})
	for file, text := range map[string][]byte{u.PasswordFile: []byte("open sesame\n"), u.CAFile: ca} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.Upstreams = []Upstream{u}
	r = startConfig(t, c)
	admin = r.admin()
	if got := unbound(); len(got) > 0 {
		t.Errorf("unbound are %q", got)
	}
	var found struct{ Lines []struct{ Line string } }
	if err := json.Unmarshal(admin.must("GET", search, nil, 200).body, &found); err != nil || len(found.Lines) != 1 || found.Lines[0].Line != "kept" {
		t.Errorf("%+v, %v", found, err)
	}
	if got := <-asked; !regexp.MustCompile(`^POST /atoll-logs-[a-z2-7]{26}-\*/_search as atoll with open sesame$`).MatchString(got) {
		t.Errorf("the store was asked %s", got)
	}
	if log := r.log.String(); !strings.Contains(log, "extension asked an upstream") || strings.Contains(log, "open sesame") {
		t.Error("the log lacks the request, or holds the password")
	}
}
