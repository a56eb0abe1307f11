// A cluster that does not answer and a token that has run out, as people and
// their programs are told of them.

package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/identity"
	"github.com/atoll-platform/atoll/core/kube"
)

// statusOf is the Status of Kubernetes in an answer.
func statusOf(t *testing.T, a answer) metav1.Status {
	t.Helper()
	var s metav1.Status
	if err := json.Unmarshal(a.body, &s); err != nil || s.Kind != "Status" || int(s.Code) != a.status || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("no Status: %d %s %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	return s
}

func TestAClusterThatIsDownIsToldEverywhere(t *testing.T) {
	u := newUpstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") })
	r := startWith(t, u, nil)
	admin := r.admin()
	ready := func() string {
		a := r.do(nil, "GET", "/readyz", nil, nil)
		if a.status != http.StatusOK {
			t.Errorf("/readyz: %d %s", a.status, a.body)
		}
		return string(a.body)
	}
	if got := ready(); got != "ok\n" {
		t.Errorf("/readyz: %q", got)
	}
	began := time.Now().UTC()
	u.CloseClientConnections()
	u.Close()
	eventually(t, "it is unreachable", func() bool { return r.clusters.List()[0].Phase == kube.PhaseUnreachable })
	if got := ready(); got != "degraded: clusters that are not ready: 1 of 1\n" {
		t.Errorf("/readyz: %q", got)
	}
	var shown struct {
		Phase, Message string
		Since          time.Time
	}
	admin.must("GET", "/api/v1/clusters/local", nil, http.StatusOK).json(&shown)
	if shown.Phase != "Unreachable" || shown.Message != "the API server refuses connections" || shown.Since.Before(began) {
		t.Errorf("%+v", shown)
	}
	for _, path := range []string{"/api/v1/nodes", "/api/v1/namespaces/demo/pods?watch=true", "/api", "/openapi/v3"} {
		a := admin.do("GET", "/clusters/local"+path, nil)
		s := statusOf(t, a)
		if a.status != http.StatusServiceUnavailable || s.Reason != metav1.StatusReasonServiceUnavailable || s.Message != `the cluster "local" does not answer: its API server refuses connections` {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	if strings.Contains(string(admin.do("GET", "/clusters/local/api", nil).body), u.Listener.Addr().String()) {
		t.Error("people are told where the API server is")
	}
	// All but the cluster works on.
	admin.must("POST", "/api/v1/workspaces", map[string]any{"name": "meanwhile"}, http.StatusCreated)
}

func TestWhoseCredentialIsOverIsToldSo(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until a token has run out and is swept")
	}
	r := startWith(t, newUpstream(t, func(w http.ResponseWriter, q *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-q.Context().Done()
	}), nil)
	admin := r.admin()
	u, err := r.identity.GetUser(t.Context(), adminName)
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := r.identity.CreateToken(t.Context(), access.Subject{Name: u.Name, UID: u.UID, Via: access.ViaSession}, identity.NewToken{Name: "short", Lifetime: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{r: r, token: secret}
	watch, err := plainClient.Do(r.request(b, "GET", "/clusters/local/api/v1/namespaces/demo/pods?watch=true", nil, nil))
	if err != nil || watch.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", watch, err)
	}
	defer watch.Body.Close()
	if _, err := io.Copy(io.Discard, watch.Body); err == nil {
		t.Error("the watch ended as if it were complete")
	}
	for path, kubernetes := range map[string]bool{"/clusters/local/api": true, "/api/v1/users/me": false, "/x/none/y": false} {
		a := b.do("GET", path, nil)
		if a.status != http.StatusUnauthorized || !strings.Contains(string(a.body), "expired") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		switch {
		case kubernetes:
			if s := statusOf(t, a); s.Reason != metav1.StatusReasonUnauthorized {
				t.Errorf("%s: %s", path, a.body)
			}
		case a.header.Get("Content-Type") != "application/problem+json":
			t.Errorf("%s: %s", path, a.header.Get("Content-Type"))
		}
	}
	admin.must("DELETE", "/api/v1/sessions/current", nil, http.StatusNoContent)
	if a := admin.do("GET", "/api/v1/users/me", nil); a.status != http.StatusUnauthorized || !strings.Contains(string(a.body), "session is over") {
		t.Errorf("signed out: %d %s", a.status, a.body)
	}
	if a := r.do(nil, "GET", "/api/v1/users/me", nil, nil); a.status != http.StatusUnauthorized || strings.Contains(string(a.body), "over") || strings.Contains(string(a.body), "expired") {
		t.Errorf("nobody: %d %s", a.status, a.body)
	}
}
