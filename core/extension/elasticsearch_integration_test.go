//go:build integration

// A real Elasticsearch for a test, and a guard in front of it. Needs `make
// build/backends/elasticsearch/start`.
package extension

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/atoll-platform/atoll/core/access"
	"github.com/atoll-platform/atoll/core/capability"
)

// startElasticsearch starts a node that ends with the test, and gives its address.
func startElasticsearch(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs("../../build/backends/elasticsearch/start")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("there is no Elasticsearch: run `make build/backends/elasticsearch/start` (%v)", err)
	}
	folder, err := filepath.Abs("../../build/backends/elasticsearch")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.MkdirTemp(folder, "data-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	cmd := exec.Command(program, data)
	var said bytes.Buffer
	cmd.Stderr = &said
	alive, err := cmd.StdinPipe() // it ends when this does, however we end
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		alive.Close()
		if err := cmd.Wait(); err != nil {
			t.Logf("Elasticsearch ended with %v: %s", err, &said)
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("Elasticsearch did not come up: %v\n%s", err, &said)
	}
	return strings.TrimSpace(address)
}

// guardedElasticsearch stands in front of an Elasticsearch, which has neither
// users nor TLS in its free build: it has both, and writes down what is asked.
type guardedElasticsearch struct {
	*httptest.Server
	user, password string

	mu    sync.Mutex
	asked []string
}

func newGuardedElasticsearch(t *testing.T, address string) *guardedElasticsearch {
	t.Helper()
	behind, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	g := &guardedElasticsearch{user: "user-of-the-store-" + access.NewUID(), password: "password-of-the-store-" + access.NewUID()}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != g.user || password != g.password {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		g.mu.Lock()
		g.asked = append(g.asked, r.Method+" "+r.RequestURI)
		g.mu.Unlock()
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *guardedElasticsearch) binding(extension string) capability.Binding {
	roots := x509.NewCertPool()
	roots.AddCert(g.Certificate())
	return capability.Binding{
		Extension: extension, Name: "store", URL: g.URL, Username: g.user, Password: g.password, RootCAs: roots,
		AllowAddresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}
}

// tell asks the Elasticsearch itself.
func tell(t *testing.T, method, address string, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %.2000s, %v", method, address, resp.StatusCode, answer, err)
	}
	return answer
}
